"""Is the finding that is meant found, and is a decision that helps nobody refused?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from netwatch.deciding import Now, chosen, cut, decided, listed, standing
from netwatch.decisions import REASON, Decision, State, shown
from netwatch.document import DevicePart, Document, FindingPart, RunPart
from netwatch.errors import NetwatchError
from netwatch.finding_ids import SHORTEST
from netwatch.model import Exposure, Severity, Status, Vantage

if TYPE_CHECKING:
    from pytest import RaisesExc  # noqa: PT013 - a type

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
TODAY, UNTIL = date(2026, 11, 30), date(2027, 6, 30)


def finding(port: int, status: Status = Status.OPEN, device: str = "m-1") -> FindingPart:
    when = "2026-11-29T22:00:00Z"
    return FindingPart(
        "rdp-open",
        Severity.HIGH,
        device,
        "192.168.1.20",
        port,
        Exposure.NOT_CHECKED,
        status,
        "open",
        when,
        when,
    )


def document(*findings: FindingPart, decisions: tuple[Decision, ...] = ()) -> Document:
    when = "2026-11-29T22:00:00Z"
    device = DevicePart("m-1", "192.168.1.20", None, None, (), "unknown", None, None, None, when, when)
    run = RunPart("r", when, when, complete=True, vantages=(Vantage.LAN,))
    whole = Document("netwatch/1", "cabinet", run, (device,), (), findings, (), (), ())
    return shown(whole, decisions, TODAY)


def decide(found: FindingPart, reason: str = "a reason", until: date = UNTIL) -> Decision:
    return decided(found, reason, "Dr Martin", AT, until)


def refused(what: str) -> RaisesExc[NetwatchError]:
    return pytest.raises(NetwatchError, match=rf"^decisions\.{what}")


def test_a_finding_is_meant_by_its_id_or_its_beginning() -> None:
    told = document(*(finding(port) for port in range(3380, 3400)))
    for one in told.findings:
        assert chosen(told, one.id) == one
        alone = [o for o in told.findings if o.id.startswith(one.id[:3])] == [one]
        if alone:
            assert chosen(told, one.id[:3]) == one
    assert len({one.id for one in told.findings}) == 20


def test_what_is_meant_by_nobody_or_by_several_is_said() -> None:
    told = document(*(finding(port) for port in range(3300, 3400)))
    with refused("no-such-finding"):
        chosen(told, "aaaaaa")
    with refused("no-such-finding"):
        chosen(told, "")
    first = told.findings[0].id[0]
    with refused("several") as caught:
        chosen(told, first)
    assert told.findings[0].id in str(caught.value.details["which"])


def test_what_is_gone_cannot_be_accepted_and_what_is_silent_can() -> None:
    told = document(finding(3389, Status.RESOLVED), finding(3390, Status.UNVERIFIED))
    with refused("no-such-finding"):
        chosen(told, told.findings[0].id)
    assert chosen(told, told.findings[1].id).port == 3390


def test_an_end_is_to_come_and_not_far_away() -> None:
    one = finding(3389)
    assert decide(one, until=TODAY).until == TODAY
    assert decide(one, until=date(2028, 11, 30)).until == date(2028, 11, 30)
    with refused("past"):
        decide(one, until=TODAY - timedelta(days=1))
    with refused("too-long"):
        decide(one, until=date(2028, 12, 1))
    with refused("no-reason"):
        decide(one, reason=" \x07 ")


def test_what_was_too_long_is_cut_and_said_to_be() -> None:
    long = "because " * 100
    one = decide(finding(3389), reason=long)
    assert cut(one, long)
    assert len(one.reason) <= REASON
    assert not cut(decide(finding(3389), reason="  two \n words "), "  two \n words ")


def test_what_can_be_taken_back_is_what_stands_or_has_run_out() -> None:
    one = decide(finding(3389))
    ended = replace(decide(finding(3390)), ended=AT, why=State.REOPENED)
    name = document(finding(3389)).findings[0].id
    assert standing("cabinet", name, [one, ended]) == one
    other = document(finding(3390)).findings[0].id
    with refused("no-such-decision"):
        standing("cabinet", other, [one, ended])


def test_the_list_says_what_became_of_each_and_of_what_it_is_about() -> None:
    mine, gone, worse = finding(3389), finding(3390), finding(3391)
    old = replace(decide(mine, reason="first"), ended=AT, why=State.REPLACED, ended_by="Dr Martin")
    every = (old, decide(mine, reason="second"), decide(gone), decide(worse))
    told = document(mine, replace(worse, exposure=Exposure.EXPOSED), decisions=every)
    rows = listed(told, every, TODAY)
    assert [(row.port, row.state, row.finding) for row in rows] == [
        (3391, State.STANDING, Now.COUNTED),
        (3390, State.STANDING, Now.GONE),
        (3389, State.STANDING, Now.ACCEPTED),
        (3389, State.REPLACED, Now.ACCEPTED),
    ]
    assert {len(row.id) for row in rows} == {SHORTEST}
    assert rows[2].id == rows[3].id == told.findings[0].id
    assert (rows[3].reason, rows[3].ended, rows[3].ended_by) == ("first", "2026-11-30T12:00:00Z", "Dr Martin")
    after = listed(document(mine), every, UNTIL + timedelta(days=1))
    assert {row.state for row in after} == {State.EXPIRED, State.REPLACED}
