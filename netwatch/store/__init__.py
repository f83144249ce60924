"""Where is what was seen kept? One SQLite file, WAL, 0600, through sqlite-utils.

The only package that speaks SQL: dataclasses go in and come out. A run, what it changed and the alerts
it caused are written in one transaction: a run without its alerts, or an alert without its run, cannot
exist. Raises StoreError where the file cannot be used, or was written by a newer netwatch.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Self

from netwatch.decisions import State, day, shown
from netwatch.sayings import Saying, Sayings, ruled
from netwatch.store import (
    comings,
    decisions,
    exposures,
    internet,
    news,
    night,
    notices,
    outbox,
    reading,
    sayings,
    writing,
    years,
)
from netwatch.store.again import proved_gone
from netwatch.store.database import legible, opened, unusable
from netwatch.store.lock import held
from netwatch.store.news import Newsroom
from netwatch.store.notices import Notices
from netwatch.store.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator
    from pathlib import Path

    from sqlite_utils import Database

    from netwatch.change import Acquaintance, Came
    from netwatch.decisions import Decision
    from netwatch.diff import Night, Picture
    from netwatch.document import Document
    from netwatch.exposures import Added, Logged
    from netwatch.met import Met
    from netwatch.model import Coverage, Device, Finding, Observation, Run
    from netwatch.news import News
    from netwatch.post import Letter
    from netwatch.slices import Round
    from netwatch.words import Catalogue

FILE = "netwatch.db"


class Store:
    """The database of one machine: many sites, many nights."""

    def __init__(self, folder: Path) -> None:
        """Open it, make it where it is not there, bring it up to date."""
        self.folder = folder
        self.path = folder / FILE
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            self.path.chmod(0o600)  # one that was copied here may be open to all
            self._db = opened(self.path)
        except (OSError, sqlite3.Error) as error:
            raise unusable(self.path, error, "store.cannot-open") from error

    def __enter__(self) -> Self:
        """For `with`."""
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Close the file. Raises StoreError where it turned out that it cannot be read."""
        self._db.close()
        if isinstance(error, sqlite3.Error):
            raise unusable(self.path, error, "store.cannot-open") from error

    @contextmanager
    def lock(self, site: str, patience: float = 0.0) -> Iterator[None]:
        """No two scans, and no two deliveries, of one site at once. Raises StoreError."""
        with held(self.folder / f"{site}.lock", patience), legible(self.path, "store.cannot-open"):
            yield

    def remember(self, slug: str, name: str, language: str, file: str | None = None) -> None:
        """Know this site by its name, and by the site file that it was last read from."""
        with self._writing() as db:
            writing.site(db, slug, name, language, file)

    def file(self, slug: str) -> str | None:
        """The site file that this site was last read from."""
        row = next(self._db.query("select file from sites where slug = ?", [slug]), None)
        return str(row["file"]) if row and row["file"] else None

    def record(  # noqa: PLR0913 - what a night leaves
        self,
        run: Run,
        moved: Night,
        letters: Iterable[Letter],
        exposed: Added | None = None,
        *,
        again: Met | None = None,
        came: Came | None = None,
        told: News | None = None,
    ) -> None:
        """Keep a run and all that it leaves, whole or not at all."""
        with self._writing() as db:
            number = writing.run(db, run)
            writing.devices(db, run)
            writing.rounds(db, run)
            writing.services(db, run)
            writing.findings(db, run, moved)
            proved_gone(db, run, moved)
            writing.retire(db, run, moved.retired)
            internet.remember(db, run, run.public)
            internet.asked(db, run)
            if exposed is not None:
                exposures.add(db, run.site, exposed)
            if again is not None:
                sayings.end(db, run.site, again.ended, again.ended_by, run.started)
                sayings.add(db, run.site, again.said)
            decisions.follow(db, run, moved)
            writing.changes(db, number, moved)
            notices.over(db, run.site, complete=run.complete)
            if came is not None:
                comings.add(db, number, run, came)
            if told is not None:
                news.write(db, run.site, told.items, run.started if told.digest else None)
            outbox.add(db, number, letters)

    def picture(self, site: str) -> Picture:
        """What is known of this site before tonight."""
        return reading.picture(self._db, site)

    def acquaintance(self, site: str) -> Acquaintance:
        """Whom this site knows before tonight, and where they were looked for."""
        return comings.acquaintance(self._db, site, self.devices(site))

    def devices(self, site: str) -> tuple[Device, ...]:
        """Every device ever seen on this site, with what was said of it."""
        return ruled(reading.devices(self._db, site), self.said(site))

    def said(self, site: str) -> Sayings:
        """What was said of this site's devices, and holds."""
        return Sayings(sayings.told(self._db, site))

    def ever_said(self, site: str) -> tuple[Saying, ...]:
        """The same, with what holds no more; the first said first."""
        return sayings.told(self._db, site, ended=True)

    def say(self, site: str, said: Iterable[Saying]) -> None:
        """Say this of devices; said again, it changes nothing."""
        with self._writing() as db:
            sayings.add(db, site, said)

    def unsay(self, site: str, said: Iterable[Saying], by: str, now: datetime) -> None:
        """This holds no more; who ended it is kept."""
        with self._writing() as db:
            sayings.end(db, site, said, by, now)

    def part(self, site: str, said: Saying, apart: Saying) -> None:
        """A card that was taken for another device is one of its own again, and stays so."""
        with self._writing() as db:
            sayings.part(db, site, said)
            sayings.end(db, site, [said], apart.by, apart.at)
            sayings.add(db, site, [apart])

    def decisions(self, site: str) -> tuple[Decision, ...]:
        """All that a person ever decided to live with here, the first decided first."""
        return decisions.told(self._db, site)

    def decide(self, site: str, decision: Decision) -> None:
        """Keep this decision, in the place of the one before."""
        with self._writing() as db:
            decisions.add(db, site, decision)

    def reopen(self, site: str, decision: Decision, by: str, now: datetime) -> None:
        """This one holds no more; who took it back is kept."""
        with self._writing() as db:
            decisions.end(db, site, decision.place, State.REOPENED, by, now)

    def recalled(self, run: Run, moved: Night, known: Container[Finding]) -> Night:
        """What moved in a run that is not yet kept, with what is known of it: see decisions.recalled."""
        return decisions.recalled(self._db, run, moved, known)

    def rounds(self, site: str) -> dict[str, Round]:
        """How far each device's way through the whole range of ports has come."""
        return reading.rounds(self._db, site)

    def open_ports(self, site: str) -> dict[str, frozenset[int]]:
        """The ports that were open when last asked, by device."""
        return reading.open_ports(self._db, site)

    def clear_ports(self, site: str) -> dict[str, frozenset[int]]:
        """The ports that spoke DICOM in clear when last asked, by device."""
        return reading.clear_ports(self._db, site)

    def spoken(self, site: str) -> dict[str, dict[int, str]]:
        """What each port was last heard to speak, by device."""
        return reading.spoken(self._db, site)

    def public_addresses(self, site: str) -> tuple[str, ...]:
        """The practice's addresses on the internet, as far as they are known by now."""
        return tuple(address for address, _, _ in internet.addresses(self._db, site))

    def told_addresses(self, site: str) -> tuple[tuple[str, str, datetime], ...]:
        """The same, each with who told it last, and when."""
        return internet.addresses(self._db, site)

    def address_began(self, site: str, address: str) -> datetime | None:
        """Since when this address has been ours in the place of another; None where it was the first."""
        return internet.began(self._db, site, address)

    def asked_outside(self, site: str) -> tuple[Coverage, ...]:
        """What was knocked at from outside on earlier nights, and how it last ended; `detail` is when."""
        return internet.asked_before(self._db, site)

    def known(self, site: str) -> tuple[Observation, ...]:
        """What was seen last of everything that is not proved gone, from every vantage."""
        return reading.known(self._db, site)

    def exposures(self, site: str, *, only_open: bool = False) -> tuple[Logged, ...]:
        """The log of exposures, the first first; all of it with whom the first alert went to, and when."""
        log = exposures.log(self._db, site, only_open=only_open)  # every night: letters would add up
        return log if only_open else exposures.told(self._db, site, log)

    def declare(self, site: str, text: str) -> None:
        """What a person says that the box shows; what was said before stays."""
        with self._writing() as db:
            internet.declare(db, site, text, datetime.now(UTC))

    def declaration(self, site: str) -> str | None:
        """What was said last of the box, or None."""
        return internet.declaration(self._db, site)

    @property
    def newsroom(self) -> Newsroom:
        """What was told, and what waits to be told."""
        return Newsroom(self._db, self._writing)

    def release(self, site: str, device: str) -> None:
        """A person has decided: a device that was left alone is looked at again."""
        with self._writing() as db:
            writing.release(db, site, device)

    def document(
        self, site: str, catalogue: Catalogue, language: str, today: date | None = None
    ) -> Document | None:
        """The last run of this site, or None before the first; with what is accepted today."""
        told = night.document(self._db, site, catalogue, language)
        return shown(told, self.decisions(site), today or day(datetime.now(UTC))) if told else None

    def site(self, slug: str) -> tuple[str, str] | None:
        """(name, language) of a site that was scanned here, or None."""
        row = next(self._db.query("select name, language from sites where slug = ?", [slug]), None)
        return (row["name"], row["language"]) if row else None

    def sites(self) -> tuple[str, ...]:
        """The slugs of all sites; a desk, whose letters wait here too, is none."""
        return reading.slugs(self._db)

    def last_finished(self) -> str | None:
        """When the newest run of any site ended, or None."""
        return years.last(self._db)

    def check_writable(self) -> None:
        """Take and give back the right to write. Raises StoreError."""
        with self._writing() as db:
            db.execute("update sites set slug = slug where id = -1")

    @property
    def notices(self) -> Notices:
        """What is told of the watching itself."""
        return Notices(self._db, self._writing)

    @property
    def outbox(self) -> Outbox:
        """The letters: which wait, which have arrived."""
        return Outbox(self._db, self._writing)

    @contextmanager
    def _writing(self) -> Iterator[Database]:
        with legible(self.path, "store.cannot-write"):
            # At once: where we read first, and another site writes meanwhile, our night would be refused.
            self._db.execute("begin immediate")
            try:
                yield self._db
                self._db.commit()
            except BaseException:
                self._db.rollback()
                raise
