"""What does a practice's internet box do? It routes, hides the practice behind one address, and forwards.

A Linux box as many are: nftables, the real miniupnpd, the practice's network on one card and the line on
the other. What a person sets on its pages (forwards, the DMZ) and what programs ask for by UPnP are kept
apart, as in those that we know: the second list does not hold the first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tests.lab.net import GATEWAY

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable, Sequence

    from tests.lab.net import Host, Lab

    Transport = Literal["tcp", "udp"]

LINE = "line"  # the box's card on the provider's side; eth0 is the practice's
DESCRIPTION = f"http://{GATEWAY}:5000/rootDesc.xml"
PERMIT = ("allow 1024-65535 10.77.0.0/24 0-65535",)
REFUSED = re.compile(r"failed with code (\d+)")


@dataclass(frozen=True, slots=True)
class Forward:
    """What comes for an external port goes to a port of a host of the practice."""

    external: int
    to_address: str
    to_port: int
    transport: Transport = "tcp"

    @property
    def rule(self) -> str:
        """As nft says it."""
        return f"{self.transport} dport {self.external} dnat ip to {self.to_address}:{self.to_port}"


class Box:
    """The box. Whoever changes something calls `apply` afterwards; what miniupnpd was asked for stays."""

    def __init__(self, lab: Lab) -> None:
        """On the practice's network, and not yet on a line."""
        self.host = lab.host("box", GATEWAY, "02:77:00:00:00:01")
        self.address = ""  # on the line
        self.forwards: list[Forward] = []  # set on its pages
        self.asked: list[Forward] = []  # granted by UPnP
        self.dmz: str | None = None
        self.hairpin = False
        self.ports: str | None = None  # where the address is shared, those that are ours: "16384-32767"
        self.ipv6_firewall = True
        self._daemon: subprocess.Popen[bytes] | None = None
        forwarding(self.host)

    def dial(self, address: str, bits: int, gateway: str) -> None:
        """Take this address on the line, and drop the one before."""
        self.host.ip(
            f"-4 address flush dev {LINE}",
            f"address add {address}/{bits} dev {LINE}",
            f"route replace default via {gateway}",
        )
        self.address = address
        self.apply()

    def apply(self) -> None:
        """Load the rules anew, all or nothing."""
        hidden = f"masquerade to :{self.ports}" if self.ports else "masquerade"
        own = f'iifname "{LINE}" ip daddr {self.address}'
        everything = f"meta l4proto {{ tcp, udp }} dnat ip to {self.dmz}" if self.dmz else ""
        self.host.firewall(
            RULES.format(
                line=LINE,
                address=self.address,
                static=_lines(f"{own} {forward.rule}" for forward in self.forwards),
                rest=_lines([f"{own} {everything}"] if everything else []),
                inside=_lines(self._from_inside(everything)),
                hidden=hidden,
                ipv6="drop" if self.ipv6_firewall else "accept",
            )
        )

    def _from_inside(self, everything: str) -> Iterable[str]:
        """The same for those who call the public address from the practice, where the box can do that."""
        if self.hairpin:
            rules = [forward.rule for forward in (*self.forwards, *self.asked)]
            for rule in (*rules, *([everything] if everything else [])):
                yield f'iifname "eth0" ip daddr {self.address} {rule}'

    def miniupnpd(self, *, secure: bool, permit: Sequence[str], version: Literal[1, 2]) -> None:
        """Start it, with nothing mapped; what an earlier one had granted is gone."""
        self.stop_miniupnpd()
        conf = self.host.lab.scratch / "miniupnpd.conf"
        conf.write_text(
            MINIUPNPD.format(
                line=LINE,
                secure="yes" if secure else "no",
                first="yes" if version == 1 else "no",
                permit="\n".join(permit),
            ),
            encoding="utf-8",
        )
        self.host.firewall(CHAINS)
        argv = ["/usr/sbin/miniupnpd", "-d", "-f", self.host.lab.inside(conf), "-P", "/dev/null"]
        self._daemon = self.host.start(argv, ready_port=5000)

    def stop_miniupnpd(self) -> None:
        """UPnP is off, and its mappings with it."""
        if self._daemon is not None:
            self._daemon.kill()
            self._daemon.wait()
            self._daemon = None
            self.host.firewall("delete table inet miniupnpd")
        if self.asked:
            self.asked.clear()
            self.apply()

    def ask_for(self, host: Host, wanted: Forward, *, seconds: int, name: str) -> int:
        """Have a host ask, by upnpc: 0, or the code of UPnP's refusal. RuntimeError: something else."""
        where = [wanted.to_address, str(wanted.to_port), str(wanted.external), wanted.transport.upper()]
        argv = ["/usr/bin/upnpc", "-u", DESCRIPTION, "-e", name, "-a", *where, str(seconds)]
        done = host.run(argv, root=True)
        if done.returncode == 0 and "is redirected to" in done.stdout:
            self.asked.append(wanted)
            if self.hairpin:
                self.apply()
            return 0
        if refused := REFUSED.search(done.stdout):
            return int(refused[1])
        raise RuntimeError(done.stdout + done.stderr)


