"""Is this machine able to do its nights? Looks at what a scan needs, and says what to do where it is not.

It sends nothing to the practice's devices: only the mail server of the site file and the server outside are
greeted, and logged in to where the file says so. Nothing is mailed, and nobody is asked from outside.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from netwatch import mail, notify
from netwatch.config import load, require_authorisation
from netwatch.errors import NetwatchError, OutsideError
from netwatch.kernel import may_send_raw
from netwatch.problem import sentence
from netwatch.store import Store
from netwatch.store.retention import size
from netwatch.tunnel import Tunnel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netwatch.config import Site
    from netwatch.internet import OutsideSettings, ShodanSettings
    from netwatch.readers import NotifySettings
    from netwatch.words import Messages

RELEASED = date(2026, 11, 1)  # no clock of a machine that runs this release can be before it
SOON = 30  # days before an authorisation ends


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `text` says what is, and what to do where it is not `ok`."""

    name: str
    state: Literal["ok", "warn", "fail"]
    text: str


def examine(folder: Path, site_file: Path | None, words: Messages) -> Iterator[Check]:
    """Every check, in the order in which they matter."""
    yield from _nmap(words)
    yield from _database(folder, words)
    yield from _clock(folder, words)
    if site_file is not None:
        yield from _site(site_file, words)


def _nmap(words: Messages) -> Iterator[Check]:
    path = shutil.which("nmap")
    if path is None:
        yield Check("nmap", "fail", words("doctor.nmap-missing"))
        return
    try:
        told = subprocess.run([path, "-V"], capture_output=True, text=True, timeout=10, check=False)
        version = told.stdout.splitlines()[0][:60] if told.stdout else ""
    except PermissionError:
        yield Check("nmap", "fail", words("doctor.nmap-refused", path=path))
        return
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        version = ""
    if not version.startswith("Nmap version"):
        yield Check("nmap", "fail", words("doctor.nmap-broken", path=path))
        return
    yield Check("nmap", "ok", f"{version.partition(' (')[0]}, {path}")
    if may_send_raw(Path(path)):
        yield Check("ARP", "ok", words("doctor.arp-ok"))
    else:
        yield Check("ARP", "warn", words("doctor.arp-refused", path=path))


def _database(folder: Path, words: Messages) -> Iterator[Check]:
    name = words("doctor.database")
    try:
        with Store(folder) as store:
            store.check_writable()
            yield Check(name, "ok", f"{store.path}, {words.size(size(store))}")
    except NetwatchError as error:
        yield Check(name, "fail", words(error.message, **error.details))


def _clock(folder: Path, words: Messages) -> Iterator[Check]:
    name, now = words("doctor.clock"), datetime.now(UTC)
    last = None
    try:
        with Store(folder) as store:
            last = store.last_finished()
    except NetwatchError:
        pass  # said by the check of the database
    if now.date() < RELEASED:
        yield Check(name, "fail", words("doctor.clock-behind", now=_moment(now, words)))
    elif last is not None and last > f"{now:%Y-%m-%dT%H:%M:%SZ}":
        yield Check(
            name,
            "fail",
            words(
                "doctor.clock-back",
                now=_moment(now, words),
                last=_moment(datetime.fromisoformat(last), words),
            ),
        )
    else:
        yield Check(name, "ok", _moment(now, words))


def _moment(moment: datetime, words: Messages) -> str:
    """In UTC, which is told by every clock's side."""
    return f"{words.day(moment)}, {moment:%H:%M} UTC"


def _site(path: Path, words: Messages) -> Iterator[Check]:
    name = words("doctor.site")
    try:
        site = load(path)
    except NetwatchError as error:
        yield Check(name, "fail", sentence(error, words))
        return
    yield Check(name, "ok", f"{site.name}, {words.count('doctor.addresses', site.addresses())}")
    yield _authorisation(site, words)
    yield _mail(site, words)
    if site.notify is not None:
        yield _notify(site.notify, words)
    if site.vantage.outside is not None:
        yield _outside(site.vantage.outside, words)
    if site.shodan is not None:
        yield _shodan(site.shodan, words)


def _outside(settings: OutsideSettings, words: Messages) -> Check:
    """The server that our connections leave from. Whether it stands outside is for the scan to prove."""
    name = words("doctor.outside")
    try:
        with Tunnel(settings) as tunnel:
            return Check(name, "ok", words("doctor.outside-answers", ssh=settings.ssh, address=tunnel.peer))
    except OutsideError as error:
        return Check(name, "fail", sentence(error, words))


def _shodan(settings: ShodanSettings, words: Messages) -> Check:
    """Is there a key? It is not tried: that is a request to them."""
    try:
        key = settings.key()
    except NetwatchError as error:
        return Check("Shodan", "fail", sentence(error, words))
    return Check("Shodan", "ok" if key else "fail", words("doctor.key" if key else "doctor.no-key"))


def _authorisation(site: Site, words: Messages) -> Check:
    name, today = words("doctor.authorisation"), datetime.now().astimezone().date()
    try:
        until = require_authorisation(site, today).until
    except NetwatchError as error:
        return Check(name, "fail", words(error.message, **error.details))
    left = (until - today).days
    text = words.count("doctor.until", left, until=until)
    return Check(name, "warn" if left < SOON else "ok", text)


def _notify(settings: NotifySettings, words: Messages) -> Check:
    """Can the list of channels be read, and is apprise there? No service is asked."""
    name = words("doctor.notify")
    try:
        names = ", ".join(channel.name for channel in notify.channels(settings))
    except NetwatchError as error:
        return Check(name, "fail", sentence(error, words))
    if importlib.util.find_spec("apprise") is None:
        return Check(name, "fail", words("notify.not-installed", name=names))
    return Check(name, "ok", words("doctor.channels", names=names))


def _mail(site: Site, words: Messages) -> Check:
    name = words("doctor.mail")
    if site.mail is None:
        return Check(name, "warn", words("mail.not-configured"))
    if not site.recipients:
        return Check(name, "warn", words("mail.no-recipient"))
    try:
        with mail.session(site.mail):
            return Check(name, "ok", words("doctor.mail-answers", host=site.mail.host, port=site.mail.port))
    except NetwatchError as error:
        return Check(name, "fail", words(error.message, **error.details))
