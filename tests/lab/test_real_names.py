"""What do avahi, wsdd and systemd-resolved tell to one roll call, and what does it cost their network?"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from netwatch import llmnr, mdns, ssdp, wsd
from tests.lab.doors import room
from tests.lab.net import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.lab.net import Host

pytestmark = pytest.mark.lab

PRINTER = (
    "<service><type>_ipp._tcp</type><port>631</port>%s</service>"
    "<service><type>_http._tcp</type><port>80</port></service>"
)
PRINTER_SAYS = (
    "rp=ipp/print",
    "ty=Brother MFC-9140CDN",
    "note=Bureau de Mme Durand",
    "usb_MFG=Brother",
    "UUID=e3248000-80ce-11db-8000-30055c6f279f",
)
# As the NAS's own avahi announces it, and the picture that it has a Mac draw.
NAS = (
    "<service><type>_http._tcp</type><port>5000</port>%s</service>"
    "<service><type>_device-info._tcp</type><port>0</port><txt-record>model=Xserve</txt-record></service>"
)
NAS_SAYS = (
    "vendor=Synology",
    "model=DS218+",
    "serial=17A0PCN482002",
    "version_major=6",
    "version_minor=2",
    "version_build=25556",
    "admin_port=5000",
)
SMB = "<service><type>_smb._tcp</type><port>445</port>%s</service>"
DAEMON = """[server]
host-name={}
use-ipv6=no
enable-dbus=no
[publish]
publish-hinfo=no
publish-workstation=no
[rlimits]
"""
# Before FURNISH of tests/lab/doors.py: users that these servers insist on, and a name of the machine's own.
DRESS = """\
mount --bind "$1/passwd" "$2/etc/passwd"
mount --bind "$1/group" "$2/etc/group"
echo "$3" > /proc/sys/kernel/hostname
shift 3
exec "$@"
"""
USERS = {"root": 0, "avahi": 106, "systemd-resolve": 107}
HOSTS = {
    "printer": "10.77.0.20",
    "nas": "10.77.0.21",
    "pc": "10.77.0.22",
    "laptop": "10.77.0.23",
    "alone": "10.77.0.24",
    "stranger": "10.77.0.25",
    "elsewhere": "10.78.0.26",
    "mute": "10.77.0.27",
}
GROUPS = {mdns.GROUP, wsd.GROUP, ssdp.GROUP, llmnr.GROUP}
ASK = """
import json, sys
from ipaddress import IPv4Network
from netwatch.audit import Audit
from netwatch.calling import call
from netwatch.model import Device
devices = [Device(f"m-{name}", address, None, left_alone="2026-11-01" if name == "alone" else None)
    for name, address in json.loads(sys.argv[1]).items()]
audit = Audit()
called = call([IPv4Network(one) for one in sys.argv[2:]], devices, audit, seconds=2.0)
told = {"devices": called.devices, "strangers": called.strangers, "outside": called.outside}
told["missed"] = [one.message for one in called.missed]
told["sent"] = sum(len(line["sent"]) for group in %r for line in audit.about(group))
print(json.dumps(told))
"""


@dataclass(frozen=True, slots=True)
class Street:
    """The hosts, with a server or two on each."""

    lab: Lab

    def host(self, name: str) -> Host:
        number = HOSTS[name].rpartition(".")[2]
        made = self.lab.host(name, HOSTS[name], f"02:77:00:00:00:{number}")
        made.ip("route add 224.0.0.0/4 dev eth0", "route replace 10.77.0.0/24 dev eth0")
        return made

    def avahi(self, name: str, called: str, services: str, says: Sequence[str] = ()) -> None:
        """avahi-daemon with these services."""
        host = self.host(name)
        home = room(host, "avahi", 5353)
        home.make("run/avahi-daemon")
        folder = home.make("etc/avahi/services")
        (folder.parent / "avahi-daemon.conf").write_text(DAEMON.format(called), encoding="utf-8")
        texts = "".join(f"<txt-record>{text}</txt-record>" for text in says)
        told = services % texts
        (folder / "all.service").write_text(
            f"<service-group><name>Chez Paul Martin</name>{told}</service-group>", encoding="utf-8"
        )
        argv = ["/usr/sbin/avahi-daemon", "--no-drop-root", "--no-chroot", "--no-rlimits"]
        process = self.dressed(host, home.folder, called, home._furnished(argv))
        home.wait(lambda: "successfully established" in host.log.read_text(encoding="utf-8"), process)

    def resolved(self, name: str, called: str) -> None:
        """systemd-resolved, for LLMNR alone."""
        host = self.host(name)
        home = room(host, "resolved", llmnr.PORT)
        home.make("run/systemd")
        config = "[Resolve]\nLLMNR=yes\nMulticastDNS=no\nDNSStubListener=no\nDNS=127.0.0.9\n"
        (home.make("etc/systemd") / "resolved.conf").write_text(config, encoding="utf-8")
        argv = home._furnished(["/lib/systemd/systemd-resolved"])
        process = self.dressed(host, home.folder, called, argv, {"SYSTEMD_LOG_LEVEL": "debug"})
        probed = f"Record {called} IN A {host.address} successfully probed"
        home.wait(lambda: probed in host.log.read_text(encoding="utf-8"), process)

    def wsdd(self, host: Host, called: str) -> None:
        """wsdd, as Windows computers do it."""
        home = room(host, "wsdd", wsd.PORT)
        home.start(
            ["/usr/bin/python3", "/usr/sbin/wsdd", "-i", "eth0", "-4", "-n", called], wsd.PORT, udp=True
        )

    def dressed(
        self, host: Host, folder: Path, called: str, argv: Sequence[str], env: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start it among USERS, on a machine that is called so."""
        rows = [f"{name}:x:{number}:{number}::/:/bin/false\n" for name, number in USERS.items()]
        (folder / "passwd").write_text("".join(rows), encoding="utf-8")
        groups = [f"{name}:x:{number}:\n" for name, number in USERS.items()]
        (folder / "group").write_text("".join(groups), encoding="utf-8")
        before = ["unshare", "--uts", "sh", "-euc", DRESS, "dress", str(folder), str(self.lab.root), called]
        return host.start([*before, *argv], root=False, env=env)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        street = Street(lab)
        street.avahi("printer", "BRN30055C6F279F", PRINTER, PRINTER_SAYS)
        street.avahi("nas", "DiskStation", NAS, NAS_SAYS)
        street.avahi("laptop", "MacBook-de-Dr-Martin", SMB)
        street.avahi("alone", "ecg", SMB)
        street.avahi("stranger", "phone", SMB)
        street.resolved("pc", "PC-SECRETARIAT")
        street.host("mute")
        street.wsdd(lab.hosts["pc"], "PC-SECRETARIAT")
        street.wsdd(street.host("elsewhere"), "NEIGHBOUR")
        yield lab


