"""What reaches a device through its public port, whoever spoke of the forward, and when?

The whole way from what is known to the bytes: the real questions, to a port of this machine that stands for
the public one. What follows from each rule of the box: test_behind.py.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from netwatch import ipv6
from netwatch.audit import Audit
from netwatch.beyond import Beyond
from netwatch.config import Site
from netwatch.diff import Night
from netwatch.halt import Halt
from netwatch.located import Locating
from netwatch.model import Device, Outcome, Reason, Run, Vantage
from netwatch.nightly import bounds
from netwatch.outlet import Here
from netwatch.probe import ProbeError
from netwatch.tonight import Tonight
from tests.lab.nights import ARCHIVE, BOX, PROBES, SITE, by_ipv6, forward, practice, said_by_box
from tests.lab.peers import Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import Any, NoReturn

    from netwatch.model import Observation
    from netwatch.store import Store

PORT = 8104
CARD = "00:11:32:aa:bb:cc"
NOW = datetime.now(UTC).replace(microsecond=0)
YESTERDAY = NOW - timedelta(days=1)
PACE = {
    "packets": 100_000,
    "guarded": 100_000,
    "overall": 1_000_000,
    "pause": 0.0,
    "override": {"by": "the tests", "reason": "they have no patients"},
}
DICOM, TLS = b"\x01\x00", b"\x16\x03"  # how an association begins, and a handshake


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with practice(tmp_path) as opened:
        yield opened.store


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> str:
    """The practice's address on the internet, proved: one of this machine's."""
    address = f"127.94.{os.getpid() % 250}.1"  # not that of tests beside these: the port is always the same
    monkeypatch.setattr(Locating, "addresses", lambda *_: {address: "site-file"})
    monkeypatch.setattr(Locating, "outside", lambda *_: True)
    return address


def site(**settings: object) -> Site:
    told = {"name": "A", "networks": ["192.168.1.0/24"], "gateway": BOX.address, "pace": PACE}
    return Site.model_validate(told | settings)


def run(*seen: Observation, devices: Iterable[Device] = (), here: bool = False, at: datetime = NOW) -> Run:
    return Run(
        f"r{at:%d}",
        SITE,
        at,
        at,
        complete=True,
        vantages=() if here else (Vantage.LAN,),
        devices=tuple(devices),
        observations=tuple(replace(one, seen_at=at) for one in seen),
    )


def last_night(store: Store, *seen: Observation, devices: Iterable[Device] = (ARCHIVE, BOX)) -> None:
    store.record(run(*seen, devices=devices, at=YESTERDAY), Night({}, ()), ())


@dataclass
class Door:
    """The public port: what came in there, message by message, and what the night says of it."""

    run: Run
    connections: int = 0
    messages: list[bytes] = field(default_factory=list)

    def knocked(self) -> set[int]:
        """The public ports that were asked."""
        rows = (row for row in self.run.coverage if row.vantage is Vantage.OUTSIDE and row.probe == "sweep")
        return {port for row in rows if row.outcome is not Outcome.NOT_ASKED for port in row.ports}


def beyond(tonight_site: Site, store: Store, *, here: bool = False, extra: tuple[int, ...] = ()) -> Beyond:
    """One night's look beyond the network."""
    tonight = Tonight(bounds(tonight_site, date.max), gateway=BOX.address, extra_ports=extra)
    return Beyond(tonight_site, store, PROBES, tonight, Audit, Halt(), lambda *_: None, here)


def look(
    monkeypatch: pytest.MonkeyPatch, store: Store, public: str, tonight: Run, **settings: object
) -> Door:
    """A night in which something listens behind the public port."""
    here = Vantage.LAN not in tonight.vantages
    if not here:
        monkeypatch.setattr(Beyond, "_vantage", contextmanager(lambda _: iter([Here(connects=True)])))
        settings["vantage"] = {"outside": {"ssh": "a@b.example"}}
    door = Door(tonight)

    def listen(talk: Talk) -> None:
        door.messages.append(talk.some())  # and hang up: no question is worth a second one

    with Peer(listen, public, PORT) as peer:
        door.run = beyond(site(**settings), store, here=here, extra=(PORT,)).add_to(tonight)
        door.connections = peer.connections
    return door


def leads(port: int = 104) -> Observation:
    """The public port, as the box forwards it."""
    return forward(PORT, ARCHIVE.address, port)


