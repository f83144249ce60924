"""Is the desk file of docs/sites.md right, and does it show every key there is?"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from netwatch.desk import Desk, load

PAGE = (Path(__file__).parents[2] / "docs" / "sites.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_is_read(tmp_path: Path, example: str) -> None:
    (tmp_path / "desk.toml").write_text(example, encoding="utf-8")
    assert load(tmp_path / "desk.toml").slug == "desk.atelier-martin"


def test_every_key_is_shown_or_named() -> None:
    shown = set(tomllib.loads(EXAMPLES[0]))
    assert {key for key in Desk.model_fields if key not in shown and f"[{key}]" not in PAGE} == set()
    assert len(EXAMPLES) == 2
