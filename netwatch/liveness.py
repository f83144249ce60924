"""Does a guarded device still answer after it was looked at? If not, the whole scan stops.

A medical device, or one of which nothing is known, that answered before it was asked is looked at again
afterwards. One that stays silent through several looks over some fifteen seconds may have been switched
off at that very moment, or may have been hurt: we cannot tell, so we stop, say so at once with what was sent
to it, and leave it alone until a person decides (`netwatch release`).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from netwatch.model import LIVENESS, PortState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netwatch.egress import Egress
    from netwatch.model import Facts, Finding, Observation, Target

RULE = "device-stopped-answering"
LOOKS = (0.0, 2.0, 4.0, 8.0)  # seconds before each look
TOLD = 12  # lines of the audit log that an alert repeats
LONGEST = 300  # characters of a line
SHORT = 40  # characters of a list of ports in such a line


def silent_port(egress: Egress, address: str, before: Mapping[int, PortState]) -> int | None:
    """The first port that answered before and does not now; None: all do.

    An open port must be open; of a device without any, a closed one must answer at all. A stop does not end
    the looks: a device that was hurt is not to be forgotten because somebody pressed Ctrl-C. Raises
    ScopeError.
    """
    return next((p for p, state in before.items() if not _still(egress, address, p, state)), None)


def _still(egress: Egress, address: str, port: int, before: PortState) -> bool:
    fine = {before} if before is PortState.OPEN else {PortState.OPEN, PortState.CLOSED}
    for pause in LOOKS:
        time.sleep(pause)
        if egress.knock(address, port, LIVENESS) in fine:
            return True
    return False


def seen(target: Target, port: int, said: Iterable[Mapping[str, Any]]) -> Observation:
    """What is known: the port, and what was sent to the device before, from the audit log."""
    sent = (entry for entry in said if not entry.get("refused") and entry.get("question") != LIVENESS)
    lines = [sentence(entry) for entry in sent][-TOLD:]
    facts: Facts = {f"sent_{number:02}": line for number, line in enumerate(lines, 1)}
    return target.observed(LIVENESS, port, "unknown", facts)


def told(observation: Observation) -> tuple[str, ...]:
    """What was sent, line by line, the last at the end."""
    return tuple(str(value) for key, value in sorted(observation.facts.items()) if key.startswith("sent_"))


def sentence(entry: Mapping[str, Any]) -> str:
    """A line of the log in no language, for a mail: `22:04:05 UTC, dicom, 104: C-ECHO-RQ (68 bytes)`."""
    clock, question = str(entry.get("at", ""))[11:19], str(entry.get("question", ""))
    if question == "sweep":
        ports, knocks = str(entry.get("ports", "")), entry.get("knocks")
        short = ports if len(ports) <= SHORT else f"{ports[: SHORT - 1].rpartition(',')[0]},…"
        return f"{clock} UTC, {question}, {short}: {knocks} SYN"
    what = ", ".join(entry.get("sent", ())) or "SYN"
    return f"{clock} UTC, {question}, {entry.get('port')}: {what}"[:LONGEST]


def judge(observation: Observation) -> Iterable[Finding]:
    """The rule that holds."""
    return (observation.finding(RULE),)
