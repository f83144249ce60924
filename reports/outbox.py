"""What has not arrived, and why? The outbox as lines for a person, and as JSON.

What a mail server said is one line without control characters when it is kept; it is cleaned again here.
"""

from __future__ import annotations

import json
import textwrap
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from netwatch.post import State
from netwatch.words import messages
from reports.phrase import Phrases, clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netwatch.post import Posted

COLUMNS = 80
VERSION = "netwatch/outbox-1"


def text(left: Sequence[Posted], ended: Sequence[Posted], language: str, now: datetime) -> str:
    """What waits, since when, why, and when it is tried again; then what ended lately."""
    say = Phrases(language)
    lines = [say.count("outbox.left", len(left))]
    for one in left:
        lines += [*_headed(say, one, _state(say, one, now)), *_folded(_why(one, language))]
    if ended:
        lines += ["", say("outbox.ended")]
    for one in ended:
        lines += [*_headed(say, one, _end(say, one)), *_folded(clean(one.note))]
    return "\n".join(lines)


def _headed(say: Phrases, one: Posted, state: str) -> Iterator[str]:
    yield ""
    to = clean(one.letter.recipient) or say("outbox.nobody")
    yield from _folded(say("outbox.line", number=one.number, to=to, state=state), 2)
    yield from _folded(clean(one.letter.subject))


def _folded(line: str, indent: int = 6) -> list[str]:
    space = " " * indent
    return textwrap.wrap(
        line, COLUMNS, initial_indent=space, subsequent_indent=" " * 6, break_on_hyphens=False
    )


def _state(say: Phrases, one: Posted, now: datetime) -> str:
    """`waiting since ..., 3 tries, next try ...`."""
    parts = [say(f"outbox.state.{one.state}", since=say.moments.full(one.created))]
    if one.tries:
        parts.append(say.count("outbox.tries", one.tries))
    if one.state is not State.GIVEN_UP and one.letter.recipient:
        due = one.next_try is None or one.next_try <= now
        when = say("outbox.due") if due else say("outbox.next", when=say.moments.full(one.next_try or now))
        parts.append(when)
    return ", ".join(parts)


def _end(say: Phrases, one: Posted) -> str:
    when = say.moments.full(one.sent or one.created)
    return say(f"outbox.state.{one.state}", when=when)


def _why(one: Posted, language: str) -> str:
    return clean(messages(language).reason(one.why, one.details)) if one.why else ""


def to_json(site: str, left: Sequence[Posted], ended: Sequence[Posted], language: str) -> str:
    """The same for a machine."""
    told = {
        "schema": VERSION,
        "site": site,
        "unarrived": [_row(one, language) for one in left],
        "ended": [_row(one, language) for one in ended],
    }
    return json.dumps(told, ensure_ascii=False, indent=2)


def _row(one: Posted, language: str) -> dict[str, Any]:
    return {
        "number": one.number,
        "message_id": one.letter.message_id,
        "recipient": one.letter.recipient,
        "subject": one.letter.subject,
        "state": one.state,
        "created": _stamp(one.created),
        "tries": one.tries,
        "last_try": _stamp(one.last_try),
        "next_try": _stamp(one.next_try),
        "sent": _stamp(one.sent),
        "error": {"id": one.why, "text": _why(one, language)} if one.why else None,
        "note": one.note or None,
    }


def _stamp(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
