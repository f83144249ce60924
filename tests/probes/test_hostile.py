"""What does any probe make of peers that lie, stall, flood or push a patient at it?

A new probe is in these tests by itself.
"""

from __future__ import annotations

import tracemalloc
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import probes
from netwatch.model import Target
from netwatch.opening import OPENINGS
from netwatch.options import configure
from tests.lab.interview import Asked, ask, canned, fresh_address, proper
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable

    from netwatch.probe import Probe

NAMES = sorted(set(probes.load()) - {"dicom"})  # which has a test of its own for each of these
PATIENT = "ZZCANARY^NETWATCH"
SIGNS = ("ZZCANARY", "NETWATCH^", "1903-04-05", "19030405")
RECORD = f"{PATIENT} ZZCANARY Anne 1903-04-05 19030405"
MOST = 8_000_000  # bytes that a peer may get rid of before we have hung up
MEMORY = 4_000_000  # bytes that we may hold at once


def hurried(name: str) -> Probe:
    """The probe with every waiting made short."""
    [probe] = configure({name: probes.load()[name]}, {})
    waits = {f.name: 0.5 for f in fields(probe) if f.name in {"timeout", "patience"}}  # type: ignore[arg-type]
    return replace(probe, **waits)  # type: ignore[type-var]


def asked(probe: Probe, peer: Peer) -> Asked:
    """The question to this peer, as in an audit of a computer, whatever is heard of the port before."""
    target = Target("d", peer.address, (peer.port,), spoken={})
    got = ask(probe, peer.address, peer.port, target=target, profile="audit")
    for seen in got.seen:
        proper(seen)
    return got


def flood(data: bytes) -> Callable[[Talk], None]:
    """Never ends."""

    def behave(talk: Talk) -> None:
        try:
            talk.flood(data * 4096, 200_000_000)
        except OSError as gone:
            raise Over from gone

    return behave


def drip(talk: Talk) -> None:
    """One byte, and a pause, and so on."""
    talk.drip(b"\x00" * 2000, 0.05)


def stall(talk: Talk) -> None:
    """Takes everything, says nothing."""
    talk.hold()


def leave(_talk: Talk) -> None:
    """Hangs up at once."""


BEHAVIOURS: dict[str, Callable[[Talk], None]] = {
    "stalls": stall,
    "hangs up": leave,
    "drips": drip,
    "floods with zeros": flood(b"\x00"),
    "floods with ones": flood(b"\xff"),
    "floods with lines": flood(b"220-go on\r\n"),
    "floods with letters": flood(b"A"),
}


@pytest.mark.parametrize("how", list(BEHAVIOURS))
@pytest.mark.parametrize("name", NAMES)
def test_a_peer_that_stalls_or_floods_holds_nobody_and_proves_nothing(name: str, how: str) -> None:
    probe = hurried(name)
    with Peer(BEHAVIOURS[how], fresh_address()) as peer:
        got = asked(probe, peer)
    assert peer.sent < MOST
    assert got.seen or got.error or got.other
    assert [rule for rule in got.rules if "no-password" in rule or "open" in rule] == []


SHAPES: dict[str, Callable[[str], bytes]] = {
    "bare": lambda told: told.encode(),
    "a line": lambda told: f"{told}\r\n".encode() * 3,
    "a banner": lambda told: f"220 {told}\r\n".encode(),
    "a page": lambda told: _page("200 OK", told),
    "a refusal": lambda told: _page("401 Unauthorized", told),
    "a redirect": lambda told: _page("302 Found", told, f"Location: /{told.replace(' ', '%20')}\r\n"),
    "a listing": lambda told: _page("200 OK", f"Index of /{told}</title><h1>Index of /{told}</h1>"),
    "json": lambda told: _json(f'{{"version": "{told}", "name": "{told}", "cluster_name": "{told}"}}'),
    "ssh": lambda told: f"SSH-2.0-{told}\r\n".encode(),
    "redis": lambda told: f"-ERR {told}\r\n".encode(),
    "rtsp": lambda told: f"RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: {told}\r\nPublic: {told}\r\n\r\n".encode(),
    "sip": lambda told: f"SIP/2.0 200 OK\r\nServer: {told}\r\nUser-Agent: {told}\r\n\r\n".encode(),
    "rsync": lambda told: f"@RSYNCD: 31.0\n{told}\t{told}\n@RSYNCD: EXIT\n".encode(),
    "mysql": lambda told: b"\x60\x00\x00\x00\x0a" + told.encode() + b"\0" * 60,
    "vnc": lambda told: b"RFB 003.008\n\x00\x00\x00\x00\x20" + told.encode(),
}


def _page(status: str, told: str, more: str = "") -> bytes:
    body = f"<html><head><title>{told}</title></head><body><table><td>{told}</td></table></body></html>"
    head = f"HTTP/1.1 {status}\r\nServer: {told}\r\nX-Name: {told}\r\nSet-Cookie: n={told}\r\n{more}"
    realm = f'WWW-Authenticate: Basic realm="{told}"\r\n'
    return f"{head}{realm}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()


def _json(body: str) -> bytes:
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


@pytest.mark.parametrize("shape", list(SHAPES))
@pytest.mark.parametrize("name", NAMES)
def test_a_patient_that_a_peer_pushes_at_us_leaves_no_trace(name: str, shape: str) -> None:
    got = canned(hurried(name), *[SHAPES[shape](RECORD)] * 8)
    told = " ".join([repr(got.seen), repr(got.error), str(got.error)])
    assert [sign for sign in SIGNS if sign in told] == []


openings = st.sampled_from(
    [b"", *(mark for mark, _ in OPENINGS), b"HTTP/1.1 200 OK\r\n\r\n", b"\x03\x00\x00\x13\x0e\xd0"]
)
answers = st.lists(st.builds(bytes.__add__, openings, st.binary(max_size=200)), max_size=6)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(told=answers)
def test_any_bytes_give_facts_or_a_failure(name: str, told: list[bytes]) -> None:
    canned(hurried(name), *told)


@pytest.mark.parametrize("name", NAMES)
def test_a_length_that_lies_sets_no_memory_aside(name: str) -> None:
    probe = hurried(name)
    words = (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x00\xff\xff\xff", b"\xff\xff\xff\x7f")
    lies = [word * 16 for word in words]
    canned(probe, *[lies[0]] * 6)  # imports are not what is measured
    tracemalloc.start()
    try:
        for lie in lies:
            for mark, _ in [(b"", ""), *OPENINGS]:
                canned(probe, *[mark + lie] * 6)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEMORY
