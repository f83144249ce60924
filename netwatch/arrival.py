"""Did it arrive? Letters for every reader, handed over once each, tried again for days, never forgotten.

A letter is written down before it is sent, marked before it is handed over and after it was taken. So a
crash leaves at most one letter of which we do not know; it is sent again under the same Message-ID.
"""

from __future__ import annotations

import secrets
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from netwatch import mail, notify
from netwatch.errors import ConfigError, DeliveryError, NetwatchError
from netwatch.patience import due, late
from netwatch.post import NOTIFY, Content, Letter, Posted, Reader, Role, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from netwatch.config import MailSettings
    from netwatch.readers import NotifySettings, Recipient
    from netwatch.store import Store
    from netwatch.store.outbox import Outbox

    # Writes one message for one kind of reader.
    Write = Callable[[Reader], Content]

    class Told(Protocol):
        """Whom letters are written to: a site, or a desk that looks after several."""

        @property
        def slug(self) -> str:
            """Under which its letters wait."""
            ...

        @property
        def language(self) -> str:
            """Else, a recipient's own."""
            ...

        @property
        def recipients(self) -> tuple[Recipient, ...]:
            """Who is told."""
            ...

        @property
        def mail(self) -> MailSettings | None:
            """How mails leave."""
            ...

        @property
        def notify(self) -> NotifySettings | None:
            """The second way."""
            ...


NOBODY = ""  # the recipient of a letter that was written before anybody was named
SOME_CHANNEL = NOTIFY  # that of a short message, written while the list of channels could not be read


def letters(site: Told, write: Write) -> tuple[Letter, ...]:
    """One letter for each recipient and channel, each under a Message-ID that all its tries keep.

    Without anybody to tell, one letter is kept, unaddressed, until the site file names somebody.
    """
    written: dict[Reader, Content] = {}

    def content(reader: Reader) -> Content:
        if reader not in written:
            written[reader] = write(reader)
        return written[reader]

    post = [_mail(site, address, content(reader)) for address, reader in _readers(site)]
    post += [_short(site, name, content(_plain(site))) for name in _channels(site)]
    return tuple(post) or (_mail(site, NOBODY, content(_plain(site))),)


def _readers(site: Told) -> Iterator[tuple[str, Reader]]:
    """Every mail address, with how it is written to."""
    for one in site.recipients:
        yield one.address, Reader(one.language or site.language, Role(one.role))


def _plain(site: Told) -> Reader:
    return Reader(site.language)


def _channels(site: Told) -> tuple[str, ...]:
    """How the channels are called in the outbox."""
    try:
        return tuple(f"{NOTIFY}{one.name}" for one in notify.channels(site.notify))
    except ConfigError:  # told when it is to be delivered; the alert must be kept all the same
        return (SOME_CHANNEL,)


def _mail(site: Told, recipient: str, content: Content) -> Letter:
    return Letter(_number(site), recipient, content.subject, content.text, content.html)


def _short(site: Told, recipient: str, content: Content) -> Letter:
    return Letter(_number(site), recipient, content.subject, content.short, "")


def _number(site: Told) -> str:
    """A Message-ID."""
    domain = mail.sender(site.mail).rpartition("@")[2] if site.mail else "netwatch.invalid"
    return f"<{secrets.token_hex(16)}@{domain}>"


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a delivery went. `waiting`: all that has not arrived. `error` is why the first of them has not.

    `lost`: those that somebody must be told of: refused for good, given up, or waiting for over a day.
    """

    sent: int
    waiting: int
    error: NetwatchError | None = None
    lost: tuple[Posted, ...] = ()
    tried: int = 0


@dataclass(slots=True)
class Tally:
    """What happened so far."""

    tried: int = 0
    sent: int = 0
    errors: list[NetwatchError] = field(default_factory=list)


def deliver(store: Store, site: Told, *, everything: bool = False) -> Delivery:
    """Hand over what is due, or all that has not arrived; each letter's fate is on disk before the next."""
    now, outbox = _now(), store.outbox
    _address(outbox, site)
    if everything:
        queue = list(outbox.unarrived(site.slug))
    else:
        queue = [one for one in outbox.pending(site.slug) if due(one.next_try, now)]
    tally = Tally(len(queue))
    queue.sort(key=lambda one: (one.tries, one.number))  # one that always fails holds up nobody
    _mails(outbox, site, [one.letter for one in queue if one.letter.channel is None], tally)
    _shorts(outbox, site, [one.letter for one in queue if one.letter.channel is not None], tally)
    return standing(store, site.slug, tally)


