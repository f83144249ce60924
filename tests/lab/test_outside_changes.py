"""What does a night make of a practice whose address is shared, changes, or has IPv6, and of who else tells?

One practice, changed step by step; each scan is a real one, at another pace than at night.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab import knocks
from tests.lab.canary import CANARIES
from tests.lab.practice import DOORS, NAS, PACS, Practice
from tests.lab.shodan_server import KEY, ShodanServer, banner, host
from tests.lab.sshd import standing
from tests.lab.test_outside import PUBLIC, QUICK, outside

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

NEW = "5.39.77.42"


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    with Practice() as opened:
        yield opened


def scan(
    practice: Practice, site: Path, *more: str, env: dict[str, str] | None = None
) -> tuple[dict[str, Any], str]:
    """One night of this site, with a database beside its file: (the document, what was said on stderr)."""
    asked = ["scan", str(site), "--data", str(site.parent / "data"), "--format", "json", "--no-alert", *more]
    done = practice.run(asked, timeout=400, env=env or {})
    assert done.stdout, done.stderr
    return dict(json.loads(done.stdout)), done.stderr


def test_a_laptop_on_another_line_adds_what_it_sees_to_the_same_site(
    practice: Practice, tmp_path: Path
) -> None:
    settings = {"pace": QUICK, "address": {"echo": practice.internet.echo_page}}
    site = practice.site_file(tmp_path / "site.toml", vantage={}, **settings)
    inside, _ = scan(practice, site)
    assert outside(inside) == {}
    assert all(one["exposure"] != "exposed" for one in inside["findings"])
    command = [str(Path(sys.executable).with_name("netwatch"))]
    more = ["scan", str(site), "--data", str(tmp_path / "data"), "--format", "json", "--no-alert"]
    done = practice.internet.stranger.run([*command, *more, "--from", "outside"], timeout=400)
    both = json.loads(done.stdout)
    assert both["run"]["vantages"] == ["outside"]
    assert outside(both) == {door.external: door.protocol for door in DOORS}
    kept = {(one["address"], one["port"]) for one in inside["services"]}
    assert kept <= {(one["address"], one["port"]) for one in both["services"]}
    exposed = {
        one["address"] for one in both["findings"] if one["vantage"] == "lan" and one["exposure"] == "exposed"
    }
    assert PACS in exposed
    assert not any(one["status"] == "unverified" for one in both["findings"])


def test_a_laptop_still_in_the_practice_concludes_nothing(practice: Practice, tmp_path: Path) -> None:
    settings = {"pace": QUICK, "address": {"echo": practice.internet.echo_page}}
    site = practice.site_file(tmp_path / "site.toml", vantage={}, **settings)
    document, said = scan(practice, site, "--from", "outside")
    assert outside(document) == {}
    assert not document["run"]["complete"]
    assert {one["reason"] for one in document["failures"]} == {"unproved"}
    assert said.strip()


def test_a_vantage_inside_the_practice_concludes_nothing(practice: Practice, tmp_path: Path) -> None:
    from tests.lab.vantage import vantage  # noqa: PLC0415 - its name is that of what it makes

    inside = vantage(practice.internet.plug("inside", 60))
    site = practice.site_file(tmp_path / "site.toml", pace=QUICK, vantage={"outside": inside.settings})
    document, _ = scan(practice, site)
    assert outside(document) == {}
    assert "unproved" in {one["reason"] for one in document["failures"]}
    assert not any(one["exposure"] in {"exposed", "inside-only"} for one in document["findings"])


def test_a_neighbours_ports_are_never_asked(practice: Practice, tmp_path: Path) -> None:
    practice.internet.share("10000-16383")
    try:
        site = practice.site_file(tmp_path / "site.toml", pace=QUICK, public_ports="10000-16383")
        with practice.internet.capture(tmp_path / "street.pcap", at="internet") as pcap:
            document, _ = scan(practice, site)
    finally:
        practice.internet.share(None)
    asked = knocks.packets(pcap, PUBLIC, by=practice.internet.vantage.address)
    assert asked
    assert {door.external for door in DOORS if 10000 <= door.external < 16384} <= set(outside(document))
    assert all(10000 <= port <= 16383 for port in asked)


def test_a_new_address_begins_a_new_history_and_not_many_alerts(practice: Practice, tmp_path: Path) -> None:
    site = practice.site_file(
        tmp_path / "site.toml",
        pace=QUICK,
        public_addresses=[],
        address={"echo": practice.internet.echo_page},
    )
    first, _ = scan(practice, site)
    assert outside(first) == {door.external: door.protocol for door in DOORS}
    practice.internet.renumber(NEW)
    try:
        second, _ = scan(practice, site)
    finally:
        practice.internet.renumber(PUBLIC)
    assert [one["address"] for one in second["public"]] == [NEW]
    assert {one["address"] for one in second["services"] if one["vantage"] == "outside"} == {NEW}
    kinds = {one["kind"] for one in second["changes"] if one["address"] == NEW}
    assert kinds == {"moved"}
    assert not any(one["kind"] in {"appeared", "worsened", "resolved"} for one in second["changes"])
    log = practice.run(["exposures", str(site), "--data", str(tmp_path / "data"), "--format", "json"])
    rows = json.loads(log.stdout)
    assert PUBLIC in json.dumps(rows)
    assert NEW in json.dumps(rows)
    assert not any(word in log.stdout for word in CANARIES)


def test_what_shodan_reports_is_dated_and_what_we_found_closed_is_told_so(
    practice: Practice, tmp_path: Path
) -> None:
    then = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    site = practice.site_file(tmp_path / "site.toml", pace=QUICK, shodan={})
    with standing(practice.lab.scanner):
        server = ShodanServer()
        server.__enter__()
    try:
        server.hosts[PUBLIC] = host(PUBLIC, banner(11112, "dicom", then), banner(445, "smb", then))
        env = {"SHODAN_API_URL": server.url, "SHODAN_API_KEY": KEY}
        document, _ = scan(practice, site, env=env)
    finally:
        server.__exit__(None, None, None)
    said = {one["port"]: one["said_at"][:10] for one in document["statements"] if one["who"] == "shodan"}
    assert {11112, 445} <= said.keys()
    assert said[445] == then[:10]
    reported = {
        one["port"]: one["exposure"] for one in document["findings"] if one["rule"] == "reported-open"
    }
    assert reported == {11112: "exposed"}  # 445 was closed when we asked, later than they
    text = practice.run(["outside", str(site), "--data", str(tmp_path / "data")]).stdout
    assert "445" in text
    for path in (tmp_path / "data").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert KEY.encode() not in content, path
            assert not any(word.encode() in content for word in CANARIES), path


def test_a_device_with_ipv6_is_listed_and_asked_from_outside_without_any_forward(
    practice: Practice, tmp_path: Path
) -> None:
    internet, pacs, nas = practice.internet, practice.host(PACS), practice.host(NAS)
    pacs.start(
        [sys.executable, "-m", "pynetdicom", "echoscp", "-q", "-ba", "::", "104"], root=False, ready_port=104
    )
    internet.ipv6(pacs, nas, firewall=False)
    site = practice.site_file(tmp_path / "site.toml", pace=QUICK, ipv6_networks=["2a01:e0a:77:1::/64"])
    document, _ = scan(practice, site)
    there = {internet.address6(pacs): PACS, internet.address6(nas): NAS}
    listed = {
        one["address"]: one["facts"]["addresses"] for one in document["statements"] if one["who"] == "ipv6"
    }
    assert {listed[inside]: inside for inside in there.values()} == there
    assert six(document) == {
        (internet.address6(pacs), 104): "dicom",
        (internet.address6(nas), 22): "ssh",
        (internet.address6(nas), 445): "smb",
    }
    found = [one for one in document["findings"] if one["address"] in there and one["port"]]
    assert {one["exposure"] for one in found} == {"exposed"}
    for one in found:
        assert (one["link"]["address"], one["link"]["by"]) == (there[one["address"]], "address")
    assert {one["port"] for one in found} >= {104, 445}
    internet.ipv6_firewall(on=True)
    shut, _ = scan(practice, site)
    assert six(shut) == {}
    gone = [one for one in shut["findings"] if one["address"] in there and one["exposure"] == "exposed"]
    assert gone == []
    rows = [one for one in shut["coverage"] if one["address"] in there and one["outcome"] == "explored"]
    assert {one["ports"] for one in rows} == {"25"}  # a hoster may have kept it back, and not this firewall


def six(document: dict[str, Any]) -> dict[tuple[str, int], str]:
    """What answered at IPv6 addresses."""
    return {
        (one["address"], one["port"]): one["protocol"]
        for one in document["services"]
        if ":" in one["address"]
    }
