"""Can the list of devices be handed over?"""

from __future__ import annotations

import csv as reader
import io
from dataclasses import replace
from typing import TYPE_CHECKING

from reports.inventory import COLUMNS, csv
from tests.reports.conftest import night
from tests.reports.internet import seen_from_outside

if TYPE_CHECKING:
    from netwatch.model import Facts


def rows(text: str) -> list[dict[str, str]]:
    return list(reader.DictReader(io.StringIO(text)))


def test_every_device_is_a_line_with_all_that_is_known_and_no_public_address_is_one() -> None:
    document = seen_from_outside()
    told = rows(csv(document))
    assert [row["id"] for row in told] == [one.id for one in document.devices if one.kind != "internet"]
    assert tuple(told[0]) == COLUMNS
    [pacs] = [row for row in told if row["address"] == "192.168.1.20"]
    assert pacs["open_ports"]
    assert pacs["mac"]


def test_what_a_device_was_recognised_as_stands_beside_by_whose_word_and_how_old_it_is() -> None:
    document = night()
    profile: Facts = {"kind": "nas", "kind_by": "mdns", "age_product": "Synology DSM", "age_state": "ended"}
    first = replace(document.devices[0], profile=profile)
    [row] = rows(csv(replace(document, devices=(first,))))
    assert (row["kind"], row["kind_by"], row["age_product"], row["age_state"], row["age_until"]) == (
        "nas",
        "mdns",
        "Synology DSM",
        "ended",
        "",
    )


def test_a_name_that_would_be_a_formula_is_none() -> None:
    document = night()
    first = replace(document.devices[0], names=("=HYPERLINK(1)",))
    [row] = rows(csv(replace(document, devices=(first,))))
    assert row["names"] == "'=HYPERLINK(1)"
