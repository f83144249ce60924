"""What is to be checked on a device: which exploited holes does CISA list for what runs there?

CISA's list names products and no versions, so nothing here says that a device has such a hole. The day of the
list is told with it, and that it is old where it is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.phrase import NAME, clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from netwatch.document import DevicePart
    from netwatch.model import Fact
    from reports.phrase import Phrases

NUMBERS = range(1, 10)  # netwatch/to_check.py tells fewer of one device
EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class Check:
    """What CISA lists for one product. `chance`: the highest, in percent, or None where none is known."""

    product: str
    holes: int
    newest: str
    added: str
    ransomware: int
    chance: int | None
    for_everybody: bool


def checks(profile: Mapping[str, Fact], *, everybody: bool = False) -> tuple[Check, ...]:
    """What is to be checked there; `everybody`: without what is the consultant's."""
    told = tuple(_told(profile))
    return tuple(one for one in told if one.for_everybody) if everybody else told


def _told(profile: Mapping[str, Fact]) -> Iterator[Check]:
    for number in NUMBERS:
        begins = f"check_{number:02}_"
        facts = {key.removeprefix(begins): one for key, one in profile.items() if key.startswith(begins)}
        holes, chance = facts.get("holes"), facts.get("chance")
        if not isinstance(holes, int) or holes < 1:
            return
        yield Check(
            clean(facts.get("product") or "", NAME),
            holes,
            clean(facts.get("newest") or "", NAME),
            str(facts.get("added") or ""),
            int(facts.get("ransomware") or 0),
            int(chance) if chance is not None else None,
            facts.get("for") == EVERYBODY,
        )


def short(say: Phrases, one: Check) -> str:
    """`3 exploited holes listed by CISA: to check`, for a row."""
    return say.count("checks.short", one.holes)


def sentence(say: Phrases, one: Check) -> str:
    """What CISA lists, the newest of it, and what to do about it."""
    told = say.count(
        "checks.sentence", one.holes, product=one.product, newest=one.newest, added=say.moments.day(one.added)
    )
    used = say.count("checks.ransomware", one.ransomware) if one.ransomware else ""
    return " ".join(filter(None, (told, used, say("checks.do"))))


def evidence(say: Phrases, one: Check) -> str:
    """What CISA lists and EPSS says, for the consultant: no advice."""
    listed = say.count(
        "checks.listed",
        one.holes,
        product=one.product,
        newest=one.newest,
        added=say.moments.short_day(one.added),
    )
    used = say.count("checks.ransomware", one.ransomware) if one.ransomware else ""
    chance = "" if one.chance is None else say("checks.chance", chance=one.chance)
    return " ".join(filter(None, (listed, used, chance)))


def summed(say: Phrases, known: Iterable[DevicePart]) -> list[str]:
    """The same of each product once, with the number of devices that it runs on."""
    on = Counter(one for device in known for one in checks(device.profile))
    return [say.count("checks.on", number, listed=evidence(say, one)) for one, number in on.items()]
