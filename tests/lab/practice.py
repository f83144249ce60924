"""The whole story on one machine: a practice whose box lets four strangers' doors in, made in three ways.

The imaging server and the storage box asked for a forward by UPnP; somebody set one to the reception's remote
desktop on the box's pages; and the web server is the DMZ. Real servers, all of them. What else they offer is
seen from inside only.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from tests.lab import canary, data_doors, device_doors, doors
from tests.lab.clinic import NETWORK, toml
from tests.lab.internet import Internet
from tests.lab.net import GATEWAY

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from tests.lab.net import Host

PACS, RECEPTION, WEB, NAS = (f"10.77.0.{last}" for last in range(20, 24))


@dataclass(frozen=True, slots=True)
class Door:
    """A port of the practice that the internet reaches. `way`: who made it."""

    external: int
    address: str
    port: int
    way: Literal["upnp", "static", "dmz"]
    protocol: str


DOORS = (
    Door(11112, PACS, 11112, "upnp", "dicom"),
    Door(2222, NAS, 22, "upnp", "ssh"),
    Door(13389, RECEPTION, 3389, "static", "rdp"),
    Door(443, WEB, 443, "dmz", "http"),
)
# What is open in the practice and closed to the internet.
INSIDE = ((PACS, 8042), (NAS, 445), (RECEPTION, 445))


def pacs(host: Host) -> None:
    """Orthanc; whoever asks is answered."""
    folder = host.lab.scratch / host.name
    folder.mkdir()
    here = host.lab.inside(folder)
    settings = {
        "StorageDirectory": here,
        "IndexDirectory": here,
        "DicomPort": 11112,
        "DicomAlwaysAllowFind": True,
        "RemoteAccessAllowed": True,
        "AuthenticationEnabled": False,
    }
    file = folder / "orthanc.json"
    file.write_text(json.dumps(settings), encoding="utf-8")
    host.start(["/usr/sbin/Orthanc", host.lab.inside(file)], ready_port=8042)


def reception(host: Host) -> None:
    """A PC with remote desktop and shares."""
    doors.xrdp(host)
    data_doors.samba(host)


def web(host: Host) -> None:
    """A page to make appointments, with a certificate that nobody signed."""
    device_doors.web(host, 443, tls="modern")


def nas(host: Host) -> None:
    """A storage box: shares, and a shell for its maker's support."""
    doors.dropbear(host)
    data_doors.samba(host)


HOSTS: dict[str, tuple[str, Callable[[Host], None]]] = {
    "pacs": (PACS, pacs),
    "reception": (RECEPTION, reception),
    "web": (WEB, web),
    "nas": (NAS, nas),
}


class Practice:
    """It is open, as long as the context lasts. `internet`: to change what is around it."""

    doors = DOORS
    inside = INSIDE

    def __init__(self) -> None:
        self.internet = Internet()
        self.lab = self.internet.lab
        self.hosts: dict[str, Host] = {}

    def __enter__(self) -> Self:
        """Every server listens, the four doors are open, and the imaging server holds one invented study."""
        self.internet.__enter__()
        try:
            for name, (address, _) in HOSTS.items():
                self.hosts[name] = self.internet.plug(name, int(address.rpartition(".")[2]))
            with ThreadPoolExecutor(len(HOSTS)) as pool:
                for begun in [pool.submit(start, self.hosts[name]) for name, (_, start) in HOSTS.items()]:
                    begun.result()
            self._open_doors()
            self._store_canary()
        except BaseException:
            self.lab.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left."""
        self.internet.__exit__(kind, error, trace)

    def host(self, address: str) -> Host:
        """The host at an address: to stop it, unplug it, or start something on it."""
        return next(host for host in self.hosts.values() if host.address == address)

    def run(self, arguments: Sequence[str], **options: object) -> subprocess.CompletedProcess[str]:
        """Run the installed command, `netwatch ARGUMENTS`, in the scanner's place in the practice."""
        command = Path(sys.executable).with_name("netwatch")
        return self.lab.run([str(command), *arguments], **options)

    def site_file(self, path: Path, **changes: object) -> Path:
        """A site file for it, with the vantage outside; `changes` replace or add top-level keys."""
        site = {
            "name": "Cabinet de l'internet",
            "networks": [NETWORK],
            "gateway": GATEWAY,
            "public_addresses": [self.internet.public],
            "language": "en",
            "sweep": {"whole_range_nights": 0, "extra_ports": [door.external for door in self.doors]},
            "authorisation": {
                "by": "Dr Laboratoire",
                "role": "titulaire",
                "until": (datetime.now(UTC) + timedelta(days=30)).date(),
            },
            "vantage": {"outside": self.internet.vantage.settings},
        }
        path.write_text(toml(site | changes), encoding="utf-8")
        return path

    def _open_doors(self) -> None:
        """Four doors, three ways. RuntimeError where the box refuses one."""
        self.internet.miniupnpd()
        for door in self.doors:
            if door.way == "static":
                self.internet.forward(door.external, door.address, door.port)
            elif door.way == "dmz":
                self.internet.dmz(door.address)
            elif code := self.internet.ask_for(
                self.host(door.address), door.external, door.port, name=door.protocol
            ):
                reason = f"the box refuses {door} with {code}"
                raise RuntimeError(reason)

    def _store_canary(self) -> None:
        """One invented study, whose name must never be seen again."""
        file = self.lab.scratch / "canary.dcm"
        canary.write(file)
        argv = ["/usr/bin/storescu", "-aet", "NETWATCH", "-to", "10", PACS, "11112", self.lab.inside(file)]
        done = self.lab.run(argv, root=True)
        if done.returncode:
            raise RuntimeError(done.stderr + done.stdout)
