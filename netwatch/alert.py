"""Which changes deserve a mail at once, and did it arrive? The alert is decided purely; the outbox keeps it.

At once: what appeared or worsened, and what was seen for the first time because it was never checked,
from medium up; that a decision to live with such a finding has run out; a device that is new, or gone. A
finding that was there last night, an answer that did not come, and a telephone where telephones are
expected wake nobody.
"""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

from netwatch import mail
from netwatch.change import NEWS, ChangeKind, ComingKind
from netwatch.errors import DeliveryError, NetwatchError
from netwatch.model import Severity
from netwatch.post import Alert, Letter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.change import Coming
    from netwatch.config import Site
    from netwatch.diff import Night
    from netwatch.model import Finding, Run
    from netwatch.store import Store
    from netwatch.words import Catalogue

NOBODY = ""  # the recipient of a letter that was written before anybody was named
ARRIVALS = {ComingKind.NEW, ComingKind.GONE}
WAKES = {*NEWS, ChangeKind.EXPIRED}


def alert(run: Run, night: Night, catalogue: Catalogue, comings: Iterable[Coming] = ()) -> Alert | None:
    """The alert of this run, or None. It holds all that moved: the worst says why it was sent. Devices that
    came and went share the letter; one that is back, or expected, is a line in it and never its reason."""
    urgent = [
        change
        for change in night.changes
        if change.kind in WAKES
        and not change.covered
        and severity(change.finding, catalogue).rank >= Severity.MEDIUM.rank
    ]
    told = tuple(comings)
    wakes = [one for one in told if one.kind in ARRIVALS and not one.quiet]
    return Alert(run.site, run.id, night.changes, told, urgent=bool(urgent)) if urgent or wakes else None


def severity(finding: Finding, catalogue: Catalogue) -> Severity:
    """How bad it is where it is."""
    return catalogue[finding.rule].at(finding.exposure)


def letters(site: Site, subject: str, text: str, html: str) -> tuple[Letter, ...]:
    """One letter for each recipient, each under a Message-ID that all its tries keep.

    Without any recipient one letter is kept, unaddressed, until the site file names somebody.
    """
    domain = mail.sender(site.mail).rpartition("@")[2] if site.mail else "netwatch.invalid"
    return tuple(
        Letter(f"<{secrets.token_hex(16)}@{domain}>", recipient, subject, text, html)
        for recipient in site.recipients or (NOBODY,)
    )


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a delivery went. `error` is why the first letter that waits still waits."""

    sent: int
    waiting: int
    error: NetwatchError | None = None


def deliver(store: Store, site: Site) -> Delivery:
    """Hand over every waiting letter of the site; each one's fate is on disk before the next."""
    queue = _addressed(store, site)
    if not queue:
        return Delivery(0, 0)
    if not site.recipients:
        return Delivery(0, len(queue), DeliveryError("mail.no-recipient"))
    if site.mail is None:
        return Delivery(0, len(queue), DeliveryError("mail.not-configured"))
    with ExitStack() as stack:
        try:
            session = stack.enter_context(mail.session(site.mail))
        except NetwatchError as error:
            for letter in queue:
                store.put_back(letter, str(error))
            return Delivery(0, len(queue), error)
        return _hand_over(store, queue, session)


def _addressed(store: Store, site: Site) -> tuple[Letter, ...]:
    """The waiting letters; those written to nobody go to whom the site file names by now."""
    if site.recipients:
        for letter in store.waiting(site.slug):
            if letter.recipient == NOBODY:
                store.address(letter, letters(site, letter.subject, letter.text, letter.html))
    return store.waiting(site.slug)


def _hand_over(store: Store, queue: tuple[Letter, ...], session: mail.Session) -> Delivery:
    """One after the other. Raises nothing but what the store raises."""
    sent, first_error = 0, None
    for letter in queue:
        store.trying(letter)
        try:
            session.send(letter, datetime.now(UTC))
        except DeliveryError as error:
            store.put_back(letter, str(error))
            first_error = first_error or error
            if error.message == "mail.cut":
                break  # nobody is there any more; a refusal, even for now, is this letter's alone
        else:
            store.sent(letter)
            sent += 1
    return Delivery(sent, len(queue) - sent, first_error)


def try_out(site: Site, subject: str, text: str) -> Iterator[tuple[str, DeliveryError | None]]:
    """Send a test mail to every recipient; each with what hindered it, or None.

    Raises DeliveryError where nothing can be sent at all.
    """
    if site.mail is None:
        raise DeliveryError("mail.not-configured")
    if not site.recipients:
        raise DeliveryError("mail.no-recipient")
    with mail.session(site.mail) as session:
        for letter in letters(site, subject, text, f"<p>{escape(text)}</p>"):
            try:
                session.send(letter, datetime.now(UTC))
            except DeliveryError as error:
                yield letter.recipient, error
            else:
                yield letter.recipient, None
