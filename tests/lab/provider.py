"""What lies between a practice's internet box and the internet? Its provider's router, and a neighbour.

One namespace: the practice's line on one card, a neighbour's on another, the internet behind a bridge. It
may give both one address and sort by port (A+P, as MAP-T does, RFC 6346), or put the practice behind an
address of its own (carrier-grade NAT, RFC 6888). The addresses look public, because miniupnpd and netwatch
refuse those of documentation; nothing of all this has a way out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.homebox import LINE, Box, forwarding

if TYPE_CHECKING:
    from tests.lab.net import Host, Lab

PUBLIC = "5.39.77.1"  # the practice's, at first
ROUTER = "5.39.77.254"
NEIGHBOUR = "5.39.77.9"  # with an address of its own, until it has to share ours
CARRIER = "5.39.78.1"  # of the carrier's NAT, for many strangers
HIDDEN, HIDDEN_ROUTER = "100.64.7.2", "100.64.0.1"  # RFC 6598
STREET = "62.210.77.254"  # the router, towards the internet's hosts: 62.210.77.0/24
SORTED = 77  # mark and routing table of what goes to the neighbour

HOME6 = "2a01:e0a:77:1"  # ::/64, the practice's
LINE6 = "2a01:e0a:77:ff"
STREET6 = "2001:bc8:77:1"


class Provider:
    """The router. Whoever changes something calls `apply` afterwards."""

    def __init__(self, lab: Lab, box: Box) -> None:
        """The practice and its neighbour are connected."""
        self.lab = lab
        self.box = box
        self.router = lab.bare("provider")
        self.neighbour = lab.bare("neighbour")
        self.ports: str | None = None
        self.carrier = False
        self._ipv6 = False
        forwarding(self.router)
        cable(box.host, LINE, self.router, "line")
        cable(self.neighbour, "eth0", self.router, "next")
        self.router.ip(
            f"address add {ROUTER}/24 dev line",
            f"address add {HIDDEN_ROUTER}/10 dev line",
            f"address add {ROUTER}/32 dev next",
            "link add street type bridge",
            "link set street addrgenmode none up",
            f"address add {STREET}/24 dev street",
            f"rule add fwmark {SORTED} lookup {SORTED}",
        )
        box.dial(PUBLIC, 24, ROUTER)
        self.apply()

    def host(self, name: str, last: int) -> Host:
        """A host of the internet, 62.210.77.`last`."""
        host = self.lab.bare(name, f"62.210.77.{last}")
        cable(host, "eth0", self.router, name)
        self.router.ip(f"link set {name} master street")
        host.ip(f"address add {host.address}/24 dev eth0", f"route add default via {STREET}")
        return host

    def apply(self) -> None:
        """Load routes and rules anew."""
        self.router.ip(
            f"route replace {NEIGHBOUR}/32 dev next",
            f"route replace blackhole {CARRIER}/32",
            f"route replace {self.box.address}/32 dev next table {SORTED}",
            "neigh flush dev line",  # who had which address a moment ago
        )
        theirs = self.box.address if self.ports else NEIGHBOUR
        self.neighbour.ip(
            "address flush dev eth0",
            f"address add {theirs}/32 dev eth0",
            f"route replace default via {ROUTER} dev eth0 onlink",
        )
        sort = (
            f'iifname "street" ip daddr {self.box.address} meta l4proto {{ tcp, udp }} '
            f"th dport != {self.ports} meta mark set {SORTED}"
            if self.ports
            else ""
        )
        hide = f'oifname "street" ip saddr 100.64.0.0/10 snat ip to {CARRIER}' if self.carrier else ""
        self.router.firewall(RULES.format(sort=sort, hide=hide))

    def cut(self) -> None:
        """Nothing goes through the practice's line any more, and the box sees it."""
        self.router.ip("link set line down")

    def restore(self) -> None:
        """It works again."""
        self.router.ip("link set line up")
        if self._ipv6:
            self._line6()

    def ipv6(self) -> None:
        """The practice gets a prefix that its box routes; the hosts of the internet get addresses."""
        self._ipv6 = True
        for host in (self.router, self.box.host):
            host.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"])
        # a router asks for its neighbours from an address that is of the link alone
        self.router.ip(
            "address add fe80::fe/64 dev street nodad", f"address add {STREET6}::fe/64 dev street nodad"
        )
        for host in self.lab.hosts.values():
            if host.address.startswith("62.210.77."):
                last = host.address.rpartition(".")[2]
                host.ip(
                    f"address add {STREET6}::{last}/64 dev eth0 nodad",
                    f"route add default via {STREET6}::fe",
                )
        self.box.host.ip(
            "address add fe80::1/64 dev eth0 nodad",
            f"address add {HOME6}::1/64 dev eth0 nodad",
            f"address add fe80::1/64 dev {LINE} nodad",
            f"address add {LINE6}::1/64 dev {LINE} nodad",
            f"route add default via {LINE6}::fe",
        )
        self._line6()

    def _line6(self) -> None:
        """A card that goes down forgets these."""
        self.router.ip(
            "address replace fe80::fe/64 dev line nodad",
            f"address replace {LINE6}::fe/64 dev line nodad",
            f"route replace {HOME6}::/64 via {LINE6}::1",
        )


def cable(one: Host, card: str, other: Host, theirs: str) -> None:
    """Connect two hosts, each by a card of this name."""
    one.ip(f"link add {card} type veth peer name {theirs} netns {other.namespace}")
    for host, name in ((one, card), (other, theirs)):
        # as everywhere in the lab: no IPv6 chatter
        host.ip(f"link set {name} addrgenmode none up")


RULES = """\
table inet provider
delete table inet provider
table inet provider {{
    chain sort {{
        type filter hook prerouting priority -150;
        iifname "street" ip daddr 100.64.0.0/10 drop
        {sort}
    }}
    chain hide {{
        type nat hook postrouting priority 100;
        {hide}
    }}
}}
"""
