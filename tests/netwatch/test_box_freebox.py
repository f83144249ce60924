"""What do we learn from a Freebox, what does it see of us, and what can it do to us?"""

from __future__ import annotations

import json
import stat
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netwatch.box import freebox, memory, read
from netwatch.box.talk import Door
from netwatch.errors import NetwatchError
from netwatch.internet import BoxSettings
from netwatch.model import Reason, Target, Vantage
from tests.lab import certificates
from tests.lab.boxes import Box, Freebox, forbidden, rule, said, served
from tests.lab.interview import proper
from tests.netwatch.test_box import around, door, only, way_to

if TYPE_CHECKING:
    from pathlib import Path

    from netwatch.model import Failure, Observation

SETTINGS = BoxSettings(kind="freebox")
GETS = {
    ("GET", "/api_version"),
    ("GET", "login/"),
    ("GET", "connection/"),
    ("GET", "connection/ipv6/config/"),
    ("GET", "fw/redir/"),
    ("GET", "fw/dmz/"),
    ("GET", "upnpigd/config/"),
    ("GET", "upnpigd/redir/"),
}
SESSION = {("POST", "login/session/"), ("POST", "login/logout/")}


def told(box: Freebox, folder: Path, **more: Any) -> tuple[list[Observation], list[Failure]]:  # noqa: ANN401
    """What a paired netwatch makes of it."""
    memory.keep_token(folder, box.token)
    with served(box), way_to(box, **more) as way:
        return read(SETTINGS, way, Target("d1", box.address, ()), folder, doors=door(box))


def test_a_forward_of_the_box_is_told_with_where_it_leads(tmp_path: Path) -> None:
    seen, failures = told(Freebox(rules=[rule()]), tmp_path)
    assert failures == []
    [one] = only(seen, "forward")
    assert (one.probe, one.vantage, one.device, one.port, one.transport) == (
        "freebox",
        Vantage.BOX,
        "d1",
        8104,
        "tcp",
    )
    assert one.facts == {
        "to_address": "192.168.1.20",
        "to_port": 11112,
        "enabled": True,
        "permanent": True,
        "comment": "PACS",
        "source": None,
    }
    assert only(seen, "listing")[0].facts == {"listing": "whole", "count": 1}
    for each in seen:
        proper(each)


def test_a_range_a_source_and_a_rule_that_is_off_are_told(tmp_path: Path) -> None:
    other = rule(wan_port_end=8110, wan_port_start=8100, src_ip="198.51.100.9", enabled=False, ip_proto="udp")
    seen, _ = told(Freebox(rules=[other]), tmp_path)
    [one] = only(seen, "forward")
    assert (one.port, one.transport) == (8100, "udp")
    assert one.facts["ports"] == "8100-8110"
    assert (one.facts["source"], one.facts["enabled"]) == ("198.51.100.9", False)


def test_what_devices_asked_for_by_upnp_is_told_as_passing(tmp_path: Path) -> None:
    asked: dict[str, Any] = {
        "id": "0.0.0.0-26476-tcp",
        "enabled": True,
        "proto": "tcp",
        "desc": "Camera",
        "ext_src_ip": "0.0.0.0",  # noqa: S104
        "ext_port": 26476,
        "int_ip": "192.168.1.49",
        "int_port": 32400,
        "remaining": 3600,
    }
    seen, failures = told(Freebox(upnp=True, upnp_rules=[asked, asked | {"remaining": 0}]), tmp_path)
    assert failures == []
    assert [one.facts["permanent"] for one in only(seen, "forward")] == [False, True]
    assert only(seen, "upnp")[0].facts == {"enabled": True}


def test_the_dmz_the_ipv6_firewall_and_the_shared_address_are_told(tmp_path: Path) -> None:
    box = Freebox(dmz={"enabled": True, "ip": "192.168.1.30"})
    box.connection["ipv4_port_range"] = [16384, 32767]
    seen, failures = told(box, tmp_path)
    assert failures == []
    assert only(seen, "dmz")[0].facts == {"to_address": "192.168.1.30", "enabled": True}
    assert only(seen, "ipv6-firewall")[0].facts == {"enabled": False, "ipv6": True}
    assert only(seen, "wan")[0].facts == {
        "address": "203.0.113.7",
        "via": "freebox",
        "ports": "16384-32767",
        "ipv6": "2001:db8:1::1",
    }


