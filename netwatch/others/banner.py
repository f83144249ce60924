"""What of Shodan's answer about an address do we keep? Pure.

Of each banner its port, its date, and words of ours for what was recognised; of the product a short name and
a version. Never `data`, `html`, a title, a host name or a picture: a banner of an image server or of a web
page may hold patients (promise 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from netwatch.others import MOST_PORTS, likely, listing, moment, port_number, statement, written
from netwatch.plain import discreet, version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from netwatch.model import Fact, Observation
    from netwatch.portset import PortSet

PROBE = "shodan"
MOST_BANNERS = 20_000  # of one answer
UNKNOWN = "unknown"

# Shodan's modules that have a word of ours; the others are `unknown`.
PROTOCOLS = {
    **dict.fromkeys(("http", "https", "http-simple-new", "https-simple-new", "http-check"), "http"),
    **{
        same: same
        for same in (
            "afp", "couchdb", "dicom", "docker", "firebird", "ftp", "imap", "ipp", "iscsi", "ldap",
            "modbus", "mongodb", "mqtt", "mysql", "netbios", "nfs", "ntp", "onvif", "openvpn", "pop3",
            "postgresql", "pptp", "rdp", "redis", "rsync", "sip", "smb", "smtp", "snmp", "ssh", "telnet",
            "tftp", "upnp", "vnc", "winrm", "x11",
        )
    },
    **dict.fromkeys(("dicom-tls", "dicom-ssl"), "dicom"),
    **dict.fromkeys(("dns-tcp", "dns-udp"), "dns"),
    **dict.fromkeys(("elastic", "elasticsearch"), "elasticsearch"),
    **dict.fromkeys(("ike", "ike-nat-t"), "ike"),
    "imap-ssl": "imap",
    **dict.fromkeys(("ldap-tcp", "ldap-udp", "ldaps"), "ldap"),
    "line-printer-daemon": "lpd",
    "mdns": "mdns",
    **dict.fromkeys(("memcache", "memcache-udp", "memcached"), "memcached"),
    **dict.fromkeys(("ms-sql", "mssql"), "mssql"),
    "ms-sql-monitor": "mssql-browser",
    "ms-portmap-tcp": "msrpc",
    "natpmp": "nat-pmp",
    "oracle-tns": "oracle",
    "pop3-ssl": "pop3",
    **dict.fromkeys(("portmap-tcp", "portmap-udp"), "rpcbind"),
    "printer-job-language": "jetdirect",
    "rdpeudp": "rdp",
    **dict.fromkeys(("rtsp", "rtsp-tcp"), "rtsp"),
    "smtps": "smtp",
    **dict.fromkeys(("snmp_v2", "snmp_v3"), "snmp"),
    **dict.fromkeys(("teamviewer", "radmin", "pcanywhere-status", "nomachine"), "remote-control"),
    "telnets": "telnet",
}  # fmt: skip
# Names of programs that have the shape of two words nobody knows, and are nobody's.
PRODUCTS = frozenset({
    "Apache Tomcat/Coyote JSP engine", "Boa HTTPd", "Dropbear sshd", "GoAhead Embedded Web Server",
    "Hikvision IP Camera", "Microsoft HTTPAPI httpd", "Microsoft IIS httpd", "MikroTik bandwidth-test server",
    "Postfix smtpd", "Samba smbd", "lighttpd", "micro_httpd", "mini_httpd", "vsftpd",
})  # fmt: skip
# Tags of theirs that say something, in their own spelling.
TAGS = frozenset({
    "c2", "cdn", "cloud", "compromised", "database", "devops", "doublepulsar", "eol-os", "eol-product",
    "honeypot", "ics", "iot", "malware", "medical", "proxy", "scanner", "self-signed", "starttls", "tor",
    "vpn",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Banner:
    """One banner, reduced. `at`: their date, None where they told none that can be right."""

    port: int
    transport: str
    at: datetime | None
    protocol: str
    facts: Mapping[str, Fact]


def statements(
    document: Mapping[str, Any], address: str, fetched: datetime, only: PortSet | None = None
) -> tuple[Observation, ...]:
    """The newest banner of each port, by port, and behind them how complete the answer was (LISTING).

    `only`: where the address is shared, the ports that are ours. Raises ValueError where it is no answer
    about this address.
    """
    banners = document.get("data", [])
    if not _about(document.get("ip_str"), address) or not isinstance(banners, list):
        raise ValueError(address)
    read = [_banner(one, fetched) for one in banners[:MOST_BANNERS]]
    known = [one for one in read if one is not None]
    cut = len(known) < len(banners)
    told = _numbers(document.get("ports"))
    known += [_unseen(port) for port in told - {one.port for one in known}]
    ours = [one for one in known if only is None or one.port in only]
    neighbours = len(
        {(one.port, one.transport) for one in known} - {(one.port, one.transport) for one in ours}
    )
    newest, oldest = _newest(ours, fetched)
    updated = moment(document.get("last_update"), fetched)
    kept = sorted(newest.values(), key=lambda one: (one.port, one.transport))[:MOST_PORTS]
    seen = [
        statement(
            PROBE,
            address,
            one.port,
            transport=one.transport,
            protocol=one.protocol,
            facts={
                **one.facts,
                "dated": one.at is not None,
                "first_seen_at": _first(oldest.get((one.port, one.transport)), one.at),
            },
            seen_at=one.at or updated or fetched,
            fetched=fetched,
        )
        for one in kept
    ]
    cut = cut or len(kept) < len(newest)
    return (*seen, listing(PROBE, address, len(kept), neighbours, fetched, cut=cut))


def _about(told: object, address: str) -> bool:
    """Is it about this address?"""
    try:
        return isinstance(told, str) and ip_address(told) == ip_address(address)
    except ValueError:
        return False


def _first(oldest: datetime | None, newest: datetime | None) -> str | None:
    """When they saw it first, where they told of more than one time."""
    return written(oldest) if oldest and oldest != newest else None


def _newest(
    banners: Iterable[Banner], fetched: datetime
) -> tuple[dict[tuple[int, str], Banner], dict[tuple[int, str], datetime]]:
    """The newest banner of each (port, transport), and its oldest date. One without a date is the oldest."""
    newest: dict[tuple[int, str], Banner] = {}
    oldest: dict[tuple[int, str], datetime] = {}
    for one in banners:
        key = one.port, one.transport
        if one.at is not None:
            oldest[key] = min(one.at, oldest.get(key, fetched))
        if key not in newest or _later(one, newest[key]):
            newest[key] = one
    return newest, oldest


def _later(one: Banner, other: Banner) -> bool:
    return one.at is not None and (other.at is None or one.at > other.at)


def _banner(told: object, fetched: datetime) -> Banner | None:
    """None where it has no port of a transport that we know."""
    if not isinstance(told, dict):
        return None
    port, transport = port_number(told.get("port")), told.get("transport")
    if port is None or transport not in ("tcp", "udp"):
        return None
    return Banner(
        port,
        str(transport),
        moment(told.get("timestamp"), fetched),
        _protocol(told.get("_shodan")),
        {
            "product": _product(told.get("product")),
            "version": _version(told.get("version")),
            "tls": isinstance(told.get("ssl"), dict),
            "vulns": _count(told.get("vulns")),
            "tags": _tags(told.get("tags")),
            "transport_told": True,
        },
    )


def _unseen(port: int) -> Banner:
    """A port of which they give the number and no banner."""
    return Banner(port, likely(port), None, UNKNOWN, {"transport_told": False})


def _numbers(told: object) -> set[int]:
    ports = map(port_number, told[:65_536] if isinstance(told, list) else ())
    return {port for port in ports if port is not None}


def _protocol(told: object) -> str:
    module = told.get("module") if isinstance(told, dict) else None
    return PROTOCOLS.get(module, UNKNOWN) if isinstance(module, str) else UNKNOWN


def _product(told: object) -> str | None:
    if not isinstance(told, str):
        return None
    return told if told in PRODUCTS else discreet(told, 60)


def _version(told: object) -> str | None:
    return version(told, r"^[vV]?([0-9][0-9A-Za-z.+~_:-]*)") if isinstance(told, str) else None


def _count(told: object) -> int:
    """How many vulnerabilities they name: from versions, and no test of any."""
    return min(len(told), 10_000) if isinstance(told, dict | list) else 0


def _tags(told: object) -> str | None:
    tags = {one for one in told if isinstance(one, str)} & TAGS if isinstance(told, list) else set()
    return ",".join(sorted(tags)) or None
