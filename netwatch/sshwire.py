"""What does a knock look like that a server outside makes for us? A connection that is ended at once, unused.

The server connects as connect(2) does: it cannot be told to leave off, and its kernel repeats the SYN of a
silent port until its socket is closed, and that is when the SSH connection ends. So the tunnel takes a fresh
one after MANY silent ports, and when a device is done.

What a silent port costs its device: 7 SYNs where it is waited for to the end (Linux: 11 seconds since 6.5, 63
before), and about 6 in a sweep at 40 ports a second (measured, Linux 6.18). `repeats` says so to whoever
keeps the device's pace.

A silence counts only once the server has answered a request that it must refuse, sent after the silence: a
server that froze, or a line that broke, would silence everything.

Where it stops: silence says nothing of why. A hoster that lets some ports not out (25, 445) silences them.
"""

from __future__ import annotations

import queue
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from netwatch.bridge import aside, failure
from netwatch.carrier import Asked, Told
from netwatch.model import PortState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netwatch.carrier import Carrier, Channel
    from netwatch.tunnel import Tunnel

MOST = 512  # answers taken in one go
ALIVE = 10.0  # seconds for the server to show that it works through what we send
# Of no other word is the port's state known: there was no way to it, or it is not told why.
STATES = {
    Told.OPENED: PortState.OPEN,
    Told.REFUSED: PortState.CLOSED,
    Told.TIMED_OUT: PortState.FILTERED,
}


class Knocks:
    """As netwatch.knock.Wire. `patience`: seconds for one answer, with the way to the server and back.

    Where an answer cannot be had any more, because the SSH connection ended or the server may not connect,
    `knock` and `hear` raise, and nothing that was under way counts: silence would be taken for an answer.
    """

    name = "ssh"
    after_open = 4  # ACK, FIN, ACK, and RST where the server had begun to speak
    connects = True
    patience = 3.0  # the second SYN, after a second, is also waited for
    repeats = 6  # packets that the server sends by itself to a port that stays silent
    far = True

    def __init__(self, tunnel: Tunnel) -> None:
        """Nothing is asked yet."""
        self._tunnel = tunnel
        self._told: queue.SimpleQueue[tuple[Asked, Told, Channel | None]] = queue.SimpleQueue()
        self._flying: dict[tuple[str, int], tuple[Asked, Carrier]] = {}
        self._guard = threading.Lock()  # of what follows
        self._asked: dict[str, set[Asked]] = {}

    def knock(self, address: str, port: int) -> bool:
        """Have the server connect. Raises as Tunnel.carrier."""
        try:
            carrier = self._tunnel.carrier()
        except BaseException:
            self._drop()
            raise
        self.forget(address, port)
        asked = Asked(address, port, self._tell)
        self._flying[address, port] = asked, carrier
        with self._guard:
            self._asked.setdefault(address, set()).add(asked)
        carrier.ask(asked)
        return True

    def hear(self, seconds: float) -> Iterator[tuple[str, int, PortState | None]]:
        """What the server told. An answer that came late, but before its device is done, counts too."""
        wait = max(0.0, seconds)
        for _ in range(MOST):
            try:
                asked, told, channel = self._told.get(timeout=wait) if wait else self._told.get_nowait()
            except queue.Empty:
                return
            wait = 0.0
            if channel is not None:
                channel.close()
            awaited = self._flying.get((asked.address, asked.port), (None,))[0] is asked
            if told in {Told.LOST, Told.SHORTAGE, Told.PROHIBITED} and awaited:
                self._drop()
                raise failure(told)
            if not self._known(asked) or told is Told.LOST:
                continue
            if awaited:
                self.forget(asked.address, asked.port)
            yield asked.address, asked.port, STATES.get(told)

    def sure(self) -> None:
        """As netwatch.knock.Wire. ProbeError where a server that was asked is not heard any more."""
        for carrier in {carrier for _, carrier in self._flying.values()}:
            if not carrier.answers(ALIVE):
                carrier.close()
                self._drop()
                raise failure(Told.LOST)

    def forget(self, address: str, port: int) -> None:
        """Its time is up."""
        _, carrier = self._flying.pop((address, port), (None, None))
        if carrier is not None:
            carrier.hold(-1)

    def done(self, address: str) -> None:
        """This device is not waited for any more; the server's sockets to it are closed soon."""
        for at, port in list(self._flying):
            if at == address:
                self.forget(at, port)
        with self._guard:
            self._asked.pop(address, None)
        self._leave(address)
        self._tunnel.rest()

    def close(self) -> None:
        """No more knocks. The tunnel stays."""
        self._drop()

    def _drop(self) -> None:
        for address, port in list(self._flying):
            self.forget(address, port)
        with self._guard:
            self._asked.clear()
        self._leave(None)
        self._tunnel.rest()

    def _tell(self, asked: Asked, told: Told, channel: Channel | None) -> None:
        """The carrier's thread, with an answer; a connection that nobody waits for is ended."""
        with self._guard:
            wanted = asked in self._asked.get(asked.address, ())
            if wanted:
                self._told.put((asked, told, channel))
        if channel is not None and not wanted:
            aside(channel)

    def _known(self, asked: Asked) -> bool:
        """Is this the first answer to a question of a device that is not done?"""
        with self._guard:
            waited = self._asked.get(asked.address, set())
            known = asked in waited
            waited.discard(asked)
        return known

    def _leave(self, address: str | None) -> None:
        """Answers that nobody took: connections are ended. None: those of every device."""
        kept = []
        with suppress(queue.Empty):
            while True:
                asked, told, channel = self._told.get_nowait()
                if address not in {None, asked.address}:
                    kept.append((asked, told, channel))
                elif channel is not None:
                    channel.close()
        for one in kept:
            self._told.put(one)
