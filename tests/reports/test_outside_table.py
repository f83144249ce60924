from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from reports import table
from tests.reports.conftest import night
from tests.reports.internet import forward, seen_from_outside, service
from tests.reports.test_table import printed

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from netwatch.words import Catalogue


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_outside_reads_as_agreed(
    catalogue: Catalogue, language: str, snapshot: SnapshotAssertion
) -> None:
    told = printed(table.outside("Cabinet Dupont", seen_from_outside(), catalogue, language))
    assert max(cell_len(line) for line in told.splitlines()) <= 80
    assert "\n".join(line.rstrip() for line in told.splitlines()) == snapshot


def test_only_what_answered_us_is_in_the_colour_of_danger(catalogue: Catalogue) -> None:
    told = printed(table.outside("Cabinet", seen_from_outside(), catalogue, "en"), colour=True)
    assert "\x1b[1;31mreachable" in told
    assert "\x1b[33mforwarded, not proved" in told
    assert "\x1b[33mreported, not verified" in told
    assert "\x1b[2mreported, found shut" in told


def test_where_nobody_looked_it_says_so_and_what_to_do(catalogue: Catalogue) -> None:
    told = " ".join(printed(table.outside("Cabinet", night(), catalogue, "en")).split())
    assert "Nobody looked from the internet" in told
    assert "netwatch box declare" in told


def test_text_that_others_chose_is_neither_markup_nor_control(catalogue: Catalogue, hostile: str) -> None:
    document = replace(
        seen_from_outside(),
        services=(service(11112, "dicom", product=hostile),),
        statements=(forward(2222, hostile, 22, comment=hostile),),
    )
    told = printed(table.outside(hostile, document, catalogue, "en"))
    assert max(cell_len(line) for line in told.splitlines()) <= 80
    assert told.replace("\n", "").isprintable()
