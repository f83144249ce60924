"""Is what CISA lists told as something to check: of the right product, with its day, and never as more?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from netwatch.aging import findings, profiles
from netwatch.feeds import Feeds, Known, kev
from netwatch.feeds.kept import Kept, keep
from netwatch.lifecycle import Table
from netwatch.model import Device, Observation, Run, Vantage
from netwatch.nightly import FEEDS as FOLDER
from netwatch.nightly import judged
from netwatch.recognised import NOTHING, Claim, Confidence, Recognised, Software
from netwatch.store import Store
from netwatch.to_check import MOST, by_product, to_check, told

if TYPE_CHECKING:
    from pathlib import Path

    from netwatch.model import Facts
    from netwatch.to_check import ToCheck

NOW = datetime(2026, 11, 30, 2, tzinfo=UTC)
TABLE = Table.load()
NAS = Device("nas", "192.168.1.20", mac="00:11:32:aa:bb:14")
DSM: Facts = {"model": "DS718+", "maker": "Synology", "version": "7.2-64570", "told_by": "http"}
WINDOWS: Facts = {"version": "10.0.22631", "product": "Windows 11 23H2"}


def hole(number: int, maker: str, product: str, added: date = date(2026, 5, 12), **more: bool) -> Known:
    cve = f"CVE-2026-{number:04}"
    return Known(cve, maker, product, f"{product} hole", added, ransomware=more.get("ransomware", False))


LISTED = (
    hole(1, "Synology", "DiskStation Manager", date(2025, 1, 2)),
    hole(2, "Synology", "DiskStation Manager", date(2026, 5, 12), ransomware=True),
    hole(3, "Synology", "DiskStation Manager", date(2024, 3, 4)),
    hole(4, "Microsoft", "Windows"),
    hole(5, "Microsoft", "Windows Server"),
    hole(6, "Samba", "Samba", ransomware=True),
    hole(7, "OpenSSL", "OpenSSL"),
    hole(8, "Acme", "Toaster"),
    hole(9, "Oracle", "MySQL"),
)
FEEDS = Feeds(kev=LISTED, epss={"CVE-2026-0001": 0.943, "CVE-2026-0002": 0.02}, dated={"kev": NOW})


def seen(protocol: str, port: int, facts: Facts) -> Observation:
    return Observation(protocol, Vantage.LAN, "nas", NAS.address, port, protocol, facts, NOW)


def who(*heard: Observation, device: Device = NAS) -> dict[tuple[str, int], Recognised]:
    return profiles([device], heard)


def checked(*heard: Observation) -> tuple[ToCheck, ...]:
    return to_check(who(*heard)["nas", 0], TABLE, by_product(LISTED, TABLE), FEEDS.epss)


def run(*devices: Device, finished: datetime = NOW) -> Run:
    return Run("one", "site", finished, finished, complete=True, vantages=(Vantage.LAN,), devices=devices)


def profile(*heard: Observation, feeds: Feeds = FEEDS, finished: datetime = NOW) -> Facts:
    night = told(run(NAS, finished=finished), who(*heard), TABLE, feeds)
    return night.devices[0].profile


def test_the_holes_of_the_product_are_counted_with_the_one_that_was_listed_last() -> None:
    assert profile(seen("mdns", 0, DSM)) == {
        "check_list": "2026-11-30",
        "check_stale": False,
        "check_01_product": "Synology DSM",
        "check_01_holes": 3,
        "check_01_newest": "CVE-2026-0002",
        "check_01_added": "2026-05-12",
        "check_01_ransomware": 1,
        "check_01_chance": 94,
        "check_01_for": "everybody",
    }


def test_it_is_never_a_finding() -> None:
    heard = seen("smb", 445, WINDOWS)
    assert list(findings(who(heard), [heard], TABLE, NOW.date())) == []
    before = run(NAS)
    assert told(before, who(heard), TABLE, FEEDS).findings == before.findings == frozenset()


def test_a_chance_alone_puts_nothing_on_the_list() -> None:
    feeds = replace(FEEDS, kev=(hole(8, "Acme", "Toaster"),), epss={"CVE-2026-0008": 1.0})
    assert profile(seen("mdns", 0, DSM), feeds=feeds).keys() == {"check_list", "check_stale"}


def test_a_chance_that_is_not_known_is_none_and_not_nought() -> None:
    assert profile(seen("mdns", 0, DSM), feeds=replace(FEEDS, epss={}))["check_01_chance"] is None


def test_a_windows_is_for_the_consultant_whether_it_is_a_client_or_a_server() -> None:
    [one] = checked(seen("smb", 445, WINDOWS))
    assert (one.for_consultant, one.holes) == (True, 1)
    [server] = checked(seen("smb", 445, {"version": "10.0.20348", "product": "Windows Server 2022"}))
    assert (server.for_consultant, server.holes) == (True, 2)


@pytest.mark.parametrize(
    ("protocol", "facts"),
    [
        ("smb", {"version": "4.17.12-Debian", "product": "Samba"}),  # its distribution mends it
        ("smb", {"version": "6.1", "product": "Samba"}),
        ("http", {"server": "Apache/2.4.57 (Debian) OpenSSL/3.0.11"}),
        ("mysql", {"product": "MySQL", "version": "8.0.36"}),  # nothing says who built it
        ("mac", {"vendor": "Synology Incorporated"}),
    ],
)
def test_what_a_distribution_may_mend_or_a_card_alone_hints_at_is_left_out(
    protocol: str, facts: Facts
) -> None:
    assert [one.product.slug for one in checked(seen(protocol, 0, facts))] == []


def test_a_card_alone_says_nothing_of_what_runs_there() -> None:
    device = replace(NAS, vendor="Synology Incorporated")
    assert to_check(who(device=device)["nas", 0], TABLE, by_product(LISTED, TABLE), {}) == ()


def test_what_runs_on_a_windows_is_its_makers_own_build() -> None:
    found = checked(seen("smb", 445, WINDOWS), seen("mysql", 3306, {"product": "MySQL", "version": "8.0.36"}))
    assert [one.product.slug for one in found] == ["mysql", "windows-client"]  # what all are told comes first


def test_no_version_is_needed() -> None:
    facts = {key: value for key, value in DSM.items() if key != "version"}
    [one] = checked(seen("mdns", 0, facts))
    assert one.product.slug == "synology-dsm"


def test_without_the_list_nothing_is_said_and_an_empty_one_says_its_day() -> None:
    assert profile(seen("mdns", 0, DSM), feeds=Feeds()) == {}
    nothing = Feeds(dated={"kev": NOW})
    assert profile(seen("mdns", 0, DSM), feeds=nothing) == {"check_list": "2026-11-30", "check_stale": False}


@pytest.mark.parametrize(("days", "stale"), [(45, False), (46, True)])
def test_a_list_that_is_older_than_45_days_says_so(days: int, stale: bool) -> None:  # noqa: FBT001 - a case
    later = NOW + timedelta(days=days)
    assert profile(seen("mdns", 0, DSM), finished=later)["check_stale"] is stale


def test_an_address_on_the_internet_is_no_device() -> None:
    public = Device("p-9.9.9.9", "9.9.9.9", kind="internet")
    heard = replace(seen("smb", 445, WINDOWS), device=public.id, vantage=Vantage.OUTSIDE)
    assert told(run(public), who(heard, device=public), TABLE, FEEDS).devices == (public,)
    assert told(run(public), who(heard, device=public), TABLE, FEEDS).devices[0].profile == {}


@pytest.mark.parametrize(
    ("maker", "product", "slug"),
    [
        ("Microsoft", "Windows", "windows"),
        ("Fortinet", "FortiOS", "fortios"),
        ("MikroTik", "RouterOS", "routeros"),
        ("QNAP", "QNAP Network-Attached Storage (NAS)", "qnap-qts"),
        ("DrayTek", "Multiple Vigor Routers", "draytek"),
        ("Dahua", "IP Camera Firmware", "dahua"),
        ("Ubiquiti", "UniFi Network", "unifi"),
        ("Zyxel", "Multiple Products", None),
        ("Acme", "IP Camera Firmware", None),
    ],
)
def test_a_product_is_known_by_the_names_that_cisa_uses(maker: str, product: str, slug: str | None) -> None:
    assert list(by_product([hole(1, maker, product)], TABLE)) == ([slug] if slug else [])


def of(*software: Software) -> list[str]:
    """What is to be checked where these, and nothing else, were recognised."""
    found = to_check(Recognised(kind=NOTHING, software=software), TABLE, by_product(LISTED, TABLE), {})
    return [f"{one.product.slug} {one.holes}" for one in found]


SURE = Claim("synology-dsm", "mdns", "DS718+", Confidence.CERTAIN)
NAS_OS = Software("synology-dsm", None, SURE)


@pytest.mark.parametrize(
    ("software", "told"),
    [
        (NAS_OS, ["synology-dsm 3"]),
        (replace(NAS_OS, at_least=True, version="7"), ["synology-dsm 3"]),
        (replace(NAS_OS, packaged=True), []),
        (replace(NAS_OS, perhaps=("qnap-qts",)), []),
        (replace(NAS_OS, claim=replace(SURE, confidence=Confidence.HINT)), []),
        (replace(NAS_OS, product="windows", perhaps=("windows-client", "windows-server")), ["windows 2"]),
        (replace(NAS_OS, product="windows-client"), ["windows-client 1"]),
        (replace(NAS_OS, product="toaster"), []),
    ],
)
def test_only_what_is_sure_and_in_its_makers_hands_is_told(software: Software, told: list[str]) -> None:
    assert of(software) == told


def test_a_device_with_much_on_it_tells_the_first_few() -> None:
    assert MOST < 10  # two digits are enough for their keys
    own = [slug for slug, one in TABLE.products.items() if not one.repackaged and not one.of]
    every = {slug: (hole(1, "x", "y"),) for slug in own}
    software = tuple(replace(NAS_OS, product=slug) for slug in own)
    assert len(own) > MOST
    assert len(to_check(Recognised(kind=NOTHING, software=software), TABLE, every, {})) == MOST


def test_a_night_tells_it_of_what_it_saw_and_finds_nothing_more(tmp_path: Path) -> None:
    keep(tmp_path / FOLDER, "kev", Kept(kev.written(LISTED, NOW), NOW, "https://example.org/kev"))
    heard = seen("mdns", 0, DSM)
    with Store(tmp_path) as store:
        store.remember("site", "Site", "fr")
        night, _ = judged(replace(run(NAS), observations=(heard,)), store, ())
    assert night.devices[0].profile["check_01_newest"] == "CVE-2026-0002"
    assert night.devices[0].profile["check_list"] == "2026-11-30"
    assert night.findings == frozenset()
