"""How does an alert reach a telephone or a chat room? Through apprise, in a process of its own.

A channel's address holds its password: it is never stored, printed or logged. It goes to the other process by
its standard input, and what apprise says of it stays there; we keep a known word and a number. The outbox
knows a channel by the name that the list gives it, so that a new password goes on with what waits.
Where it stops: apprise has no Message-ID. A message that may have gone is sent again, and may come twice.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from netwatch.errors import ConfigError, DeliveryError

if TYPE_CHECKING:
    from netwatch.post import Letter
    from netwatch.readers import NotifySettings

OTHER = Path(__file__).with_name("notifying.py")
SECONDS = 90.0  # for one message, apprise's own limits included
MOST = 20  # channels
LINE = re.compile(
    r"(?:(?P<name>[A-Za-z0-9_-]{1,40})\s*=\s*)?(?P<url>(?P<kind>[A-Za-z][A-Za-z0-9+-]{0,20})://\S+)"
)
SIGNS = str.maketrans({"@": " at ", "<": "(", ">": ")"})
WORDS = {"not-installed", "wrong-address", "refused", "unreachable", "failed"}


@dataclass(frozen=True, slots=True, repr=False)
class Channel:
    """Where short messages go. The address is a secret, and no part of how it is shown."""

    name: str
    url: str


def channels(settings: NotifySettings | None) -> tuple[Channel, ...]:
    """The channels of the list: one a line, `NAME = ADDRESS`, or the address alone; `#` begins a comment.

    One without a name is called by its kind, `tgram`, `tgram-2`. Raises ConfigError, without any address.
    """
    if settings is None:
        return ()
    text = settings.urls()
    if text is None:
        raise ConfigError("notify.no-urls", variable=settings.urls_env or "-")
    found: dict[str, Channel] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        read = LINE.fullmatch(line.strip())
        if read is None:
            raise ConfigError("notify.line", line=number)
        name = read["name"] or _free(read["kind"].lower(), found)
        if name in found:
            raise ConfigError("notify.twice", line=number, name=name)
        found[name] = Channel(name, read["url"])
    if not found or len(found) > MOST:
        raise ConfigError("notify.empty" if not found else "notify.too-many", limit=MOST)
    return tuple(found.values())


def _free(kind: str, taken: dict[str, Channel]) -> str:
    names = [kind, *(f"{kind}-{number}" for number in range(2, MOST + 2))]
    return next((name for name in names if name not in taken), kind)


def send(channel: Channel, letter: Letter) -> None:
    """Hand one message over. Raises DeliveryError, in which the address is never told."""
    told = {"url": channel.url, "title": quiet(letter.subject), "body": quiet(letter.text)}
    try:
        ended = subprocess.run(
            [sys.executable, "-P", str(OTHER)],  # -P: nothing is loaded from the folder that we stand in
            input=json.dumps(told).encode(),
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DeliveryError("notify.perhaps", name=channel.name) from None  # the error holds what was sent
    except OSError:
        raise DeliveryError("notify.failed", name=channel.name) from None
    word, code = _answer(ended.stdout)
    if word == "sent":
        return
    sentence = f"notify.{word if word in WORDS else 'failed'}"
    raise DeliveryError(sentence, name=channel.name, code=code)


def _answer(said: bytes) -> tuple[str, int]:
    """The word and the number of the other process; `failed` for anything else."""
    try:
        word, code = json.loads(said[-200:])
        return str(word), int(code)
    except (ValueError, TypeError):
        return "failed", 0


def quiet(text: str) -> str:
    """Without controls, and without the signs by which a chat room calls people or shows a link: a device's
    name may be in it."""
    visible = "".join(c if c.isprintable() or c == "\n" else " " for c in text)
    return visible.translate(SIGNS).replace("://", ": //")
