"""What does a printer say of itself, and whom does it print for? RFC 8011 4.2.5, RFC 8010 3 and 4.

One Get-Printer-Attributes that names the few attributes we keep, in clear; over TLS only where the printer
says that it must be. No other operation is ever sent: nothing is printed, and no job is seen. Where it stops:
what a person may have typed (its name, its place) is not asked for, and its serial number neither.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.certificate import certificate_facts
from netwatch.doors import doors
from netwatch.model import Reason, Vantage
from netwatch.plain import model, version
from netwatch.probe import ProbeError
from netwatch.web import fetch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way
    from netwatch.web import Page

PATHS = ("/ipp/print", "/")  # a printer's (RFC 8011 and IPP Everywhere), and that of the older ones
NOT_FOUND, UPGRADE, LATER = 404, 426, 500  # RFC 9110 15.5.5, 15.5.22, 15.6

# RFC 8010 3.5 and 3.1.1, RFC 8011 5.4.15.
GET_PRINTER_ATTRIBUTES, REQUEST = 0x000B, 1
OPERATION, END = 0x01, 0x03
CHARSET, LANGUAGE, URI, KEYWORD, TEXT_WITH_LANGUAGE = 0x47, 0x48, 0x45, 0x44, 0x35
LAST_DELIMITER, NOT_AUTHENTICATED, BUSY = 0x0F, 0x0402, 0x0500  # from here on, an error of its own
HEADER = struct.Struct(">BBHI")  # version, status, request

MODEL, FIRMWARE, MARK = "printer-make-and-model", "printer-firmware-string-version", "printer-uuid"
WHO, HOW = "uri-authentication-supported", "uri-security-supported"
ASKED = (MODEL, FIRMWARE, MARK, WHO, HOW)

# RFC 8011 5.4.2 and 5.4.3: "requesting-user-name" is a name that nobody checks.
OPEN, LOCKED = {"none", "requesting-user-name"}, {"basic", "digest", "negotiate", "oauth", "certificate"}
SECURITY = ("none", "ssl3", "tls")


@dataclass(frozen=True, slots=True)
class Ipp:
    """One question, for a few named attributes. `timeout`: seconds for each answer."""

    name: ClassVar[str] = "ipp"
    manner: ClassVar[str] = "ipp"
    usual: ClassVar[tuple[int, ...]] = (631,)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, and where it was heard."""
        return doors(target, ("ipp",), self.usual)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection; a second where the printer wants TLS, and one more where it has another path."""
        page, shown = self._asked(target, port, egress, PATHS[0])
        if page.status == UPGRADE:
            page, shown = self._asked(target, port, egress, PATHS[0], tls=True)
        if page.status == NOT_FOUND:
            page, shown = self._asked(target, port, egress, PATHS[1], tls=bool(shown))
        if not _is_ipp(page) and page.status >= LATER:
            raise ProbeError(Reason.BUSY, "the server answers nobody for now")
        if not _is_ipp(page):
            yield target.observed(self.name, port, "http", {})
            return
        told, whole = _attributes(page.body)
        yield target.observed(self.name, port, "ipp", _facts(page, told) | shown)
        if HEADER.unpack_from(page.body)[2] >= BUSY:
            raise ProbeError(Reason.BUSY, "the printer answers nobody for now")
        if not whole:
            raise ProbeError(Reason.PROTOCOL, "an answer that does not end where it says")

    def _asked(
        self, target: Target, port: int, egress: Way, path: str, *, tls: bool = False
    ) -> tuple[Page, Facts]:
        """The answer, and what the certificate says where one was shown."""
        where = f"{target.address}:{port}"
        with egress.connect(target.address, port, patience=self.timeout) as line:
            if tls:
                line.start_tls()
            content = _question(f"{'ipps' if tls else 'ipp'}://{where}{path}")
            told = {"Content-Type": "application/ipp"}
            page = fetch(line, where, path, method="POST", headers=told, content=content)
            return page, certificate_facts(line.certificate)

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """On the practice's network a printer is there to be reached; from the internet it is not."""
        if seen.protocol != "ipp" or seen.vantage is not Vantage.OUTSIDE:
            return
        if seen.facts.get("authentication") == "none":
            yield seen.finding("ipp-no-password")
        else:
            yield seen.finding("ipp-reachable")


