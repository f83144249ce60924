"""Which kind of device says that it is here? WS-Discovery (2005/04): Windows, printers, scanners, cameras.

http://specs.xmlsoap.org/ws/2005/04/discovery/ws-discovery.pdf. One Probe for `wsdp:Device`; without a type
wsdd 0.7.0 stays silent. Of an answer we read what it is (Types), its UUID, the port of its own description,
and of ONVIF's scopes the hardware and the profiles: not where it stands (`location`), nor what it was named
unless that is a model. Where it stops: a computer's name is in its description, which is not fetched. Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from netwatch.plain import MAKERS, discreet, model
from netwatch.probe import ProbeError
from netwatch.ssdp import elements, place, values, xml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.model import Facts

GROUP, PORT = "239.255.255.250", 3702
DISCOVERY = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
ONVIF = "onvif://www.onvif.org/"
MOST_WORDS = 16  # of a list of ours

PROBE = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
    f' xmlns:wsd="{DISCOVERY}"'
    ' xmlns:wsdp="http://schemas.xmlsoap.org/ws/2006/02/devprof">'
    "<soap:Header><wsa:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</wsa:To>"
    f"<wsa:Action>{DISCOVERY}/Probe</wsa:Action>"
    "<wsa:MessageID>{}</wsa:MessageID></soap:Header>"
    "<soap:Body><wsd:Probe><wsd:Types>wsdp:Device</wsd:Types></wsd:Probe></soap:Body></soap:Envelope>"
)
_UUID = re.compile(r"(?:urn:)?uuid:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_TYPE = re.compile(r"(?:[\w.-]+:)?([A-Za-z][A-Za-z0-9]{1,39})", re.ASCII)
_KIND = re.compile(r"(?:profile|type)/\w{1,40}", re.ASCII | re.IGNORECASE)


def probe(asked: str) -> bytes:
    """The question. `asked`: its own name, `urn:uuid:...`, which each answer repeats."""
    return PROBE.format(asked).encode("ascii")


def facts(answers: Iterable[bytes], address: str, asked: str) -> Facts:
    """What this device's answers to that question say: `types`, `uuid`, `port`, `model`, `scopes`.

    Only what it has; nothing where it answers something else.
    """
    matches = [one for told in answers for one in _matches(told, asked)]
    types = {found[1] for one in matches for word in _words(one, "Types") if (found := _TYPE.fullmatch(word))}
    scopes = [
        unquote(word[len(ONVIF) :])
        for one in matches
        for word in _words(one, "Scopes")
        if word.lower().startswith(ONVIF)
    ]
    kinds = {one for one in scopes if _KIND.fullmatch(one)}
    places = (place(word, address) for one in matches for word in _words(one, "XAddrs"))
    told = {
        "types": ", ".join(sorted(types)[:MOST_WORDS]),
        "uuid": next(filter(None, map(_uuid, matches)), None),
        "port": next((one.port for one in places if one), None),
        "model": next(filter(None, (_hardware(one) for one in scopes)), None),
        "scopes": ", ".join(sorted(kinds)[:MOST_WORDS]),
    }
    return {key: value for key, value in told.items() if value}


def _matches(told: bytes, asked: str) -> Iterator[Any]:
    """The ProbeMatch elements of an answer to our question."""
    try:
        root = xml(told)
    except ProbeError:
        return
    if asked in {(one.text or "").strip() for one in elements(root, "RelatesTo")}:
        yield from root.iter(f"{{{DISCOVERY}}}ProbeMatch")


def _words(match: Any, name: str) -> list[str]:  # noqa: ANN401 - an Element: defusedxml ships no types
    """The words of a list in it."""
    return values(match).get(name, "").split()


def _uuid(match: Any) -> str | None:  # noqa: ANN401
    """Of its EndpointReference."""
    for one in elements(match, "Address"):
        if found := _UUID.fullmatch((one.text or "").strip().lower()):
            return found[1]
    return None


def _hardware(scope: str) -> str | None:
    """`hardware/DS-2CD2042`; `name/AXIS M3045` where it begins with a maker."""
    what, _, text = scope.partition("/")
    if what.lower() == "hardware":
        return discreet(text, 60, strict=False)
    if what.lower() == "name" and text.partition(" ")[0].lower() in MAKERS:
        return model(text)
    return None
