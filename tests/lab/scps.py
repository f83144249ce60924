"""Which DICOM servers does no maker sell? The refusing, the mute, the slow, the flooding, the leaking.

In a test: ``with scp("busy") as peer: ... peer.port, peer.connections, peer.peak, peer.asked``. In a
namespace or in the demo: ``python -m tests.lab.scps busy --bind 127.77.1.10 --port 11112``. Every one
of them counts its connections, the most of them at one moment, and what it was sent.
"""

from __future__ import annotations

import argparse
import random
import signal
import struct
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab import certificates, pdus
from tests.lab.canary import CANARIES, PATIENTS
from tests.lab.certificates import Tls
from tests.lab.pdus import Asked
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BEHAVIOURS", "CANARIES", "PATIENTS", "Scp", "Tls", "accept", "answer", "scp", "status"]

Step = Callable[[Talk, Asked], None]


def hold(talk: Talk, _: Asked) -> None:
    """Never answer."""
    talk.hold()


def abort(talk: Talk, _: Asked) -> None:
    """A-ABORT."""
    talk.send(pdus.abort())
    talk.end()


def close(_talk: Talk, _: Asked) -> None:
    """Gone without a word."""
    raise Over


def say(data: bytes, *, half: bool = True) -> Step:
    """These bytes, and no more."""

    def step(talk: Talk, _: Asked) -> None:
        talk.send(data)
        talk.end(half=half)

    return step


def reject(result: int, source: int, reason: int) -> Step:
    """A-ASSOCIATE-RJ."""
    return say(pdus.rejection(result, source, reason), half=False)


def answer(status: int) -> Step:
    """A DIMSE response with this status and no dataset."""

    def step(talk: Talk, asked: Asked) -> None:
        talk.send(pdus.pdu(pdus.P_DATA, b"".join(pdus.response(asked, status))))

    return step


def then(*steps: Step) -> Step:
    """One after the other."""

    def step(talk: Talk, asked: Asked) -> None:
        for each in steps:
            each(talk, asked)

    return step


def open_offer(syntax: str) -> bool:
    """What an open archive takes."""
    return syntax in {pdus.VERIFICATION, pdus.STUDY_ROOT_FIND} or syntax.startswith(pdus.STORAGE)


def accept(
    offers: Callable[[str], bool] = open_offer,
    version: str = "LAB_SCP",
    implementation: str = pdus.IMPLEMENTATION,
) -> Step:
    """A-ASSOCIATE-AC."""

    def step(talk: Talk, asked: Asked) -> None:
        talk.send(pdus.acceptance(asked, offers, version, implementation))

    return step


def only_called(title: str) -> Step:
    """Accept who calls us by our name."""

    def step(talk: Talk, asked: Asked) -> None:
        (accept() if asked.called == title else reject(1, 1, 7))(talk, asked)

    return step


def drip(talk: Talk, asked: Asked) -> None:
    """A valid A-ASSOCIATE-AC, one byte a second."""
    talk.drip(pdus.acceptance(asked, open_offer, "LAB_SCP", pdus.IMPLEMENTATION), 1.0)


def leak(talk: Talk, asked: Asked) -> None:
    """Whatever was asked: two patients, each response and each dataset in a PDU of its own."""
    for patient in PATIENTS:
        for pdv in pdus.response(asked, pdus.PENDING, dataset=pdus.record(*patient)):
            talk.send(pdus.pdu(pdus.P_DATA, pdv))
    answer(0x0000)(talk, asked)


def leak_at_once(talk: Talk, asked: Asked) -> None:
    """Command and dataset in one PDU, and on and on, for 50 MB."""
    together = b"".join(
        pdus.pdu(pdus.P_DATA, b"".join(pdus.response(asked, pdus.PENDING, dataset=pdus.record(*patient))))
        for patient in PATIENTS
    )
    talk.flood(together * 200, 50_000_000)
    answer(0x0000)(talk, asked)


