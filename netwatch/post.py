"""What is sent, and to whom? An alert, and a letter as it waits in the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netwatch.change import Change, Coming


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
class Letter:
    """A mail as it waits in the outbox: one recipient, one Message-ID for all its tries."""

    message_id: str
    recipient: str
    subject: str
    text: str
    html: str
