"""When was it, in words? UTC moments as a local date and time, and how long ago, in French or in English.

Moments are stored in UTC and told in the clock of the machine that writes the report. No Babel: two
languages need twelve months each and six sentences.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netwatch.words import Messages

DAYS_TOLD = 60  # longer is told in months
MONTHS_TOLD = 24  # longer is told in years
DAYS_OF_MONTH = 30.44
MONTHS_OF_YEAR = 12


def parse(text: str) -> datetime:
    """`2026-11-23T21:04:00Z` as a moment. One without a zone is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Moments:
    """Dates in one language, in the local time of this machine."""

    def __init__(self, messages: Messages) -> None:
        """`messages` holds the topic `moment`."""
        self.messages = messages

    def date(self, moment: str | datetime) -> str:
        """`23 novembre 2026`, `1er novembre 2026`."""
        return self.messages.day(_local(moment))

    def day(self, told: object) -> str:
        """`2026-11-23` in words, the same on every clock; nothing where it is no day."""
        try:
            return self.messages.day(date.fromisoformat(str(told)))
        except ValueError:
            return ""

    def short_day(self, told: object) -> str:
        """`2026-11-23` as 23/11/2026; nothing where it is no day."""
        try:
            found = date.fromisoformat(str(told))
        except ValueError:
            return ""
        return self.messages("moment.short", day=found.day, month=found.month, year=found.year)

    def short(self, moment: str | datetime) -> str:
        """`23/11/2026`, for a narrow column."""
        local = _local(moment)
        return self.messages("moment.short", day=local.day, month=local.month, year=local.year)

    def sortable(self, moment: str | datetime) -> str:
        """`2026-11-23 22:04`, as every spreadsheet understands it."""
        return f"{_local(moment):%Y-%m-%d %H:%M}"

    def full(self, moment: str | datetime) -> str:
        """`23 novembre 2026 à 22 h 04`."""
        local = _local(moment)
        time = self.messages("moment.time", hour=local.hour, minute=local.minute)
        return self.messages("moment.full", date=self.date(moment), time=time)

    def zone(self, moment: str | datetime) -> str:
        """How far this machine's clock was from UTC at that moment: `UTC+01:00`."""
        return "UTC" + _local(moment).isoformat()[-6:]

    def since(self, first: str | datetime, now: str | datetime) -> str:
        """`depuis 3 jours`, counted in calendar days, then months, then years."""
        days = (_local(now).date() - _local(first).date()).days
        if days < 1:
            return self.messages("moment.since.today")
        if days == 1:
            return self.messages("moment.since.yesterday")
        if days < DAYS_TOLD:
            return self.messages("moment.since.days", number=days)
        months = int(days / DAYS_OF_MONTH)
        if months < MONTHS_TOLD:
            return self.messages("moment.since.months", number=months)
        return self.messages("moment.since.years", number=months // MONTHS_OF_YEAR)


def _local(moment: str | datetime) -> datetime:
    """In the clock of this machine."""
    return (parse(moment) if isinstance(moment, str) else moment).astimezone()
