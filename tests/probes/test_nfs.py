"""To whom does the file server lend its folders? Hand-made servers here; rpcbind and Ganesha in tests/lab."""

from __future__ import annotations

import struct
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.classes import table
from netwatch.egress import Egress
from netwatch.errors import ScopeError
from netwatch.model import Reason, Target, Vantage
from netwatch.scope import Scope
from probes.nfs import EXPORT, LONGEST, MAP, MOUNT, NFS, NO_ONE, Nfs
from tests.lab.hurry import FAST
from tests.lab.interview import Asked, ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from netwatch.way import Way

PROBE = Nfs(timeout=1.0)
CALL = struct.Struct(">IIIIII")  # number, a call, RPC's version, program, its version, procedure


def words(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)


def text(told: bytes) -> bytes:
    return words(len(told)) + told + bytes(-len(told) % 4)


def record(*pieces: bytes) -> bytes:
    """RFC 5531 11: fragments, of which the last says so."""
    marks = [len(piece) | (0x80000000 if piece is pieces[-1] else 0) for piece in pieces]
    return b"".join(words(mark) + piece for mark, piece in zip(marks, pieces, strict=True))


def accepted(number: int, body: bytes = b"", status: int = 0) -> bytes:
    return words(number, 1, 0, 0, 0, status) + body


def server(answer: Callable[[tuple[int, int, int], bytes], bytes]) -> Callable[[Talk], None]:
    """One that answers to each call (program, version, procedure) and its arguments."""

    def behave(talk: Talk) -> None:
        while True:
            size = int.from_bytes(talk.read(4), "big") & 0x7FFFFFFF
            told = talk.read(size)
            number, kind, rpc, *procedure = CALL.unpack(told[:24])
            assert (kind, rpc, told[24:40]) == (0, 2, NO_ONE)
            one, two, three = procedure
            body = answer((one, two, three), told[40:])
            talk.send(record(words(number) + body[4:]) if body else b"")

    return behave


def exports(*folders: Sequence[bytes]) -> bytes:
    """Each folder: its name, then to whom."""
    rows = b""
    for name, *groups in folders:
        rows += words(1) + text(name) + b"".join(words(1) + text(group) for group in groups) + words(0)
    return rows + words(0)


@contextmanager
def portmapper(
    told: bytes | Callable[[Talk], None], *, nfs: int = 2049, mount: int | None = None
) -> Iterator[tuple[Peer, Peer]]:
    """A portmapper, and the mount service that it names; `told`: what that one lends."""
    behave = told if callable(told) else server(lambda _, __: accepted(0, told))
    address = fresh_address()
    with Peer(behave, address) as far:

        def answer(procedure: tuple[int, int, int], more: bytes) -> bytes:
            assert procedure == (MAP, 2, 3)
            program, version, transport, nothing = struct.unpack(">IIII", more)
            assert (version, transport, nothing) == (3, 6, 0)
            return accepted(0, words({MOUNT: far.port if mount is None else mount, NFS: nfs}[program]))

        with Peer(server(answer), address) as near:
            yield near, far


def asked_of(near: Peer, **more: object) -> Asked:
    """As one asks what answered as a portmapper before, wherever that was: 111 is not for everybody. Every
    port was found open, but for what `more` says."""
    target = Target("d", near.address, tuple(range(1, 65_536)), before={near.port: "rpcbind"})
    return ask(PROBE, near.address, near.port, target=replace(target, **more))  # type: ignore[arg-type]


LENT = {
    # the folders, exports, open to all
    "to all, as Linux and Ganesha say": (exports((b"/images", b"*", b"10.0.0.1")), 1, True),
    "to all, by a list of nobody": (exports((b"/images",)), 1, True),
    "to all, as a network": (exports((b"/images", b"10.0.0.1", b"0.0.0.0/0")), 1, True),
    "to all, as Windows says": (exports((b"/images", b"All Machines")), 1, True),
    "one of two to all": (exports((b"/a", b"10.0.0.1"), (b"/b", b"*"), (b"/c", b"10.0.0.2")), 3, True),
    "to some": (exports((b"/images", b"10.0.0.1", b"*.cabinet.lan"), (b"/b", b"@staff")), 2, False),
    "none": (exports(), 0, False),
}


@pytest.mark.parametrize(("told", "number", "to_all"), LENT.values(), ids=LENT)
def test_what_is_lent_is_counted_and_to_whom_is_told(told: bytes, number: int, to_all: bool) -> None:  # noqa: FBT001
    with portmapper(told) as (near, far):
        asked = asked_of(near)
    assert asked.facts == {"nfs": True, "exports": number, "open_to_all": to_all}
    assert (asked.protocol, asked.error) == ("rpcbind", None)
    assert asked.rules == ["nfs-open-to-all"] * to_all
    assert (near.connections, far.connections) == (1, 1)


def test_nothing_is_mounted_and_no_folder_is_named() -> None:
    calls = []

    def answer(procedure: tuple[int, int, int], more: bytes) -> bytes:
        calls.append((procedure, more))
        return accepted(0, exports((b"/ZZCANARY", b"ZZCANARY")))

    with portmapper(server(answer)) as (near, _):
        asked = asked_of(near)
    assert calls == [((MOUNT, 3, EXPORT), b"")]
    assert asked.facts["exports"] == 1
    assert "ZZCANARY" not in str(asked.seen)


