"""Through which door do connections leave: this machine's own, or that of a server elsewhere?

Egress decides whether and when; an Outlet only carries. Where it stops: `tunnel.py` is the door of a server
that is reached by SSH.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from netwatch.connection import dial, source
from netwatch.knock import Connect, best

if TYPE_CHECKING:
    import socket

    from netwatch.knock import Wire


class Outlet(Protocol):
    """A door. `udp`: can a datagram leave by it?"""

    udp: bool

    def dial(self, address: str, port: int, seconds: float) -> socket.socket:
        """A connected stream socket, on which select and MSG_PEEK work; the caller closes it.

        Raises ProbeError: TIMEOUT "no connection in time", REFUSED "the port is closed", TIMEOUT
        "unreachable", UNFINISHED where the door itself is gone.
        """
        ...

    def wire(self) -> Wire:
        """A way to knock."""
        ...


class Here:
    """This machine's own door. `connects`: knock over the internet, with whole connections."""

    udp = True

    def __init__(self, *, connects: bool = False) -> None:
        """Half-open knocks where they may be sent, unless told otherwise."""
        self.connects = connects

    def dial(self, address: str, port: int, seconds: float) -> socket.socket:
        """As Outlet.dial."""
        return dial(address, port, seconds)

    def source(self, address: str) -> str | None:
        """This machine's own address on the way there; None where there is no way. No packet is sent."""
        return source(address)

    def wire(self) -> Wire:
        """As Outlet.wire."""
        return Connect(far=True) if self.connects else best()
