"""What answers in the lab's clinic, and what is true of each server?

Real servers, each on a host of its own: Orthanc 1.10.1 and DCMTK 3.6.7, as Debian 12 packages them.
TRUTH was written down after asking them with DCMTK's tools; test_lab.py asks again each time. Comments
say where the answer was not the one expected. DCMTK is always started with `-dhl`: else it looks up
the name of every caller, and waits when no one answers.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.lab import canary, certificates
from tests.lab.net import DROP_ALL, GATEWAY, Host, Lab

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence
    from types import TracebackType

NETWORK = "10.77.0.0/24"

ORTHANC, OPEN_ORTHANC, CLOSED_ORTHANC = "10.77.0.10", "10.77.0.11", "10.77.0.12"
TITLES, STORE, TLS, MUTUAL_TLS, OPTIONAL_TLS = (f"10.77.0.{last}" for last in range(20, 25))
EMPTY, FIREWALLED, NOBODY = "10.77.0.30", "10.77.0.31", "10.77.0.99"


@dataclass(frozen=True, slots=True)
class Truth:
    """What holds at a port, in the words of the JSON document; None: does not apply, or nobody can know."""

    address: str
    port: int
    protocol: str
    association: str | None = None
    reject: str | None = None
    echo: str | None = None
    query: str | None = None
    store: str | None = None
    tls: bool | None = None
    client_certificate: str | None = None

    @property
    def facts(self) -> dict[str, str | bool]:
        """What the service's `facts` must say, and no more than that."""
        known = asdict(self).items()
        return {k: v for k, v in known if v is not None and k not in {"address", "port", "protocol"}}


TRUTH = (
    # As Orthanc comes: any title is welcome, C-ECHO is answered, C-FIND is offered in the association
    # and then met with A-ABORT instead of a status. Storing is open to everyone.
    Truth(
        ORTHANC,
        4242,
        "dicom",
        association="accepted",
        echo="answered",
        query="refused",
        store="negotiated",
        tls=False,
    ),
    # Remote access is off by default, yet the port is open to the network: 401, not a closed port.
    Truth(ORTHANC, 8042, "http"),
    Truth(
        OPEN_ORTHANC,
        104,
        "dicom",
        association="accepted",
        echo="answered",
        query="answered",
        store="negotiated",
        tls=False,
    ),
    Truth(OPEN_ORTHANC, 8042, "http"),
    # With find, store and echo all closed to strangers, Orthanc refuses the association itself, and
    # says that it does not know the caller. (Closing find and store only changes nothing but storing.)
    Truth(
        CLOSED_ORTHANC,
        4242,
        "dicom",
        association="rejected",
        reject="calling-ae-title-not-recognized",
        tls=False,
    ),
    Truth(CLOSED_ORTHANC, 8042, "http"),
    Truth(TITLES, 11112, "dicom", association="rejected", reject="called-ae-title-not-recognized", tls=False),
    Truth(
        STORE,
        104,
        "dicom",
        association="accepted",
        echo="answered",
        query="not-offered",
        store="negotiated",
        tls=False,
    ),
    Truth(
        TLS,
        2762,
        "dicom",
        association="accepted",
        echo="answered",
        query="not-offered",
        store="negotiated",
        tls=True,
        client_certificate="not-asked",
    ),
    # Without a certificate nothing can be said about what lies behind. In TLS 1.3 the handshake ends
    # well for the client all the same; the refusal comes with the first read.
    Truth(MUTUAL_TLS, 2762, "dicom", tls=True, client_certificate="required"),
    # Asks for a certificate, and takes a caller who has none.
    Truth(
        OPTIONAL_TLS,
        2762,
        "dicom",
        association="accepted",
        echo="answered",
        query="not-offered",
        store="negotiated",
        tls=True,
        client_certificate="optional",
    ),
)


