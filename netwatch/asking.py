"""What does `netwatch init` still need to know? Options first; a person where one is there; else an error.

Where it stops: it asks and proposes; config.py judges what is written.
"""

from __future__ import annotations

import os
import sys
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from netwatch.errors import ConfigError
from netwatch.init import Answers, propose
from netwatch.words import LANGUAGES, messages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netwatch.words import Messages

NEEDED = ("name", "by", "role", "until")


def language() -> str:
    """The language of this terminal, where it is one of ours; English otherwise."""
    return "fr" if (os.environ.get("LC_ALL") or os.environ.get("LANG", "")).startswith("fr") else "en"


def answers(spoken: str, given: Mapping[str, Any]) -> Answers:
    """Everything a site file needs. Raises ConfigError naming the options that are still missing."""
    words = messages(spoken)
    proposal = propose()
    known = {key: value for key, value in given.items() if value}
    networks = known.get("network", ())
    if sys.stdin.isatty():
        known = _ask(words, known)
        networks = networks or _list(words("init.network"), proposal.network or "192.168.1.0/24")
    else:
        networks = networks or ((proposal.network,) if proposal.network else ())
    missing = [f"--{key}" for key in NEEDED if key not in known] + ([] if networks else ["--network"])
    if missing:
        raise ConfigError("cli.missing-options", options=", ".join(missing))
    return Answers(
        name=known["name"],
        language=spoken if spoken in LANGUAGES else "en",
        networks=tuple(networks),
        gateway=known.get("gateway") or proposal.gateway,
        recipients=tuple(known.get("recipient", ())),
        by=known["by"],
        role=known["role"],
        until=_day(known["until"]),
        mail_host=known.get("mail_host"),
        mail_port=known.get("mail_port"),
        mail_security=known.get("mail_security"),
        mail_user=known.get("mail_user"),
        sender=known.get("sender"),
    )


def _ask(words: Messages, known: dict[str, Any]) -> dict[str, Any]:
    """Ask a person for what the options left open. Mail may be left for later."""
    for key in ("name", "by", "role"):
        if key not in known:
            known[key] = click.prompt(words(f"init.{key}"), err=True)
    while "until" not in known:
        text = click.prompt(words("init.until"), err=True, default=str(date(date.today().year + 1, 12, 31)))  # noqa: DTZ011
        try:
            known["until"] = date.fromisoformat(text)
        except ValueError:
            click.echo(words("cli.not-a-day"), err=True)
    if "recipient" not in known:
        known["recipient"] = _list(words("init.recipients"), "")
    if "mail_host" not in known:
        known["mail_host"] = click.prompt(words("init.mail_host"), err=True, default="", show_default=False)
        if known["mail_host"] and "mail_user" not in known:
            known["mail_user"] = click.prompt(
                words("init.mail_user"), err=True, default="", show_default=False
            )
    return {key: value for key, value in known.items() if value}


def _list(question: str, default: str) -> tuple[str, ...]:
    text = click.prompt(question, err=True, default=default, show_default=bool(default))
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _day(given: date | datetime) -> date:
    return given.date() if isinstance(given, datetime) else given