def standing(store: Store, slug: str, tally: Tally | None = None) -> Delivery:
    """What has not arrived, as it is now."""
    tally, now = tally or Tally(), _now()
    left = store.outbox.unarrived(slug)
    stored = [NetwatchError(one.why, **one.details) for one in left if one.why]
    error = next(iter((*tally.errors, *stored)), None)
    lost = tuple(one for one in left if is_lost(one, now))
    return Delivery(tally.sent, len(left), error, lost, tally.tried)


def is_lost(one: Posted, now: datetime) -> bool:
    """Must somebody be told that this letter has not arrived?"""
    return one.state in {State.REFUSED, State.GIVEN_UP} or late(one.created, now)


def _address(outbox: Outbox, site: Told) -> None:
    """Those written to nobody go to whom the site file names by now."""
    for waiting in outbox.pending(site.slug):
        letter = waiting.letter
        if letter.recipient == NOBODY and site.recipients:
            addresses = [address for address, _ in _readers(site)]
        elif letter.recipient == SOME_CHANNEL and SOME_CHANNEL not in (names := _channels(site)) and names:
            addresses = list(names)
        else:
            continue
        told = (letter.subject, letter.text, letter.html)
        outbox.address(letter, [Letter(_number(site), address, *told) for address in addresses])


def _mails(outbox: Outbox, site: Told, queue: list[Letter], tally: Tally) -> None:
    """By mail. A server that hangs up between two letters is greeted once more for the second."""
    if not queue:
        return
    if not site.recipients:
        tally.errors.append(DeliveryError("mail.no-recipient"))
    elif site.mail is None:
        tally.errors.append(DeliveryError("mail.not-configured"))
    else:
        left = deque(queue)
        while left and _session(outbox, site.mail, left, tally):
            pass


def _session(outbox: Outbox, settings: MailSettings, left: deque[Letter], tally: Tally) -> bool:
    """One talk with the server: as many letters as it takes. Is another one worth while?"""
    try:
        with mail.session(settings) as session:
            fresh = True
            while left:
                letter = left[0]
                outbox.trying(letter, _now())
                try:
                    session.send(letter, datetime.now(UTC))
                except DeliveryError as error:
                    outbox.put_back(letter, error, _now())
                    if error.message == "mail.cut" and not fresh:
                        return True  # it hung up after the letter before: this one has not left
                    tally.errors.append(error)
                    left.popleft()
                    if error.message in {"mail.cut", "mail.perhaps"}:
                        return False  # nobody is there any more; a refusal is this letter's alone
                else:
                    outbox.sent(letter, _now())
                    tally.sent += 1
                    left.popleft()
                fresh = False
    except NetwatchError as error:
        outbox.hindered(left, error, _now())
        tally.errors.append(error)
    return False


def _shorts(outbox: Outbox, site: Told, queue: list[Letter], tally: Tally) -> None:
    """Through the channels, each on its own: one that fails keeps no other from being told."""
    try:
        known = {one.name: one for one in notify.channels(site.notify)} if queue else {}
    except ConfigError as error:
        outbox.hindered(queue, error, _now())
        tally.errors.append(error)
        return
    for letter in queue:
        name = letter.channel or ""
        if name not in known:
            absent = "notify.gone" if site.notify else "notify.not-configured"
            tally.errors.append(DeliveryError(absent, name=name))
            outbox.hindered([letter], tally.errors[-1], _now())
            continue
        outbox.trying(letter, _now())
        try:
            notify.send(known[name], letter)
        except DeliveryError as error:
            outbox.put_back(letter, error, _now())
            tally.errors.append(error)
        else:
            outbox.sent(letter, _now())
            tally.sent += 1


def unrecorded(site: Told, write: Write) -> Iterator[tuple[str, NetwatchError | None]]:
    """Send now to every recipient and channel, each with what hindered it or None; nothing of it is kept.

    For a test, and for what must be told although nothing can be written down.
    Raises DeliveryError where nothing can be sent at all.
    """
    if not site.recipients and site.notify is None:
        raise DeliveryError("mail.no-recipient")
    if site.recipients and site.mail is None:
        raise DeliveryError("mail.not-configured")

    if site.mail is not None and site.recipients:
        try:
            with mail.session(site.mail) as session:
                for address, reader in _readers(site):
                    letter = _mail(site, address, write(reader))
                    yield address, _hindered(session.send, letter, datetime.now(UTC))
        except NetwatchError as error:
            yield "", error
    try:
        for channel in notify.channels(site.notify):
            letter = _short(site, channel.name, write(_plain(site)))
            yield channel.name, _hindered(notify.send, channel, letter)
    except ConfigError as error:
        yield "", error


def _hindered(send: Callable[..., None], *what: object) -> DeliveryError | None:
    try:
        send(*what)
    except DeliveryError as error:
        return error
    return None


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
