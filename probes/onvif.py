"""Which camera is it? WS-Discovery 1.0 (2005/04) 5.2 and 5.3, as ONVIF Core 7.3 wants it of every camera.

One datagram to the camera alone: a Probe for network video transmitters, to which it answers with its model.
No login, no picture, no setting. Where it stops: the place and the owner that somebody may have typed into it
are not kept. XML from a stranger is not parsed but searched, so that nothing in it is ever expanded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar
from urllib.parse import unquote
from uuid import uuid4

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Reason, Vantage
from netwatch.plain import discreet, model
from netwatch.probe import ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

PORT = 3702
RTSP = (554, 8554)  # where a camera shows its picture

DISCOVERY = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
QUESTION = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" \
xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="{DISCOVERY}" \
xmlns:dn="http://www.onvif.org/ver10/network/wsdl">\
<e:Header><w:MessageID>urn:uuid:{{number}}</w:MessageID>\
<w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To><w:Action>{DISCOVERY}/Probe</w:Action></e:Header>\
<e:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>
"""

SCOPE = "onvif://www.onvif.org/"
UUID = r"(?:urn:)?uuid:([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"


@dataclass(frozen=True, slots=True)
class Onvif:
    """One Probe, by itself and not to the whole network. `timeout`: seconds for the answer."""

    name: ClassVar[str] = "onvif"
    manner: ClassVar[str] = "options"
    usual: ClassVar[tuple[int, ...]] = ()
    timeout: Annotated[float, Ge(0.5), Le(60)] = 3.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Only what looks like a camera."""
        return (PORT,) if doors(target, ("rtsp",), RTSP) else ()

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One datagram, and one back."""
        question = QUESTION.format(number=uuid4()).encode("ascii")
        # Some answer from a port of their own: SOAP-over-UDP binds them to none.
        what = "WS-Discovery Probe"
        told = egress.ask(target.address, port, question, what, patience=self.timeout, any_port=True)
        text = told.decode("utf-8", "replace")
        if not _element(text, "ProbeMatches") or "<!" in text:  # neither a DTD nor a comment belongs there
            raise ProbeError(Reason.PROTOCOL, "no answer that WS-Discovery allows")
        scopes = _value(text, "Scopes").split()
        ours = [one for one in scopes if one.lower().startswith(SCOPE)]
        if ours or "NetworkVideoTransmitter" in _value(text, "Types"):
            yield target.observed(self.name, port, "onvif", _facts(text, ours), transport="udp")

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """A camera on the practice's network is there to be found; from the internet it is not."""
        if seen.protocol == "onvif" and seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("onvif-reachable")


def _element(text: str, name: str) -> bool:
    """Is there such an element, whatever its prefix?"""
    return re.search(rf"<(?:[\w.-]{{1,20}}:)?{name}\b", text) is not None


def _value(text: str, name: str) -> str:
    """The text of the first such element, which holds no other."""
    found = re.search(rf"<(?:[\w.-]{{1,20}}:)?{name}\b[^<>]*>([^<>]*)</", text)
    return found[1] if found else ""


def _facts(text: str, scopes: list[str]) -> Facts:
    """`product`: the model, else a name that is nobody's. `onvif_uuid`: by which it is known again."""
    uuid = re.search(rf"Address\b[^<>]*>\s*{UUID}\s*</", text)
    name = discreet(_said(scopes, "name"), 40) or ""
    if not any(one.isdigit() for one in name):
        name = ""  # one word may be a surname; models have numbers
    return {
        "product": model(_said(scopes, "hardware"), 40) or name or None,
        "onvif_uuid": uuid[1].lower() if uuid else None,
    }


def _said(scopes: list[str], topic: str) -> str:
    """What comes after `onvif://www.onvif.org/hardware/`."""
    begins = f"{SCOPE}{topic}/"
    return next((unquote(one[len(begins) :]) for one in scopes if one.lower().startswith(begins)), "")


PROBE: ProbeFactory = Onvif