def test_a_portmapper_without_nfs_is_only_that() -> None:
    with portmapper(b"", nfs=0, mount=0) as (near, far):
        asked = asked_of(near)
    assert asked.facts == {"nfs": False, "exports": None, "open_to_all": False}
    assert (asked.rules, asked.error, far.connections) == ([], None, 0)


def test_nfs_without_a_mount_service_leaves_what_it_lends_open() -> None:
    with portmapper(b"", mount=0) as (near, _):
        asked = asked_of(near)
    assert asked.facts == {"nfs": True, "exports": None, "open_to_all": None}


def test_a_port_that_was_not_found_open_is_not_spoken_to() -> None:
    with portmapper(exports((b"/images", b"*"))) as (near, far):
        asked = asked_of(near, open_ports=(near.port, 111, 2049))
    assert asked.facts == {"nfs": True, "exports": None, "open_to_all": None}
    assert (asked.rules, asked.error, far.connections) == ([], None, 0)


SYSTEM_ERROR = server(lambda _, __: accepted(0, status=5))


def test_a_mount_service_in_trouble_lends_nothing_that_we_know_of() -> None:
    with portmapper(SYSTEM_ERROR) as (near, _):
        asked = asked_of(near)
    assert asked.facts == {"nfs": True, "exports": None, "open_to_all": None}
    assert (asked.protocol, asked.rules, asked.reason) == ("rpcbind", [], Reason.BUSY)


def test_a_portmapper_in_trouble_is_no_portmapper_without_nfs() -> None:
    with Peer(SYSTEM_ERROR, fresh_address()) as near:
        asked = asked_of(near)
    assert asked.facts == {"nfs": None, "exports": None, "open_to_all": None}
    assert (asked.protocol, asked.rules, asked.reason) == ("rpcbind", [], Reason.BUSY)


def test_a_portmapper_that_tells_us_nothing_is_only_that() -> None:
    refusal = words(0, 1, 1, 1, 1)  # denied: who are you?
    with Peer(server(lambda _, __: refusal), fresh_address()) as near:
        asked = asked_of(near)
    assert (asked.facts, asked.error) == ({"nfs": None, "exports": None, "open_to_all": None}, None)


@pytest.mark.parametrize("wrong", [70_000, 0xFFFFFFFF, 445])
def test_a_port_that_cannot_be_its_own_is_not_believed(wrong: int) -> None:
    with portmapper(b"", mount=wrong) as (near, far):
        asked = asked_of(near)
    assert (asked.facts["exports"], asked.error, far.connections) == (None, None, 0)


def test_the_port_of_another_protocol_is_left_alone() -> None:
    with portmapper(exports()) as (near, far):
        for asked in (
            asked_of(near, clear=frozenset({far.port})),
            asked_of(near, spoken={far.port: "http"}),
        ):
            assert (asked.facts["exports"], asked.error) == (None, None)
    assert far.connections == 0


def test_a_port_that_prints_is_refused_and_what_was_proved_is_kept() -> None:
    with portmapper(b"", mount=9101) as (near, _):
        seen = []
        target = Target("d", near.address, (near.port, 9101), before={near.port: "rpcbind"})
        with pytest.raises(ScopeError), way_to(near.address) as way:
            for one in PROBE.observe(target, near.port, way):
                seen.append(one)  # noqa: PERF402 - what comes before it raises
    assert [one.facts["nfs"] for one in seen] == [True]


@contextmanager
def way_to(address: str) -> Iterator[Way]:
    egress = Egress(Scope((IPv4Network(f"{address}/32"),), until=date.max), FAST)
    egress.classed(address, table()["computer"])
    try:
        yield egress.asking("nfs", "greet")
    finally:
        egress.close()


def garbled(talk: Talk) -> None:
    talk.some()
    talk.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def mute(talk: Talk) -> None:
    talk.hold()


TROUBLES = {
    "another protocol": (garbled, Reason.PROTOCOL),
    "silence": (mute, Reason.TIMEOUT),
    "a list cut short": (words(1) + text(b"/images") + words(1), Reason.PROTOCOL),
    "a name longer than the answer": (words(1, 0x7FFFFFFF), Reason.PROTOCOL),
}


@pytest.mark.parametrize(("told", "reason"), TROUBLES.values(), ids=TROUBLES)
def test_trouble_with_the_mount_service_leaves_what_it_lends_open(
    told: bytes | Callable[[Talk], None], reason: Reason
) -> None:
    with portmapper(told) as (near, _):
        asked = asked_of(near)
    assert (asked.reason, asked.other) == (reason, None)
    assert asked.facts == {"nfs": True, "exports": None, "open_to_all": None}


def test_a_mount_service_that_has_no_such_call_lends_nothing_that_we_know_of() -> None:
    with portmapper(server(lambda _, __: accepted(0, status=3))) as (near, _):
        asked = asked_of(near)
    assert (asked.facts["exports"], asked.error) == (None, None)