class Clinic:
    """The clinic, running for as long as the context lasts."""

    network = NETWORK
    truth = TRUTH

    def __init__(self, lab: Lab | None = None) -> None:
        self.lab = lab or Lab()
        self.pair: certificates.Certificate
        self.canary: Path

    def __enter__(self) -> Self:
        """All servers listen, and the open Orthanc holds one invented study."""
        self.lab.__enter__()
        try:
            self.pair = certificates.make(self.lab.scratch, "cabinet")
            self._orthancs()
            self._dcmtk()
            self._silence()
            self._store_canary()
        except BaseException:
            self.lab.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left."""
        self.lab.__exit__(kind, error, trace)

    def host(self, address: str) -> Host:
        """The host at an address: to stop it, unplug it, or start something on it."""
        return next(host for host in self.lab.hosts.values() if host.address == address)

    def run(self, arguments: Sequence[str], **options: object) -> subprocess.CompletedProcess[str]:
        """Run the installed command, `netwatch ARGUMENTS`, in the scanner's place on this network."""
        command = Path(sys.executable).with_name("netwatch")
        return self.lab.run([str(command), *arguments], **options)

    def ask(
        self, tool: str, address: str, port: int, *options: str, file: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Ask with a tool of DCMTK, in netwatch's name, from the scanner's place; `file`: what to send."""
        argv = [f"/usr/bin/{tool}", "-v", "-aet", "NETWATCH", "-to", "10", *options, address, str(port)]
        return self.lab.run(argv + ([self.lab.inside(file)] if file else []), root=True)

    def site_file(self, path: Path, **changes: object) -> Path:
        """A site file for this network; `changes` replace or add top-level keys."""
        site = {
            "name": "Cabinet du laboratoire",
            "networks": [NETWORK],
            "language": "en",
            "sweep": {"whole_range_nights": 0},
            "authorisation": {
                "by": "Dr Laboratoire",
                "role": "titulaire",
                "until": (datetime.now(UTC) + timedelta(days=30)).date(),
            },
        }
        path.write_text(toml(site | changes), encoding="utf-8")
        return path

    def _plug(self, name: str, address: str) -> Host:
        """A host whose MAC address ends like its address."""
        last = int(address.rpartition(".")[2])
        return self.lab.host(name, address, f"02:77:00:00:00:{last:02x}", gateway=GATEWAY)

    def _orthancs(self) -> None:
        """Three of them, from what the package does by itself to what its manual advises."""
        closed = {f"DicomAlwaysAllow{what}": False for what in ("Echo", "Find", "Get", "Move", "Store")}
        for name, address, settings in (
            ("orthanc", ORTHANC, {}),
            (
                "orthanc-open",
                OPEN_ORTHANC,
                {
                    "DicomPort": 104,
                    "DicomAlwaysAllowFind": True,
                    "RemoteAccessAllowed": True,
                    "AuthenticationEnabled": False,
                },
            ),
            (
                "orthanc-user",
                CLOSED_ORTHANC,
                closed
                | {
                    "RemoteAccessAllowed": True,
                    "AuthenticationEnabled": True,
                    "RegisteredUsers": {"cabinet": "not-a-secret"},
                },
            ),
        ):
            self._orthanc(self._plug(name, address), settings)

    def _orthanc(self, host: Host, settings: Mapping[str, object]) -> None:
        """Its web port opens last."""
        folder = self.lab.scratch / host.name
        folder.mkdir()
        database = self.lab.inside(folder)
        file = folder / "orthanc.json"
        file.write_text(
            json.dumps({"StorageDirectory": database, "IndexDirectory": database, **settings}),
            encoding="utf-8",
        )
        host.start(["/usr/sbin/Orthanc", self.lab.inside(file)], ready_port=8042)

    def _dcmtk(self) -> None:
        """An archive that wants to be called by its name, and four receivers of images."""
        archive = self.lab.scratch / "archive"
        archive.mkdir()
        table = archive / "dcmqrscp.cfg"
        table.write_text(ARCHIVE.format(folder=self.lab.inside(archive)), encoding="utf-8")
        self._plug("dcmqrscp", TITLES).start(
            ["/usr/bin/dcmqrscp", "-dhl", "-c", self.lab.inside(table)], ready_port=11112
        )
        receiver = ["/usr/bin/storescp", "-dhl", "--ignore"]
        self._plug("storescp", STORE).start([*receiver, "104"], ready_port=104)
        key, certificate = (self.lab.inside(path) for path in (self.pair.key, self.pair.certificate))
        for name, address, peers in (
            ("storescp-tls", TLS, "--ignore-peer-cert"),
            ("storescp-mutual", MUTUAL_TLS, "--require-peer-cert"),
            ("storescp-ask", OPTIONAL_TLS, "--verify-peer-cert"),
        ):
            tls = ["+tls", key, certificate, "+cf", certificate, peers]
            self._plug(name, address).start([*receiver, *tls, "2762"], ready_port=2762)

    def _silence(self) -> None:
        """Hosts on which nothing listens; one of them answers nothing at all, not even ping."""
        self._plug("empty", EMPTY)
        self._plug("firewalled", FIREWALLED).firewall(DROP_ALL)

    def _store_canary(self) -> None:
        """One invented study, whose name must never be seen again."""
        self.canary = self.lab.scratch / "canary.dcm"
        canary.write(self.canary)
        done = self.ask("storescu", OPEN_ORTHANC, 104, file=self.canary)
        if done.returncode:
            raise RuntimeError(done.stderr + done.stdout)


ARCHIVE = """\
NetworkTCPPort = 11112
MaxPDUSize = 16384
MaxAssociations = 16
HostTable BEGIN
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
CABINET {folder} RW (10, 1024mb) ANY
AETable END
"""


def toml(table: Mapping[str, object], prefix: str = "") -> str:
    """Enough TOML for a site file: values first, then tables, however deep."""
    values = [f"{key} = {_value(value)}\n" for key, value in table.items() if not isinstance(value, dict)]
    tables = [
        f"\n[{prefix}{key}]\n{toml(value, f'{prefix}{key}.')}"
        for key, value in table.items()
        if isinstance(value, dict)
    ]
    return "".join(values + tables)


def _value(value: object) -> str:
    """JSON writes strings, numbers, booleans and lists as TOML does; dates are bare."""
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)
