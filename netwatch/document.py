"""What does one night look like to a machine? The JSON document `netwatch/1`, stable from here on.

`netwatch scan --format json` prints it, `netwatch schema` prints its JSON schema, and every report and
table is a view of it: there is one truth about a night. Times are UTC, ISO 8601 with a final Z. Fields
are added under this version, never renamed or removed. It holds no patient data, because no
observation can.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from netwatch.change import Before, ChangeKind, ComingKind  # noqa: TC001 - the schema is made of it
from netwatch.model import Exposure, Outcome, Reason, Severity, Status, Vantage
from netwatch.portset import PortSet

VERSION = "netwatch/1"


@dataclass(frozen=True, slots=True)
class RunPart:
    """The night. `complete`: everything that was to be asked was asked, and ended.

    `stopped`: why it ended early. `pace`: the limits it kept, with `override_by` and `override_reason` where
    they are above netwatch's own. `audit`: were questions asked that come close to a login?
    """

    id: str
    started: str
    finished: str
    complete: bool
    vantages: tuple[Vantage, ...]
    stopped: str | None = None
    pace: dict[str, str | int | float | None] = field(default_factory=dict)
    audit: bool = False


@dataclass(frozen=True, slots=True)
class LinkPart:
    """The inside service that answers behind a public port. `by`: what tells us: `mapping`, `certificate`,
    `host-key`, `dicom`, `smb-name`, `address`, ..."""

    device: str
    address: str
    port: int
    by: str


@dataclass(frozen=True, slots=True)
class AddressPart:
    """An address on the internet that is the practice's. `source`: who told it. `asked`: when its ports were
    last knocked at from outside, or null; `ports`: how many of them by now."""

    address: str
    source: str
    first_seen: str
    last_seen: str
    asked: str | None = None
    ports: int = 0


@dataclass(frozen=True, slots=True)
class DevicePart:
    """A device of the site; of kind `internet`, an address of the practice. `last_seen` before `run.started`:
    it did not answer tonight. `left_alone`: since when it is not touched: it fell silent under a check.
    `profile`: what it was recognised as, by whose word, and how old that is. `given`: how a person calls it,
    which is its first name too. `part_of`: the device of which this is another card."""

    id: str
    address: str
    mac: str | None
    vendor: str | None
    names: tuple[str, ...]
    kind: str
    maker: str | None
    model: str | None
    version: str | None
    first_seen: str
    last_seen: str
    left_alone: str | None = None
    profile: dict[str, str | int | bool | None] = field(default_factory=dict)
    given: str | None = None
    part_of: str | None = None

    @property
    def called(self) -> str | None:
        """A person's name for it, else the first that it goes by."""
        return self.given or next(iter(self.names), None)


@dataclass(frozen=True, slots=True)
class ServicePart:
    """An open port and what answers there. `protocol` is `unknown` or guessed from the port number
    where `facts.protocol_from` is `port` instead of `answer`."""

    device: str
    address: str
    port: int
    transport: str
    protocol: str
    vantage: Vantage
    facts: dict[str, str | int | bool | None]
    first_seen: str
    last_seen: str


@dataclass(frozen=True, slots=True)
class StatementPart:
    """What the box, a person, Shodan or InternetDB says; nobody of us has tried. `who`: `upnp`, `freebox`,
    `declared`, `shodan`, ... `about`: `forward`, `dmz`, `wan`, `listing`, `ipv6-firewall`, `upnp`, or the
    protocol that is reported. `port`: a public one, 0 where it is about none. `said_at`: its own date."""

    who: str
    vantage: Vantage
    about: str
    device: str
    address: str
    port: int
    transport: str
    facts: dict[str, str | int | bool | None]
    said_at: str
    first_seen: str


@dataclass(frozen=True, slots=True)
class AcceptedPart:
    """A person decided to live with it: who, when, why, and the last day on which that holds."""

    by: str
    at: str
    until: str
    reason: str


