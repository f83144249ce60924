"""What is a person asked about the box's pages? For `netwatch box declare`, where a person is there.

Each page first: could you see it? A page that was not seen stays unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from netwatch.box.declared import Declaration, Forward, inside
from netwatch.errors import ConfigError
from netwatch.plain import plain

if TYPE_CHECKING:
    from datetime import date

    from netwatch.words import Messages

YES = {"en": ("y", "yes"), "fr": ("o", "oui")}
NO = ("n", "no", "non")


def asked(words: Messages, by: str | None, on: date) -> Declaration:
    """Ask. `by`: who probably looked; `on`: when."""
    click.echo(words("box.ask-intro"), err=True)
    name = plain(click.prompt(words("box.ask-by"), default=by, err=True), 100) or by or ""
    return Declaration(
        by=name,
        on=on,
        forwards=_forwards(words) if _yes(words, "box.ask-forwards-seen") else None,
        dmz=_dmz(words) if _yes(words, "box.ask-dmz-seen") else None,
        upnp=_yes(words, "box.ask-upnp") if _yes(words, "box.ask-upnp-seen") else None,
        ipv6_firewall=_yes(words, "box.ask-ipv6") if _yes(words, "box.ask-ipv6-seen") else None,
    )


def confirmed(words: Messages) -> bool:
    """Is what was just shown what the person meant?"""
    return _yes(words, "box.ask-right")


def _forwards(words: Messages) -> tuple[Forward, ...]:
    """One a line, an empty line at the end."""
    click.echo(words("box.ask-forwards"), err=True)
    found: list[Forward] = []
    while text := click.prompt(words("box.ask-forward"), default="", show_default=False, err=True).strip():
        try:
            found.append(Forward.parse(text))
        except ConfigError as error:
            click.echo(words(error.message, **error.details), err=True)
    return tuple(found)


def _dmz(words: Messages) -> str:
    """An address, or nothing where it is off."""
    while True:
        text = click.prompt(words("box.ask-dmz"), default="", show_default=False, err=True).strip()
        try:
            return text and inside(text)
        except ConfigError as error:
            click.echo(words(error.message, **error.details), err=True)


def _yes(words: Messages, question: str) -> bool:
    """Yes or no, in the person's own language."""
    while True:
        text = click.prompt(words(question), err=True).strip().lower()
        if text in YES[words.language] or text in YES["en"]:
            return True
        if text in NO:
            return False
        click.echo(words("box.yes-or-no"), err=True)
