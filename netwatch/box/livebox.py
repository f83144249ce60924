"""What does a Livebox say of its forwards, its DMZ, UPnP and IPv6? The calls of its own web page (sysbus).

Orange documents nothing. What is here is read in three programs that do the same on real boxes
(LiveboxMonitor, terraform-provider-livebox, aiosysbus): POST /ws with a service, a method and parameters; a
login with the administrator's password; an answer with `status`. Models differ: a call that a box does not
know, or does not allow, is a Failure that sends to `netwatch box declare`, and the others are asked all the
same. The Livebox Pro is not known to answer.

Only the methods of CALLS are ever sent: a login, its end, and calls whose name begins with `get`. Where the
box has no TLS (older ones), the password travels as it does from a browser: in clear, on the local network.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from netwatch.box import memory
from netwatch.box.talk import (
    DOORS,
    LAST_PORT,
    Talk,
    address,
    entries,
    flag,
    handed,
    number,
    parsed,
    ports,
    sources,
    table,
)
from netwatch.box.telling import MOST_FORWARDS, TCP, UDP, Telling
from netwatch.errors import OutsideError
from netwatch.model import Reason

if TYPE_CHECKING:
    from pathlib import Path

    from netwatch.box.talk import Door
    from netwatch.model import Facts
    from netwatch.way import Way
    from netwatch.web import Page

NAME = "livebox"
USER = "admin"
APPLICATION = "so_sdkut"  # what the web page and every program call themselves
CONTENT = "application/x-sah-ws-4-call+json"
LOGIN = ("sah.Device.Information", "createContext")
LOGOUT = ("sah.Device.Information", "releaseContext")
CALLS = frozenset({
    LOGIN,
    LOGOUT,
    ("NMC", "getWANStatus"),
    ("Firewall", "getPortForwarding"),
    ("Firewall", "getDMZ"),
    ("Firewall", "getFirewallIPv6Level"),
    ("UPnP-IGD", "get"),
})  # fmt: skip
DENIED = {401, 403}
PERMISSION = 13  # the error's number where a call is not allowed
PROTOCOLS = {"6": TCP, "17": UDP}  # IANA's numbers
# Faible filters nothing; Personnalisé is what its owner made of it, and so unknown.
LEVELS = {"Low": False, "Medium": True, "High": True, "Custom": None}
COOKIE = re.compile(r"([A-Za-z0-9]{1,64}/sessid)=([A-Za-z0-9+/=_.-]{1,200})")


class Api:
    """One session with a Livebox."""

    def __init__(self, way: Way, where: str, doors: tuple[Door, ...] = DOORS) -> None:
        """Nothing is sent yet."""
        self._talk = Talk(way, where, where, doors)
        self._headers: dict[str, str] = {}

    def open(self, password: str) -> None:
        """Log in. Raises OutsideError(CREDENTIALS) where the box says that this is not the password."""
        about = {"applicationName": APPLICATION, "username": USER, "password": password}
        page = self._send(LOGIN, about, {"Authorization": "X-Sah-Login"})
        if page.status in DENIED:
            raise OutsideError("box.password-refused", Reason.CREDENTIALS)
        told = table(parsed(page))
        context = handed(table(told.get("data")).get("contextID"))
        if context is None:
            # {"status":1,"data":{}}: a wrong password (LiveboxMonitor, issue 16)
            known = number(told.get("status"), 1, LAST_PORT) or _errors(told) == PERMISSION
            message = "box.password-refused" if known else "box.not-this-kind"
            reason = Reason.CREDENTIALS if known else Reason.PROTOCOL
            raise OutsideError(message, reason, kind="Livebox")
        cookies = "; ".join(f"{name}={value}" for name, value in COOKIE.findall(page.header("set-cookie")))
        self._headers = {"Authorization": f"X-Sah {context}", "X-Context": context}
        if cookies:
            self._headers["Cookie"] = cookies

    def call(self, service: str, method: str) -> dict[str, object]:
        """The answer to a call of CALLS: `status`, and sometimes `data`. Raises OutsideError."""
        page = self._send((service, method), {}, self._headers)
        told = table(parsed(page))
        told = table(told.get("result")) or told  # another content type wraps it
        if page.status in DENIED or _errors(told) == PERMISSION:
            raise OutsideError("box.not-allowed", Reason.CREDENTIALS, what=method)
        if _errors(told) or "status" not in told:
            raise OutsideError("box.not-answered", Reason.PROTOCOL, what=method)
        return told

    def close(self) -> None:
        """End the session; a box that says no to that ends it by itself after some minutes."""
        self._send(LOGOUT, {"applicationName": APPLICATION}, self._headers)

    def _send(self, call: tuple[str, str], parameters: dict[str, str], headers: dict[str, str]) -> Page:
        if call not in CALLS:
            raise ValueError(call)
        service, method = call
        body = {"service": service, "method": method, "parameters": parameters}
        return self._talk.ask(
            "POST",
            "/ws",
            headers={"Content-Type": CONTENT, **headers},
            content=json.dumps(body).encode(),
            what=f"{service}:{method}",
        )


def _errors(told: dict[str, object]) -> int:
    """The number of the first error; 0: none; -1: one that has no number."""
    found = told.get("errors")
    if not found:
        return 0
    first = found[0] if isinstance(found, list) else found
    return number(table(first).get("error"), 1, LAST_PORT) or -1


def read(way: Way, telling: Telling, folder: Path, password: str, doors: tuple[Door, ...] = DOORS) -> None:
    """Log in once and ask everything, into `telling`. Raises as Talk.ask, and Enough."""
    api = Api(way, telling.box.address, doors)
    with memory.one_attempt(folder, password):
        api.open(password)
    for ask in (_wan, _forwards, _dmz, _upnp, _ipv6):
        with telling.part():
            ask(api, telling)
    api.close()


def _wan(api: Api, telling: Telling) -> None:
    told = table(api.call("NMC", "getWANStatus").get("data"))
    facts: Facts = {"address": address(told.get("IPAddress")), "via": NAME}
    if ipv6 := address(told.get("IPv6Address")):
        facts["ipv6"] = ipv6
    if facts["address"]:
        telling.say("wan", facts)


def _forwards(api: Api, telling: Telling) -> None:
    """What a person set up (`webui`) and what devices asked for themselves (`upnp`)."""
    before = len(telling.observations)
    found, whole = entries(_emptied(api.call("Firewall", "getPortForwarding")["status"]), MOST_FORWARDS)
    for one in found:
        asked = ports(one.get("ExternalPort"))
        inside = ports(one.get("InternalPort") or one.get("ExternalPort"))
        numbers = str(one.get("Protocol")).split(",")
        lease = number(one.get("LeaseDuration"), 0, 2**32)
        for protocol in numbers[:2]:
            whole &= telling.forward(
                PROTOCOLS.get(protocol.strip()),
                asked,
                address(one.get("DestinationIPAddress")),
                inside[0] if inside else None,
                flag(one.get("Enable")),
                permanent=True if one.get("Origin") == "webui" else None if lease is None else lease == 0,
                comment=one.get("Description"),
                source=sources(one.get("SourcePrefix")),
            )
    telling.listing(whole=whole, before=before)


def _dmz(api: Api, telling: Telling) -> None:
    """A table of DMZs by name, as a rule one or none."""
    found, whole = entries(_emptied(api.call("Firewall", "getDMZ")["status"]), MOST_FORWARDS)
    on = [one for one in found if flag(one.get("Enable")) is not False]
    leads = [to for one in on if (to := address(one.get("DestinationIPAddress")))]
    if not whole or len(leads) < len(on):
        raise OutsideError("box.not-answered", Reason.PROTOCOL, what="getDMZ")
    for to in leads:
        telling.dmz(to, enabled=True)
    if not leads:
        telling.dmz(None, enabled=False)


def _emptied(told: object) -> object:
    """Nothing comes as an empty table, an empty list or an empty text."""
    return {} if told in ([], "") else told


def _upnp(api: Api, telling: Telling) -> None:
    enabled = flag(table(api.call("UPnP-IGD", "get")["status"]).get("Enable"))
    if enabled is None:
        raise OutsideError("box.not-answered", Reason.PROTOCOL, what="UPnP-IGD")
    telling.say("upnp", {"enabled": enabled})


def _ipv6(api: Api, telling: Telling) -> None:
    level = api.call("Firewall", "getFirewallIPv6Level")["status"]
    if not isinstance(level, str) or level not in LEVELS:
        raise OutsideError("box.not-answered", Reason.PROTOCOL, what="getFirewallIPv6Level")
    telling.say("ipv6-firewall", {"enabled": LEVELS[level], "level": level.lower()})
