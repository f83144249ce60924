"""Could our own code have written this? What came in a file is read as ours is, before any of it
is copied.

Where it stops: what is of the right kind is believed, for whoever wrote the file says what was found.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from netwatch.decisions import State
from netwatch.model import Exposure, Status
from netwatch.store import comings, decisions, exposures, internet, news, night, notices, reading, sayings
from netwatch.store.columns import LAST_PORT

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from netwatch.change import Before
    from netwatch.document import Document
    from netwatch.model import Finding
    from netwatch.words import Catalogue

    Draw = Callable[[str, Document, str], object]  # the site's name, its last night, the language

LANGUAGES = ("fr", "en")
READERS: tuple[Callable[[Database, str], object], ...] = (
    *(reading.picture, reading.known, reading.devices, reading.rounds, reading.open_ports),
    *(reading.clear_ports, reading.spoken, internet.addresses, internet.asked_before),
    *(news.digested, notices.watch),
)


def proved(aside: Database, slug: str, catalogue: Catalogue, draw: Draw) -> bool:
    """Is it all as ours is? Raises whatever a row that nobody wrote makes of code that trusts its rows."""
    fits = _ours(aside, slug)
    [site] = aside.query("select name from sites")
    for language in LANGUAGES:
        last = night.document(aside, slug, catalogue, language)
        if last is not None:
            draw(site["name"], last, language)
    for read in READERS:
        read(aside, slug)
    sayings.told(aside, slug, ended=True)
    comings.acquaintance(aside, slug, reading.devices(aside, slug))
    exposures.told(aside, slug, exposures.log(aside, slug))
    ends = {one.why for one in decisions.told(aside, slug) if one.ended is not None}
    return fits and ends <= set(State) and _findings(aside) and _news(aside, slug)


def _ours(aside: Database, slug: str) -> bool:
    """Is it one site, whose texts are what their sums say, whose letters were sent, and nothing besides?"""
    [site] = aside.query("select slug, language from sites")
    texts = aside.query("select digest, body from texts")
    return (
        site == {"slug": slug, "language": site["language"]}
        and site["language"] in LANGUAGES
        and all(row["digest"] == hashlib.sha256(row["body"].encode()).hexdigest() for row in texts)
        and next(aside.query("select 1 from outbox where state <> 'sent' or sent is null"), None) is None
        and aside.execute("pragma foreign_key_check").fetchone() is None
    )


def _findings(aside: Database) -> bool:
    """Has each finding, also one that ended long ago, a status and an exposure that there are?"""
    rows = list(aside.query("select distinct status, exposure from findings"))
    return {row["status"] for row in rows} <= set(Status) and {row["exposure"] for row in rows} <= set(
        Exposure
    )


def _news(aside: Database, slug: str) -> bool:
    """Is what was told, and what waits to be told, made of findings?"""
    changes = [item.change for item in news.everything(aside, slug)]
    return (
        all(_finding(one.finding) for one in changes)
        and all(_finding(one.previous) for one in changes if one.previous)
        and all(_before(one.before) for one in changes if one.before)
    )


def _finding(one: Finding) -> bool:
    words = [one.rule, one.device, one.transport, one.probe, one.address]
    ports = [one.port]
    if one.link is not None:
        words += [one.link.device, one.link.address, one.link.by]
        ports.append(one.link.port)
    return (
        all(isinstance(word, str) for word in words)
        and all(type(port) is int and 0 <= port <= LAST_PORT for port in ports)
        and isinstance(one.about, dict)
        and all(fact is None or isinstance(fact, str | int) for fact in one.about.values())
    )


def _before(one: Before) -> bool:
    moments = [datetime.fromisoformat(when) for when in (one.first_seen, one.last_seen)]
    return type(one.times) is int and all(when.tzinfo is not None for when in moments)