def test_an_empty_list_comes_without_a_result_and_is_no_failure(tmp_path: Path) -> None:
    seen, failures = told(Freebox(), tmp_path)
    assert failures == []
    assert only(seen, "listing")[0].facts == {"listing": "whole", "count": 0}
    assert only(seen, "dmz")[0].facts == {"to_address": None, "enabled": False}


def test_the_box_sees_nothing_but_reads_and_our_own_session(tmp_path: Path) -> None:
    box = Freebox(rules=[rule()], upnp=True)
    told(box, tmp_path)
    assert set(box.asked) == GETS | SESSION
    assert box.asked[-1] == ("POST", "login/logout/")
    assert box.sessions == []  # closed
    assert all(question.body == b"" for question in box.questions if question.method == "GET")
    assert not any(box.token in str(question) for question in box.questions)


def test_a_call_that_is_not_in_the_list_cannot_be_made(tmp_path: Path) -> None:
    box = Freebox()
    with served(box), way_to(box) as way:
        api = freebox.Api(way, box.address, door(box))
        for call in (
            ("PUT", "fw/dmz/"),
            ("POST", "fw/redir/"),
            ("DELETE", "fw/redir/1"),
            ("GET", "call/log/"),
        ):
            with pytest.raises(ValueError, match=call[1]):
                api.call(*call)
    assert box.asked == [("GET", "/api_version")]
    assert tmp_path.exists()


def test_without_a_pairing_nothing_is_sent(tmp_path: Path) -> None:
    box = Freebox()
    with served(box), way_to(box) as way:
        seen, failures = read(SETTINGS, way, Target("d1", box.address, ()), tmp_path, doors=door(box))
    assert (seen, box.questions) == ([], [])
    assert [failure.reason for failure in failures] == [Reason.CREDENTIALS]
    assert "box pair" in failures[0].detail


NOES = {
    "auth_required": Reason.CREDENTIALS,
    "insufficient_rights": Reason.CREDENTIALS,
    "denied_from_external_ip": Reason.CREDENTIALS,
    "ratelimited": Reason.BUSY,
    "apps_denied": Reason.CREDENTIALS,
    "internal_error": Reason.BUSY,
    "something of its own": Reason.PROTOCOL,
}


@pytest.mark.parametrize(("code", "reason"), NOES.items())
def test_a_no_of_the_box_is_a_failure_with_its_reason(code: str, reason: Reason, tmp_path: Path) -> None:
    seen, failures = told(Freebox(says={"fw/dmz/": forbidden(code)}), tmp_path)
    assert failures[0].reason is reason
    assert only(seen, "dmz") == []
    assert only(seen, "wan") != []  # what came before it stays
    assert "Dupont" not in str(failures)


def test_a_token_that_was_taken_away_sends_to_a_new_pairing(tmp_path: Path) -> None:
    box = Freebox()
    memory.keep_token(tmp_path, "another+token/==")
    with served(box), way_to(box) as way:
        seen, failures = read(SETTINGS, way, Target("d1", box.address, ()), tmp_path, doors=door(box))
    assert seen == []
    assert [failure.reason for failure in failures] == [Reason.CREDENTIALS]
    assert "no longer knows" in failures[0].detail
    assert [what for _, what in box.asked].count("login/session/") == 1


def test_one_question_without_an_answer_spoils_no_other(tmp_path: Path) -> None:
    seen, failures = told(Freebox(says={"fw/redir/": forbidden("insufficient_rights")}), tmp_path)
    assert [failure.reason for failure in failures] == [Reason.CREDENTIALS]
    assert {one.protocol for one in seen} == {"wan", "dmz", "upnp", "ipv6-firewall"}
    assert only(seen, "listing") == []  # nothing is said of a list that was not read


HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>Connectez-vous, M. Dupont</html>"
TROUBLES = {
    "a page in place of JSON": (HTML, Reason.PROTOCOL),
    "a redirect": (
        b"HTTP/1.1 302 x\r\nLocation: http://198.51.100.1/\r\nContent-Length: 0\r\n\r\n",
        Reason.PROTOCOL,
    ),
    "a failure of its own": (b"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n", Reason.BUSY),
    "an answer that is too long": (b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 230_000, Reason.LIMIT),
    "nesting without an end": (b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000, Reason.PROTOCOL),
    "an answer that breaks off": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", Reason.PROTOCOL),
    "another protocol": (b"SSH-2.0-OpenSSH_9.2\r\n", Reason.PROTOCOL),
    "a number that is none": (
        b"HTTP/1.1 200 OK\r\n\r\n" + b'{"success": true, "result": NaN}',
        Reason.PROTOCOL,
    ),
    "bytes": (b"HTTP/1.1 200 OK\r\n\r\n\xff\xfe{}", Reason.PROTOCOL),
    "a list": (b"HTTP/1.1 200 OK\r\n\r\n[]", Reason.PROTOCOL),
}


