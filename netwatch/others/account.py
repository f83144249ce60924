"""How do we ask Shodan anything? Through its own library, with a key, once a second, each answer checked.

The key is given to the library and to nobody else: no error, log or audit line of ours holds it, and errors
of the library, which carry it, are dropped before ours is raised. Where it stops: what an answer means.
"""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Self

from netwatch.errors import OutsideError
from netwatch.model import Reason
from netwatch.others.deadline import PATIENCE, PAUSE, Deadline, Turns
from netwatch.others.door import MOST, door, unlogged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from netwatch.audit import Audit

WHO = "Shodan"
NOTHING_KNOWN = "no information available"  # how their 404 begins
KEY = re.compile(r"[!-~]{1,200}")  # printable, no blanks: it goes into an address
NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")
STATES = frozenset({"SUBMITTING", "QUEUE", "PROCESSING", "DONE"})
MOST_ALERTS = 1000

# Their HTTP status, our sentence and reason.
REFUSALS = {
    401: ("key-refused", Reason.CREDENTIALS),
    402: ("plan", Reason.CREDENTIALS),
    403: ("plan", Reason.CREDENTIALS),
    429: ("busy", Reason.BUSY),
}
FAULT = ("faulty", Reason.BUSY)
ODD = ("not-understood", Reason.PROTOCOL)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the key allows. Numbers are None where Shodan did not tell them."""

    name: str | None
    scans: int | None  # credits left, one an address
    lookups: int | None
    watched: int | None
    watchable: int | None


@dataclass(frozen=True, slots=True)
class Order:
    """A scan that was asked for."""

    id: str
    count: int | None
    left: int | None  # credits


@dataclass(frozen=True, slots=True)
class Alert:
    """A network alert of the account."""

    id: str
    name: str
    networks: frozenset[str]
    triggers: frozenset[str]


class Account:
    """Shodan, with a key. A context: nothing stays open. Every method raises OutsideError."""

    def __init__(
        self,
        key: str | None,
        audit: Audit,
        stopped: Callable[[], bool] = lambda: False,
        *,
        pause: float = PAUSE,
        patience: float = PATIENCE,
    ) -> None:
        """`pause`: seconds between two requests. `patience`: seconds for one.

        Raises OutsideError(CREDENTIALS) where there is no key, or what can be none.
        """
        if not key:
            raise OutsideError("others.no-key", Reason.CREDENTIALS, who=WHO)
        if not KEY.fullmatch(key):
            raise OutsideError("others.no-such-key", Reason.CREDENTIALS, who=WHO)
        import shodan  # noqa: PLC0415 - slow to import

        self._api: Any = shodan.Shodan(key)
        self._api.api_rate_limit = 0  # its own waiting hangs when the clock is set back
        self._its_error: type[Exception] = shodan.APIError
        self._audit = audit
        self._stopped = stopped
        self._turns = Turns(WHO, pause, stopped)
        self._patience = patience

    def __enter__(self) -> Self:
        """Ready."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open any more."""
        self._api._session.close()  # noqa: SLF001 - it has no other

    def wait(self, seconds: float) -> None:
        """Let time pass before the next request."""
        self._turns.wait(seconds)

    def plan(self) -> Plan:
        """What the key allows, and what is left of it."""
        told = self._table("plan", "account", lambda api: api.info())
        limits = told.get("usage_limits")
        limits = limits if isinstance(limits, dict) else {}
        return Plan(
            _word(told.get("plan")),
            _number(told.get("scan_credits")),
            _number(told.get("query_credits")),
            _number(told.get("monitored_ips")),
            _number(limits.get("monitored_ips")),
        )

    def host(self, address: str, *, history: bool = False) -> Mapping[str, Any] | None:
        """All that Shodan says of an address; None where it knows nothing. For banner.py, and no further."""
        what = "host, with its history" if history else "host"
        told: Mapping[str, Any] | None = self._ask(
            what, address, lambda api: _dict(api.host(address, history=history))
        )
        return told

    def order(self, addresses: Iterable[str]) -> Order:
        """Have these addresses scanned: one credit each."""
        wanted = list(addresses)
        told = self._table("order a scan", ", ".join(wanted), lambda api: api.scan(wanted))
        return Order(_id(told.get("id")), _number(told.get("count")), _number(told.get("credits_left")))

    def state(self, order: str) -> str:
        """How far a scan has come: one of STATES, or `unknown`."""
        told = self._table("scan state", "account", lambda api: api.scan_status(order)).get("status")
        return told if isinstance(told, str) and told in STATES else "unknown"

    def alerts(self) -> tuple[Alert, ...]:
        """The alerts of the account; what does not look like one is left out."""
        told = self._ask("list alerts", "account", lambda api: _list(api.alerts()))
        return tuple(filter(None, map(_alert, (told or [])[:MOST_ALERTS])))

    def create(self, name: str, addresses: Iterable[str]) -> Alert:
        """A new alert on these addresses."""
        wanted = list(addresses)
        call: Callable[[Any], Any] = lambda api: api.create_alert(name, wanted)  # noqa: E731
        told = self._table("create alert", ", ".join(wanted), call)
        return Alert(_id(told.get("id")), name, networks(wanted), frozenset())

    def edit(self, alert: Alert, addresses: Iterable[str]) -> None:
        """From now on it is on these addresses."""
        wanted = list(addresses)
        self._table("change alert", ", ".join(wanted), lambda api: api.edit_alert(alert.id, wanted))

    def trigger(self, alert: Alert, name: str) -> None:
        """Have the account's owner told of this."""
        call: Callable[[Any], Any] = lambda api: api.enable_alert_trigger(alert.id, name)  # noqa: E731
        self._table("set alert trigger", "account", call)

    def delete(self, alert: Alert) -> None:
        """No more of it."""
        self._table("delete alert", "account", lambda api: api.delete_alert(alert.id))

    def _table(self, what: str, to: str, call: Callable[[Any], Any]) -> dict[str, Any]:
        told: dict[str, Any] | None = self._ask(what, to, lambda api: _dict(call(api)))
        if told is None:
            raise _error(*ODD)
        return told

    def _ask(self, what: str, to: str, call: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - JSON
        """What the library gave; None where Shodan knows nothing. Only errors of ours leave."""
        self._turns.wait()
        self._audit.write("shodan", to, what=what)
        answer, said = None, None
        with Deadline(self._patience, self._stopped) as clock, closing(door(clock, MOST)) as way, unlogged():
            for scheme in ("https://", "http://"):
                self._api._session.mount(scheme, way)  # noqa: SLF001 - it has no other
            try:
                answer = call(self._api)
            except self._its_error as error:
                value = getattr(error, "value", None)
                said = value if isinstance(value, str) else ""
            except (RecursionError, TypeError):  # JSON deeper than anybody's, or not what it should be
                said = ""
        # Outside of `except`: the library's error, and what caused it, must not travel along.
        if (late := clock.error(WHO)) is not None:  # what came by then may be half of a head
            raise late
        if way.trouble:
            raise _error(*way.trouble)
        if not way.status:
            raise _error("no-connection", Reason.REFUSED)
        return _settled(way.status, answer, said)


def _settled(status: int, answer: object, said: str | None) -> Any:  # noqa: ANN401 - JSON
    if status == 404 and said is not None and said.lower().startswith(NOTHING_KNOWN):  # noqa: PLR2004
        return None
    if status in REFUSALS:
        raise _error(*REFUSALS[status])
    if status >= 500:  # noqa: PLR2004
        raise _error(*FAULT)
    if status >= 300 or said is not None:  # noqa: PLR2004
        raise _error(*ODD)
    return answer


def _error(sentence: str, reason: Reason) -> OutsideError:
    return OutsideError(f"others.{sentence}", reason, who=WHO)


def _dict(told: object) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise TypeError
    return told


def _list(told: object) -> list[Any]:
    if not isinstance(told, list):
        raise TypeError
    return told


def _number(told: object) -> int | None:
    right = isinstance(told, int) and not isinstance(told, bool) and 0 <= told <= 1_000_000_000  # noqa: PLR2004
    return told if right else None  # type: ignore[return-value]


def _word(told: object) -> str | None:
    return told if isinstance(told, str) and NAME.fullmatch(told) else None


def _id(told: object) -> str:
    """It goes into an address."""
    if (found := _word(told)) is None:
        raise _error(*ODD)
    return found


def networks(addresses: object) -> frozenset[str]:
    """Addresses and networks in one form; what is none is left out."""
    found = set()
    for one in addresses if isinstance(addresses, list | tuple) else (addresses,):
        try:
            found.add(str(ip_network(one if isinstance(one, str) else "", strict=False)))
        except ValueError:
            continue
    return frozenset(found)


def _alert(told: object) -> Alert | None:
    if not isinstance(told, dict) or not isinstance(name := told.get("name"), str):
        return None
    if (found := _word(told.get("id"))) is None:
        return None
    filters, triggers = told.get("filters"), told.get("triggers")
    return Alert(
        found,
        name[:200],
        networks(filters.get("ip") if isinstance(filters, dict) else None),
        frozenset(filter(NAME.fullmatch, triggers)) if isinstance(triggers, dict) else frozenset(),
    )
