"""Does the reference say what the code does?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs import generate

ROOT = Path(__file__).parent.parent.parent
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
PAGES = sorted(
    path.relative_to(ROOT).as_posix() for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
)


@pytest.mark.parametrize(
    ("name", "write"), [("reference.md", generate.reference), ("schema.json", generate.schema)]
)
def test_the_committed_page_is_what_the_code_says(name: str, write: generate.Writer) -> None:
    page = generate.DOCS / name
    assert page.read_text(encoding="utf-8") == write(), f"docs/{name} is behind the code: {generate.COMMAND}"


def test_every_probe_and_every_rule_is_in_the_reference() -> None:
    page = (generate.DOCS / "reference.md").read_text(encoding="utf-8")
    assert "### `dicom`" in page
    assert "`dicom-query-answered`" in page


@pytest.mark.parametrize("page", PAGES)
def test_every_link_between_pages_leads_somewhere(page: str) -> None:
    here = (ROOT / page).parent
    links = LINK.findall((ROOT / page).read_text(encoding="utf-8"))
    assert [link for link in links if not (here / link).exists()] == []


def test_the_architecture_names_every_module_of_the_engine() -> None:
    page = (generate.DOCS / "architecture.md").read_text(encoding="utf-8")
    modules = {
        path.stem for path in (ROOT / "netwatch").iterdir() if path.suffix == ".py" or path.name == "store"
    }
    assert {module for module in modules if f"`{module}`" not in page} == {"__init__"}