@pytest.mark.parametrize(("raw", "reason"), TROUBLES.values(), ids=TROUBLES)
@pytest.mark.parametrize("where", ["/api_version", "fw/dmz/"])
def test_rubbish_is_a_failure_and_never_an_error(
    where: str, raw: bytes, reason: Reason, tmp_path: Path
) -> None:
    box = Freebox(says={where: raw})
    seen, failures = told(box, tmp_path)
    assert reason in {failure.reason for failure in failures}
    assert only(seen, "dmz") == []
    assert "Dupont" not in str(failures)


def test_a_box_that_stalls_is_left_alone_after_one_question(tmp_path: Path) -> None:
    box = Freebox(says={"fw/redir/": None})
    seen, failures = told(box, tmp_path, longest=0.3)
    assert [failure.reason for failure in failures] == [Reason.TIMEOUT]
    assert only(seen, "wan") != []
    assert box.asked[-1] == ("GET", "fw/redir/")


def test_rules_that_make_no_sense_are_left_out_and_said_to_be_missing(tmp_path: Path) -> None:
    wrong: list[dict[str, Any]] = [
        {"wan_port_start": 0},
        {"wan_port_end": 70000},
        {"wan_port_start": 9000},
        {"lan_ip": "intranet"},
        {"lan_ip": "fe80::1%eth0"},
        {"lan_port": True},
        {"ip_proto": "icmp"},
        {"ip_proto": ["tcp"]},
        {"enabled": "perhaps"},
        {"lan_port": 65535, "wan_port_end": 8105},
    ]
    seen, failures = told(Freebox(rules=[rule(), *[rule(**other) for other in wrong]]), tmp_path)
    assert failures == []
    assert len(only(seen, "forward")) == 1
    assert only(seen, "listing")[0].facts["listing"] == "cut"


def test_an_endless_list_is_cut(tmp_path: Path) -> None:
    short = {key: value for key, value in rule().items() if key not in {"host", "comment"}}
    seen, _ = told(Freebox(rules=[short] * 600), tmp_path)
    assert len(only(seen, "forward")) == 500
    assert only(seen, "listing")[0].facts == {"listing": "cut", "count": 500}


def test_a_comment_that_names_somebody_is_not_kept(tmp_path: Path) -> None:
    seen, _ = told(Freebox(rules=[rule(comment="Radio Mme Jeanne DUPONT 12/03/1961")]), tmp_path)
    assert only(seen, "forward")[0].facts["comment"] is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.fixed_dictionaries({}, optional=dict.fromkeys(rule(), VALUES))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(rules=st.lists(FIELDS.map(lambda other: rule(**other)) | VALUES, max_size=4), whole=VALUES)
def test_whatever_the_box_says_comes_out_as_proper_facts(
    rules: list[Any], whole: object, tmp_path: Path
) -> None:
    says = {
        path: said({"success": True, "result": whole})
        for path in ("fw/dmz/", "connection/", "upnpigd/redir/")
    }
    with around(Freebox(rules=rules, says=says)) as (way, box, doors):
        memory.keep_token(tmp_path, box.token)
        seen, failures = read(SETTINGS, way, Target("d1", box.address, ()), tmp_path, doors=doors)
    for one in seen:
        proper(one)
    for failure in failures:
        assert failure.detail.isprintable()


# ------------------------------------------------------------------------------------------- pairing


def pair(box: Freebox, folder: Path) -> list[str]:
    """What the person is told, and how often we waited."""
    notes: list[str] = []
    with served(box), way_to(box) as way:
        freebox.pair(
            way,
            Target("d1", box.address, ()),
            folder,
            "poste-accueil",
            lambda: notes.append("press"),
            doors=door(box),
            wait=lambda seconds: notes.append(f"{seconds:g}"),
        )
    return notes


