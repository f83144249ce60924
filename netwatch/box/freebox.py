"""What does a Freebox say of its forwards, its DMZ, UPnP and IPv6? Its official API, dev.freebox.fr/sdk/os.

A program is paired once: it asks for a token, and a person at the box says yes on its front panel. From then
on it opens a session with the HMAC-SHA1 of a challenge (the token itself does not travel again), reads, and
closes the session. All that we ever send is in CALLS: besides pairing, opening and closing a session, which
change nothing but our own standing with the box, only GETs. Reading settings wants no right to change them.

Where it stops: what is not documented is not asked. An empty list comes without `result` (seen on a Freebox
Ultra, API 16.0).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from typing import TYPE_CHECKING

import netwatch
from netwatch.box import memory
from netwatch.box.talk import (
    DOORS,
    LAST_PORT,
    Talk,
    address,
    entries,
    flag,
    handed,
    in_sentences,
    number,
    parsed,
    ports,
    sources,
    table,
)
from netwatch.box.telling import MOST_FORWARDS, Telling
from netwatch.errors import OutsideError
from netwatch.model import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from netwatch.box.talk import Door
    from netwatch.model import Facts, Target
    from netwatch.way import Way

NAME = "freebox"
HOST = "mafreebox.freebox.fr"
APP = "fr.netwatch.clinic"
EVERY_PORT = (0, LAST_PORT)
FOR_EVER = 2**32  # seconds, at most, of a forward that ends
PRESS = 150  # seconds that a person has to walk to the box and press
POLL = 2.0  # seconds between two looks at whether somebody pressed
OLDEST_API, NEWEST_API = 4, 99

# Everything that is ever sent, by method and path below the API's root.
CALLS = frozenset({
    ("POST", "login/authorize/"), ("GET", "login/authorize/{}"),
    ("GET", "login/"), ("POST", "login/session/"), ("POST", "login/logout/"),
    ("GET", "connection/"), ("GET", "connection/ipv6/config/"),
    ("GET", "fw/redir/"), ("GET", "fw/dmz/"),
    ("GET", "upnpigd/config/"), ("GET", "upnpigd/redir/"),
})  # fmt: skip

# The API's own words for an error (dev.freebox.fr/sdk/os/login), our sentences, and why.
ERRORS = {
    "auth_required": ("box.session-lost", Reason.CREDENTIALS),
    "invalid_token": ("box.token-revoked", Reason.CREDENTIALS),
    "pending_token": ("box.token-pending", Reason.CREDENTIALS),
    "insufficient_rights": ("box.no-right", Reason.CREDENTIALS),
    "denied_from_external_ip": ("box.from-outside", Reason.CREDENTIALS),
    "ratelimited": ("box.rate-limited", Reason.BUSY),
    "new_apps_denied": ("box.apps-denied", Reason.CREDENTIALS),
    "apps_denied": ("box.apps-denied", Reason.CREDENTIALS),
    "internal_error": ("box.busy", Reason.BUSY),
    "service_down": ("box.busy", Reason.BUSY),
}
ENDS = {"denied": "box.pair-denied", "timeout": "box.pair-timeout"}
DISABLED = "disabled"  # UPnP's own list, where UPnP is off


class Api:
    """The API of one Freebox, as its own version has it."""

    def __init__(self, way: Way, where: str, doors: tuple[Door, ...] = DOORS) -> None:
        """Ask for its version. Raises as Talk.ask and parsed."""
        self._talk = Talk(way, where, HOST, doors)
        told = table(parsed(self._talk.ask("GET", "/api_version")))
        root, version = told.get("api_base_url"), told.get("api_version")
        major = number(str(version).partition(".")[0], OLDEST_API, NEWEST_API)
        if not isinstance(root, str) or not re.fullmatch(r"/([a-z0-9_-]{1,20}/){0,3}", root) or major is None:
            raise OutsideError("box.not-this-kind", Reason.PROTOCOL, kind="Freebox")
        self._root = f"{root}v{major}/"
        self._session: str | None = None

    def call(self, method: str, path: str, content: object = None, *, track: int | None = None) -> object:
        """The `result` of a call of CALLS; None where there is none. Raises Denied with the box's no."""
        if (method, path) not in CALLS:
            raise ValueError(path)
        headers = {"X-Fbx-App-Auth": self._session} if self._session else {}
        body = None
        if content is not None:
            body, headers["Content-Type"] = json.dumps(content).encode(), "application/json"
        page = self._talk.ask(
            method,
            self._root + path.format(track),
            headers=headers,
            content=body,
            what=f"{method} {path}",
        )
        told = table(parsed(page))
        if told.get("success") is True:
            return told.get("result")
        said = told.get("error_code")
        message, reason = ERRORS.get(
            said if isinstance(said, str) else "", ("box.not-answered", Reason.PROTOCOL)
        )
        raise Denied(said, message, reason, what=path)

    def open(self, token: str) -> None:
        """Open a session with the token of a pairing."""
        challenge = table(self.call("GET", "login/")).get("challenge")
        if not isinstance(challenge, str) or len(challenge) > 512:  # noqa: PLR2004 - it has 32 letters
            raise OutsideError("box.not-this-kind", Reason.PROTOCOL, kind="Freebox")
        password = hmac.new(token.encode(), challenge.encode("utf-8", "replace"), hashlib.sha1).hexdigest()
        told = table(self.call("POST", "login/session/", {"app_id": APP, "password": password}))
        self._session = handed(told.get("session_token"))
        if self._session is None:
            raise OutsideError("box.not-this-kind", Reason.PROTOCOL, kind="Freebox")

    def close(self) -> None:
        """End the session, where there is one."""
        if self._session:
            self.call("POST", "login/logout/")
            self._session = None


