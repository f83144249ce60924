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


def product(say: Phrases, about: Mapping[str, Fact]) -> str:
    """`Windows 10, 10.0.19041 (SMB)`: what it is, and who says so; nothing where nothing was recognised."""
    name, version = clean(about.get("product") or "", NAME), clean(about.get("version") or "", NAME)
    if not name:
        return ""
    key = "aged.product" if version else "aged.product-alone"
    return say(key, product=name, version=version, by=teller(say, str(about.get("told_by") or "")))


def teller(say: Phrases, source: str) -> str:
    """`it says so over SMB`: on whose word it is."""
    key = f"aged.by.{source}"
    if key in say.messages.sentences:
        return say(key)
    return say("aged.by-any", protocol=say.word("annex.protocols", source))


def state(say: Phrases, about: Mapping[str, Fact]) -> str:
    """`no longer maintained since 14 October 2025`; that it is unknown, where it is."""
    word = str(about.get("state") or "unknown")
    until, safe = about.get("until"), clean(about.get("last_safe") or "", NAME)
    key = word if until or word in {"unknown", "unsafe"} else f"{word}-undated"
    return say(f"aged.state.{key}", until=say.moments.day(until), safe=safe)


def short(say: Phrases, about: Mapping[str, Fact]) -> str:
    """`Windows 10 10.0.19041: no longer maintained since 14 October 2025 (read 01/11/2026)`, for a narrow
    column; that it was read long ago, too."""
    what = software(about)
    if not what or about.get("state") == "unknown":
        return what
    told = say("aged.short", product=what, state=state(say, about))
    return " ".join(filter(None, (told, read(say, about))))


def software(about: Mapping[str, Fact]) -> str:
    """`Windows 10 10.0.19041`; nothing where no product was recognised."""
    name, version = clean(about.get("product") or "", NAME), clean(about.get("version") or "", NAME)
    return f"{name} {version}".rstrip() if name else ""


def read(say: Phrases, about: Mapping[str, Fact]) -> str:
    """When the page was read that the age rests on, and that it is long ago; nothing where there is none."""
    when = say.moments.short_day(about.get("checked"))
    return say("aged.read-old" if about.get("stale") is True else "aged.read", checked=when) if when else ""


def unknown(say: Phrases, about: Mapping[str, Fact]) -> str:
    """Why it is unknown how old that is."""
    why = f"aged.why.{about.get('why')}"
    return say(why if why in say.messages.sentences else "aged.why.nothing")


def sentence(say: Phrases, about: Mapping[str, Fact]) -> str:
    """All of it, with the page and the day it was read; nothing where the finding rests on no product."""
    what = product(say, about)
    if not what:
        return ""
    told = say("aged.sentence", product=what, state=state(say, about))
    if about.get("source"):
        page, day = clean(str(about["source"]), TEXT), say.moments.day(about.get("checked"))
        told = f"{told} {say('aged.source', page=page, checked=day)}"
    return f"{told} {say('aged.stale')}" if about.get("stale") is True else told
