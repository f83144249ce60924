"""What does the internet box say of itself, to its owner? One interface, a module for each maker.

`[box]` in the site file says which box it is: only then, and only with the credential that its owner gave, is
anything asked. No password is guessed: one that the box refuses is not tried again until it changes.
Everything leaves through the egress, to the gateway of the site file, as a question of the manner `web`.
What the box says is its statement (vantage `box`): nobody has tried yet whether it is so.

Where it stops: `declared.py` is for every other box: a person says what its pages show.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netwatch.box import bbox, freebox, livebox
from netwatch.box.talk import DOORS
from netwatch.box.telling import Telling
from netwatch.errors import OutsideError
from netwatch.model import Reason, Vantage

if TYPE_CHECKING:
    from pathlib import Path

    from netwatch.box.talk import Door
    from netwatch.internet import BoxSettings
    from netwatch.model import Failure, Observation, Target
    from netwatch.way import Way

MANNER = "web"


def read(
    settings: BoxSettings, way: Way, box: Target, folder: Path, *, doors: tuple[Door, ...] = DOORS
) -> tuple[list[Observation], list[Failure]]:
    """(what it says, what it did not say and why). `way`: a question of the manner `web`, to the gateway.

    `box`: its device id and its address. `folder`: where tokens and refusals are kept (memory.folder). Raises
    nothing of a peer's doing: what fails is a Failure, and a missing statement is not a `no`.
    """
    told = ask(settings, way, box, folder, doors=doors)
    return told.observations, told.failures()


def ask(
    settings: BoxSettings, way: Way, box: Target, folder: Path, *, doors: tuple[Door, ...] = DOORS
) -> Telling:
    """As `read`, with errors that have a sentence in the user's language."""
    telling = Telling(settings.kind, replace(box, vantage=Vantage.BOX))
    if settings.kind == freebox.NAME:
        freebox.read(way, telling, folder, doors)
        return telling
    with telling.all():
        password = settings.password()
        if password is None:
            raise OutsideError("box.no-password", Reason.CREDENTIALS)
        maker = livebox if settings.kind == livebox.NAME else bbox
        maker.read(way, telling, folder, password, doors)
    return telling
