"""Is each of the lab's servers what doors.py says it is? Asked with other people's tools, or in raw bytes."""

from __future__ import annotations

import struct
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.lab import data_doors as data
from tests.lab import device_doors as devices
from tests.lab import doors
from tests.lab.net import Host, Lab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.lab

# What is sent, piece by piece, and all that comes back until half a second is quiet.
ASK = """\
import socket, sys
address, port, *pieces = sys.argv[1:]
with socket.create_connection((address, int(port)), timeout=5) as peer:
    peer.settimeout(0.5)
    for piece in pieces:
        peer.sendall(bytes.fromhex(piece))
        try:
            while came := peer.recv(65536):
                print(came.hex())
        except (TimeoutError, ConnectionResetError):
            pass
"""
ASK_DATAGRAM = """\
import socket, sys
address, port, piece = sys.argv[1:]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
    peer.settimeout(2)
    peer.sendto(bytes.fromhex(piece), (address, int(port)))
    print(peer.recv(65536).hex())
"""


def ask(host: Host, port: int, *pieces: bytes) -> bytes:
    """What the server answers to these bytes, seen from the scanner."""
    words = [host.address, str(port), *(piece.hex() for piece in pieces or (b"",))]
    return bytes.fromhex(host.lab.run([sys.executable, "-c", ASK, *words]).stdout)


def ask_datagram(host: Host, port: int, piece: bytes) -> bytes:
    """The first datagram that comes back."""
    done = host.lab.run([sys.executable, "-c", ASK_DATAGRAM, host.address, str(port), piece.hex()])
    return bytes.fromhex(done.stdout)


def tool(host: Host, *argv: str, stdin: str | None = None) -> str:
    """What a program of the lab's root says, run where the scanner is."""
    done = host.lab.run(argv, root=True, env={"HOME": "/tmp", "LC_ALL": "C"}, stdin=stdin)  # noqa: S108
    return done.stdout + done.stderr


def desktops(host: Host) -> None:
    doors.xrdp(host)
    doors.xrdp(host, 3390, security="tls")
    doors.xrdp(host, 3391, security="rdp")
    doors.shadow(host, 3392)
    doors.shadow(host, 3393, security="tls")
    doors.shadow(host, 3394, security="rdp")
    doors.vnc(host)
    doors.vnc(host, 5901, password="not-a-secret")
    doors.x11(host)
    doors.x11(host, 6001, closed=True)


def shells(host: Host) -> None:
    doors.openssh(host)
    doors.openssh(host, 2222, passwords=False)
    doors.dropbear(host, 2223)
    doors.telnet(host)


def shares(host: Host) -> None:
    data.samba(host, oldest="NT1")
    data.samba(host, 139, oldest="NT1")
    data.samba(host, 446, oldest="SMB3_00", signing="mandatory")
    data.samba(host, 447, guest="listing")
    data.samba(host, 448, guest=True)
    data.netbios(host)
    data.impacket(host, 1445)
    data.impacket(host, 1446, modern=False)
    data.impacket(host, 1447, password="not-a-secret")


def transfers(host: Host) -> None:
    data.ftp(host)
    data.ftp(host, 2121, anonymous=True)
    data.ftp(host, 2122, tls=True)
    data.tftp(host)
    data.rsync(host)
    data.nfs(host)
    data.iscsi(host)


def databases(host: Host) -> None:
    data.redis(host)
    data.redis(host, 6380, password="not-a-secret")
    data.redis(host, 6381, protected=True)
    data.postgresql(host)
    data.postgresql(host, 5433, method="trust")
    data.mariadb(host)
    data.mariadb(host, 3307, password="not-a-secret")
    data.memcached(host)
    data.firebird(host)


def boxes(host: Host) -> None:
    devices.snmp(host)
    devices.snmp(host, 1161, community="cabinet")
    devices.printer(host)
    devices.sip(host)
    devices.rtsp(host)
    devices.rtsp(host, 8555, password="not-a-secret")
    devices.web(host)
    devices.web(host, 443, tls="modern")
    devices.web(host, 444, tls="old", days=-3)


@pytest.fixture(scope="module")
def street() -> Iterator[dict[str, Host]]:
    """One host for each subject, with all its servers."""
    rows: tuple[Callable[[Host], None], ...] = (desktops, shells, shares, transfers, databases, boxes)
    with Lab() as lab, ThreadPoolExecutor() as movers:
        hosts = [
            lab.host(row.__name__, f"10.77.0.{last}", f"02:77:00:00:00:{last}")
            for last, row in enumerate(rows, 40)
        ]
        for moved in [movers.submit(row, host) for row, host in zip(rows, hosts, strict=True)]:
            moved.result()
        yield {host.name: host for host in hosts}


