"""In which form is each value of a site file written? Read here, and told what is right where it is not.

A network that is a string in the file is an IPv4Network afterwards: nothing unparsed goes any further.
Each check raises pydantic's error with the name of a sentence of words/config.*.toml (problem.py).
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    summarize_address_range,
)
from pathlib import Path
from typing import Annotated
from zlib import crc32

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import AfterValidator, BeforeValidator, Strict, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from netwatch.portset import PortSet
from netwatch.problem import shown
from netwatch.window import Window

# RFC 1918, and this machine.
PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8")))
MOST_PORTS = 1000
WIDEST_IPV6 = 48  # bits: a provider gives a customer a /48 at most (RFC 6177)

# RFC 5321 4.1.2 without its quoted forms; a domain has a dot, or is this machine.
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
MAIL_ADDRESS = re.compile(rf"{ATOM}(\.{ATOM})*@(localhost|{LABEL}(\.{LABEL})+)")
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,252})")
PORTS = re.compile(r"([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?", re.ASCII)
TARGET = re.compile(
    r"(?P<user>[A-Za-z0-9_][A-Za-z0-9._-]{0,31})@(?P<host>[A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:]{2,45}\])"
    r"(?::(?P<port>[1-9]\d{0,4}))?",
    re.ASCII,
)
WEB = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9._~/?&=%+-]*)?", re.ASCII)
MACS = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}|([0-9a-f]{2}-){5}[0-9a-f]{2}|([0-9a-f]{4}\.){2}[0-9a-f]{4}")


def wrong(name: str, **details: object) -> PydanticCustomError:
    """The sentence `config.<name>`; `at` is where in the checked value, when not the whole of it."""
    return PydanticCustomError(f"config.{name}", "see words/config.*.toml", details)


def _text(value: object) -> object:
    """No line end can reach a mail's header, and nothing invisible a terminal."""
    if isinstance(value, str):
        if any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in value):
            raise wrong("invisible")
        return value.strip()
    return value


def matching(pattern: str | re.Pattern[str], name: str) -> BeforeValidator:
    """Text of this form; else the sentence `name` says which."""

    def check(value: object) -> object:
        if isinstance(value, str) and not re.fullmatch(pattern, value):
            raise wrong(name)
        return value

    return BeforeValidator(check)


def _network(value: object) -> IPv4Network:
    """`192.168.1.0/24`, or `192.168.1.10` for one device."""
    text = value.strip() if isinstance(value, str) else ""
    try:
        network = IPv4Network(text, strict=False)
    except ValueError:
        raise wrong("ipv6" if ":" in text else "network") from None
    if text.partition("/")[0] != str(network[0]):
        raise wrong("network-bits", right=str(network), one=text.partition("/")[0])
    return network


def _networks(value: object) -> object:
    """`["192.168.1.10", "192.168.1.40-192.168.1.49", "192.168.1.128/25"]` as networks."""
    if not isinstance(value, list):
        return value
    found: list[IPv4Network] = []
    for position, one in enumerate(value):
        first, dash, last = one.partition("-") if isinstance(one, str) else ("", "", "")
        try:
            if dash:
                found += summarize_address_range(IPv4Address(first.strip()), IPv4Address(last.strip()))
            else:
                found.append(_network(one))
        except PydanticCustomError as error:
            details = (error.context or {}) | {"at": (position,), "value": shown(one)}
            raise PydanticCustomError(error.type, error.message_template, details) from None
        except ValueError:
            raise wrong("range", at=(position,), value=shown(one)) from None
    return found


def _span(value: object) -> object:
    """`192.168.1.128/25`, or `192.168.1.100-192.168.1.199`, as networks."""
    try:
        return _networks([value])
    except PydanticCustomError as error:  # the place in a list is none of the reader's
        kept = {key: told for key, told in (error.context or {}).items() if key != "at"}
        raise PydanticCustomError(error.type, error.message_template, kept) from None


def _mark(value: object) -> object:
    """An address, or a network card."""
    text = value.strip().lower() if isinstance(value, str) else ""
    try:
        return str(IPv4Address(text))
    except ValueError:
        if not MACS.fullmatch(text):
            raise wrong("mark") from None
    return _mac(text)


def _hours(value: object) -> Window:
    try:
        return Window.parse(value if isinstance(value, str) else "")
    except ValueError:
        raise wrong("hours") from None


def _private(network: IPv4Network) -> IPv4Network:
    if not any(network.subnet_of(allowed) for allowed in PRIVATE):
        raise wrong("not-private")
    return network


def _public(value: object) -> IPv4Address | IPv6Address:
    try:
        address = ip_address(value.strip() if isinstance(value, str) else "")
    except ValueError:
        raise wrong("public-address") from None
    if not address.is_global or address.is_multicast:
        raise wrong("not-public")
    return address


def _gateway(value: object) -> IPv4Address:
    try:
        address = IPv4Address(value.strip() if isinstance(value, str) else "")
        _private(IPv4Network(address))
    except ValueError:
        raise wrong("gateway") from None
    return address


def _mac(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not MACS.fullmatch(value.strip().lower()):
        raise wrong("mac")
    digits = re.sub("[^0-9a-f]", "", value.lower())
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2))


