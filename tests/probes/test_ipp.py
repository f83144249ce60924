"""What does a printer say of itself? Hand-made printers here; ippeveprinter itself in tests/lab."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.errors import ScopeError
from netwatch.model import Reason, Target, Vantage
from probes.ipp import ASKED, Ipp
from tests.lab import certificates
from tests.lab.interview import ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROBE = Ipp(timeout=1.0)
UUID = "urn:uuid:0D1E2F30-4152-6374-8596-A7B8C9DAEBFC"
WHOLE = {
    "printer-make-and-model": ["Brother HL-L2350DW series"],
    "printer-firmware-string-version": ["1.76", "boot 2.0"],
    "printer-uuid": [UUID],
    "uri-authentication-supported": ["none", "basic"],
    "uri-security-supported": ["none", "tls"],
}


def attribute(name: str, *values: str, tag: int = 0x44) -> bytes:
    """RFC 8010 3.1.4: the first value bears the name."""
    parts = b""
    for at, value in enumerate(values):
        told, known = value.encode(), (b"" if at else name.encode())
        parts += bytes([tag]) + struct.pack(">H", len(known)) + known + struct.pack(">H", len(told)) + told
    return parts


def ipp(told: dict[str, list[str]], status: int = 0, end: bytes = b"\x03", request: int = 1) -> bytes:
    """An answer with these attributes."""
    body = b"".join(attribute(name, *values) for name, values in told.items())
    return struct.pack(">BBHI", 1, 1, status, request) + b"\x01\x04" + body + end


def http(body: bytes, status: str = "200 OK", headers: str = "Content-Type: application/ipp\r\n") -> bytes:
    """An answer of HTTP."""
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _whole(said: bytes, size: int) -> bool:
    head, _, body = said.partition(b"\r\n\r\n")
    return bool(head) and len(body) >= size


def printer(*answers: bytes) -> tuple[Callable[[Talk], None], list[bytes]]:
    """One that says these, one for each connection, and keeps what it was asked."""
    asked: list[bytes] = []

    def behave(talk: Talk) -> None:
        said = b""
        while not (size := re.search(rb"Content-Length: (\d+)\r\n", said)) or not _whole(said, int(size[1])):
            said += talk.some()
        asked.append(said)
        talk.send(answers[min(len(asked), len(answers)) - 1])
        talk.end()

    return behave, asked


def test_a_printer_says_what_it_is_and_that_it_prints_for_anybody() -> None:
    behave, _ = printer(http(ipp(WHOLE)))
    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port, is_a="printer")
    assert asked.facts == {
        "product": "Brother HL-L2350DW series",
        "version": "1.76",
        "printer_uuid": "0d1e2f30-4152-6374-8596-a7b8c9daebfc",
        "authentication": "none",
        "security": "none, tls",
    }
    assert (asked.protocol, asked.rules, asked.error, peer.connections) == ("ipp", [], None, 1)


@pytest.mark.parametrize(
    ("words", "authentication"),
    [
        (["basic"], "password"),
        (["digest", "certificate"], "password"),
        (["requesting-user-name"], "none"),
        (["basic", "none"], "none"),
        (["blockchain"], "unknown"),
        (["basic", "blockchain"], "unknown"),
        ([], "unknown"),
    ],
)
def test_whom_it_prints_for_is_its_own_word_or_unknown(words: list[str], authentication: str) -> None:
    asked = canned(PROBE, http(ipp({"uri-authentication-supported": words})))
    assert asked.facts["authentication"] == authentication


def test_a_printer_that_wants_a_password_for_this_question_has_one() -> None:
    asked = canned(PROBE, http(ipp({}, status=0x0402)))
    assert (asked.facts["authentication"], asked.facts["product"]) == ("password", None)


def test_one_get_printer_attributes_is_sent_and_nothing_else() -> None:
    behave, asked = printer(http(ipp(WHOLE)))
    with Peer(behave, fresh_address()) as peer:
        ask(PROBE, peer.address, peer.port, is_a="printer")
        where = f"{peer.address}:{peer.port}"
    [said] = asked
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /ipp/print HTTP/1.1\r\n")
    assert f"ipp://{where}/ipp/print".encode() in body
    assert body[:8] == bytes.fromhex("0101000b00000001")  # IPP 1.1, Get-Printer-Attributes (RFC 8011 5.4.15)
    assert body.endswith(b"\x03")
    assert b"requesting-user-name" not in body
    assert [name for name in ASKED if name.encode() not in body] == []
    assert not [name for name in (b"job", b"printer-info", b"serial", b"location", b"all") if name in body]


def test_only_where_its_path_is_not_there_the_root_is_asked() -> None:
    behave, asked = printer(http(b"", "404 Not Found", ""), http(ipp(WHOLE)))
    with Peer(behave, fresh_address()) as peer:
        told = ask(PROBE, peer.address, peer.port, is_a="printer")
    assert told.facts["version"] == "1.76"
    assert [said.split(b" ")[1] for said in asked] == [b"/ipp/print", b"/"]


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "403 Forbidden", "302 Found"])
def test_whatever_else_it_answers_is_not_asked_again(status: str) -> None:
    behave, asked = printer(http(b"<html>", status, "Content-Type: text/html\r\nLocation: /elsewhere\r\n"))
    with Peer(behave, fresh_address()) as peer:
        told = ask(PROBE, peer.address, peer.port, is_a="printer")
    assert len(asked) == peer.connections == 1
    assert (told.protocol, told.facts, told.rules) == ("http", {}, [])


def test_tls_is_used_only_where_the_printer_demands_it(tmp_path: Path) -> None:
    pair = certificates.make(tmp_path, "imprimante")
    answers = [http(b"", "426 Upgrade Required", "Upgrade: TLS/1.2, HTTP/1.1\r\n"), http(ipp(WHOLE))]
    behave, asked = printer(*answers)

    def either(talk: Talk) -> None:
        if talk.peer.connections == 1:
            behave(talk)
            return
        talk.connection = wrapped = (
            certificates.Tls().context(pair).wrap_socket(talk.connection, server_side=True)
        )
        with wrapped:
            behave(Talk(wrapped, talk.peer))

    with Peer(either, fresh_address()) as peer:
        told = ask(PROBE, peer.address, peer.port, is_a="printer")
    assert (told.facts["product"], told.facts["certificate_name"]) == (
        "Brother HL-L2350DW series",
        "imprimante",
    )
    assert [b"ipps://" in said for said in asked] == [False, True]
    assert peer.connections == 2


def test_a_print_server_on_a_computer_is_told_by_its_name() -> None:
    headers = "Content-Type: application/ipp\r\nServer: CUPS/2.4 IPP/2.1\r\n"
    asked = canned(PROBE, http(ipp({}, status=0x0406), headers=headers))
    assert (asked.facts["product"], asked.facts["version"]) == ("CUPS", "2.4")
    assert (asked.facts["authentication"], asked.error) == ("unknown", None)


def test_a_printer_that_answers_nobody_for_now_is_unknown_and_no_other_server() -> None:
    asked = canned(PROBE, http(b"busy", "503 Service Unavailable", "Content-Type: text/html\r\n"), port=631)
    assert (asked.seen, asked.reason) == ([], Reason.BUSY)
    asked = canned(PROBE, http(ipp({}, status=0x0507)), port=631)
    assert (asked.facts["authentication"], asked.reason) == ("unknown", Reason.BUSY)


def test_what_is_not_http_is_said_to_be_something_else() -> None:
    asked = canned(PROBE, b"SSH-2.0-x\r\n")
    assert (asked.seen, asked.other is not None) == ([], True)


def test_an_answer_to_another_s_question_proves_nothing() -> None:
    asked = canned(PROBE, http(ipp(WHOLE, request=7)))
    assert (asked.protocol, asked.facts) == ("http", {})


@pytest.mark.parametrize(
    "rest",
    [
        b"\x44\xff\xffprinter-uuid\x00\x01x\x03",  # a name beyond the end
        b"\x44\x00\x0cprinter-uuid\xff\xffurn\x03",  # a value beyond the end
        b"\x41\x00\x1fprinter-firmware-string-version\x00\xff1.7\x03",
        b"\x44\x00\x0cprinter-uuid\x00",
        b"\x44",
        b"",
    ],
)
def test_lengths_that_lie_are_a_failure_and_what_came_before_is_kept(rest: bytes) -> None:
    first = attribute("printer-make-and-model", "Canon MF440 Series", tag=0x41)
    asked = canned(PROBE, http(struct.pack(">BBHI", 2, 0, 0, 1) + b"\x04" + first + rest))
    assert (asked.reason, asked.facts["product"]) == (Reason.PROTOCOL, "Canon MF440 Series")
    assert (asked.facts["printer_uuid"], asked.facts["version"]) == (None, None)


def test_a_text_that_says_its_language_is_read_without_it() -> None:
    told = struct.pack(">H", 2) + b"fr" + struct.pack(">H", 5) + b"Canon" + b"?"
    asked = canned(PROBE, http(ipp({}, end=b"")[:-1] + b"\x04" + raw(0x35, told) + b"\x03"))
    assert asked.facts["product"] == "Canon"


def raw(tag: int, value: bytes, name: bytes = b"printer-make-and-model") -> bytes:
    """An attribute of bytes."""
    return bytes([tag]) + struct.pack(">H", len(name)) + name + struct.pack(">H", len(value)) + value


def test_what_a_person_may_have_typed_is_not_kept_though_it_comes_unasked() -> None:
    told = WHOLE | {"printer-info": ["Bureau Dr DUPONT"], "printer-location": ["Salle 2"]}
    asked = canned(PROBE, http(ipp(told)))
    assert "DUPONT" not in str(asked.seen)
    assert "Salle" not in str(asked.seen)


def test_a_printer_that_stalls_is_a_failure() -> None:
    with Peer(Talk.hold, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port, is_a="printer")
    assert (asked.reason, asked.seen) == (Reason.TIMEOUT, [])


def test_a_printer_that_floods_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\n\r\n" + ipp(WHOLE, end=b""))
        try:
            talk.flood(b"\x44\x00\x01x\x00\x01y" * 9000, 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port, is_a="printer")
    assert asked.reason in {Reason.PROTOCOL, Reason.LIMIT}
    assert peer.sent < 5_000_000


def test_from_the_internet_a_printer_is_a_finding_and_in_the_practice_it_is_none() -> None:
    for vantage, rules in ((Vantage.LAN, []), (Vantage.OUTSIDE, ["ipp-no-password", "ipp-reachable"])):
        target = Target("d", "192.0.2.1", (631,), vantage)
        seen = [target.observed("ipp", 631, "ipp", {"authentication": one}) for one in ("none", "password")]
        assert [finding.rule for one in seen for finding in PROBE.judge(one)] == rules
        assert list(PROBE.judge(target.observed("ipp", 631, "http", {}))) == []


def test_it_is_asked_where_it_is_at_home_and_where_it_was_heard_and_never_of_a_camera() -> None:
    target = Target("d", "192.0.2.1", (80, 631, 8631), before={8631: "ipp"}, free=frozenset({8631}))
    assert PROBE.wants(target) == (631, 8631)
    with pytest.raises(ScopeError, match=r"egress\.class"):
        ask(PROBE, fresh_address(), 631, is_a="other")


@given(st.binary(max_size=300), st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", "ipp", "attributes"]))
def test_any_bytes_give_facts_or_a_failure(told: bytes, begins: bytes | str) -> None:
    if begins == "ipp":
        told = http(told)
    elif begins == "attributes":
        told = http(ipp(WHOLE, end=told))
    else:
        told = bytes(begins) + told  # type: ignore[arg-type]
    asked = canned(PROBE, told)
    assert asked.seen or asked.error or asked.other