def _question(printer: str) -> bytes:
    """Get-Printer-Attributes in IPP 1.1, which every later printer takes. No user is named."""
    asked = [
        _attribute(KEYWORD, "requested-attributes" if at == 0 else "", one) for at, one in enumerate(ASKED)
    ]
    return (
        HEADER.pack(1, 1, GET_PRINTER_ATTRIBUTES, REQUEST)
        + bytes([OPERATION])
        + _attribute(CHARSET, "attributes-charset", "utf-8")
        + _attribute(LANGUAGE, "attributes-natural-language", "en")
        + _attribute(URI, "printer-uri", printer)
        + b"".join(asked)
        + bytes([END])
    )


def _attribute(tag: int, name: str, value: str) -> bytes:
    """RFC 8010 3.1.4 and, without a name, one more value of the one before: 3.1.5."""
    return b"%c%b%b" % (tag, _counted(name), _counted(value))


def _counted(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode("ascii")


def _is_ipp(page: Page) -> bool:
    """Only what answers our own question proves it; others speak HTTP on this port too."""
    if len(page.body) < HEADER.size or not page.header("content-type").startswith("application/ipp"):
        return False
    major, _, _, request = HEADER.unpack_from(page.body)
    return major in {1, 2} and request == REQUEST


def _attributes(body: bytes) -> tuple[Mapping[str, list[bytes]], bool]:
    """(the values of those that we asked for, did it end as it must?). RFC 8010 3.1.

    Every step moves on by three bytes at least, whatever the lengths say, so that it ends with the bytes.
    """
    told: dict[str, list[bytes]] = {name: [] for name in ASKED}
    at, name = HEADER.size, ""
    while at < len(body):
        tag = body[at]
        if tag == END:
            return told, True
        at += 1
        if tag <= LAST_DELIMITER:
            name = ""
            continue
        known, at = _piece(body, at)
        value, at = _piece(body, at)
        if at > len(body):
            break
        name = known.decode("ascii", "replace") or name
        if name in told:
            told[name].append(_text(tag, value))
    return told, False


def _piece(body: bytes, at: int) -> tuple[bytes, int]:
    """Two bytes of length and so many of value, and where the next one begins: perhaps beyond the end."""
    begins = at + 2
    ends = begins + int.from_bytes(body[at:begins], "big")
    return body[begins:ends], ends


def _text(tag: int, value: bytes) -> bytes:
    """A text that says its language begins with it: RFC 8010 3.9."""
    if tag != TEXT_WITH_LANGUAGE:
        return value
    _, at = _piece(value, 0)
    return _piece(value, at)[0]


def _facts(page: Page, told: Mapping[str, list[bytes]]) -> Facts:
    """`product` and `version` as the printer has them; `printer_uuid`: a mark by which it is known again."""
    status = HEADER.unpack_from(page.body)[2]
    first = {name: values[0] for name, values in told.items() if values}
    cups = version(page.header("server"), r"^CUPS/(\d[\d.]*)")
    product = model(first.get(MODEL, b""))
    firmware = version(first.get(FIRMWARE, b""), r"^(\S+)")
    uuid = re.fullmatch(rb"urn:uuid:([0-9a-fA-F-]{36})", first.get(MARK, b""))
    return {
        "product": product or ("CUPS" if cups else None),
        "version": firmware or (None if product else cups),
        "printer_uuid": uuid[1].decode("ascii").lower() if uuid else None,
        "authentication": "password" if status == NOT_AUTHENTICATED else _authentication(told[WHO]),
        "security": ", ".join(one for one in SECURITY if one.encode() in told[HOW]) or None,
    }


def _authentication(told: list[bytes]) -> str:
    """`none` where one of its addresses takes anybody: that is the printer's own word."""
    words = {one.decode("ascii", "replace") for one in told}
    if words & OPEN:
        return "none"
    return "password" if words and words <= LOCKED else "unknown"


PROBE: ProbeFactory = Ipp
