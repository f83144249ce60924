"""How do our connections leave from a server elsewhere? Through SSH, with nothing installed there.

The server makes each connection for us (direct-tcpip, RFC 4254 7.2) and we speak through it. One SSH
connection carries many; where it ends, the question that was under way has no answer, and the next has a new
connection.

Where it stops: whether that server is outside is for vantage.py. ~/.ssh/config is not read, and no host on
the way (ProxyJump) is gone through. No datagrams.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from netwatch.audit import Audit
from netwatch.errors import OutsideError
from netwatch.hostkeys import Where, address_of
from netwatch.model import Reason
from netwatch.probe import ProbeError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from netwatch.carrier import Carrier
    from netwatch.internet import OutsideSettings
    from netwatch.knock import Wire

SECONDS = 15.0  # for a new SSH connection, from the name to the login
GLANCE = 0.1  # seconds until a stop is noticed
MANY = 100  # ports without an answer after which a fresh SSH connection is made ready
TOO_MANY = 400  # and without which nothing more is asked: a server has about 1000 sockets
FEW = 20  # that may stay behind when a device is done
APART = 6.0  # seconds between two of our logins: some servers' firewalls block six in half a minute
MOST_LOST = 5  # SSH connections in a row that ended by themselves soon after they began
HELD = 60.0  # seconds after which one was no failure
ASKING = 5.0  # seconds for the one command
LINE = 256  # bytes of what it prints
COMMAND = "echo $SSH_CONNECTION"  # the only one that is ever run


class Tunnel:
    """The door of a server that is reached by SSH, as netwatch.outlet.Outlet. Safe to share between threads.

    `peer`: the server's address as we reach it; a later SSH connection goes to the same. `open` and `with`
    connect; without them the first question does.
    """

    udp = False

    def __init__(
        self,
        settings: OutsideSettings,
        stopped: Callable[[], bool] = lambda: False,
        audit: Audit | None = None,
        *,
        seconds: float = SECONDS,
        apart: float = APART,
    ) -> None:
        """`stopped`: says when to leave off. `audit`: where each SSH connection is noted; what is asked
        through it is for egress.py to note. `seconds`: for each SSH connection to come about. `apart`:
        between two logins.
        """
        self._settings = settings
        self._stopped = stopped
        self._audit = audit or Audit()
        self._seconds = seconds
        self._apart = apart
        self._lock = threading.Lock()
        self._used: Carrier | None = None
        self._old: list[Carrier] = []  # replaced, and not closed before what they carry has ended
        self._fresh: Making | None = None
        self._tried = 0.0
        self._lost = 0
        self._closed = False
        self._seen: tuple[str | None, ...] = ()
        self.peer = ""

    def open(self) -> None:
        """Connect and log in, where that is not done. Raises OutsideError, and nothing is left then."""
        try:
            self.carrier().hold(-1)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """As open."""
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """As close."""
        self.close()

    def close(self) -> None:
        """End it, and all that it carries."""
        with self._lock:
            self._closed = True
            carriers = [*self._old, *([self._used] if self._used else [])]
            self._used, self._old = None, []
            fresh, self._fresh = self._fresh, None
        if fresh is not None:
            fresh.abandon()
        for carrier in carriers:
            carrier.close()
        for carrier in carriers:
            carrier.join(1.0)

    def dial(self, address: str, port: int, seconds: float) -> socket.socket:
        """As Outlet.dial. OutsideError where the server is not allowed to connect, or cannot be reached."""
        from netwatch.bridge import dial  # noqa: PLC0415 - slow to import

        return dial(self.carrier(), address, port, seconds, self._stopped)

    def wire(self) -> Wire:
        """As Outlet.wire."""
        from netwatch.sshwire import Knocks  # noqa: PLC0415 - slow to import

        return Knocks(self)

    def seen_from(self) -> str | None:
        """The address from which the server sees us; None where it may not tell. It is asked once."""
        if not self._seen:
            self._seen = (self._ask(),)
        return self._seen[0]

    def _ask(self) -> str | None:
        from netwatch.bridge import Wait  # noqa: PLC0415 - slow to import
        from netwatch.carrier import Asked, execute  # noqa: PLC0415

        carrier, wait, told = self.carrier(), Wait(), b""
        try:
            carrier.session(Asked("", 0, wait.tell))
            channel = wait.opened(ASKING, self._stopped)
            execute(channel, COMMAND)
            by = time.monotonic() + ASKING
            while len(told) < LINE and b"\n" not in told and (left := by - time.monotonic()) > 0:
                channel.settimeout(left)
                part = channel.recv(LINE)
                if not part:
                    break
                told += part
            channel.close()
        except (OutsideError, ProbeError, OSError, EOFError):
            pass
        finally:
            carrier.hold(-1)
        return address_of(told.decode("ascii", "replace").partition(" ")[0]) if b"\n" in told else None

    def carrier(self) -> Carrier:
        """The SSH connection for what is asked next, held: whoever asks lets it go (`hold(-1)`).

        A new one where the last ended by itself, or has too many ports that never answered. OutsideError
        where it cannot be had.
        """
        with self._lock:
            if self._closed:
                raise ProbeError(Reason.UNFINISHED, "the tunnel was closed")
            used = self._used
            if used is None or not used.active:
                used = self._again(used)
            elif self._fresh or used.unanswered >= MANY:
                used = self._renew(used)
            self._reap()
            used.hold()
            return used

    def rest(self) -> None:
        """Nobody knocks for now: sockets that the server holds for silent ports are given up."""
        with self._lock:
            if self._used is not None and self._used.unanswered >= FEW:
                self._old.append(self._used)
                self._used = None
            self._reap()

    def _again(self, ended: Carrier | None) -> Carrier:
        """Connect: for the first time, after a rest, or after an end that nobody wished."""
        if ended is not None:
            self._used = None
            self._lost = 0 if time.monotonic() - ended.since > HELD else self._lost + 1
        if self._lost >= MOST_LOST:
            raise OutsideError("vantage.lost", Reason.UNFINISHED, times=self._lost)
        making, self._fresh = self._fresh or self._making(), None
        self._tried = time.monotonic()
        try:
            return self._use(making.wait(self._seconds, self._stopped))
        except OutsideError:
            self._lost += 1
            raise

    def _renew(self, used: Carrier) -> Carrier:
        """Have a fresh one made aside, and use it once it is there."""
        if self._fresh is None:
            if time.monotonic() - self._tried < self._apart and used.unanswered < TOO_MANY:
                return used
            self._fresh, self._tried = self._making(), time.monotonic()
        if used.unanswered < TOO_MANY and not self._fresh.over:
            return used
        making, self._fresh = self._fresh, None
        try:
            carrier = making.wait(self._seconds, self._stopped)
        except OutsideError:
            if used.unanswered >= TOO_MANY:
                raise
            return used
        self._old.append(used)
        return self._use(carrier)

    def _use(self, carrier: Carrier) -> Carrier:
        self._used = carrier
        self.peer, port = carrier.at
        self._audit.write("vantage", self.peer, port=port, sent=["SSH login"])
        return carrier

    def _reap(self) -> None:
        """Those that were replaced end when nobody waits for anything from them."""
        for carrier in self._old[:]:
            if carrier.idle or not carrier.active:
                carrier.close()
                self._old.remove(carrier)

    def _making(self) -> Making:
        from netwatch.login import login  # noqa: PLC0415 - slow to import

        said = Where.parse(self._settings.ssh).said
        return Making(lambda: login(self._settings, self.peer or None, self._seconds), said)


class Making:
    """A thread that makes one SSH connection: a name server, or an agent for keys, could hold us for ever."""

    def __init__(self, make: Callable[[], Carrier], said: Mapping[str, object]) -> None:
        """It begins. `said`: what our sentences call the server."""
        self._make = make
        self._said = said
        self._guard = threading.Condition()
        self._made: Carrier | None = None
        self._error: Exception | None = None
        self._abandoned = False
        threading.Thread(target=self._run, name="login", daemon=True).start()

    @property
    def over(self) -> bool:
        """Is it made, or has it failed?"""
        return self._made is not None or self._error is not None

    def wait(self, seconds: float, stopped: Callable[[], bool]) -> Carrier:
        """The connection. Raises OutsideError; ProbeError after a stop."""
        by = time.monotonic() + seconds + 1  # it has its own end, and a better word for it
        with self._guard:
            while not self.over:
                if stopped() or time.monotonic() > by:
                    self._abandoned = True
                    if stopped():
                        raise ProbeError(Reason.UNFINISHED, "the scan was stopped")
                    raise OutsideError("vantage.too-slow", Reason.TIMEOUT, **self._said)
                self._guard.wait(GLANCE)
        if self._made is None:
            assert self._error is not None  # noqa: S101 - it is over
            raise self._error
        return self._made

    def abandon(self) -> None:
        """Nobody wants it any more."""
        with self._guard:
            self._abandoned = True
            made = self._made
        if made is not None:
            made.close()

    def _run(self) -> None:
        made: Carrier | None = None
        error: Exception | None = None
        try:
            made = self._make()
        except Exception as found:  # noqa: BLE001 - raised where it is waited for
            error = found
        with self._guard:
            self._made, self._error = made, error
            late = self._abandoned
            self._guard.notify_all()
        if late and made is not None:
            made.close()
