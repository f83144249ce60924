"""A practice with many doors: what stands in its street, and what is true of each of them?

Computers with remote desktops, shares, databases and pages, a printer, a camera, a telephone exchange: the
real servers of doors.py, data_doors.py and device_doors.py, each on a host of its own, some of them moved to
ports where nobody expects them.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.lab import data_doors, device_doors, doors
from tests.lab.clinic import NETWORK, toml
from tests.lab.net import GATEWAY, Lab

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from tests.lab.net import Host

RECEPTION, SERVER, NAS, LINUX, PRINTER, CAMERA, MODALITY = (f"10.77.0.{last}" for last in range(60, 67))
MOVED_RDP, MOVED_REDIS, MOVED_WEB = 13389, 16379, 18090
COMPUTERS = (RECEPTION, SERVER, NAS, LINUX)


def reception(host: Host) -> None:
    """A reception's PC: desktop sharing without a password, an old remote desktop that was moved, SMB1."""
    doors.vnc(host)
    doors.xrdp(host, MOVED_RDP, security="negotiate")
    data_doors.samba(host, oldest="NT1", guest=True)


def server(host: Host) -> None:
    """A server that is looked after: NLA, SMB3 with signing, databases with passwords."""
    doors.shadow(host, security="nla")
    data_doors.samba(host, oldest="SMB3", signing="mandatory")
    data_doors.postgresql(host)
    data_doors.mariadb(host, password="not-a-secret")
    data_doors.redis(host, password="not-a-secret")


def nas(host: Host) -> None:
    """A storage box: pages, backups, exports, old shells."""
    data_doors.samba(host)
    device_doors.web(host, 80)
    device_doors.web(host, 443, tls="modern")
    data_doors.rsync(host)
    data_doors.nfs(host)
    doors.telnet(host)
    data_doors.ftp(host)


def linux(host: Host) -> None:
    """A Linux machine of somebody's cousin: everything is open, and nothing where one would look."""
    doors.openssh(host)
    data_doors.redis(host, MOVED_REDIS)
    data_doors.memcached(host)
    device_doors.web(host, MOVED_WEB)


def modality(host: Host) -> None:
    """An imaging console with doors of its own: nobody may ask at them."""
    doors.vnc(host)
    doors.openssh(host)


STREET: dict[str, tuple[str, Callable[[Host], None]]] = {
    "reception": (RECEPTION, reception),
    "server": (SERVER, server),
    "nas": (NAS, nas),
    "linux": (LINUX, linux),
    "printer": (PRINTER, device_doors.printer),
    "camera": (CAMERA, device_doors.rtsp),
    "modality": (MODALITY, modality),
}


class Street:
    """The street, open for as long as the context lasts."""

    def __init__(self) -> None:
        self.lab = Lab()
        self.hosts: dict[str, Host] = {}

    def __enter__(self) -> Self:
        """Every server listens. They are started side by side."""
        self.lab.__enter__()
        try:
            for name, (address, _) in STREET.items():
                last = int(address.rpartition(".")[2])
                self.hosts[name] = self.lab.host(name, address, f"02:77:00:00:00:{last:02x}", gateway=GATEWAY)
            with ThreadPoolExecutor(len(STREET)) as pool:
                for begun in [pool.submit(start, self.hosts[name]) for name, (_, start) in STREET.items()]:
                    begun.result()
        except BaseException:
            self.lab.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left."""
        self.lab.__exit__(kind, error, trace)

    def run(self, arguments: Sequence[str], **options: object) -> subprocess.CompletedProcess[str]:
        """Run the installed command, `netwatch ARGUMENTS`, in the scanner's place on this network."""
        command = Path(sys.executable).with_name("netwatch")
        return self.lab.run([str(command), *arguments], **options)

    def site_file(self, path: Path, **changes: object) -> Path:
        """A site file for the street. The modality is declared: nothing that it says would tell."""
        site = {
            "name": "Cabinet de la rue",
            "networks": [NETWORK],
            "language": "en",
            "sweep": {"whole_range_nights": 0, "extra_ports": [MOVED_RDP, MOVED_REDIS, MOVED_WEB]},
            "classes": {"medical": [MODALITY], "other": [CAMERA]},
            "authorisation": {
                "by": "Dr Laboratoire",
                "role": "titulaire",
                "until": (datetime.now(UTC) + timedelta(days=30)).date(),
                "audit": True,
            },
        }
        path.write_text(toml(site | changes), encoding="utf-8")
        return path
