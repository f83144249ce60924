"""How do we hold a DICOM association without ever receiving a record? PS3.8 9.3, PS3.7 9.3.

pynetdicom encodes what we send. What we receive is read here, PDV by PDV and by hand: a header says
whether a fragment belongs to a command or to a dataset (PS3.8 E.2, bit 0), and a dataset fragment is
never read from the socket at all. No library that logs, warns or decodes ever sees a peer's bytes, so
a patient's name that a server pushes at us is in no variable, log line or traceback of ours.

Where it stops: one association, the default transfer syntax, no object is ever sent.
"""

from __future__ import annotations

import secrets
import struct
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwatch.model import Reason
from netwatch.probe import ProbeError

if TYPE_CHECKING:
    from netwatch.line import Line

VERIFICATION = "1.2.840.10008.1.1"
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2"

# Ours, under the root that anyone may use (PS3.5 B.2): a fixed UUID.
IMPLEMENTATION_UID = "2.25.208925372517340412347109238173624401231"
IMPLEMENTATION_VERSION = "NETWATCH_1"

AC, RJ, P_DATA, RELEASE_RP, ABORT = 2, 3, 4, 6, 7
SMALL = 4  # bytes in the body of an A-ASSOCIATE-RJ, A-RELEASE or A-ABORT
ACCEPTED_MOST = 65_536  # bytes we take for an A-ASSOCIATE-AC: a real one has hundreds
COMMAND_MOST = 4_096  # bytes we take for a command set: a real one has a hundred
ECHO_RSP, FIND_RSP = 0x8030, 0x8020
COMMAND_FIELD, STATUS = (0x0000, 0x0100), (0x0000, 0x0900)


class NotDicom(Exception):  # noqa: N818 - an answer, not an error
    """Something answered, and it was not DICOM. `opening`: its first bytes, for recognising it."""

    def __init__(self, opening: bytes) -> None:
        super().__init__("not DICOM")
        self.opening = opening


class Aborted(Exception):  # noqa: N818 - an answer, not an error
    """The peer sent A-ABORT."""