# MS-RDPBCGR 2.2.1.1: may I have TLS or CredSSP? / may I have neither?
RDP_MODERN = bytes.fromhex("030000130ee000000000000100080003000000")
RDP_OLD = bytes.fromhex("030000130ee000000000000100080000000000")


@pytest.mark.parametrize(
    ("port", "modern", "old"),
    [
        (3389, "0201080001000000", "0201080000000000"),  # TLS to who can, and RDP's own to who cannot
        (3390, "0201080001000000", "0300080001000000"),  # to who cannot: SSL_REQUIRED_BY_SERVER
        (3391, "0201080000000000", "0201080000000000"),
        (3392, "0203080002000000", "0300080005000000"),  # CredSSP, else HYBRID_REQUIRED_BY_SERVER
        (3393, "0203080001000000", "0300080001000000"),
        (3394, "0300080002000000", "0203080000000000"),  # to who wants more: SSL_NOT_ALLOWED_BY_SERVER
    ],
    ids=["negotiate", "tls", "rdp", "shadow-nla", "shadow-tls", "shadow-rdp"],
)
def test_a_desktop_confirms_the_security_it_was_started_with(
    street: dict[str, Host], port: int, modern: str, old: str
) -> None:
    assert ask(street["desktops"], port, RDP_MODERN)[11:19].hex() == modern
    assert ask(street["desktops"], port, RDP_OLD)[11:19].hex() == old


def test_vnc_lets_everybody_in_or_asks_for_the_password(street: dict[str, Host]) -> None:
    assert ask(street["desktops"], 5900, b"RFB 003.008\n") == b"RFB 003.008\n\x01\x01"
    assert ask(street["desktops"], 5901, b"RFB 003.008\n") == b"RFB 003.008\n\x01\x02"


def test_an_open_x_server_says_yes_and_a_closed_one_says_no(street: dict[str, Host]) -> None:
    hello = struct.pack("<BxHHHH2x", ord("l"), 11, 0, 0, 0)
    assert ask(street["desktops"], 6000, hello)[:4] == b"\x01\x00\x0b\x00"
    refusal = ask(street["desktops"], 6001, hello)
    assert refusal[:1] == b"\x00"
    assert b"Authorization required" in refusal


@pytest.mark.parametrize(
    ("port", "greeting", "methods"),
    [
        (22, b"SSH-2.0-OpenSSH_9.2p1", "(publickey,password,keyboard-interactive)"),
        (2222, b"SSH-2.0-OpenSSH_9.2p1", "(publickey)"),
        (2223, b"SSH-2.0-dropbear_2022.83", "(publickey,password)"),
    ],
)
def test_an_ssh_server_says_what_it_takes(
    street: dict[str, Host], port: int, greeting: bytes, methods: str
) -> None:
    assert ask(street["shells"], port).startswith(greeting)
    options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "PreferredAuthentications=none")
    words = [word for option in options for word in ("-o", option)]
    said = tool(street["shells"], "/usr/bin/ssh", *words, "-p", str(port), f"root@{street['shells'].address}")
    assert f"Permission denied {methods}" in said


def test_telnet_negotiates_and_then_asks_for_a_name(street: dict[str, Host]) -> None:
    # RFC 854: no to its first questions, and no to those that follow
    said = ask(street["shells"], 23, NO_ENVIRONMENT, NO_TERMINAL)
    assert said.startswith(b"\xff")
    assert b"cabinet login: " in said


NO_ENVIRONMENT = bytes.fromhex("fffe25fffe26fffc18fffc20fffc23fffc27fffc24")
NO_TERMINAL = bytes.fromhex("fffe03fffc01fffc22fffc1ffffe05fffc21")

# MS-CIFS 2.2.4.52: NT LM 0.12; MS-SMB2 2.2.3: 2.0.2, 2.1, 3.0 and 3.0.2
SMB1 = b"\0\0\0\x2f\xffSMBr" + bytes(4) + b"\x18\x01\x28" + bytes(20) + b"\0\x0c\0\x02NT LM 0.12\0"
_DIALECTS = struct.pack("<HHHHI16sQ4H", 36, 4, 1, 0, 0, bytes(16), 0, 0x202, 0x210, 0x300, 0x302)
SMB2 = b"\0\0\0\x6c\xfeSMB\x40\0" + bytes(58) + _DIALECTS
YES_TO_SMB1 = b"\xffSMBr" + bytes(4)
YES_TO_SMB2 = b"\xfeSMB\x40\0" + bytes(6)


