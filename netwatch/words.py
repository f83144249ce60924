"""Which words go with which rule, and which sentence with which message? In French and in English.

Two catalogues, both TOML. Rules: `[id] severity, references`, perhaps `ladder`, `exposed`, `decided_by`,
`at_once`, then `[id.fr]` and `[id.en]` with `title`, `risk`, `remedy`. Messages: `TOPIC.fr.toml` and
`TOPIC.en.toml` with the same keys. Loading fails where a language is missing: a doctor never meets a
half-translated page.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwatch.model import Exposure, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LANGUAGES = ("en", "fr")
PARTS = ("title", "risk", "remedy")


@dataclass(frozen=True, slots=True)
class Words:
    """What a rule says to a person: what it is, why it matters, what to do now."""

    title: str
    risk: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the catalogue. Rules of one `ladder` replace each other on the same port.

    `severity`: as seen from the practice's network. `exposed`: where the internet reaches it. `decided_by`:
    the fact that decides whether it holds; where an answer left it unknown, nothing is settled. `at_once`: a
    stranger is answered, so that nobody waits for the morning to be told.
    """

    id: str
    severity: Severity
    references: tuple[str, ...]
    ladder: str | None
    words: Mapping[str, Words]
    exposed: Severity = Severity.HIGH
    decided_by: str | None = None
    at_once: bool = False

    def at(self, exposure: Exposure) -> Severity:
        """How bad it is with what is known of the internet side: outside > forwarded > LAN.

        Proved from outside, what `exposed` says; forwarded by the box or reported by others, one step less.
        Never less than on the LAN.
        """
        steps = list(Severity)
        worst = max(self.severity, self.exposed, key=lambda one: one.rank)
        told = {
            Exposure.EXPOSED: worst.rank,
            Exposure.FORWARDED: worst.rank - 1,
            Exposure.REPORTED: worst.rank - 1,
        }
        return steps[max(self.severity.rank, told.get(exposure, 0))]


class Catalogue:
    """All rules, by id."""

    def __init__(self, files: Iterable[Path]) -> None:
        """Read the files. Raises ValueError naming the file, the rule and what is missing."""
        self.rules = {rule.id: rule for path in files for rule in _rules(path)}

    def __getitem__(self, rule: str) -> Rule:
        """The rule; one we no longer know keeps its id as its title, and no severity is invented."""
        if rule in self.rules:
            return self.rules[rule]
        words = Words(title=rule, risk="", remedy="")
        return Rule(rule, Severity.INFO, (), None, dict.fromkeys(LANGUAGES, words))

    def decisive(self, rule: str) -> str | None:
        """The fact that decides whether the rule holds, where there is one."""
        return self[rule].decided_by

    def ladder(self, rule: str) -> tuple[str, int] | None:
        """The ladder a rule stands on and its rung, the worst highest; None where it stands alone.

        In a file, the rules of a ladder are written worst first.
        """
        name = self[rule].ladder
        if name is None:
            return None
        rungs = [known.id for known in self.rules.values() if known.ladder == name]
        return name, -rungs.index(rule)


def _rules(path: Path) -> Iterable[Rule]:
    """The rules of one file."""
    for name, table in tomllib.loads(path.read_text(encoding="utf-8")).items():
        try:
            yield Rule(
                id=name,
                severity=Severity(table["severity"]),
                references=tuple(table["references"]),
                ladder=table.get("ladder"),
                exposed=Severity(table.get("exposed", Severity.HIGH)),
                decided_by=table.get("decided_by"),
                at_once=table.get("at_once", False),
                words={
                    language: Words(**{part: table[language][part].strip() for part in PARTS})
                    for language in LANGUAGES
                },
            )
        except (KeyError, ValueError, AttributeError) as error:
            reason = f"{path.name}: [{name}]: {error}"
            raise ValueError(reason) from error


class Messages:
    """The sentences of a folder's `TOPIC.LANGUAGE.toml` files, in one language, by `topic.key`."""

    def __init__(self, folder: Path, language: str, topic: str = "*") -> None:
        """Read one language, all topics or one. `language` is one of LANGUAGES."""
        self.language = language
        self.sentences: dict[str, Any] = dict(_sentences(folder, language, topic))

    def __call__(self, message: str, **details: object) -> str:
        """The sentence, filled in; a day as in `day`. Raises KeyError for an id that no one wrote."""
        told = {
            key: self.day(value) if isinstance(value, date) and not isinstance(value, datetime) else value
            for key, value in details.items()
        }
        return str(self.sentences[message]).format(**told)

    def reason(self, message: str, details: Mapping[str, object]) -> str:
        """The sentence of an error that was kept; where it is of another version of netwatch, its id."""
        try:
            return self(message, **details)
        except (KeyError, IndexError, ValueError):
            return message

    def count(self, message: str, number: int, **details: object) -> str:
        """`message.one` for one, `message.many` otherwise."""
        return self(f"{message}.{'one' if number == 1 else 'many'}", number=number, **details)

    def size(self, size: int) -> str:
        """Bytes as `1,2 Mo`. Needs the topic `keep`."""
        whole, tenth = divmod(max(1, round(size / 100_000)), 10)
        return self("keep.megabytes", whole=whole, tenth=tenth)

    def day(self, day: date) -> str:
        """`23 novembre 2026`, `1er novembre 2026`. Needs the topic `moment`."""
        key = "moment.first-of-month" if day.day == 1 else "moment.date"
        return self(key, day=day.day, month=self(f"moment.month.{day.month}"), year=day.year)


@cache
def _sentences(folder: Path, language: str, topic: str) -> Mapping[str, Any]:
    """Read once: a page is drawn in less time than its words take to be parsed."""
    read: dict[str, Any] = {}
    for path in sorted(folder.glob(f"{topic}.{language}.toml")):
        read |= flatten(tomllib.loads(path.read_text(encoding="utf-8")), f"{path.name.split('.')[0]}.")
    return read


def flatten(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"scan": {"done": "..."}}` as `{"scan.done": "..."}`."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def messages(language: str, topic: str = "*") -> Messages:
    """The engine's own sentences: errors, command line, progress, dates."""
    return Messages(Path(__file__).parent / "words", language, topic)
