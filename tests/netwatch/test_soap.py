"""Can only the actions that read be sent, over as few connections as the box allows?"""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from datetime import date
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

import pytest

from netwatch.classes import table
from netwatch.egress import Egress
from netwatch.model import Reason
from netwatch.probe import OtherProtocol, ProbeError
from netwatch.scope import Scope
from netwatch.soap import ACTIONS, ENTRY, EXTERNAL, TOGETHER, Refused, Talk
from netwatch.ssdp import Place, Service
from tests.lab.hurry import FAST
from tests.lab.igd import Igd, Manners, entry, fault, page, response
from tests.lab.interview import fresh_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KIND = "WANIPConnection:1"


@contextmanager
def talking(
    box: Igd, *, seconds: float = 10.0, stop: Callable[[], bool] = lambda: False
) -> Iterator[tuple[Talk, Service]]:
    """A talk with this box, and its service."""
    egress = Egress(Scope((IPv4Network(f"{box.address}/32"),), until=date.max), FAST, stop=stop)
    egress.classed(box.address, table()["box"])
    way = egress.asking("upnp", "upnp")
    try:
        with Talk(way, box.address, 0.7, time.monotonic() + seconds).held() as talk:
            yield talk, Service(KIND, Place(box.port, "/ctl"))
    finally:
        egress.close()


def box(**manners: Any) -> Igd:  # noqa: ANN401 - as Manners
    return Igd(fresh_address(), Manners(**manners))


def test_the_actions_are_these_four_and_no_other() -> None:
    assert set(ACTIONS) == {
        "GetExternalIPAddress",
        "GetGenericPortMappingEntry",
        "GetListOfPortMappings",
        "GetFirewallStatus",
    }


@pytest.mark.parametrize(
    "action",
    ["AddPortMapping", "DeletePortMapping", "AddAnyPortMapping", "ForceTermination", "SetConnectionType"],
)
def test_an_action_that_changes_anything_cannot_be_asked_for(action: str) -> None:
    with box() as one, talking(one) as (talk, service), pytest.raises(KeyError):
        talk.call(service, action)
    assert (one.requests, one.connections) == ([], 0)


@pytest.mark.parametrize("arguments", [(), (0, 1)])
def test_an_action_has_its_own_arguments(arguments: tuple[int, ...]) -> None:
    with box() as one, talking(one) as (talk, service), pytest.raises(ValueError, match="zip"):
        talk.call(service, ENTRY, *arguments)
    assert one.requests == []


def test_a_request_is_what_the_standard_wants_in_one_piece() -> None:
    with box(entries=(entry(),)) as one, talking(one) as (talk, service):
        assert talk.call(service, ENTRY, 0)["NewExternalPort"] == "11112"
    [sent] = one.requests
    head, _, body = sent.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /ctl HTTP/1.1\r\nHost: ")
    assert b'SOAPAction: "urn:schemas-upnp-org:service:WANIPConnection:1#GetGenericPortMappingEntry"' in head
    assert re.search(rb"Content-Length: (\d+)", head)[1] == str(len(body)).encode()  # type: ignore[index]
    assert b"<NewPortMappingIndex>0</NewPortMappingIndex></u:GetGenericPortMappingEntry>" in body


def test_one_connection_is_kept_and_renewed_before_it_is_too_old() -> None:
    with box() as one, talking(one) as (talk, service):
        for _ in range(TOGETHER + 1):
            talk.call(service, EXTERNAL)
    assert one.connections == 2


def test_a_box_that_ends_its_connections_without_saying_so_is_asked_once_more_and_then_on_new_ones() -> None:
    answer = response("x", EXTERNAL, {"NewExternalIPAddress": "203.0.113.7"})
    silent = answer.replace(b"Connection: keep-alive\r\n", b"")
    with box(parts=1, says={EXTERNAL: silent}) as one, talking(one) as (talk, service):
        for _ in range(3):
            assert talk.call(service, EXTERNAL) == {"NewExternalIPAddress": "203.0.113.7"}
    assert (len(one.requests), one.connections) == (3, 3)
    assert [b"Connection: close" in sent for sent in one.requests] == [False, True, True]


