"""Does the network disk ask for a password? Hand-made servers here; tgtd itself in tests/lab."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.errors import ScopeError
from netwatch.model import Reason, Target, Vantage
from probes.iscsi import DISKS, LONGEST, Iscsi
from tests.lab.interview import Asked, ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable

PROBE = Iscsi(timeout=1.0)
LOGIN, TEXT, LOGOUT = 0x43, 0x44, 0x46
PASSWORD, FORBIDDEN, NO_SUCH, BUSY = (2, 1), (2, 2), (2, 3), (3, 2)


def answer(
    code: int, flags: int = 0, text: bytes = b"", status: tuple[int, int] = (0, 0), size: int | None = None
) -> bytes:
    """A header of 48 bytes with the number 7, and its text. RFC 7143 11.13, 11.11."""
    length = (len(text) if size is None else size).to_bytes(3, "big")
    head = bytes([code, flags, 0, 0, 0]) + length + bytes(16) + struct.pack(">III", 7, 1, 1)
    return head + bytes(status) + bytes(10) + text + bytes(-len(text) % 4)


@dataclass
class Store:
    """An iSCSI server: what it says to a discovery, and to the login at each of its disks."""

    disks: dict[str, tuple[int, int]] = field(default_factory=dict)
    discovery: tuple[int, int] = (0, 0)
    rounds: int = 1
    heard: list[tuple[int, int, bytes]] = field(default_factory=list)
    sessions: set[bytes] = field(default_factory=set)
    numbers: list[int] = field(default_factory=list)

    def behave(self, talk: Talk) -> None:
        """One connection."""
        turns = 0
        while True:
            head = talk.read(48)
            size = int.from_bytes(head[5:8], "big")
            text = talk.read(size + -size % 4)[:size]
            self.heard.append((head[0], head[1], text))
            self.numbers.append(int.from_bytes(head[28:32], "big"))
            if head[0] == LOGIN:
                turns += 1
                self.sessions.add(head[8:16])
                talk.send(self.login(text, turns, to_the_end=bool(head[1] & 0x80)))
            elif head[0] == TEXT:
                rows = "".join(f"TargetName={name}\0TargetAddress=10.0.0.9:3260,1\0" for name in self.disks)
                talk.send(answer(0x24, 0x80, rows.encode()))
            else:
                talk.send(answer(0x26, 0x80))

    def login(self, text: bytes, turn: int, *, to_the_end: bool) -> bytes:
        """As RFC 7143 6.3 wants it."""
        if to_the_end:
            return answer(0x23, 0x87 if turn >= self.rounds else 0x04, b"", self.discovery)
        keys = dict(key.split(b"=", 1) for key in text.split(b"\0") if key)
        assert keys[b"SessionType"] == b"Normal"
        return answer(0x23, 0x04, b"TargetPortalGroupTag=1\0", self.disks[keys[b"TargetName"].decode()])

    def asked(self) -> Asked:
        """What the probe makes of it."""
        with Peer(self.behave, fresh_address()) as peer:
            asked = ask(PROBE, peer.address, peer.port, profile="audit")
            self.connections = peer.connections
        return asked


STORES = {
    # the store, authentication, discovery, targets, open to all, rules
    "open": (Store({"a": (0, 0)}), "none", "none", 1, True, ["iscsi-no-password"]),
    "one of two open": (Store({"a": PASSWORD, "b": (0, 0)}), "none", "none", 2, True, ["iscsi-no-password"]),
    "one busy, one open": (Store({"a": BUSY, "b": (0, 0)}), "none", "none", 2, True, ["iscsi-no-password"]),
    "locked": (Store({"a": PASSWORD, "b": PASSWORD}), "password", "none", 2, False, []),
    "only for those it knows": (Store({"a": PASSWORD, "b": FORBIDDEN}), "unknown", "none", 2, False, []),
    "gone since": (Store({"a": NO_SUCH}), "unknown", "none", 1, False, []),
    "moved": (Store({"a": (1, 1)}), "unknown", "none", 1, None, []),
    "empty": (Store({}), "unknown", "none", 0, False, []),
    "locked from the start": (Store({"a": (0, 0)}, PASSWORD), "unknown", "password", None, False, []),
    "not for us from the start": (Store({"a": (0, 0)}, FORBIDDEN), "unknown", "refused", None, False, []),
    "slow to agree": (Store({"a": PASSWORD}, rounds=3), "password", "none", 1, False, []),
    "never agreeing": (Store({"a": PASSWORD}, rounds=4), "unknown", "unknown", None, None, []),
}


@pytest.mark.parametrize(("name"), STORES)
def test_each_disk_says_whether_it_wants_a_password(name: str) -> None:
    store, authentication, discovery, targets, to_all, rules = STORES[name]
    asked = store.asked()
    assert asked.facts == {
        "authentication": authentication,
        "discovery": discovery,
        "targets": targets,
        "open_to_all": to_all,
    }
    assert (asked.protocol, asked.rules, asked.error) == ("iscsi", rules, None)


HICCUPS = {
    # the store, discovery, targets
    "out of order": (Store({"a": (0, 0)}, (3, 1)), "unknown", None),
    "too many": (Store({"a": (0, 0)}, (2, 6)), "unknown", None),
    "out of resources at a disk": (Store({"a": PASSWORD, "b": (3, 2)}), "none", 2),
    "too many at a disk": (Store({"a": (2, 6), "b": PASSWORD}), "none", 2),
}


@pytest.mark.parametrize("name", HICCUPS)
def test_a_server_in_trouble_is_no_server_with_a_password(name: str) -> None:
    store, discovery, targets = HICCUPS[name]
    asked = store.asked()
    assert asked.facts == {
        "authentication": "unknown",
        "discovery": discovery,
        "targets": targets,
        "open_to_all": None,
    }
    assert (asked.protocol, asked.rules, asked.reason) == ("iscsi", [], Reason.BUSY)


def test_no_session_with_a_disk_is_ever_opened_and_no_password_is_sent() -> None:
    store = Store({"ZZCANARY": (0, 0)})
    asked = store.asked()
    ours = b"InitiatorName=iqn.2026-01.invalid.netwatch:check\0"
    assert store.heard == [
        (LOGIN, 0x87, ours + b"SessionType=Discovery\0"),  # from the operational stage to the end
        (TEXT, 0x80, b"SendTargets=All\0"),
        (LOGOUT, 0x80, b""),
        (
            LOGIN,
            0x04,
            ours + b"SessionType=Normal\0TargetName=ZZCANARY\0",
        ),  # in that stage, and staying there
    ]
    assert "ZZCANARY" not in str(asked.seen)


def test_what_we_say_is_well_numbered() -> None:
    store = Store({"a": PASSWORD}, rounds=2)
    store.asked()
    assert [told for _, _, told in store.heard][1] == b""  # the keys were said before
    assert store.numbers == [0, 8, 8, 8, 0]  # ExpStatSN: the number of its last answer, and one
    assert [session[0] for session in store.sessions] == [0x80, 0x80]
    assert {session[6:] for session in store.sessions} == {b"\0\0"}


def test_a_few_disks_are_asked_and_no_more() -> None:
    store = Store({f"disk{number}": PASSWORD for number in range(20)})
    asked = store.asked()
    assert (asked.facts["targets"], asked.facts["authentication"]) == (20, "password")
    assert store.connections == 1 + DISKS


def test_it_is_asked_in_an_audit_alone() -> None:
    with Peer(Store({"a": (0, 0)}).behave, fresh_address()) as peer:
        with pytest.raises(ScopeError):
            ask(PROBE, peer.address, peer.port)
        with pytest.raises(ScopeError):
            ask(PROBE, peer.address, peer.port, profile="audit", is_a="unknown")
    assert peer.connections == 0


def replying(raw: bytes) -> Callable[[Talk], None]:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(raw)
        talk.hold()

    return behave


def asked_of(raw: bytes) -> Asked:
    with Peer(replying(raw), fresh_address()) as peer:
        return ask(PROBE, peer.address, peer.port, profile="audit")


@pytest.mark.parametrize("raw", [b"SSH-2.0-x\r\n", b"\x15\x03\x01\0\x02\x02\x46", b"\x63" + bytes(47)])
def test_what_is_not_iscsi_is_said_to_be_something_else(raw: bytes) -> None:
    asked = asked_of(raw)
    assert (asked.seen, asked.other is not None) == ([], True)


TROUBLES = {
    "silence": (b"", Reason.TIMEOUT),
    "half a header": (answer(0x23)[:20], Reason.TIMEOUT),
    "a text that we would wait for": (answer(0x23, size=LONGEST), Reason.TIMEOUT),
    "a text that is too much": (answer(0x23, size=LONGEST + 1), Reason.LIMIT),
    "more headers than we read": (answer(0x23)[:4] + b"\xff" + answer(0x23, size=LONGEST)[5:], Reason.LIMIT),
    "a reject": (answer(0x3F), Reason.PROTOCOL),
}


@pytest.mark.parametrize(("raw", "reason"), TROUBLES.values(), ids=TROUBLES)
def test_a_server_that_stalls_or_lies_is_a_failure(raw: bytes, reason: Reason) -> None:
    asked = asked_of(raw)
    assert (asked.seen, asked.reason) == ([], reason)


AFTERWARDS = {
    "silence": (b"", Reason.TIMEOUT),
    "another answer": (answer(0x26, 0x80), Reason.PROTOCOL),
    "a list that is too much": (answer(0x24, size=0xFFFFFF), Reason.LIMIT),
}


@pytest.mark.parametrize(("raw", "reason"), AFTERWARDS.values(), ids=AFTERWARDS)
def test_what_was_proved_before_trouble_is_kept(raw: bytes, reason: Reason) -> None:
    asked = asked_of(answer(0x23, 0x87) + raw)
    assert (asked.protocol, asked.reason) == ("iscsi", reason)
    assert asked.facts == {
        "authentication": "unknown",
        "discovery": "none",
        "targets": None,
        "open_to_all": None,
    }


def test_names_that_cannot_be_are_passed_over() -> None:
    rows = b"TargetName=\0TargetName=" + b"a" * 224 + b"\0TargetAlias=x\0TargetName=b"
    with Peer(replying(answer(0x23, 0x87) + answer(0x24, 0x80, rows)), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port, profile="audit")
    assert asked.facts["targets"] == 1


def test_a_server_that_floods_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        try:
            talk.flood(answer(0x23) + bytes(65_536), 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        assert ask(PROBE, peer.address, peer.port, profile="audit").error is not None
    assert peer.sent < 5_000_000


def test_from_the_internet_any_is_a_finding() -> None:
    seen = Target("d", "192.0.2.1", (3260,), Vantage.OUTSIDE).observed(
        "iscsi", 3260, "iscsi", {"authentication": "password"}
    )
    assert [finding.rule for finding in PROBE.judge(seen)] == ["iscsi-reachable"]


def test_it_is_asked_where_it_is_at_home() -> None:
    target = Target("d", "192.0.2.1", (22, 3260, 3261), free=frozenset({3261}))
    assert PROBE.wants(target) == (3260,)


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", answer(0x23, 0x87), answer(0x23, 0x87) + answer(0x24, 0x80, b"TargetName=a\0")]),
)
def test_any_bytes_give_facts_or_a_failure(told: bytes, prefix: bytes) -> None:
    asked = canned(PROBE, prefix + told, answer(0x23) + told)
    assert asked.seen or asked.error or asked.other