@pytest.mark.parametrize(
    ("port", "old", "dialect", "signing"),
    [
        (445, True, 0x302, 1),
        (139, True, 0x302, 1),
        (446, False, 0x302, 3),  # signing enabled and required
        (447, False, 0x302, 1),
        (1445, True, 0x202, 1),
        (1446, True, None, 1),
    ],
    ids=["NT1", "NT1-139", "SMB3-signed", "SMB2", "impacket", "impacket-SMB1"],
)
def test_an_smb_server_speaks_the_versions_it_was_started_with(
    street: dict[str, Host], port: int, *, old: bool, dialect: int | None, signing: int
) -> None:
    said = ask(street["shares"], port, SMB1)[4:]
    assert (said.startswith(YES_TO_SMB1) and said[33:35] != b"\xff\xff") == old
    said = ask(street["shares"], port, SMB2)[4:]
    assert said.startswith(YES_TO_SMB2) == (dialect is not None)
    if dialect is not None:
        assert struct.unpack_from("<HHH", said, 64) == (65, signing, dialect)


def told(host: Host, port: int, *options: str) -> str:
    """What smbclient is told about a server's shares."""
    return tool(host, "/usr/bin/smbclient", "-L", host.address, "-p", str(port), *options)


ANONYMOUS, STRANGER = ("-N",), ("-U", "stranger%wrong")


def test_samba_lets_guests_in_or_not_as_it_was_started(street: dict[str, Host]) -> None:
    host = street["shares"]
    assert "tree connect failed: NT_STATUS_ACCESS_DENIED" in told(host, 446, *ANONYMOUS)
    assert "NT_STATUS_LOGON_FAILURE" in told(host, 446, *STRANGER)
    assert "images" in told(host, 447, *ANONYMOUS)
    assert "NT_STATUS_LOGON_FAILURE" in told(host, 447, *STRANGER)
    assert "images" in told(host, 448, *ANONYMOUS)
    assert "scans" in told(host, 448, *STRANGER)
    look = ("-N", "-c", "ls")
    assert "blocks of size" in tool(
        host, "/usr/bin/smbclient", f"//{host.address}/images", "-p", "448", *look
    )
    assert "NT_STATUS_ACCESS_DENIED" in tool(
        host, "/usr/bin/smbclient", f"//{host.address}/images", "-p", "447", *look
    )


def test_impacket_lets_everybody_in_unless_it_has_a_password(street: dict[str, Host]) -> None:
    host = street["shares"]
    assert "IMAGES" in told(host, 1445, *ANONYMOUS)
    assert "IMAGES" in told(host, 1445, *STRANGER)
    assert "NT_STATUS_ACCESS_DENIED" in told(host, 1447, *ANONYMOUS)
    assert "NT_STATUS_LOGON_FAILURE" in told(host, 1447, *STRANGER)
    assert "IMAGES" in told(host, 1447, "-U", "doctor%not-a-secret")


def test_netbios_says_the_name_of_the_host(street: dict[str, Host]) -> None:
    said = tool(street["shares"], "/usr/bin/nmblookup", "-A", street["shares"].address)
    assert "CABINET         <20>" in said


def test_ftp_lets_the_anonymous_in_or_not_and_offers_tls_or_not(street: dict[str, Host]) -> None:
    anonymous = (b"FEAT\r\n", b"USER anonymous\r\n", b"PASS scan@example.org\r\n")
    said = ask(street["transfers"], 21, *anonymous)
    assert said.startswith(b"220 (vsFTPd 3.0.3)")
    assert b"\n331 " in said
    assert b"\n230 " not in said
    assert b"AUTH TLS" not in said
    assert b"\n230 " in ask(street["transfers"], 2121, *anonymous)
    said = ask(street["transfers"], 2122, b"FEAT\r\n", b"AUTH TLS\r\n")
    assert b"\n AUTH TLS" in said
    assert b"\n234 " in said
    said = ask(street["transfers"], 2122, b"USER doctor\r\n")
    assert b"\n530 Non-anonymous sessions must use encryption." in said


def test_tftp_gives_its_file_and_no_other(street: dict[str, Host]) -> None:
    def get(name: bytes) -> bytes:
        return ask_datagram(street["transfers"], 69, b"\0\1" + name + b"\0octet\0")

    assert get(b"config.txt") == b"\0\3\0\1not a secret\n"
    assert get(b"other.txt")[:4] == b"\0\5\0\1"


