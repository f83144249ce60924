"""May a site file go faster than netwatch does by itself? Slower freely, faster only with a name."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.config import load, sentence
from netwatch.errors import ConfigError, ScopeError
from netwatch.nightly import bounds
from netwatch.pace import Pace
from netwatch.settings import ClassSettings, Exclusions, PaceSettings, SweepSettings
from netwatch.window import Window
from netwatch.words import LANGUAGES, messages

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from netwatch.config import Site

    Written = Callable[[str], Path]

LEAST = 'name = "Cabinet Martin"\nnetworks = ["192.168.1.0/24"]\n'
OURS = Pace()
# Each key of [pace], a value that is gentler than ours, and one that is not.
KEYS = [
    ("packets", 39, 41),
    ("guarded", 9, 11),
    ("overall", 999, 1001),
    ("pause", 0.6, 0.4),
    ("seconds", 29, 31),
    ("limit", 262_143, 262_145),
]
each_gentler = pytest.mark.parametrize(("key", "value"), [(key, gentler) for key, gentler, _ in KEYS])
each_above = pytest.mark.parametrize(("key", "value"), [(key, above) for key, _, above in KEYS])
OVERRIDE = '[pace.override]\nby = "Dr Martin"\nreason = "audit, nobody in the house"\n'


@pytest.fixture
def site(tmp_path: Path) -> Callable[[str], Site]:
    def read(text: str) -> Site:
        path = tmp_path / "site.toml"
        path.write_text(LEAST + text, encoding="utf-8")
        return load(path)

    return read


@pytest.fixture
def refused(site: Callable[[str], Site]) -> Callable[[str], ConfigError]:
    """The one thing that is wrong in a file; it can be said in every language, with its key."""

    def read(text: str) -> ConfigError:
        with pytest.raises(ConfigError) as caught:
            site(text)
        [problem] = caught.value.problems
        for language in LANGUAGES:
            colon = " : " if language == "fr" else ": "
            assert f"  {problem.details['key']}{colon}" in sentence(caught.value, messages(language))
        return problem

    return read


def test_no_key_of_the_pace_is_forgotten_here() -> None:
    assert [key for key, _, _ in KEYS] == [key for key in PaceSettings.model_fields if key != "override"]


def test_without_a_word_the_pace_is_our_own(site: Callable[[str], Site]) -> None:
    assert site("").pace.pace() == site("[pace]\n").pace.pace() == OURS
    assert site("").pace.above() == ()


@each_gentler
def test_a_gentler_pace_needs_nobodys_leave(site: Callable[[str], Site], key: str, value: float) -> None:
    pace = site(f"[pace]\n{key} = {value}\n").pace
    assert asdict(pace.pace()) == asdict(OURS) | {key: value}
    assert pace.above() == ()


@pytest.mark.parametrize("key", [key for key, _, _ in KEYS])
def test_our_own_pace_may_be_written_down(site: Callable[[str], Site], key: str) -> None:
    assert site(f"[pace]\n{key} = {getattr(OURS, key)}\n").pace.pace() == OURS


@each_above
def test_a_pace_above_ours_is_refused_with_its_key_and_our_limit(
    refused: Callable[[str], ConfigError], key: str, value: float
) -> None:
    problem = refused(f"[pace]\n{key} = {value}\n")
    assert (problem.message, problem.details["key"]) == ("config.pace-above", f"pace.{key}")
    assert problem.details["limit"] == getattr(OURS, key)
    for language in LANGUAGES:
        said = messages(language)(problem.message, **problem.details)
        assert str(getattr(OURS, key)) in said
        assert "[pace.override]" in said


@each_above
def test_a_pace_above_ours_is_taken_where_somebody_answers_for_it(
    site: Callable[[str], Site], key: str, value: float
) -> None:
    pace = site(f"[pace]\n{key} = {value}\n{OVERRIDE}").pace
    assert pace.above() == (key,)
    assert getattr(pace.pace(), key) == value
    assert pace.override is not None
    assert (pace.override.by, pace.override.reason) == ("Dr Martin", "audit, nobody in the house")


@pytest.mark.parametrize("missing", ["by", "reason"])
def test_an_override_without_a_name_or_a_reason_is_none(
    refused: Callable[[str], ConfigError], missing: str
) -> None:
    text = "".join(line for line in OVERRIDE.splitlines(keepends=True) if not line.startswith(missing))
    problem = refused(f"[pace]\npackets = 41\n{text}")
    assert (problem.message, problem.details["key"]) == ("config.missing", f"pace.override.{missing}")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("packets = 0", "packets"),
        ("guarded = 0", "guarded"),
        ("overall = 0", "overall"),
        ("packets = 1.5", "packets"),
        ("packets = true", "packets"),
        ("pause = -0.1", "pause"),
        ("pause = nan", "pause"),
        ("pause = inf", "pause"),
        ("seconds = 0", "seconds"),
        ("seconds = nan", "seconds"),
        ("limit = 1", "limit"),
        ("patience = 60", "patience"),
        ("packet = 10", "packet"),
    ],
)
@pytest.mark.parametrize("override", ["", OVERRIDE])
def test_what_is_no_pace_is_refused_whoever_answers_for_it(
    refused: Callable[[str], ConfigError], text: str, key: str, override: str
) -> None:
    assert refused(f"[pace]\n{text}\n{override}").details["key"] == f"pace.{key}"


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "packets": st.integers(3, 1_000_000),
            "guarded": st.integers(3, 1_000_000),
            "overall": st.integers(3, 1_000_000),
            "pause": st.floats(0, 600),
            "seconds": st.floats(1, 600),
            "limit": st.integers(1024, 16_777_216),
        },
    )
)
def test_a_medical_device_never_gets_more_than_any_other_and_the_rest_is_as_written(
    written: dict[str, int | float],
) -> None:
    override = {"by": "Dr Martin", "reason": "audit"}
    settings = PaceSettings.model_validate({**written, "override": override})
    pace = settings.pace()
    assert pace.guarded <= pace.packets
    assert asdict(pace) == asdict(OURS) | written | {"guarded": min(settings.guarded, settings.packets)}
    above = {key for key in written if key != "pause" and written[key] > getattr(OURS, key)}
    above |= {"pause"} if written.get("pause", 1) < OURS.pause else set()
    assert set(settings.above()) == above


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        (
            'medical = ["192.168.1.20"]\ncomputer = ["192.168.1.9", "192.168.1.20"]',
            "computer[1]",
            "192.168.1.20",
        ),
        ('other = ["192.168.1.20"]\nprinter = ["192.168.1.20"]', "other[0]", "192.168.1.20"),
        ('box = ["192.168.1.1", "192.168.1.1"]', "box[1]", "192.168.1.1"),
        (
            'medical = ["00:11:22:AA:BB:CC"]\nprinter = ["0011.22aa.bbcc"]',
            "printer[0]",
            "00:11:22:aa:bb:cc",
        ),
    ],
)
def test_a_device_that_is_given_two_classes_is_refused(
    refused: Callable[[str], ConfigError], text: str, key: str, value: str
) -> None:
    problem = refused(f"[classes]\n{text}\n")
    assert (problem.message, problem.details["key"]) == ("config.class-twice", f"classes.{key}")
    assert problem.details["value"] == value


def test_what_is_declared_is_known_by_address_or_card_however_it_is_written(
    site: Callable[[str], Site],
) -> None:
    text = """[classes]
    medical = ["192.168.1.20", "00-11-22-AA-BB-CC"]
    printer = [" 192.168.1.30 "]
    computer = ["0011.22aa.bbcd"]
    """
    assert site(text).classes.declared() == {
        "192.168.1.20": "medical",
        "00:11:22:aa:bb:cc": "medical",
        "192.168.1.30": "printer",
        "00:11:22:aa:bb:cd": "computer",
    }
    assert ClassSettings().declared() == {}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('medical = ["scanner"]', "medical[0]"),
        ('medical = ["192.168.1.20", "192.168.1.0/24"]', "medical[1]"),
        ("medical = [20]", "medical[0]"),
        ('unknown = ["192.168.1.20"]', "unknown"),
    ],
)
def test_what_is_neither_an_address_nor_a_card_is_not_declared(
    refused: Callable[[str], ConfigError], text: str, key: str
) -> None:
    assert refused(f"[classes]\n{text}\n").details["key"] == f"classes.{key}"


def test_the_hours_of_a_site_are_read(site: Callable[[str], Site]) -> None:
    assert site('window = "22:00 - 06:00"\n').window == Window.parse("22:00-06:00")
    assert site("").window is None


@pytest.mark.parametrize("value", ['"22h-6h"', '"22:00-22:00"', "22", '["22:00-06:00"]', "22:00:00"])
def test_hours_that_cannot_be_are_refused(refused: Callable[[str], ConfigError], value: str) -> None:
    problem = refused(f"window = {value}\n")
    assert (problem.message, problem.details["key"]) == ("config.hours", "window")


@given(st.integers(0, 255), st.integers(0, 255))
def test_a_range_excludes_every_address_from_its_first_to_its_last(one: int, other: int) -> None:
    first, last = sorted((one, other))
    exclude = Exclusions.model_validate({"addresses": [f"192.168.1.{first} - 192.168.1.{last}"]})
    told = [str(address) for network in exclude.addresses for address in network]
    assert told == [f"192.168.1.{number}" for number in range(first, last + 1)]


def test_addresses_networks_and_ranges_may_be_excluded_side_by_side(site: Callable[[str], Site]) -> None:
    read = site(
        '[exclude]\naddresses = ["192.168.1.10", "192.168.1.40-192.168.1.42", "192.168.1.128/25"]\n'
        'silent_ports = [7777, "8000-8002"]\nports = [104]\n'
    )
    gone = {10, 40, 41, 42, *range(128, 256)}
    scope = bounds(read, date.max)
    assert {address for network in scope.targets() for address in network} == {
        IPv4Address(f"192.168.1.{last}") for last in set(range(1, 255)) - gone
    }
    with pytest.raises(ScopeError, match="excluded-address"):
        scope.require("192.168.1.41")
    assert [port for port in (7776, 7777, 7778, 8000, 8001, 8002, 8003) if scope.silent(port)] == [
        7777,
        8000,
        8001,
        8002,
    ]
    assert scope.ports([103, 104]) == (103,)
    assert IPv4Network("192.168.1.128/25") in read.exclude.addresses


@pytest.mark.parametrize(
    "text",
    [
        "192.168.1.49-192.168.1.40",
        "192.168.1.40-49",
        "192.168.1.40-",
        "-192.168.1.49",
        "192.168.1.0/24-192.168.1.49",
        "192.168.1.40-192.168.1.49-192.168.1.50",
        "a-b",
        "fe80::1-fe80::2",
        "192.168.1.40-fe80::1",
    ],
)
@pytest.mark.parametrize("place", [0, 1])
def test_a_range_that_runs_backwards_or_nowhere_is_refused_with_its_place(
    refused: Callable[[str], ConfigError], text: str, place: int
) -> None:
    written = ['"192.168.1.10"'] * place + [f'"{text}"']
    problem = refused(f"[exclude]\naddresses = [{', '.join(written)}]\n")
    assert (problem.message, problem.details["key"]) == ("config.range", f"exclude.addresses[{place}]")
    assert problem.details["value"] == text


def test_a_fortnight_is_usual_for_the_whole_range_and_none_may_be_asked_for(
    site: Callable[[str], Site], refused: Callable[[str], ConfigError]
) -> None:
    assert SweepSettings().whole_range_nights == 14
    assert site("[sweep]\nwhole_range_nights = 0\n").sweep.whole_range_nights == 0
    assert site("[sweep]\nwhole_range_nights = 1\n").sweep.whole_range_nights == 1
    for value in ("-1", "367", "1.5", "true"):
        assert (
            refused(f"[sweep]\nwhole_range_nights = {value}\n").details["key"] == "sweep.whole_range_nights"
        )


def test_what_was_read_cannot_be_changed(site: Callable[[str], Site]) -> None:
    read = site("")
    with pytest.raises(ValueError, match="frozen"):
        read.pace.packets = 4000
    with pytest.raises(ValueError, match="frozen"):
        read.exclude.addresses = ()
