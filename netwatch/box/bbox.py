"""What does a Bbox say of its forwards, its DMZ and UPnP? The calls of its own web page, /api/v1.

Bouygues Telecom's description is no longer public. What is here is read in programs that do the same on real
boxes (bbox-cli, aiobbox) and in the page's own script: a login with the administrator's password gives a
cookie, GETs give JSON. After refused passwords the box answers 429, for longer with each try: there is one
try a night, none with a password that was refused before, and none until the next night after a 429.

All that is ever sent is in CALLS: besides the login and its end only GETs. Where it stops: whether its IPv6
firewall is on is not read, as no source says which of its switches that is; `netwatch box declare` asks a
person.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from netwatch.box import memory
from netwatch.box.talk import (
    DOORS,
    Talk,
    address,
    entries,
    flag,
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

NAME = "bbox"
HOST = "mabbox.bytel.fr"
REST = 20  # hours without a question after a 429: until the next night
CALLS = frozenset({
    ("POST", "login"),
    ("POST", "logout"),
    ("GET", "wan/ip"),
    ("GET", "nat/rules"),
    ("GET", "nat/dmz"),
    ("GET", "upnp/igd"),
})  # fmt: skip
DENIED, TOO_MANY, DONE = {401, 403}, 429, 200
COOKIE = re.compile(r"(?:^|, )(BBOX_ID)=([A-Za-z0-9+/=_.%-]{1,300})")
PAGE = {
    "X-Requested-With": "XmlHttpRequest",
    "Origin": f"https://{HOST}",
    "Referer": f"https://{HOST}/login",
}  # it takes questions only as its own page asks them


class Api:
    """One session with a Bbox. Over TLS only: the password never travels in clear."""

    def __init__(self, way: Way, where: str, doors: tuple[Door, ...] = DOORS) -> None:
        """Nothing is sent yet."""
        self._talk = Talk(way, where, HOST, tuple(door for door in doors if door.tls))
        self._cookie: dict[str, str] = {}

    def open(self, password: str) -> None:
        """Log in, once. Raises OutsideError: CREDENTIALS where it is not the password, BUSY at a 429."""
        body = urlencode({"password": password, "remember": "1"}).encode()
        page = self._send("POST", "login", body)
        if page.status == TOO_MANY:
            raise OutsideError("box.rate-limited", Reason.BUSY)
        if page.status in DENIED:
            raise OutsideError("box.password-refused", Reason.CREDENTIALS)
        cookies = COOKIE.findall(page.header("set-cookie"))
        if page.status != DONE or not cookies:
            if page.busy:
                raise OutsideError("box.busy", Reason.BUSY)
            raise OutsideError("box.not-this-kind", Reason.PROTOCOL, kind="Bbox")
        name, value = cookies[-1]
        self._cookie = {"Cookie": f"{name}={value}"}

    def get(self, path: str, *keys: str) -> dict[str, object]:
        """What stands below these keys of `[{"nat": {"dmz": {...}}}]`. Raises OutsideError."""
        page = self._send("GET", path)
        if page.status in DENIED:
            raise OutsideError("box.session-lost", Reason.CREDENTIALS)
        told = parsed(page)
        if isinstance(told, list) and len(told) == 1:
            told = told[0]
        for key in keys:
            told = table(told).get(key)
        if page.status != DONE or not isinstance(told, dict):
            raise OutsideError("box.not-answered", Reason.PROTOCOL, what=path)
        return told

    def close(self) -> None:
        """End the session."""
        self._send("POST", "logout", b"")

    def _send(self, method: str, path: str, content: bytes | None = None) -> Page:
        if (method, path) not in CALLS:
            raise ValueError(path)
        headers = {**PAGE, **self._cookie}
        if content is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
        return self._talk.ask(
            method, f"/api/v1/{path}", headers=headers, content=content, what=f"{method} {path}"
        )


def read(way: Way, telling: Telling, folder: Path, password: str, doors: tuple[Door, ...] = DOORS) -> None:
    """Log in once and ask everything, into `telling`. Raises as Talk.ask, and Enough."""
    until = memory.resting(folder)
    if until is not None:
        raise OutsideError("box.resting", Reason.BUSY, until=f"{until:%Y-%m-%d %H:%M} UTC")
    api = Api(way, telling.box.address, doors)
    try:
        with memory.one_attempt(folder, password):
            api.open(password)
    except OutsideError as error:
        if error.message == "box.rate-limited":
            memory.rest(folder, REST)
        raise
    for ask in (_wan, _forwards, _dmz, _upnp):
        with telling.part():
            ask(api, telling)
    api.close()


def _wan(api: Api, telling: Telling) -> None:
    """The address, and the ports that are ours where customers share it (MAP-T): `40960:49151`."""
    told = api.get("wan/ip", "wan", "ip")
    here, mine = address(told.get("address")), told.get("portrange")
    facts: Facts = {"address": here, "via": NAME}
    if isinstance(mine, str) and (found := ports(mine)) and flag(told.get("maptenable")) is not False:
        facts["ports"] = f"{found[0]}-{found[1]}"
    if flag(told.get("cgnatenable")):
        facts["cgnat"] = True
    if here is not None:
        telling.say("wan", facts)


def _forwards(api: Api, telling: Telling) -> None:
    """`nat/rules`: what a person set up. With the whole of it switched off, none of them leads anywhere."""
    before = len(telling.observations)
    told = api.get("nat/rules", "nat")
    on = flag(told.get("enable"))
    found, whole = entries(told.get("rules"), MOST_FORWARDS)
    for one in found:
        asked = ports(one.get("externalport"))
        inside = ports(one.get("internalport") or one.get("externalport"))
        enabled = flag(one.get("enable", True))
        spoken = str(one.get("protocol")).lower()
        transports = [transport for transport in (TCP, UDP) if transport in spoken]
        for transport in transports or [""]:
            whole &= telling.forward(
                transport,
                asked,
                address(one.get("internalip")),
                inside[0] if inside else None,
                None if enabled is None else enabled and on is not False,
                comment=one.get("description"),
                source=sources(one.get("externalip")),
            )
    telling.listing(whole=whole, before=before)


def _dmz(api: Api, telling: Telling) -> None:
    told = api.get("nat/dmz", "nat", "dmz")
    enabled, to = flag(told.get("enable")), address(told.get("ipaddress"))
    if enabled is None or (enabled and to is None):
        raise OutsideError("box.not-answered", Reason.PROTOCOL, what="nat/dmz")
    telling.dmz(to, enabled=enabled)


def _upnp(api: Api, telling: Telling) -> None:
    enabled = flag(api.get("upnp/igd", "upnp", "igd").get("enable"))
    if enabled is None:
        raise OutsideError("box.not-answered", Reason.PROTOCOL, what="upnp/igd")
    telling.say("upnp", {"enabled": enabled})
