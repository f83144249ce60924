"""What would a scan do, and how long would it take? Told by the scan's own rules, and nothing is sent."""

from __future__ import annotations

import json
import socket
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

import probes
from netwatch.composition import as_json, rules
from netwatch.config import Site
from netwatch.diff import compare
from netwatch.model import Coverage, Device, Outcome, Run, Target, Vantage
from netwatch.nightly import tonight
from netwatch.options import configure
from netwatch.plan import Plan, plan
from netwatch.ports import curated, suggested
from netwatch.slices import Round
from netwatch.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("socket_disabled")

NOW = datetime(2026, 11, 23, 23, tzinfo=UTC)
CARD = "00:11:32:aa:bb:cc"
PROBES = configure({"dicom": probes.load()["dicom"]}, {})
SERVER = Device("server", "192.168.1.20", mac=CARD, names=("NAS",), kind="computer")
SCANNER = Device("scanner", "192.168.1.9", kind="archive")
USUAL = len(curated())
WHOLE = 65_535 - USUAL - 1  # 9999 is never asked
SLICE = -(-WHOLE // 13)


def a_site(**more: object) -> Site:
    allowed = {"by": "Dr Martin", "role": "titulaire", "until": "2027-01-31"}
    first = {"name": "Cabinet", "networks": ["192.168.1.0/24"], "authorisation": allowed}
    return Site.model_validate(first | more)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as opened:
        opened.remember("cabinet", "Cabinet", "fr")
        yield opened


def know(store: Store, *devices: Device, ports: tuple[int, ...] = (22, 104), done: str = "") -> None:
    """A night in which these devices were seen, with these ports open."""
    run = Run(
        id=uuid4().hex,
        site="cabinet",
        started=NOW - timedelta(days=1),
        finished=NOW - timedelta(hours=23),
        complete=True,
        vantages=(Vantage.LAN,),
        devices=devices,
        observations=tuple(
            replace(
                Target(device.id, device.address, ports).observed(
                    "sweep", port, suggested(port), {"state": "open"}
                ),
                proved=False,
            )
            for device in devices
            for port in ports
        ),
        coverage=tuple(
            Coverage("sweep", Vantage.LAN, device.address, device.id, ports, Outcome.OPEN)
            for device in devices
        ),
        rounds=tuple(Round(device.id, NOW - timedelta(days=1), done) for device in devices),
    )
    store.record(run, compare(store.picture("cabinet"), run, rules().ladder), ())


def planned(store: Store, site: Site | None = None, now: datetime = NOW, *, all_ports: bool = False) -> Plan:
    return plan(site or a_site(), store, PROBES, now, all_ports=all_ports)


def test_nothing_is_sent_and_nothing_is_remembered(store: Store) -> None:
    with pytest.raises(Warning, match="tried to use socket"):
        socket.socket()
    know(store, SERVER, SCANNER)
    before = (store.devices("cabinet"), store.rounds("cabinet"), store.last_finished())
    for all_ports in (False, True):
        assert planned(store, all_ports=all_ports).devices
    assert (store.devices("cabinet"), store.rounds("cabinet"), store.last_finished()) == before
    assert [path.name for path in store.folder.iterdir() if path.is_dir()] == [], "no audit log was begun"


@pytest.mark.parametrize(
    ("site", "now", "refused"),
    [
        (a_site(), NOW, None),
        (a_site(authorisation=None), NOW, "config.authorisation-missing"),
        (a_site(), datetime(2027, 1, 31, 23, 59, tzinfo=UTC), None),
        (a_site(), datetime(2027, 2, 1, tzinfo=UTC), "config.authorisation-ended"),
        (a_site(window="22:00-06:00"), NOW, None),
        (a_site(window="22:00-06:00"), NOW + timedelta(hours=12), "config.window-closed"),
        (
            a_site(window="22:00-06:00", authorisation=None),
            NOW + timedelta(hours=12),
            "config.authorisation-missing",
        ),
    ],
)
def test_a_scan_that_would_be_refused_now_is_planned_all_the_same_and_says_why(
    store: Store, site: Site, now: datetime, refused: str | None
) -> None:
    know(store, SERVER)
    made = planned(store, site, now)
    assert made.refused == refused
    assert [row.address for row in made.devices] == ["192.168.1.20"]
    assert made.seconds > 0


def test_what_the_scan_itself_would_ask_is_what_is_planned(store: Store) -> None:
    know(store, SERVER, SCANNER, ports=(22, 104, 50_123), done="1-3000")
    site = a_site(sweep={"extra_ports": [7777]}, exclude={"ports": [104, 5000]})
    night = tonight(site, store, PROBES, NOW)
    for row in planned(store, site).devices:
        [device] = [known for known in (SERVER, SCANNER) if known.address == row.address]
        assert row.usual == len(night.nightly(device.id)) == USUAL + 2 - 2
        assert row.further == len(night.slice(device.id)) > 4000
        assert row.is_a == night.is_a(night.expected(device)).name


def test_a_device_says_what_it_is_and_what_it_is_asked(store: Store) -> None:
    know(store, SERVER, SCANNER)
    scanner, server = planned(store).devices
    assert (scanner.address, scanner.kind, scanner.is_a) == ("192.168.1.9", "archive", "medical")
    assert (server.address, server.name, server.is_a) == ("192.168.1.20", "NAS", "computer")
    assert "Synology" in (server.vendor or "")
    assert (scanner.vendor, scanner.name) == (None, "")
    assert scanner.questions == server.questions == ("dicom",)


def test_devices_come_in_the_order_of_their_addresses(store: Store) -> None:
    know(store, *(Device(f"d{last}", f"192.168.1.{last}") for last in (100, 9, 20, 2)))
    assert [row.address.rpartition(".")[2] for row in planned(store).devices] == ["2", "9", "20", "100"]


def test_a_device_known_by_its_address_alone_is_planned_as_an_unknown_one(store: Store) -> None:
    know(store, replace(SERVER, mac=None))
    [row] = planned(store).devices
    assert (row.kind, row.is_a) == ("unknown", "unknown")


def test_a_declared_class_is_planned_with(store: Store) -> None:
    know(store, replace(SERVER, mac=None), ports=(22,))
    [unknown] = planned(store).devices
    [printer] = planned(store, a_site(classes={"printer": ["192.168.1.20"]})).devices
    assert (unknown.is_a, unknown.questions) == ("unknown", ("dicom",))
    assert (printer.is_a, printer.questions) == ("printer", ())
    assert printer.seconds * 3 < unknown.seconds, "one goes at 40 packets a second, the other at 10"


@pytest.mark.parametrize("device", [SERVER, SCANNER])
def test_a_device_takes_no_less_than_its_pace_allows(store: Store, device: Device) -> None:
    know(store, device)
    for site, slowest in (
        (a_site(), 10 if device is SCANNER else 40),
        (a_site(pace={"packets": 5, "guarded": 3}), 3 if device is SCANNER else 5),
        (a_site(pace={"packets": 3}), 3),
    ):
        [row] = planned(store, site).devices
        assert row.seconds >= (row.usual + row.further) / slowest
        assert planned(store, site).seconds >= row.seconds


def test_all_together_take_no_less_than_the_pace_of_all_allows(store: Store) -> None:
    know(store, *(replace(SERVER, id=f"d{n}", address=f"192.168.1.{n}", mac=None) for n in range(1, 41)))
    made = planned(store, a_site(pace={"overall": 20}))
    assert made.packets >= sum(row.usual + row.further for row in made.devices)
    assert made.seconds >= made.packets / 20
    assert planned(store).packets == made.packets
    assert planned(store).seconds < made.seconds


def test_a_device_that_is_left_alone_is_shown_and_not_counted(store: Store) -> None:
    know(store, SERVER)
    alone = planned(store)
    know(store, SERVER, replace(SCANNER, left_alone="2026-11-22T22:04:05Z"))
    made = planned(store)
    assert [row.left_alone for row in made.devices] == ["2026-11-22T22:04:05Z", None]
    assert (made.seconds, made.packets) == (alone.seconds, alone.packets)
    know(store, SERVER, SCANNER)
    assert planned(store).packets > alone.packets
    assert planned(store).seconds > alone.seconds


def test_a_slice_is_planned_from_a_devices_second_night_on(store: Store) -> None:
    first = planned(store)
    assert (first.devices, first.more.usual, first.more.further) == ((), USUAL, 0)
    know(store, SERVER)
    [row] = planned(store).devices
    assert (row.usual, row.further) == (USUAL, SLICE)
    [row] = planned(store, a_site(sweep={"whole_range_nights": 0})).devices
    assert (row.usual, row.further) == (USUAL, 0)


def test_the_last_slice_of_a_round_is_what_is_left_of_it(store: Store) -> None:
    know(store, SERVER, done="1-65500")
    [row] = planned(store).devices
    assert row.further == 35


def test_all_ports_at_once_are_the_whole_range_of_every_device(store: Store) -> None:
    know(store, SERVER, SCANNER)
    usual, whole = planned(store), planned(store, all_ports=True)
    assert [row.further for row in whole.devices] == [WHOLE, WHOLE]
    assert (whole.more.usual, whole.more.further) == (USUAL, WHOLE)
    assert whole.packets - usual.packets == 2 * (WHOLE - SLICE)
    assert whole.seconds >= WHOLE / 10


@pytest.mark.parametrize(
    ("window", "now", "fits"),
    [
        (None, "23:00", True),
        ("22:00-06:00", "23:00", True),
        ("22:00-06:00", "05:58", False),
        ("22:00-06:00", "12:00", True),
        ("22:00-22:05", "22:00", False),
        ("22:00-22:05", "12:00", False),
        ("23:59-00:30", "12:00", True),
    ],
)
def test_it_fits_where_the_scan_ends_before_the_window_closes(
    store: Store,
    window: str | None,
    now: str,
    fits: bool,  # noqa: FBT001 - a column of the table
) -> None:
    know(store, SCANNER)
    made = planned(
        store, a_site(window=window), datetime.fromisoformat(f"2026-11-23T{now}").replace(tzinfo=UTC)
    )
    assert 5 * 60 < made.seconds < 30 * 60
    assert (made.fits, made.window) == (fits, window)


def test_it_fits_to_the_second(store: Store) -> None:
    know(store, SCANNER)
    site = a_site(window="22:00-23:00")
    ends = datetime(2026, 11, 23, 23, tzinfo=UTC)
    last = ends - timedelta(seconds=planned(store, site).seconds)
    assert planned(store, site, last).fits
    assert not planned(store, site, last + timedelta(seconds=1)).fits


def test_what_is_covered_is_the_networks_less_what_is_excluded(store: Store) -> None:
    exclude = {
        "addresses": ["192.168.1.128-192.168.1.255"],
        "macs": [CARD.upper()],
        "ports": [80, "6000-6002"],
    }
    made = planned(store, a_site(exclude=exclude))
    assert made.networks == ("192.168.1.0/24",)
    assert made.covered == ("192.168.1.0/25",)
    assert made.addresses == 127, "the network's own address is no host's"
    assert made.excluded == ("192.168.1.128/25", CARD, "80,6000-6002")
    assert planned(store).excluded == ()
    assert planned(store).addresses == 254


def test_who_allowed_it_and_until_when_is_in_the_plan(store: Store) -> None:
    made = planned(store)
    assert (made.site, made.authorised_by, made.authorised_until) == ("Cabinet", "Dr Martin", "2027-01-31")
    assert date.fromisoformat(str(made.authorised_until)) > NOW.date()
    without = planned(store, a_site(authorisation=None))
    assert (without.authorised_by, without.authorised_until) == (None, None)


def test_who_answers_for_a_pace_above_ours_is_in_the_plan(store: Store) -> None:
    override = {"by": "Dr Martin", "reason": "audit of 12 March"}
    made = planned(store, a_site(pace={"packets": 80, "override": override}))
    assert (made.override, made.pace["packets"]) == ("Dr Martin (audit of 12 March)", 80)
    assert planned(store).override is None


def test_every_class_is_told_with_its_pace_and_the_questions_it_may_be_asked(store: Store) -> None:
    rows = {row.name: row for row in planned(store, a_site(pace={"packets": 30, "guarded": 3})).classes}
    assert list(rows) == ["medical", "unknown", "internet", "printer", "box", "computer", "other"]
    assert {name: (row.packets, row.guarded) for name, row in rows.items()} == {
        "medical": (3, True),
        "unknown": (3, True),
        "internet": (3, True),
        "printer": (30, False),
        "box": (30, False),
        "computer": (30, False),
        "other": (30, False),
    }
    for row in rows.values():
        assert row.questions == tuple(probe.name for probe in PROBES if probe.manner in row.manners)
    assert rows["medical"].questions == ("dicom",)
    assert rows["printer"].questions == ()


def test_the_pace_in_the_plan_is_the_sites(store: Store) -> None:
    assert planned(store).pace == {
        "packets": 40,
        "guarded": 10,
        "overall": 1000,
        "pause": 0.5,
        "seconds": 30.0,
        "limit": 262_144,
    }
    assert planned(store, a_site(pace={"packets": 4})).pace["guarded"] == 4


def test_a_device_that_nobody_has_seen_is_planned_as_a_medical_one_would_be(store: Store) -> None:
    more = planned(store).more
    assert (more.is_a, more.usual, more.further, more.left_alone) == ("unknown", USUAL, 0, None)
    assert more.seconds >= USUAL / 10


def test_a_machine_can_read_it(store: Store) -> None:
    know(store, SERVER, replace(SCANNER, left_alone="2026-11-22T22:04:05Z"))
    made = planned(store, a_site(window="22:00-06:00", exclude={"ports": [80]}))
    told = json.loads(json.dumps(asdict(made), allow_nan=False))
    assert json.loads(as_json(made)) == told | {"schema": "netwatch/plan-1"}
    assert told["devices"][1]["address"] == "192.168.1.20"
    assert told["classes"][0]["name"] == "medical"


@pytest.mark.parametrize(
    "exclude",
    [{"addresses": [SERVER.address]}, {"macs": [SERVER.mac]}, {"addresses": ["192.168.1.0-192.168.1.255"]}],
)
def test_a_device_that_a_scan_would_not_go_to_is_not_planned(
    store: Store, exclude: dict[str, object]
) -> None:
    know(store, SERVER)
    assert [row.address for row in planned(store).devices] == [SERVER.address]
    assert planned(store, a_site(exclude=exclude)).devices == ()
