"""Who starts the nights where no scheduler does, as in a container? A loop that looks at the clock and waits.

It looks at the clock every half minute rather than sleep until an hour: a machine that slept, a clock that
was set, a site file that came or changed are noticed then. Each scan is a process of its own, one after the
other: what becomes of one is nothing to the next. Whether a night is due is for nights.py to say. Between the
nights each site's post is looked after once an hour, by a process of its own too (`netwatch tend`).
"""

from __future__ import annotations

import subprocess
import tempfile
import threading
from datetime import datetime, timedelta
from time import monotonic
from typing import IO, TYPE_CHECKING

from netwatch.config import load
from netwatch.errors import ConfigError
from netwatch.exits import Exit
from netwatch.problem import sentence
from netwatch.schedule import USUAL, hour, nights, one_line
from netwatch.schedule.nights import FOLDER, GOOD, Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date, time
    from pathlib import Path

    from netwatch.config import Site
    from netwatch.words import Messages

    Tell = Callable[[str, bool], None]  # a line, and whether it is a trouble

TICK = 30.0  # seconds between two looks at the clock
BEAT = ".loop.json"  # beside the nights; says that the loop lives, and what troubles it
STALE = timedelta(minutes=5)  # a loop that said nothing for so long is dead
HOURLY = timedelta(hours=1)
PATIENCE = 100.0  # seconds in which a scan that is stopped stores what it saw
A_WHILE = timedelta(minutes=15)  # for the post, which a mail server may hold up
LONGEST = 300  # characters of a reason


