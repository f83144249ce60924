"""Is a finding's id short, its own, and the same for ever?"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from netwatch.finding_ids import ALPHABET, SHORTEST, WHOLE, ids, meant, whole_id

PLACE = ("dicom-query-answered", "m-001132aabb01", 104, "tcp")
TEXTS = st.text(max_size=12)
PLACES = st.tuples(TEXTS, TEXTS, st.integers(0, 65_535), st.sampled_from(["tcp", "udp"]))


def test_an_id_is_the_same_on_every_machine_and_every_night() -> None:
    assert whole_id("cabinet", PLACE) == "55m4kzjzs8mh98kkk9b9r385"
    assert ids("cabinet", [PLACE]) == {PLACE: "55m4kz"}


def test_each_part_of_the_place_and_the_site_make_it_another() -> None:
    rule, device, port, transport = PLACE
    others = [
        ("other", device, port, transport),
        (rule, "other", port, transport),
        (rule, device, 105, transport),
        (rule, device, port, "udp"),
    ]
    names = {whole_id("cabinet", one) for one in (PLACE, *others)} | {whole_id("other", PLACE)}
    assert len(names) == 6


@given(TEXTS, st.sets(PLACES, max_size=30))
def test_no_two_findings_of_a_site_are_called_alike_and_each_is_found_by_its_id(
    site: str, places: set[tuple[str, str, int, str]]
) -> None:
    named = ids(site, places)
    assert len(set(named.values())) == len(places)
    for one, name in named.items():
        assert meant(site, name, places) == [one]
        assert meant(site, f" {name.upper()} ", places) == [one]
        assert set(name) <= set(ALPHABET)
        assert SHORTEST <= len(name) <= WHOLE


def test_those_that_begin_alike_are_told_longer() -> None:
    first: dict[str, tuple[str, str, int, str]] = {}
    for port in range(100_000):
        place = ("rule", "device", port, "tcp")
        rival = first.setdefault(whole_id("cabinet", place)[:SHORTEST], place)
        if rival != place:
            break
    named = ids("cabinet", [rival, place])
    assert len(set(named.values())) == 2
    assert {len(name) for name in named.values()} == {SHORTEST + 1}
    assert set(meant("cabinet", named[place][:SHORTEST], [rival, place])) == {rival, place}


def test_nothing_typed_means_nothing() -> None:
    assert meant("cabinet", "", [PLACE]) == meant("cabinet", "  ", [PLACE]) == []
