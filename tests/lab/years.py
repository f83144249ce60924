"""What do ten years cost? Database, diff and page against the number of nights: `python -m tests.lab.years`.

Nights of 60 services each, recorded by Store as real ones are, without packets: once all quiet, for what a
quiet night adds; once with something that changes every seventh night, for how long a diff, a night's writing
and a page take. The other 199 sites are copies of the second made in SQL, night by night as they would have
been written. It prints, and never fails because a number is too high.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import probes
from netwatch.diff import compare
from netwatch.model import Coverage, Device, Observation, Outcome, Run, Vantage
from netwatch.scan import name
from netwatch.store import Store, retention
from netwatch.words import Catalogue
from reports import page
from tests.lab.tables import aim, show, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.table import Table

    from netwatch.model import Facts

NIGHTS = (10, 100, 1000, 3650)
SITES, DEVICES, DOORS = 200, 15, 4  # 60 services
BYTES, MS = 300, 50  # what we aim at
KEPT = 400  # nights, as [keep] has it where nothing is said
START = datetime(2020, 1, 1, 22, tzinfo=UTC)
CATALOGUE = Catalogue(probes.words())
PORTS, DICOM = (80, 104, 443, 445), 104
PACE = {"packets": 40, "guarded": 10, "overall": 1000, "pause": 0.5, "limit": 262144, "seconds": 30.0}


def night(number: int, site: str = "s1", *, devices: int = DEVICES, moved: bool = False) -> Run:
    """Night `number`; `moved`: each seventh a service answers otherwise, and a finding comes or goes."""
    at = START + timedelta(days=number)
    there = [device(one) for one in range(devices)]
    seen = [look for one in there for look in looks(one, at)]
    if moved:
        other = there[number // 7 % devices].id, PORTS[0], "http"
        seen = [
            replace(look, facts=look.facts | {"version": f"1.{number // 7}"})
            if (look.device, look.port, look.probe) == other
            else look
            for look in seen
        ]
    findings = [look.finding("dicom-query-answered") for look in seen if look.probe == "dicom"]
    if moved and number // 7 % 2:
        findings = findings[1:]
    return Run(
        id=name(at),
        site=site,
        started=at,
        finished=at + timedelta(minutes=20),
        complete=True,
        vantages=(Vantage.LAN,),
        devices=tuple(there),
        observations=tuple(seen),
        coverage=tuple(row for one in there for row in asked(one)),
        findings=frozenset(findings),
        pace=PACE,
    )


def device(number: int) -> Device:
    """One of many."""
    card = f"02:00:00:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
    return Device(f"m-{number:012x}", f"10.0.{number // 250}.{number % 250 + 1}", card)


def looks(one: Device, at: datetime) -> Iterator[Observation]:
    """What is seen of a device: four open ports, an image server that anybody may search among them."""
    archive: Facts = {"association": "accepted", "query": "answered", "store": "not-offered", "tls": False}
    web: Facts = {"product": "nginx", "version": "1.0", "tls": False, "page": "plain"}
    for port in PORTS:
        what, facts = ("dicom", archive) if port == DICOM else ("http", web)
        told = (Vantage.LAN, one.id, one.address, port, what)
        yield Observation("sweep", *told, {"state": "open"}, at, proved=False)
        yield Observation(what, *told, facts, at)


def asked(one: Device, *closed: int) -> tuple[Coverage, ...]:
    """What a device was asked. `closed`: doors that are open on other nights."""
    shut = tuple(port for port in range(1, 130) if port not in PORTS) + closed
    open_ = tuple(port for port in PORTS if port not in closed)
    return (
        Coverage("sweep", Vantage.LAN, one.address, one.id, shut, Outcome.CLOSED),
        Coverage("sweep", Vantage.LAN, one.address, one.id, open_, Outcome.OPEN),
        *(Coverage("dicom", Vantage.LAN, one.address, one.id, (DICOM,), Outcome.ANSWERED),) * (not closed),
    )


def record(store: Store, run: Run) -> None:
    """As nightly.night does, without an alert."""
    moved = compare(store.picture(run.site), run, CATALOGUE.ladder, CATALOGUE.decisive)
    store.record(run, moved, ())


def quick(folder: Path) -> Store:
    """A database that does not wait for the disk: this is no test of the disk."""
    store = Store(folder)
    store._db.execute("pragma synchronous = off")
    store.remember("s1", "Cabinet 1", "fr")
    return store


def spent(what: Callable[[], object], runs: int = 9) -> float:
    """Milliseconds, the median of some runs."""
    told = []
    for _ in range(runs):
        started = time.perf_counter()
        what()
        told.append((time.perf_counter() - started) * 1000)
    return median(told)


def size(store: Store) -> int:
    """Bytes in use in the file."""
    db = store._db
    free = db.execute("pragma freelist_count").fetchone()[0]
    return retention.size(store) - int(free) * int(db.execute("pragma page_size").fetchone()[0])


def opened(store: Store, site: str) -> None:
    """A site's page, as `netwatch report` writes it."""
    document = store.document(site, CATALOGUE, "fr")
    assert document is not None
    page.render("Cabinet", document, CATALOGUE, "fr", ())


