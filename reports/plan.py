"""What would a scan do? The plan, in 80 columns, before a packet is sent.

For the consultant, who has to answer for it: to whom, how fast, which kinds of question, how long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.phrase import ADDRESS, NAME, TEXT, Phrases, clean
from reports.terminal import text

NONE = "-"

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table

    from netwatch.plan import DeviceRow, Plan
    from netwatch.plan_detect import DetectPlan
    from netwatch.plan_outside import AddressRow, BeyondPlan


def table(plan: Plan, language: str) -> RenderableType:
    """The whole plan."""
    say = Phrases(language)
    lines = [*_who(say, plan), *_how(say, plan)]
    return _group(
        text(clean(plan.site, TEXT), "bold"),
        text(say("plan.nothing-sent"), "green"),
        *([text(say(f"plan.refused.{plan.refused.rpartition('.')[2]}"), "yellow")] if plan.refused else []),
        text(""),
        *(text(line) for line in lines),
        *([] if plan.fits else [text(say("plan.does-not-fit"), "yellow")]),
        *([text(say("plan.override", by=plan.override), "yellow")] if plan.override else []),
        text(""),
        _classes(say, plan),
        text(say("plan.guards")),
        text(say("plan.names")),
        text(""),
        _devices(say, plan),
        text(_more(say, plan.more)),
        text(""),
        *(text(line) for line in _detect(say, plan.detect)),
        *(text(line) for line in _beyond(say, plan.beyond)),
    )


def _who(say: Phrases, plan: Plan) -> list[str]:
    """The networks, what is left out, and who allowed it."""
    told = [
        say(
            "plan.networks",
            networks=", ".join(plan.networks),
            addresses=say.count("plan.addresses", plan.addresses),
        )
    ]
    if plan.excluded:
        told.append(say("plan.excluded", excluded=", ".join(clean(one) for one in plan.excluded)))
    if plan.authorised_by and plan.authorised_until:
        by = clean(plan.authorised_by, NAME)
        told.append(
            say("plan.authorised", by=by, until=say.moments.date(f"{plan.authorised_until}T12:00:00Z"))
        )
    return told


def _how(say: Phrases, plan: Plan) -> list[str]:
    """How fast, how long, and when."""
    told = [say("plan.pace", **{key: say.number(value) for key, value in plan.pace.items()})]
    if plan.devices:
        packets = say.number(plan.packets)
        told.append(say("plan.takes", time=length(say, plan.seconds), packets=packets))
    return [*told, say("plan.window", window=plan.window) if plan.window else say("plan.no-window")]


def _classes(say: Phrases, plan: Plan) -> Table:
    """What each class may be asked."""
    made = _table(say, "class", "pace", "manners", "questions", "again")
    for row in plan.classes:
        made.add_row(
            text(say.word("plan.class", row.name)),
            text(say("plan.per-second", packets=str(row.packets))),
            text(", ".join(say.word("plan.manner", manner) for manner in row.manners)),
            text(", ".join(row.questions) or NONE),
            text(say("phrase.yes" if row.guarded else "phrase.no")),
        )
    return made


def _devices(say: Phrases, plan: Plan) -> RenderableType:
    """Every device that is known by now."""
    if not plan.devices:
        return text(say("plan.no-devices"))
    made = _table(say, "device", "is-a", "usual", "further", "asks", "takes")
    for row in plan.devices:
        name = clean(row.name, NAME) or clean(row.vendor or "", NAME)
        alone = row.left_alone is not None
        made.add_row(
            text(f"{clean(row.address, ADDRESS)}\n{name}".rstrip()),
            text(say.word("plan.class", row.is_a)),
            text(NONE if alone else str(row.usual)),
            text(NONE if alone else str(row.further)),
            text(say("plan.left-alone") if alone else ", ".join(row.questions) or NONE),
            text(NONE if alone else length(say, row.seconds)),
        )
    return made


def _more(say: Phrases, row: DeviceRow) -> str:
    """What a device adds that nobody has seen yet."""
    return say("plan.more", usual=str(row.usual), time=length(say, row.seconds))


def _beyond(say: Phrases, plan: BeyondPlan) -> list[str]:
    """What is asked outside the network, through whom."""
    told = []
    if plan.through is None:
        told.append(say("plan.no-outside"))
    told.extend(_address(say, plan.through or "", row) for row in plan.addresses)
    if plan.box is not None:
        told.append(say("plan.box", box=say.word("plan.box-kind", plan.box)))
    if plan.asked:
        told.append(say("plan.others", others=", ".join(clean(one, NAME) for one in plan.asked)))
    return told


def _detect(say: Phrases, plan: DetectPlan | None) -> list[str]:
    """What nmap is let at, where the site file asks for it."""
    if plan is None:
        return []
    if not plan.addresses:
        return [say("plan.detect-nobody")]
    addresses = ", ".join(clean(one, ADDRESS) for one in plan.addresses)
    return [say("plan.detect", addresses=addresses, time=length(say, plan.seconds))]


def _address(say: Phrases, through: str, row: AddressRow) -> str:
    """What one address of ours is asked from outside."""
    ports = say(
        "plan.ports-and-slice" if row.further else "plan.ports",
        usual=say.number(row.usual),
        further=say.number(row.further),
    )
    return say(
        "plan.outside" if row.address else "plan.outside-learnt",
        through=clean(through, NAME),
        address=clean(row.address, ADDRESS),
        ports=ports,
        time=length(say, row.seconds),
    )


def length(say: Phrases, seconds: int) -> str:
    """`50 s`, `8 min`, `1 h 05`."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return say("plan.seconds", seconds=str(seconds))
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours == 0:
        return say("plan.minutes", minutes=str(minutes))
    return say("plan.hours", hours=str(hours), minutes=f"{minutes:02}")


def _table(say: Phrases, *heads: str) -> Table:
    from rich import box  # noqa: PLC0415 - slow to import

    from reports.drawing import Sheet  # noqa: PLC0415 - as above

    made = Sheet(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for head in heads:
        made.add_column(text(say(f"plan.head.{head}")), overflow="fold")
    return made


def _group(*parts: RenderableType) -> Group:
    from rich.console import Group  # noqa: PLC0415 - slow to import

    return Group(*parts)
