"""How many patients does an open Orthanc count? Answers as 1.10.1 gave them (test_real_orthanc.py)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.orthanc import Orthanc
from tests.lab import certificates
from tests.lab.interview import Asked, ask, canned, fresh_address
from tests.lab.peers import Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROBE = Orthanc(timeout=1.0)
SYSTEM = {
    "ApiVersion": 16,
    "CheckRevisions": False,
    "DatabaseBackendPlugin": None,
    "DatabaseVersion": 6,
    "DicomAet": "ZZCANARY",
    "DicomPort": 104,
    "HttpPort": 8042,
    "IsHttpServerSecure": False,
    "Name": "ZZCANARY Anne",
    "PluginsEnabled": True,
    "StorageAreaPlugin": None,
    "Version": "1.10.1",
}
STATISTICS = {
    "CountInstances": 800,
    "CountPatients": 12,
    "CountSeries": 40,
    "CountStudies": 15,
    "TotalDiskSize": "800",
    "TotalDiskSizeMB": 0,
}
COUNTED = {"patients": 12, "studies": 15, "series": 40, "instances": 800}
REALM = 'WWW-Authenticate: Basic realm="Orthanc Secure Area"\r\n'


def told(body: object, status: str = "200 OK", more: str = "") -> bytes:
    text = body if isinstance(body, str) else json.dumps(body)
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{more}Content-Length: {len(text)}\r\n\r\n"
    return (head + text).encode()


ASKS = told("", "401 Unauthorized", REALM)
REFUSED = told("{}", "403 Forbidden")


def server(*pages: bytes, heard: list[bytes] | None = None) -> Callable[[Talk], None]:
    """One page for each connection, the last for all further ones."""

    def behave(talk: Talk) -> None:
        head = talk.some()
        if heard is not None:
            heard.append(head)
        talk.send(pages[min(talk.peer.connections, len(pages)) - 1])

    return behave


def asked_of(*pages: bytes) -> Asked:
    with Peer(server(*pages), fresh_address()) as peer:
        return ask(PROBE, peer.address, peer.port)


def test_an_open_one_says_how_many_patients_it_counts_and_no_more() -> None:
    asked = asked_of(told(SYSTEM), told(STATISTICS))
    assert asked.facts == COUNTED | {
        "product": "Orthanc",
        "version": "1.10.1",
        "authentication": "none",
        "tls": False,
    }
    assert (asked.protocol, asked.rules, asked.error) == ("orthanc", ["orthanc-open"], None)
    assert "ZZCANARY" not in str(asked.seen)


def test_two_pages_are_asked_for_and_neither_of_them_lists_anybody() -> None:
    heard: list[bytes] = []
    with Peer(server(told(SYSTEM), told(STATISTICS), heard=heard), fresh_address()) as peer:
        ask(PROBE, peer.address, peer.port)
    assert [head.partition(b"\r\n")[0] for head in heard] == [
        b"GET /system HTTP/1.1",
        b"GET /statistics HTTP/1.1",
    ]
    assert not any(b"authorization" in head.lower() or b"cookie" in head.lower() for head in heard)


def test_one_that_asks_for_a_password_is_asked_no_more_and_no_finding_on_the_lan() -> None:
    with Peer(server(ASKS), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {"product": "Orthanc", "version": None, "authentication": "password", "tls": False}
    assert (asked.rules, peer.connections) == ([], 1)


def test_one_that_tells_its_version_and_refuses_its_numbers_has_a_password() -> None:
    for refusal in (ASKS, REFUSED):
        asked = asked_of(told(SYSTEM), refusal)
        assert (asked.facts["authentication"], asked.facts["version"], asked.rules) == (
            "password",
            "1.10.1",
            [],
        )


STATISTICS_OF_OTHERS: dict[str, Any] = {
    "a list": [{"PatientName": "ZZCANARY^NETWATCH"}],
    "a record": {"PatientName": "ZZCANARY^NETWATCH", "CountPatients": "ZZCANARY"},
    "a truth": {"CountPatients": True},
    "less than none": {"CountPatients": -1},
    "a fraction": {"CountPatients": 1.5},
    "more than there are people": {"CountPatients": 10**12},
    "a very long number": '{"CountPatients": ' + "9" * 4000 + "}",
    "a word": "ZZCANARY",
    "a nest": "[" * 4000,
    "a page": "<html>ZZCANARY</html>",
    "nothing": "",
}


@pytest.mark.parametrize("answer", STATISTICS_OF_OTHERS.values(), ids=STATISTICS_OF_OTHERS)
def test_numbers_that_count_nothing_prove_nothing_and_leave_no_trace(answer: object) -> None:
    asked = asked_of(told(SYSTEM), told(answer))
    assert (asked.facts["authentication"], asked.rules) == ("unknown", [])
    assert not COUNTED.keys() & asked.facts.keys()
    assert "ZZCANARY" not in f"{asked.seen} {asked.error!r}"


def test_a_number_that_is_missing_is_not_known_and_the_others_are() -> None:
    asked = asked_of(told(SYSTEM), told({"CountPatients": 0, "CountStudies": "many"}))
    assert {key: asked.facts[key] for key in COUNTED} == {
        "patients": 0,
        "studies": None,
        "series": None,
        "instances": None,
    }
    assert asked.rules == ["orthanc-open"]


OTHERS = [
    told("hi"),
    told([SYSTEM]),
    told({"Version": "1.10.1"}),
    told(SYSTEM | {"ApiVersion": "16"}),
    told(SYSTEM | {"Version": 1}),
    told({key: value for key, value in SYSTEM.items() if key != "DicomAet"}),
    told("", "401 Unauthorized", 'WWW-Authenticate: Basic realm="router"\r\n'),
    told(SYSTEM, "404 Not Found"),
    told("", "302 Found", "Location: /patients\r\n"),
]


@pytest.mark.parametrize("raw", OTHERS)
def test_another_web_server_is_said_to_be_one_and_asked_nothing_more(raw: bytes) -> None:
    with Peer(server(raw), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, peer.connections) == ([], 1)
    assert asked.other is not None
    assert asked.other.opening == b"HTTP/"


HICCUPS = {
    # its pages, what is proved, why the rest is not
    "out of order": ([told("", "503 x")], [], Reason.BUSY),
    "a beginning that breaks off": ([told(SYSTEM)[:-40]], [], Reason.PROTOCOL),
    "no numbers for now": ([told(SYSTEM), told("", "503 x")], ["unknown"], Reason.BUSY),
    "numbers that break off": ([told(SYSTEM), told(STATISTICS)[:-40]], ["unknown"], Reason.PROTOCOL),
    "no numbers at all": ([told(SYSTEM), b""], ["unknown"], Reason.CLOSED),
}


@pytest.mark.parametrize(("pages", "proved", "reason"), HICCUPS.values(), ids=HICCUPS)
def test_a_server_in_trouble_is_neither_open_nor_closed(
    pages: list[bytes], proved: list[str], reason: Reason
) -> None:
    asked = asked_of(*pages)
    assert [seen.facts["authentication"] for seen in asked.seen] == proved
    assert (asked.other, asked.rules) == (None, [])
    assert asked.reason is reason


def test_over_tls_the_second_page_is_asked_for_over_tls(tmp_path: Path) -> None:
    context = certificates.Tls().context(certificates.make(tmp_path, "cabinet"))

    def behave(talk: Talk) -> None:
        first = talk.some().startswith(b"GET /system ")
        talk.send(told(SYSTEM if first else STATISTICS))

    with Peer(behave, fresh_address(), tls=context) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.facts["authentication"], asked.facts["patients"]) == ("none", 12)
    assert (asked.facts["tls"], asked.facts["certificate_name"], peer.connections) == (True, "cabinet", 3)


def test_a_server_that_stalls_is_a_failure() -> None:
    with Peer(Talk.hold, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], Reason.TIMEOUT)


@pytest.mark.parametrize("authentication", ["password", "unknown"])
def test_from_the_internet_any_is_a_finding(authentication: str) -> None:
    target = Target("d", "192.0.2.1", (8042,), Vantage.OUTSIDE)
    seen = target.observed("orthanc", 8042, "orthanc", {"authentication": authentication})
    assert [finding.rule for finding in PROBE.judge(seen)] == ["orthanc-reachable"]
    other = target.observed("orthanc", 8042, "http", {})
    assert list(PROBE.judge(other)) == []


def test_it_is_asked_where_it_is_at_home_unless_no_page_was_heard_there_and_where_it_was_met() -> None:
    ports = (80, 443, 8042, 8043, 8044)
    assert PROBE.wants(Target("d", "192.0.2.1", ports)) == (8042, 8043)
    spoken = {80: "http", 443: "orthanc", 8042: "http", 8043: "tls", 8044: "dicom"}
    assert PROBE.wants(Target("d", "192.0.2.1", ports, spoken=spoken)) == (443, 8042, 8043)
    assert PROBE.wants(Target("d", "192.0.2.1", ports, spoken={8042: "dicom", 8043: "ssh"})) == ()
    assert PROBE.wants(Target("d", "192.0.2.1", ports, before={8044: "orthanc"})) == (8042, 8043, 8044)
    assert PROBE.wants(Target("d", "192.0.2.1", (8044,), free=frozenset({8044}))) == ()


@given(st.binary(max_size=300), st.sampled_from([b"", told(SYSTEM), b"HTTP/1.1 200 OK\r\n\r\n", ASKS]))
def test_any_bytes_give_facts_or_a_failure(raw: bytes, prefix: bytes) -> None:
    asked = canned(PROBE, prefix + raw, prefix + raw)
    assert asked.seen or asked.error or asked.other
    again = canned(PROBE, told(SYSTEM), prefix + raw)
    assert again.protocol == "orthanc"
    assert "orthanc-open" not in again.rules