def forwarding(host: Host) -> None:
    """Let a host carry the packets of others, and not mind from which side they come."""
    keys = {"ipv4/ip_forward": 1, "ipv4/conf/all/rp_filter": 0, "ipv4/conf/default/rp_filter": 0}
    orders = [f"echo {value} > /proc/sys/net/{key}" for key, value in keys.items()]
    done = host.run(["sh", "-ec", "\n".join(orders)])
    if done.returncode:
        raise RuntimeError(done.stderr)


def _lines(rules: Iterable[str]) -> str:
    return "\n        ".join(rules)


# In the order in which a packet from the line meets them: pages before UPnP (priority -100) before the DMZ.
# What was never asked for is dropped without a word. In postrouting the DNAT has been done: whoever
# goes from the practice to the practice came by the hairpin.
RULES = """\
table inet box
delete table inet box
table inet box {{
    chain static {{
        type nat hook prerouting priority -110;
        {static}
    }}
    chain inside {{
        type nat hook prerouting priority -105;
        {inside}
    }}
    chain rest {{
        type nat hook prerouting priority -90;
        {rest}
    }}
    chain out {{
        type nat hook postrouting priority 100;
        oifname "{line}" meta nfproto ipv4 meta l4proto {{ tcp, udp }} {hidden}
        oifname "{line}" meta nfproto ipv4 masquerade
        ip saddr 10.77.0.0/24 ip daddr 10.77.0.0/24 ct status dnat masquerade
    }}
    chain through {{
        type filter hook forward priority 0; policy drop;
        ct state established,related accept
        ct status dnat accept
        iifname "eth0" oifname "{line}" accept
        meta nfproto ipv6 icmpv6 type != echo-request accept
        meta nfproto ipv6 {ipv6}
    }}
    chain own {{
        type filter hook input priority 0; policy drop;
        iifname "lo" accept
        ct state established,related accept
        meta l4proto icmpv6 accept
        ip daddr {address} icmp type echo-request accept
        ip daddr {address} drop
        iifname "eth0" accept
    }}
}}
"""

# It changes what it finds, and makes nothing: the chains are there before it starts.
CHAINS = """\
table inet miniupnpd {
    chain forward { type filter hook forward priority 0; jump mapped; }
    chain prerouting { type nat hook prerouting priority -100; jump premapped; }
    chain postrouting { type nat hook postrouting priority 100; jump postmapped; }
    chain mapped { }
    chain premapped { }
    chain postmapped { }
}
"""

MINIUPNPD = """\
ext_ifname={line}
listening_ip=eth0
port=5000
enable_upnp=yes
enable_natpmp=yes
secure_mode={secure}
force_igd_desc_v1={first}
friendly_name=Box of the lab
uuid=00000000-0077-0077-0077-000000000001
serial=LAB0000001
model_number=1
upnp_table_name=miniupnpd
upnp_nat_table_name=miniupnpd
upnp_forward_chain=mapped
upnp_nat_chain=premapped
upnp_nat_postrouting_chain=postmapped
{permit}
deny 0-65535 0.0.0.0/0 0-65535
"""
