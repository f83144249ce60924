"""Are the options of probes checked? A wrong one is named as it stands in the site file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import pytest
from annotated_types import Ge, Le

import probes
from netwatch.errors import ConfigError
from netwatch.options import configure
from netwatch.problem import sentence
from netwatch.words import LANGUAGES, messages
from probes.dicom import Dicom

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netwatch.model import Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way


@dataclass(frozen=True, slots=True)
class Bell:
    """A probe with an option of each kind."""

    name: ClassVar[str] = "bell"
    manner: ClassVar[str] = "hear"
    usual: ClassVar[tuple[int, ...]] = ()
    times: Annotated[int, Ge(1), Le(9)] = 1
    loud: bool = False

    def wants(self, target: Target) -> tuple[int, ...]:
        return target.open_ports

    def observe(self, target: Target, port: int, egress: Way) -> Iterable[Observation]:  # noqa: ARG002
        return ()

    def judge(self, seen: Observation) -> Iterable[Finding]:  # noqa: ARG002
        return ()


KNOWN: dict[str, ProbeFactory] = {"bell": Bell, "dicom": Dicom}


def told(options: dict[str, dict[str, object]], language: str = "en") -> str:
    with pytest.raises(ConfigError) as refused:
        configure(KNOWN, options)
    return sentence(refused.value, messages(language))


def test_every_probe_is_made_with_or_without_options() -> None:
    assert configure(KNOWN, {"bell": {"times": 3, "loud": True}}) == (Bell(times=3, loud=True), Dicom())


@pytest.mark.parametrize("value", ["yes", "true", 1])
def test_what_is_neither_true_nor_false_is_told_with_its_key(value: object) -> None:
    assert "probes.bell.loud: must be true or false" in told({"bell": {"loud": value}})


def test_the_probes_we_ship_need_no_option() -> None:
    assert [probe.name for probe in configure(probes.load(), {})] == sorted(probes.load())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"bel": {}}, ("probes.bel:", "bell")),
        ({"zzz": {}}, ("probes.zzz:", "bell, dicom")),
        ({"bell": {"time": 2}}, ("probes.bell.time:", "times")),
        ({"bell": {"zzz": 2}}, ("probes.bell.zzz:", "loud, times")),
        ({"bell": {"name": "x"}}, ("probes.bell.name:", "loud, times")),
        ({"bell": {"times": 0}}, ("probes.bell.times:", "1")),
        ({"bell": {"times": 10}}, ("probes.bell.times:", "9")),
        ({"bell": {"times": "many"}}, ("probes.bell.times:", "many")),
        ({"dicom": {"timeout": 0.1}}, ("probes.dicom.timeout:", "0.5")),
        ({"dicom": {"timeout": float("nan")}}, ("probes.dicom.timeout:",)),
        ({"dicom": {"calling_ae": "A" * 17}}, ("probes.dicom.calling_ae:",)),
        ({"dicom": {"calling_ae": ""}}, ("probes.dicom.calling_ae:",)),
    ],
)
def test_a_wrong_option_is_named_and_the_right_one_is_said(
    options: dict[str, dict[str, object]], said: tuple[str, ...], language: str
) -> None:
    text = told(options, language).replace(" : ", ": ")
    assert not [part for part in said if part not in text], text


def test_all_wrong_options_of_a_probe_are_told_at_once() -> None:
    text = told({"bell": {"times": 0, "loud": "perhaps"}})
    assert "probes.bell.times:" in text
    assert "probes.bell.loud:" in text


def test_a_hostile_name_of_an_option_is_safe_to_print() -> None:
    assert "\x1b" not in told({"bell": {"\x1b[31m" + "x" * 5000: 1}})
    assert len(told({"bell": {"x" * 5000: 1}})) < 500
