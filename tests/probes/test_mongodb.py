"""Does MongoDB answer a stranger? Hand-made servers only: none can be installed. Framed as pymongo does."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.mongodb import Mongodb
from tests.lab.interview import Asked, ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable

PROBE = Mongodb(timeout=1.0)
OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013


def document(*elements: bytes) -> bytes:
    held = b"".join(elements)
    return struct.pack("<i", len(held) + 5) + held + b"\0"


def whole(name: str, number: int) -> bytes:
    return b"\x10" + name.encode() + struct.pack("<xi", number)


def real(name: str, number: float) -> bytes:
    return b"\x01" + name.encode() + struct.pack("<xd", number)


def text(name: str, word: str) -> bytes:
    return b"\x02" + name.encode() + struct.pack("<xi", len(word) + 1) + word.encode() + b"\0"


def reply(held: bytes, number: int, way: int = OP_MSG) -> bytes:
    """An answer to our request of this number."""
    before = struct.pack("<iB", 0, 0) if way == OP_MSG else struct.pack("<iqii", 8, 0, 0, 1)
    body = before + held
    return struct.pack("<iiii", 16 + len(body), 77, number, way) + body


# As MongoDB 7.0 says hello, with a value of every kind that may be in it.
HELLO = document(
    b"\x08helloOk\0\x01",
    b"\x03topologyVersion\0" + document(b"\x07processId\0" + bytes(12), whole("maxWireVersion", 1)),
    b"\x04hosts\0" + document(text("0", "srv-dupont:27017")),
    text("setName", "DUPONT"),
    b"\x09localTime\0" + bytes(8),
    b"\x05keyId\0" + struct.pack("<iB", 3, 0) + b"abc",
    b"\x0anothing\0",
    b"\x11operationTime\0" + bytes(8),
    b"\x12counter\0" + bytes(8),
    whole("minWireVersion", 0),
    whole("maxWireVersion", 21),
    real("ok", 1.0),
)
EMPTY = document(whole("n", 0), real("ok", 1.0))
WANTED = document(
    real("ok", 0.0),
    text("errmsg", "command count requires authentication"),
    whole("code", 13),
    text("codeName", "Unauthorized"),
)


class Server:
    """One that answers two requests, and keeps what it heard."""

    def __init__(self, hello: bytes = HELLO, count: bytes = EMPTY, speaks: int = OP_MSG) -> None:
        self.answers, self.speaks = (hello, count), speaks
        self.heard: list[bytes] = []

    def __call__(self, talk: Talk) -> None:
        for number, told in enumerate(self.answers, 1):
            head = talk.read(16)
            length, _, _, way = struct.unpack("<iiii", head)
            self.heard.append(head + talk.read(length - 16))
            if (way == OP_QUERY) != (self.speaks == OP_REPLY):
                raise Over
            talk.send(reply(told, number, self.speaks))
        talk.hold()


def asked_of(behave: Callable[[Talk], None], port: int = 0) -> Asked:
    with Peer(behave, fresh_address(), port) as peer:
        return ask(PROBE, peer.address, peer.port)


COUNTS = [
    (EMPTY, "none", ["mongodb-no-password"]),
    (document(b"\x12n\0" + bytes(8), whole("ok", 1)), "none", ["mongodb-no-password"]),
    (WANTED, "password", []),
    (document(real("ok", 0.0), whole("code", 59)), "unknown", []),
    (document(real("ok", 0.0), whole("code", 11600)), "unknown", []),  # it is shutting down
    (document(real("ok", 1.0)), "unknown", []),
    (document(whole("code", 13)), "unknown", []),
    (document(real("ok", float("nan")), whole("n", 0)), "unknown", []),
]


@pytest.mark.parametrize(("count", "authentication", "rules"), COUNTS)
def test_whether_a_password_is_wanted_is_read_from_a_count_of_nothing(
    count: bytes, authentication: str, rules: list[str]
) -> None:
    asked = asked_of(Server(count=count))
    assert asked.facts == {
        "product": "MongoDB", "version": "7.0", "wire_versions": "0-21", "authentication": authentication
    }  # fmt: skip
    reason = Reason.BUSY if authentication == "unknown" else None
    assert (asked.protocol, asked.rules, asked.reason) == ("mongodb", rules, reason)


def test_a_collection_that_cannot_exist_is_counted_and_nothing_else_is_asked() -> None:
    first, second = Server(), Server()
    with Peer(first, fresh_address()) as peer:
        ask(PROBE, peer.address, peer.port)
    asked_of(second)
    hello, count = first.heard
    assert hello[20:] == b"\0" + document(whole("hello", 1), text("$db", "admin"))
    name = count[count.index(b"netwatch_") :][: len("netwatch_") + 32].decode()
    assert count[20:] == b"\0" + document(text("count", name), text("$db", "local"))
    assert name.encode() not in second.heard[1]
    assert (peer.received, peer.connections) == (len(hello) + len(count), 1)


def test_nothing_of_the_names_it_tells_is_kept() -> None:
    asked = asked_of(Server())
    assert "dupont" not in str(asked.seen).lower()


@pytest.mark.parametrize(
    ("newest", "version"),
    [(2, "2.6"), (6, "3.6"), (9, "4.4"), (13, "5.0"), (17, "6.0"), (25, "8.0"), (14, None)],
)
def test_the_release_follows_from_the_newest_wire_version(newest: int, version: str | None) -> None:
    asked = asked_of(
        Server(document(whole("minWireVersion", 0), whole("maxWireVersion", newest), real("ok", 1.0)))
    )
    assert (asked.facts["version"], asked.facts["wire_versions"]) == (version, f"0-{newest}")


@pytest.mark.parametrize(
    "newest", [real("maxWireVersion", 21.0), whole("maxWireVersion", -1), text("maxWireVersion", "21")]
)
def test_a_wire_version_that_none_has_is_unknown(newest: bytes) -> None:
    asked = asked_of(Server(document(whole("minWireVersion", 0), newest, real("ok", 1.0))))
    assert (asked.facts["version"], asked.facts["wire_versions"]) == (None, None)


def test_an_old_server_is_asked_in_the_old_way_where_it_is_at_home() -> None:
    old = Server(
        document(whole("maxWireVersion", 5), whole("minWireVersion", 0), real("ok", 1.0)), speaks=OP_REPLY
    )
    with Peer(old, fresh_address(), 27_017) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.facts["version"], asked.facts["authentication"]) == ("3.4", "none")
    assert (asked.rules, peer.connections) == (["mongodb-no-password"], 2)
    _, hello, count = old.heard
    assert hello[16:].startswith(
        b"\0\0\0\0admin.$cmd\0" + struct.pack("<ii", 0, -1) + document(whole("isMaster", 1))
    )
    assert count[16:].startswith(b"\0\0\0\0local.$cmd\0" + struct.pack("<ii", 0, -1))
    assert b"count\0" in count


def test_elsewhere_one_that_hangs_up_is_not_called_again() -> None:
    with Peer(Server(speaks=OP_REPLY), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason, peer.connections) == ([], Reason.CLOSED, 1)


def test_where_it_was_heard_before_it_is_called_again() -> None:
    with Peer(Server(speaks=OP_REPLY), fresh_address()) as peer:
        target = Target("d", peer.address, (peer.port,), before={peer.port: "mongodb"})
        asked = ask(PROBE, peer.address, peer.port, target=target)
    assert (asked.facts["authentication"], peer.connections) == ("none", 2)


@pytest.mark.parametrize("second", ["stalls", "hangs up", "rambles"])
def test_one_that_greets_and_does_not_count_is_mongodb_and_a_failure(second: str) -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(reply(HELLO, 1))
        talk.some()
        if second == "rambles":
            talk.send(b"HTTP/1.1 400 Bad Request\r\n")
        if second != "hangs up":
            talk.hold()

    asked = asked_of(behave)
    reasons = {"stalls": Reason.TIMEOUT, "hangs up": Reason.CLOSED, "rambles": Reason.PROTOCOL}
    assert asked.reason is reasons[second]
    assert (asked.protocol, asked.facts["authentication"], asked.rules) == ("mongodb", "unknown", [])


OTHERS = [
    b"SSH-2.0-x\r\n",
    b"HTTP/1.1 400 Bad\r\n",
    b"-DENIED Redis is",
    b"d\0\0\0\n5.5.5-10.11",
    reply(HELLO, 2),  # an answer to a question that was not asked
    reply(HELLO, 1, 2012),
]


@pytest.mark.parametrize("told", OTHERS)
def test_what_is_not_mongodb_is_said_to_be_something_else(told: bytes) -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(told)
        talk.hold()

    asked = asked_of(behave)
    assert (asked.seen, asked.other is not None) == ([], True)


@pytest.mark.parametrize("told", [b"", b"\x20", reply(HELLO, 1)[:16], reply(HELLO, 1)[:-1]])
def test_a_server_that_stalls_is_a_failure(told: bytes) -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(told)
        talk.hold()

    asked = asked_of(behave)
    assert (asked.seen, asked.reason) == ([], Reason.TIMEOUT)


@pytest.mark.parametrize("length", [20, 25, 60_000])
def test_a_length_that_no_answer_has_is_not_waited_for(length: int) -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(struct.pack("<iiii", length, 1, 1, OP_MSG) + bytes(8))
        talk.hold()

    asked = asked_of(behave)
    assert (asked.seen, asked.reason) == ([], Reason.PROTOCOL)


def test_a_server_that_floods_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(reply(HELLO, 1) + reply(WANTED, 2))
        try:
            talk.flood(b"x" * 65_536, 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["version"] == "7.0"
    assert peer.sent < 5_000_000


@pytest.mark.parametrize(
    ("authentication", "rule"),
    [("none", "mongodb-no-password"), ("password", "mongodb-reachable"), ("unknown", "mongodb-reachable")],
)
def test_from_the_internet_any_answer_is_a_finding(authentication: str, rule: str) -> None:
    seen = Target("d", "192.0.2.1", (27_017,), Vantage.OUTSIDE)
    told = seen.observed("mongodb", 27_017, "mongodb", {"authentication": authentication})
    assert [finding.rule for finding in PROBE.judge(told)] == [rule]
    assert list(PROBE.judge(seen.observed("mongodb", 27_017, "http", {"authentication": "none"}))) == []


def test_it_is_asked_where_it_is_at_home_where_it_was_heard_and_where_nothing_is_known() -> None:
    target = Target(
        "d", "192.0.2.1", (80, 27_017, 27_018, 28_000), before={28_000: "mongodb"}, free=frozenset({27_018})
    )
    assert PROBE.wants(target) == (27_017, 27_018, 28_000)


def test_a_document_whose_last_name_never_ends_is_read_up_to_there() -> None:
    held = struct.pack("<i", 40) + whole("minWireVersion", 0) + whole("maxWireVersion", 21) + b"\x10ok"
    asked = asked_of(Server(held))
    assert asked.facts["version"] == "7.0"


BEFORE = [b"", reply(HELLO, 1), reply(HELLO, 1)[:21], reply(HELLO, 1, OP_REPLY)[:36]]


@given(st.binary(max_size=300), st.sampled_from(BEFORE), st.sampled_from([7777, 27_017]))
def test_any_bytes_give_facts_or_a_failure(told: bytes, before: bytes, port: int) -> None:
    asked = canned(PROBE, before + told, told, port=port)
    assert asked.seen or asked.error or asked.other


@given(st.binary(max_size=300))
def test_any_document_gives_facts(held: bytes) -> None:
    asked = canned(PROBE, reply(document(held), 1) + reply(document(held), 2))
    assert asked.protocol == "mongodb"
