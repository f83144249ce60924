"""Does the reference say what the code does?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import probes
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


@pytest.mark.parametrize("name", sorted(probes.load()))
def test_every_probe_has_a_page_that_says_what_the_code_says(name: str) -> None:
    page = generate.DOCS / "probes" / f"{name}.md"
    assert page.read_text(encoding="utf-8") == generate.probe_page(name), generate.COMMAND


def test_no_page_is_left_of_a_probe_that_is_gone() -> None:
    assert {page.stem for page in (generate.DOCS / "probes").glob("*.md")} == set(probes.load())


def test_a_probe_s_page_names_its_options_its_rules_and_what_to_do() -> None:
    page = generate.probe_page("dicom")
    assert "`called_ae`" in page
    assert "`dicom-query-answered`" in page
    assert "Call the company that maintains your imaging software" in page


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
