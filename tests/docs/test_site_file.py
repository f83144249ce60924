"""Can the example of docs/site-file.md be used as it stands, and does the page speak of every key?"""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from typing import TYPE_CHECKING

import probes
from netwatch.config import Site, load
from netwatch.options import configure
from netwatch.readers import Recipient
from tests.docs import generate

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (generate.DOCS / "site-file.md").read_text(encoding="utf-8")
[EXAMPLE] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def written(table: dict[str, object], prefix: str = "") -> set[str]:
    """Every key of a TOML table, with those inside its tables."""
    found = set()
    for name, value in table.items():
        found.add(f"{prefix}{name}")
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                found |= written(one, f"{prefix}{name}.")
    return found


def test_the_example_is_a_site_file_that_netwatch_accepts(tmp_path: Path) -> None:
    path = tmp_path / "practice.toml"
    path.write_text(EXAMPLE, encoding="utf-8")
    site = load(path)
    assert site.slug == "cabinet-martin"
    assert {probe.name for probe in configure(probes.load(), site.probes)} == set(probes.load())


def test_the_example_shows_every_key_there_is() -> None:
    known = {row[0].strip("`[]") for row in generate.keys(Site)}
    # Every probe's options stand on a page of its own, docs/probes/NAME.md; dicom's are the example.
    dicom = fields(probes.load()["dicom"])  # type: ignore[arg-type]
    known |= {"probes.dicom", *(f"probes.dicom.{field.name}" for field in dicom)}
    known |= {f"recipients.{name}" for name in Recipient.model_fields}  # each an address, or a table
    assert written(tomllib.loads(EXAMPLE)) == known


def test_the_page_explains_every_key_in_words() -> None:
    prose = PAGE.replace(EXAMPLE, "")
    keys = written(tomllib.loads(EXAMPLE))
    names = {key.rpartition(".")[2] for key in keys if not any(other.startswith(f"{key}.") for other in keys)}
    assert {name for name in names if not re.search(rf"\b{name}`", prose)} == set()
