"""What do the three questions to a box make of miniupnpd itself, and does it change by them?"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.lab.homebox import LINE, PERMIT, Box, Forward
from tests.lab.net import GATEWAY, Lab
from tests.lab.plain_tools import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

pytestmark = pytest.mark.lab

PUBLIC = "5.39.77.1"  # miniupnpd wants one that looks public; nothing leads out of the lab
ONE, OTHER = "10.77.0.40", "10.77.0.41"
ASK = """
import dataclasses, json, sys
import probes
from netwatch.model import Target
from tests.lab.interview import ask

for name, port in (("upnp", 1900), ("natpmp", 5351), ("pcp", 5351)):
    target = Target("d", sys.argv[1], ())
    wanted = {"is_a": "box", "target": target, "network": "10.77.0.0/24"}
    got = ask(probes.load()[name](timeout=1), sys.argv[1], port, **wanted)
    told = [[one.protocol, one.port, one.transport, one.vantage, one.facts] for one in got.seen]
    print(json.dumps({"name": name, "told": told, "rules": got.rules, "reason": got.reason}))
"""
# As on a box whose SSDP hears the group alone; the other answers by ICMP, as a closed port does.
DEAF = "table inet deaf { chain in { type filter hook input priority -10; %s udp dport 1900 %s; }; }"


class Street:
    """A box on a line that leads nowhere, and a host of the practice that asks it for forwards."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.box = Box(lab)
        self.box.host.ip(
            f"link add {LINE} type veth peer name nobody", f"link set {LINE} up", "link set nobody up"
        )
        self.box.dial(PUBLIC, 24, "5.39.77.254")
        self.one = lab.host("one", ONE, "02:77:00:00:00:40", gateway=GATEWAY)

    def upnp(self, version: Literal[1, 2] = 2, *, secure: bool = True) -> None:
        """Turn it on, with nothing mapped."""
        self.box.miniupnpd(secure=secure, permit=PERMIT, version=version)

    def ask_for(self, port: int, to: str, to_port: int, transport: Literal["tcp", "udp"] = "tcp") -> int:
        """As the client upnpc does: 0, or UPnP's error."""
        wanted = Forward(port, to, to_port, transport)
        return self.box.ask_for(self.one, wanted, seconds=3600, name="viewer")

    def asked(self) -> dict[str, Any]:
        """What the three probes say, from the scanner's place."""
        done = self.lab.run([sys.executable, "-c", ASK, GATEWAY])
        assert done.returncode == 0, done.stderr
        return {one["name"]: one for one in map(json.loads, done.stdout.splitlines())}


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    with Lab() as lab:
        yield Street(lab)


def told(asked: Mapping[str, Any], protocol: str) -> list[tuple[int, str, dict[str, Any]]]:
    """What was told in this protocol: port, transport, facts."""
    rows = [row for one in asked.values() for row in one["told"]]
    return [(port, transport, facts) for word, port, transport, _, facts in rows if word == protocol]


@pytest.mark.parametrize("version", [1, 2])
def test_mappings_that_a_client_asked_for_are_told_and_a_static_one_is_not(
    street: Street, version: Literal[1, 2]
) -> None:
    street.upnp(version)
    assert street.ask_for(11112, ONE, 11112) == 0
    assert street.ask_for(5060, ONE, 5060, "udp") == 0
    assert street.ask_for(8080, OTHER, 80) == 718  # secure mode: to itself only
    street.box.forwards = [Forward(13389, ONE, 3389)]
    street.box.apply()
    asked = street.asked()
    forwards = {(port, transport): facts for port, transport, facts in told(asked, "forward")}
    assert set(forwards) == {(11112, "tcp"), (5060, "udp")}
    assert forwards[11112, "tcp"] == {
        "to_address": ONE,
        "to_port": 11112,
        "enabled": True,
        "permanent": False,
        "comment": "viewer",
        "source": None,
        "count": 1,
    }
    [(_, _, listing)] = told(asked, "listing")
    assert (listing["listing"], listing["agree"]) == ("whole", None if version == 1 else True)
    [(port, transport, service)] = told(asked, "upnp")
    assert (port, transport, service["igd"], service["software"]) == (1900, "udp", version, "MiniUPnPd 2.3.1")
    assert [facts["via"] for _, _, facts in told(asked, "wan") if facts["address"] == PUBLIC] == [
        "upnp",
        "nat-pmp",
    ]
    assert asked["upnp"]["rules"] == ["upnp-on", "upnp-forward", "upnp-forward"]


