"""What do plain tools tell a host of the lab: a page, the box's list by UPnP, the box's own address?"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from tests.lab.homebox import DESCRIPTION
from tests.lab.knocks import ROOT

if TYPE_CHECKING:
    from tests.lab.internet import Internet
    from tests.lab.net import Host

LISTED = re.compile(r"^ *\d+ (TCP|UDP) +(\d+)->([\d.]+):(\d+) .* (\d+)$", re.MULTILINE)


def serve(host: Host, port: int) -> None:
    """A page on this port, which says who called."""
    host.start(
        [sys.executable, "-m", "tests.lab.echo", str(port)],
        root=False,
        env={"PYTHONPATH": str(ROOT)},
        ready_port=port,
    )


def page(internet: Internet, name: str, last: int, port: int) -> Host:
    """A host of the practice with a page on this port, which says who called."""
    host = internet.plug(name, last)
    serve(host, port)
    return host


def fetched(host: Host, url: str) -> str:
    """What a page says; nothing where it does not answer."""
    return host.run(["curl", "--silent", "--max-time", "1", url]).stdout.strip()


def listed(host: Host) -> dict[int, tuple[str, int, int]]:
    """The box's list, as a UPnP client in the practice gets it: by external port, host, port and seconds."""
    told = host.run(["/usr/bin/upnpc", "-u", DESCRIPTION, "-l"], root=True).stdout
    return {int(port): (to, int(at), int(left)) for _, port, to, at, left in LISTED.findall(told)}


def external(host: Host) -> str | None:
    """The box's address on the line, as it says it by UPnP."""
    told = host.run(["/usr/bin/upnpc", "-u", DESCRIPTION, "-s"], root=True).stdout
    found = re.search(r"^ExternalIPAddress = (\S+)$", told, re.MULTILINE)
    return found[1] if found else None
