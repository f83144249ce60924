"""Is a scan followed to its end or to ours, and does a watch keep to what is the site's?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from netwatch.audit import Audit
from netwatch.errors import OutsideError
from netwatch.model import Reason
from netwatch.others.account import Account, Order
from netwatch.others.orders import CHANGED, CREATED, SAME, follow, monitor, unmonitor
from tests.lab import shodan_server as lab
from tests.lab.shodan_server import KEY, ShodanServer

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE, OTHER = "9.9.9.9", "9.9.9.10"
STRANGERS = {"id": "THEIRS", "name": "another program", "filters": {"ip": [ONE]}, "triggers": {"any": {}}}
SIBLINGS = {"id": "SIBLING", "name": "netwatch cabinet-2", "filters": {"ip": [ONE]}, "triggers": {}}
ORDER = Order("OrderOrder123", 1, 98)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ShodanServer]:
    for name in ("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ShodanServer(alerts=[dict(STRANGERS), dict(SIBLINGS)]) as running:
        monkeypatch.setenv("SHODAN_API_URL", running.url)
        yield running


@pytest.fixture
def account(server: ShodanServer) -> Iterator[Account]:
    with Account(KEY, Audit(), pause=0.0, patience=10.0) as ready:
        assert server.asked == []
        yield ready


def test_a_scan_is_followed_until_it_is_done_and_each_state_is_told_once(
    server: ShodanServer, account: Account
) -> None:
    server.states = ["SUBMITTING", "QUEUE", "QUEUE", "PROCESSING", "DONE"]
    told: list[str] = []
    assert follow(account, ORDER, 60.0, told.append, first=0.0) == "DONE"
    assert told == ["SUBMITTING", "QUEUE", "PROCESSING", "DONE"]


def test_a_scan_that_does_not_end_is_left_when_our_time_is_over(
    server: ShodanServer, account: Account
) -> None:
    server.states = ["QUEUE"]
    assert follow(account, ORDER, 0.3, lambda _: None, first=0.05) == "QUEUE"
    assert follow(account, ORDER, 0.0, lambda _: None) == "QUEUE"


def test_a_scan_is_not_followed_past_a_stop(server: ShodanServer) -> None:
    server.states = ["QUEUE"]
    with (
        Account(KEY, Audit(), lambda: bool(server.asked), pause=0.0) as account,
        pytest.raises(OutsideError) as caught,
    ):
        follow(account, ORDER, 3600.0, lambda _: None)
    assert caught.value.reason == Reason.UNFINISHED
    assert len(server.asked) == 1


def test_a_watch_is_made_once_and_tells_of_new_ports(server: ShodanServer, account: Account) -> None:
    assert monitor(account, "cabinet", (ONE, OTHER)) == CREATED
    assert server.alerts[2]["name"] == "netwatch cabinet"
    assert server.alerts[2]["filters"] == {"ip": [ONE, OTHER]}
    assert server.alerts[2]["triggers"] == {"new_service": {}}
    before = len(server.asked)
    assert monitor(account, "cabinet", (OTHER, ONE)) == SAME
    assert server.told[before:] == ["GET /shodan/alert/info"]
    assert len(server.alerts) == 3


def test_a_watch_follows_the_practice_to_its_new_address(server: ShodanServer, account: Account) -> None:
    monitor(account, "cabinet", (ONE,))
    assert monitor(account, "cabinet", (OTHER,)) == CHANGED
    assert server.alerts[2]["filters"] == {"ip": [OTHER]}
    assert len(server.alerts) == 3


def test_a_trigger_that_was_not_set_the_first_time_is_set_the_next(
    server: ShodanServer, account: Account
) -> None:
    path = "PUT /shodan/alert/ALERT2/trigger/new_service"
    server.instead[path] = lab.html(502)
    with pytest.raises(OutsideError):
        monitor(account, "cabinet", (ONE,))
    del server.instead[path]
    assert monitor(account, "cabinet", (ONE,)) == SAME
    assert server.alerts[2]["triggers"] == {"new_service": {}}


def test_the_alerts_of_others_are_never_touched(server: ShodanServer, account: Account) -> None:
    monitor(account, "cabinet", (ONE,))
    monitor(account, "cabinet", (OTHER,))
    assert unmonitor(account, "cabinet") == 1
    assert server.alerts == [STRANGERS, SIBLINGS]
    assert not [told for told in server.told if "THEIRS" in told or "SIBLING" in told]


def test_there_may_be_nothing_to_remove(server: ShodanServer, account: Account) -> None:
    assert unmonitor(account, "cabinet") == 0
    assert server.told == ["GET /shodan/alert/info"]


def test_a_plan_without_alerts_is_told_as_such(server: ShodanServer, account: Account) -> None:
    server.instead["POST /shodan/alert"] = lab.html(403)
    with pytest.raises(OutsideError) as caught:
        monitor(account, "cabinet", (ONE,))
    assert (caught.value.reason, caught.value.message) == (Reason.CREDENTIALS, "others.plan")
