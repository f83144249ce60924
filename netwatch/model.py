"""What does netwatch talk about? The nouns, and nothing that does anything.

Facts, judgement and words are three things: an Observation says what was seen, without severity and
without language; a Finding says which rule holds where; the catalogue (words.py) holds severity and
sentences. This module imports nothing of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netwatch.slices import Round

# A fact is what JSON can hold: no bytes, no object, no patient.
Fact = str | int | bool | None
Facts = dict[str, Fact]

NAMES = "names"  # how a device is called: in coverage and failures
LIVENESS = "liveness"  # the engine's own question: does a guarded device still answer?


class Severity(StrEnum):
    """How bad a rule is, worst last."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info, 4 for critical."""
        return list(Severity).index(self)


class Vantage(StrEnum):
    """From where a fact was seen."""

    LAN = "lan"
    OUTSIDE = "outside"
    BOX = "box"
    DECLARED = "declared"
    SHODAN = "shodan"
    INTERNETDB = "internetdb"


class Exposure(StrEnum):
    """What is known about a service being reachable from the internet, least known first."""

    NOT_CHECKED = "not-checked"
    INSIDE_ONLY = "inside-only"
    REPORTED = "reported"
    FORWARDED = "forwarded"
    EXPOSED = "exposed"

    @property
    def rank(self) -> int:
        """The higher, the more is proved."""
        return list(Exposure).index(self)

    @property
    def near(self) -> int:
        """How near to the internet: not to have got in is no nearer than not to have looked from there."""
        return max(self.rank, Exposure.INSIDE_ONLY.rank)


class PortState(StrEnum):
    """What a port did when it was knocked at. Three different answers, and two silences."""

    OPEN = "open"
    CLOSED = "closed"
    FILTERED = "filtered"


class Reason(StrEnum):
    """Why a question has no answer."""

    TIMEOUT = "timeout"  # nothing came in time
    CLOSED = "closed"  # the peer ended the connection before it answered
    REFUSED = "refused"  # no connection
    LIMIT = "limit"  # the peer sent, or announced, more than we accept
    PROTOCOL = "protocol"  # the answer does not follow its own standard
    BUSY = "busy"  # the peer says: later
    MUTE = "mute"  # a port nobody vouched for did not react: it speaks something else
    SCOPE = "scope"  # egress said no
    CREDENTIALS = "credentials"  # the key, password or pairing is missing or not accepted
    UNPROVED = "unproved"  # nothing proves that we ask from outside, or that the address is the practice's
    NMAP_MISSING = "nmap-missing"
    NMAP_FAILED = "nmap-failed"  # died, was killed, or printed rubbish
    UNFINISHED = "unfinished"  # the scan was stopped before this was asked
    WINDOW = "window"  # the hours in which the site file lets us send were over
    FELL_SILENT = "fell-silent"  # a guarded device answered before it was asked, and not afterwards
    BUG = "bug"  # ours


class Outcome(StrEnum):
    """How something that was asked ended. Only `answered`, `open` and `closed` prove anything."""

    OPEN = "open"
    CLOSED = "closed"
    FILTERED = "filtered"
    ANSWERED = "answered"
    NO_ANSWER = "no-answer"
    TIMED_OUT = "timed-out"
    FAILED = "failed"
    EXCLUDED = "excluded"
    EXPLORED = "explored"  # a port that nobody vouches for did not answer as this: no news, and no proof
    NOT_ASKED = "not-asked"
    SPARED = "spared"  # not asked because of what the device is
    LEFT_ALONE = "left-alone"  # fell silent under a check, and a person has not yet decided


class Status(StrEnum):
    """Where a finding stands tonight."""

    OPEN = "open"
    UNVERIFIED = "unverified"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Device:
    """What stays the same when DHCP moves it. `id` is opaque; `address` is where it was last seen."""

    id: str
    address: str
    mac: str | None = None
    vendor: str | None = None
    names: tuple[str, ...] = ()
    kind: str = "unknown"
    maker: str | None = None
    model: str | None = None
    version: str | None = None
    left_alone: str | None = None  # since when, UTC: it fell silent, and a person has not yet decided
    profile: Facts = field(default_factory=dict, compare=False)  # what it was recognised as, and by what
    given: str | None = None  # how a person calls it
    given_kind: str | None = None  # what a person says it is
    part_of: str | None = None  # the device of which this is another card

    @property
    def called(self) -> str | None:
        """A person's name for it, else the first that it goes by."""
        return self.given or next(iter(self.names), None)