def _ports(value: object) -> object:
    """`[9100, "6000-6100"]` as numbers, in order."""
    if not isinstance(value, list):
        return value
    if len(value) > MOST_PORTS:
        raise wrong("too-many", limit=MOST_PORTS)
    ports: set[int] = set()
    for position, one in enumerate(value):
        found = PORTS.fullmatch(shown(one))
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not 1 <= first <= last <= 65_535:  # noqa: PLR2004 - the last port there is
            raise wrong("port", at=(position,), value=shown(one))
        ports.update(range(first, last + 1))
    return sorted(ports)


def _day(value: object) -> date:
    """A TOML date, or the same as text. A moment, or a number, is not a day."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    text = value.strip() if isinstance(value, str) else ""
    try:
        return date.fromisoformat(text if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) else "")
    except ValueError:
        raise wrong("date") from None


def _beside(value: object, info: ValidationInfo) -> Path:
    """A relative path starts at the site file, wherever the scan is started."""
    text = _text(value)
    if not isinstance(text, str):
        raise wrong("text")
    try:
        return Path((info.context or {}).get("folder", ""), Path(text).expanduser())
    except RuntimeError:  # ~somebody who does not exist
        raise wrong("path") from None


def _range(value: object) -> PortSet:
    """`16384-32767`, or several ranges with commas."""
    text = value.replace(" ", "") if isinstance(value, str) else ""
    ports = PortSet()
    for part in text.split(","):
        found = PORTS.fullmatch(part)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not 1 <= first <= last <= 65_535:  # noqa: PLR2004 - the last port there is
            raise wrong("port-range")
        ports |= PortSet.parse(f"{first}-{last}")
    return ports


def _ipv6(value: object) -> IPv6Network:
    """`2a01:e0a:1:2::/64`: global, and no larger than what one practice is given."""
    text = value.strip() if isinstance(value, str) else ""
    try:
        network = IPv6Network(text)
    except ValueError:
        raise wrong("ipv6-network") from None
    if not network.is_global or network.is_multicast:
        raise wrong("ipv6-not-global")
    if network.prefixlen < WIDEST_IPV6:
        raise wrong("ipv6-too-wide", limit=WIDEST_IPV6)
    return network


def _target(value: object) -> object:
    """`user@host` or `user@host:2222`; an IPv6 address stands in brackets."""
    if not isinstance(value, str) or not TARGET.fullmatch(value):
        raise wrong("ssh-target")
    if (port := TARGET.fullmatch(value)["port"]) and not 1 <= int(port) <= 65_535:  # type: ignore[index] # noqa: PLR2004
        raise wrong("ssh-target")
    return value


def _web(value: object) -> object:
    """The address of a page: http or https, no login in it, nothing invisible."""
    if not isinstance(value, str) or not WEB.fullmatch(value):
        raise wrong("web-address")
    return value


def slugify(name: str) -> str:
    """`Cabinet du Dr Lebœuf` as `cabinet-du-dr-leboeuf`; never empty."""
    plain = unicodedata.normalize("NFKD", name.lower().replace("œ", "oe").replace("æ", "ae"))
    slug = re.sub("[^a-z0-9]+", "-", plain.encode("ascii", "ignore").decode()).strip("-")[:60].strip("-")
    return slug or f"site-{crc32(name.encode('utf-8', 'replace')):08x}"


Flag = Annotated[bool, Strict()]
Phrase = Annotated[str, MinLen(1), MaxLen(200), BeforeValidator(_text)]
Slug = Annotated[str, matching("[a-z0-9-]{1,60}", "slug")]
Mailbox = Annotated[str, MaxLen(254), matching(MAIL_ADDRESS, "mail-address")]
Day = Annotated[date, BeforeValidator(_day)]
NetworkList = Annotated[tuple[IPv4Network, ...], BeforeValidator(_networks)]
Span = Annotated[tuple[IPv4Network, ...], BeforeValidator(_span), WithJsonSchema({"type": "string"})]
Mark = Annotated[str, BeforeValidator(_mark)]
Hours = Annotated[Window, BeforeValidator(_hours)]
OwnNetwork = Annotated[IPv4Network, BeforeValidator(_network), AfterValidator(_private)]
Gateway = Annotated[IPv4Address, BeforeValidator(_gateway)]
Public = Annotated[IPv4Address | IPv6Address, BeforeValidator(_public)]
OwnIpv6 = Annotated[IPv6Network, BeforeValidator(_ipv6)]
Range = Annotated[PortSet, BeforeValidator(_range), WithJsonSchema({"type": "string"})]
Target = Annotated[str, BeforeValidator(_target)]
Web = Annotated[str, MaxLen(300), BeforeValidator(_web)]
Fingerprint = Annotated[str, matching(r"SHA256:[A-Za-z0-9+/]{43}", "fingerprint")]
Mac = Annotated[str, BeforeValidator(_mac)]
Ports = Annotated[frozenset[int], BeforeValidator(_ports)]
FewPorts = Annotated[tuple[int, ...], BeforeValidator(_ports), MaxLen(MOST_PORTS)]
Port = Annotated[int, Strict(), Ge(1), Le(65_535)]
Host = Annotated[str, matching(HOST, "host")]
Variable = Annotated[str, matching("[A-Za-z_][A-Za-z0-9_]{0,99}", "variable")]
Credential = Annotated[str, matching(r"(?!\.)[A-Za-z0-9._-]{1,200}", "credential")]
SecretFile = Annotated[Path, BeforeValidator(_beside)]
