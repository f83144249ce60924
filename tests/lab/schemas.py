"""What does a database of this version look like? `python -m tests.lab.schemas`, once for each new migration.

Writes tests/netwatch/schemas/NEWEST.sql: three nights of one site as the code of today stores them, with an
alert that was sent, one that waits, an exposure, and a name that a person gave. Dumps of earlier versions
were written by the code of their time, and are never written again.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import probes
from netwatch.diff import compare
from netwatch.exposures import Added, Logged, Step
from netwatch.judge import Row
from netwatch.model import (
    Coverage,
    Device,
    Facts,
    Failure,
    Finding,
    Link,
    Observation,
    Outcome,
    Reason,
    Run,
    Vantage,
)
from netwatch.post import Letter
from netwatch.sayings import Saying, What
from netwatch.store import Store
from netwatch.store.database import steps
from netwatch.words import Catalogue

SCHEMAS = Path(__file__).parent.parent / "netwatch" / "schemas"
FIRST = datetime(2026, 11, 1, 22, tzinfo=UTC)
LETTERS = tuple(
    Letter(f"<{number}@test>", to, "Alerte", "texte", "<p>page</p>")
    for number, to in ((1, "dr@example.fr"), (2, "it@example.fr"))
)
FACTS: Facts = {"association": "accepted", "query": "answered", "store": "not-offered", "tls": False}


def night(number: int) -> Run:
    """One device with an image server; on the first night a share too, which is closed on the third."""
    at, address = FIRST + timedelta(days=number), "192.168.1.20"
    seen = Observation("dicom", Vantage.LAN, "d", address, 104, "dicom", FACTS, at)
    found = [seen.finding("dicom-query-answered")]
    if number == 0:
        found.append(
            Finding("smb-guest-share", "d", 445, probe="dicom", address=address, vantage=Vantage.LAN)
        )
    asked = [
        Coverage("discovery", Vantage.LAN, "192.168.1.0/24", None, (), Outcome.ANSWERED, "nmap"),
        Coverage("sweep", Vantage.LAN, address, "d", (22, 80), Outcome.CLOSED),
        Coverage("sweep", Vantage.LAN, address, "d", (104,), Outcome.OPEN),
        Coverage("dicom", Vantage.LAN, address, "d", (104,), Outcome.ANSWERED),
    ]
    if number == 2:
        asked.append(Coverage("sweep", Vantage.LAN, address, "d", (445,), Outcome.CLOSED))
    failed = Failure("dicom", Vantage.LAN, address, 4242, Reason.TIMEOUT, "no answer in time", "d")
    return Run(
        id=f"run-{number}",
        site="cabinet",
        started=at,
        finished=at + timedelta(minutes=2),
        complete=number != 1,
        vantages=(Vantage.LAN,),
        devices=(Device("d", address, mac="00:11:32:aa:bb:cc"),),
        observations=(replace(seen, probe="sweep", facts={"state": "open"}, proved=False), seen),
        coverage=tuple(asked),
        findings=frozenset(found),
        failures=(failed,) * (number == 1),
        public={"203.0.113.7": "config"},
    )


def fill(store: Store) -> None:
    """Three nights."""
    led = Link("d", "192.168.1.20", 104, "mapping")
    seen_at = FIRST + timedelta(minutes=3)
    proof = ("dicom", {"query": "answered"}, "[{}]", "0" * 64, led)
    step = Step(FIRST, Row.ANSWERED, Vantage.OUTSIDE, "dicom", seen_at, *proof)  # type: ignore[arg-type]
    exposed = Added(opened=(Logged(("p-203.0.113.7", 8104, "tcp"), FIRST, FIRST, (step,), patients=5300),))
    store.remember("cabinet", "Cabinet", "fr")
    for number in range(3):
        run = night(number)
        moved = compare(store.picture("cabinet"), run, Catalogue(probes.words()).ladder)
        store.record(run, moved, () if number else LETTERS, None if number else exposed)
    store.outbox.sent(LETTERS[0], FIRST + timedelta(minutes=4))
    store.say("cabinet", [Saying("d", What.NAME, "PACS", "user", FIRST)])


def main() -> None:
    """Write the newest; those of earlier versions stay as they are."""
    with TemporaryDirectory(prefix="netwatch-schema-") as folder:
        with Store(Path(folder)) as store:
            fill(store)
        with closing(sqlite3.connect(store.path)) as db:
            text = "\n".join(db.iterdump()) + "\n"
    target = SCHEMAS / f"{steps()[-1]}.sql"
    if target.exists():
        print(f"{target} is there already: a version that was written is never written again.")
        return
    target.write_text(text, encoding="utf-8")
    print(target)


if __name__ == "__main__":
    main()
