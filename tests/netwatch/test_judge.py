"""Is it exposed? The strongest thing known, and never more than what was proved."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.judge import exposure
from netwatch.model import Exposure, Vantage

VANTAGES = st.sets(st.sampled_from(list(Vantage)))


@pytest.mark.parametrize(
    ("seen_from", "asked_outside", "verdict"),
    [
        ((), False, Exposure.NOT_CHECKED),
        ((Vantage.LAN,), False, Exposure.NOT_CHECKED),
        ((Vantage.LAN,), True, Exposure.INSIDE_ONLY),
        ((Vantage.LAN, Vantage.SHODAN), False, Exposure.REPORTED),
        ((Vantage.INTERNETDB,), True, Exposure.REPORTED),
        ((Vantage.LAN, Vantage.DECLARED), False, Exposure.FORWARDED),
        ((Vantage.BOX, Vantage.SHODAN), True, Exposure.FORWARDED),
        ((Vantage.OUTSIDE, Vantage.BOX, Vantage.SHODAN), True, Exposure.EXPOSED),
    ],
)
def test_the_strongest_vantage_gives_the_verdict(
    *,
    seen_from: tuple[Vantage, ...],
    asked_outside: bool,
    verdict: Exposure,
) -> None:
    assert exposure(seen_from, asked_outside=asked_outside) is verdict


@given(seen_from=VANTAGES, asked_outside=st.booleans())
def test_only_a_look_from_outside_proves_exposure(*, seen_from: set[Vantage], asked_outside: bool) -> None:
    exposed = exposure(seen_from, asked_outside=asked_outside) is Exposure.EXPOSED
    assert exposed == (Vantage.OUTSIDE in seen_from)


@given(some=VANTAGES, more=VANTAGES, asked=st.booleans())
def test_knowing_more_never_makes_it_look_less_exposed(
    *, some: set[Vantage], more: set[Vantage], asked: bool
) -> None:
    assert exposure(some | more, asked_outside=asked).rank >= exposure(some, asked_outside=asked).rank
