"""How old is what runs there, and who says so? The product, its version, the day and the page, in a sentence.

What is unknown is told as unknown, and data that was read long ago is told as such.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.phrase import NAME, TEXT, clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netwatch.model import Fact
    from reports.phrase import Phrases

NOON = "T12:00:00Z"  # a day is the same on every clock in Europe then


def product(say: Phrases, about: Mapping[str, Fact]) -> str:
    """`Windows 10, 10.0.19041 (SMB)`: what it is, and who says so; nothing where nothing was recognised."""
    name, version = clean(about.get("product") or "", NAME), clean(about.get("version") or "", NAME)
    if not name:
        return ""
    by = say.word("aged.by", str(about.get("told_by") or ""))
    return say("aged.product" if version else "aged.product-alone", product=name, version=version, by=by)


def state(say: Phrases, about: Mapping[str, Fact]) -> str:
    """`no longer maintained since 14 October 2025`; that it is unknown, where it is."""
    word = str(about.get("state") or "unknown")
    until, safe = about.get("until"), clean(about.get("last_safe") or "", NAME)
    key = word if until or word in {"unknown", "unsafe"} else f"{word}-undated"
    return say(f"aged.state.{key}", until=_day(say, until), safe=safe)


def short(say: Phrases, about: Mapping[str, Fact]) -> str:
    """`Windows 10, 10.0.19041: no longer maintained since 14 October 2025`, for a narrow column."""
    name, version = clean(about.get("product") or "", NAME), clean(about.get("version") or "", NAME)
    if not name:
        return ""
    what = f"{name} {version}".rstrip()
    return (
        what if about.get("state") == "unknown" else say("aged.short", product=what, state=state(say, about))
    )


def sentence(say: Phrases, about: Mapping[str, Fact]) -> str:
    """All of it, with the page and the day it was read; nothing where the finding rests on no product."""
    what = product(say, about)
    if not what:
        return ""
    told = say("aged.sentence", product=what, state=state(say, about))
    if about.get("source"):
        page, day = clean(str(about["source"]), TEXT), _day(say, about.get("checked"))
        told = f"{told} {say('aged.source', page=page, checked=day)}"
    return f"{told} {say('aged.stale')}" if about.get("stale") is True else told


def _day(say: Phrases, day: Fact) -> str:
    return say.moments.date(f"{day}{NOON}") if isinstance(day, str) else ""
