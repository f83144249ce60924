"""Which practice, what may be touched, who allowed it? The site file: TOML 1.0, validated by pydantic.

Every error names its key as the user wrote it and says what is right (problem.py). No password is ever
in a site file, nor in what we print about one. Where it stops: the options of probes are checked by the
probes.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations
from pathlib import Path  # noqa: TC003 - as above
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from annotated_types import Ge, Le, MinLen
from pydantic import Field, Strict, ValidationError, field_validator, model_validator

from netwatch.errors import ConfigError, ScopeError
from netwatch.forms import (
    Credential,
    Day,
    Flag,
    Gateway,
    Host,
    Hours,
    Mailbox,
    OwnIpv6,
    OwnNetwork,
    Phrase,
    Port,
    Public,
    Range,
    SecretFile,
    Slug,
    Variable,
    slugify,
    wrong,
)
from netwatch.internet import (
    AddressSettings,
    BoxSettings,
    InternetdbSettings,
    ShodanSettings,
    VantageSettings,
)
from netwatch.problem import problems, secretive, sentence
from netwatch.ranges import Ranges, check
from netwatch.readers import AnyRecipient, MailsSettings, NotifySettings, PingSettings, Recipient, once_each
from netwatch.secret import secret
from netwatch.settings import (
    MOST_ADDRESSES,
    ClassSettings,
    Exclusions,
    KeepSettings,
    PaceSettings,
    SweepSettings,
    Table,
)

if TYPE_CHECKING:
    from datetime import date
    from ipaddress import IPv4Network

__all__ = [
    "Authorisation",
    "MailSettings",
    "Site",
    "load",
    "problems",
    "require_authorisation",
    "sentence",
]

LARGEST_FILE = 1_000_000  # bytes
Shape = TypeVar("Shape", bound=Table)
MAIL_PORTS = {"starttls": 587, "tls": 465, "none": 25}


class Authorisation(Table):
    """Who allowed the scan. Article 323-1 of the Code pénal is about everybody else."""

    by: Phrase = Field(description="Who allowed the scan", examples=['"Dr Martin"'])
    role: Phrase = Field(description="In which capacity", examples=['"titulaire du cabinet"'])
    until: Day = Field(description="The last day on which a scan may start", examples=["2027-01-31"])
    audit: Flag = Field(
        default=False, description="Does it cover questions that come close to a login (scan --audit)?"
    )


class MailSettings(Table):
    """How alerts leave. The password is looked for when it is needed, and is no part of this."""

    host: Host = Field(description="The mail server", examples=['"smtp.example.org"'])
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the talk is encrypted"
    )
    port: Port = Field(default=587, description="465 where security is tls, 25 where it is none")
    user: Phrase | None = Field(default=None, description="The account that sends")
    sender: Mailbox | None = Field(default=None, description="The From address, where it is not the user")
    password_env: Variable | None = Field(
        default="NETWATCH_MAIL_PASSWORD", description="The environment variable that holds the password"
    )
    credential: Credential | None = Field(
        default=None, description="Else, the systemd credential that holds it"
    )
    password_file: SecretFile | None = Field(
        default=None, description="Else, the file that holds it, readable by its owner only"
    )

    @model_validator(mode="before")
    @classmethod
    def _usual_port(cls, data: Any) -> Any:  # noqa: ANN401 - whatever was written
        if isinstance(data, dict) and "port" not in data and str(data.get("security")) in MAIL_PORTS:
            return data | {"port": MAIL_PORTS[str(data["security"])]}
        return data

    def password(self) -> str | None:
        """From the environment, a systemd credential or a private file, in this order; None without any.

        Raises ConfigError where one is named and cannot be had.
        """
        return secret(self.password_env, self.credential, self.password_file)


class Site(Table):
    """One practice."""

    name: Phrase = Field(
        description="The practice's name, as mails and reports say it", examples=['"Cabinet Martin"']
    )
    slug: Slug = Field(default="", description="Its name in the database and in commands; made from the name")
    language: Literal["en", "fr"] = Field(default="en", description="The language of mails and reports")
    networks: Annotated[tuple[OwnNetwork, ...], MinLen(1)] = Field(
        description="What is scanned: private networks, or single addresses", examples=['["192.168.1.0/24"]']
    )
    gateway: Gateway | None = Field(default=None, description="The internet box, seen from inside")
    public_addresses: tuple[Public, ...] = Field(
        default=(), description="The practice's addresses on the internet, where they never change"
    )
    public_ports: Range | None = Field(
        default=None,
        description="Where four practices share one address: the ports that are ours",
        examples=['"16384-32767"'],
    )
    ipv6_networks: tuple[OwnIpv6, ...] = Field(
        default=(),
        description="Our IPv6 networks: devices' addresses there are listed, and asked from outside",
        examples=['["2a01:e0a:1:2::/64"]'],
    )
    recipients: tuple[AnyRecipient, ...] = Field(
        default=(), description="Who is told by mail: addresses, or tables with address, language and role"
    )
    authorisation: Authorisation | None = Field(default=None, description="Without it, or past it, no scan")
    mail: MailSettings | None = Field(default=None, description="Without it, no mail")
    mails: MailsSettings = Field(default=MailsSettings(), description="What is mailed, and when")
    ping: PingSettings | None = Field(
        default=None, description="Who else is told that a scan has run, and misses it when none did"
    )
    notify: NotifySettings | None = Field(
        default=None, description="A second way for alerts: short messages, through apprise"
    )
    exclude: Exclusions = Field(default=Exclusions(), description="What is never touched")
    ranges: Ranges = Field(default=(), description="Parts of the networks, and whose coming is no news there")
    gone_nights: Annotated[int, Strict(), Ge(0), Le(366)] = Field(
        default=30, description="After so many nights without it a device is told gone, once; 0: never"
    )
    window: Hours | None = Field(
        default=None, description="The hours in which anything is sent", examples=['"22:00-06:00"']
    )
    sweep: SweepSettings = Field(default=SweepSettings(), description="How far a night reaches")
    pace: PaceSettings = Field(default=PaceSettings(), description="How fast; lower it freely")
    keep: KeepSettings = Field(default=KeepSettings(), description="How long the detail of a night is kept")
    classes: ClassSettings = Field(default=ClassSettings(), description="What devices are, where you know")
    address: AddressSettings = Field(
        default=AddressSettings(), description="How to learn the address on the internet where it changes"
    )
    vantage: VantageSettings = Field(
        default=VantageSettings(), description="From where the practice is looked at from outside"
    )
    box: BoxSettings | None = Field(default=None, description="The internet box's own interface, to be read")
    shodan: ShodanSettings | None = Field(default=None, description="What Shodan has seen of the practice")
    internetdb: InternetdbSettings | None = Field(
        default=None, description="What Shodan's InternetDB has seen, without a key"
    )
    probes: Mapping[str, Mapping[str, object]] = Field(
        default={}, description="The options of each probe, under [probes.NAME]"
    )

    @model_validator(mode="before")
    @classmethod
    def _usual_slug(cls, data: Any) -> Any:  # noqa: ANN401 - whatever was written
        if isinstance(data, dict) and "slug" not in data and isinstance(data.get("name"), str):
            return data | {"slug": slugify(data["name"])}
        return data

    @field_validator("networks", mode="after")
    @classmethod
    def _merged(cls, networks: tuple[IPv4Network, ...]) -> tuple[IPv4Network, ...]:
        # One inside another goes; neighbours stay two, each with a broadcast address of its own.
        given = set(networks)
        return tuple(
            sorted(n for n in given if not any(n.supernet(new_prefix=p) in given for p in range(n.prefixlen)))
        )

    @field_validator("recipients", mode="after")
    @classmethod
    def _once_each(cls, recipients: tuple[Recipient, ...]) -> tuple[Recipient, ...]:
        return once_each(recipients)

    @field_validator("probes", mode="after")
    @classmethod
    def _no_secret(cls, probes: Mapping[str, Mapping[str, object]]) -> Mapping[str, Mapping[str, object]]:
        for name, options in probes.items():
            for option in filter(secretive, options):
                raise wrong("password-here", at=(name, option))
        return probes

    @model_validator(mode="after")
    def _bounded(self) -> Site:
        count, limit = self.addresses(), self.sweep.max_addresses
        if count > MOST_ADDRESSES:
            raise wrong("far-too-many-addresses", at=("networks",), count=count, limit=MOST_ADDRESSES)
        if count > limit:
            raise wrong("too-many-addresses", at=("networks",), count=count, limit=limit, most=MOST_ADDRESSES)
        check(self.ranges, self.networks)
        return self

    def addresses(self) -> int:
        """How many addresses the networks hold."""
        return sum(network.num_addresses for network in self.networks)


def load(path: Path) -> Site:
    """The site that this file describes. Raises ConfigError."""
    return read(path, Site)


def read(path: Path, shape: type[Shape]) -> Shape:
    """What this file describes, in this shape. Raises ConfigError."""
    text = _read(path)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax(path, text, str(error)) from None
    except (ValueError, RecursionError):  # a number, or a nesting, that nobody writes by hand
        raise ConfigError("config.not-toml", path=path) from None
    try:
        return shape.model_validate(data, context={"folder": path.resolve().parent})
    except ValidationError as error:
        found = problems(error, shape=shape).problems
        raise ConfigError("config.invalid", problems=found, path=path) from None


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise ConfigError(
            "config.not-found", path=path, command=f"netwatch init {shlex.quote(str(path))}"
        ) from None
    except (OSError, ValueError):
        raise ConfigError("config.unreadable", path=path) from None
    if len(content) > LARGEST_FILE:
        raise ConfigError("config.too-big", path=path)
    try:
        return content.decode("utf-8-sig")  # Windows' Notepad writes a mark first
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError("config.not-utf8", path=path, line=line) from None


def _syntax(path: Path, text: str, said: str) -> ConfigError:
    place = re.search(r"line (\d+), column (\d+)", said)
    line, column = map(int, place.groups()) if place else (text.count("\n") + 1, 1)
    if re.search("twice|overwrite", said):
        return ConfigError("config.syntax-twice", path=path, line=line)
    return ConfigError("config.syntax" if place else "config.syntax-end", path=path, line=line, column=column)


def require_authorisation(site: Site, today: date) -> Authorisation:
    """Who allowed it. Raises ScopeError where nobody did, or the last day is over."""
    allowed = site.authorisation
    if allowed is None:
        raise ScopeError("config.authorisation-missing")
    if today > allowed.until:
        raise ScopeError("config.authorisation-ended", by=allowed.by, until=allowed.until)
    return allowed


def require_audit(site: Site) -> None:
    """The authorisation must name it. Raises ScopeError."""
    if site.authorisation is None or not site.authorisation.audit:
        raise ScopeError("config.audit-not-authorised")