def nfs(*spoken: int) -> Callable[[Talk], None]:
    """NFS of these versions."""

    def answer(procedure: tuple[int, int, int], more: bytes) -> bytes:
        program, version, call = procedure
        assert (program, call, more) == (NFS, 0, b"")
        return accepted(0) if version in spoken else accepted(0, words(min(spoken), max(spoken)), 2)

    return server(answer)


@pytest.mark.parametrize(("spoken", "told"), [((4,), "4"), ((3,), "3"), ((3, 4), "4, 3")])
def test_an_empty_call_proves_nfs(spoken: tuple[int, ...], told: str) -> None:
    with Peer(nfs(*spoken), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {"versions": told, "authentication": "unknown"}
    assert (asked.protocol, asked.rules, asked.error, peer.connections) == ("nfs", [], None, 1)


def test_a_server_that_hangs_up_after_one_version_is_nfs_all_the_same() -> None:
    def behave(talk: Talk) -> None:
        talk.read(44)
        talk.send(record(accepted(0x6E657477)))

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.protocol, asked.facts["versions"], asked.reason) == ("nfs", "4", Reason.CLOSED)


def test_a_server_of_other_programs_is_not_nfs() -> None:
    with Peer(server(lambda _, __: accepted(0, status=1)), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.protocol, asked.facts["versions"]) == ("rpc", None)


def replying(raw: bytes) -> Callable[[Talk], None]:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(raw)
        talk.hold()

    return behave


def at_2049(raw: bytes) -> Asked:
    with Peer(replying(raw), fresh_address()) as peer:
        return ask(PROBE, peer.address, peer.port)


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-x\r\n",
        b"\x15\x03\x03\x00\x02\x02\x28",
        b"\xff\xfd\x18\xff\xfd\x20",
        record(words(1, 1, 0, 0, 0, 0)),  # an answer to somebody else
        record(words(0x6E657477, 0, 0, 0, 0, 0)),  # a call
    ],
)
def test_what_is_not_rpc_is_said_to_be_something_else(raw: bytes) -> None:
    asked = at_2049(raw)
    assert (asked.seen, asked.other is not None) == ([], True)


def test_an_answer_in_fragments_is_one() -> None:
    whole = accepted(0x6E657477)
    raw = record(whole[:4], whole[4:8], whole[8:])
    assert at_2049(raw + raw).facts["versions"] == "4, 3"


LIES = {
    "a length that we would wait for": (words(0x80000000 | LONGEST), Reason.TIMEOUT),
    "a length that is too much": (words(0x80000000 | (LONGEST + 1)) + bytes(100), Reason.LIMIT),
    "fragments without end": (words(0) * 100, Reason.LIMIT),
    "fragments that add up": (record(bytes(LONGEST - 10), bytes(LONGEST)), Reason.LIMIT),
    "nothing": (words(0x80000000), Reason.PROTOCOL),
    "an answer cut short": (record(words(0x6E657477, 1, 0, 0)), Reason.PROTOCOL),
}


@pytest.mark.parametrize(("raw", "reason"), LIES.values(), ids=LIES)
def test_a_server_that_lies_about_lengths_is_a_failure(raw: bytes, reason: Reason) -> None:
    began = time.monotonic()
    assert at_2049(raw).reason is reason
    assert time.monotonic() - began < 3


def test_a_server_that_floods_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        try:
            talk.flood(bytes(65_536), 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        assert ask(PROBE, peer.address, peer.port).reason is Reason.LIMIT
    assert peer.sent < 5_000_000


@pytest.mark.parametrize(
    ("word", "facts", "rules"),
    [
        ("nfs", {"versions": "4"}, ["nfs-reachable"]),
        ("rpcbind", {"open_to_all": False}, ["nfs-portmapper-reachable"]),
        ("rpcbind", {"open_to_all": True}, ["nfs-open-to-all"]),
        ("rpc", {}, []),
    ],
)
def test_from_the_internet_any_of_it_is_a_finding(
    word: str, facts: dict[str, str | bool], rules: list[str]
) -> None:
    seen = Target("d", "192.0.2.1", (2049,), Vantage.OUTSIDE).observed("nfs", 2049, word, facts)
    assert [finding.rule for finding in PROBE.judge(seen)] == rules


def test_it_is_asked_where_it_is_at_home_and_nowhere_else() -> None:
    target = Target("d", "192.0.2.1", (80, 111, 892, 2049, 2050, 20048), free=frozenset({2050}))
    assert PROBE.wants(target) == (111, 2049)
    assert PROBE.wants(Target("d", "192.0.2.1", (111, 2049), spoken={2049: "ssh"})) == (111,)


START = record(accepted(0x6E657477, words(2049)))


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", START, START + START, record(accepted(0x6E657477))]),
    st.sampled_from([111, 2049]),
)
def test_any_bytes_give_facts_or_a_failure(told: bytes, prefix: bytes, port: int) -> None:
    asked = canned(PROBE, prefix + told, record(accepted(0x6E657477, told)), port=port)
    assert asked.seen or asked.error or asked.other