@dataclass(frozen=True, slots=True)
class FindingPart:
    """A rule that holds somewhere. `resolved` ones are listed once, in the run that proved it. `about`: the
    product and version that it rests on, and who says so, where it is about one. `port`: 0 where that was
    told over none, as to the whole network. `id`: what `netwatch accept` takes. `accepted`: it is lived with,
    today. `before`: it was there before, and proved gone."""

    rule: str
    severity: Severity
    device: str
    address: str
    port: int
    exposure: Exposure
    status: Status
    title: str
    first_seen: str
    last_seen: str
    transport: str = "tcp"
    vantage: Vantage = Vantage.LAN
    link: LinkPart | None = None
    about: dict[str, str | int | bool | None] = field(default_factory=dict)
    id: str = ""
    accepted: AcceptedPart | None = None
    before: Before | None = None


@dataclass(frozen=True, slots=True)
class ChangePart:
    """What moved since the night before. `previous` is the rule it came from, on the same ladder. `before`:
    it was there before, and proved gone."""

    kind: ChangeKind
    rule: str
    severity: Severity
    device: str
    address: str
    port: int
    title: str
    previous: str | None
    before: Before | None = None


@dataclass(frozen=True, slots=True)
class ComingPart:
    """A device that came or went since the night before. `quiet`: it is expected where it is, or back, or
    known from another site, and nobody is mailed. `nights`: of a new one, how many earlier nights had looked
    where it is; of one that is gone, how many looked for it in vain. `since`: the first of these;
    of one that is gone or back, when it was last seen."""

    kind: ComingKind
    device: str
    address: str
    quiet: bool
    nights: int
    since: str | None


@dataclass(frozen=True, slots=True)
class FailurePart:
    """A question without an answer."""

    probe: str
    vantage: Vantage
    device: str | None
    address: str
    port: int | None
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class CoveragePart:
    """What was asked, and how it ended. `ports` is a list such as `22,80,104-105`; `address` is a
    network in the rows of the probe `discovery`."""

    probe: str
    vantage: Vantage
    device: str | None
    address: str
    ports: str
    outcome: Outcome
    detail: str


@dataclass(frozen=True, slots=True)
class RoundPart:
    """A device's way through the ports outside the usual list: how many were looked at since it began."""

    device: str
    began: str
    ports: int


@dataclass(frozen=True, slots=True)
class UndeliveredPart:
    """An alert that has not arrived by now, of this night or an earlier one.

    `state`: `waiting`, `sending` (it may have arrived), `refused` or `given-up`.
    """

    recipient: str
    state: str
    created: str
    tries: int
    next_try: str | None


@dataclass(frozen=True, slots=True)
class Document:
    """One run of one site. `public`: the practice's addresses on the internet; `looked`: from each vantage,
    when it was last looked from there."""

    schema: Literal["netwatch/1"]
    site: str
    run: RunPart
    devices: tuple[DevicePart, ...]
    services: tuple[ServicePart, ...]
    findings: tuple[FindingPart, ...]
    changes: tuple[ChangePart, ...]
    failures: tuple[FailurePart, ...]
    coverage: tuple[CoveragePart, ...]
    rounds: tuple[RoundPart, ...] = ()
    public: tuple[AddressPart, ...] = ()
    statements: tuple[StatementPart, ...] = ()
    looked: dict[Vantage, str] = field(default_factory=dict)
    comings: tuple[ComingPart, ...] = ()
    undelivered: tuple[UndeliveredPart, ...] = ()

    def to_json(self, *parts: str) -> str:
        """The document as text, or some of its lists under their names and those of the site and the run."""
        whole = asdict(self)
        if parts:
            whole = {key: whole[key] for key in ("schema", "site", "run", *parts)}
        return json.dumps(whole, ensure_ascii=False, indent=2)


def schema() -> dict[str, Any]:
    """The JSON schema of the document."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - slow to import

    whole = TypeAdapter(Document).json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | whole | {"title": VERSION}


PARTS = tuple(one.name for one in fields(Document))


def port_list(ports: tuple[int, ...]) -> str:
    """`(22, 80, 104, 105)` as `22,80,104-105`."""
    return str(PortSet.of(ports))
