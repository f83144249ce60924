"""How is a telephone asked what it can do, and what of its answer may be kept? RFC 3261 11, RFC 3581.

OPTIONS rings nowhere and signs nobody in. No user is named. Of a name that might be somebody's, only what the
product rules know is kept: "AVM FRITZ!Box 7590".
"""

from __future__ import annotations

import re
from secrets import token_hex
from typing import TYPE_CHECKING

from netwatch.excerpt import excerpt
from netwatch.model import Reason
from netwatch.plain import model, plain, version
from netwatch.probe import ProbeError

if TYPE_CHECKING:
    from netwatch.model import Facts

ASKS = {401, 407}  # RFC 3261 21.4.2, 21.4.8

# "Yealink SIP-T46S 66.84.0.15", "kamailio (5.6.3 (x86_64/linux))": a name, and a version where one follows.
# What comes after it, such as a card's address or a serial number, is left out.
AGENT = (
    r"([A-Za-z0-9][\w /.+!-]{0,46}?)(?:[ /_(-]+v?(\d+(?:\.\d+)+[\w.~-]*)|[ ,;(]+[0-9A-Fa-f]{12}\b|[,;(]|$)"
)

# "Polycom/5.5.0.23866 PolycomVVX-VVX_501-UA/5.5.0.23866": it says its maker first, and then all again.
TWICE = r"^Polycom/[\d.]+ (?=Polycom)"
LONGEST = 60  # characters of a name


def question(where: str, transport: str) -> bytes:
    """OPTIONS for the server itself. Nobody is called `netwatch.invalid` (RFC 2606); `rport`: answer where
    this came from. `transport`: tcp or udp."""
    over = "" if transport == "udp" else f";transport={transport}"
    told = (
        f"OPTIONS sip:{where}{over} SIP/2.0",
        f"Via: SIP/2.0/{transport.upper()} netwatch.invalid;rport;branch=z9hG4bK{token_hex(8)}",
        "Max-Forwards: 70",
        f"To: <sip:{where}>",
        f"From: <sip:netwatch.invalid>;tag={token_hex(4)}",
        f"Call-ID: {token_hex(8)}",
        "CSeq: 1 OPTIONS",
        "Accept: application/sdp",
        "Content-Length: 0",
    )
    return "\r\n".join((*told, "", "")).encode("ascii")


def facts(answer: bytes) -> Facts:
    """`product`, `version`, and `authentication`: `password` where even this question wants one.

    Raises ProbeError(PROTOCOL) where the answer does not begin as SIP's do.
    """
    status = re.match(rb"SIP/2\.0 (\d{3})\b", answer)
    if status is None:
        raise ProbeError(Reason.PROTOCOL, "no status line that SIP allows")
    head = answer.partition(b"\r\n\r\n")[0]
    agent = re.search(rb"\r\n(?:Server|User-Agent)[ \t]*:([^\r\n]*)", head, re.IGNORECASE)
    said = re.sub(TWICE, "", plain(agent[1]) or "") if agent else ""
    named = re.match(AGENT, said)
    name = named[1].strip() if named else ""
    return {
        "product": model(name) or excerpt("sip", "product", name, LONGEST),
        "version": version(named[2], r"(.+)") if named and named[2] else None,
        "authentication": "password" if int(status[1]) in ASKS else "unknown",
    }
