"""Is what Shodan tells of an account checked before anything is made of it?

What goes wrong with a request, and where the key goes, is asked in test_others_shodan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from netwatch.audit import Audit
from netwatch.errors import OutsideError
from netwatch.model import Reason
from netwatch.others.account import Account, networks
from tests.lab import shodan_server as lab
from tests.lab.shodan_server import KEY, ShodanServer

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE = "9.9.9.9"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ShodanServer]:
    for name in ("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ShodanServer() as running:
        monkeypatch.setenv("SHODAN_API_URL", running.url)
        yield running


@pytest.fixture
def account(server: ShodanServer) -> Iterator[Account]:
    with Account(KEY, Audit(), pause=0.0, patience=10.0) as ready:
        assert server.asked == []  # nothing is asked unasked
        yield ready


def test_the_plan_tells_what_is_left(account: Account) -> None:
    plan = account.plan()
    assert (plan.name, plan.scans, plan.lookups, plan.watched, plan.watchable) == ("dev", 99, 100, 1, 16)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"plan": "free beer\n", "scan_credits": "99", "query_credits": True, "usage_limits": []},
        {"plan": 7, "scan_credits": -1, "monitored_ips": 10**20, "usage_limits": {"monitored_ips": 1.5}},
    ],
)
def test_what_a_plan_cannot_say_is_unknown(server: ShodanServer, account: Account, told: object) -> None:
    server.instead["/api-info"] = lab.reply(200, told)
    plan = account.plan()
    assert {plan.name, plan.scans, plan.lookups, plan.watched, plan.watchable} == {None}


@pytest.mark.parametrize(
    "told", [None, [], {}, {"id": 7}, {"id": "../../alert"}, {"id": "x" * 100}, {"id": "a?b=c"}, {"id": ""}]
)
def test_an_order_whose_name_could_lead_elsewhere_is_refused(
    server: ShodanServer, account: Account, told: object
) -> None:
    server.instead["/shodan/scan"] = lab.reply(200, told)
    with pytest.raises(OutsideError) as caught:
        account.order([ONE])
    assert caught.value.reason == Reason.PROTOCOL


@pytest.mark.parametrize("status", ["done", None, 7, ["DONE"], {"a": 1}, "<b>"])
def test_a_state_that_nobody_knows_is_unknown(server: ShodanServer, account: Account, status: object) -> None:
    server.instead["/shodan/scan/x"] = lab.reply(200, {"status": status})
    assert account.state("x") == "unknown"


def test_what_does_not_look_like_an_alert_is_left_out(server: ShodanServer, account: Account) -> None:
    good = {"id": "A1", "name": "netwatch x", "filters": {"ip": ["9.9.9.9", 7, "x"]}, "triggers": {"any": {}}}
    odd: list[object] = [None, 7, {}, {"id": "A2"}, {"name": "x"}, {"id": "../x", "name": "x"}, ["x"]]
    bare = {"id": "A3", "name": "n" * 1000, "filters": None, "triggers": ["any"]}
    server.instead["/shodan/alert/info"] = lab.reply(200, [*odd, good, bare])
    first, second = account.alerts()
    assert (first.id, first.networks, first.triggers) == ("A1", frozenset({"9.9.9.9/32"}), frozenset({"any"}))
    assert (len(second.name), second.networks, second.triggers) == (200, frozenset(), frozenset())


def test_alerts_that_are_no_list_are_refused(server: ShodanServer, account: Account) -> None:
    server.instead["/shodan/alert/info"] = lab.reply(200, {"alerts": []})
    with pytest.raises(OutsideError):
        account.alerts()


def test_each_request_leaves_a_line_in_the_audit_log(server: ShodanServer) -> None:
    audit = Audit()
    with Account(KEY, audit, pause=0.0) as account:
        account.order([ONE, "9.9.9.10"])
        account.host(ONE)
    assert [line["what"] for line in audit.about("9.9.9.9, 9.9.9.10")] == ["order a scan"]
    assert [line["what"] for line in audit.about(ONE)] == ["host"]
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("told", "form"),
    [
        ("9.9.9.9", {"9.9.9.9/32"}),
        (["9.9.9.9", "9.9.9.9/32", "2620:fe::fe"], {"9.9.9.9/32", "2620:fe::fe/128"}),
        (["9.9.9.0/24"], {"9.9.9.0/24"}),
        (None, set()),
        ({"ip": "9.9.9.9"}, set()),
        (["x", 7, None], set()),
    ],
)
def test_addresses_and_networks_are_compared_in_one_form(told: object, form: set[str]) -> None:
    assert networks(told) == form
