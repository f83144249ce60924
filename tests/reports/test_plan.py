"""Can a plan be read in 80 columns, in both languages, whatever a device calls itself?"""

from __future__ import annotations

import io
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from netwatch.classes import table as classes
from netwatch.plan import ClassRow, DeviceRow, Plan
from netwatch.plan_detect import DetectPlan
from netwatch.plan_outside import AddressRow, BeyondPlan
from reports import plan as drawing
from reports.phrase import Phrases
from reports.plan import length, table

if TYPE_CHECKING:
    from collections.abc import Mapping

both_languages = pytest.mark.parametrize("language", ["fr", "en"])

SERVER = DeviceRow(
    "192.168.1.20",
    "PACS-CABINET",
    "Synology Incorporated",
    "archive",
    "medical",
    152,
    5029,
    5241,
    ("dicom",),
    600,
    None,
)
ALONE = DeviceRow(
    "192.168.1.21",
    "",
    "GE Healthcare",
    "medical",
    "medical",
    131,
    4999,
    5150,
    ("dicom",),
    777,
    "2026-11-22T22:04:05Z",
)
PRINTER = DeviceRow("192.168.1.100", "", None, "printer", "printer", 153, 0, 153, (), 42, None)
STRANGER = DeviceRow("0.0.0.0", "", None, "unknown", "unknown", 154, 0, 194, ("dicom",), 22, None)  # noqa: S104

PLAN = Plan(
    site="Cabinet Dupont",
    networks=("192.168.1.0/24", "192.168.7.3/32"),
    covered=("192.168.1.0/25",),
    addresses=127,
    excluded=("192.168.1.128/25", "00:11:32:aa:bb:cc", "80,6000-6002"),
    authorised_by="Dr Dupont",
    authorised_until="2027-01-31",
    refused=None,
    window="22:00-06:00",
    fits=True,
    pace={"packets": 40, "guarded": 10, "overall": 1000, "pause": 0.5, "seconds": 30.0, "limit": 262_144},
    override=None,
    classes=tuple(
        ClassRow(name, 10 if one.guarded else 40, one.guarded, one.manners, ("dicom", "web", "upnp"))
        for name, one in classes().items()
    ),
    devices=(SERVER, ALONE, PRINTER),
    more=STRANGER,
    beyond=BeyondPlan(
        through="netwatch@vps.example.org",
        addresses=(AddressRow("5.39.77.4", 154, 5029, 930), AddressRow("", 154, 0, 28)),
        box="freebox",
        asked=("https://ip.example.org/", "Shodan"),
    ),
    seconds=5400,
    packets=12_345,
)
REFUSED = ("config.authorisation-missing", "config.authorisation-ended", "config.window-closed")
PLANS: dict[str, Plan] = {
    "whole": PLAN,
    "nobody known": replace(
        PLAN,
        devices=(),
        window=None,
        excluded=(),
        authorised_by=None,
        beyond=BeyondPlan(None, (), None, ()),
    ),
    "too long and too fast": replace(PLAN, fits=False, override="Dr Dupont (audit)", refused=REFUSED[2]),
    "wide": replace(
        PLAN,
        site="C" * 200,
        networks=tuple(f"10.{n}.0.0/24" for n in range(30)),
        excluded=tuple(f"10.{n}.0.0/28" for n in range(30)),
        devices=tuple(
            replace(SERVER, address=f"192.168.111.{n}", name="N" * 60, questions=("dicom",) * 9, seconds=7100)
            for n in range(100, 110)
        ),
    ),
}
every_plan = pytest.mark.parametrize("made", PLANS.values(), ids=PLANS.keys())


