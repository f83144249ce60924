"""A practice of forty devices to tell about: of every kind and every age, some without a name or a maker."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from netwatch.document import DevicePart, ServicePart
from netwatch.model import Severity, Vantage
from tests.reports.conftest import OLD, TONIGHT, YESTERDAY, night

if TYPE_CHECKING:
    from netwatch.document import Document
    from netwatch.model import Facts

PAGE = "https://example.org/ends"
AGES: dict[str, Facts] = {
    "supported": {"state": "supported", "until": "2029-03-05", "checked": "2026-11-10"},
    "ending": {"state": "ending", "until": "2027-02-28", "checked": "2026-11-10"},
    "ended": {"state": "ended", "until": "2025-10-14", "checked": "2026-11-10"},
    "unsafe": {"state": "unsafe", "until": None, "last_safe": "7.2.1-69057", "checked": "2026-09-01"},
    "unknown": {"state": "unknown", "why": "perhaps-packaged", "until": None, "checked": "2026-11-10"},
}
LIST: Facts = {"check_list": "2026-11-21", "check_stale": False}
DSM: Facts = {
    "check_01_product": "Synology DSM",
    "check_01_holes": 3,
    "check_01_newest": "CVE-2026-1234",
    "check_01_added": "2026-05-12",
    "check_01_ransomware": 1,
    "check_01_chance": 94,
    "check_01_for": "everybody",
}
WINDOWS: Facts = {
    "check_01_product": "Windows client",
    "check_01_holes": 171,
    "check_01_newest": "CVE-2026-4321",
    "check_01_added": "2026-11-10",
    "check_01_ransomware": 22,
    "check_01_chance": 97,
    "check_01_for": "consultant",
}
# Name, kind, maker and model, product and version, age, open ports and their protocols, more facts.
PC: dict[int, str] = {135: "msrpc", 139: "netbios", 445: "smb", 3389: "rdp"}
WINDOWSES = (
    ("Windows 11 25H2", "10.0.26200", "supported"),
    ("Windows 11 23H2", "10.0.22631", "ending"),
    ("Windows 10 22H2", "10.0.19045", "unknown"),
)
SAID: tuple[tuple[Any, ...], ...] = (
    ("freebox", "box", "Free", "Freebox Delta", "Freebox", "4.9.4", "unknown", {80: "http", 445: "smb"}, {}),
    (
        "SCANNER-CT-CONSOLE",
        "medical-imaging",
        "GE Healthcare",
        "Revolution Maxima",
        "Windows 10 1607",
        "10.0.14393",
        "ended",
        {104: "dicom", 445: "smb", 5900: "vnc"},
        WINDOWS | {"kind_other": "workstation (smb)", "confidence": "certain"},
    ),
    (
        "PACS-CABINET",
        "archive",
        "Synology",
        "DS718+",
        "Synology DSM",
        "7.2-64570",
        "unsafe",
        {11112: "dicom", 445: "smb", 5000: "http", 22: "ssh"},
        DSM,
    ),
    ("ECHO-SALLE2", "medical-imaging", "Samsung Medison", "HS50", None, None, None, {104: "dicom"}, {}),
    (None, "medical", "Mindray", None, None, None, None, {}, {}),
    ("serveur-hl7", "interface-engine", None, None, None, None, None, {2575: "hl7"}, {}),
    *(
        (f"PC-ACCUEIL-{number}", "workstation", "Dell", "OptiPlex 3080", name, build, age, PC, WINDOWS)
        for number, (name, build, age) in enumerate(WINDOWSES * 4, start=1)
    ),
    (
        "srv-cabinet",
        "server",
        "HP",
        "ProLiant ML30",
        "Debian",
        "12",
        "supported",
        {22: "ssh", 5432: "postgresql"},
        {},
    ),
    ("NAS-SAUVEGARDE", "nas", "QNAP", "TS-464", "QNAP QTS", "5.1.0", "ended", {445: "smb", 8080: "http"}, {}),
    *(
        (
            None,
            "printer",
            "Brother",
            "MFC-L2710DW",
            "Brother printer",
            "1.54",
            "unknown",
            {9100: "jetdirect", 631: "ipp"},
            {},
        ),
    )
    * 3,
    *(
        (f"tel-{n}", "phone", "Yealink", "T46U", None, None, None, {5060: "sip", 80: "http"}, {})
        for n in range(1, 7)
    ),
    (
        "cam-parking",
        "camera",
        "Hikvision",
        "DS-2CD2143",
        "Hikvision",
        "5.5.800",
        "unknown",
        {554: "rtsp", 80: "http"},
        {},
    ),
    ("tv-attente", "tv", "Samsung", "QE55", None, None, None, {8001: "unknown", 8002: "unknown"}, {}),
    (None, "iot", "Espressif Inc.", None, None, None, None, {}, {}),
    (
        "switch-etage",
        "switch",
        "Zyxel",
        "GS1900-24E",
        "Zyxel",
        "2.70",
        "unknown",
        {80: "http", 22: "ssh"},
        {},
    ),
    *(
        (
            f"borne-{n}",
            "access-point",
            "Ubiquiti",
            "U6-Lite",
            "Ubiquiti UniFi",
            "6.5.28",
            "unknown",
            {22: "ssh"},
            {},
        )
        for n in (1, 2)
    ),
    *(
        (None, "unknown", vendor, None, None, None, None, {}, {})
        for vendor in (None, "Apple, Inc.", "Intel Corporate")
    ),
    ("iPhone-du-Dr-Martin", "unknown", None, None, None, None, None, {}, {}),
)


def forty() -> Document:
    """One night of it; the finding about the console's Windows is of the demo's kind."""
    part = night()
    devices = tuple(_device(number, told) for number, told in enumerate(SAID, start=1))
    services = tuple(
        _service(device, port, protocol)
        for device, told in zip(devices, SAID, strict=True)
        for port, protocol in told[7].items()
    )
    console = devices[1]
    about = {key.removeprefix("age_"): one for key, one in console.profile.items() if key.startswith("age_")}
    first = replace(
        part.findings[0],
        rule="support-ended",
        severity=Severity.MEDIUM,
        device=console.id,
        address=console.address,
        port=445,
        about=about | {"told_by": "smb", "source": PAGE},
    )
    return replace(
        part, devices=devices, services=services, findings=(first,), changes=(), failures=(), coverage=()
    )


def _device(number: int, told: tuple[Any, ...]) -> DevicePart:
    name, kind, maker, model, product, version, age, _, more = told
    profile: Facts = (
        {} if kind == "unknown" else {"kind": kind, "kind_by": "mdns, http", "confidence": "likely"}
    )
    if maker and kind != "unknown":
        profile |= {"maker": maker, "maker_by": "mdns"}
    if product and age:
        about = {
            "product": product,
            "version": version,
            "told_by": "smb",
            "source": PAGE,
            "stale": age == "unsafe",
        }
        if kind == "workstation" and age == "unknown":
            about["why"] = "edition"
        profile |= {f"age_{key}": one for key, one in (AGES[age] | about).items()}
    profile |= LIST | more
    hostless = kind == "unknown"
    return DevicePart(
        id=f"d{number}",
        address=f"192.168.1.{number}",
        mac=f"00:11:32:aa:bb:{number:02x}",
        vendor=maker,
        names=(name,) if name else (),
        kind=kind,
        maker=None if hostless else maker,
        model=model,
        version=version,
        first_seen=OLD,
        last_seen=YESTERDAY if number % 9 == 0 else TONIGHT,
        profile=profile,
    )


def _service(device: DevicePart, port: int, protocol: str) -> ServicePart:
    return ServicePart(
        device.id,
        device.address,
        port,
        "tcp",
        protocol,
        Vantage.LAN,
        {"protocol_from": "port" if port == 135 else "answer"},
        OLD,
        TONIGHT,
    )
