"""What does netwatch do? Two nights of a small clinic on loopback addresses: `python -m tests.lab.demo`.

The same code path as a real scan: the installed command, nmap, a real SMTP server. No root, no network,
and nothing is left running. Night 1 sees an open PACS; before night 2 a second PACS starts to answer.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.lab import pc
from tests.lab.peers import Peer
from tests.lab.postoffice import office
from tests.lab.scps import Scp, accept, scp

ORTHANC = accept(version="OFFIS_DCMTK_367", implementation="1.2.276.0.7230010.3.0.3.6.7")
OPEN, TITLES, REFUSES, SECOND, PC, PRINTER, MAIL = (f"127.77.1.{n}" for n in (10, 11, 12, 13, 20, 30, 2))
SMTP_PORT = 2525

SITE = """\
# The example clinic. Every address of 127.0.0.0/8 answers, so its devices are named one by one.
name = "Cabinet Exemple"
language = "{language}"
networks = [{networks}]
recipients = ["dr.exemple@cabinet.example"]

[sweep]
whole_range_nights = 0   # so that a demonstration ends; 14 is usual

[authorisation]
by = "Dr Exemple"
role = "titulaire"
until = {until}

[mail]
host = "{mail}"
port = {port}
security = "none"
sender = "netwatch@cabinet.example"
"""


def site_file(folder: Path, language: str) -> Path:
    """The clinic's site file."""
    path = folder / "cabinet-exemple.toml"
    networks = ", ".join(f'"{address}"' for address in (OPEN, TITLES, REFUSES, SECOND, PC, PRINTER))
    until = (datetime.now(UTC) + timedelta(days=365)).date()
    path.write_text(
        SITE.format(language=language, networks=networks, until=until, mail=MAIL, port=SMTP_PORT),
        encoding="utf-8",
    )
    return path


def heading(text: str) -> None:
    """A line that stands out."""
    print(f"\n\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def netwatch(*arguments: str | Path) -> None:
    """Run the installed command as a user would. Exits where it fails."""
    command = [str(Path(sys.executable).with_name("netwatch")), *map(str, arguments)]
    print("$ netwatch " + " ".join(map(str, arguments)), flush=True)
    code = subprocess.run(command, check=False).returncode
    if code not in {0, 4}:
        sys.exit(f"netwatch ended with {code}")


def clinic(stack: ExitStack) -> Peer:
    """Start the devices of night 1; the printer comes back, to ask what it was sent."""
    stack.enter_context(scp(Scp(associate=ORTHANC), OPEN, 11112))
    stack.enter_context(scp("titles", TITLES, 11112))
    stack.enter_context(scp("refuses_queries", REFUSES, 4242))
    stack.enter_context(Peer(pc.remote_desktop, PC, 3389))
    stack.enter_context(Peer(pc.open_screen, PC, 5900))
    return stack.enter_context(scp("printer", PRINTER, 9100))


def main() -> None:
    """Two nights."""
    words = argparse.ArgumentParser(prog="python -m tests.lab.demo", description=__doc__)
    words.add_argument("--lang", choices=["en", "fr"], default="en")
    words.add_argument("--folder", type=Path, default=Path(".demo"))
    given = words.parse_args()
    shutil.rmtree(given.folder, ignore_errors=True)
    given.folder.mkdir(parents=True)
    site, data = site_file(given.folder, given.lang), given.folder / "data"
    started = time.monotonic()
    with ExitStack() as stack:
        box = stack.enter_context(office(host=MAIL, port=SMTP_PORT))
        printer = clinic(stack)
        heading("Before anything is sent: the plan")
        netwatch("plan", site, "--data", data)
        heading("Night 1: an open PACS, two that refuse, a PC whose screen is open, a printer")
        netwatch("scan", site, "--data", data)
        stack.enter_context(scp(Scp(associate=ORTHANC), SECOND, 11112))
        heading("Night 2: a second PACS starts to answer")
        netwatch("scan", site, "--data", data)
        netwatch("diff", site, "--data", data)
        pages = printer.received
    heading("The mail of night 2, as the mail server received it")
    last = box.mails[-1]
    for header in ("From", "To", "Subject", "Date", "Message-ID"):
        print(f"{header}: {last[header]}")
    body = last.get_body(("plain",))
    print(f"\n{body.get_content() if body else ''}")
    heading("The report")
    report = given.folder / "report.html"
    netwatch("report", site, "--data", data, "--output", report)
    seconds = time.monotonic() - started
    print(
        f"\n{len(box.mails)} mails for 2 nights; the printer received {pages} bytes;"
        f" nothing left running; {seconds:.0f} s."
    )
    print(f"Report: {report.resolve()}")


if __name__ == "__main__":
    main()
