"""What has the box told, and what not? Gathers both, so that one question without an answer spoils no other.

A box's statement is an Observation with its vantage. A question without an answer is an error with a
sentence: `netwatch box show` says it in the user's language, and a night records it as a Failure.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netwatch.box.talk import LAST_PORT, TALK_ERRORS, reason_of, trouble
from netwatch.model import Failure, Reason, Vantage
from netwatch.plain import common
from netwatch.words import messages

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from netwatch.errors import NetwatchError
    from netwatch.model import Fact, Facts, Observation, Target

MOST_FORWARDS = 500
COMMENT = 60  # characters
TCP, UDP = "tcp", "udp"
# After these nothing else is asked tonight: the box does not talk, or no longer with us.
OVER = {Reason.TIMEOUT, Reason.REFUSED, Reason.CLOSED, Reason.UNFINISHED, Reason.SCOPE, Reason.BUSY}


class Enough(Exception):  # noqa: N818 - an end, not an error
    """Nothing else is to be asked; why has been noted."""


@dataclass(slots=True)
class Telling:
    """`probe`: which interface tells, such as `freebox`. `box`: whom its statements are about."""

    probe: str
    box: Target
    observations: list[Observation] = field(default_factory=list)
    troubles: list[NetwatchError] = field(default_factory=list)

    @contextmanager
    def all(self) -> Iterator[None]:
        """Around everything that is asked: what ends it early is noted."""
        with suppress(Enough), self.part():
            yield

    @contextmanager
    def part(self) -> Iterator[None]:
        """Around one question: what goes wrong is noted. Raises Enough where nothing else is to be asked."""
        try:
            yield
        except TALK_ERRORS as error:
            told = trouble(error)
            self.troubles.append(told)
            if reason_of(told) in OVER or told.message == "box.session-lost":
                raise Enough from None

    def say(self, protocol: str, facts: Mapping[str, Fact], port: int = 0, transport: str = TCP) -> None:
        """A statement of the box's, dated now."""
        self.observations.append(self.box.observed(self.probe, port, protocol, facts, transport))

    def forward(  # noqa: PLR0913 - as many as a forward has
        self,
        transport: object,
        asked: tuple[int, int] | None,
        to_address: str | None,
        to_port: int | None,
        enabled: bool | None,  # noqa: FBT001 - of five things that may all be missing
        *,
        permanent: bool | None = True,
        comment: object = None,
        source: str | None = None,
    ) -> bool:
        """One forward. `asked`: first and last external port. False: these make none, and nothing is said."""
        if not isinstance(transport, str) or transport not in {TCP, UDP} or enabled is None:
            return False
        if (
            asked is None
            or to_address is None
            or to_port is None
            or to_port + asked[1] - asked[0] > LAST_PORT
        ):
            return False
        facts = {
            **forward_facts(asked, to_address, to_port),
            "enabled": enabled,
            "permanent": permanent,
            "comment": common(comment, COMMENT) if isinstance(comment, str) else None,
            "source": source,
        }
        self.say("forward", facts, asked[0], transport)
        return True

    def listing(self, *, whole: bool, before: int) -> None:
        """How complete the list was. `before`: how many statements there were before it."""
        count = len(self.observations) - before
        self.say("listing", {"listing": listing(whole=whole), "count": count})

    def dmz(self, to_address: str | None, *, enabled: bool) -> None:
        """Whether everything that nobody asked for goes to one device."""
        self.say("dmz", {"to_address": to_address if enabled else None, "enabled": enabled})

    def failures(self) -> list[Failure]:
        """The troubles as a night records them: our own English sentences."""
        words = messages("en")
        return [
            Failure(
                self.probe,
                Vantage.BOX,
                self.box.address,
                None,
                reason_of(told),
                words(told.message, **told.details),
                self.box.device,
            )
            for told in self.troubles
        ]


def forward_facts(asked: tuple[int, int], to_address: str, to_port: int) -> Facts:
    """Where it leads. `ports` only where there are several; `to_port` is then the first's."""
    first, last = asked
    several: Facts = {"ports": f"{first}-{last}"} if last > first else {}
    return {"to_address": to_address, "to_port": to_port, **several}


def listing(*, whole: bool) -> str:
    """`whole`: a clean end, be it of an empty list: a page of the box's own has every rule. `cut`: there
    was more than we could read."""
    return "whole" if whole else "cut"
