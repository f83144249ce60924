"""Is what runs there too old? What was recognised, judged by the table of lifecycles. Pure.

Two findings and no more: its maker mends it no longer, and it is older than the last version without a hole
that is exploited or critical. A version that a distribution may have mended under the same number, that is
only known at least, or that another program may show as well, is no finding. What was told over no port of
its own (a name that was called out) is a finding at port 0, unless a port tells the same. Where it stops:
what a network card hints at is in the inventory only.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from netwatch.classes import UNKNOWN, class_of
from netwatch.classes import table as table_of_classes
from netwatch.diff import at_internet
from netwatch.lifecycle import Age, State, Table
from netwatch.model import Vantage
from netwatch.ntlm import marketed
from netwatch.recognise import recognise
from netwatch.recognised import Confidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from netwatch.feeds import Known
    from netwatch.lifecycle import Product
    from netwatch.model import Device, Fact, Facts, Finding, Observation
    from netwatch.recognised import Recognised, Software

RULES = {State.ENDED: "support-ended", State.UNSAFE: "version-unsafe"}
# That they are what they say makes them no medical device; a workstation or a server may be a console's.
APPLIANCES = frozenset({"nas", "printer", "camera", "phone", "access-point", "switch", "tv"})
CALLED = frozenset({Vantage.LAN})  # where what is about no port is a device's own word
Whose = tuple[str, int]  # a device's id, and the port where that is an address on the internet
UPSTREAM = frozenset({"windows", "windows-client", "windows-server"})  # whose programs are the maker's own


def profiles(devices: Iterable[Device], seen: Iterable[Observation]) -> dict[Whose, Recognised]:
    """Who each device is, by its id and port 0. `seen`: all that is known of them by now. Behind the ports of
    an address on the internet may be as many devices: there each port has a profile of its own."""
    heard = defaultdict[Whose, list["Observation"]](list)
    for one in seen:
        heard[_whose(one)].append(one)
    known = {device.id: device for device in devices}
    for device in known:
        heard.setdefault((device, 0), [])
    return {
        (device, port): recognise(replace(known[device], kind=UNKNOWN) if port else known[device], told)
        for (device, port), told in heard.items()
        if device in known
    }


def _whose(seen: Observation) -> Whose:
    return seen.device, seen.port if at_internet(seen.device) else 0


def age(one: Software, profile: Recognised, table: Table, today: date) -> Age:
    """How old this is, on this device."""
    return table.judge(
        one.product, one.version, today, packaged=one.packaged, upstream=upstream(one, profile)
    )


def upstream(one: Software, profile: Recognised) -> bool:
    """Is this its maker's own build? So is what runs on a Windows."""
    on_windows = profile.system is not None and profile.system.value in UPSTREAM
    return on_windows and one.product not in UPSTREAM


def findings(
    profiles: Mapping[Whose, Recognised], seen: Iterable[Observation], table: Table, today: date
) -> Iterator[Finding]:
    """What is too old, at the port that told it; of several products at one port, the worst of each kind."""
    heard = {(one.device, one.protocol, one.port): one for one in seen if one.port or one.vantage in CALLED}
    for (device, _), profile in profiles.items():
        at_ports = set[tuple[str, str]]()
        for one in sorted(profile.software, key=lambda one: not one.claim.port):
            where = heard.get((device, one.claim.source, one.claim.port))
            if where is None or not _sure(one, table):
                continue
            told = age(one, profile, table, today)
            if told.state in RULES and (where.port or (RULES[told.state], one.product) not in at_ports):
                at_ports.add((RULES[told.state], one.product))
                yield _finding(RULES[told.state], where, one, told, table)


def about(one: Software, told: Age, table: Table) -> Facts:
    """What a judgement rests on, for a reader: dates as YYYY-MM-DD."""
    return {
        "product": _name(one, told, table),
        "version": one.version,
        "told_by": one.claim.source,
        "state": told.state.value,
        "why": told.why.value if told.why else None,
        "until": told.until.isoformat() if told.until else None,
        "last_safe": told.last_safe if told.state is State.UNSAFE else None,
        "source": told.safe_source if told.state is State.UNSAFE else told.source,
        "checked": told.checked.isoformat() if told.checked else None,
        "stale": told.stale,
    }


def _name(one: Software, told: Age, table: Table) -> str:
    """As its maker sells it."""
    if one.product in UPSTREAM and one.version and (name := marketed(one.version)):
        return name
    product = table.products.get(told.product)
    return product.name if product else one.product


def recognised(device: Device, profile: Recognised, table: Table, today: date) -> Device:
    """The device with what it was recognised as. Its kind, which decides what it may be asked, follows only
    to a more careful class, within the same one, or where an appliance that nobody takes for a medical device
    names itself."""
    kind = profile.kind.value if _may_be(device, profile) else device.kind
    told = {name: claim.value for name in ("maker", "model", "version") if (claim := getattr(profile, name))}
    names = tuple(claim.value for claim in profile.names)
    return replace(
        device, kind=kind, names=names or device.names, profile=dict(_profile(profile, table, today)), **told
    )


def _may_be(device: Device, profile: Recognised) -> bool:
    claim = profile.kind
    if claim.value == UNKNOWN or claim.confidence is Confidence.HINT:
        return False
    before, after, careful = class_of(device.kind), class_of(claim.value), list(table_of_classes())
    if careful.index(after.name) <= careful.index(before.name):
        return after.name != UNKNOWN
    return before.name == UNKNOWN and claim.confidence is Confidence.CERTAIN and claim.value in APPLIANCES


def _profile(profile: Recognised, table: Table, today: date) -> Iterator[tuple[str, Fact]]:
    """What it was recognised as, flat; each with who says so."""
    for name in ("kind", "maker", "model", "product", "version", "system"):
        claim = getattr(profile, name)
        if claim is not None and claim.value != UNKNOWN:
            yield name, claim.value
            yield f"{name}_by", ", ".join(claim.sources)
            if claim.others:
                yield f"{name}_other", f"{claim.others[0].value} ({', '.join(claim.others[0].sources)})"
    if profile.kind.value != UNKNOWN:
        yield "confidence", profile.kind.confidence.value
    main = profile.product or profile.system
    one = next((one for one in profile.software if main and one.product == main.value), None)
    if one is not None:
        yield from (
            (f"age_{key}", value) for key, value in about(one, age(one, profile, table, today), table).items()
        )


def known(hole: Known, table: Table) -> bool:
    """Is this exploited hole one of a product that the table knows? By the names that CISA uses."""
    return hole_of(hole, table) is not None


def hole_of(hole: Known, table: Table) -> Product | None:
    """Of which product of the table this exploited hole is, by the names that CISA uses."""
    return table.named(hole.product) or table.named(f"{hole.maker} {hole.product}")


def only_that(one: Software, table: Table) -> bool:
    """Is it this product and no other, by more than a hint? Which of two it is makes no difference where the
    table judges both at once (a Windows that may be a client or a server)."""
    product = table.products.get(one.product)
    others = set(one.perhaps) - set(product.of if product else ())
    return not others and one.claim.confidence is not Confidence.HINT


def _sure(one: Software, table: Table) -> bool:
    """Is the version the product's own, and exactly that?"""
    return only_that(one, table) and not (one.packaged or one.at_least)


def _finding(rule: str, where: Observation, one: Software, told: Age, table: Table) -> Finding:
    return replace(where.finding(rule), about=about(one, told, table))
