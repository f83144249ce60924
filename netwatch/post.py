"""What is sent, and to whom? An alert, who reads it, and a letter as it waits in the outbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from netwatch.change import Change, Coming

NOTIFY = "notify:"  # begins a recipient that is no mail address but a channel's name


class Role(StrEnum):
    """What a reader needs: what to do, or every detail."""

    DOCTOR = "doctor"
    CONSULTANT = "consultant"


class State(StrEnum):
    """Where a letter stands. Only `sent` has arrived; all others but `dropped` are told until they have."""

    WAITING = "waiting"
    SENDING = "sending"  # being handed over; found so later, it may have arrived
    REFUSED = "refused"  # for good, says the server; tried again with the nights all the same
    GIVEN_UP = "given-up"
    SENT = "sent"
    DROPPED = "dropped"  # a person has said so


@dataclass(frozen=True, slots=True)
class Alert:
    """What deserves a mail at once: one per run at most. `urgent`: is there a finding among it that does?
    Else it is sent for the devices that came and went."""

    site: str
    run: str
    changes: tuple[Change, ...]
    comings: tuple[Coming, ...] = ()
    urgent: bool = True


@dataclass(frozen=True, slots=True)
class Reader:
    """In which language, and with how much detail, a letter is written."""

    language: str
    role: Role = Role.DOCTOR


@dataclass(frozen=True, slots=True)
class Content:
    """What a letter says to one reader. `short`: one or two sentences, for a telephone."""

    subject: str
    text: str
    html: str
    short: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail, or a short message, as it waits: one recipient, one Message-ID for all its tries."""

    message_id: str
    recipient: str
    subject: str
    text: str
    html: str

    @property
    def channel(self) -> str | None:
        """The name of the channel that it goes through; None for a mail."""
        return self.recipient.removeprefix(NOTIFY) if self.recipient.startswith(NOTIFY) else None


@dataclass(frozen=True, slots=True)
class Posted:
    """A letter and its history. `why`: the id of a sentence that says why it has not arrived, and `details`
    fill it in. `note`: why a person dropped it."""

    number: int
    letter: Letter
    state: State
    created: datetime
    tries: int = 0
    last_try: datetime | None = None
    next_try: datetime | None = None
    sent: datetime | None = None
    why: str = ""
    details: Mapping[str, object] = field(default_factory=dict)
    note: str = ""
