"""Does the list of decisions say what stands, what became of the others, and fit into 80 columns?"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from netwatch.deciding import Listed, Now
from netwatch.decisions import State
from netwatch.model import Exposure
from reports.decisions import decisions

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from netwatch.document import Document
    from netwatch.words import Catalogue


def row(
    state: State, finding: Now = Now.ACCEPTED, reason: str = "replaced in June", by: str = "Dr Martin"
) -> Listed:
    ended = None if state in {State.STANDING, State.EXPIRED} else "2026-12-02T12:00:00Z"
    who = "Dr Petit" if state is State.REOPENED else None
    return Listed(
        "k7m2qp", state, finding, "dicom-query-answered", "d20", "192.168.1.20", 11112, "tcp",
        Exposure.NOT_CHECKED, None, reason, by, "2026-11-30T12:00:00Z", "2027-06-30", ended, who,
    )  # fmt: skip


ROWS = [
    row(State.STANDING),
    row(State.STANDING, Now.COUNTED),
    row(State.STANDING, Now.GONE),
    *(row(state) for state in State if state is not State.STANDING),
]


def drawn(rows: list[Listed], document: Document, catalogue: Catalogue, language: str) -> str:
    out = io.StringIO()
    Console(file=out, width=80, highlight=False).print(decisions(rows, document, catalogue, language))
    return out.getvalue()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_list_reads_as_agreed(
    document: Document, catalogue: Catalogue, language: str, snapshot: SnapshotAssertion
) -> None:
    assert drawn(ROWS, document, catalogue, language) == snapshot


def test_nothing_is_said_to_be_nothing(document: Document, catalogue: Catalogue) -> None:
    assert drawn([], document, catalogue, "en").strip() == "Nothing was ever accepted here."


def test_a_hostile_word_stays_a_word(document: Document, catalogue: Catalogue, hostile: str) -> None:
    told = drawn([row(State.STANDING, reason=hostile * 9, by=hostile * 9)], document, catalogue, "en")
    assert "\x1b" not in told
    assert max(map(len, told.splitlines())) <= 80
