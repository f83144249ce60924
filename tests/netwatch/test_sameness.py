"""Is a device known again, with another card or at another address, and never taken for another?"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from netwatch.identity import identify, virtual
from netwatch.met import met
from netwatch.model import Coverage, Device, Finding, Observation, Outcome, Run, Vantage
from netwatch.sameness import BEFORE, NEW, Same, followed, marks, same
from netwatch.sayings import USER, Saying, Sayings, What, ruled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netwatch.model import Facts

NOW = datetime(2026, 11, 30, 2, tzinfo=UTC)
REAL, OTHER, MADE_UP = "00:11:32:aa:bb:01", "00:11:32:aa:bb:02", "02:11:32:aa:bb:03"


def device(card: str | None, address: str = "192.168.1.20", name: str = "") -> Device:
    return Device(name or (f"m-{card.replace(':', '')}" if card else f"a-{address}"), address, card)


def shows(one: Device, protocol: str = "ssh", **facts: str) -> Observation:
    told: Facts = dict(facts)
    return Observation(protocol, Vantage.LAN, one.id, one.address, 22, protocol, told, NOW)


def found(
    tonight: list[Device], shown: list[Observation], known: list[Device], before: list[Observation]
) -> dict[str, tuple[str, str]]:
    told = same(tonight, marks(shown), known, marks(before))
    return {one.new: (one.old, one.by) for one in told}


def test_a_laptop_that_left_its_dock_is_known_by_its_key() -> None:
    docked, wifi = device(REAL), device(OTHER, "192.168.1.77")
    key = {"host_key": "sha256:aa"}
    assert found([wifi], [shows(wifi, **key)], [docked], [shows(docked, **key)]) == {
        wifi.id: (docked.id, "host-key")
    }


def test_a_telephone_that_made_up_another_card_is_known_by_its_name() -> None:
    last, now = device(MADE_UP), device("06:00:00:00:00:09", "192.168.1.33")
    told = found(
        [now],
        [shows(now, "mdns", name="Pixel-de-accueil")],
        [last],
        [shows(last, "mdns", name="pixel-de-accueil.local")],
    )
    assert told == {now.id: (last.id, "name")}


@pytest.mark.parametrize("name", ["iPhone", "localhost", "PC1", "android.local"])
def test_a_name_that_many_go_by_tells_nothing(name: str) -> None:
    last, now = device(MADE_UP), device("06:00:00:00:00:09", "192.168.1.33")
    assert found([now], [shows(now, "mdns", name=name)], [last], [shows(last, "mdns", name=name)]) == {}


def test_a_name_alone_says_nothing_where_a_real_card_is_another() -> None:
    last, now = device(REAL), device(OTHER)
    told = {"netbios_name": "ACCUEIL-PC"}
    assert found([now], [shows(now, "smb", **told)], [last], [shows(last, "smb", **told)]) == {}


def test_a_device_that_is_there_under_its_own_card_is_nobody_elses() -> None:
    known, now = device(REAL), device(OTHER, "192.168.1.77")
    key = {"host_key": "sha256:aa"}
    shown = [shows(known, **key), shows(now, **key)]
    assert found([known, now], shown, [known], [shows(known, **key)]) == {}


def test_a_key_that_two_known_devices_have_tells_of_neither() -> None:
    one, two, now = device(REAL), device(OTHER, "192.168.1.21"), device(MADE_UP, "192.168.1.22")
    key = {"certificate_key": "sha256:factory"}
    before = [shows(one, "http", **key), shows(two, "http", **key)]
    assert found([now], [shows(now, "http", **key)], [one, two], before) == {}


def test_two_new_ones_with_the_key_of_one_are_both_new() -> None:
    old, one, two = device(REAL), device(OTHER, "192.168.1.21"), device(MADE_UP, "192.168.1.22")
    key = {"host_key": "sha256:cloned"}
    assert found([one, two], [shows(one, **key), shows(two, **key)], [old], [shows(old, **key)]) == {}


def test_what_contradicts_leaves_it_new() -> None:
    old, now = device(REAL), device(OTHER)
    mine, theirs = (
        shows(now, host_key="bbbb", certificate_key="cccc"),
        shows(old, host_key="aaaa", certificate_key="cccc"),
    )
    assert found([now], [mine], [old], [theirs]) == {}


def test_two_that_swapped_their_addresses_behind_a_router_are_told_apart_by_their_keys() -> None:
    here, there = device(None, "10.1.0.5"), device(None, "10.1.0.6")
    before = [shows(here, host_key="aaaa"), shows(there, host_key="bbbb")]
    tonight = [shows(here, host_key="bbbb"), shows(there, host_key="aaaa")]
    assert found([here, there], tonight, [here, there], before) == {
        here.id: (there.id, "host-key"),
        there.id: (here.id, "host-key"),
    }


def test_a_stranger_at_a_known_address_without_a_card_is_somebody_new() -> None:
    here = device(None, "10.1.0.5")
    told = found([here], [shows(here, host_key="bbbb")], [here], [shows(here, host_key="aaaa")])
    assert told == {here.id: ("a-10.1.0.5-2", NEW)}
    renewed = found(
        [here], [shows(here, certificate_key="bbbb")], [here], [shows(here, certificate_key="aaaa")]
    )
    assert renewed == {}


def test_a_role_that_moves_between_two_routers_names_neither() -> None:
    assert virtual("00:00:5E:00:01:0a")
    assert virtual("00:00:0c:07:ac:01")
    assert not virtual(REAL)


def test_what_others_report_or_the_outside_shows_is_no_mark_of_a_device() -> None:
    public = Observation("ssh", Vantage.OUTSIDE, "p-9.9.9.9", "9.9.9.9", 22, "ssh", {"host_key": "aaaa"}, NOW)
    assert marks([public]) == {}


def test_all_of_a_night_follows_the_device() -> None:
    seen = shows(device(OTHER), host_key="aaaa")
    run = Run(
        "r", "a", NOW, NOW, complete=True, vantages=(Vantage.LAN,), devices=(device(OTHER),),
        observations=(seen,),
        coverage=(Coverage("sweep", Vantage.LAN, seen.address, seen.device, (22,), Outcome.OPEN),
                  Coverage("discovery", Vantage.LAN, "192.168.1.0/24", None, (), Outcome.ANSWERED)),
        findings=frozenset({Finding("rule", seen.device, 22)}),
    )  # fmt: skip
    told = followed(run, [Same(seen.device, "m-old", "host-key")])
    assert {told.devices[0].id, told.observations[0].device, told.coverage[0].device} == {"m-old"}
    assert told.coverage[1].device is None
    assert told.findings == {Finding("rule", "m-old", 22)}
    assert told.devices[0].mac == OTHER
    assert followed(run, []) is run


def test_a_device_that_was_left_alone_is_not_released_by_another_card() -> None:
    old, now = replace(device(MADE_UP), left_alone="2026-11-24T02:00:00Z"), device("06:00:00:00:00:09")
    run = Run("r", "a", NOW, NOW, complete=True, vantages=(Vantage.LAN,), devices=(now,))
    [one] = followed(run, [Same(now.id, old.id, "name")], [old]).devices
    assert (one.id, one.left_alone) == (old.id, old.left_alone)


def test_what_was_told_once_of_a_card_holds_where_it_shows_nothing() -> None:
    docked, wifi = device(REAL), device(OTHER, "192.168.1.77")
    said = Sayings((Saying(wifi.id, What.SAME, docked.id, "host-key", NOW),))
    assert [*same([wifi], {}, [docked], {}, said)] == [Same(wifi.id, docked.id, BEFORE)]
    shown, before = marks([shows(wifi, host_key="bbbb")]), marks([shows(docked, host_key="aaaa")])
    assert [*same([wifi], shown, [docked], before, said)] == []
    assert [*same([docked, wifi], {}, [docked], {}, said)] == [], "both are there: it is a card of its own"


def test_what_a_person_parted_is_never_taken_for_one_again() -> None:
    docked, wifi = device(REAL), device(OTHER, "192.168.1.77")
    key = {"host_key": "sha256:aa"}
    said = Sayings((Saying(wifi.id, What.APART, docked.id, USER, NOW),))
    told = same([wifi], marks([shows(wifi, **key)]), [docked], marks([shows(docked, **key)]), said)
    assert [*told] == []


def test_a_card_that_is_made_up_names_nobody_that_shows_another_key() -> None:
    here = device(MADE_UP)
    told = found([here], [shows(here, host_key="bbbb")], [here], [shows(here, host_key="aaaa")])
    assert told == {here.id: (f"{here.id}-2", NEW)}
    real = device(REAL)
    told = found([real], [shows(real, host_key="bbbb")], [real], [shows(real, host_key="aaaa")])
    assert told == {}, "a real card is the device, with a new key"


# ------------------------------------------------------------------------------------------- whole histories


ROLE = "00:00:5e:00:01:0a"


@dataclass
class Thing:
    """A device as it truly is. `cards`: those that it may show, `both` of them at once on some nights; none:
    behind a router. `key`, `name`: or nothing. `changes`: it makes up a card every night. `roles`: it may
    bear the gateway's address beside its own."""

    truth: int
    cards: tuple[str, ...]
    key: str
    name: str
    address: str
    changes: bool = False
    both: bool = False
    roles: bool = False
    known: bool = False

    @property
    def knowable(self) -> bool:
        """Does it show anything by which it could be known again?"""
        return bool(self.key or self.name or (self.cards and not self.changes))


