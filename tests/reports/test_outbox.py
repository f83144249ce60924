"""How is the outbox told to a person, in lines that fit a terminal? The command is in test_cli_outbox.py."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from netwatch.post import Letter, Posted, State
from reports.outbox import text, to_json

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WAITS = Posted(
    12,
    Letter("<1@x>", "dr@x.example", "Cabinet : le PACS répond", "t", "h"),
    State.WAITING,
    NOW - timedelta(days=2),
    tries=3,
    last_try=NOW,
    next_try=NOW + timedelta(hours=2),
    why="mail.port-closed",
    details={"host": "smtp.x.example", "port": 587, "why": ""},
)
SENT = Posted(11, Letter("<0@x>", "it@x.example", "s", "t", "h"), State.SENT, NOW, sent=NOW)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_state_has_its_words_and_fits(state: State, language: str, hostile: str) -> None:
    one = Posted(
        7, Letter("<7@x>", hostile, hostile, "t", "h"), state, NOW, 1, NOW, NOW, NOW, "mail.x", {}, hostile
    )
    ended = state in {State.SENT, State.DROPPED}
    lines = text((), (one,), language, NOW) if ended else text((one,), (), language, NOW)
    assert max(map(len, lines.splitlines())) <= 80
    assert all(line.isprintable() for line in lines.splitlines())
    assert json.loads(to_json("x", (one,), (one,), language))["unarrived"][0]["state"] == state


def test_a_letter_is_told_with_its_number_its_reason_and_its_plan() -> None:
    told = " ".join(text((WAITS,), (SENT,), "fr", NOW).split())
    assert told.startswith(
        "Un message n'est pas arrivé : 12 dr@x.example : en attente depuis le 21 novembre 2026 à 13 h 00, "
        "3 essais, prochain essai le 23 novembre 2026 à 15 h 00 Cabinet : le PACS répond rien n'écoute sur "
        "smtp.x.example:587."
    )
    assert "Dernièrement : 11 it@x.example : arrivé le 23 novembre 2026 à 13 h 00" in told


def test_what_is_due_is_tried_now_and_what_is_given_up_never() -> None:
    due = Posted(1, WAITS.letter, State.WAITING, NOW, next_try=NOW - timedelta(hours=1))
    assert "next try: now" in text((due,), (), "en", NOW)
    over = Posted(1, WAITS.letter, State.GIVEN_UP, NOW, tries=22)
    assert "next try" not in text((over,), (), "en", NOW)
    assert "Everything has arrived" in text((), (), "en", NOW)


def test_a_reason_of_another_version_is_told_by_its_name() -> None:
    other = Posted(1, WAITS.letter, State.WAITING, NOW, why="mail.of-tomorrow", details={"x": 1})
    assert "mail.of-tomorrow" in text((other,), (), "en", NOW)