class Denied(OutsideError):  # noqa: N818 - an answer, not an error
    """The box's own no. `said`: its word for it, to be compared and never shown."""

    def __init__(self, said: object, message: str, reason: str, **details: object) -> None:
        """As OutsideError."""
        super().__init__(message, reason, **details)
        self.said = said


def read(way: Way, telling: Telling, folder: Path, doors: tuple[Door, ...] = DOORS) -> None:
    """Ask everything, into `telling`. `folder`: where the token is kept."""
    with telling.all():
        token = memory.token(folder)
        if token is None or handed(token) is None:
            raise OutsideError("box.not-paired", Reason.CREDENTIALS)
        api = Api(way, telling.box.address, doors)
        api.open(token)
        for ask in (_wan, _forwards, _dmz, _upnp, _ipv6):
            with telling.part():
                ask(api, telling)
        api.close()


def _wan(api: Api, telling: Telling) -> None:
    """`connection/`: the address, and the ports that are ours where four customers share it."""
    told = table(api.call("GET", "connection/"))
    here = address(told.get("ipv4"))
    mine = told.get("ipv4_port_range")
    facts: Facts = {"address": here, "via": NAME}
    if isinstance(mine, list) and len(mine) == 2:  # noqa: PLR2004 - first and last
        first, last = (number(port, *EVERY_PORT) for port in mine)
        if first is not None and last is not None and first <= last and (first, last) != EVERY_PORT:
            facts["ports"] = f"{first}-{last}"
    if ipv6 := address(told.get("ipv6")):
        facts["ipv6"] = ipv6
    if here is not None:
        telling.say("wan", facts)


def _forwards(api: Api, telling: Telling) -> None:
    """`fw/redir/`: what a person set up; then `upnpigd/redir/`: what devices asked for themselves."""
    before = len(telling.observations)
    whole = _static(api.call("GET", "fw/redir/"), telling)
    try:
        whole &= _asked_for(api.call("GET", "upnpigd/redir/"), telling)
    except Denied as no:
        if no.said != DISABLED:
            telling.troubles.append(no)
            whole = False
    telling.listing(whole=whole, before=before)


