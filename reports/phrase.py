"""How does a sentence say a device, a place, a number? What pages, mails and tables have in common.

Whatever a device says about itself is hostile: every value that fills a sentence loses its control
characters and escape sequences here, and names are cut to a length that a person can read.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from netwatch.words import Messages, messages
from reports.moment import Moments

if TYPE_CHECKING:
    from netwatch.document import DevicePart
    from netwatch.model import Device, Fact
    from netwatch.words import Catalogue, Words

NAME = 40  # characters of a name that a stranger chose
TEXT = 80  # characters of a sentence that a stranger chose
FACT = 160  # characters of a fact, such as the names of shares
ADDRESS = 45  # the longest IPv6 address

NO_BREAK = "\u00a0"
_ESCAPE = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_NUMBERED = re.compile(r"_\d\d$")  # one fact of several lines, such as sent_01, sent_02
_WHITE = re.compile(r"[ \t\r\n]+")  # and no space that holds a line together
_STEP = re.compile(r"\n- |\A- ")


def clean(text: object, limit: int | None = None) -> str:
    """The text on one line, without terminal escapes, control or invisible characters, cut to `limit`."""
    visible = _ESCAPE.sub("", str(text))
    visible = "".join(" " if unicodedata.category(c)[0] == "C" or c in "\u2028\u2029" else c for c in visible)
    line = re.sub(" +", " ", visible).strip(" ")
    return line if limit is None or len(line) <= limit else line[: limit - 1].rstrip() + "…"


def typeset(text: str) -> str:
    """Curly apostrophes, and no line break before `:` `;` `?` `!`, inside guillemets or in `22 h 04`."""
    curly = re.sub(r"(?<=\w)'(?=[\w«])", "\u2019", text)
    return re.sub(r"(?<=\}) (?=h )|(?<=\} h) ", NO_BREAK, spaced(curly))


def spaced(text: str) -> str:
    """No line break before `:` `;` `?` `!`, nor inside guillemets."""
    return re.sub(r"(?<=«) | (?=[:;?!»])", NO_BREAK, text)


def lower_first(text: str) -> str:
    """A title inside a sentence: `Le serveur` as `le serveur`; `PACS` stays."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def called(device: DevicePart | Device) -> tuple[str, ...]:
    """All that it is called, what stands for it first."""
    names = dict.fromkeys((device.given or "", *device.names))  # a person's word first
    return tuple(filter(None, (clean(one, NAME) for one in names)))


def upper_first(text: str) -> str:
    """A word at the head of a line: `imprimante` as `Imprimante`."""
    return text[:1].upper() + text[1:]


def steps(text: str) -> list[str]:
    """A remedy as its steps: each line that begins with `- ` begins one; other line ends are spaces."""
    parts = (_WHITE.sub(" ", part).strip() for part in _STEP.split(text))
    return [part for part in parts if part]


class Phrases:
    """The sentences of reports/ in one language, filled in safely."""

    def __init__(self, language: str, *, fine: bool = False) -> None:
        """`fine`: typeset, for what is read in a browser."""
        self.language = language
        self.set = typeset if fine else str
        self.messages = Messages(Path(__file__).parent, language)
        self.messages.sentences |= messages(language, "moment").sentences
        self.messages.sentences = {key: self.set(text) for key, text in self.messages.sentences.items()}
        self.moments = Moments(self.messages)

    def __call__(self, message: str, **details: object) -> str:
        """The sentence, filled in. Raises KeyError for an id that no one wrote."""
        safe = {key: clean(value) if isinstance(value, str) else value for key, value in details.items()}
        return self.messages(message, **safe)

    def count(self, message: str, number: int, **details: object) -> str:
        """`message.one` for one, `message.many` otherwise; `message.none` for none where there is one."""
        if number == 0 and f"{message}.none" in self.messages.sentences:
            return self(f"{message}.none")
        return self(f"{message}.{'one' if number == 1 else 'many'}", number=number, **details)

    def number(self, value: object) -> str:
        """`0.5`, in French `0,5`; what is no number is told as it is."""
        return (
            f"{value:.10g}".replace(".", self("phrase.decimal"))
            if isinstance(value, int | float)
            else str(value)
        )

    def word(self, topic: str, value: str, limit: int = TEXT) -> str:
        """The word for a value of an open list, such as a kind of device; else the value itself."""
        key = f"{topic}.{value}"
        return self(key) if key in self.messages.sentences else clean(value, limit)

    def rule(self, catalogue: Catalogue, rule: str, title: str = "") -> Words:
        """What the catalogue says of the rule; for a rule it no longer knows, `title` stands in."""
        words = catalogue[rule].words[self.language]
        known = rule in catalogue.rules
        return type(words)(
            title=self.set(words.title) if known else clean(title or rule, TEXT),
            risk=self.set(" ".join(words.risk.split())),
            remedy=self.set(words.remedy),
        )

    def name(self, device: DevicePart | Device | None) -> str:
        """What to call a device: its name, else its kind, with who made it."""
        name = self.short_name(device)
        if device is None:
            return name
        maker = clean(" ".join(filter(None, (device.maker or device.vendor, device.model))), NAME)
        return self("phrase.name-and-maker", name=name, maker=maker) if maker else name

    def short_name(self, device: DevicePart | Device | None) -> str:
        """Its name, else its kind."""
        kind = str(device.profile.get("kind") or device.kind) if device else "unknown"
        name = next(iter(called(device)), "") if device else ""
        return name or (self.word("phrase.kind", kind) if kind != "unknown" else self("phrase.some-device"))

    def place(self, address: str, port: int | None) -> str:
        """`192.168.1.20, port 11112`; without a port where it is about none."""
        where = clean(address, ADDRESS)
        return where if not port else self("phrase.place", address=where, port=port)

    def facts(self, facts: dict[str, Fact]) -> list[tuple[str, str]]:
        """The facts of a service as labels and values, those without a value left out."""
        return [
            (self.word("phrase.fact", _NUMBERED.sub("", key)), self._value(key, value))
            for key, value in facts.items()
            if value is not None and value != ""
        ]

    def _value(self, key: str, value: Fact) -> str:
        """In words where it is one of ours, or several of them; as it came where it is the device's."""
        if isinstance(value, bool):
            return self("phrase.yes" if value else "phrase.no")
        parts = clean(value, FACT).split(", ")
        return ", ".join(self.word(f"phrase.value.{key}", part, FACT) for part in parts)
