"""Is the JSON document what we promised? Its fields, its types, its words: stable from here on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from netwatch import document
from netwatch.document import PARTS, Document, port_list, schema

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = TypeAdapter(Document)

# What the promise holds, written by hand: a field may be added to the code, none of these may go.
PROMISED = {
    "": {"schema", "site", "run", "devices", "services", "findings", "changes", "failures", "coverage"},
    "RunPart": {"id", "started", "finished", "complete", "vantages"},
    "DevicePart": {
        "id",
        "address",
        "mac",
        "vendor",
        "names",
        "kind",
        "maker",
        "model",
        "version",
        "first_seen",
        "last_seen",
    },
    "ServicePart": {
        "device",
        "address",
        "port",
        "transport",
        "protocol",
        "vantage",
        "facts",
        "first_seen",
        "last_seen",
    },
    "FindingPart": {
        "rule",
        "severity",
        "device",
        "address",
        "port",
        "exposure",
        "status",
        "title",
        "first_seen",
        "last_seen",
    },
    "ChangePart": {"kind", "rule", "severity", "device", "address", "port", "title", "previous"},
    "ComingPart": {"kind", "device", "address", "quiet", "nights", "since"},
    "FailurePart": {"probe", "vantage", "device", "address", "port", "reason", "detail"},
    "CoveragePart": {"probe", "vantage", "device", "address", "ports", "outcome", "detail"},
}
WORDS = {
    "Severity": {"info", "low", "medium", "high", "critical"},
    "Status": {"open", "unverified", "resolved"},
    "ChangeKind": {"appeared", "worsened", "newly-checked", "improved", "resolved", "unverified"},
    "ComingKind": {"new", "back", "gone"},
    "Exposure": {"not-checked", "inside-only", "reported", "forwarded", "exposed"},
    "Vantage": {"lan", "outside", "box", "declared", "shodan", "internetdb"},
}

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
FACTS = st.dictionaries(TEXT, TEXT | st.integers(-(2**53), 2**53) | st.booleans() | st.none(), max_size=3)
NIGHTS = st.builds(
    Document,
    schema=st.just("netwatch/1"),
    site=TEXT,
    run=st.builds(document.RunPart),
    services=st.lists(st.builds(document.ServicePart, facts=FACTS), max_size=2).map(tuple),
)


@given(NIGHTS)
def test_a_document_comes_back_from_its_json_as_it_went_in(night: Document) -> None:
    assert DOCUMENTS.validate_json(night.to_json()) == night


@given(NIGHTS, st.sampled_from(["devices", "findings", "changes"]))
def test_a_part_stands_under_its_name_and_that_of_its_site_and_run(night: Document, part: str) -> None:
    whole = json.loads(night.to_json())
    told = json.loads(night.to_json(part))
    assert list(told) == ["schema", "site", "run", part]
    assert told == {key: whole[key] for key in told}


def test_french_is_written_as_french() -> None:
    run = document.RunPart("r", "2026-11-01T22:00:00Z", "2026-11-01T22:02:00Z", complete=True, vantages=())
    night = Document("netwatch/1", "cabinet-lebœuf-é", run, (), (), (), (), (), ())
    assert "cabinet-lebœuf-é" in night.to_json()


@pytest.mark.parametrize("part", PROMISED)
def test_no_promised_field_is_gone_or_optional(part: str) -> None:
    of = schema() if not part else schema()["$defs"][part]
    assert PROMISED[part] <= set(of["properties"])
    assert PROMISED[part] <= set(of["required"])


@pytest.mark.parametrize("word", WORDS)
def test_no_promised_word_is_gone(word: str) -> None:
    assert WORDS[word] <= set(schema()["$defs"][word]["enum"])


def test_the_parts_are_in_the_promised_order() -> None:
    assert PARTS == (
        "schema",
        "site",
        "run",
        "devices",
        "services",
        "findings",
        "changes",
        "failures",
        "coverage",
        "rounds",
        "public",
        "statements",
        "looked",
        "comings",
        "undelivered",
    )


def test_the_published_schema_is_the_one_of_the_code() -> None:
    published: Any = json.loads((ROOT / "docs" / "schema.json").read_text(encoding="utf-8"))
    assert published == schema(), "run `make reference`, and say in the changelog which field is new"


def test_another_version_is_not_taken_for_ours() -> None:
    assert schema()["properties"]["schema"]["const"] == "netwatch/1"
    with pytest.raises(ValidationError):
        DOCUMENTS.validate_python({"schema": "netwatch/2"})


@pytest.mark.parametrize(
    ("ports", "text"),
    [
        ((), ""),
        ((80,), "80"),
        ((105, 22, 104, 80), "22,80,104-105"),
        ((1, 2, 3, 5), "1-3,5"),
        ((1, 3), "1,3"),
    ],
)
def test_ports_are_told_in_order_and_neighbours_together(ports: tuple[int, ...], text: str) -> None:
    assert port_list(ports) == text