def _static(told: object, telling: Telling) -> bool:
    """Was all of the list readable?"""
    found, whole = entries([] if told is None else told, MOST_FORWARDS)
    for one in found:
        first, last = one.get("wan_port_start"), one.get("wan_port_end")
        whole &= telling.forward(
            one.get("ip_proto"),
            ports(f"{first}-{last}"),
            address(one.get("lan_ip")),
            number(one.get("lan_port"), 1, LAST_PORT),
            flag(one.get("enabled")),
            comment=one.get("comment"),
            source=sources(one.get("src_ip")),
        )
    return whole


def _asked_for(told: object, telling: Telling) -> bool:
    """Was all of the list readable? `remaining`: seconds, 0 for ever."""
    found, whole = entries([] if told is None else told, MOST_FORWARDS)
    for one in found:
        left = number(one.get("remaining"), 0, FOR_EVER)
        whole &= telling.forward(
            one.get("proto"),
            ports(one.get("ext_port")),
            address(one.get("int_ip")),
            number(one.get("int_port"), 1, LAST_PORT),
            flag(one.get("enabled")),
            permanent=None if left is None else left == 0,
            comment=one.get("desc"),
            source=sources(one.get("ext_src_ip")),
        )
    return whole


def _dmz(api: Api, telling: Telling) -> None:
    told = table(api.call("GET", "fw/dmz/"))
    enabled, to = flag(told.get("enabled")), address(told.get("ip"))
    if enabled is None or (enabled and to is None):
        raise OutsideError("box.not-answered", Reason.PROTOCOL, what="fw/dmz/")
    telling.dmz(to, enabled=enabled)


def _upnp(api: Api, telling: Telling) -> None:
    enabled = flag(table(api.call("GET", "upnpigd/config/")).get("enabled"))
    if enabled is None:
        raise OutsideError("box.not-answered", Reason.PROTOCOL, what="upnpigd/config/")
    telling.say("upnp", {"enabled": enabled})


def _ipv6(api: Api, telling: Telling) -> None:
    """Its firewall. `ipv6`: does the box give addresses at all? `prefixes`: also for those it hands on?"""
    told = table(api.call("GET", "connection/ipv6/config/"))
    enabled = flag(told.get("ipv6_firewall"))
    if enabled is None:
        raise OutsideError("box.not-answered", Reason.PROTOCOL, what="connection/ipv6/config/")
    facts: Facts = {"enabled": enabled, "ipv6": flag(told.get("ipv6_enabled"))}
    prefixes = flag(told.get("ipv6_prefix_firewall"))
    telling.say("ipv6-firewall", facts if prefixes is None else {**facts, "prefixes": prefixes})


@in_sentences()
def pair(  # noqa: PLR0913 - what a pairing is made of
    way: Way,
    box: Target,
    folder: Path,
    device: str,
    press: Callable[[], None],
    *,
    doors: tuple[Door, ...] = DOORS,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Ask for a token and keep it once a person said yes on the front panel. Tries it out.

    `device`: how this machine is called on the panel. `press`: tells the person what to do. Raises
    NetwatchError.
    """
    api = Api(way, box.address, doors)
    about = {
        "app_id": APP,
        "app_name": "netwatch",
        "app_version": netwatch.__version__,
        "device_name": device,
    }
    told = table(api.call("POST", "login/authorize/", about))
    token, track = handed(told.get("app_token")), number(told.get("track_id"), 0, FOR_EVER)
    if token is None or track is None:
        raise OutsideError("box.not-this-kind", Reason.PROTOCOL, kind="Freebox")
    press()
    for state in _states(api, track, wait):
        if state == "granted":
            break
        if state != "pending":
            message = ENDS.get(state if isinstance(state, str) else "", "box.pair-unknown")
            raise OutsideError(message, Reason.CREDENTIALS)
    else:
        raise OutsideError("box.pair-timeout", Reason.CREDENTIALS)
    memory.keep_token(folder, token)
    api.open(token)
    api.close()


def _states(api: Api, track: int, wait: Callable[[float], None]) -> Iterator[object]:
    for _ in range(int(PRESS / POLL)):
        yield table(api.call("GET", "login/authorize/{}", track=track)).get("status")
        wait(POLL)
