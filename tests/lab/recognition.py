"""How many devices a second are recognised from stored answers? `python -m tests.lab.recognition`.

A made-up town of practices: PCs, printers, storage, boxes, archives, cameras, telephones, each with the
answers that our probes keep of such a device (5 to 9, and what the sweep saw of each port beside them). The
words differ from device to device, in versions, names and keys, so that not all of it is a repetition.
Judging is pure: nothing is asked, nothing is stored; so what counts is the time of one core, however busy the
machine is. It prints, and never fails because a number is too low.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from statistics import mean, median
from typing import TYPE_CHECKING

from netwatch.model import Device, Observation, Vantage
from netwatch.recognise import recognise
from tests.lab.tables import show, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.table import Table

    from netwatch.model import Facts

    Told = tuple[str, int, Facts]  # protocol, port, facts

AIM = 10_000  # devices a second
DEVICES = 10_000
ROUNDS = 5
AT = datetime(2026, 11, 30, 3, tzinfo=UTC)


def pc(number: int) -> Iterator[Told]:
    """A Windows PC: SMB, remote desktop, WinRM, RPC, names three times."""
    build = ("10.0.19045", "10.0.22631", "10.0.26100", "10.0.17763")[number % 4]
    name: Facts = {"netbios_name": f"PC-{number}", "dns_name": f"pc-{number}.cabinet.local"}
    yield "smb", 445, {"version": build, "product": "Windows", "smb1": "off", "signing": "optional", **name}
    yield "rdp", 3389, {"version": build, "nla": "required", "certificate_name": f"pc-{number}", **name}
    yield "winrm", 5985, {"version": build, "authentication": "password", **name}
    yield "msrpc", 135, {"bind": "accepted"}
    yield "netbios", 137, {"netbios_name": f"PC-{number}", "workgroup": "CABINET"}
    yield "llmnr", 0, {"name": f"PC-{number}"}
    yield "wsd", 0, {"kind": "computer", "name": f"PC-{number}"}


def printer(number: int) -> Iterator[Told]:
    """A network printer: IPP, its page, mDNS, SNMP, WS-Discovery."""
    model = f"Brother HL-L{2300 + number % 90}DW series"
    version = f"1.{number % 40}"
    yield "ipp", 631, {"product": model, "version": version, "printer_uuid": f"e3248000-{number:08x}"}
    yield "http", 80, {"product": "Brother printer", "server": "debut/1.30", "title": model}
    yield "mdns", 0, {"model": model, "name": f"BRN{number:012X}", "services": "ipp, http", "told_by": "ipp"}
    yield "snmp", 161, {"product": f"Brother NC-{8000 + number % 900}w", "version": "2c"}
    yield "wsd", 0, {"kind": "printer", "model": model, "maker": "Brother"}


def nas(number: int) -> Iterator[Told]:
    """A storage box: pages, shares, a shell, backups, names."""
    name: Facts = {"netbios_name": f"NAS{number}", "dns_name": ""}
    says: Facts = {
        "model": f"DS{200 + number % 20}+",
        "maker": "Synology",
        "version": f"7.{number % 3}-{64000 + number}",
    }
    yield "mdns", 0, {**says, "name": f"NAS{number}", "services": "http, smb"}
    yield "http", 5000, {"product": "Synology DSM", "server": "nginx", "title": f"NAS{number}"}
    yield "http", 80, {"server": f"nginx/1.{18 + number % 8}.{number % 4}", "title": "Hello"}
    yield "smb", 445, {"product": "Samba", "version": "6.1.0", "signing": "optional", **name}
    yield "ssh", 22, {"product": f"OpenSSH 8.{number % 10}", "host_key": f"SHA256:{number:043}"}
    yield "ftp", 21, {"product": "Synology", "tls": "offered"}
    yield "rsync", 873, {"modules": number % 5}
    yield "upnp", 1900, {"product": f"DS{200 + number % 20}+", "maker": "Synology", "uuid": f"{number:036}"}
    yield "netbios", 137, {"netbios_name": f"NAS{number}", "workgroup": "WORKGROUP"}


def box(number: int) -> Iterator[Told]:
    """An internet box."""
    yield "http", 80, {"product": "FRITZ!Box", "title": f"FRITZ!Box {7400 + number % 190}"}
    yield "http", 443, {"product": "FRITZ!Box", "certificate_name": "fritz.box", "tls": True}
    yield "upnp", 1900, {"product": f"FRITZ!Box {7400 + number % 190}", "maker": "AVM"}
    yield "sip", 5060, {"product": f"AVM FRITZ!Box {7400 + number % 190} TAL (Jun 1 2021)"}
    yield "dns", 53, {"name": "fritz.box"}


def archive(number: int) -> Iterator[Told]:
    """An image server on a Linux machine."""
    says: Facts = {"product": "DCMTK 3.6.7", "implementation_class_uid": "1.2.276.0.7230010.3.0.3.6.7"}
    rungs: Facts = {"association": "accepted", "echo": "answered", "query": "refused"}
    yield "dicom", 4242, {**rungs, **says, "implementation_version": "OFFIS_DCMTK_367"}
    yield "orthanc", 8042, {"product": "Orthanc", "version": f"1.{number % 13}.{number % 7}"}
    yield "http", 8042, {"product": "Orthanc", "server": f"nginx/1.{18 + number % 8}.{number % 4}"}
    shell = f"OpenSSH 9.{number % 10}p1 Debian-{number % 8}"
    yield "ssh", 22, {"product": shell, "host_key": f"SHA256:{number:043}"}
    yield "postgresql", 5432, {"product": "PostgreSQL", "encryption": "offered"}
    yield "smb", 445, {"product": "Samba", "version": "6.1.0"}


def camera(number: int) -> Iterator[Told]:
    """A camera, and what it says over ONVIF."""
    model = f"DS-2CD{2000 + number % 400}"
    yield "onvif", 80, {"product": model, "maker": "HIKVISION", "onvif_uuid": f"{number:036}"}
    yield "rtsp", 554, {"product": "Hikvision", "authentication": "password"}
    yield "http", 80, {"product": "Hikvision", "title": "Hikvision", "server": "App-webs/"}
    yield "wsd", 0, {"model": model, "kind": "camera"}
    yield "mdns", 0, {"name": f"HIKVISION {model} - {number}", "services": "http"}


def phone(number: int) -> Iterator[Told]:
    """A telephone."""
    told = f"Yealink SIP-T{40 + number % 9}G 66.{number % 90}.0.{number % 30}"
    yield "sip", 5060, {"product": told}
    yield "http", 80, {"product": "Yealink", "title": "Yealink", "server": "embed httpd"}
    yield "http", 443, {"product": "Yealink", "title": "Yealink", "tls": True}
    yield "llmnr", 0, {"name": f"sip-t{number}"}
    yield "snmp", 161, {"product": "Linux 2.6.27", "version": "2c"}


# A surgery has more PCs than anything else.
TOWN: tuple[Callable[[int], Iterator[Told]], ...] = (
    *(pc,) * 5,
    *(printer,) * 3,
    nas,
    box,
    archive,
    camera,
    *(phone,) * 2,
)
VENDORS = ("Dell Inc.", "Brother Industries, LTD.", None, "Hewlett Packard", "Intel Corporate")


def town(devices: int = DEVICES) -> list[tuple[Device, list[Observation]]]:
    """Each device with what was observed of it: its answers, and each of its open ports."""
    made = []
    for number in range(devices):
        device = Device(f"m-{number:012x}", "10.0.0.1", vendor=VENDORS[number % len(VENDORS)])
        told = list(TOWN[number % len(TOWN)](number))
        seen = [
            Observation(protocol, Vantage.LAN, device.id, device.address, port, protocol, facts, AT)
            for protocol, port, facts in told
        ]
        swept = [
            replace(one, probe="sweep", facts={"state": "open"}, proved=False) for one in seen if one.port
        ]
        made.append((device, swept + seen))
    return made


def measure(devices: int = DEVICES, rounds: int = ROUNDS) -> Table:
    """Devices a second: the first round, in which every text is new, and the others."""
    told = town(devices)
    rates = []
    for _ in range(rounds):
        started = time.process_time()
        for device, seen in told:
            recognise(device, seen)
        rates.append(devices / (time.process_time() - started))
    each = mean(sum(one.probe != "sweep" for one in seen) for _, seen in told)
    facts = mean(sum(len(one.facts) for one in seen) for _, seen in told)
    title = f"Recognising: {each:.1f} answers and {facts:.1f} facts a device, aim {AIM} a second"
    made = table(title, f"round of {devices}", "devices a second of one core")
    for name, rate in (("first", rates[0]), ("slowest", min(rates)), ("median", median(rates))):
        made.add_row(name, f"{rate:.0f}")
    return made


if __name__ == "__main__":
    show(measure())