@pytest.mark.parametrize(("code", "told"), [(713, 713), (606, 606), (0, 0), (7130, None)])
def test_a_refusal_has_its_number(code: int, told: int | None) -> None:
    with box(says={ENTRY: fault(code)}) as one, talking(one) as (talk, service):
        with pytest.raises(Refused) as no:
            talk.call(service, ENTRY, 0)
        assert no.value.code == told


def test_a_fault_that_comes_as_a_success_is_a_refusal() -> None:
    odd = fault(713).replace(b"500 Internal Server Error", b"200 OK")
    with box(says={ENTRY: odd}) as one, talking(one) as (talk, service), pytest.raises(Refused):
        talk.call(service, ENTRY, 0)


HUGE = b"HTTP/1.1 200 OK\r\nContent-Length: 90000000\r\n\r\n" + b"<a>" * 3_000_000
ENDS = [
    (page(b"<a/>"), Reason.PROTOCOL),
    (page(b"not xml"), Reason.PROTOCOL),
    (page(b"", "302 Found", "Location: http://192.0.2.1/\r\n"), Reason.PROTOCOL),
    (page(b"", "401 Unauthorized"), Reason.CREDENTIALS),
    (page(b"", "503 Service Unavailable"), Reason.BUSY),
    (page(b"<s:Envelope>" * 9)[:-9], Reason.TIMEOUT),
    (HUGE, Reason.LIMIT),
]


@pytest.mark.parametrize(("told", "reason"), ENDS)
def test_an_answer_that_is_none_is_a_failure_with_its_reason(told: bytes, reason: Reason) -> None:
    with box(says={EXTERNAL: told}) as one, talking(one) as (talk, service):
        with pytest.raises(ProbeError) as wrong:
            talk.call(service, EXTERNAL)
        assert wrong.value.reason is reason
    assert one.sent < 3_000_000


def test_another_protocol_at_the_box_s_port_is_told_apart() -> None:
    with (
        box(says={EXTERNAL: b"SSH-2.0-x\r\n"}) as one,
        talking(one) as (talk, service),
        pytest.raises(OtherProtocol),
    ):
        talk.call(service, EXTERNAL)


def test_the_seconds_of_a_question_are_kept_across_its_requests() -> None:
    with (
        box() as one,
        talking(one, seconds=0.0) as (talk, service),
        pytest.raises(ProbeError, match="seconds for this question"),
    ):
        talk.call(service, EXTERNAL)
    assert one.connections == 0


def test_after_a_stop_no_second_try_is_made() -> None:
    stopped: list[bool] = []
    with box() as one, talking(one, stop=lambda: bool(stopped)) as (talk, service):
        talk.call(service, EXTERNAL)
        stopped.append(True)
        with pytest.raises(ProbeError) as wrong:
            talk.call(service, EXTERNAL)
    assert wrong.value.reason is Reason.UNFINISHED
    assert (one.connections, len(one.requests)) == (1, 1)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (page(b"", "404 Not Found"), Reason.PROTOCOL),
        (page(b"x" * 70_000), Reason.LIMIT),
        (page(b"<a/>", "503 Service Unavailable"), Reason.BUSY),
        (page(b"<a/>", "302 Found", "Location: /x\r\n"), Reason.PROTOCOL),
    ],
)
def test_a_description_that_is_not_there_is_a_failure(told: bytes, reason: Reason) -> None:
    with box(says={"description": told}) as one, talking(one) as (talk, _):
        with pytest.raises(ProbeError) as wrong:
            talk.page(Place(one.port, "/desc.xml"))
        assert wrong.value.reason is reason
    assert len(one.requests) == 1