def test_a_pairing_is_kept_for_its_owner_only_and_tried_out(tmp_path: Path) -> None:
    box = Freebox()
    assert pair(box, tmp_path / "box") == ["press", "2"]
    file = tmp_path / "box" / memory.TOKEN
    assert file.read_text(encoding="utf-8") == box.token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert ("POST", "login/session/") in box.asked
    [about] = [question.json for question in box.questions if question.path.endswith("authorize/")]
    assert about["device_name"] == "poste-accueil"
    assert about["app_name"] == "netwatch"


@pytest.mark.parametrize(
    ("presses", "message"),
    [
        (["pending", "denied"], "box.pair-denied"),
        (["timeout"], "box.pair-timeout"),
        (["unknown"], "box.pair-unknown"),
        ([{"a": 1}], "box.pair-unknown"),
        (["pending"] * 200, "box.pair-timeout"),
    ],
)
def test_a_pairing_that_nobody_allows_keeps_nothing(presses: list[Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(NetwatchError) as refused:
        pair(Freebox(presses=presses), tmp_path)
    assert refused.value.message == message
    assert list(tmp_path.iterdir()) == []


def test_a_box_that_lets_no_program_ask_says_so(tmp_path: Path) -> None:
    with pytest.raises(NetwatchError) as refused:
        pair(Freebox(says={"login/authorize/": forbidden("new_apps_denied")}), tmp_path)
    assert refused.value.message == "box.apps-denied"


@pytest.mark.parametrize("token", ["", "with\r\nX-Header: 1", 5, "x" * 600])
def test_a_token_that_could_end_a_header_is_not_taken(token: object, tmp_path: Path) -> None:
    answer = said({"success": True, "result": {"app_token": token, "track_id": 42}})
    with pytest.raises(NetwatchError) as refused:
        pair(Freebox(says={"login/authorize/": answer}), tmp_path)
    assert refused.value.message == "box.not-this-kind"


def test_the_token_is_in_no_error_no_failure_and_no_audit_line(tmp_path: Path) -> None:
    box = Freebox(says={"fw/dmz/": forbidden("internal_error")})
    memory.keep_token(tmp_path / "box", box.token)
    log = tmp_path / "log.jsonl"
    with served(box), way_to(box, log=log) as way:
        seen, failures = read(SETTINGS, way, Target("d1", box.address, ()), tmp_path / "box", doors=door(box))
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == len(box.questions)  # each question has its line
    assert lines[-1]["sent"][0].startswith("GET fw/dmz/")
    for secret in (box.token, "session/2+=", "session/3+=", "session/4+="):
        assert secret not in log.read_text(encoding="utf-8")
        assert secret not in repr((seen, failures))


def test_tls_comes_first_and_the_clear_door_only_where_nobody_takes_it(tmp_path: Path) -> None:
    pair_of = certificates.make(tmp_path, "mafreebox")
    memory.keep_token(tmp_path / "box", Freebox.token)
    with ExitStack() as stack:
        safe = stack.enter_context(served(Freebox(), tls=certificates.Tls().context(pair_of)))
        way = stack.enter_context(way_to(safe))
        doors = (Door(safe.port, tls=True), Door(1, tls=False))
        _, failures = read(SETTINGS, way, Target("d1", safe.address, ()), tmp_path / "box", doors=doors)
    assert failures == []
    with served(Freebox()) as clear, way_to(clear, longest=0.5) as way:
        doors = (Door(1, tls=True), Door(clear.port, tls=False))
        _, failures = read(SETTINGS, way, Target("d1", clear.address, ()), tmp_path / "box", doors=doors)
        assert failures == []
        # Somebody takes it, and does not speak TLS: that is no reason to speak in clear.
        doors = (Door(clear.port, tls=True), Door(clear.port, tls=False))
        asked = len(clear.questions)
        _, failures = read(SETTINGS, way, Target("d1", clear.address, ()), tmp_path / "box", doors=doors)
        assert len(failures) == 1
        assert len(clear.questions) == asked


def test_the_scope_holds_for_the_box_too(tmp_path: Path) -> None:
    box: Box = Freebox()
    memory.keep_token(tmp_path, Freebox.token)
    with served(box), way_to(box) as way:
        _, failures = read(SETTINGS, way, Target("d1", "127.99.0.1", ()), tmp_path, doors=door(box))
    assert [failure.reason for failure in failures] == [Reason.SCOPE]
    assert box.questions == []
