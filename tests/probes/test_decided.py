"""Does a repaired server say so in the fact that decides, and one that is out of breath not?

A finding ends where `decided_by` of its rule is known tonight (diff.py). So each rule has a repaired server
here, which must tell that fact, and one that says "not now", which must not. smb and smb_guest, whose answers
are longer, have theirs in their own tests.
"""

from __future__ import annotations

import struct
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import probes
from tests.lab.interview import canned

if TYPE_CHECKING:
    from netwatch.probe import Probe

PROBES = probes.load()
FOLDER = Path(probes.__file__).parent
RDP = bytes.fromhex("030000130ed00000123400")


def rdp(kind: int, value: int) -> bytes:
    return RDP + bytes([kind, 0, 8, 0]) + value.to_bytes(4, "little")


def mongodb(*numbers: tuple[str, int]) -> bytes:
    told = b""
    for request, fields in ((1, (("maxWireVersion", 21), ("minWireVersion", 0))), (2, numbers)):
        held = b"".join(b"\x10" + name.encode() + struct.pack("<xi", number) for name, number in fields)
        body = struct.pack("<IB", 0, 0) + struct.pack("<i", len(held) + 5) + held + b"\0"
        told += struct.pack("<iiii", 16 + len(body), 9, request, 2013) + body
    return told


def error(state: bytes) -> bytes:
    fields = b"SFATAL\0C" + state + b"\0\0"
    return b"NE" + (4 + len(fields)).to_bytes(4, "big") + fields


def ipp(status: int, *words: bytes) -> bytes:
    name = b"uri-authentication-supported"
    told = b"".join(
        b"\x44" + struct.pack(">H", len(name)) + name + struct.pack(">H", len(w)) + w for w in words
    )
    body = struct.pack(">BBHIB", 1, 1, status, 1, 4) + told + b"\x03"
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )


def x11(reason: bytes) -> bytes:
    return bytes([0, len(reason)]) + b"\x0b\0\0\0" + struct.pack("<H", -(-len(reason) // 4)) + reason


FTP = b"220 FTP ready\r\n"
KEXINIT = b"\x14" + bytes(16) + b"".join(struct.pack(">I", 1) + b"x" for _ in range(10)) + bytes(5)
SSH = b"SSH-2.0-OpenSSH_9.2p1\r\n"
RULES: dict[str, tuple[list[bytes], list[bytes]]] = {
    # the answers of a repaired server, and those of one that answers nobody for now
    "vnc-no-password": ([b"RFB 003.008\n\1\2"], [b"RFB 003.003\n" + bytes(4)]),
    "rdp-legacy-security": ([rdp(3, 5), rdp(2, 2), rdp(3, 5)], [rdp(3, 3), rdp(3, 3)]),
    "rdp-no-nla": ([rdp(3, 5), rdp(2, 2), rdp(3, 5)], [rdp(3, 3), rdp(3, 3)]),
    "ssh-protocol-1": ([SSH], [b"Exceeded MaxStartups\r\n"]),
    "ssh_key-weak": (
        [SSH + struct.pack(">IB", len(KEXINIT) + 5, 4) + KEXINIT + bytes(4)],
        [b"Not allowed at this time\r\n"],
    ),
    "ftp-in-clear": ([FTP + b"211-F\r\n AUTH TLS\r\n211 End\r\n"], [FTP + b"421 Later.\r\n"]),
    "x11-open": ([x11(b"No protocol specified\n")], [x11(b"Maximum number of clients reached")]),
    "redis-no-password": ([b"-NOAUTH Authentication required.\r\n"], [b"-MISCONF Redis is configured\r\n"]),
    "redis-protected-mode": ([b"-NOAUTH Authentication required.\r\n"], [b"-LOADING Redis is\r\n"]),
    "memcached-no-password": ([b"CLIENT_ERROR unauthenticated\r\n"], [b"SERVER_ERROR out of memory\r\n"]),
    "mongodb-no-password": ([mongodb(("ok", 0), ("code", 13))], [mongodb(("ok", 0), ("code", 11600))]),
    "postgresql_trust-no-password": ([error(b"28000")], [error(b"XX000")]),
    "ipp-no-password": ([ipp(0, b"basic")], [ipp(0x0507)]),
}


def decided(rule: str, answers: list[bytes]) -> tuple[list[object], list[str], str | None]:
    name = rule.partition("-")[0]
    probe: Probe = PROBES[name]()
    table = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    asked = canned(probe, *answers, port=(*probe.usual, 22)[0])
    assert asked.other is None
    return [seen.facts.get(table[rule]["decided_by"]) for seen in asked.seen], asked.rules, asked.reason


@pytest.mark.parametrize("rule", RULES)
def test_a_repaired_server_tells_what_decides(rule: str) -> None:
    told, rules, _ = decided(rule, RULES[rule][0])
    assert told
    assert not {None, "unknown"} & set(told)
    assert rule not in rules


@pytest.mark.parametrize("rule", RULES)
def test_a_server_that_answers_nobody_for_now_decides_nothing(rule: str) -> None:
    told, _, reason = decided(rule, RULES[rule][1])
    assert set(told) <= {None, "unknown"}
    assert reason == "busy"


PRESENCE = {"telnet-login-in-clear", "remote-control"}  # that it answers is the finding
OURS = (
    "rdp smb smb_guest netbios msrpc vnc ftp telnet ssh ssh_key tftp snmp x11 remote redis memcached mongodb"
    " mysql postgresql postgresql_trust mssql mssql_browser oracle firebird ipp rtsp onvif sip sip_udp"
)


@pytest.mark.parametrize("name", OURS.split())
def test_each_rule_but_those_of_presence_says_what_decides_it(name: str) -> None:
    table = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    for rule, told in table.items():
        assert ("decided_by" in told) == (not rule.endswith("-reachable") and rule not in PRESENCE), rule
