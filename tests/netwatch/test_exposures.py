"""What does a night add to the log of exposures? What is news, and nothing twice; and it only grows."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from netwatch.exposures import MOVED, Added, Logged, led, night, remembered
from netwatch.judge import Row
from netwatch.matching import links
from netwatch.model import Coverage, Exposure, Observation, Outcome, Vantage
from netwatch.statements import statements

if TYPE_CHECKING:
    from netwatch.model import Facts

FIRST = datetime(2026, 11, 1, 2, tzinfo=UTC)
PUBLIC = "p-203.0.113.7"
PLACE = (PUBLIC, 8104, "tcp")
DEVICES = {"192.168.1.1": "box", "192.168.1.20": "pacs"}


@dataclass
class Log:
    """The log as the nights make it, with what is remembered of the observations between them."""

    rows: list[Logged] = field(default_factory=list)
    number: int = 0

    def night(
        self,
        *told: Observation | Coverage,
        known: tuple[Observation, ...] = (),
        retired: tuple[str, ...] = (),
    ) -> Added:
        """One night more."""
        now = FIRST + timedelta(days=self.number)
        self.number += 1
        seen = [replace(one, seen_at=now) for one in told if isinstance(one, Observation)]
        rows = [one for one in told if isinstance(one, Coverage)]
        every = [*known, *seen]
        leads = led(self.rows) | links(every, every, DEVICES)
        said = statements(every, rows, leads, DEVICES, now, remembered(self.rows))
        added = night(self.rows, said, seen, leads, now, retired)
        self.take(added)
        return added

    def take(self, added: Added) -> None:
        for end in added.closed:
            at = next(n for n, one in enumerate(self.rows) if one.id == end.id)
            self.rows[at] = replace(self.rows[at], ended=end.at, ended_by=end.by)
        for one in added.carried:
            at = next(n for n, row in enumerate(self.rows) if row.id == one.id)
            old = self.rows[at]
            assert old.ended is None
            self.rows[at] = replace(
                old,
                last_seen=one.last_seen or old.last_seen,
                steps=(*old.steps, *([one.step] if one.step else [])),
                patients=one.patients or old.patients,
                studies=one.studies or old.studies,
            )
        for row in added.opened:
            self.rows.append(replace(row, id=len(self.rows) + 1))


def outside(protocol: str = "dicom", port: int = 8104, **facts: str | int) -> Observation:
    told: Facts = {"query": "answered", "host_key": "sha256:aa", **facts}
    return Observation(protocol, Vantage.OUTSIDE, PUBLIC, PUBLIC[2:], port, protocol, told, FIRST)


def report() -> Observation:
    return replace(outside(), vantage=Vantage.SHODAN, probe="shodan")


INSIDE = replace(outside(port=104), vantage=Vantage.LAN, device="pacs", address="192.168.1.20")
FORWARD = Observation(
    "freebox",
    Vantage.BOX,
    "box",
    "192.168.1.1",
    8104,
    "forward",
    {"to_address": "192.168.1.20", "to_port": 104, "enabled": True},
    FIRST,
)
WHOLE = replace(FORWARD, port=0, transport="listing", protocol="listing", facts={"listing": "whole"})


def asked(outcome: Outcome, port: int = 8104) -> Coverage:
    return Coverage("sweep", Vantage.OUTSIDE, PUBLIC[2:], PUBLIC, (port,), outcome)


CLOSED, SILENT = asked(Outcome.CLOSED), asked(Outcome.FILTERED)
LOOKED = (
    Coverage("discovery", Vantage.LAN, "192.168.1.0/24", None, (), Outcome.ANSWERED),
    Coverage("sweep", Vantage.LAN, "192.168.1.20", "pacs", (104,), Outcome.OPEN),
)


def test_what_answers_from_outside_is_written_down_with_its_proof_and_where_it_leads() -> None:
    log = Log()
    log.night(outside(), INSIDE, FORWARD, *LOOKED)
    [row] = log.rows
    assert (row.place, row.first_seen, row.last_seen, row.ended) == (PLACE, FIRST, FIRST, None)
    [step] = row.steps
    assert (step.row, step.verdict, step.vantage, step.by) == (
        Row.ANSWERED,
        Exposure.EXPOSED,
        Vantage.OUTSIDE,
        "dicom",
    )
    assert (step.protocol, step.facts) == ("dicom", {"query": "answered"})
    assert step.link is not None
    assert (step.link.device, step.link.address, step.link.port) == ("pacs", "192.168.1.20", 104)
    assert step.digest == sha256(step.evidence.encode()).hexdigest()
    [evidence] = json.loads(step.evidence)
    assert evidence["facts"]["host_key"] == "sha256:aa"


def test_a_quiet_night_moves_a_date_and_adds_no_row_and_no_step() -> None:
    log = Log()
    log.night(outside(), INSIDE, *LOOKED)
    for _ in range(5):
        added = log.night(outside(), INSIDE, *LOOKED)
        assert (added.opened, added.closed) == ((), ())
        assert [(one.step, one.patients) for one in added.carried] == [(None, None)]
    [row] = log.rows
    assert (row.first_seen, row.last_seen, len(row.steps)) == (FIRST, FIRST + timedelta(days=5), 1)


def test_a_closed_port_ends_it_and_what_opens_again_is_a_new_row() -> None:
    log = Log()
    log.night(outside())
    log.night(CLOSED)
    log.night(outside())
    first, second = log.rows
    assert (first.ended, first.ended_by) == (FIRST + timedelta(days=1), "outside")
    assert (second.first_seen, second.ended) == (FIRST + timedelta(days=2), None)


def test_one_silence_ends_nothing_and_is_written_down_once() -> None:
    log = Log()
    log.night(outside())
    known = (outside(),)
    away = Coverage("sweep", Vantage.LAN, "192.168.1.20", "pacs", (), Outcome.TIMED_OUT)
    for _ in range(4):
        log.night(SILENT, LOOKED[0], away, known=(*known, INSIDE))
    [row] = log.rows
    assert (row.ended, row.last_seen) == (None, FIRST)
    assert [step.row for step in row.steps] == [Row.ANSWERED, Row.UNANSWERED]
    assert row.last.verdict is Exposure.EXPOSED
    assert "none" in row.last.evidence


def test_two_silent_nights_end_it_where_the_device_is_not_away() -> None:
    log = Log()
    log.night(outside())
    log.night(SILENT, known=(outside(),))
    assert [row.ended for row in log.rows] == [None]
    log.night(SILENT, known=(outside(),))
    assert (log.rows[0].ended, log.rows[0].ended_by) == (FIRST + timedelta(days=2), "outside")


def test_a_silence_while_the_server_answers_at_home_ends_it_at_once() -> None:
    log = Log()
    log.night(outside(), INSIDE, *LOOKED)
    log.night(SILENT, INSIDE, *LOOKED, known=(outside(),))
    assert log.rows[0].ended == FIRST + timedelta(days=1)


def test_a_forward_that_was_removed_still_tells_which_server_answers_at_home() -> None:
    log = Log()
    log.night(replace(outside(), facts={}), FORWARD, INSIDE, *LOOKED)
    assert led(log.rows)[PLACE].device == "pacs"
    log.night(SILENT, WHOLE, INSIDE, *LOOKED, known=(replace(outside(), facts={}),))
    assert (log.rows[0].ended, log.rows[0].ended_by) == (FIRST + timedelta(days=1), "outside")
    assert led(log.rows) == {}


def test_a_night_on_which_nobody_asked_ends_nothing() -> None:
    log = Log()
    log.night(outside())
    assert log.night(known=(outside(),)) == Added()
    assert log.night() == Added()


def test_reported_then_forwarded_then_exposed_are_steps_of_one_row() -> None:
    log = Log()
    log.night(report())
    log.night(report(), FORWARD, INSIDE, *LOOKED)
    log.night(outside(), report(), FORWARD, INSIDE, *LOOKED)
    [row] = log.rows
    assert [step.verdict for step in row.steps] == [
        Exposure.REPORTED,
        Exposure.FORWARDED,
        Exposure.EXPOSED,
    ]
    assert [step.by for step in row.steps] == ["shodan", "freebox", "dicom"]
    assert row.worst is Exposure.EXPOSED


def test_a_way_that_only_the_box_spoke_of_is_the_same_once_its_address_is_known() -> None:
    log = Log()
    log.night(FORWARD)
    assert log.rows[0].place == ("@box", 8104, "tcp")
    log.night(FORWARD, outside(), INSIDE, *LOOKED)
    [row] = log.rows
    assert [step.verdict for step in row.steps] == [Exposure.FORWARDED, Exposure.EXPOSED]
    assert json.loads(row.last.evidence)[0]["device"] == PUBLIC


def test_a_forward_ends_where_the_box_s_whole_list_has_it_no_more_or_shows_it_off() -> None:
    for gone in (WHOLE, replace(FORWARD, facts=FORWARD.facts | {"enabled": False})):
        log = Log()
        log.night(FORWARD, WHOLE)
        log.night(gone)
        assert (log.rows[0].ended_by, len(log.rows)) == ("box", 1)


def test_a_list_that_found_nothing_or_another_s_list_ends_no_forward() -> None:
    for other in (replace(WHOLE, facts={"listing": "empty"}), replace(WHOLE, probe="upnp")):
        log = Log()
        log.night(FORWARD)
        assert log.night(other).closed == ()


def test_what_is_closed_while_the_box_still_forwards_steps_down_and_stays() -> None:
    log = Log()
    log.night(outside(), FORWARD)
    log.night(CLOSED, FORWARD)
    [row] = log.rows
    assert row.ended is None
    assert [step.verdict for step in row.steps] == [Exposure.EXPOSED, Exposure.FORWARDED]


def test_a_dmz_is_a_row_and_ends_when_the_box_says_it_is_off() -> None:
    facts: Facts = {"to_address": "192.168.1.20", "enabled": True}
    dmz = replace(FORWARD, port=0, transport="dmz", protocol="dmz", facts=facts)
    log = Log()
    log.night(dmz)
    assert (log.rows[0].place, log.rows[0].last.row) == (("@box", 0, "tcp"), Row.DMZ)
    assert log.rows[0].last.link is not None
    assert log.rows[0].last.link.device == "pacs"
    assert log.night(WHOLE, known=(dmz,)).closed == ()
    log.night(replace(dmz, facts=facts | {"enabled": False}))
    assert log.rows[0].ended_by == "box"


def test_the_most_that_a_server_ever_counted_is_kept() -> None:
    log = Log()
    counting = replace(INSIDE, probe="orthanc", port=8042, protocol="http", facts={"patients": 5300})
    log.night(outside(), INSIDE, counting, *LOOKED)
    assert (log.rows[0].patients, log.rows[0].studies) == (5300, None)
    log.night(outside(patients=5200, studies=9000), *LOOKED)
    assert (log.rows[0].patients, log.rows[0].studies) == (5300, 9000)
    assert len(log.rows[0].steps) == 1


def test_a_count_that_is_no_number_is_none() -> None:
    log = Log()
    log.night(outside(patients="many", studies=-4))
    assert (log.rows[0].patients, log.rows[0].studies) == (None, None)


def test_an_address_that_is_ours_no_more_ends_its_rows_without_calling_them_shut() -> None:
    log = Log()
    log.night(outside())
    log.night(retired=(PUBLIC,))
    assert (log.rows[0].ended, log.rows[0].ended_by) == (FIRST + timedelta(days=1), MOVED)


def test_seventy_two_hours_are_counted_from_the_first_mail() -> None:
    log = Log()
    log.night(outside())
    [row] = log.rows
    assert row.by_then is None
    assert replace(row, told_at=FIRST).by_then == FIRST + timedelta(hours=72)


NIGHTS = st.lists(
    st.lists(
        st.sampled_from([outside(), INSIDE, FORWARD, WHOLE, report(), CLOSED, SILENT, *LOOKED]),
        max_size=5,
        unique_by=id,
    ),
    max_size=8,
)


@settings(deadline=None)
@given(NIGHTS)
def test_whatever_the_nights_bring_the_log_only_grows(nights: list[list[Observation | Coverage]]) -> None:
    log = Log()
    for told in nights:
        before = list(log.rows)
        log.night(*told)
        for old, new in zip(before, log.rows, strict=False):
            assert (new.place, new.first_seen) == (old.place, old.first_seen)
            assert new.steps[: len(old.steps)] == old.steps
            assert new.last_seen >= old.last_seen
            assert old.ended is None or new == old
        standing = [row.place for row in log.rows if row.ended is None]
        assert len(standing) == len(set(standing))