def huge_length(talk: Talk, _: Asked) -> None:
    """An A-ASSOCIATE-AC of 4 GB, and its first 200 MB."""
    talk.send(struct.pack(">BxI", pdus.ASSOCIATE_AC, 0xFFFFFFFF))
    talk.flood(bytes(65_536), 200_000_000)
    talk.end(half=True)


def huge_pdv(talk: Talk, asked: Asked) -> None:
    """A response of 4 GB, and its first 200 MB."""
    talk.send(struct.pack(">BxIIBB", pdus.P_DATA, 0xFFFFFFFF, 0xFFFFFFFB, asked.context, 3))
    talk.flood(PATIENTS[0][0].encode() * 5_000, 200_000_000)
    talk.end(half=True)


def lines(talk: Talk, _: Asked) -> None:
    """A greeting in forty pieces, unasked."""
    for number in range(40):
        talk.send(f"line {number}\r\n".encode())


def dribble(talk: Talk, _: Asked) -> None:
    """A byte every few milliseconds, unasked and for ever."""
    talk.drip(b"x" * 100_000, 0.02)


def pour(talk: Talk, _: Asked) -> None:
    """As much as the other side takes, unasked."""
    talk.flood(bytes(65_536), 50_000_000)


def wait_for_bytes(talk: Talk, _: Asked) -> None:
    """Servers of other protocols answer when something came."""
    talk.some()


def nothing(_talk: Talk, _: Asked) -> None:
    """Go on."""


def release(talk: Talk, _: Asked) -> None:
    """A-RELEASE-RP."""
    talk.send(pdus.pdu(pdus.RELEASE_RP, bytes(4)))
    talk.end()


@dataclass(frozen=True, slots=True)
class Scp:
    """What a server does at each step; as it stands, an archive that is open to everyone."""

    connect: Step = nothing
    associate: Step = accept()  # noqa: RUF009 - it returns a function
    echo: Step = answer(0x0000)  # noqa: RUF009
    find: Step = answer(0x0000)  # noqa: RUF009
    store: Step = answer(0x0000)  # noqa: RUF009
    release: Step = release
    tls: Tls | None = None
    parallel: int = 100

    def __call__(self, talk: Talk) -> None:
        """One connection."""
        self.connect(talk, Asked())
        kind, body = pdus.read(talk)
        if kind != pdus.ASSOCIATE_RQ:
            raise Over
        asked = pdus.request(body)
        talk.peer.asked.append("A-ASSOCIATE-RQ")
        talk.peer.titles.append((asked.called, asked.calling))
        self.associate(talk, asked)
        steps = {pdus.C_ECHO: self.echo, pdus.C_FIND: self.find, pdus.C_STORE: self.store}
        for kind, message in pdus.messages(talk):
            talk.peer.asked.append(
                {pdus.P_DATA: pdus.COMMANDS.get(message.command, "other"), **ENDS}.get(kind, "other")
            )
            if kind == pdus.P_DATA and message.command in steps:
                talk.peer.datasets.extend([message.dataset] if message.dataset else [])
                steps[message.command](talk, message)
            elif kind == pdus.RELEASE_RQ:
                self.release(talk, message)
            else:
                raise Over


ENDS = {pdus.RELEASE_RQ: "A-RELEASE-RQ", pdus.ABORT: "A-ABORT"}
HTTP = b"HTTP/1.1 400 Bad Request\r\nServer: lab\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
# Not a PDU type, then anything: the same bytes in every run.
GARBAGE = b"\x9f" + random.Random(77).randbytes(4095)  # noqa: S311 - not a secret

