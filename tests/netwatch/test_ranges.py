"""What may be written under [[ranges]], and what is answered where it is wrong?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from netwatch.config import load
from netwatch.errors import ConfigError
from netwatch.problem import sentence
from netwatch.words import LANGUAGES, messages

if TYPE_CHECKING:
    from pathlib import Path

    from netwatch.config import Site

TWO = 'networks = ["192.168.1.0/25", "192.168.1.128/25"]'


def site(folder: Path, tables: str, top: str = 'networks = ["192.168.1.0/24"]') -> Site:
    path = folder / "site.toml"
    path.write_text(f'name = "a"\n{top}\n{tables}', encoding="utf-8")
    return load(path)


def wrong(folder: Path, tables: str, top: str = 'networks = ["192.168.1.0/24"]') -> str:
    with pytest.raises(ConfigError) as told:
        site(folder, tables, top)
    for language in LANGUAGES:
        sentence(told.value, messages(language))
    return sentence(told.value, messages("en"))


def one(network: str, name: str = "g", expect: str = "phones") -> str:
    return f'[[ranges]]\nname = "{name}"\nnetwork = "{network}"\nexpect = "{expect}"\n'


@pytest.mark.parametrize(
    ("written", "inside", "outside"),
    [
        ("192.168.1.128/25", ("192.168.1.128", "192.168.1.255"), "192.168.1.127"),
        ("192.168.1.100-192.168.1.110", ("192.168.1.100", "192.168.1.110"), "192.168.1.111"),
        ("192.168.1.7", ("192.168.1.7",), "192.168.1.8"),
    ],
)
def test_a_range_holds_its_addresses(
    tmp_path: Path, written: str, inside: tuple[str, ...], outside: str
) -> None:
    [known] = site(tmp_path, one(written)).ranges
    assert all(known.holds(address) for address in inside)
    assert not known.holds(outside)


def test_a_range_may_cross_from_one_network_into_its_neighbour(tmp_path: Path) -> None:
    assert site(tmp_path, one("192.168.1.0/24"), TWO).ranges[0].holds("192.168.1.130")


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (one("192.168.2.0/25"), "ranges[0].network: this range does not lie within the networks"),
        (one("192.168.1.200-192.168.2.3"), "ranges[0].network: this range does not lie"),
        (one("192.168.1.129/25"), 'did you mean "192.168.1.128/25"'),
        (one("192.168.1.20-192.168.1.2"), "the lower one first"),
        (one("visitors"), '"visitors" is not a network'),
        (one("192.168.1.0/25", expect="phone"), "choose one of: phones, anything"),
        (
            one("192.168.1.0/25") + one("192.168.1.128/25"),
            'ranges[1].name: another range is already called "g"',
        ),
        (
            one("192.168.1.0/25") + one("192.168.1.9", "h"),
            'ranges[1].network: shares addresses with the range "g"',
        ),
        ('[ranges]\nname = "g"', "ranges: is written with two square brackets"),
        (one("192.168.1.0/25") + "expected = 3", "did you mean expect?"),
        ('[[ranges]]\nname = "g"', 'ranges[0].network: this key is missing; write for example: network = "'),
    ],
)
def test_what_is_wrong_is_told_with_its_key(tmp_path: Path, tables: str, said: str) -> None:
    assert said in wrong(tmp_path, tables)


@pytest.mark.parametrize("nights", [-1, 367, "true", '"9"'])
def test_gone_nights_is_a_number_of_nights(tmp_path: Path, nights: object) -> None:
    top = f'networks = ["192.168.1.0/24"]\ngone_nights = {nights}'
    assert "gone_nights: must be" in wrong(tmp_path, "", top)
