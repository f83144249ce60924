"""What do ten years cost? Database, diff and page against the number of nights: `python -m tests.lab.years`.

Nights of 60 services each, recorded by Store as real ones are, without packets: once all quiet, for what a
quiet night adds; once with something that changes every seventh night, for how long a diff, a night's writing
and a page take. The other 199 sites are copies of the second made in SQL, night by night as they would have come
to be written. At the end the same two nights of 1,000 hosts for ndiff, as nmap XML, and for netwatch.
It prints, and never fails because a number is too high.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import probes
from netwatch.diff import compare
from netwatch.model import Coverage, Device, Outcome, Run, Vantage
from netwatch.model import Observation as Seen
from netwatch.scan import name
from netwatch.store import Store, retention
from netwatch.words import Catalogue
from reports import page
from tests.lab.tables import aim, show, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from netwatch.model import Facts

NIGHTS = (10, 100, 1000, 3650)
SITES, DEVICES, DOORS = 200, 15, 4  # 60 services
HOSTS = 1000
BYTES, MS = 300, 50  # what we aim at
KEPT = 400  # nights, as [keep] has it where nothing is said
START = datetime(2020, 1, 1, 22, tzinfo=UTC)
CATALOGUE = Catalogue(probes.words())
PORTS = (80, 104, 443, 445)
PACE = {"packets": 40, "guarded": 10, "overall": 1000, "pause": 0.5, "limit": 262144, "seconds": 30.0}


def night(number: int, site: str = "s1", *, devices: int = DEVICES, moved: bool = False) -> Run:
    """Night `number`; `moved`: with one service that answers otherwise each seventh night."""
    at = START + timedelta(days=number)
    told, seen, asked = [], [], []
    for one in range(devices):
        address = f"10.{one // 62500}.{one // 250 % 250}.{one % 250 + 1}"
        told.append(
            Device(f"m-{one:012x}", address, f"02:00:00:{one >> 16:02x}:{one >> 8 & 255:02x}:{one & 255:02x}")
        )
        for port in PORTS:
            facts: Facts = {"state": "open"}
            common = (Vantage.LAN, told[-1].id, address, port)
            seen.append(Seen("sweep", *common, "http", facts, at, proved=False))
            version = number // 7 if moved and one == number // 7 % devices and port == PORTS[0] else 0
            answer: Facts = {"product": "nginx", "version": f"1.{version}", "tls": False, "page": "plain"}
            if port == PORTS[1]:
                answer = {
                    "association": "accepted",
                    "query": "answered",
                    "store": "not-offered",
                    "tls": False,
                }
            seen.append(
                Seen(
                    "dicom" if port == PORTS[1] else "http",
                    *common,
                    "dicom" if port == PORTS[1] else "http",
                    answer,
                    at,
                )
            )
        asked.append(
            Coverage("sweep", Vantage.LAN, address, told[-1].id, tuple(range(1, 130)), Outcome.CLOSED)
        )
        asked.append(Coverage("sweep", Vantage.LAN, address, told[-1].id, PORTS, Outcome.OPEN))
        asked.append(Coverage("dicom", Vantage.LAN, address, told[-1].id, PORTS[1:2], Outcome.ANSWERED))
    findings = [one.finding("dicom-query-answered") for one in seen if one.probe == "dicom"]
    if moved and number // 7 % 2:
        findings = findings[1:]
    closed = [
        replace(row, ports=tuple(p for p in row.ports if p not in PORTS))
        if row.outcome is Outcome.CLOSED
        else row
        for row in asked
    ]
    return Run(
        id=name(at), site=site, started=at, finished=at + timedelta(minutes=20), complete=True,
        vantages=(Vantage.LAN,), devices=tuple(told), observations=tuple(seen), coverage=tuple(closed),
        findings=frozenset(findings), pace=PACE,
    )  # fmt: skip


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
        whole, runs = size(store), store._db.execute("select count(*) from runs").fetchone()[0]
        text = [f"{SITES} sites, {runs} runs: {whole / 1e6:.0f} MB (copied in {copied:.0f} s)."]
        text += [aim("diff and page, the worst", worst, MS, "ms"), *forgotten(store)]
    return made, "\n".join(text)


def copies(store: Store) -> None:
    """The other sites: what the first one has, under other names, night by night."""
    db = store._db
    with store._writing():
        db.execute("create temp table n as with recursive c(k) as (select 2 union all select k + 1 from c "
                   f"where k < {SITES}) select k from c")  # fmt: skip
        db.execute("insert into sites (id, slug, name, language, networks) select k, 's' || k, 'Cabinet ' || k, "
                   "language, networks from n, sites where id = 1")  # fmt: skip
        db.execute(
            "insert into texts (id, digest, body) select texts.id + 1000000 * k, digest || k, body from n, texts"
        )
        columns = [one.name for one in db["runs"].columns]
        told = {"id": "null", "uid": "uid || '-' || k", "site": "k", "coverage": "coverage + 1000000 * k"}
        db.execute(f"insert into runs select {', '.join(told.get(one, one) for one in columns)} "
                   "from runs, n where site = 1 order by runs.id, k")  # fmt: skip
        for what in ("devices", "services", "findings", "asked", "looked"):
            columns = [one.name for one in db[what].columns]
            told = {"site": "k"} | ({} if what == "devices" else {"id": "null"})
            db.execute(f"insert into {what} select {', '.join(told.get(one, one) for one in columns)} "
                       f"from {what}, n where site = 1")  # fmt: skip
        for what in ("changes",):
            columns = [one.name for one in db[what].columns]
            told = {"run": "twin.id"}
            db.execute(f"insert into {what} select {', '.join(told.get(one, one) for one in columns)} from {what} "
                       "join runs on runs.id = run, n join runs as twin on twin.uid = runs.uid || '-' || k "
                       "where runs.site = 1")  # fmt: skip


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
        f"Forgetting {retention.NIGHTLY} nights of one site: {one:.0f} ms; of all, down to {KEPT}: {went:.0f} s.",
        f"Left: {size(store) / 1e6:.0f} MB; diff, document, page, forgetting in ms: {', '.join(row)}.",
    ]


def as_nmap(run: Run, path: Path) -> None:
    """The night as nmap would have written it with -oX."""
    ports: dict[str, list[str]] = {}
    for seen in run.observations:
        if seen.probe == "sweep":
            ports.setdefault(seen.address, []).append(
                f'<port protocol="tcp" portid="{seen.port}"><state state="open" reason="syn-ack" reason_ttl="64"/>'
                f'<service name="{seen.protocol}" method="table" conf="3"/></port>'
            )
    at = int(run.started.timestamp())
    hosts = "\n".join(
        f'<host starttime="{at}" endtime="{at}"><status state="up" reason="arp-response" reason_ttl="0"/>'
        f'<address addr="{address}" addrtype="ipv4"/><hostnames></hostnames>'
        f'<ports><extraports state="closed" count="996"/>{"".join(one)}</ports></host>'
        for address, one in ports.items()
    )
    path.write_text(
        f'<?xml version="1.0"?>\n<nmaprun scanner="nmap" args="nmap -sS -oX" start="{at}" version="7.93" '
        f'xmloutputversion="1.05">\n{hosts}\n<runstats><finished time="{at}"/><hosts up="{len(ports)}" down="0" '
        f'total="{len(ports)}"/></runstats>\n</nmaprun>\n'
    )


def against_ndiff(folder: Path) -> tuple[Table | str, ...]:
    """Two nights of 1,000 hosts; in the second, each twentieth has one door less."""
    first = night(0, devices=HOSTS)
    second = night(1, devices=HOSTS)
    gone = {(device.id, PORTS[0]) for device in second.devices[::20]}
    second = replace(
        second,
        observations=tuple(one for one in second.observations if (one.device, one.port) not in gone),
        coverage=(*second.coverage, *(Coverage("sweep", Vantage.LAN, d.address, d.id, PORTS[:1], Outcome.CLOSED) for d in second.devices[::20])),
    )  # fmt: skip
    made = table(
        f"Two nights of {HOSTS} hosts with {len(PORTS)} open ports", "what", "seconds", "peak memory"
    )
    with quick(folder) as store:
        record(store, first)
        before, in_python = store.picture("s1"), []
        for what in (
            lambda: store.picture("s1"),
            lambda: compare(before, second, CATALOGUE.ladder, CATALOGUE.decisive),
            lambda: record(store, second),
        ):
            in_python.append(spent(what, 1) / 1000)
    for what, seconds in zip(
        ("reading what was", "comparing", "all of it, and writing"), in_python, strict=True
    ):
        made.add_row(f"netwatch, {what}", f"{seconds:.2f}", "")
    netwatch = [sys.executable, "-m", "netwatch", "diff", "s1", "--data", str(folder)]
    command = Path(sys.executable).with_name("netwatch")
    netwatch = [str(command), *netwatch[3:]]
    made.add_row("`netwatch diff`, the command", *timed(netwatch))
    for number, run in enumerate((first, second)):
        as_nmap(run, folder / f"{number}.xml")
    ndiff = shutil.which("ndiff")
    if ndiff is None:
        return made, "Left out: ndiff is not here (Debian's package ndiff)."
    made.add_row("`ndiff`, the command", *timed([ndiff, str(folder / "0.xml"), str(folder / "1.xml")]))
    return (made,)


def timed(command: list[str]) -> tuple[str, str]:
    """(seconds, peak memory) of a command; its own child, so that the mark is its own."""
    code = (
        "import resource, subprocess, sys\n"
        "ended = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
        "print(ended.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    started = time.perf_counter()
    told = subprocess.run([sys.executable, "-c", code, *command], check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    code_, peak = told.stdout.split()
    return f"{seconds:.2f} (exit {code_})", f"{int(peak) / 1024:.0f} MB"


def main() -> None:
    """Measure."""
    with TemporaryDirectory(prefix="netwatch-years-") as place:
        folder = Path(place)
        show(*quiet_nights(folder / "quiet"))
        show(*against_nights(folder / "lively"))
        show(*against_ndiff(folder / "ndiff"))


if __name__ == "__main__":
    main()
