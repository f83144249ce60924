"""A practice's network, its internet box, and an internet: how does a test get all three on one machine?

::

    the practice, 10.77.0.0/24          the line                  the internet, 62.210.77.0/24
    scanner .2 and what a test  ---  box .1 | 5.39.77.1  ---  provider  ---  vantage .10 (sshd)
    plugs in with lab.host()            neighbour 5.39.77.9  ---'      '---  echo .20 (port 80)
                                                                       '---  stranger .30

All are namespaces of one Lab, with real nftables, miniupnpd, sshd: nothing of it is on the host, and no
packet has a way out, so that addresses that look public do no harm. See homebox.py, provider.py, vantage.py.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, Self

from tests.lab.homebox import PERMIT, Box, Forward
from tests.lab.knocks import ROOT
from tests.lab.net import GATEWAY, Lab
from tests.lab.provider import CARRIER, HIDDEN, HIDDEN_ROUTER, HOME6, ROUTER, STREET6, Provider
from tests.lab.vantage import vantage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from tests.lab.homebox import Transport
    from tests.lab.net import Host


class Internet:
    """The three, for as long as the context lasts. At first nothing is forwarded and UPnP is off."""

    def __init__(self, lab: Lab | None = None) -> None:
        """`lab`: one that runs already, and goes on running afterwards; else one of its own."""
        self.lab = lab or Lab()
        self._own = lab is None
        self.box: Box
        self.provider: Provider

    def __enter__(self) -> Self:
        """The box is connected, the sshd and the echo listen."""
        if self._own:
            self.lab.__enter__()
        try:
            self.box = Box(self.lab)
            self.provider = Provider(self.lab, self.box)
            self.neighbour = self.provider.neighbour
            self.vantage = vantage(self.provider.host("vantage", 10))
            self.echo = self.provider.host("echo", 20)
            self.stranger = self.provider.host("stranger", 30)
            self.echo.start(
                [sys.executable, "-m", "tests.lab.echo", "80"],
                root=False,
                env={"PYTHONPATH": str(ROOT)},
                ready_port=80,
            )
        except BaseException:
            if self._own:
                self.lab.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left, where the lab is our own."""
        if self._own:
            self.lab.__exit__(kind, error, trace)

    @property
    def public(self) -> str:
        """The address from which the internet sees the practice."""
        return CARRIER if self.provider.carrier else self.box.address

    @property
    def echo_page(self) -> str:
        """The page that answers with the caller's address, for `[address] echo`."""
        return f"http://{self.echo.address}/"

    def plug(self, name: str, last: int) -> Host:
        """A host of the practice, 10.77.0.`last`."""
        return self.lab.host(name, f"10.77.0.{last}", f"02:77:00:00:00:{last:02x}", gateway=GATEWAY)

    def forward(self, external: int, to_address: str, to_port: int, transport: Transport = "tcp") -> None:
        """A forward set on the box's pages: UPnP does not show it."""
        self.box.forwards.append(Forward(external, to_address, to_port, transport))
        self.box.apply()

    def dmz(self, address: str | None) -> None:
        """Whatever nobody else gets goes to this host, every port of it; None: the DMZ is off again."""
        self.box.dmz = address
        self.box.apply()

    def hairpin(self, *, on: bool) -> None:
        """Whether the public address works from inside. As delivered it does not: silence."""
        self.box.hairpin = on
        self.box.apply()

    def miniupnpd(
        self, *, secure: bool = True, permit: Sequence[str] = PERMIT, version: Literal[1, 2] = 2
    ) -> None:
        """UPnP, NAT-PMP and PCP are on: the real daemon, on 1900/udp, 5000/tcp and 5351/udp of 10.77.0.1.

        `secure`: a host gets forwards to itself alone. `permit`: its `allow` and `deny` lines; the rest is
        denied. `version`: of the IGD that it says it is. In both it makes a week of a lease of 0 seconds.
        """
        self.box.miniupnpd(secure=secure, permit=permit, version=version)

    def no_miniupnpd(self) -> None:
        """They are off, and what was mapped is gone."""
        self.box.stop_miniupnpd()

    def ask_for(  # noqa: PLR0913 - the arguments of AddPortMapping
        self,
        host: Host,
        external: int,
        internal: int,
        transport: Transport = "tcp",
        *,
        to_address: str | None = None,
        seconds: int = 0,
        name: str = "lab",
    ) -> int:
        """A program on a host of the practice asks the box for a forward (AddPortMapping, by upnpc).

        `to_address`: another's, where it does not ask for itself. Gives 0 where the forward is granted, else
        UPnP's code: 606 for a port that is not permitted, 718 for another's address in secure mode.
        """
        wanted = Forward(external, to_address or host.address, internal, transport)
        return self.box.ask_for(host, wanted, seconds=seconds, name=name)

    def share(self, ports: str | None) -> None:
        """The neighbour's box has the same address: we get these ports ("16384-32767"), it gets the others.

        Both ways: our box calls from our ports only. The neighbour has nothing but what a test starts there,
        and no address of its own meanwhile. None: no longer shared.
        """
        self.box.ports = self.provider.ports = ports
        self.box.apply()
        self.provider.apply()

    def renumber(self, address: str) -> None:
        """The provider gives the box another address, in 5.39.77.0/24; the old one is nobody's."""
        self.provider.carrier = False
        self.box.dial(address, 24, ROUTER)
        self.provider.apply()

    def cgnat(self) -> None:
        """The provider puts the practice behind its own NAT: the box has 100.64.7.2, others see 5.39.78.1.

        No forward reaches the practice any more, whatever the box says. `renumber` ends it.
        """
        self.provider.carrier = True
        self.box.dial(HIDDEN, 10, HIDDEN_ROUTER)
        self.provider.apply()

    def cut(self) -> None:
        """The practice's line is dead."""
        self.provider.cut()

    def restore(self) -> None:
        """It works again."""
        self.provider.restore()

    def ipv6(self, *hosts: Host, firewall: bool = True) -> None:
        """The practice has 2a01:e0a:77:1::/64: scanner and `hosts` get addresses there, ending like their
        IPv4's.

        So do vantage, echo and stranger, elsewhere (`address6`). `firewall`: nothing unasked comes in.
        Once; later `ipv6_firewall` opens and closes.
        """
        self.provider.ipv6()
        for host in (self.lab.scanner, *hosts):
            host.ip(
                f"address add fe80::{host.address.rpartition('.')[2]}/64 dev eth0 nodad",
                f"address add {self.address6(host)}/64 dev eth0 nodad",
                f"route add default via {HOME6}::1",
            )
        self.ipv6_firewall(on=firewall)

    def address6(self, host: Host) -> str:
        """A host's global IPv6 address, once there is IPv6."""
        prefix = HOME6 if host.address.startswith("10.") else STREET6
        return f"{prefix}::{host.address.rpartition('.')[2]}"

    def ipv6_firewall(self, *, on: bool) -> None:
        """Off, every device of the practice is open to the internet over IPv6, without any forward."""
        self.box.ipv6_firewall = on
        self.box.apply()

    @contextmanager
    def capture(self, path: Path, at: Literal["line", "internet"] = "line") -> Iterator[Path]:
        """Keep every frame that passes, as a pcap file.

        `line`: what comes to the box and leaves it. `internet`: what the hosts out there send and get,
        also what is for the neighbour. Cards are those of the routers: tell who speaks by address.
        """
        where = (self.box.host, "line") if at == "line" else (self.provider.router, "street")
        with self.lab.capture(path, *where):
            yield path
