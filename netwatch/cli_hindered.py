"""Who is told, and how, that a scan could not run? Those whom the site file names, and who expects a ping.

By a letter that waits until it has arrived, once for each reason. Where the database takes no letter (it
is damaged, the disk is full), by one that is sent at once and written down nowhere: then each time.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from netwatch.composition import is_file, notifier, read_site
from netwatch.console import say, tell_delivery
from netwatch.errors import BusyError, NetwatchError, StoreError
from netwatch.words import messages

if TYPE_CHECKING:
    from netwatch.config import Site
    from netwatch.store import Store


def cannot(store: Store, practice: Site, error: NetwatchError, language: str) -> None:
    """A scan that nobody watches could not run, or not be kept."""
    from netwatch.tending import failed  # noqa: PLC0415 - slow to import

    if not sys.stderr.isatty():  # else somebody reads it here
        try:
            with store.lock(practice.slug):
                delivery = failed(store, practice, error, notifier(practice))
            if delivery.sent or practice.mail is not None:
                tell_delivery(delivery, language)
        except StoreError as trouble:
            if isinstance(trouble, BusyError):
                tell(trouble, language)
            else:
                _unwritten(practice, error, language)
        except NetwatchError as trouble:
            tell(trouble, language)
    pinged(practice, language, complete=False)


def unopened(site: str, error: StoreError, lang: str | None) -> None:
    """The database cannot be opened: a site file says who is told, a short name does not."""
    if not is_file(site):
        return
    try:
        practice = read_site(site)
    except NetwatchError:  # what is wrong with the database is told first
        return
    language = lang or practice.language
    if not sys.stderr.isatty():
        _unwritten(practice, error, language)
    pinged(practice, language, complete=False)


def _unwritten(practice: Site, error: NetwatchError, language: str) -> None:
    """Told at once, as nothing can be written down; what hinders that is said here."""
    from netwatch.tending import unwritten  # noqa: PLC0415 - slow to import

    try:
        results = unwritten(practice, error, notifier(practice))
    except NetwatchError as trouble:
        results = (trouble,)
    for hindered in filter(None, results):
        tell(hindered, language)
    if None in results:
        say(messages(language)("tend.failed"))


def pinged(practice: Site, language: str, *, complete: bool) -> None:
    """Tell whoever expects it how the scan went; that this does not go stops nothing."""
    from netwatch.ping import ping  # noqa: PLC0415 - slow to import

    try:
        ping(practice.ping, complete=complete)
    except NetwatchError as error:
        tell(error, language)


def tell(error: NetwatchError, language: str, site: str = "") -> None:
    """The sentence of an error, in red."""
    from netwatch.problem import sentence  # noqa: PLC0415 - slow to import

    text = sentence(error, messages(language))
    say(f"{site}: {text}" if site else text, "red")
