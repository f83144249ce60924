"""Does the imaging server answer a stranger's query? Real sockets, servers good, bad, lying and stalling."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Network
from itertools import count

import pytest

from netwatch import association
from netwatch.egress import Egress
from netwatch.errors import ConfigError
from netwatch.model import Observation, Reason, Target
from netwatch.options import configure
from netwatch.probe import ProbeError
from netwatch.scope import Scope
from probes.dicom import Dicom
from tests.lab import pdus
from tests.lab.canary import CANARIES
from tests.lab.hurry import FAST
from tests.lab.scps import BEHAVIOURS, Scp, Tls, accept, answer, reject, scp

HOSTS = count(1)
USUAL, UNUSUAL = 11112, 50_001
PROBE = Dicom(timeout=1.0, listen=0.2)


@pytest.fixture
def address() -> str:
    """An address of its own for each test, so that no gate or port is shared."""
    number = next(HOSTS)
    return f"127.78.{number // 250}.{number % 250 + 1}"


@dataclass
class Asked:
    """What one question gave."""

    seen: list[Observation]
    error: ProbeError | None

    @property
    def facts(self) -> dict[str, object]:
        return dict(self.seen[0].facts) if self.seen else {}

    @property
    def rules(self) -> list[str]:
        return [finding.rule for seen in self.seen for finding in PROBE.judge(seen)]

    @property
    def reason(self) -> Reason | None:
        return self.error.reason if self.error else None


def ask(address: str, port: int = USUAL, probe: Dicom = PROBE) -> Asked:
    scope = Scope((IPv4Network(f"{address}/32"),), until=date.max)
    asked = Asked([], None)
    egress = Egress(scope, FAST)
    try:
        for seen in probe.observe(Target("d", address, (port,)), port, egress.asking("dicom", "dicom")):
            asked.seen.append(seen)
    except ProbeError as error:
        asked.error = error
    finally:
        egress.close()
    return asked


LADDER = [
    # behaviour, facts, rules, why a question stayed open
    (
        "open_pacs",
        {
            "association": "accepted",
            "busy": False,
            "echo": "answered",
            "query": "answered",
            "store": "negotiated",
            "tls": False,
        },
        ["dicom-query-answered", "dicom-store-negotiated"],
        None,
    ),
    (
        "titles",
        {"association": "rejected", "reject": "called-ae-title-not-recognized", "busy": False},
        ["dicom-name-only"],
        None,
    ),
    ("callers", {"association": "rejected", "reject": "calling-ae-title-not-recognized"}, [], None),
    ("busy", {"association": "rejected", "reject": "temporary-congestion", "busy": True}, [], Reason.BUSY),
    ("limit", {"association": "rejected", "reject": "local-limit-exceeded", "busy": True}, [], Reason.BUSY),
    ("refuses_queries", {"query": "refused", "query_status": "0x0124"}, ["dicom-store-negotiated"], None),
    ("aborts_on_find", {"echo": "answered", "query": "refused"}, ["dicom-store-negotiated"], None),
    ("find_not_offered", {"query": "not-offered", "echo": "answered"}, ["dicom-store-negotiated"], None),
    ("store_not_offered", {"store": "not-offered", "query": "answered"}, ["dicom-query-answered"], None),
    (
        "echo_status_refused",
        {"echo": "refused", "query": "answered"},
        ["dicom-query-answered", "dicom-store-negotiated"],
        None,
    ),
    ("leaks", {"query": "leaked"}, ["dicom-patient-sent", "dicom-store-negotiated"], None),
    ("leaks_at_once", {"query": "leaked"}, ["dicom-patient-sent", "dicom-store-negotiated"], None),
    (
        "status:0xA700",
        {"query": "unknown", "query_status": "0xA700"},
        ["dicom-store-negotiated"],
        Reason.BUSY,
    ),
    (
        "status:0xC001",
        {"query": "unknown", "query_status": "0xC001"},
        ["dicom-store-negotiated"],
        Reason.BUSY,
    ),
    ("status:0x0122", {"query": "refused"}, ["dicom-store-negotiated"], None),
    (
        "silent_after_associate",
        {"association": "accepted", "echo": "none", "query": "unknown"},
        ["dicom-store-negotiated"],
        Reason.TIMEOUT,
    ),
    (
        "silent_after_echo",
        {"echo": "answered", "query": "unknown"},
        ["dicom-store-negotiated"],
        Reason.TIMEOUT,
    ),
    ("silent_on_find", {"echo": "answered", "query": "unknown"}, ["dicom-store-negotiated"], Reason.TIMEOUT),
    ("silent_on_release", {"query": "answered"}, ["dicom-query-answered", "dicom-store-negotiated"], None),
    ("huge_pdv", {"echo": "answered", "query": "unknown"}, ["dicom-store-negotiated"], Reason.LIMIT),
    (
        "aborts_after_associate",
        {"association": "accepted", "echo": "refused", "query": "unknown"},
        ["dicom-store-negotiated"],
        Reason.CLOSED,
    ),
    ("aborts_after_echo", {"echo": "answered", "query": "refused"}, ["dicom-store-negotiated"], None),
    ("aborts_after_find", {"query": "answered"}, ["dicom-query-answered", "dicom-store-negotiated"], None),
    (
        "closes_after_associate",
        {"echo": "none", "query": "unknown"},
        ["dicom-store-negotiated"],
        Reason.CLOSED,
    ),
    ("closes_on_find", {"echo": "answered", "query": "unknown"}, ["dicom-store-negotiated"], Reason.CLOSED),
    ("closes_after_find", {"query": "answered"}, ["dicom-query-answered", "dicom-store-negotiated"], None),
]


@pytest.mark.parametrize(("behaviour", "facts", "rules", "reason"), LADDER, ids=[row[0] for row in LADDER])
def test_the_highest_rung_that_was_proved_is_told(
    address: str, behaviour: str, facts: dict[str, object], rules: list[str], reason: Reason | None
) -> None:
    with scp(behaviour, address, USUAL):
        asked = ask(address)
    assert facts.items() <= asked.facts.items()
    assert asked.seen[0].protocol == "dicom"
    assert asked.rules == rules
    assert asked.reason is reason


SILENCES = [
    ("silent", Reason.TIMEOUT),
    ("drip", Reason.TIMEOUT),
    ("huge_length", Reason.LIMIT),
    ("closes_after_connect", Reason.CLOSED),
    ("closes_instead_of_associate", Reason.CLOSED),
]


@pytest.mark.parametrize(("behaviour", "reason"), SILENCES, ids=[row[0] for row in SILENCES])
def test_a_server_that_proves_nothing_is_a_failure_and_no_fact(
    address: str, behaviour: str, reason: Reason
) -> None:
    with scp(behaviour, address, USUAL):
        asked = ask(address)
    assert asked.seen == []
    assert asked.reason is reason


@pytest.mark.parametrize("behaviour", ["silent", "closes_after_connect"])
def test_a_port_where_nobody_expects_dicom_may_stay_mute(address: str, behaviour: str) -> None:
    with scp(behaviour, address, UNUSUAL):
        assert ask(address, UNUSUAL).reason is Reason.MUTE


def test_dicom_is_found_on_a_port_where_nobody_expects_it(address: str) -> None:
    with scp("open_pacs", address, UNUSUAL):
        assert ask(address, UNUSUAL).facts["query"] == "answered"


def test_an_abort_at_once_proves_dicom_and_settles_nothing(address: str) -> None:
    with scp("aborts_after_connect", address, USUAL):
        asked = ask(address)
    assert asked.facts["association"] == "aborted"
    assert asked.rules == []
    assert asked.reason is Reason.CLOSED


def test_a_rejection_that_is_for_now_settles_nothing(address: str) -> None:
    with scp(Scp(associate=reject(2, 1, 1)), address, USUAL):
        asked = ask(address)
    assert asked.facts["reject_result"] == "rejected-transient"
    assert asked.reason is Reason.BUSY


def test_an_answer_that_nobody_recognises_settles_nothing(address: str) -> None:
    with scp("garbage", address, USUAL):
        asked = ask(address)
    assert [seen.protocol for seen in asked.seen] == ["unknown"]
    assert asked.reason is Reason.PROTOCOL


@pytest.mark.parametrize(
    ("behaviour", "port", "word"),
    [
        ("http", USUAL, "http"),
        ("http", UNUSUAL, "http"),
        ("ssh_banner", UNUSUAL, "ssh"),
    ],
)
def test_what_is_not_dicom_is_said_so(address: str, behaviour: str, port: int, word: str) -> None:
    with scp(behaviour, address, port):
        asked = ask(address, port)
    assert [seen.protocol for seen in asked.seen] == [word]
    assert asked.rules == []
    assert asked.error is None


def test_a_server_that_speaks_first_receives_not_one_byte(address: str) -> None:
    with scp("ssh_banner", address, UNUSUAL) as peer:
        ask(address, UNUSUAL)
        assert peer.received == 0


@pytest.mark.parametrize("port", [USUAL, 2762, UNUSUAL])
def test_dicom_over_tls_is_climbed_to_the_top(address: str, port: int) -> None:
    with scp("tls_only", address, port):
        asked = ask(address, port)
    assert {
        "tls": True,
        "client_certificate": "not-asked",
        "query": "answered",
    }.items() <= asked.facts.items()
    assert "dicom-query-answered" in asked.rules


@pytest.mark.parametrize("port", [USUAL, 2762])
def test_mutual_tls_is_recognised_and_is_no_finding(address: str, port: int) -> None:
    with scp("mutual_tls", address, port):
        asked = ask(address, port)
    assert {"tls": True, "client_certificate": "required"}.items() <= asked.facts.items()
    assert "association" not in asked.facts
    assert asked.rules == []


def test_a_server_that_speaks_only_tls_1_3_is_climbed_too(address: str) -> None:
    import ssl  # noqa: PLC0415

    with scp(Scp(tls=Tls(minimum=ssl.TLSVersion.TLSv1_3)), address, 2762):
        asked = ask(address, 2762)
    assert {"tls": True, "tls_version": "TLSv1.3", "query": "answered"}.items() <= asked.facts.items()


def test_the_tls_port_is_climbed_in_clear_too(address: str) -> None:
    with scp("open_pacs", address, 2762):
        assert ask(address, 2762).facts["tls"] is False


def test_a_port_that_spoke_dicom_in_clear_before_is_never_greeted_in_tls(address: str) -> None:
    scope = Scope((IPv4Network(f"{address}/32"),), until=date.max)
    for clear, connections in ((frozenset({USUAL}), 1), (frozenset[int](), 2)):
        target = Target("d", address, (USUAL,), clear=clear)
        egress = Egress(scope, FAST)
        with scp("closes_instead_of_associate", address, USUAL) as peer, pytest.raises(ProbeError):
            list(PROBE.observe(target, USUAL, egress.asking("dicom", "dicom")))
        egress.close()
        assert peer.connections == connections


def test_the_query_names_one_random_study_and_nothing_else(address: str) -> None:
    with scp("open_pacs", address, USUAL) as peer:
        ask(address)
        ask(address)
        first, second = peer.datasets
    from io import BytesIO  # noqa: PLC0415

    from pydicom.filereader import read_dataset  # noqa: PLC0415

    asked = [
        read_dataset(BytesIO(raw), is_implicit_VR=True, is_little_endian=True) for raw in (first, second)
    ]
    assert [element.keyword for element in asked[0]] == ["QueryRetrieveLevel", "StudyInstanceUID"]
    assert asked[0].QueryRetrieveLevel == "STUDY"
    assert asked[0].StudyInstanceUID.startswith("2.25.")
    assert asked[0].StudyInstanceUID != asked[1].StudyInstanceUID


def test_the_association_is_ours_one_and_released(address: str) -> None:
    with scp("open_pacs", address, USUAL) as peer:
        ask(address)
        assert peer.titles == [("ANY-SCP", "NETWATCH")]
        assert peer.asked == ["A-ASSOCIATE-RQ", "C-ECHO-RQ", "C-FIND-RQ", "A-RELEASE-RQ"]
        assert (peer.connections, peer.peak) == (1, 1)


@pytest.mark.parametrize("behaviour", sorted(BEHAVIOURS))
def test_nothing_is_ever_stored_and_no_peer_holds_us(address: str, behaviour: str) -> None:
    with scp(behaviour, address, USUAL) as peer:
        ask(address)
        assert "C-STORE-RQ" not in peer.asked
        assert peer.peak <= 1
        assert peer.connections <= 3


@pytest.mark.parametrize("behaviour", ["leaks", "leaks_at_once", "huge_pdv"])
def test_a_patient_that_is_sent_anyway_is_nowhere(
    address: str, behaviour: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with scp(behaviour, address, USUAL) as peer:
        asked = ask(address, probe=Dicom(timeout=1.0))
        sent = peer.sent
    told = f"{asked!r}{vars(asked.error) if asked.error else ''}{caplog.text}{capsys.readouterr()}"
    assert sent > 0
    assert not [name for name in CANARIES if name in told]


def test_not_one_byte_of_a_record_is_read_from_the_socket(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from netwatch.line import Line  # noqa: PLC0415

    read = bytearray()
    original = Line.read

    def recorded(self: Line, size: int) -> bytes:
        data = original(self, size)
        read.extend(data)
        return data

    monkeypatch.setattr(Line, "read", recorded)
    with scp("leaks_at_once", address, USUAL):
        assert ask(address).facts["query"] == "leaked"
    assert not [name for name in CANARIES if name.encode() in read]


def test_makers_and_toolkits_are_told_apart(address: str) -> None:
    does = Scp(associate=accept(version="OFFIS_DCMTK_367", implementation="1.2.276.0.7230010.3.0.3.6.7"))
    with scp(does, address, USUAL):
        facts = ask(address).facts
    assert (facts["product"], facts["toolkit"], facts["maker"]) == ("DCMTK 3.6.7", "DCMTK", None)
    assert facts["implementation_version"] == "OFFIS_DCMTK_367"


def test_control_characters_in_a_version_name_are_dropped(address: str) -> None:
    does = Scp(associate=accept(version="A\x1b[31mB\r\nC"))
    with scp(does, address, USUAL):
        assert ask(address).facts["implementation_version"] == "A[31mBC"


def test_other_protocols_usual_ports_are_left_alone() -> None:
    target = Target("d", "127.0.0.1", (22, 80, 104, 445, 2575, 3389, 8080, 9100, 50_001))
    assert Dicom().wants(target) == (104, 8080, 50_001)


def test_a_command_set_is_read_without_any_dataset_of_it() -> None:
    from struct import pack  # noqa: PLC0415

    comment = pack("<HHI", 0, 0x0902, 8) + b"ZZCANARY"
    status = pack("<HHIH", 0, 0x0900, 2, 0xA700)
    assert association.command_fields(comment + status + b"\x00") == {(0, 0x0900): 0xA700}


def test_queries_that_succeed_with_other_words_are_no_success(address: str) -> None:
    with scp(Scp(find=answer(0x0001)), address, USUAL):
        assert ask(address).facts["query"] == "unknown"
    assert pdus.PENDING == 0xFF00


@pytest.mark.parametrize("title", ["É", "A\\B", " ", "A ", "", "A" * 17, "A\nB"])
def test_a_title_that_no_server_could_take_is_refused_in_the_site_file(title: str) -> None:
    with pytest.raises(ConfigError):
        configure({"dicom": Dicom}, {"dicom": {"called_ae": title}})


def test_a_title_with_a_blank_inside_is_a_title() -> None:
    [probe] = configure({"dicom": Dicom}, {"dicom": {"called_ae": "PACS 1"}})
    assert probe == Dicom(called_ae="PACS 1")
