"""What does a database of this version look like? `python -m tests.lab.schemas`, once for each new migration.

Writes tests/netwatch/schemas/NEWEST.sql: three nights of one site as the code of today stores them, with an
alert that was sent, one that waits, one that no night caused, an exposure, news, a device that came, what a
person decided, and a name that a person gave. Dumps of earlier versions were written by the code of their
time, and are never written again.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import probes
from netwatch.change import Before, Came, Change, ChangeKind, Coming, ComingKind, Standing
from netwatch.decisions import Decision
from netwatch.diff import compare
from netwatch.exposures import Added, Logged, Step
from netwatch.judge import Row
from netwatch.model import (
    Coverage,
    Device,
    Exposure,
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
from netwatch.news import Fate, Item, News
from netwatch.notice import NoticeKind
from netwatch.post import Letter
from netwatch.sayings import Saying, What
from netwatch.store import Store
from netwatch.store.database import steps
from netwatch.words import Catalogue

SCHEMAS = Path(__file__).parent.parent / "netwatch" / "schemas"
FIRST = datetime(2026, 11, 1, 22, tzinfo=UTC)
LETTERS = tuple(
    Letter(f"<{number}@test>", to, "Alerte", "texte", "<p>page</p>")
    for number, to in ((1, "dr@example.fr"), (2, "it@example.fr"), (3, "dr@example.fr"))
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


def told() -> News:
    """A finding that was told at once, one that waits, one that came and went unsaid."""
    found = night(0).observations[1].finding("dicom-query-answered")
    led = replace(found, exposure=Exposure.EXPOSED, link=Link("d", "192.168.1.20", 104, "mapping"))
    back = Before(2, "2026-03-01T22:00:00Z", "2026-04-01T22:00:00Z")
    worse = Change(ChangeKind.WORSENED, led, found, back, date(2027, 1, 31))
    other = replace(found, rule="smb-guest-share", port=445)
    return News(
        (
            Item(worse, FIRST, Fate.ALERT, FIRST),
            Item(Change(ChangeKind.APPEARED, other), FIRST),
            Item(Change(ChangeKind.RESOLVED, other), FIRST, Fate.DROPPED, FIRST),
        ),
        (worse,),
        (worse,),
    )


def came() -> Came:
    """One device is new, and another was missed once."""
    return Came(
        (Coming(ComingKind.NEW, Device("d", "192.168.1.20"), nights=3, since=FIRST - timedelta(days=3)),),
        {"e": Standing(missed=1, counted=FIRST.date()), "f": Standing(gone=FIRST)},
        {"192.168.1.0/24": "whole"},
    )


def decided(rule: str, port: int) -> Decision:
    """Until the end of January."""
    of = (rule, "d", port, "tcp", Exposure.INSIDE_ONLY, "")
    return Decision(*of, "Ancien scanner", "Dr Martin", FIRST + timedelta(hours=1), date(2027, 1, 31))


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
        first = number == 0
        store.record(
            run,
            moved,
            LETTERS[:2] if first else (),
            exposed if first else None,
            came=came() if first else None,
            told=told() if first else None,
        )
    store.notices.tell("cabinet", NoticeKind.WEEK, "", FIRST + timedelta(days=3), LETTERS[2:])
    for letter in (LETTERS[0], LETTERS[2]):
        store.outbox.sent(letter, FIRST + timedelta(days=3))
    store.decide("cabinet", decided("ftp-anonymous", 21))
    store.decide("cabinet", ended := decided("smb-guest-share", 445))
    store.reopen("cabinet", ended, "Dr Martin", FIRST + timedelta(days=1))
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
