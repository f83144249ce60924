"""Does the imaging server answer a stranger's query? PS3.4 C.4.1, PS3.7 9.1, PS3.8 9.3.

The ladder: association, C-ECHO, then one C-FIND for a study that cannot exist, so that a yes costs no
patient anything. A storage class is negotiated and nothing is sent. The first sign of a record ends the
connection; only the fact that it came is kept.

An association that is accepted does not mean that images can be searched, and a rejection does not
mean that they are safe: the highest rung that was proved is what is told. Where it stops: title and
caller lists are never guessed at, and no object, worklist or patient level is ever asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import StringConstraints

from netwatch.association import (
    ABORT,
    SECONDARY_CAPTURE,
    STUDY_ROOT_FIND,
    VERIFICATION,
    Aborted,
    Accepted,
    Association,
    NotDicom,
    RecordSent,
    Rejected,
)
from netwatch.implementation import recognised
from netwatch.model import Reason
from netwatch.opening import recognise
from netwatch.ports import curated
from netwatch.probe import ProbeError
from netwatch.scope import SILENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.line import Line
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

SUCCESS, PENDING = 0x0000, (0xFF00, 0xFF01)
REFUSED = (0x0122, 0x0124)  # SOP class not supported, not authorised: PS3.7 C
TLS_PORT = 2762
GLANCE = 0.05  # seconds to hear a server that has spoken before it was spoken to

# PS3.8 table 9-21, by source and reason.
REJECTIONS = {
    (1, 1): "no-reason-given",
    (1, 2): "application-context-name-not-supported",
    (1, 3): "calling-ae-title-not-recognized",
    (1, 7): "called-ae-title-not-recognized",
    (2, 1): "no-reason-given",
    (2, 2): "protocol-version-not-supported",
    (3, 1): "temporary-congestion",
    (3, 2): "local-limit-exceeded",
}
TRANSIENT = 2
RESULTS = {1: "rejected-permanent", 2: "rejected-transient"}
SOURCES = {1: "service-user", 2: "service-provider-acse", 3: "service-provider-presentation"}

# PS3.5 6.2, AE: at most 16 characters of printable ASCII, no backslash, no blank at either end.
AeTitle = Annotated[
    str, MinLen(1), MaxLen(16), StringConstraints(pattern=r"^[!-\[\]-~]([ -\[\]-~]*[!-\[\]-~])?$")
]


@dataclass(frozen=True, slots=True)
class Dicom:
    """Association, C-ECHO, then one C-FIND for a random StudyInstanceUID.

    `timeout`: seconds, for the connection, the association, each DIMSE answer and the release.
    `listen`: seconds to let a server of another kind speak first, on ports where DICOM is not at home.
    """

    name: ClassVar[str] = "dicom"
    manner: ClassVar[str] = "dicom"
    usual: ClassVar[tuple[int, ...]] = ()  # ports.toml has them, because the engine guards them
    calling_ae: AeTitle = "NETWATCH"
    called_ae: AeTitle = "ANY-SCP"
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0
    listen: Annotated[float, Ge(0), Le(5)] = 0.5

    def wants(self, target: Target) -> tuple[int, ...]:
        """Every open port but those settled for something else; the usual ones first."""
        known = curated()
        free = [p for p in target.open_ports if p not in SILENT]
        open_to_it = [p for p in free if p not in known or not known[p].settled]
        return tuple(sorted(open_to_it, key=lambda port: (not usual(port), port)))

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """In clear first, then over TLS where the clear talk was cut short; TLS first on its own port.

        A port that spoke DICOM in clear on an earlier night is never greeted in TLS: it may take it ill.
        """
        ways = (self._in_clear,) if port in target.clear else (self._in_clear, self._over_tls)
        trouble: list[ProbeError] = []
        for way in reversed(ways) if port == TLS_PORT else ways:
            facts: Facts = {}
            try:
                way(target, port, egress, facts)
            except NotDicom as other:
                if (word := recognise(other.opening)) != "tls":
                    # That it was heard in clear says nothing of what it speaks otherwise.
                    yield target.observed(self.name, port, word, facts if facts.get("tls") else {})
                    if word == "unknown":  # a PACS in distress, for all we know
                        reason = Reason.PROTOCOL if usual(port) else Reason.MUTE
                        raise ProbeError(reason, "an answer that we do not recognise") from None
                    return
                trouble.append(ProbeError(Reason.PROTOCOL, "TLS, but none that we could agree on"))
            except ProbeError as error:
                if facts.keys() & {"association", "client_certificate"}:
                    yield target.observed(self.name, port, self._word(port, facts), facts)
                    raise
                trouble.append(error)
                if error.reason is Reason.TIMEOUT:
                    break  # a server that waits in silence would do so again: do not insist
            else:
                yield target.observed(self.name, port, self._word(port, facts), facts)
                return
        if usual(port):
            raise trouble[0]
        raise ProbeError(Reason.MUTE, trouble[0].detail)

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """What was proved, not what was open."""
        query, reject = seen.facts.get("query"), seen.facts.get("reject")
        if query == "leaked":
            yield seen.finding("dicom-patient-sent")
        elif query == "answered":
            yield seen.finding("dicom-query-answered")
        elif reject == "called-ae-title-not-recognized":
            yield seen.finding("dicom-name-only")
        if seen.facts.get("store") == "negotiated":
            yield seen.finding("dicom-store-negotiated")

    def _word(self, port: int, facts: Facts) -> str:
        """DICOM where it was proved; behind mutual TLS, DICOM only where it is at home."""
        return self.name if "association" in facts or usual(port) else "tls"

    def _in_clear(self, target: Target, port: int, egress: Way, facts: Facts) -> None:
        """One connection without TLS."""
        facts["tls"] = False
        with egress.connect(target.address, port, patience=self.timeout) as line:
            # A DICOM server never speaks first: what does, is something else and is not spoken to.
            pause = GLANCE if usual(port) else self.listen
            if pause and (heard := line.listen(pause)) and heard[0] != ABORT:
                raise NotDicom(heard)
            self._climb(line, facts)

    def _over_tls(self, target: Target, port: int, egress: Way, facts: Facts) -> None:
        """The ladder inside TLS, and what the server wants to see of us first.

        A refusal for want of our certificate comes inside the handshake in TLS 1.2; in TLS 1.3 the
        handshake ends well, and the first read ends.
        """
        with egress.connect(target.address, port, patience=self.timeout) as line:
            try:
                line.start_tls()
                facts.update(tls=True, tls_version=line.tls_version)
                self._climb(line, facts)
            except ProbeError as error:
                if "association" in facts or not line.asked_certificate or error.reason is Reason.TIMEOUT:
                    raise
                facts.update(tls=True, client_certificate="required")
                if "ALERT" not in error.detail.upper():
                    # It asked for our certificate and hung up without a word: so does a server that is
                    # merely unwell, and it proves nothing gone that was there before.
                    raise ProbeError(Reason.MUTE, "ended after it asked for our certificate") from None
            finally:
                if "association" in facts:
                    words = {True: "optional", False: "not-asked", None: "not-required"}
                    facts["client_certificate"] = words[line.asked_certificate]

    def _climb(self, line: Line, facts: Facts) -> None:
        """The ladder. Fills `facts` as it climbs, so that what was proved survives what fails."""
        talk = Association(line, self.calling_ae, self.called_ae)
        try:
            answer = talk.request()
        except Aborted:
            facts.update(association="aborted", busy=False)
            raise ProbeError(Reason.CLOSED, "aborted at the association request") from None
        if isinstance(answer, Rejected):
            facts.update(rejection(answer))
            facts["asked_as"] = f"{self.calling_ae} > {self.called_ae}"
            if facts["busy"] or answer.result == TRANSIENT:
                raise ProbeError(Reason.BUSY, str(facts["reject"]))
            return
        facts.update(acceptance(answer))
        facts["asked_as"] = f"{self.calling_ae} > {self.called_ae}"
        try:
            self._questions(talk, answer, facts)
        except NotDicom:
            raise ProbeError(Reason.PROTOCOL, "bytes that are no PDU, inside an association") from None
        except ProbeError:
            talk.abort()
            raise
        if facts["query"] == "leaked":
            talk.abort()
        elif facts["query"] != "refused" or "query_status" in facts:
            talk.release()
        if facts["query"] == "unknown":
            # Out of resources or unable to process is no refusal: tomorrow it may answer.
            raise ProbeError(Reason.BUSY, f"C-FIND status {facts.get('query_status')}")

    def _questions(self, talk: Association, answer: Accepted, facts: Facts) -> None:
        """C-ECHO and C-FIND, where they were accepted."""
        if VERIFICATION in answer.contexts:
            self._echo(talk, facts)
        if STUDY_ROOT_FIND in answer.contexts:
            self._query(talk, facts)

    def _echo(self, talk: Association, facts: Facts) -> None:
        facts["echo"] = "none"
        try:
            facts["echo"] = "answered" if talk.echo() == SUCCESS else "refused"
        except Aborted:
            facts["echo"] = "refused"
            raise ProbeError(Reason.CLOSED, "aborted at C-ECHO") from None
        except RecordSent:
            raise ProbeError(Reason.PROTOCOL, "a dataset in answer to C-ECHO") from None

    def _query(self, talk: Association, facts: Facts) -> None:
        try:
            status = talk.find()
        except Aborted:
            facts["query"] = "refused"
            return
        except RecordSent:
            facts["query"] = "leaked"
            return
        facts["query_status"] = f"0x{status:04X}"
        if status in PENDING:
            facts["query"] = "leaked"
        elif status == SUCCESS:
            facts["query"] = "answered"
        elif status in REFUSED:
            facts["query"] = "refused"


def usual(port: int) -> bool:
    """Is DICOM at home on this port?"""
    known = curated().get(port)
    return known is not None and known.usual


def rejection(answer: Rejected) -> Facts:
    """A-ASSOCIATE-RJ in the standard's words."""
    word = REJECTIONS.get((answer.source, answer.reason), f"reserved-{answer.source}-{answer.reason}")
    return {
        "association": "rejected",
        "reject": word,
        "reject_result": RESULTS.get(answer.result, f"reserved-{answer.result}"),
        "reject_source": SOURCES.get(answer.source, f"reserved-{answer.source}"),
        "busy": answer.source == 3 and answer.reason in {1, 2},  # noqa: PLR2004 - table 9-21
    }


def acceptance(answer: Accepted) -> Facts:
    """A-ASSOCIATE-AC: what was negotiated, and what the peer says it is made of."""
    uid, version = answer.implementation_uid, answer.implementation_version
    hint = recognised(uid, version)
    return {
        "association": "accepted",
        "busy": False,
        "echo": "none" if VERIFICATION in answer.contexts else "refused",
        "query": "unknown" if STUDY_ROOT_FIND in answer.contexts else "not-offered",
        "store": "negotiated" if SECONDARY_CAPTURE in answer.contexts else "not-offered",
        "implementation_class_uid": uid,
        "implementation_version": version,
        "toolkit": hint.toolkit,
        "maker": hint.maker,
        "product": hint.product,
    }


PROBE: ProbeFactory = Dicom
