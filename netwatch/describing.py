"""What does a UPnP device say of itself, on the page that its answer to everybody points to? UDA 2.0 2.3.

One page of each device that answered the roll call, over HTTP, only at the address that answered, and only
where the device's class takes such a question: the box, and computers, which are asked for pages anyway. Kept
are its maker, model, version and UUID. Where it stops: a device of another class has told its UUID already,
and no more is asked of it; of a device with several descriptions one is read.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from netwatch import ssdp
from netwatch.model import Reason
from netwatch.probe import OtherProtocol, ProbeError
from netwatch.soap import Talk

if TYPE_CHECKING:
    from netwatch.classes import Class
    from netwatch.model import Facts
    from netwatch.ssdp import Place
    from netwatch.way import Way

UPNP, WEB = "upnp", "web"
PATIENCE, SECONDS = 5.0, 15.0  # for an answer, and for all of it


def manner(is_a: Class) -> str:
    """As which kind of question it is put to this class: the way out refuses what the class does not take."""
    return WEB if UPNP not in is_a.manners and WEB in is_a.manners else UPNP


def described(way: Way, address: str, at: Place) -> Facts:
    """`maker`, `product`, `version`, `uuid`: what it has of them. Raises ProbeError, ScopeError."""
    with Talk(way, address, PATIENCE, time.monotonic() + SECONDS).held() as talk:
        try:
            told = ssdp.description(talk.page(at), address, at, ())
        except OtherProtocol:
            raise ProbeError(
                Reason.PROTOCOL, "no HTTP where the device's description is said to be"
            ) from None
    facts = {"maker": told.maker, "product": told.product, "version": told.firmware, "uuid": told.uuid}
    return {key: value for key, value in facts.items() if value}
