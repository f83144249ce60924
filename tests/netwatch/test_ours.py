"""Which addresses may be asked from outside tonight? Every row of the table, and what it does not say."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Network, ip_address
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch import ours
from netwatch.model import Reason
from netwatch.ours import SOURCES, Ours, Refusal, Told, decide, is_public, told
from netwatch.portset import PortSet
from netwatch.words import messages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NOW = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)
A, OTHER = "82.64.0.10", "90.20.30.40"  # of the internet, and never asked: nothing here sends a packet
ANYTHING = ("-", "A", "other", "A and other")
HIDDEN = ("100.64.0.1", "192.0.0.2", "10.0.0.1", "192.168.1.2", "0.0.0.0")  # noqa: S104 - what boxes say


def of(*statements: tuple[str, str], at: datetime = NOW) -> list[Told]:
    made = [told(source, address, at) for source, address in statements]
    assert None not in made
    return [one for one in made if one is not None]


def rows() -> list[list[str]]:
    """The table, as it stands in the module."""
    lines = re.findall(r"^\| (.*) \|$", ours.__doc__ or "", re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")] for line in lines[1:]]


def addresses(word: str) -> list[str]:
    """`A and other` as the two."""
    return [{"A": A, "other": OTHER}.get(part, part) for part in word.split(" and ") if part != "-"]


def outside(word: str) -> list[list[tuple[str, str]]]:
    """What a cell of "outside sees" may be made of."""
    page, server, clear = [("echo", A)], [("vantage", A)], [("echo-in-clear", A)]
    other = [[(source, OTHER)] for source in ("echo", "vantage", "echo-in-clear")]
    readings: dict[str, list[list[tuple[str, str]]]] = {
        "-": [[]],
        "A": [
            page,
            server,
            [*page, *server],
            [*server, ("echo", OTHER)],
            [*server, ("echo-in-clear", OTHER)],
        ],
        "page A": [[*page, ("vantage", OTHER)], [*clear, ("vantage", OTHER)]],
        "http A": [clear],
        "other": [*other, [*other[0], *other[1]]],
    }
    return readings[word]


def choices(cell: str, anything: Iterable[str] = ANYTHING) -> Iterable[str]:
    return anything if cell == "any" else cell.split(", ")


SEES = ("-", "A", "page A", "http A", "other")


def cases(row: list[str]) -> Iterator[tuple[list[str], list[tuple[str, str]]]]:
    """(the declared addresses, what was told) for every reading of a row in which A is in question."""
    site_, sees_, name_, box_ = row[:4]
    for site, sees, name, box in product(choices(site_), choices(sees_, SEES), choices(name_), choices(box_)):
        for seen in outside(sees):
            said = [*seen, *(("name", one) for one in addresses(name)), *(("box", o) for o in addresses(box))]
            declared = addresses(site)
            if row[4] == "not known" or A in [*declared, *(one for _, one in said)]:
                yield declared, said


@pytest.mark.parametrize("row", rows(), ids=" | ".join)
def test_each_row_of_the_table_holds(row: list[str]) -> None:
    readings = list(cases(row))
    assert readings
    for declared, said in readings:
        given_ = decide(map(ip_address, declared), of(*said))
        refused = {str(one.address): one.sentence.removeprefix("address.") for one in given_.refused}
        if row[4] == "asked":
            assert ip_address(A) in given_, (declared, said)
            assert A not in refused
        else:
            assert ip_address(A) not in given_, (declared, said)
            assert refused["None" if row[4] == "not known" else A] == row[5], (declared, said)


def test_every_case_that_one_can_think_of_is_in_the_table() -> None:
    inside = [
        (sorted(declared), sorted(said))
        for row in rows()
        if row[4] != "not known"
        for declared, said in cases(row)
    ]
    for row in product(ANYTHING[:3], SEES, ANYTHING[:3], (*ANYTHING, *HIDDEN)):
        for declared, said in cases([*row, "", ""]):
            assert (sorted(declared), sorted(said)) in inside, row


def sentences(given_: Ours) -> dict[str, str]:
    return {str(one.address): one.sentence.removeprefix("address.") for one in given_.refused}


def test_the_box_alone_never_authorises_an_address_whatever_else_is_told_of_others() -> None:
    stranger = "5.6.7.8"
    for source, declared in product(SOURCES, [[], [A]]):
        said = of((source if source != "site-file" else "name", A), ("box", stranger))
        assert ip_address(stranger) not in decide(map(ip_address, declared), said)


def test_what_it_rests_on_is_told_with_its_date() -> None:
    early, late = of(("box", A), ("echo", A)), of(("name", A), at=NOW + timedelta(hours=1))
    [one] = decide([ip_address(A)], [*late, *early]).addresses
    assert one.sources == ("site-file", "echo", "name", "box")
    assert one.at == NOW + timedelta(hours=1)
    assert decide([ip_address(A)], []).addresses[0].at is None


def test_two_static_addresses_stand_though_our_packets_leave_from_one_of_them() -> None:
    given_ = decide([ip_address(A), ip_address(OTHER)], of(("vantage", A), ("box", A)))
    assert [str(one.address) for one in given_.addresses] == [A, OTHER]
    assert given_.refused == ()


def test_cgnat_and_double_nat_are_told_apart_and_told_though_nobody_else_says_anything() -> None:
    carrier = decide([], of(("box", "100.64.3.4"), ("box", "192.168.1.2")))
    assert (carrier.cgnat, carrier.double_nat, carrier.shared) == (True, False, True)
    assert carrier.refused == (Refusal(None, "address.cgnat", {"box": "100.64.3.4, 192.168.1.2"}),)
    twice = decide([], of(("box", "192.168.1.2"), ("echo", A)))
    assert (twice.cgnat, twice.double_nat, twice.shared) == (False, True, False)
    assert sentences(twice) == {A: "double-nat"}


def test_an_idle_connection_of_the_box_hides_nothing() -> None:
    given_ = decide([], of(("box", HIDDEN[-1]), ("box", A), ("echo", A)))
    assert (given_.nat, [str(one.address) for one in given_.addresses]) == (None, [A])


def test_addresses_that_are_nobody_s_are_not_asked_whoever_names_them() -> None:
    for text in (
        "192.168.1.20",
        "224.0.0.9",
        "127.0.0.1",
        "fe80::1",
        "ff02::1",
        "fd00::1",
        "2002::1",
        "64:ff9b::1",
    ):
        address = ip_address(text)
        assert not is_public(address)
        given_ = decide([address], of(("vantage", text), ("echo", text), ("name", text)))
        assert address not in given_
        assert sentences(given_)[text] == "not-public"


def test_an_address_that_the_box_calls_shared_is_asked_only_where_its_ports_are_known() -> None:
    said = [*of(("echo", A)), *(replace(one, shared=True) for one in of(("box", A)))]
    assert ip_address(A) not in decide([], said)
    assert sentences(decide([], said))[A] == "cgnat"
    assert ip_address(A) in decide([], said, public_ports=PortSet.parse("16384-32767"))


def test_its_own_ports_of_a_shared_address_are_asked() -> None:
    given_ = decide([], of(("echo", A)), public_ports=PortSet.parse("16384-32767"))
    assert given_.shared
    assert ip_address(A) in given_


MINE, MACHINE, STRANGE = "2a01:e34:ec00:10::1", "2a01:e34:ec00:10::5", "2a02:8400:1::9"
NETWORK = IPv6Network("2a01:e34:ec00:10::/64")
SIX = {
    # declared, networks, told, asked, refused
    "the site file": ([MINE], [], [("echo", MACHINE)], [MINE], {MACHINE: "undeclared"}),
    "a network of the site file": ([], [NETWORK], [("echo", MACHINE), ("box", MINE)], [MINE, MACHINE], {}),
    "another network": ([], [NETWORK], [("vantage", STRANGE)], [], {STRANGE: "undeclared"}),
    "this machine": ([], [], [("vantage", MACHINE), ("box", MINE)], [MACHINE], {MINE: "box-alone"}),
    "a name": ([], [], [("name", MINE)], [], {MINE: "name-alone"}),
    "a name and the box": ([], [], [("name", MINE), ("box", MINE)], [MINE], {}),
    "a page in clear": ([], [], [("echo-in-clear", MACHINE)], [], {MACHINE: "echo-alone"}),
    "a box with a private one": ([], [], [("echo", MACHINE), ("box", "fd00::1")], [MACHINE], {}),
}


@pytest.mark.parametrize(("declared", "networks", "said", "asked", "refused"), SIX.values(), ids=SIX)
def test_over_ipv6_nobody_contradicts_another(
    declared: list[str],
    networks: list[IPv6Network],
    said: list[tuple[str, str]],
    asked: list[str],
    refused: dict[str, str],
) -> None:
    given_ = decide(map(ip_address, declared), of(*said, ("echo", A)), networks)
    assert [str(one.address) for one in given_.addresses] == [A, *asked]
    assert sentences(given_) == refused


def test_what_hides_the_ipv4_address_hides_no_ipv6_address() -> None:
    given_ = decide([], of(("box", "100.64.3.4"), ("echo", A), ("echo", MACHINE)))
    assert [str(one.address) for one in given_.addresses] == [MACHINE]
    assert sentences(given_) == {A: "cgnat"}


def test_an_ipv6_address_does_not_stand_for_the_ipv4_address_that_nobody_told() -> None:
    given_ = decide([], of(("echo", MACHINE)))
    assert sentences(given_) == {"None": "unknown"}


@pytest.mark.parametrize(
    "text", ["", "example.org", "82.64.0.10/32", "082.64.0.10", "fe80::1%eth0", "1", "A" * 9999]
)
def test_what_is_no_address_is_not_told(text: str) -> None:
    assert told("echo", text, NOW) is None


def test_an_ipv4_address_in_ipv6_s_clothes_is_ipv4() -> None:
    heard = told("vantage", f" ::ffff:{A} ", NOW, via="ssh")
    assert heard == Told("vantage", ip_address(A), NOW, "ssh")


def test_a_refusal_is_an_error_whose_sentence_there_is_in_both_languages() -> None:
    words = [row[5] for row in rows() if row[5]]
    assert {*words} == {*words, "unknown"}
    for word in [*words, "not-public"]:
        error = Refusal(None, f"address.{word}", {"box": "X", "seen": "X", "declared": "X"}).error()
        assert error.reason == Reason.UNPROVED
        for language in ("en", "fr"):
            assert messages(language)(error.message, **error.details)


pool = st.sampled_from([*map(ip_address, (A, OTHER, *HIDDEN, MINE, MACHINE, "192.168.1.2", "fd00::1"))])
statements = st.lists(st.builds(Told, st.sampled_from(SOURCES[1:]), pool, st.just(NOW)), max_size=6)


@given(st.sets(pool, max_size=2), statements, st.randoms())
def test_the_order_makes_no_difference_and_each_address_is_asked_or_refused_once(
    declared: set[ours.Internet], said: list[Told], chance: object
) -> None:
    given_ = decide(declared, said, [NETWORK])
    mixed = said[:]
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert decide(declared, mixed, [NETWORK]) == given_
    both = [*(one.address for one in given_.addresses), *(one.address for one in given_.refused)]
    assert len(both) == len(set(both))
    for one in given_.addresses:
        assert is_public(one.address)
        assert set(one.sources) != {"box"}
    for refusal in given_.refused:
        assert messages("fr")(refusal.sentence, **refusal.details)
