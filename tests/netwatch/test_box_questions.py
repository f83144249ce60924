"""Is a person asked page by page, in their own language, and is a page they cannot find kept as unknown?"""

from __future__ import annotations

from datetime import date

import click
import pytest
from click.testing import CliRunner

from netwatch.box import questions
from netwatch.box.declared import Declaration, Forward
from netwatch.words import messages

DAY = date(2026, 11, 20)


def answered(language: str, *typed: str) -> tuple[Declaration, str]:
    """(what was declared, what was shown)."""
    made: list[Declaration] = []

    @click.command()
    def command() -> None:
        made.append(questions.asked(messages(language), "Dr Martin", DAY))

    ended = CliRunner().invoke(command, input="".join(f"{line}\n" for line in typed), catch_exceptions=False)
    assert ended.stdout == ""  # stdout belongs to the result
    return made[0], ended.stderr


def test_every_page_can_be_answered() -> None:
    made, _ = answered(
        "fr",
        "",
        "oui",
        "8104/tcp=192.168.1.20:11112",
        "53/both=192.168.1.30",
        "",
        "o",
        "192.168.1.40",
        "Oui",
        "non",
        "yes",
        "OUI",
    )
    assert made == Declaration(
        by="Dr Martin",
        on=DAY,
        forwards=(
            Forward("tcp", 8104, 8104, "192.168.1.20", 11112),
            Forward("both", 53, 53, "192.168.1.30", 53),
        ),
        dmz="192.168.1.40",
        upnp=False,
        ipv6_firewall=True,
    )


def test_pages_that_cannot_be_found_are_unknown() -> None:
    made, _ = answered("en", "Mme Durand", "no", "n", "no", "no")
    assert made == Declaration(by="Mme Durand", on=DAY)


def test_an_empty_page_is_empty_and_a_dmz_can_be_off() -> None:
    made, _ = answered("en", "", "y", "", "y", "", "n", "n")
    assert (made.forwards, made.dmz, made.upnp) == ((), "", None)


@pytest.mark.parametrize(
    ("language", "sentence"), [("en", "is not a forward"), ("fr", "n'est pas une redirection")]
)
def test_a_slip_is_told_and_asked_again(language: str, sentence: str) -> None:
    made, shown = answered(
        language, "", "peut-être", "y", "8104 vers le PACS", "104=192.168.1.20", "", "y", "pacs", "", "n", "n"
    )
    assert made.forwards == (Forward("tcp", 104, 104, "192.168.1.20", 104),)
    assert made.dmz == ""
    assert sentence in shown