@pytest.mark.parametrize(
    ("tonight", "before"),
    [
        (run(leads(), devices=(ARCHIVE,)), ()),
        (run(devices=(ARCHIVE,)), (leads(),)),
        (run(), (leads(),)),
        (run(here=True), (leads(),)),
    ],
    ids=["the box says so tonight", "the box is silent", "so is the archive", "a laptop outside"],
)
def test_an_archive_behind_a_public_port_is_asked_for_dicom_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, store: Store, public: str, tonight: Run, before: tuple[Observation, ...]
) -> None:
    last_night(store, *before)
    door = look(monkeypatch, store, public, tonight)
    assert PORT in door.knocked()
    assert {message[:2] for message in door.messages} == {DICOM, TLS}
    asked = {row.probe for row in door.run.coverage if row.vantage is Vantage.OUTSIDE and PORT in row.ports}
    assert "http" not in asked


@pytest.mark.parametrize(
    ("more", "exclude", "port"),
    [
        ({"left_alone": "2026-01-01T00:00:00Z"}, {}, 104),
        ({}, {"addresses": [ARCHIVE.address]}, 104),
        ({"mac": CARD}, {"macs": [CARD]}, 104),
        ({}, {"ports": [104]}, 104),
        ({}, {}, 9999),
    ],
    ids=["left alone", "its address", "its card", "its port", "a port that is never knocked at"],
)
@pytest.mark.parametrize("here", [False, True], ids=["a server", "a laptop"])
def test_what_nobody_may_touch_is_not_even_knocked_at_through_its_public_port(  # noqa: PLR0913, PLR0917 - cases
    monkeypatch: pytest.MonkeyPatch,
    store: Store,
    public: str,
    more: dict[str, Any],
    exclude: dict[str, list[str | int]],
    port: int,
    here: bool,  # noqa: FBT001 - one of the cases
) -> None:
    last_night(store, leads(port), devices=(replace(ARCHIVE, **more), BOX))
    door = look(monkeypatch, store, public, run(here=here), exclude=exclude)
    assert door.connections == 0
    assert door.knocked()
    assert PORT not in door.knocked()


@pytest.mark.parametrize("when", ["tonight", "last night"])
def test_a_neighbours_port_of_a_shared_address_is_not_knocked_at_once_the_box_told_ours(
    monkeypatch: pytest.MonkeyPatch, store: Store, public: str, when: str
) -> None:
    shared = said_by_box("wan", address=public, via="freebox", cgnat=True, ports="16384-32767")
    if when == "last night":
        last_night(store, shared)
    door = look(monkeypatch, store, public, run(shared) if when == "tonight" else run())
    assert door.connections == 0
    assert min(door.knocked()) >= 16_384
    assert max(door.knocked()) <= 32_767


def heard(*devices: str) -> Callable[..., ipv6.Heard]:
    """The IPv6 neighbours, as they might be heard."""
    return lambda *_, **__: ipv6.Heard(dict.fromkeys(devices, ("2620:fe::50",)))


@pytest.mark.parametrize(
    ("more", "own"),
    [({}, ["2620:fe::50"]), ({"left_alone": "2026-01-01T00:00:00Z"}, []), ({"mac": CARD}, [])],
    ids=["asked", "left alone", "its card"],
)
@pytest.mark.parametrize("here", [False, True], ids=["a server", "a laptop"])
def test_an_address_of_its_own_is_no_way_to_a_device_that_nobody_may_touch(
    monkeypatch: pytest.MonkeyPatch,
    store: Store,
    more: dict[str, Any],
    own: list[str],
    here: bool,  # noqa: FBT001 - one of the cases
) -> None:
    monkeypatch.setattr(ipv6, "of_devices", heard(ARCHIVE.id))
    device = replace(ARCHIVE, **more)
    last_night(store, by_ipv6("2620:fe::50"), devices=(device, BOX))
    settings = {"ipv6_networks": ["2620:fe::/64"], "exclude": {"macs": [CARD]}}
    one = beyond(site(**settings), store, here=here)
    one._ipv6(run(devices=() if here else (device,), here=here))
    assert list(one.own) == own


@pytest.mark.parametrize("left_alone", [None, "2026-01-01T00:00:00Z"], ids=["well", "left alone"])
def test_a_box_that_fell_silent_on_an_earlier_night_is_not_logged_into_though_nobody_saw_it_tonight(
    monkeypatch: pytest.MonkeyPatch, store: Store, left_alone: str | None
) -> None:
    tried = set[str]()

    def dial(_: Here, address: str, *__: object) -> NoReturn:
        tried.add(address)
        raise ProbeError(Reason.REFUSED, "nothing leaves in this test")

    monkeypatch.setattr(Here, "dial", dial)
    monkeypatch.setenv("NETWATCH_BOX_PASSWORD", "secret")
    last_night(store, devices=(replace(BOX, left_alone=left_alone),))
    beyond(site(box={"kind": "livebox"}), store).add_to(run())
    assert tried == (set() if left_alone else {BOX.address})
