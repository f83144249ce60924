"""Which devices does a careless scan harm, and what was done to them? Each counts what happens to it.

In a test: ``with fragile("modality") as peer: ... peer.dead, peer.why, peer.toll``. In a namespace:
``python -m tests.lab.fragile modality --bind 10.77.0.40 --port 104 --state FILE``; FILE then always holds
the toll so far (`read`). What breaks the modality is a composition of what is told of old ones, not one
maker's device: they stop answering, and somebody has to go and switch them off and on.

Connections are the kernel's: a knock that is never completed (SYN, SYN-ACK, RST) is none. Where it stops:
taste.py says what is DICOM, by its structure; what it means is scps.py's, an archive without a study.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import struct
import threading
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.peers import Over, Peer, Talk
from tests.lab.scps import Scp
from tests.lab.taste import taste

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.lab.pdus import Asked

AT_ONCE = 2  # connections that a modality bears
CROWD, SECONDS = 6, 2.0  # so many connections in so many seconds are too many


@dataclass(frozen=True, slots=True)
class Toll:
    """What happened to a device. `why` it died; `pages` and `messages` that came out of it."""

    name: str
    dead: bool = False
    why: str = ""
    connections: int = 0
    peak: int = 0
    bytes: int = 0
    pages: int = 0
    messages: int = 0

    @property
    def hurt(self) -> bool:
        """Whether somebody at the practice would notice: it died, it printed, or an engine was spoken to."""
        return self.dead or self.pages > 0 or (self.name == "hl7" and self.bytes > 0)


class Fragile(Peer):
    """A device that can be hurt. `told` hears its toll after everything that happens to it, in order."""

    def __init__(
        self,
        name: str,
        address: str = "127.0.0.1",
        port: int = 0,
        told: Callable[[Toll], None] = lambda _: None,
    ) -> None:
        """`name`: one of KINDS, else KeyError."""
        self.name = name
        self.dead = False
        self.why = ""
        self.pages = 0
        self.messages = 0
        self.arrivals: deque[float] = deque(maxlen=CROWD)
        self._does = KINDS[name]
        self._told = told
        self._telling = threading.Lock()
        super().__init__(self._meet, address, port)

    @property
    def toll(self) -> Toll:
        """As it is now."""
        return Toll(
            name=self.name,
            dead=self.dead,
            why=self.why,
            connections=self.connections,
            peak=self.peak,
            bytes=self.received,
            pages=self.pages,
            messages=self.messages,
        )

    def count(self, data: bytes) -> None:
        """Bytes came."""
        super().count(data)
        self.tell()

    def page(self) -> None:
        """A page was printed."""
        with self._telling:
            self.pages += 1
        self.tell()

    def message(self) -> None:
        """A message was taken for a real one."""
        with self._telling:
            self.messages += 1
        self.tell()

    def die(self, why: str) -> None:
        """For good: the first cause is the one that counts. The toll is told before the port closes."""
        with self._telling:
            if self.stopping.is_set():
                return
            if not self.dead:
                self.dead, self.why = True, why
        self.tell()
        self.leave()

    def tell(self) -> None:
        """The toll, to whoever wants to hear it."""
        with self._telling:
            self._told(self.toll)

    def _meet(self, talk: Talk) -> None:
        """One connection."""
        with self._telling:
            self.arrivals.append(time.monotonic())
        self.tell()
        self._does(self, talk)


class Tasted(Talk):
    """A talk of which every byte is judged as it comes; the first that is wrong kills the device."""

    def __init__(self, talk: Talk, device: Fragile) -> None:
        """`talk` is used no more."""
        super().__init__(talk.connection, device)
        self.device = device
        self._rest = b""

    def some(self, most: int = 65_536) -> bytes:
        """At least one byte. Raises Over at the end of the stream, and at the end of the device."""
        try:
            data = super().some(most)
        except (Over, OSError):
            if self._rest:
                self.device.die("malformed PDU: the connection ended inside it")
            raise
        self._rest, wrong = taste(self._rest + data)
        if wrong:
            self.device.die(wrong)
            raise Over
        return data


def modality(device: Fragile, talk: Talk, does: Scp | None = None) -> None:
    """Answers as an archive without a study, as long as it is not crowded and hears only DICOM."""
    arrivals = list(device.arrivals)
    if device.peak > AT_ONCE:
        device.die(f"{device.peak} connections at once")
    elif len(arrivals) == CROWD and arrivals[-1] - arrivals[0] <= SECONDS:
        device.die(f"{CROWD} connections within {SECONDS:g} seconds")
    else:
        try:
            (does or Scp())(Tasted(talk, device))
        except (struct.error, LookupError, ValueError) as error:
            device.die(f"malformed message: {type(error).__name__}")


def glass(device: Fragile, talk: Talk) -> None:
    """A modality that the first association request breaks, however well it is made."""

    def shatter(_talk: Talk, _: Asked) -> None:
        device.die("an association request")
        raise Over

    modality(device, talk, Scp(associate=shatter))


def printer(device: Fragile, talk: Talk) -> None:
    """A page for every connection on which anything came, as raw printing does."""
    talk.some()
    device.page()
    talk.hold()


def engine(device: Fragile, talk: Talk) -> None:
    """An interface engine: MLLP frames, each answered with an ACK (HL7 v2, 2.9.2)."""
    heard = b""
    while True:
        heard += talk.some()
        while b"\x1c\r" in heard:
            before, _, heard = heard.partition(b"\x1c\r")
            _, started, frame = before.rpartition(b"\x0b")
            if started:
                device.message()
                talk.send(acknowledgement(frame))


def acknowledgement(message: bytes) -> bytes:
    """That we took it, under the number it gave itself (MSH-10)."""
    number = [*message.partition(b"\r")[0].split(b"|"), *[b""] * 10][9]
    return b"\x0bMSH|^~\\&|LAB|LAB|||||ACK|1|P|2.3\rMSA|AA|" + number + b"\r\x1c\r"


KINDS: dict[str, Callable[[Fragile, Talk], None]] = {
    "modality": modality,
    "glass": glass,
    "printer": printer,
    "hl7": engine,
}


@contextmanager
def fragile(name: str, address: str = "127.0.0.1", port: int = 0) -> Iterator[Fragile]:
    """A device that is running, until the context ends or somebody kills it."""
    with Fragile(name, address, port) as device:
        yield device


def write(path: Path, toll: Toll) -> None:
    """Whole or not at all: a reader never sees half of it."""
    made = path.with_name(f"{path.name}.new")
    made.write_text(json.dumps(asdict(toll)), encoding="utf-8")
    os.replace(made, path)  # noqa: PTH105 - says what it is for


def read(path: Path) -> Toll:
    """What `write` wrote last."""
    return Toll(**json.loads(path.read_text(encoding="utf-8")))


def main() -> None:
    """Serve until SIGTERM or SIGINT, dead or alive."""
    words = argparse.ArgumentParser(prog="python -m tests.lab.fragile", description=__doc__)
    words.add_argument("name", choices=sorted(KINDS))
    words.add_argument("--bind", default="127.0.0.1")
    words.add_argument("--port", type=int, required=True)
    words.add_argument("--state", type=Path, required=True)
    given = words.parse_args()
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # before any thread: they inherit it
    write(given.state, Toll(given.name))
    with Fragile(given.name, given.bind, given.port, lambda toll: write(given.state, toll)):
        signal.sigwait(signals)


if __name__ == "__main__":
    main()
