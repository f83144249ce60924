"""How old is the data that the judgements rest on? The days of the pages, the day of CISA's list, in words.

What was read more than 45 days ago says so, and so does what was not at hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.model import Status
from reports.gaps import devices

if TYPE_CHECKING:
    from netwatch.document import Document
    from netwatch.model import Fact
    from reports.phrase import Phrases


def pages(say: Phrases, document: Document) -> list[str]:
    """Between which days the pages were read that ends of support rest on; that some of it is long ago."""
    read = [
        *((one.profile.get("age_checked"), one.profile.get("age_stale")) for one in devices(document)),
        *(
            (one.about.get("checked"), one.about.get("stale"))
            for one in document.findings
            if one.status != Status.RESOLVED
        ),
    ]
    told = _between(say, "dated.pages", [when for when, _ in read])
    old = say("dated.pages-old") if any(stale is True for _, stale in read) else ""
    return [" ".join(filter(None, (told, old)))] if told else []


def lists(say: Phrases, document: Document) -> list[str]:
    """Of which day CISA's list is; that it is old, or that there was none."""
    known = devices(document)
    if not known:
        return []
    told = _between(say, "dated.list", [one.profile.get("check_list") for one in known])
    if not told:
        return [say("dated.no-list")]
    old = any(one.profile.get("check_stale") is True for one in known)
    return [" ".join(filter(None, (told, say("dated.list-old") if old else "")))]


def notes(say: Phrases, document: Document) -> list[str]:
    """Both."""
    return [*pages(say, document), *lists(say, document)]


def _between(say: Phrases, message: str, days: list[Fact]) -> str:
    """From the first of these days to the last; nothing where there is none."""
    told = sorted(one for one in days if isinstance(one, str))
    if not told:
        return ""
    first, last = say.moments.day(told[0]), say.moments.day(told[-1])
    return (
        say(f"{message}.one", last=last) if first == last else say(f"{message}.many", first=first, last=last)
    )