class RecordSent(Exception):  # noqa: N818 - an answer, not an error
    """The peer started to send a dataset: not one byte of it was read."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A-ASSOCIATE-AC. `contexts`: the abstract syntaxes it accepted."""

    contexts: frozenset[str]
    implementation_uid: str | None
    implementation_version: str | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A-ASSOCIATE-RJ, the three numbers of PS3.8 table 9-21."""

    result: int
    source: int
    reason: int


@dataclass(slots=True)
class Association:
    """One association over one Line. Made, asked, released; or aborted at the first sign of a record."""

    line: Line
    calling: str
    called: str
    _left: int = 0  # bytes of the current P-DATA-TF that are still in the socket
    _message: int = 0

    def request(self) -> Accepted | Rejected:
        """Propose Verification, Study Root FIND and one storage class.

        Raises Aborted, NotDicom, ProbeError.
        """
        self.line.send(_request(self.calling, self.called), "A-ASSOCIATE-RQ")
        kind, size = self._header()
        if kind == AC:
            return _accepted(self._body(size, ACCEPTED_MOST))
        if kind == RJ:
            body = self._body(size, SMALL)
            return Rejected(body[1], body[2], body[3])
        if kind == ABORT:
            self._body(size, SMALL)
            raise Aborted
        raise ProbeError(Reason.PROTOCOL, f"PDU type {kind} in answer to an association request")

    def echo(self) -> int:
        """C-ECHO; its status. Raises Aborted, RecordSent, ProbeError."""
        from pynetdicom.dimse_messages import C_ECHO_RQ  # noqa: PLC0415 - slow to import
        from pynetdicom.dimse_primitives import C_ECHO  # noqa: PLC0415

        ask = C_ECHO()
        ask.AffectedSOPClassUID = VERIFICATION
        return self._ask(C_ECHO_RQ(), ask, VERIFICATION, ECHO_RSP, "C-ECHO-RQ")

    def find(self) -> int:
        """C-FIND at STUDY level for one random StudyInstanceUID and nothing else; the first status.

        No study can match (PS3.4 C.4.1). Raises Aborted, RecordSent, ProbeError.
        """
        from io import BytesIO  # noqa: PLC0415

        from pynetdicom.dimse_messages import C_FIND_RQ  # noqa: PLC0415 - slow to import
        from pynetdicom.dimse_primitives import C_FIND  # noqa: PLC0415

        ask = C_FIND()
        ask.AffectedSOPClassUID = STUDY_ROOT_FIND
        ask.Priority = 2
        ask.Identifier = BytesIO(identifier())
        return self._ask(C_FIND_RQ(), ask, STUDY_ROOT_FIND, FIND_RSP, "C-FIND-RQ")

    def release(self) -> None:
        """A-RELEASE, and wait for its answer; whatever else comes is not read."""
        with suppress(ProbeError, NotDicom):
            self.line.send(_pdu(5, bytes(4)), "A-RELEASE-RQ")
            kind, size = self._header()
            if kind == RELEASE_RP:
                self._body(size, SMALL)

    def abort(self) -> None:
        """A-ABORT: this talk is over."""
        with suppress(ProbeError):
            self.line.send(_pdu(ABORT, bytes(4)), "A-ABORT")

    def _ask(self, message: object, primitive: object, syntax: str, expected: int, what: str) -> int:
        """Send one DIMSE request, return the status of its first response."""
        from pynetdicom.pdu import P_DATA_TF  # noqa: PLC0415 - slow to import

        self._message += 1
        primitive.MessageID = self._message  # type: ignore[attr-defined]
        message.primitive_to_message(primitive)  # type: ignore[attr-defined]
        for part in message.encode_msg(CONTEXTS[syntax], 16_382):  # type: ignore[attr-defined]
            pdu = P_DATA_TF()
            pdu.from_primitive(part)
            self.line.send(pdu.encode(), what)
        command = command_fields(self._command())
        if command.get(COMMAND_FIELD) != expected or STATUS not in command:
            raise ProbeError(Reason.PROTOCOL, "the response is not one to our request")
        return command[STATUS]

    def _command(self) -> bytes:
        """The command set of the next message, and not a byte further."""
        command = b""
        while True:
            if self._left == 0:
                kind, self._left = self._header()
                if kind == ABORT:
                    self._body(self._left, SMALL)
                    raise Aborted
                if kind != P_DATA:
                    raise ProbeError(Reason.PROTOCOL, f"PDU type {kind} in answer to a DIMSE request")
            size, _context, control = struct.unpack(">IBB", self.line.read(6))
            if not control & 1:
                raise RecordSent
            if size < 2 or size + 4 > self._left or len(command) + size > COMMAND_MOST:  # noqa: PLR2004
                raise ProbeError(Reason.LIMIT, "a command set of impossible length")
            command += self.line.read(size - 2)
            self._left -= size + 4
            if control & 2:
                return command

    def _header(self) -> tuple[int, int]:
        """(type, length) of the next PDU. Raises NotDicom where it is none."""
        head = self.line.read(6)
        if not 1 <= head[0] <= ABORT:  # the second byte is reserved: PS3.8 9.3 says not to test it
            raise NotDicom(head)
        return head[0], int.from_bytes(head[2:], "big")

    def _body(self, size: int, most: int) -> bytes:
        if not SMALL <= size <= most:
            raise ProbeError(Reason.LIMIT, f"a PDU that announces {size} bytes")
        return self.line.read(size)


CONTEXTS = {VERIFICATION: 1, STUDY_ROOT_FIND: 3, SECONDARY_CAPTURE: 5}


def identifier() -> bytes:
    """QueryRetrieveLevel=STUDY, StudyInstanceUID=2.25.<random>, implicit little endian; nothing else."""
    study = f"2.25.{uuid.UUID(bytes=secrets.token_bytes(16), version=4).int}"
    return _element(0x0008, 0x0052, "STUDY ") + _element(0x0020, 0x000D, study + "\0" * (len(study) % 2))


def _element(group: int, element: int, value: str) -> bytes:
    return struct.pack("<HHI", group, element, len(value)) + value.encode("ascii")


def _pdu(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBI", kind, 0, len(body)) + body


def _request(calling: str, called: str) -> bytes:
    """A-ASSOCIATE-RQ, PS3.8 9.3.2."""
    from pynetdicom.pdu import A_ASSOCIATE_RQ  # noqa: PLC0415 - slow to import
    from pynetdicom.pdu_primitives import (  # noqa: PLC0415
        A_ASSOCIATE,
        ImplementationClassUIDNotification,
        ImplementationVersionNameNotification,
        MaximumLengthNotification,
    )
    from pynetdicom.presentation import build_context  # noqa: PLC0415

    ask = A_ASSOCIATE()
    ask.application_context_name = "1.2.840.10008.3.1.1.1"
    ask.calling_ae_title = calling
    ask.called_ae_title = called
    contexts = []
    for syntax, number in CONTEXTS.items():
        context = build_context(syntax, IMPLICIT_LITTLE_ENDIAN)
        context.context_id = number
        contexts.append(context)
    ask.presentation_context_definition_list = contexts
    longest = MaximumLengthNotification()
    longest.maximum_length_received = 16_382
    us = ImplementationClassUIDNotification()
    us.implementation_class_uid = IMPLEMENTATION_UID
    name = ImplementationVersionNameNotification()
    name.implementation_version_name = IMPLEMENTATION_VERSION
    ask.user_information = [longest, us, name]
    pdu = A_ASSOCIATE_RQ()
    pdu.from_primitive(ask)
    return pdu.encode()


def _accepted(body: bytes) -> Accepted:
    """Read an A-ASSOCIATE-AC, PS3.8 9.3.3: which contexts, and what the peer says it is."""
    uid = version = None
    accepted = set()
    names = {number: syntax for syntax, number in CONTEXTS.items()}
    for kind, item in _items(body[68:]):
        if kind == 0x21 and len(item) >= 4 and item[2] == 0 and item[0] in names:  # noqa: PLR2004
            accepted.add(names[item[0]])
        elif kind == 0x50:  # noqa: PLR2004
            user = dict(_items(item))
            uid, version = _text(user.get(0x52), 64), _text(user.get(0x55), 16)
    return Accepted(frozenset(accepted), uid, version)


def _items(data: bytes) -> list[tuple[int, bytes]]:
    """The (type, value) items of PS3.8 9.3.1. Raises ProbeError where lengths do not add up."""
    items = []
    while data:
        size = int.from_bytes(data[2:4], "big")
        if len(data) < 4 + size:
            raise ProbeError(Reason.PROTOCOL, "items that are longer than their PDU")
        items.append((data[0], data[4 : 4 + size]))
        data = data[4 + size :]
    return items


def _text(raw: bytes | None, most: int) -> str | None:
    """Printable ASCII, at most so many characters (PS3.7 D.3.3.2)."""
    if raw is None:
        return None
    return "".join(chr(byte) for byte in raw[:most] if 32 <= byte < 127).strip() or None  # noqa: PLR2004


def command_fields(command: bytes) -> dict[tuple[int, int], int]:
    """The 16-bit fields of a command set, implicit little endian (PS3.7 6.3.1); the others are skipped."""
    fields = {}
    while len(command) >= 8:  # noqa: PLR2004
        group, element, size = struct.unpack("<HHI", command[:8])
        if size == 2 and len(command) >= 10:  # noqa: PLR2004
            fields[group, element] = int.from_bytes(command[8:10], "little")
        command = command[8 + size :]
    return fields