def test_rsync_names_its_modules_and_opens_one(street: dict[str, Host]) -> None:
    place = f"rsync://{street['transfers'].address}"
    said = tool(street["transfers"], "/usr/bin/rsync", f"{place}/")
    assert [row.split()[0] for row in said.splitlines() if row.strip()] == ["images", "letters"]
    assert "@ERROR" not in tool(street["transfers"], "/usr/bin/rsync", f"{place}/images/")
    wanted = ask(street["transfers"], 873, b"@RSYNCD: 31.0\n", b"letters\n")
    assert b"@RSYNCD: AUTHREQD " in wanted


def test_nfs_exports_one_folder_to_everyone(street: dict[str, Host]) -> None:
    said = tool(street["transfers"], "/usr/bin/rpcinfo", "-p", street["transfers"].address)
    assert {"portmapper", "mountd", "nfs"} <= {row.split()[-1] for row in said.splitlines() if row.strip()}
    said = tool(street["transfers"], "/usr/sbin/showmount", "-e", street["transfers"].address)
    assert "/images (everyone)" in said


def test_iscsi_names_its_target_to_who_asks(street: dict[str, Host]) -> None:
    """RFC 7143 11.12 and 11.10. tgtd wants an ISID that is not zero."""

    def pdu(opcode: int, flags: int, fields: bytes, *keys: str) -> bytes:
        text = "".join(f"{key}\0" for key in keys).encode()
        return struct.pack(">BBxxI", opcode, flags, len(text)) + fields + text + bytes(-len(text) % 4)

    who = ("InitiatorName=iqn.2020-01.example:scanner", "SessionType=Discovery")
    login = pdu(0x43, 0x87, struct.pack(">6sHIIII16x", b"\x80netwa", 0, 1, 0, 1, 0), *who)
    question = pdu(0x44, 0x80, struct.pack(">8xIIII16x", 2, 0xFFFFFFFF, 1, 1), "SendTargets=All")
    said = ask(street["transfers"], 3260, login, question)
    assert said[0] == 0x23
    assert said[36:38] == b"\0\0"
    assert f"TargetName={data.TARGET}".encode() in said


def test_redis_answers_or_asks_for_the_password_or_turns_away(street: dict[str, Host]) -> None:
    def info(port: int, *options: str) -> str:
        address = ("-h", street["databases"].address, "-p", str(port))
        return tool(street["databases"], "/usr/bin/redis-cli", *address, *options, "info", "server")

    assert "redis_version:7.0.15" in info(6379)
    assert info(6380).startswith("NOAUTH")
    assert "redis_version" in info(6380, "-a", "not-a-secret")
    assert info(6381).startswith("DENIED")


def test_postgresql_asks_for_scram_or_for_nothing(street: dict[str, Host]) -> None:
    def psql(port: int) -> str:
        address = ("-h", street["databases"].address, "-p", str(port), "-U", "postgres", "-w")
        question = ("-Atc", "select 6 * 7")
        return tool(street["databases"], "/usr/lib/postgresql/15/bin/psql", *address, *question)

    assert "no password supplied" in psql(5432)
    assert psql(5433) == "42\n"
    user = b"\0\0\0\x17\0\3\0\0user\0postgres\0\0"
    assert b"SCRAM-SHA-256" in ask(street["databases"], 5432, user)


def test_mariadb_greets_and_takes_a_root_without_a_password_or_not(street: dict[str, Host]) -> None:
    # protocol 4.1 with mysql_native_password, and an empty answer to the challenge
    root = struct.pack("<IIB23x", 0x81A200, 1 << 24, 33) + b"root\0\0mysql_native_password\0"
    root = struct.pack("<I", len(root) | 1 << 24) + root
    said = ask(street["databases"], 3306, root)
    assert said[4:15] == b"\x0a5.5.5-10.1"
    greeting = int.from_bytes(said[:3], "little") + 4
    assert said[greeting + 4] == 0x00  # OK
    assert b"Access denied for user 'root'" in ask(street["databases"], 3307, root)


def test_memcached_answers_everybody(street: dict[str, Host]) -> None:
    assert ask(street["databases"], 11211, b"version\r\n") == b"VERSION 1.6.18\r\n"


def test_firebird_answers_a_connection_in_its_own_protocol(street: dict[str, Host]) -> None:
    # op_connect for an attachment to `x`, in protocol 13 only
    hello = struct.pack(">5I4s6I", 1, 19, 3, 1, 1, b"x", 1, 0, 0x800D, 1, 0, 5) + struct.pack(">I", 2)
    assert ask(street["databases"], 3050, hello)[:4] == struct.pack(">I", 92)  # op_cont_auth
    hello = hello.replace(struct.pack(">I", 0x800D), struct.pack(">I", 10))
    assert ask(street["databases"], 3050, hello) == struct.pack(">I", 4)  # op_reject


