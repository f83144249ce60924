"""Is what runs there too old? Only where that is sure, and with what it rests on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from netwatch.aging import about, age, findings, known, profiles, recognised
from netwatch.feeds import Known
from netwatch.lifecycle import Table, parsed
from netwatch.model import Device, Observation, Vantage

if TYPE_CHECKING:
    from netwatch.model import Facts, Finding

TODAY = date(2026, 11, 30)
NOW = datetime(2026, 11, 30, 2, tzinfo=UTC)
TABLE = parsed(
    """
[product.windows-client]
name = "Windows client"
maker = "Microsoft"
builds = true

[[cycle]]
product = "windows-client"
cycle = "10.0.15063"
eol = 2018-10-09
source = "https://example.org/windows"
checked = 2026-11-01

[product.openssh]
name = "OpenSSH"
maker = "OpenBSD"
repackaged = true

[[cycle]]
product = "openssh"
cycle = "8"
eol = 2021-01-01
source = "https://example.org/ssh"
checked = 2026-11-01

[product.orthanc]
name = "Orthanc"
maker = "Orthanc team"
aliases = ["orthanc server"]

[[cycle]]
product = "orthanc"
cycle = "1"
eol = "unknown"
last_safe = "1.12.11"
safe_source = "https://example.org/hole"
source = "https://example.org/orthanc"
checked = 2026-09-01
"""
)
PC = Device("pc", "192.168.1.40", mac="00:11:22:33:44:55")
WINDOWS: Facts = {"version": "10.0.15063", "product": "Windows 10 1703"}


def seen(protocol: str, port: int, facts: Facts, device: Device = PC) -> Observation:
    return Observation(protocol, Vantage.LAN, device.id, device.address, port, protocol, facts, NOW)


def found(*heard: Observation, device: Device = PC, table: Table = TABLE) -> list[Finding]:
    return list(findings(profiles([device], heard), heard, table, TODAY))


def test_a_version_that_its_maker_mends_no_more_is_found_at_the_port_that_told_it() -> None:
    [one] = found(seen("smb", 445, WINDOWS))
    assert (one.rule, one.device, one.port, one.probe) == ("support-ended", "pc", 445, "smb")
    assert one.about == {
        "product": "Windows 10 1703",
        "version": "10.0.15063",
        "told_by": "smb",
        "state": "ended",
        "why": None,
        "until": "2018-10-09",
        "last_safe": None,
        "source": "https://example.org/windows",
        "checked": "2026-11-01",
        "stale": False,
    }


def test_a_windows_that_is_a_client_or_a_server_is_found_where_both_have_ended() -> None:
    old: Facts = {"version": "6.1.7601", "product": "Windows 7 / Server 2008 R2"}
    [one] = found(seen("smb", 445, old), table=Table.load())
    assert one.rule == "support-ended"
    shared: Facts = {"version": "10.0.17763", "product": "Windows 10 1809 / Windows Server 2019"}
    assert found(seen("smb", 445, shared), table=Table.load()) == []  # a server's edition is still mended
    other = seen("rdp", 3389, {"product": "FreeRDP", "version": "6.1.7601"})
    assert found(other, table=Table.load()) == []


def test_a_version_below_the_last_safe_one_is_found_with_the_page_that_says_so() -> None:
    [one] = found(
        seen("orthanc", 8042, {"product": "Orthanc", "version": "1.12.5", "authentication": "password"})
    )
    assert one.rule == "version-unsafe"
    assert (one.about["last_safe"], one.about["source"]) == ("1.12.11", "https://example.org/hole")
    assert one.about["stale"] is True  # it was read 90 days ago
    assert found(seen("orthanc", 8042, {"product": "Orthanc", "version": "1.12.11"})) == []


@pytest.mark.parametrize(
    ("protocol", "facts"),
    [
        ("ssh", {"product": "OpenSSH 8.4", "version": "2.0"}),  # a distribution may have mended it
        ("ssh", {"product": "Debian OpenSSH 8.4p1", "version": "2.0"}),
        ("smb", {"version": "6.1", "product": "Samba"}),
        ("orthanc", {"product": "Orthanc", "version": None}),
        ("orthanc", {"product": "Orthanc", "version": "mainline"}),
    ],
)
def test_what_is_not_sure_is_no_finding(protocol: str, facts: Facts) -> None:
    assert found(seen(protocol, 22, facts)) == []


NAS: Facts = {"model": "DS718+", "maker": "Synology", "version": "6.2-25426", "told_by": "http"}


def test_a_distribution_s_nginx_beside_a_windows_is_the_distribution_s() -> None:
    windows = seen("smb", 445, {"version": "10.0.17763", "product": "Windows 10 1809 / Windows Server 2019"})
    own = seen("http", 80, {"server": "nginx/1.18.0"})
    ubuntu = seen("http", 8080, {"server": "nginx/1.18.0 (Ubuntu)"})  # in a WSL
    assert [one.port for one in found(windows, own, table=Table.load())] == [80]
    assert found(windows, ubuntu, table=Table.load()) == []


def test_a_qnap_that_tells_its_release_without_its_build_is_not_called_unsafe() -> None:
    told: Facts = {"model": "TS-464C", "version": "5.0.1", "told_by": "qdiscover"}
    assert found(seen("mdns", 0, told), table=Table.load()) == []


def test_what_was_told_over_no_port_is_in_the_profile_and_a_finding_at_none() -> None:
    heard = seen("mdns", 0, NAS)
    [one] = found(heard, table=Table.load())
    assert (one.rule, one.device, one.port, one.probe) == ("support-ended", "pc", 0, "mdns")
    assert (one.about["told_by"], one.about["version"]) == ("mdns", "6.2-25426")
    who = profiles([PC], [heard])["pc", 0]
    told = recognised(PC, who, Table.load(), TODAY)
    assert told.profile["product"] == "synology-dsm"
    assert told.profile["age_version"] == "6.2-25426"
    assert told.profile["age_state"] == "ended"


def test_what_a_port_tells_too_is_found_there_and_once() -> None:
    shared = [seen("mdns", 0, NAS), seen("ftp", 21, {"product": "Synology", "version": "6.2-25426"})]
    ported = seen("mdns", 5000, NAS)
    for heard in (ported, shared[0]), (shared[0], ported):
        assert [one.port for one in found(*heard, table=Table.load())] == [5000]
    assert [one.port for one in found(*shared, table=Table.load())] == [0]  # its FTP tells no version of it


def test_what_somebody_else_says_over_no_port_is_not_the_devices_word() -> None:
    heard = replace(seen("mdns", 0, NAS), vantage=Vantage.BOX)
    assert found(heard, table=Table.load()) == []


def test_what_others_report_is_not_the_devices_word() -> None:
    shodan = Observation("shodan", Vantage.SHODAN, "pc", PC.address, 445, "smb", WINDOWS, NOW)
    assert found(shodan) == []


@pytest.mark.parametrize(
    ("kind", "heard", "becomes"),
    [
        ("unknown", ("mdns", {"model": "DS718+", "maker": "Synology", "told_by": "http"}), "nas"),
        ("unknown", ("smb", WINDOWS), "unknown"),  # it may be a console's
        ("computer", ("smb", WINDOWS), "workstation"),
        ("medical", ("mdns", {"model": "DS718+", "maker": "Synology", "told_by": "http"}), "medical"),
        ("computer", ("orthanc", {"product": "Orthanc", "version": "1.12.5"}), "archive"),
    ],
)
def test_what_a_device_may_be_asked_grows_only_for_an_appliance_that_names_itself(
    kind: str, heard: tuple[str, Facts], becomes: str
) -> None:
    device = Device("pc", PC.address, kind=kind)
    who = profiles([device], [seen(heard[0], 0, heard[1], device)])["pc", 0]
    assert recognised(device, who, TABLE, TODAY).kind == becomes


def test_the_profile_says_by_whose_word_and_keeps_who_disagrees() -> None:
    heard = [
        seen("smb", 445, WINDOWS),
        seen("mdns", 0, {"model": "DS718+", "maker": "Synology", "told_by": "http"}),
    ]
    told = recognised(PC, profiles([PC], heard)["pc", 0], TABLE, TODAY)
    assert told.profile["kind_by"]
    assert "kind_other" in told.profile


def test_the_same_answers_in_another_order_give_the_same() -> None:
    heard = [seen("smb", 445, WINDOWS), seen("orthanc", 8042, {"product": "Orthanc", "version": "1.12.5"})]
    assert {(one.rule, one.port) for one in found(*heard)} == {
        (one.rule, one.port) for one in found(*heard[::-1])
    }


def test_behind_an_address_on_the_internet_each_port_is_another_device() -> None:
    public = Device("p-9.9.9.9", "9.9.9.9", kind="internet")
    heard = [seen("smb", 445, WINDOWS, public), seen("ssh", 2222, {"product": "OpenSSH 8.4"}, public)]
    heard = [replace(one, vantage=Vantage.OUTSIDE) for one in heard]
    who = profiles([public], heard)
    assert {port: profile.kind.value for (_, port), profile in who.items()}[2222] == "unknown"
    [one] = found(*heard, device=public)  # the Windows makes no maker's own build of another's OpenSSH
    assert (one.rule, one.port, one.vantage) == ("support-ended", 445, Vantage.OUTSIDE)


def test_a_judgement_of_an_unknown_product_is_told_as_unknown() -> None:
    heard = seen("ftp", 21, {"product": "QNAP"})
    who = profiles([PC], [heard])["pc", 0]
    for one in who.software:
        told = age(one, who, TABLE, TODAY)
        said = about(one, told, TABLE)
        assert (said["state"], said["why"]) == ("unknown", "no-product")


def test_a_hole_is_ours_where_the_table_knows_the_product_by_cisas_name() -> None:
    hole = Known("CVE-2026-1", "Orthanc", "Server", "a hole", TODAY, ransomware=False)
    assert known(hole, TABLE)
    assert not known(Known("CVE-2026-2", "Acme", "Toaster", "a hole", TODAY, ransomware=False), TABLE)
