"""What do we learn from a Livebox, what does it see of us, and what of a model that answers otherwise?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netwatch.box import livebox, read
from netwatch.internet import BoxSettings
from netwatch.model import Reason, Target, Vantage
from tests.lab.boxes import Freebox, Livebox, livebox_rule, said, served
from tests.lab.interview import proper
from tests.netwatch.test_box import around, door, only, way_to

if TYPE_CHECKING:
    from pathlib import Path

    from netwatch.model import Failure, Observation
    from tests.lab.boxes import Box

SETTINGS = BoxSettings(kind="livebox", password_env="BOX")
LOGIN, LOGOUT = "sah.Device.Information:createContext", "sah.Device.Information:releaseContext"
READS = {
    "NMC:getWANStatus",
    "Firewall:getPortForwarding",
    "Firewall:getDMZ",
    "UPnP-IGD:get",
    "Firewall:getFirewallIPv6Level",
}


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOX", "Lb-secret-1")


def told(box: Box, folder: Path, **more: Any) -> tuple[list[Observation], list[Failure]]:  # noqa: ANN401
    """What a night makes of it."""
    with served(box), way_to(box, **more) as way:
        return read(SETTINGS, way, Target("d1", box.address, ()), folder, doors=door(box))


def test_the_forwards_of_its_page_and_of_upnp_are_told(tmp_path: Path) -> None:
    rules = {
        "webui_PACS": livebox_rule(),
        "upnp_x": livebox_rule(
            Origin="upnp",
            Protocol="6,17",
            ExternalPort="8000-8010",
            InternalPort="",
            LeaseDuration=3600,
            Enable=False,
            SourcePrefix="198.51.100.9,198.51.100.10",
        ),
    }
    seen, failures = told(Livebox(forwards=rules), tmp_path)
    assert failures == []
    first, *others = only(seen, "forward")
    assert (first.probe, first.vantage, first.port, first.transport) == ("livebox", Vantage.BOX, 8104, "tcp")
    assert first.facts == {
        "to_address": "192.168.1.20",
        "to_port": 11112,
        "enabled": True,
        "permanent": True,
        "comment": "PACS",
        "source": None,
    }
    assert [(one.transport, one.port, one.facts["ports"], one.facts["to_port"]) for one in others] == [
        ("tcp", 8000, "8000-8010", 8000),
        ("udp", 8000, "8000-8010", 8000),
    ]
    assert others[0].facts["permanent"] is False
    assert others[0].facts["enabled"] is False
    assert others[0].facts["source"] == "198.51.100.9,198.51.100.10"
    assert only(seen, "listing")[0].facts == {"listing": "whole", "count": 3}


@pytest.mark.parametrize("nothing", [{}, [], ""])
def test_nothing_is_told_as_nothing_and_is_no_failure(nothing: object, tmp_path: Path) -> None:
    seen, failures = told(Livebox(forwards=nothing, dmz=nothing), tmp_path)
    assert failures == []
    assert only(seen, "listing")[0].facts == {"listing": "whole", "count": 0}
    assert only(seen, "dmz")[0].facts == {"to_address": None, "enabled": False}
    assert only(seen, "wan")[0].facts == {"address": "203.0.113.7", "via": "livebox"}
    assert only(seen, "upnp")[0].facts == {"enabled": True}


def test_a_dmz_is_told_with_where_it_leads(tmp_path: Path) -> None:
    dmz = {"webui": {"DestinationIPAddress": "192.168.1.30", "SourcePrefix": "", "Enable": True}}
    seen, _ = told(Livebox(dmz=dmz), tmp_path)
    assert only(seen, "dmz")[0].facts == {"to_address": "192.168.1.30", "enabled": True}
    dmz["webui"]["Enable"] = False
    seen, _ = told(Livebox(dmz=dmz), tmp_path)
    assert only(seen, "dmz")[0].facts == {"to_address": None, "enabled": False}


@pytest.mark.parametrize(
    ("level", "enabled"), [("Low", False), ("Medium", True), ("High", True), ("Custom", None)]
)
def test_the_level_low_filters_nothing_and_custom_is_unknown(
    level: str,
    enabled: bool | None,  # noqa: FBT001 - one of a table
    tmp_path: Path,
) -> None:
    seen, failures = told(Livebox(level=level), tmp_path)
    assert failures == []
    assert only(seen, "ipv6-firewall")[0].facts == {"enabled": enabled, "level": level.lower()}


def test_the_box_sees_one_login_reads_and_a_farewell(tmp_path: Path) -> None:
    box = Livebox(forwards={"a": livebox_rule()})
    told(box, tmp_path)
    first, *_, last = calls = [what for _, what in box.asked]
    assert (first, last) == (LOGIN, LOGOUT)
    assert set(calls) == READS | {LOGIN, LOGOUT}
    assert len(box.questions) == 7
    assert {(question.method, question.path) for question in box.questions} == {("POST", "/ws")}
    assert all(question.json["parameters"] == {} for question in box.questions[1:-1])


@pytest.mark.parametrize("method", ["setDMZ", "setPortForwarding", "commit", "getPinhole"])
def test_a_call_that_is_not_in_the_list_cannot_be_made(method: str) -> None:
    box = Livebox()
    with served(box), way_to(box) as way:
        api = livebox.Api(way, box.address, door(box))
        with pytest.raises(ValueError, match=method):
            api.call("Firewall", method)
    assert box.questions == []


def test_every_call_of_the_list_reads_or_is_about_our_session() -> None:
    sessions = {livebox.LOGIN, livebox.LOGOUT}
    assert all(method.startswith("get") for _, method in livebox.CALLS - sessions)


def test_a_refused_password_is_tried_once_and_never_again_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOX", "wrong")
    box = Livebox()
    nights = [told(box, tmp_path)[1] for _ in range(3)]
    assert [failure.reason for night in nights for failure in night] == [Reason.CREDENTIALS] * 3
    assert [what for _, what in box.asked] == [LOGIN]
    monkeypatch.setenv("BOX", box.password)
    seen, failures = told(box, tmp_path)
    assert failures == []
    assert seen != []


@pytest.mark.parametrize(
    "no",
    [
        said({"status": 1, "data": {}}),
        said({"status": None, "errors": [{"error": 13, "description": "Permission denied"}]}),
        said({}, 401),
    ],
)
def test_each_way_to_refuse_a_password_is_known_as_one(no: Any, tmp_path: Path) -> None:  # noqa: ANN401
    _, [failure] = told(Livebox(says={LOGIN: no}), tmp_path)
    assert failure.reason is Reason.CREDENTIALS
    assert "does not accept this password" in failure.detail


def test_a_model_that_does_not_know_a_call_sends_to_the_declared_page(tmp_path: Path) -> None:
    says = {"Firewall:getDMZ": Livebox.error(196_618), "UPnP-IGD:get": Livebox.error(13)}
    seen, failures = told(Livebox(says=says), tmp_path)
    assert [failure.reason for failure in failures] == [Reason.PROTOCOL, Reason.CREDENTIALS]
    assert all("box declare" in failure.detail for failure in failures)
    assert {one.protocol for one in seen} == {"wan", "listing", "ipv6-firewall"}
    assert "Dupont" not in str(failures)


def test_an_answer_that_another_content_type_wraps_is_read_too(tmp_path: Path) -> None:
    wrapped = said({"result": {"status": "High"}})
    seen, failures = told(Livebox(says={"Firewall:getFirewallIPv6Level": wrapped}), tmp_path)
    assert failures == []
    assert only(seen, "ipv6-firewall")[0].facts["enabled"] is True


def test_what_is_no_livebox_gets_no_second_question(tmp_path: Path) -> None:
    box = Freebox(says={"/ws": said({"success": False})})  # another box at the gateway
    seen, failures = told(box, tmp_path)
    assert seen == []
    assert [failure.reason for failure in failures] == [Reason.PROTOCOL]
    assert len(box.questions) == 1


HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>M. Dupont</html>"
TROUBLES = {
    "a page in place of JSON": (HTML, Reason.PROTOCOL),
    "a failure of its own": (b"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n", Reason.BUSY),
    "too much": (b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 230_000, Reason.LIMIT),
    "an answer that breaks off": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", Reason.PROTOCOL),
    "nothing": (b"", Reason.CLOSED),
    "a silence": (None, Reason.TIMEOUT),
    "a list": (b"HTTP/1.1 200 OK\r\n\r\n[]", Reason.PROTOCOL),
}


@pytest.mark.parametrize(("raw", "reason"), TROUBLES.values(), ids=TROUBLES)
@pytest.mark.parametrize("where", [LOGIN, "Firewall:getDMZ"])
def test_rubbish_is_a_failure_and_never_an_error(
    where: str, raw: bytes | None, reason: Reason, tmp_path: Path
) -> None:
    seen, failures = told(Livebox(says={where: raw}), tmp_path, longest=0.5)
    assert [failure.reason for failure in failures] == [reason]
    assert only(seen, "dmz") == []
    assert "Dupont" not in str(failures)
    assert list(tmp_path.iterdir()) == []  # no password was refused: nothing is remembered of it


def test_a_cookie_or_a_context_that_could_end_a_header_is_not_sent_back(tmp_path: Path) -> None:
    evil = said({"status": 0, "data": {"contextID": "a\r\nX-Evil: 1"}})
    box = Livebox(says={LOGIN: evil})
    _, failures = told(box, tmp_path)
    assert [failure.reason for failure in failures] == [Reason.PROTOCOL]
    assert len(box.questions) == 1


def test_the_password_is_in_no_failure_no_audit_line_and_no_file(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    box = Livebox(password="another")
    _, failures = told(box, tmp_path / "box", log=log)
    kept = [file.read_text(encoding="utf-8") for file in (tmp_path / "box").iterdir()]
    assert kept != []
    lines = log.read_text(encoding="utf-8")
    assert json.loads(lines)["sent"][0].startswith("sah.Device.Information:createContext")
    assert "Lb-secret-1" not in f"{kept}{lines}{failures!r}"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.fixed_dictionaries({}, optional=dict.fromkeys(livebox_rule(), VALUES))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    forwards=st.dictionaries(st.text(max_size=5), FIELDS.map(lambda other: livebox_rule(**other)) | VALUES),
    rest=VALUES,
)
def test_whatever_the_box_says_comes_out_as_proper_facts(
    forwards: dict[str, Any], rest: object, tmp_path: Path
) -> None:
    wan = {"IPAddress": rest, "IPv6Address": rest}
    with around(Livebox(forwards=forwards, dmz=rest, level=rest, upnp=rest, wan=wan)) as (way, box, doors):
        seen, failures = read(SETTINGS, way, Target("d1", box.address, ()), tmp_path, doors=doors)
    for one in seen:
        proper(one)
    for failure in failures:
        assert failure.detail.isprintable()