def ask(lab: Lab, *networks: str) -> dict[str, Any]:
    known = {name: address for name, address in HOSTS.items() if name != "stranger"}
    done = lab.run([sys.executable, "-c", ASK % GROUPS, json.dumps(known), *networks])
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def told(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[str]]:
    """What one roll call tells, and the packets of the scanner's own."""
    packets: Path = tmp_path_factory.mktemp("names") / "packets.pcap"
    with lab.capture(packets):
        answer = ask(lab, "10.77.0.0/24")
    shown = ["tcpdump", "-nn", "-v", "-tt", "-r", str(packets), "udp and src host 10.77.0.2"]
    printed = subprocess.run(shown, capture_output=True, text=True, check=True).stdout
    return answer, printed.replace("\n    ", " ").splitlines()


def test_a_printer_tells_its_model_and_not_where_it_stands(told: tuple[dict[str, Any], list[str]]) -> None:
    assert told[0]["devices"]["m-printer"]["mdns"] == {
        "name": "BRN30055C6F279F",
        "services": "http, ipp",
        "model": "Brother MFC-9140CDN",
        "maker": "Brother",
        "uuid": "e3248000-80ce-11db-8000-30055c6f279f",
        "told_by": "ipp",
    }


def test_a_nas_tells_its_version_and_is_not_taken_for_a_mac(told: tuple[dict[str, Any], list[str]]) -> None:
    assert told[0]["devices"]["m-nas"]["mdns"] == {
        "name": "DiskStation",
        "services": "device-info, http",
        "model": "DS218+",
        "maker": "Synology",
        "serial": "17A0PCN482002",
        "version": "6.2-25556",
        "told_by": "http",
    }


def test_a_computer_tells_its_name_and_that_it_is_one(told: tuple[dict[str, Any], list[str]]) -> None:
    seen = told[0]["devices"]["m-pc"]
    assert seen["llmnr"] == {"name": "PC-SECRETARIAT"}
    assert seen["wsd"]["types"] == "Computer, Device"
    assert len(seen["wsd"]["uuid"]) == 36


def test_a_machine_s_own_name_is_shown_and_the_name_of_its_services_is_not(
    told: tuple[dict[str, Any], list[str]],
) -> None:
    assert told[0]["devices"]["m-laptop"] == {"mdns": {"name": "MacBook-de-Dr-Martin", "services": "smb"}}
    assert "Chez" not in json.dumps(told[0])


def test_who_is_left_alone_or_mute_or_elsewhere_is_not_recorded(
    told: tuple[dict[str, Any], list[str]],
) -> None:
    assert set(told[0]["devices"]) == {"m-printer", "m-nas", "m-pc", "m-laptop"}
    assert (told[0]["strangers"], told[0]["outside"], told[0]["missed"]) == (1, 1, [])


def test_all_that_was_sent_went_to_the_groups_and_no_router_takes_it_on(
    told: tuple[dict[str, Any], list[str]],
) -> None:
    answer, packets = told
    assert len(packets) == answer["sent"] == len(mdns.SERVICES) + 1 + 1 + 1 + 5
    for line in packets:
        assert "ttl 1," in line
        assert any(f" > {group}." in line for group in GROUPS), line


def test_no_device_got_more_in_any_second_than_a_guarded_one_may(
    told: tuple[dict[str, Any], list[str]],
) -> None:
    times = [float(line.split()[0]) for line in told[1]]
    assert all(later - first > 1.0 for first, later in zip(times, times[10:], strict=False))


def test_a_network_of_which_the_site_has_a_part_is_not_asked(lab: Lab) -> None:
    answer = ask(lab, "10.77.0.0/25")
    assert (answer["devices"], answer["sent"], answer["missed"]) == ({}, 0, ["calling.partly"])
    assert ask(lab, "10.79.0.0/24")["missed"] == ["calling.elsewhere"]