def quiet_nights(folder: Path) -> tuple[Table | str, ...]:
    """What nights add in which nothing moves."""
    made = table("A quiet night of a site with 60 services", "nights", "bytes in file", "bytes a night")
    with quick(folder) as store:
        before, each = 0, 0.0
        for number in range(NIGHTS[-1]):
            record(store, night(number))
            if number + 1 in NIGHTS:
                now = size(store)
                each = (now - before) / (number + 1 - ([0, *NIGHTS][NIGHTS.index(number + 1)]))
                made.add_row(str(number + 1), str(now), f"{each:.0f}" if before else "")
                before = now
    return made, aim("a quiet night", each, BYTES, "bytes")


def lines(store: Store, site: str, nights: int, runs: int = 9) -> tuple[list[str], float]:
    """(a row of times, the worst of them that we have an aim for)."""
    run = night(nights, site, moved=True)
    picture = store.picture(site)
    diff = spent(lambda: compare(store.picture(site), run, CATALOGUE.ladder, CATALOGUE.decisive), runs)
    document = spent(lambda: store.document(site, CATALOGUE, "fr"), runs)
    whole = spent(lambda: opened(store, site), runs)
    nothing = START - timedelta(days=1)
    forget = spent(lambda: retention.prune(store, site, nothing), runs)
    assert len(picture.devices) == DEVICES
    return [f"{value:.1f}" for value in (diff, document, whole, forget)], max(diff, whole)


def against_nights(folder: Path) -> tuple[Table | str, ...]:
    """Times of one site, and then of one among two hundred."""
    made = table(
        "Times, in ms", "nights", "diff", "document", "page", "nothing to forget", "a night's writing"
    )
    with quick(folder) as store:
        last = 0.0
        for number in range(NIGHTS[-1]):
            run = night(number, moved=True)
            moved = compare(store.picture(run.site), run, CATALOGUE.ladder, CATALOGUE.decisive)
            started = time.perf_counter()
            store.record(run, moved, ())
            last = (time.perf_counter() - started) * 1000
            if number + 1 in NIGHTS:
                made.add_row(str(number + 1), *lines(store, "s1", number + 1)[0], f"{last:.1f}")
        started = time.perf_counter()
        copies(store)
        copied = time.perf_counter() - started
        row, worst = lines(store, f"s{SITES // 2}", NIGHTS[-1])
        made.add_row(f"{NIGHTS[-1]}, {SITES} sites", *row, "")
        whole, runs = size(store), store._db["runs"].count
        text = [f"{SITES} sites, {runs} runs: {whole / 1e6:.0f} MB (copied in {copied:.0f} s)."]
        text += [aim("diff and page, the worst", worst, MS, "ms"), *forgotten(store)]
    return made, "\n".join(text)


def copies(store: Store) -> None:
    """The other sites: what the first one has, under other names, night by night."""
    with store._writing() as db:
        db.execute("create temp table n (k integer)")
        db.conn.executemany("insert into n values (?)", [(number,) for number in range(2, SITES + 1)])
        copy(store, "sites", "id = 1", id="k", slug="'s' || k", name="'Cabinet ' || k")
        copy(store, "texts", "1", id="t.id + 1000000 * k", digest="digest || k")
        new = {"id": "null", "uid": "uid || '-' || k", "coverage": "coverage + 1000000 * k"}
        copy(store, "runs", "site = 1", site="k", **new)
        twin = "(select id from runs where uid = (select uid from runs where id = t.run) || '-' || k)"
        copy(store, "changes", "1", run=twin)
        for what in ("devices", "services", "findings", "asked", "looked", "earlier"):
            copy(store, what, "site = 1", site="k", **({} if what == "devices" else {"id": "null"}))


def copy(store: Store, what: str, which: str, **new: str) -> None:
    """The rows of a table once more for each other site, with these values."""
    columns = [one.name for one in store._db[what].columns]
    told = ", ".join(new.get(one, one) for one in columns)
    store._db.execute(
        f"insert into {what} select {told} from {what} as t, n where {which} order by t.rowid, k"  # noqa: S608
    )


def forgotten(store: Store) -> list[str]:
    """What is left where 400 nights are kept."""
    before = START + timedelta(days=NIGHTS[-1] - KEPT)
    one = spent(lambda: retention.prune(store, "s3", before), 3)
    started = time.perf_counter()
    for site in range(1, SITES + 1):
        while retention.prune(store, f"s{site}", before) != retention.Pruned():
            pass
    went = time.perf_counter() - started
    retention.compact(store)
    row, _ = lines(store, f"s{SITES // 2}", NIGHTS[-1])
    return [
        f"{retention.NIGHTLY} nights forgotten: {one:.0f} ms; all but {KEPT} of all: {went:.0f} s.",
        f"Left: {size(store) / 1e6:.0f} MB; then, in ms: {', '.join(row)}.",
    ]


def main() -> None:
    """Measure."""
    with TemporaryDirectory(prefix="netwatch-years-") as place:
        folder = Path(place)
        show(*quiet_nights(folder / "quiet"))
        show(*against_nights(folder / "lively"))


if __name__ == "__main__":
    main()