@dataclass
class History:
    """What is remembered of the nights of one practice, and how often it was wrong."""

    dice: random.Random
    things: list[Thing]
    known: dict[str, Device] = field(default_factory=dict)
    remembered: dict[str, Observation] = field(default_factory=dict)
    said: Sayings = field(default_factory=Sayings)
    whose: dict[str, int] = field(default_factory=dict)
    count: Counter[str] = field(default_factory=Counter)

    def night(self) -> None:
        """Some are there, some have moved; all are told apart as well as may be."""
        self.move()
        there = {address: (card, thing) for address, card, thing in self.hosts()}
        hosts = [(address, card) for address, (card, _) in there.items()]
        known = ruled(self.known.values(), self.said)
        devices = tuple(identify(hosts, known).values())
        shown = tuple(seen for one in devices for seen in self.shown(one, there[one.address][1]))
        run = Run(
            "r", "a", NOW, NOW, complete=True, vantages=(Vantage.LAN,), devices=devices, observations=shown
        )
        told = met(run, known, self.remembered.values(), self.said)
        self.said = Sayings((*(one for one in self.said.said if one not in told.ended), *told.said))
        for one in told.run.devices:
            card, thing = there[one.address]
            self.known[one.id] = one
            if card != ROLE:
                self.judge(self.said.lead(one.id), thing)
            elif self.said.lead(one.id) != one.id:
                self.count["roles"] += 1
                self.count["false same"] += self.whose.get(self.said.lead(one.id), thing.truth) != thing.truth
        for seen in told.run.observations:
            self.remembered[f"{seen.device} {seen.protocol}"] = seen

    def move(self) -> None:
        """DHCP moves some, and two may swap."""
        for behind in (True, False):
            side = [thing for thing in self.things if bool(thing.cards) is not behind]
            if len(side) > 1 and self.dice.random() < 0.5:
                one, two = self.dice.sample(side, 2)
                one.address, two.address = two.address, one.address

    def hosts(self) -> Iterator[tuple[str, str | None, Thing]]:
        """(address, card, what is there) of this night."""
        here = [thing for thing in self.things if self.dice.random() < 0.85]
        for thing in here:
            card = self.card(thing)
            yield thing.address, card, thing
            if thing.both and self.dice.random() < 0.4:
                yield f"192.168.2.{thing.truth + 10}", next(one for one in thing.cards if one != card), thing
        if bearers := [thing for thing in here if thing.roles]:
            yield "192.168.1.254", ROLE, self.dice.choice(bearers)

    def card(self, thing: Thing) -> str | None:
        """The card that it shows tonight."""
        if thing.changes:
            return "02:" + ":".join(f"{self.dice.randrange(256):02x}" for _ in range(5))
        return self.dice.choice(thing.cards) if thing.cards else None

    @staticmethod
    def shown(one: Device, thing: Thing) -> list[Observation]:
        """What it tells."""
        key = [shows(one, host_key=thing.key)] if thing.key else []
        return key + ([shows(one, "mdns", name=thing.name)] if thing.name else [])

    def judge(self, final: str, thing: Thing) -> None:
        """Was it known for what it is?"""
        sort = "" if thing.knowable else ", shows nothing"
        self.count["seen" + sort] += 1
        if final in self.whose and self.whose[final] != thing.truth:
            self.count["false same" + sort] += 1
        elif final not in self.whose and thing.known:
            self.count["false new" + sort] += 1
        self.whose[final], thing.known = thing.truth, True


