"""What do we learn from a Bbox, what does it see of us, and do we never make its lock grow?"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netwatch.box import bbox, memory, read
from netwatch.box.talk import Door
from netwatch.internet import BoxSettings
from netwatch.model import Reason, Target, Vantage
from tests.lab import certificates
from tests.lab.boxes import Bbox, bbox_rule, said, served
from tests.lab.interview import proper
from tests.netwatch.test_box import door, only, way_to

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from netwatch.model import Failure, Observation

SETTINGS = BoxSettings(kind="bbox", password_env="BOX")
GETS = {("GET", path) for path in ("wan/ip", "nat/rules", "nat/dmz", "upnp/igd")}
SESSION = {("POST", "login"), ("POST", "logout")}


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOX", "Bb-secret-1")


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """It speaks TLS with a certificate of its own."""
    return certificates.Tls().context(certificates.make(tmp_path_factory.mktemp("tls"), "mabbox"))


def told(
    box: Bbox,
    folder: Path,
    tls: ssl.SSLContext,
    **more: Any,  # noqa: ANN401
) -> tuple[list[Observation], list[Failure]]:
    """What a night makes of it."""
    with served(box, tls=tls), way_to(box, **more) as way:
        return read(SETTINGS, way, Target("d1", box.address, ()), folder, doors=door(box, tls=True))


def test_its_forwards_its_dmz_its_upnp_and_its_range_are_told(tmp_path: Path, tls: ssl.SSLContext) -> None:
    box = Bbox(
        rules=[bbox_rule(), bbox_rule(protocol="tcp,udp", externalport="45100:45110", internalport="")]
    )
    box.dmz.update(enable=1, ipaddress="192.168.1.30")
    seen, failures = told(box, tmp_path, tls)
    assert failures == []
    first, *others = only(seen, "forward")
    assert (first.probe, first.vantage, first.port, first.transport) == ("bbox", Vantage.BOX, 45080, "tcp")
    assert first.facts == {
        "to_address": "192.168.1.20",
        "to_port": 11112,
        "enabled": True,
        "permanent": True,
        "comment": "PACS",
        "source": None,
    }
    assert [(one.transport, one.port, one.facts["ports"], one.facts["to_port"]) for one in others] == [
        ("tcp", 45100, "45100-45110", 45100),
        ("udp", 45100, "45100-45110", 45100),
    ]
    assert only(seen, "listing")[0].facts == {"listing": "whole", "count": 3}
    assert only(seen, "dmz")[0].facts == {"to_address": "192.168.1.30", "enabled": True}
    assert only(seen, "upnp")[0].facts == {"enabled": True}
    assert only(seen, "wan")[0].facts == {"address": "203.0.113.7", "via": "bbox", "ports": "40960-49151"}
    assert only(seen, "ipv6-firewall") == []  # no source says which switch that is


def test_with_nat_switched_off_as_a_whole_no_rule_counts_as_on(tmp_path: Path, tls: ssl.SSLContext) -> None:
    seen, _ = told(Bbox(rules=[bbox_rule()], nat=0), tmp_path, tls)
    assert [one.facts["enabled"] for one in only(seen, "forward")] == [False]


def test_an_address_of_its_own_has_no_range_and_a_shared_one_is_said(
    tmp_path: Path, tls: ssl.SSLContext
) -> None:
    box = Bbox()
    box.wan.update(maptenable=0, cgnatenable="1")
    seen, _ = told(box, tmp_path, tls)
    assert only(seen, "wan")[0].facts == {"address": "203.0.113.7", "via": "bbox", "cgnat": True}


def test_the_box_sees_one_login_gets_and_a_farewell(tmp_path: Path, tls: ssl.SSLContext) -> None:
    box = Bbox(rules=[bbox_rule()])
    told(box, tmp_path, tls)
    assert set(box.asked) == GETS | SESSION
    assert box.asked[0] == ("POST", "login")
    assert box.asked[-1] == ("POST", "logout")
    assert len(box.questions) == 6


@pytest.mark.parametrize("path", ["device/reboot", "nat/rules/1", "hosts"])
def test_a_call_that_is_not_in_the_list_cannot_be_made(path: str, tls: ssl.SSLContext) -> None:
    box = Bbox()
    with served(box, tls=tls), way_to(box) as way:
        api = bbox.Api(way, box.address, door(box, tls=True))
        with pytest.raises(ValueError, match=path):
            api.get(path)
    assert box.questions == []
    assert {method for method, _ in bbox.CALLS - SESSION} == {"GET"}


def test_a_refused_password_is_tried_once_and_never_again_until_it_changes(
    tmp_path: Path, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOX", "wrong")
    box = Bbox()
    nights = [told(box, tmp_path, tls)[1] for _ in range(3)]
    assert [failure.reason for night in nights for failure in night] == [Reason.CREDENTIALS] * 3
    assert box.asked == [("POST", "login")]
    monkeypatch.setenv("BOX", box.password)
    assert told(box, tmp_path, tls)[1] == []


def test_after_a_429_nothing_is_asked_until_the_next_night(tmp_path: Path, tls: ssl.SSLContext) -> None:
    box = Bbox(says={"login": said({"exception": {"code": "429"}}, 429)})
    for _ in range(3):
        _, [failure] = told(box, tmp_path, tls)
        assert failure.reason is Reason.BUSY
    assert box.asked == [("POST", "login")]
    until = memory.resting(tmp_path)
    assert until is not None
    assert timedelta(hours=12) < until - datetime.now(UTC) < timedelta(hours=24)
    (tmp_path / memory.LATER).write_text(json.dumps({"until": "2020-01-01T00:00:00+00:00"}), encoding="utf-8")
    box.says.clear()
    assert told(box, tmp_path, tls)[1] == []


def test_the_password_never_travels_in_clear(tmp_path: Path) -> None:
    box = Bbox()
    with served(box), way_to(box) as way:  # without TLS
        doors = (Door(1, tls=True), Door(box.port, tls=False))
        seen, failures = read(SETTINGS, way, Target("d1", box.address, ()), tmp_path, doors=doors)
    assert (seen, box.questions) == ([], [])
    assert [failure.reason for failure in failures] == [Reason.REFUSED]


TROUBLES = {
    "a page in place of JSON": (b"HTTP/1.1 200 OK\r\n\r\n<html>M. Dupont</html>", Reason.PROTOCOL),
    "a redirect": (b"HTTP/1.1 302 x\r\nLocation: https://198.51.100.1/\r\n\r\n", Reason.PROTOCOL),
    "a failure of its own": (b"HTTP/1.1 502 x\r\nContent-Length: 0\r\n\r\n", Reason.BUSY),
    "a path that it does not know": (b"HTTP/1.1 404 x\r\n\r\n[]", Reason.PROTOCOL),
    "a method that it does not know": (b"HTTP/1.1 405 x\r\n\r\n[]", Reason.PROTOCOL),
    "a silence": (None, Reason.TIMEOUT),
}


@pytest.mark.parametrize(("raw", "reason"), TROUBLES.values(), ids=TROUBLES)
@pytest.mark.parametrize("where", ["login", "nat/dmz"])
def test_rubbish_is_a_failure_and_never_an_error(
    where: str, raw: bytes | None, reason: Reason, tmp_path: Path, tls: ssl.SSLContext
) -> None:
    box = Bbox(says={where: raw})
    seen, failures = told(box, tmp_path, tls, longest=1.0)
    assert [failure.reason for failure in failures] == [reason]
    assert only(seen, "dmz") == []
    assert "Dupont" not in str(failures)
    assert [what for _, what in box.asked].count("login") == 1
    assert list(tmp_path.iterdir()) == []  # no password was refused: nothing is remembered of it


def test_a_session_that_is_lost_is_not_opened_again(tmp_path: Path, tls: ssl.SSLContext) -> None:
    box = Bbox(says={"nat/rules": said([], 401)})
    seen, [failure] = told(box, tmp_path, tls)
    assert failure.reason is Reason.CREDENTIALS
    assert {one.protocol for one in seen} == {"wan"}
    assert box.asked[-1] == ("GET", "nat/rules")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.fixed_dictionaries({}, optional=dict.fromkeys(bbox_rule(), VALUES))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(rules=st.lists(FIELDS.map(lambda other: bbox_rule(**other)) | VALUES, max_size=4), rest=VALUES)
def test_whatever_the_box_says_comes_out_as_proper_facts(
    rules: list[Any], rest: object, tmp_path: Path, tls: ssl.SSLContext
) -> None:
    wan = dict.fromkeys(("address", "portrange", "maptenable", "cgnatenable"), rest)
    dmz = {"enable": rest, "ipaddress": rest}
    seen, failures = told(Bbox(rules=rules, nat=rest, upnp=rest, wan=wan, dmz=dmz), tmp_path, tls)
    for one in seen:
        proper(one)
    for failure in failures:
        assert failure.detail.isprintable()
