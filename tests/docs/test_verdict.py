"""Does the verdict do what docs/verdict.md says, row by row? The page is the table; the function is asked."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from netwatch.judge import KNOWS, Row, Says, Statement, explained, shut, verdict
from netwatch.model import Exposure, Vantage
from tests.docs import generate

PAGE = (generate.DOCS / "verdict.md").read_text(encoding="utf-8")
TONIGHT = datetime(2026, 11, 25, 2, tzinfo=UTC)


def section(title: str) -> str:
    """What stands under this heading."""
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """The cells of a section's table."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def words(cell: str) -> list[Statement]:
    """`outside answered -1; box forwarded 0` as statements."""
    told = [one.split() for one in cell.strip("`").split(";") if one.strip()]
    return [
        Statement(Vantage(vantage), Says(says), TONIGHT + timedelta(days=int(night)))
        for vantage, says, night in told
    ]


EVERY = rows("Every row")
ENDS = rows("What ends an exposure")


@pytest.mark.parametrize(("row", "said", "told"), EVERY, ids=[f"{one[0]} {one[1]}" for one in EVERY])
def test_each_row_of_the_table_holds(row: str, said: str, told: str) -> None:
    statements = words(said)
    assert (explained(statements).row, verdict(statements)) == (
        Row(row.strip("`")),
        Exposure(told.strip("`")),
    )


@pytest.mark.parametrize("said", [one[1] for one in EVERY], ids=[one[1] for one in EVERY])
def test_the_order_in_which_it_was_said_changes_nothing(said: str) -> None:
    assert len({explained(order) for order in permutations(words(said))}) == 1


@pytest.mark.parametrize(("said", "ended"), ENDS, ids=[one[0] for one in ENDS])
def test_each_row_of_what_ends_an_exposure_holds(said: str, ended: str) -> None:
    assert shut(words(said)) is {"yes": True, "no": False}[ended]


def test_the_page_has_every_row_and_every_verdict() -> None:
    assert {one[0].strip("`") for one in EVERY} == {row.value for row in Row}
    assert {one[2].strip("`") for one in EVERY} == {told.value for told in Exposure}


def test_the_rows_stand_in_the_order_in_which_they_are_tried() -> None:
    told = list(dict.fromkeys(one[0].strip("`") for one in EVERY))
    assert told == [row.value for row in Row]


def test_the_page_says_of_each_vantage_what_counts() -> None:
    for vantages, said in rows("Who may say what"):
        for vantage in re.findall(r"`([a-z]+)`", vantages):
            assert set(re.findall(r"`([a-z]+)`", said)) == {word.value for word in KNOWS[Vantage(vantage)]}
    assert {v for one in rows("Who may say what") for v in re.findall(r"`([a-z]+)`", one[0])} == set(Vantage)