KINDS = (
    *("pc", "pc", "laptop", "phone", "printer", "mute", "routed", "routed-mute"),
    *("two-cards", "copied", "router"),
)


def a_practice(dice: random.Random) -> list[Thing]:
    """A dozen devices, of the kinds that practices have."""
    things = []
    for truth in range(dice.randint(6, 14)):
        kind = dice.choice(KINDS)
        card = f"00:11:32:00:00:{truth:02x}"
        two = (card, f"00:11:32:00:01:{truth:02x}")
        cards = {"laptop": two, "two-cards": two, "routed": (), "routed-mute": ()}.get(kind, (card,))
        key = kind in {"laptop", "printer", "routed", "two-cards", "router"} or (
            kind == "pc" and dice.random() < 0.5
        )
        name = f"machine-{truth}" if kind in {"pc", "phone", "laptop", "two-cards", "copied"} else ""
        things.append(
            Thing(
                truth,
                cards,
                "one-image" if kind == "copied" else f"key{truth:04}" if key else "",
                name,
                f"{'192.168.1' if cards else '10.1.0'}.{truth + 10}",
                changes=kind == "phone",
                both=kind == "two-cards",
                roles=kind == "router",
            )
        )
    return things


def lived(seed: int, nights: int = 12) -> Counter[str]:
    """One history: how often something was taken for new, or for another, that was not."""
    dice = random.Random(seed)  # noqa: S311 - a history that can be told again
    history = History(dice, a_practice(dice))
    for _ in range(nights):
        history.night()
    return history.count


def test_over_many_histories_hardly_anything_is_new_that_is_not_and_nothing_is_another() -> None:
    total: Counter[str] = Counter()
    for seed in range(200):
        total += lived(seed)
    assert total["seen"] > 15_000
    assert total["false same"] <= total["seen"] // 500
    assert total["false new"] <= total["seen"] // 1000
    assert total["roles"] > 500
