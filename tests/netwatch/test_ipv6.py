"""Which IPv6 addresses has each device? Whom it asks, whom it must not, and how answers find their device."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network

import pytest

from netwatch.audit import Audit
from netwatch.errors import OutsideError
from netwatch.ipv6 import MOST_ADDRESSES, Heard, of_devices
from netwatch.model import Device, Reason
from netwatch.words import messages

NETWORK, SECOND = IPv6Network("2a01:e34:ec00:10::/64"), IPv6Network("2a01:e34:ec00:11::/64")
US = IPv6Address("2a01:e34:ec00:10::5")
PACS, BOX = "02:77:00:00:00:20", "02:77:00:00:00:01"
DEVICES = (
    Device("m-027700000020", "192.168.1.20", PACS),
    Device("m-027700000001", "192.168.1.1", BOX),
    Device("a-192.168.1.30", "192.168.1.30"),
)


def at(last: str, network: IPv6Network = NETWORK) -> IPv6Address:
    return network[int(last, 16)]


@dataclass
class Link:
    """A link as it answers. `cards`: this machine's."""

    answers: dict[IPv6Address, str] = field(default_factory=dict)
    table: dict[IPv6Address, str] = field(default_factory=dict)
    cards: tuple[tuple[str, IPv6Address], ...] = (("lo", IPv6Address("::1")), ("eth0", US))
    error: OSError | None = None
    asked: list[tuple[str, IPv6Address]] = field(default_factory=list)
    audit: Audit = field(default_factory=Audit)

    def call(self, card: str, source: IPv6Address, _seconds: float) -> dict[IPv6Address, str]:
        self.asked.append((card, source))
        if self.error:
            raise self.error
        return self.answers

    def heard(self, *networks: IPv6Network, excluded: frozenset[str] = frozenset()) -> Heard:
        return of_devices(
            networks or (NETWORK,),
            DEVICES,
            self.audit,
            excluded_macs=excluded,
            own=lambda: self.cards,
            call=self.call,
            known=lambda _: self.table,
        )


def test_each_device_has_the_addresses_that_its_card_answered_from() -> None:
    link = Link({at("20"): PACS, at("1"): BOX}, {at("2f"): PACS, at("20"): PACS})
    heard = link.heard()
    assert heard.devices == {
        "m-027700000001": ("2a01:e34:ec00:10::1",),
        "m-027700000020": ("2a01:e34:ec00:10::20", "2a01:e34:ec00:10::2f"),
    }
    assert (heard.strangers, heard.missed) == (0, None)


def test_an_address_outside_the_practice_s_networks_is_nobody_s_whoever_answers_from_it() -> None:
    outside = IPv6Address("2a02:8400:1::9")
    link = Link({outside: PACS, IPv6Address("fe80::20"): PACS, US: PACS}, {outside: BOX})
    assert link.heard().devices == {}


def test_cards_that_are_no_device_s_are_counted_and_not_listed() -> None:
    link = Link({at("50"): "02:77:00:00:00:50", at("51"): "02:77:00:00:00:50", at("20"): PACS})
    heard = link.heard()
    assert (list(heard.devices), heard.strangers) == (["m-027700000020"], 1)


def test_an_answer_of_tonight_is_believed_before_an_earlier_one() -> None:
    assert list(Link({at("20"): PACS}, {at("20"): BOX}).heard().devices) == ["m-027700000020"]


def test_each_network_is_asked_once_from_an_address_of_ours_in_it() -> None:
    second = at("5", SECOND)
    link = Link(cards=(("eth0", US), ("eth0", at("6")), ("eth1", second)))
    link.heard(NETWORK, SECOND, IPv6Network("2a01:e34:ec00:12::/64"))
    assert link.asked == [("eth0", US), ("eth1", second)]
    lines = link.audit.about("ff02::1")
    assert [(line["question"], line["card"], line["source"], line["ended"]) for line in lines] == [
        ("ipv6", "eth0", str(US), "0 answers"),
        ("ipv6", "eth1", str(second), "0 answers"),
    ]


def test_where_cards_are_excluded_nobody_is_asked_and_they_are_not_listed() -> None:
    link = Link({}, {at("20"): PACS, at("1"): BOX})
    heard = link.heard(excluded=frozenset({PACS}))
    assert (link.asked, link.audit.about("ff02::1")) == ([], ())
    assert list(heard.devices) == ["m-027700000001"]
    assert heard.missed is not None
    assert (heard.missed.message, heard.missed.reason) == ("address.ipv6-excluded", Reason.SCOPE)


def test_a_machine_without_an_address_in_these_networks_says_so() -> None:
    link = Link({at("20"): PACS}, cards=(("eth0", IPv6Address("fe80::5")),))
    with pytest.raises(OutsideError) as caught:
        link.heard(NETWORK, SECOND)
    assert (caught.value.message, link.asked) == ("address.ipv6-elsewhere", [])
    assert messages("fr")(caught.value.message, **caught.value.details)


@pytest.mark.parametrize(
    ("error", "word", "reason"),
    [
        (PermissionError(errno.EPERM, "Operation not permitted"), "ipv6-no-right", Reason.CREDENTIALS),
        (OSError(errno.ENETDOWN, "Network is down"), "ipv6-failed", Reason.PROTOCOL),
        (OSError(), "ipv6-failed", Reason.PROTOCOL),
    ],
)
def test_where_nobody_can_be_asked_what_is_known_is_told_and_what_is_missing(
    error: OSError, word: str, reason: Reason
) -> None:
    link = Link({}, {at("20"): PACS}, error=error)
    heard = link.heard()
    assert list(heard.devices) == ["m-027700000020"]
    assert heard.missed is not None
    assert (heard.missed.message, heard.missed.reason) == (f"address.{word}", reason)
    for language in ("en", "fr"):
        assert messages(language)(heard.missed.message, **heard.missed.details)


def test_a_device_with_a_thousand_addresses_has_a_few() -> None:
    heard = Link({at(f"{n:x}"): PACS for n in range(256, 1256)}).heard()
    assert len(heard.devices["m-027700000020"]) == MOST_ADDRESSES


def test_of_several_devices_on_one_card_it_is_the_one_named_after_it() -> None:
    link = Link({at("20"): PACS})
    devices = (Device("a-192.168.1.7", "192.168.1.7", PACS), *DEVICES)
    heard = of_devices(
        [NETWORK], devices, Audit(), own=lambda: link.cards, call=link.call, known=lambda _: {}
    )
    assert list(heard.devices) == ["m-027700000020"]
