"""What becomes of a decision from night to night: what it keeps quiet, and what it never does?"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from netwatch.change import Before, ChangeKind
from netwatch.console import verdict
from netwatch.decisions import State, decision
from netwatch.exits import Exit
from netwatch.model import Coverage, Exposure, Observation, Outcome, Vantage
from tests.lab.nights import (
    ANSWERS,
    ARCHIVE,
    CATALOGUE,
    PUBLIC,
    QUERY,
    SECOND,
    SITE,
    START,
    answered,
    knocked,
    outside,
    practice,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netwatch.document import Document, FindingPart
    from netwatch.model import Facts
    from tests.lab.nights import Practice, Told

MILD: Facts = {"association": "rejected", "reject": "called-ae-title-not-recognized", "tls": False}
HOME = (Vantage.LAN,)
WEB = "http-reachable"


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Practice]:
    with practice(tmp_path) as opened:
        yield opened


def at_home(port: int, facts: Facts = ANSWERS) -> Observation:
    return Observation("dicom", Vantage.LAN, ARCHIVE.id, ARCHIVE.address, port, "dicom", facts, START)


def asked(outcome: Outcome, *ports: int) -> Coverage:
    probe = "dicom" if outcome is Outcome.ANSWERED else "sweep"
    return Coverage(probe, Vantage.LAN, ARCHIVE.address, ARCHIVE.id, ports, outcome)


def night(
    practice: Practice, number: int, *there: int, shut: tuple[int, ...] = (), facts: Facts = ANSWERS
) -> Told:
    """The archive answers everybody at these ports; the others are found shut, or keep silent."""
    rows = [asked(Outcome.ANSWERED, *there), asked(Outcome.CLOSED, *shut)]
    seen = [at_home(port, facts) for port in there]
    return practice.night(number, seen, rows, vantages=HOME, public=())


def accept(practice: Practice, port: int, until: int, rule: str = QUERY) -> None:
    """As a person does on the evening before: until so many nights after the first."""
    found = next(o for o in practice.store.picture(SITE).findings if (o.rule, o.port) == (rule, port))
    made = decision(found, "it is replaced in June", "Dr Martin", START, day(until))
    assert made is not None
    practice.store.decide(SITE, made)


def day(number: int) -> date:
    return (START + timedelta(days=number)).astimezone().date()


def shown(practice: Practice, number: int) -> Document:
    document = practice.store.document(SITE, CATALOGUE, "en", day(number))
    assert document is not None
    return document


def at(practice: Practice, number: int, port: int) -> FindingPart:
    return next(one for one in shown(practice, number).findings if one.port == port)


def mailed(told: Told, port: int = 104) -> bool:
    return bool(told.mailed(port))


def test_an_accepted_finding_is_quiet_until_its_day_and_counts_again_afterwards(one: Practice) -> None:
    night(one, 0, shut=(104, 105))
    assert mailed(night(one, 1, 104, shut=(105,)))
    accept(one, 104, until=8)
    assert not mailed(night(one, 2, 104, shut=(105,)))
    assert at(one, 2, 104).accepted is not None
    assert verdict(shown(one, 2), "critical") is Exit.CLEAN

    told = night(one, 3, 104, 105)
    assert told.changes(105) == [ChangeKind.APPEARED]
    assert mailed(told, 105), "another port alerts"
    assert at(one, 3, 105).accepted is None
    assert verdict(shown(one, 3), "critical") is Exit.FINDINGS
    night(one, 4, 104, shut=(105,))

    for number in (5, 6, 7, 8):
        assert not mailed(night(one, number, 104))
    told = night(one, 9, 104)
    assert told.changes(104) == [ChangeKind.EXPIRED]
    assert mailed(told), "the reminder"
    assert at(one, 9, 104).accepted is None
    assert verdict(shown(one, 9), "critical") is Exit.FINDINGS
    told = night(one, 10, 104)
    assert told.changes(104) == []
    assert not mailed(told), "once"


def test_another_rule_at_the_same_port_still_alerts(one: Practice) -> None:
    night(one, 0, shut=(104,))
    night(one, 1, 104, facts=MILD)
    [rule] = one.findings(104)
    assert rule != QUERY
    accept(one, 104, until=300, rule=rule)
    told = night(one, 2, 104)
    assert told.changes(104) == [ChangeKind.WORSENED]
    assert mailed(told)
    assert at(one, 2, 104).accepted is None
    told = night(one, 3, 104, facts=MILD)
    assert at(one, 3, 104).accepted is not None, "back on the rung that was accepted"


def test_silence_neither_ends_a_decision_nor_is_its_end_an_alert(one: Practice) -> None:
    night(one, 0, shut=(104,))
    night(one, 1, 104)
    accept(one, 104, until=300)
    told = night(one, 2)
    assert told.changes(104) == [ChangeKind.UNVERIFIED]
    assert not mailed(told)
    assert at(one, 2, 104).accepted is not None
    told = night(one, 3, 104)
    assert told.changes(104) == []
    assert not mailed(told)
    assert at(one, 3, 104).accepted is not None


def test_what_is_taken_back_counts_from_that_moment(one: Practice) -> None:
    night(one, 0, shut=(104,))
    night(one, 1, 104)
    accept(one, 104, until=300)
    assert verdict(shown(one, 1), "critical") is Exit.CLEAN
    [made] = one.store.decisions(SITE)
    one.store.reopen(SITE, made, "Dr Petit", START + timedelta(days=1))
    assert verdict(shown(one, 1), "critical") is Exit.FINDINGS
    assert at(one, 1, 104).accepted is None
    assert [o.state(day(1)) for o in one.store.decisions(SITE)] == [State.REOPENED]
    assert night(one, 400, 104).changes(104) == [], "no reminder of what was taken back"


def test_what_was_repaired_and_is_back_is_again_and_is_mailed_accepted_or_not(one: Practice) -> None:
    night(one, 0, shut=(104, 105))
    night(one, 1, 104, 105)
    accept(one, 104, until=300)
    night(one, 2, 104, 105)
    night(one, 5, shut=(104, 105))
    assert mailed(night(one, 6, shut=(104, 105)))
    told = night(one, 7, 104, 105)
    stamp = "2026-11-{:02}T02:00:00Z"
    was = Before(1, stamp.format(2), stamp.format(3))
    changes = {change.finding.port: change for change in told.moved.changes}
    assert {port: (change.kind, change.before) for port, change in changes.items()} == {
        104: (ChangeKind.APPEARED, was),
        105: (ChangeKind.APPEARED, was),
    }
    assert mailed(told)
    assert [changes[port].until for port in (104, 105)] == [day(300), None]
    assert [at(one, 7, port).before for port in (104, 105)] == [was, was]
    assert {change.before for change in shown(one, 7).changes} == {was}


def test_an_alert_goes_out_where_only_an_accepted_finding_is_back(one: Practice) -> None:
    night(one, 0, 104)
    accept(one, 104, until=300)
    night(one, 1, shut=(104,))
    night(one, 2, shut=(104,))
    assert mailed(night(one, 3, 104)), "it had been proved gone: that is news, and says that it is accepted"


def test_nearer_to_the_internet_is_not_what_was_accepted(one: Practice) -> None:
    behind = [at_home(104)]
    rows = [asked(Outcome.ANSWERED, 104)]
    one.night(0, behind, rows, vantages=HOME, public=())
    accept(one, 104, until=300)
    box = Observation(
        "freebox", Vantage.BOX, "m-box", "192.168.1.1", 104, "forward",
        {"to_address": ARCHIVE.address, "to_port": 104, "enabled": True}, START,
    )  # fmt: skip
    told = one.night(1, [*behind, box], rows, vantages=(Vantage.LAN, Vantage.BOX), public=())
    assert told.findings(104)[QUERY][1] is Exposure.FORWARDED
    assert mailed(told)
    assert [o.accepted for o in shown(one, 1).findings if o.rule == QUERY] == [None]


def test_a_way_in_that_was_accepted_as_such_may_be_out_of_sight_and_back_in_silence(one: Practice) -> None:
    one.night(0, [outside(8443)], answered(8443, "http"))
    accept(one, 8443, until=300, rule=WEB)
    one.night(1, asked=[knocked(Outcome.FILTERED, 8443)])
    told = one.night(2, [outside(8443)], answered(8443, "http"))
    assert not mailed(told)
    assert at(one, 2, 8443).accepted is not None


def test_a_decision_follows_the_practices_address_and_not_to_another_port(one: Practice) -> None:
    one.night(0, [outside(8443)], answered(8443, "http"))
    accept(one, 8443, until=300, rule=WEB)
    seen = [outside(port, address=SECOND) for port in (8443, 8444)]
    rows = [row for port in (8443, 8444) for row in answered(port, "http", SECOND)]
    told = one.night(1, seen, rows, public=(SECOND,))
    assert told.changes(8443) == [ChangeKind.MOVED]
    parts = {part.port: part for part in shown(one, 1).findings if part.address == SECOND}
    assert parts[8443].accepted is not None
    assert parts[8444].accepted is None
    assert PUBLIC not in {part.address for part in shown(one, 1).findings}


def test_an_end_that_comes_while_nobody_scans_is_told_by_the_next_run(one: Practice) -> None:
    night(one, 0, 104)
    accept(one, 104, until=20)
    told = night(one, 8, 104)
    assert told.changes(104) == [ChangeKind.EXPIRING]
    assert mailed(told)
    assert not mailed(night(one, 9, 104)), "once"
    assert night(one, 10, 104).changes(104) == []
    assert night(one, 40, 104).changes(104) == [ChangeKind.EXPIRED]
    assert night(one, 41, 104).changes(104) == []


def test_the_end_of_a_decision_is_told_though_a_clock_was_years_ahead_before(one: Practice) -> None:
    night(one, 0, 104)
    accept(one, 104, until=5)
    night(one, 900, 104)
    assert ChangeKind.EXPIRED not in night(one, 4, 104).changes(104)
    assert ChangeKind.EXPIRED in night(one, 6, 104).mailed(104)
    assert ChangeKind.EXPIRED not in night(one, 7, 104).changes(104)