class Loop:
    """The nights of the site files of a folder, or of one site file."""

    def __init__(self, where: Path, data: Path, program: Path, words: Messages, tell: Tell) -> None:
        """`program`: the netwatch that scans; `words`: in which the lines are said."""
        self.where, self.data, self.program = where, data, program
        self.words, self.tell = words, tell
        self.at: time | None = None  # else each site's own
        self.not_before: date | None = None  # no clock that is right can be before
        self.now: Callable[[], datetime] = datetime.now  # by this machine's clock, as a window is
        self._stop = threading.Event()
        self._told: set[str] = set()
        self._tended: dict[str, datetime] = {}  # when each site's post was last looked after
        self._lost: dict[str, str] = {}  # what was wrong with it then
        self._once = False

    def stop(self, *_: object) -> None:
        """End, and end the scan that runs: what it saw is kept. For a signal's handler."""
        self._stop.set()

    def run(self) -> None:
        """Until somebody stops it."""
        while not self._stop.is_set():
            self.look()
            self._stop.wait(TICK)

    def look(self, *, once: bool = False) -> tuple[str, ...]:
        """Do what is due now. What is wrong, in sentences. `once`: nobody remembers what was told before."""
        troubles: list[str] = []
        self._once = once
        if self.not_before is not None and self.now().date() < self.not_before:
            troubles.append(self.words("schedule.clock", now=f"{self.now():%Y-%m-%d %H:%M}"))
        else:
            paths = self._site_files()
            troubles += [] if paths else [self.words("schedule.no-site-file", folder=self.where)]
            for path in paths:
                if not self._stop.is_set():
                    troubles += self._visit(path, troubles)
        for trouble in troubles:
            self._once_each(trouble)
        self._told &= set(troubles)
        self._beat(troubles)
        return tuple(troubles)

    def _site_files(self) -> list[Path]:
        """The site files, in the order of their names."""
        if not self.where.is_dir():
            return [self.where]
        return sorted(path for path in self.where.glob("*.toml") if not path.name.startswith("."))

    def _visit(self, path: Path, troubles: list[str]) -> Iterator[str]:
        """One site: its night, if it is due, and what is wrong."""
        try:
            site = load(path)
            at, _ = hour(site.window, self.at)
        except ConfigError as error:
            yield f"{path.name}: {one_line(sentence(error, self.words))}"
            return
        folder, now = self.data / FOLDER, self.now()
        kept = nights.recall(folder, site.slug, now)
        try:
            night = nights.due(at, site.window, kept, now)
            if night is not None:
                # Written before it begins: where nothing can be written, no night begins over and over.
                nights.remember(folder, site.slug, Kept(kept.since, night))
                kept = self._night(path, site, kept, night, troubles)
                self._tended[site.slug] = self.now()  # a scan ends with that
                self._lost.pop(site.slug, None)
            if night is not None or kept.since == now:  # not every half minute: a disk may sleep
                nights.remember(folder, site.slug, kept)
        except OSError as error:
            yield self.words("schedule.cannot-remember", site=site.slug, why=error.strerror)
            return
        tended = self._tended.get(site.slug)
        if night is None and (tended is None or abs(now - tended) >= HOURLY):
            self._tended[site.slug] = now
            self._lost[site.slug] = self._tend(path, site, troubles)
        if self._lost.get(site.slug):
            yield self._lost[site.slug]
        if kept.night is not None and (kept.code is None or kept.code not in GOOD):
            trouble = self.words(
                "schedule.trouble-failed", site=site.slug, night=kept.night, why=kept.why or "-"
            )
            if night is not None:
                self._told.add(trouble)  # in the night's own line
            yield trouble
        elif nights.late(at, kept, now):
            yield self.words("schedule.trouble-late", site=site.slug, at=f"{at:%H:%M}")

    def _night(self, path: Path, site: Site, before: Kept, night: date, troubles: list[str]) -> Kept:
        """Scan, and say in a line how it went. What we stopped before it stored anything is still due."""
        began = self.now()
        code, why = self._done("scan", path, troubles)
        stopped = self._stop.is_set() and code not in GOOD
        how = self.words(
            "schedule.ended-stopped" if stopped else f"schedule.ended-{code if code in GOOD else 'else'}",
            code=code,
        )
        if why and code and not stopped:
            how = f"{how}: {why}"
        self.tell(f"{began:%Y-%m-%d %H:%M}  {site.slug}: {how}", code not in GOOD)
        return before if stopped else Kept(before.since, night, code, why)

    def _tend(self, path: Path, site: Site, troubles: list[str]) -> str:
        """Have letters that wait handed over, and said what is due. What is wrong, or nothing."""
        code, why = self._done("tend", path, troubles, A_WHILE)
        if code in {Exit.CLEAN, Exit.BUSY} or self._stop.is_set():
            return ""
        return self.words("schedule.trouble-post", site=site.slug, why=why or f"{code}")

    def _done(
        self, verb: str, path: Path, troubles: list[str], longest: timedelta | None = None
    ) -> tuple[int, str]:
        """How a command about this site ended, and the last line that it said."""
        command = [str(self.program), verb, str(path), "--data", str(self.data)]
        try:
            with tempfile.TemporaryFile() as said:
                code = self._ended(command, said, troubles, longest)
                said.seek(0)
                lines = said.read().decode("utf-8", "replace").strip().splitlines()
        except OSError as error:
            code, lines = -1, [f"{self.program}: {error.strerror}"]
        return code, one_line(lines[-1])[:LONGEST] if lines else ""

    def _ended(
        self, command: list[str], said: IO[bytes], troubles: list[str], longest: timedelta | None
    ) -> int:
        """How it ended. It is stopped when we are, or when it takes too long."""
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said)
        latest = monotonic() + longest.total_seconds() if longest else None
        beaten = self.now()
        while (code := process.poll()) is None:
            if self._stop.wait(0.5) or (latest and monotonic() > latest):
                process.terminate()
                try:
                    return process.wait(PATIENCE)
                except subprocess.TimeoutExpired:
                    process.kill()
                    return process.wait()
            if abs(self.now() - beaten) > timedelta(seconds=TICK):
                beaten = self.now()
                self._beat(troubles)
        return code

    def _once_each(self, trouble: str) -> None:
        """Tell it, but not every half minute; where cron starts us each hour, in the hour of the night."""
        now = self.now()
        daytime = self._once and now - nights.last(self.at or USUAL, now) >= timedelta(hours=1)
        if trouble not in self._told and not daytime:
            self._told.add(trouble)
            self.tell(f"{now:%Y-%m-%d %H:%M}  {trouble}", True)  # noqa: FBT003 - it is one

    def _beat(self, troubles: list[str]) -> None:
        """Say that we live. A disk that is full says so by our silence."""
        if self._once:  # cron's, and gone in a moment
            return
        try:
            nights.write(self.data / FOLDER / BEAT, {"beat": self.now(), "troubles": troubles})
        except OSError:
            return


def health(data: Path, now: datetime) -> tuple[str, ...] | None:
    """What troubles the loop that works there: nothing where all is well; None where none lives."""
    told = nights.read(data / FOLDER / BEAT)
    try:
        beat = datetime.fromisoformat(told["beat"]).replace(tzinfo=None)
        troubles = tuple(one_line(str(trouble)) for trouble in told["troubles"])
    except (KeyError, ValueError, TypeError):
        return None
    return troubles if abs(now - beat) <= STALE else None