@dataclass(frozen=True, slots=True)
class Target:
    """A device to be asked about, and the TCP ports it left open to us.

    `clear`: those that spoke DICOM in clear before, where nothing else is ever tried. `spoken`: what a port
    has turned out to speak tonight; `before`: on an earlier night. `free`: the ports of which neither is
    known and nothing is suggested, on a device that may be asked whatever they speak.
    """

    device: str
    address: str
    open_ports: tuple[int, ...]
    vantage: Vantage = Vantage.LAN
    clear: frozenset[int] = frozenset()
    spoken: Mapping[int, str] = field(default_factory=dict)
    before: Mapping[int, str] = field(default_factory=dict)
    free: frozenset[int] = frozenset()

    def observed(
        self, probe: str, port: int, protocol: str, facts: Mapping[str, Fact], transport: str = "tcp"
    ) -> Observation:
        """An Observation of this target, dated now."""
        return Observation(
            probe=probe,
            vantage=self.vantage,
            device=self.device,
            address=self.address,
            port=port,
            protocol=protocol,
            facts=dict(facts),
            seen_at=datetime.now(UTC),
            transport=transport,
        )


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen: JSON-able, no severity, no language, no patient.

    `protocol` is the short word for what answered (dicom, http, ssh, ...), `unknown` where an answer
    came that we do not recognise. `proved` is false where only the port number suggests it.
    """

    probe: str
    vantage: Vantage
    device: str
    address: str
    port: int
    protocol: str
    facts: Facts
    seen_at: datetime
    transport: str = "tcp"
    proved: bool = True

    def finding(self, rule: str) -> Finding:
        """This rule holds here."""
        return Finding(
            rule=rule,
            device=self.device,
            port=self.port,
            transport=self.transport,
            probe=self.probe,
            address=self.address,
            vantage=self.vantage,
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """A question without an answer. `detail` is ours, in English, and never what a peer sent."""

    probe: str
    vantage: Vantage
    address: str
    port: int | None
    reason: Reason
    detail: str = ""
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was asked of whom, and how it ended. `address` is a network in the rows of `discovery`."""

    probe: str
    vantage: Vantage
    address: str
    device: str | None
    ports: tuple[int, ...]
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """Which inside service answers behind a public port. `by`: what tells us: `mapping`, `certificate`,
    `host-key`, `dicom`, `smb-name`, `address`."""

    device: str
    address: str
    port: int
    by: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Which rule holds where. Hashable: it *is* its identity. The address may move, the finding stays.
    `about`: what it rests on, where the rule alone does not say it: a product, its version, a date."""

    rule: str
    device: str
    port: int
    transport: str = "tcp"
    probe: str = field(default="", compare=False)
    address: str = field(default="", compare=False)
    vantage: Vantage = field(default=Vantage.LAN, compare=False)
    exposure: Exposure = field(default=Exposure.NOT_CHECKED, compare=False)
    link: Link | None = field(default=None, compare=False)
    about: Facts = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Run:
    """One night. `complete` is false when anything that was to be asked was not, or did not end. `stopped`:
    why it ended early, or None. `pace`: the limits it kept, and who allowed them where they are above ours.
    `rounds`: how far each device's way through the whole range has come. `audit`: were questions asked that
    come close to a login? `public`: the practice's addresses on the internet, each with who told it."""

    id: str
    site: str
    started: datetime
    finished: datetime
    complete: bool
    vantages: tuple[Vantage, ...]
    devices: tuple[Device, ...] = ()
    observations: tuple[Observation, ...] = ()
    failures: tuple[Failure, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    findings: frozenset[Finding] = frozenset()
    stopped: str | None = None
    pace: Mapping[str, str | int | float | None] = field(default_factory=dict)
    rounds: tuple[Round, ...] = ()
    audit: bool = False
    public: Mapping[str, str] = field(default_factory=dict)