def printed(plan: Plan, language: str, width: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(table(plan, language))
    return out.getvalue()


def flat(text: str) -> str:
    """As one line, as a reader puts wrapped lines together."""
    return " ".join(text.split())


def sentences(language: str) -> Mapping[str, object]:
    path = Path(drawing.__file__).with_suffix(f".{language}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


@every_plan
@both_languages
def test_no_line_is_wider_than_80_columns(made: Plan, language: str) -> None:
    assert max(cell_len(line) for line in printed(made, language).splitlines()) <= 80


@every_plan
@both_languages
def test_nothing_is_cut_off_at_the_edge(made: Plan, language: str) -> None:
    def letters(text: str) -> str:
        return "".join(sorted(re.sub(r"[\s─]", "", text)))

    assert letters(printed(made, language)) == letters(printed(made, language, 1000))


@both_languages
def test_it_says_first_that_nothing_was_sent(language: str) -> None:
    said = {"en": "This is a plan. Nothing was sent.", "fr": "Ceci est un plan. Rien n'a été envoyé."}
    assert printed(PLAN, language).splitlines()[:2] == ["Cabinet Dupont", said[language]]


def test_it_says_to_whom_how_fast_how_long_and_when() -> None:
    told = flat(printed(PLAN, "en"))
    for part in (
        "Networks: 192.168.1.0/24, 192.168.7.3/32 (127 addresses).",
        "Never touched: 192.168.1.128/25, 00:11:32:aa:bb:cc, 80,6000-6002.",
        "Allowed by Dr Dupont, until 31 January 2027.",
        "at most 40 packets per second to a device, 10 to a medical or unknown one, 1000 in all",
        "0.5 s between two; 30 s and 262144 bytes for a question",
        "about 1 h 30 and 12345 packets",
        "It sends only at 22:00-06:00",
        "Each device that nobody has seen yet: 154 ports, about 22 s, treated as a medical one.",
        "through netwatch@vps.example.org: 154 ports and a slice of 5029 more of 5.39.77.4; 16 min at most.",
        "154 ports of the practice's address, once it is known tonight; 28 s at most.",
        "nothing in it changed: Freebox.",
        "Also asked, and none of them in the practice: https://ip.example.org/, Shodan.",
    ):
        assert part in told


def test_it_says_the_same_in_french() -> None:
    told = flat(printed(PLAN, "fr"))
    for part in (
        "Réseaux : 192.168.1.0/24, 192.168.7.3/32 (127 adresses).",
        "Jamais touchés : 192.168.1.128/25",
        "Autorisé par Dr Dupont, jusqu'au 31 janvier 2027.",
        "environ 1 h 30 et 12345 paquets",
        "0,5 s entre deux ; 30 s et 262144 octets par question",
        "154 ports, environ 22 s",
        "154 ports et une tranche de 5029 autres de 5.39.77.4 ; 16 min au plus.",
        "Interrogés aussi, et aucun n'est dans le cabinet : https://ip.example.org/, Shodan.",
    ):
        assert part in told


@both_languages
def test_whom_nmap_would_be_let_at_is_told_and_nothing_of_it_where_it_is_off(language: str) -> None:
    say = Phrases(language)
    some = replace(PLAN, detect=DetectPlan(("192.168.1.20", "192.168.1.22"), 95))
    addresses = "192.168.1.20, 192.168.1.22"
    assert say("plan.detect", addresses=addresses, time=length(say, 95)) in flat(printed(some, language))
    nobody = replace(PLAN, detect=DetectPlan((), 0))
    assert say("plan.detect-nobody") in flat(printed(nobody, language))
    assert "-sV" not in printed(PLAN, language)


@both_languages
def test_what_is_not_so_is_not_said(language: str) -> None:
    say = Phrases(language)
    whole, empty = flat(printed(PLAN, language)), flat(printed(PLANS["nobody known"], language))
    fast = flat(printed(PLANS["too long and too fast"], language))
    for key, said, unsaid in (
        ("plan.does-not-fit", fast, whole),
        ("plan.no-window", empty, whole),
        ("plan.no-devices", empty, whole),
        ("plan.no-outside", empty, whole),
        ("plan.refused.window-closed", fast, whole),
    ):
        assert say(key) in said
        assert say(key) not in unsaid
    assert say("plan.override", by="Dr Dupont (audit)") in fast
    for key in (
        "plan.excluded",
        "plan.authorised",
        "plan.window",
        "plan.override",
        "plan.takes",
        "plan.box",
        "plan.others",
    ):
        begins = str(say.messages.sentences[key]).partition("{")[0]
        assert begins not in empty


@pytest.mark.parametrize("refused", REFUSED)
@both_languages
def test_a_refusal_is_told_in_words(refused: str, language: str) -> None:
    assert Phrases(language)(f"plan.refused.{refused.partition('.')[2]}") in flat(
        printed(replace(PLAN, refused=refused), language)
    )


def rows(text: str) -> dict[str, str]:
    """The lines of the table of devices, by address."""
    return {line.split()[0]: line for line in text.splitlines() if re.match(r"192\.168\.1\.\d+ ", line)}


def test_each_device_is_told_with_its_ports_and_its_time() -> None:
    told = rows(printed(PLAN, "en"))
    assert list(told) == ["192.168.1.20", "192.168.1.21", "192.168.1.100"]
    assert told["192.168.1.20"].split()[1:] == ["medical", "152", "5029", "dicom", "10", "min"]
    assert told["192.168.1.100"].split()[1:] == ["printer", "153", "0", "-", "42", "s"]


@both_languages
def test_a_device_that_is_left_alone_has_its_reason_and_no_numbers(language: str) -> None:
    text = printed(replace(PLAN, devices=(ALONE,)), language)
    assert Phrases(language)("plan.left-alone").split()[0] in rows(text)["192.168.1.21"]
    for number in ("131", "4999", "13 min", "777"):
        assert number not in text


def test_a_device_goes_by_its_name_or_else_by_its_maker() -> None:
    text = printed(PLAN, "en")
    assert "PACS-CABINET" in text
    assert "Synology" not in text
    assert "GE Healthcare" in text


@both_languages
def test_every_class_is_a_row_with_its_pace_and_what_it_may_be_asked(language: str) -> None:
    say = Phrases(language)
    for row in PLAN.classes:
        text = flat(printed(replace(PLAN, classes=(row,), devices=()), language))
        assert f"{say.word('plan.class', row.name)} {row.packets}/s " in text
        for manner in row.manners:
            assert set(say.word("plan.manner", manner).replace(",", "").split()) <= set(
                text.replace(",", "").split()
            )
        assert re.search(rf" {say('phrase.yes' if row.guarded else 'phrase.no')} ", text)


@both_languages
def test_every_class_and_manner_has_its_word_and_no_word_is_left_over(language: str) -> None:
    words = sentences(language)
    assert set(words["class"]) == set(classes())  # type: ignore[call-overload]
    manners = {manner for one in classes().values() for manner in one.manners}
    assert set(words["manner"]) == manners  # type: ignore[call-overload]


@both_languages
def test_what_a_device_or_a_file_says_is_neither_markup_nor_control(hostile: str, language: str) -> None:
    device = replace(SERVER, name=hostile, vendor=hostile, kind=hostile, address=hostile)
    made = replace(
        PLAN,
        site=hostile,
        excluded=(hostile,),
        authorised_by=hostile,
        override=hostile,
        devices=(device, replace(device, name=""), replace(device, left_alone=hostile, is_a=hostile)),
    )
    text = printed(made, language)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\ud800-\udfff]", text)
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    assert "Bcc: everyone" not in {line[:13] for line in text.splitlines()}
    if hostile.startswith("["):
        assert "[bold" in text
        assert "💀" not in text
    if hostile.startswith("{"):
        assert "{site}" in text
        assert "49" not in text


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 s"),
        (1, "1 s"),
        (59, "59 s"),
        (60, "1 min"),
        (500, "8 min"),
        (1800, "30 min"),
        (3600, "1 h 00"),
        (3900, "1 h 05"),
        (5400, "1 h 30"),
        (36_000, "10 h 00"),
        (100_000, "27 h 47"),
    ],
)
@both_languages
def test_a_length_is_told_in_seconds_minutes_or_hours(seconds: int, told: str, language: str) -> None:
    assert length(Phrases(language), seconds) == told


@given(st.integers(0, 200_000))
def test_a_length_that_is_read_back_is_right_to_the_minute(seconds: int) -> None:
    told = length(Phrases("en"), seconds)
    parts = list(map(int, re.findall(r"\d+", told)))
    meant = {"s": 1, "n": 60}.get(told[-1], 0) * parts[0] or parts[0] * 3600 + parts[-1] * 60
    assert abs(meant - seconds) <= (30 if seconds >= 60 else 0)