def test_snmp_answers_who_knows_the_community_and_no_other(street: dict[str, Host]) -> None:
    def where(port: int, community: str) -> str:
        flags = ("-v2c", "-r0", "-t1", "-Oqv", "-c", community, f"{street['boxes'].address}:{port}")
        return tool(street["boxes"], "/usr/bin/snmpget", *flags, "1.3.6.1.2.1.1.6.0")

    assert "Salle 2" in where(161, "public")
    assert "Timeout" in where(161, "cabinet")
    assert "Salle 2" in where(1161, "cabinet")
    assert "Timeout" in where(1161, "public")


def test_the_printer_speaks_ipp(street: dict[str, Host]) -> None:
    place = f"ipp://{street['boxes'].address}:631/ipp/print"
    said = tool(street["boxes"], "/usr/bin/ipptool", "-tv", place, "get-printer-attributes.test")
    assert "printer-make-and-model (textWithoutLanguage) = Cabinet P1" in said
    assert "[PASS]" in said


def test_sip_answers_options_over_both_transports(street: dict[str, Host]) -> None:
    def options(transport: str) -> bytes:
        return (
            f"OPTIONS sip:{street['boxes'].address} SIP/2.0\r\n"
            f"Via: SIP/2.0/{transport} 10.77.0.2;rport;branch=z9hG4bKnetwatch\r\n"
            "From: <sip:scan@example.org>;tag=1\r\nTo: <sip:box@example.org>\r\n"
            "Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        ).encode()

    assert ask_datagram(street["boxes"], 5060, options("UDP")).startswith(b"SIP/2.0 200 OK\r\n")
    assert b"Server: kamailio (5.6.3" in ask(street["boxes"], 5060, options("TCP"))


def test_the_camera_describes_its_stream_or_asks_who_is_there(street: dict[str, Host]) -> None:
    question = b"DESCRIBE rtsp://camera/live RTSP/1.0\r\nCSeq: 1\r\n\r\n"
    said = ask(street["boxes"], 8554, question)
    assert said.startswith(b"RTSP/1.0 200 OK\r\n")
    assert b"m=audio" in said
    assert ask(street["boxes"], 8555, question).startswith(b"RTSP/1.0 401 Unauthorized\r\n")


@pytest.mark.parametrize(
    ("question", "status", "words"),
    [
        (b"GET /", b"200 OK", b"<title>Cabinet</title>"),
        (b"GET /files/", b"200 OK", b"Index of /files/"),
        (b"GET /closed/", b"401 Unauthorized", b'WWW-Authenticate: Basic realm="Cabinet"'),
        (b"PROPFIND /dav/", b"207 Multi-Status", b"<D:multistatus"),
        (b"OPTIONS /dav/", b"200 OK", b"DAV: 1"),
    ],
)
def test_the_web_server_has_a_page_for_each_case(
    street: dict[str, Host], question: bytes, status: bytes, words: bytes
) -> None:
    said = ask(street["boxes"], 80, question + b" HTTP/1.0\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 " + status)
    assert words in said


def test_the_web_server_has_a_good_certificate_or_an_old_one(street: dict[str, Host]) -> None:
    def handshake(port: int, *options: str) -> str:
        place = f"{street['boxes'].address}:{port}"
        return tool(street["boxes"], "/usr/bin/openssl", "s_client", "-connect", place, *options)

    old = ("-tls1", "-cipher", "ALL:@SECLEVEL=0")
    said = handshake(443)
    assert "New, TLSv1.3" in said
    assert "Verification error: self-signed certificate" in said
    assert "Cipher is (NONE)" in handshake(443, *old)
    said = handshake(444, *old)
    assert "Protocol  : TLSv1\n" in said
    assert "Verification error: certificate has expired" in said
    assert "Cipher is (NONE)" in handshake(444, "-tls1_2")


def test_no_server_opens_a_port_that_nobody_named(street: dict[str, Host]) -> None:
    expected = {
        "desktops": {*range(3389, 3395), 5900, 5901, 6000, 6001},
        "shells": {22, 23, 2222, 2223},
        "databases": {6379, 6380, 6381, 5432, 5433, 3306, 3307, 11211, 3050},
        "boxes": {80, 443, 444, 631, 5060, 8554, 8555},
    }
    assert {name: set(street[name].listening()) for name in expected} == expected
