"""How do we speak with the box's own interface, and what do we believe of what it says? JSON over web.py.

One request on a connection, through the egress: its scope, pace and audit log hold. A box shows a certificate
of its maker's own authority, or one it signed itself, so that who answers is not verified: what stands for it
is the address, which is the gateway of the site file. TLS, where the box has it, keeps listeners out, and not
somebody who takes the gateway's place on the network.

Everything that comes is hostile: bounded in bytes and seconds, parsed by the stdlib, every type and number
checked. What leaves this package are addresses, numbers, truths, words of ours and discreet texts.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from netwatch.errors import ConfigError, NetwatchError, OutsideError, ScopeError, StoreError
from netwatch.model import Reason
from netwatch.probe import OtherProtocol, ProbeError
from netwatch.web import fetch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from netwatch.way import Way
    from netwatch.web import Page

MOST = 200_000  # bytes of an answer: some hundred forwards, and less than a Line takes in
LAST_PORT = 65_535
SOURCES = 8  # addresses that a forward is open to, at most
# Why a talk ended early, and our sentence for it.
SILENCES = {
    Reason.TIMEOUT: "box.timeout",
    Reason.CLOSED: "box.closed",
    Reason.REFUSED: "box.no-door",
    Reason.LIMIT: "box.too-much",
    Reason.BUSY: "box.busy",
    Reason.UNFINISHED: "box.unfinished",
}
# What a box hands us to be sent back: a token, an id, a cookie. Nothing that could end a header.
HANDED = re.compile(r"[A-Za-z0-9+/=_.:~-]{1,512}")


@dataclass(frozen=True, slots=True)
class Door:
    """A port of the box's web server."""

    port: int
    tls: bool


DOORS = (Door(443, tls=True), Door(80, tls=False))


@dataclass(slots=True)
class Talk:
    """With one box. `host`: what the Host header says. `doors`: in which order they are tried; the next one
    only where nobody takes the connection, and never once a door has opened."""

    way: Way
    address: str
    host: str
    doors: tuple[Door, ...] = DOORS
    _open: Door | None = field(default=None, init=False)

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        what: str = "",
    ) -> Page:
        """One question. `what`: our words for it in the audit log, which never has headers and bodies.

        Raises ScopeError, ProbeError and OtherProtocol, as web.fetch.
        """
        doors = (self._open,) if self._open else self.doors
        for door in doors:
            reached = False
            try:
                with self.way.connect(self.address, door.port) as line:
                    reached = True
                    if door.tls:
                        line.start_tls()
                    self._open = door
                    return fetch(
                        line,
                        self.host,
                        path,
                        method=method,
                        headers=headers,
                        content=content,
                        most=MOST,
                        what=what or f"{method} {path}",
                    )
            except ProbeError as error:
                nobody = not reached and error.reason in {Reason.REFUSED, Reason.TIMEOUT}
                if not nobody or door is doors[-1]:
                    raise
        raise ProbeError(Reason.REFUSED, "the box has no door")


def parsed(page: Page) -> object:
    """The JSON of an answer, whatever its status. Raises OutsideError where it is none, or not all of it."""
    if page.busy and page.body.lstrip()[:1] not in {b"{", b"["}:
        raise OutsideError("box.busy", Reason.BUSY)
    if not page.whole:
        raise trouble(ProbeError(page.broke or Reason.LIMIT))
    try:
        return json.loads(page.body.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise OutsideError("box.not-json", Reason.PROTOCOL) from None


def _no_number(_: str) -> None:
    raise ValueError


def trouble(error: Exception) -> NetwatchError:
    """What went wrong, as a sentence for a person. Only for errors of a talk."""
    if isinstance(error, OutsideError | ScopeError | ConfigError | StoreError):
        return error
    reason = error.reason if isinstance(error, ProbeError) else Reason.PROTOCOL
    return OutsideError(SILENCES.get(reason, "box.not-json"), reason)


@contextmanager
def in_sentences() -> Iterator[None]:
    """What goes wrong in here has a sentence for a person."""
    try:
        yield
    except (ProbeError, OtherProtocol) as error:
        raise trouble(error) from None


TALK_ERRORS = (ProbeError, OtherProtocol, OutsideError, ScopeError, ConfigError, StoreError)


def reason_of(error: NetwatchError) -> Reason:
    """The word for a Failure."""
    if isinstance(error, OutsideError):
        return Reason(error.reason)
    return Reason.SCOPE if isinstance(error, ScopeError) else Reason.CREDENTIALS


# ------------------------------------------------------------------------- what is believed of a value


def table(value: object) -> dict[str, object]:
    """A JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}


def handed(value: object) -> str | None:
    """A token, an id or a cookie that may be sent back."""
    return value if isinstance(value, str) and HANDED.fullmatch(value) else None


def flag(value: object) -> bool | None:
    """True and false, also as 1 and 0; None: something else."""
    known = {"1": True, "0": False, "true": True, "false": False}
    return known.get(str(value).lower()) if isinstance(value, bool | int | str) else None


def number(value: object, low: int, high: int) -> int | None:
    """A whole number between these, also as digits; None: something else."""
    if isinstance(value, str):
        value = int(value) if re.fullmatch(r"\d{1,10}", value, re.ASCII) else None
    good = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    return value if good and isinstance(value, int) else None


def ports(value: object) -> tuple[int, int] | None:
    """(first, last) of `8104`, `8000-8010` or `8000:8010`."""
    parts = re.split("[-:]", value) if isinstance(value, str) else [value]
    found = [number(part, 1, LAST_PORT) for part in parts]
    first, last = found[0], found[-1]
    if len(found) > 2 or first is None or last is None or first > last:  # noqa: PLR2004 - from, to
        return None
    return first, last


def address(value: object) -> str | None:
    """An address that a device can have."""
    try:
        parsed = ip_address(value) if isinstance(value, str) and "%" not in value else None
    except ValueError:
        return None
    if parsed is None or parsed.is_unspecified or parsed.is_multicast:
        return None
    return str(parsed)


def sources(value: object) -> str | None:
    """The addresses, or networks, that a forward is open to; None: everybody, or we cannot tell."""
    given = value.split(",") if isinstance(value, str) else []
    try:
        found = [ip_network(part.strip(), strict=False) for part in given if part.strip()]
    except ValueError:
        return None
    if not found or len(found) > SOURCES or any(int(one.network_address) == 0 for one in found):
        return None
    single = (str(one[0]) if one.num_addresses == 1 else str(one) for one in found)
    return ",".join(single)


def entries(value: object, most: int) -> tuple[list[dict[str, object]], bool]:
    """(the tables of a list or of a table, were these all, and nothing else?)."""
    given = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(given, list):
        return [], False
    found = [one for one in given[:most] if isinstance(one, dict)]
    return found, len(found) == len(given)