BEHAVIOURS: dict[str, Scp] = {
    "open_pacs": Scp(),
    "titles": Scp(associate=only_called("CABINET")),
    "callers": Scp(associate=reject(1, 1, 3)),
    "busy": Scp(associate=reject(2, 3, 1)),
    "limit": Scp(associate=reject(2, 3, 2)),
    "refuses_queries": Scp(find=answer(0x0124)),
    "find_not_offered": Scp(
        associate=accept(lambda syntax: open_offer(syntax) and syntax != pdus.STUDY_ROOT_FIND)
    ),
    "store_not_offered": Scp(
        associate=accept(lambda syntax: open_offer(syntax) and not syntax.startswith(pdus.STORAGE))
    ),
    "echo_status_refused": Scp(echo=answer(0x0122)),
    "leaks": Scp(find=leak),
    "leaks_at_once": Scp(find=leak_at_once),
    "silent": Scp(connect=hold),
    "silent_after_associate": Scp(echo=hold, find=hold, store=hold, release=hold),
    "silent_after_echo": Scp(find=hold, store=hold, release=hold),
    "silent_on_find": Scp(find=hold),
    "silent_on_release": Scp(release=hold),
    "drip": Scp(associate=drip),
    "huge_length": Scp(associate=huge_length),
    "huge_pdv": Scp(find=huge_pdv),
    "aborts_after_connect": Scp(connect=abort),
    "aborts_after_associate": Scp(associate=then(accept(), abort)),
    "aborts_after_echo": Scp(echo=then(answer(0x0000), abort)),
    "aborts_on_find": Scp(find=abort),
    "aborts_after_find": Scp(find=then(answer(0x0000), abort)),
    "closes_after_connect": Scp(connect=close),
    "closes_instead_of_associate": Scp(associate=close),
    "closes_after_associate": Scp(associate=then(accept(), close)),
    "closes_on_echo": Scp(echo=close),
    "closes_after_echo": Scp(echo=then(answer(0x0000), close)),
    "closes_on_find": Scp(find=close),
    "closes_after_find": Scp(find=then(answer(0x0000), close)),
    "garbage": Scp(connect=then(wait_for_bytes, say(GARBAGE))),
    "http": Scp(connect=then(wait_for_bytes, say(HTTP))),
    "ssh_banner": Scp(connect=then(lambda talk, _: talk.send(b"SSH-2.0-lab_1.0\r\n"), hold)),
    "printer": Scp(connect=hold),
    "lines": Scp(connect=then(lines, hold)),
    "dribble": Scp(connect=dribble),
    "pour": Scp(connect=pour),
    "one_at_a_time": Scp(parallel=1),
    "tls_only": Scp(tls=Tls()),
    "mutual_tls": Scp(tls=Tls(mutual=True)),
}


def status(code: int) -> Scp:
    """An archive that ends every C-FIND with this status."""
    return Scp(find=answer(code))


def behaviour(name: str) -> Scp:
    """By its name, or `status:0xA700`, or `titles:NAME`. Raises KeyError."""
    kind, _, option = name.partition(":")
    if kind == "status":
        return status(int(option, 0))
    if kind == "titles" and option:
        return Scp(associate=only_called(option))
    return BEHAVIOURS[name]


@contextmanager
def scp(what: str | Scp, address: str = "127.0.0.1", port: int = 0) -> Iterator[Peer]:
    """A server that is running; `peer.certificate` is its pair where it speaks TLS."""
    does = behaviour(what) if isinstance(what, str) else what
    with tempfile.TemporaryDirectory(prefix="netwatch-scp-") as folder:
        pair = certificates.make(Path(folder), "lab", days=does.tls.days) if does.tls else None
        tls = does.tls.context(pair) if does.tls and pair else None
        with Peer(does, address, port, tls=tls, parallel=does.parallel) as peer:
            peer.certificate = pair
            yield peer


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    words = argparse.ArgumentParser(prog="python -m tests.lab.scps", description=__doc__)
    words.add_argument("name", help=f"status:CODE, titles:NAME, or one of {', '.join(sorted(BEHAVIOURS))}")
    words.add_argument("--bind", default="127.0.0.1")
    words.add_argument("--port", type=int, default=11112)
    given = words.parse_args()
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # before any thread: they inherit it
    with scp(given.name, given.bind, given.port):
        signal.sigwait(signals)


if __name__ == "__main__":
    main()
