"""Do real hosts tell their IPv6 addresses to one echo, and what does that echo cost them?"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.net import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.net import Host

pytestmark = pytest.mark.lab

NETWORK, OTHER = "2a01:e34:ec00:10::/64", "2a01:e34:ec00:99::/64"
US = "2a01:e34:ec00:10::5"
# Name, IPv4, IPv6: a PACS, a computer with two addresses, a printer without any, one that drops pings.
HOSTS = {
    "pacs": ("10.77.0.20", ("2a01:e34:ec00:10::20",)),
    "pc": ("10.77.0.21", ("2a01:e34:ec00:10::21", "2a01:e34:ec00:10:5d41:a1b2:c3d4:e5f6")),
    "printer": ("10.77.0.22", ()),
    "deaf": ("10.77.0.23", ("2a01:e34:ec00:10::23",)),
    "elsewhere": ("10.77.0.24", ("2a01:e34:ec00:99::24",)),
    "stranger": ("10.77.0.25", ("2a01:e34:ec00:10::25",)),
}
DEAF = "table inet lab { chain in { type filter hook input priority 0; icmpv6 type echo-request drop; }; }"
ASK = """
import json, sys
from ipaddress import IPv6Network
from netwatch.audit import Audit
from netwatch.errors import OutsideError
from netwatch.ipv6 import of_devices
from netwatch.model import Device
known = json.loads(sys.argv[2])
devices = [Device(f"m-{mac.replace(':', '')}", address, mac) for address, mac in known.items()]
audit = Audit()
try:
    heard = of_devices([IPv6Network(sys.argv[1])], devices, audit)
    missed = heard.missed.message if heard.missed else None
    told = {"devices": heard.devices, "strangers": heard.strangers, "missed": missed}
except OutsideError as error:
    told = {"error": error.message}
print(json.dumps(told | {"audit": audit.about("ff02::1")}))
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        for name, (address, globals_) in HOSTS.items():
            host = lab.host(name, address, mac(name))
            for one in globals_:
                add(host, one)
        add(lab.scanner, US)
        lab.hosts["deaf"].firewall(DEAF)
        yield lab


def mac(name: str) -> str:
    return f"02:77:00:00:00:{HOSTS[name][0].rpartition('.')[2]}"


def add(host: Host, address: str) -> None:
    done = host.run(["ip", "-6", "address", "add", f"{address}/64", "dev", "eth0", "nodad"])
    assert done.returncode == 0, done.stderr


def ask(lab: Lab, network: str = NETWORK, *before: str) -> dict[str, Any]:
    known = {HOSTS[name][0]: mac(name) for name in HOSTS if name != "stranger"}
    done = lab.run([*before, sys.executable, "-c", ASK, network, json.dumps(known)])
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def identity(name: str) -> str:
    return f"m-{mac(name).replace(':', '')}"


@pytest.fixture(scope="module")
def told(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """What one roll call tells, and the packets of the scanner's."""
    packets: Path = tmp_path_factory.mktemp("ipv6") / "packets.pcap"
    with lab.capture(packets):
        answer = ask(lab)
    shown = ["tcpdump", "-nn", "-e", "-r", str(packets)]
    return answer, subprocess.run(shown, capture_output=True, text=True, check=True).stdout


def test_each_device_that_answers_has_its_address_in_the_practice_s_network(
    told: tuple[dict[str, Any], str],
) -> None:
    heard, _ = told
    assert heard["devices"][identity("pacs")] == ["2a01:e34:ec00:10::20"]
    assert set(heard["devices"][identity("pc")]) <= set(HOSTS["pc"][1])
    assert set(heard["devices"]) == {identity("pacs"), identity("pc")}
    assert (heard["strangers"], heard["missed"]) == (1, None)


def test_one_packet_was_sent_for_it_and_the_rest_is_the_neighbours_manners(
    told: tuple[dict[str, Any], str],
) -> None:
    heard, packets = told
    ours = [line for line in packets.splitlines() if " > ff02::1: " in line and "echo request" in line]
    assert len(ours) == 1
    assert "33:33:00:00:00:01" in ours[0]
    sent = [line for line in packets.splitlines() if line.split()[1] == "02:77:00:00:00:02"]
    by_the_kernel = ("neighbor", "listener report")  # RFC 4861, RFC 3810
    assert [one for one in sent if one not in ours and not any(what in one for what in by_the_kernel)] == []
    assert [line["ended"] for line in heard["audit"]] == ["3 answers"]


def test_who_drops_pings_is_listed_where_this_machine_has_spoken_with_it(lab: Lab) -> None:
    talk = "import socket; socket.socket(socket.AF_INET6).connect_ex((__import__('sys').argv[1], 9))"
    lab.run([sys.executable, "-c", talk, "2a01:e34:ec00:10::23"], timeout=20)
    assert ask(lab)["devices"][identity("deaf")] == ["2a01:e34:ec00:10::23"]


def test_without_the_right_to_send_raw_packets_it_says_so_and_tells_what_the_kernel_knows(lab: Lab) -> None:
    without = ask(lab, NETWORK, "setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw")
    assert without["missed"] == "address.ipv6-no-right"
    assert without["audit"] == []
    assert identity("pacs") in without["devices"]  # from the calls before


def test_a_network_in_which_this_machine_has_no_address_is_not_asked(lab: Lab) -> None:
    assert ask(lab, OTHER) == {"error": "address.ipv6-elsewhere", "audit": []}