def test_without_secure_mode_a_mapping_to_another_host_is_told_with_that_host(street: Street) -> None:
    street.upnp(secure=False)
    assert street.ask_for(8080, OTHER, 80) == 0
    [(port, _, facts)] = told(street.asked(), "forward")
    assert (port, facts["to_address"], facts["to_port"]) == (8080, OTHER, 80)


def test_a_box_without_mappings_has_taught_us_nothing_and_says_that_it_is_on(street: Street) -> None:
    street.upnp()
    asked = street.asked()
    assert [facts["listing"] for _, _, facts in told(asked, "listing")] == ["empty"]
    assert [one["rules"] for one in asked.values()] == [["upnp-on"], ["natpmp-on"], ["pcp-on"]]
    assert told(asked, "ipv6-firewall") == [(0, "tcp", {"enabled": True, "pinholes": True})]
    assert [facts["result"] for word in ("nat-pmp", "pcp") for _, _, facts in told(asked, word)] == [
        "success",
        "success",
    ]


def test_after_the_questions_the_box_has_the_mappings_that_it_had_and_was_asked_for_no_other(
    street: Street, tmp_path: Path
) -> None:
    street.upnp()
    street.ask_for(11112, ONE, 11112)
    before = {port: where[:2] for port, where in listed(street.one).items()}
    with street.lab.capture(tmp_path / "asked.pcap") as pcap:
        street.asked()
    assert {port: where[:2] for port, where in listed(street.one).items()} == before != {}
    sent = pcap.read_bytes()
    assert b"GetGenericPortMappingEntry" in sent
    assert not any(word in sent for word in (b"#Add", b"#Delete", b"#Force", b"#Set", b"#Request"))


@pytest.mark.parametrize("how", ["drop", "reject"])
def test_where_the_box_does_not_hear_a_search_of_its_own_the_group_finds_it(street: Street, how: str) -> None:
    street.upnp()
    street.box.host.firewall(DEAF % (f"ip daddr {GATEWAY}", how))
    try:
        asked = street.asked()
    finally:
        street.box.host.firewall("delete table inet deaf")
    assert asked["upnp"]["rules"] == ["upnp-on"]


def test_a_box_that_is_turned_off_says_so_itself(street: Street) -> None:
    street.box.stop_miniupnpd()
    asked = street.asked()
    assert {name: (one["told"], one["reason"]) for name, one in asked.items()} == dict.fromkeys(
        ("upnp", "natpmp", "pcp"), ([], "refused")
    )


def test_a_box_that_answers_nothing_at_all_has_taught_us_nothing(street: Street) -> None:
    street.upnp()
    street.box.host.firewall(DEAF % ("", "drop"))
    try:
        asked = street.asked()
    finally:
        street.box.host.firewall("delete table inet deaf")
    assert (asked["upnp"]["told"], asked["upnp"]["reason"]) == ([], "mute")


ROLL = """
import json, sys
from datetime import date
from ipaddress import IPv4Network
from netwatch.audit import Audit
from netwatch.calling import call
from netwatch.classes import table
from netwatch.describing import described, manner
from netwatch.egress import Egress
from netwatch.model import Device
from netwatch.scope import Scope
from netwatch.ssdp import Place
network, audit = IPv4Network("10.77.0.0/24"), Audit()
told = call([network], [Device("m-box", sys.argv[1])], audit, seconds=2.0).devices["m-box"]["ssdp"]
egress = Egress(Scope((network,), until=date.max), audit=audit)
egress.classed(sys.argv[1], table()["box"])
way, at = egress.asking("ssdp", manner(table()["box"])), Place(told["port"], told["path"])
page = described(way, sys.argv[1], at)
print(json.dumps([told, page]))
"""


def test_miniupnpd_tells_everybody_who_it_is_and_its_page_says_what(street: Street) -> None:
    """As any UPnP device does, whatever it is a gateway for."""
    street.upnp()
    done = street.lab.run([sys.executable, "-c", ROLL, GATEWAY])
    assert done.returncode == 0, done.stderr
    told, page = json.loads(done.stdout)
    assert page["uuid"] == told["uuid"]
    assert (told["path"], page["product"]) == ("/rootDesc.xml", "Debian router")
