"""Is a desk file read as a site file is, and never taken for a site?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter, ValidationError

from netwatch.desk import load
from netwatch.errors import ConfigError
from netwatch.forms import Slug

if TYPE_CHECKING:
    from pathlib import Path

DESK = """name = "Atelier Martin"
language = "fr"
recipients = ["it@atelier.example"]
[mail]
host = "smtp.atelier.example"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "desk.toml"
    path.write_text(text)
    return path


def test_it_names_who_is_told_and_how(tmp_path: Path) -> None:
    desk = load(written(tmp_path, DESK))
    assert (desk.slug, desk.language) == ("desk.atelier-martin", "fr")
    assert [one.address for one in desk.recipients] == ["it@atelier.example"]
    assert desk.mail is not None


def test_no_site_can_bear_its_slug(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Slug).validate_python(load(written(tmp_path, DESK)).slug)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (DESK.replace('["it@atelier.example"]', "[]"), "config.invalid"),
        (DESK.replace("language", "networks = []\nlanguage"), "config.invalid"),
        (DESK.replace("host", 'password = "x"\nhost'), "config.invalid"),
        (
            DESK.replace('"it@atelier.example"', '"i@x.example", {address = "i@x.example", language = "en"}'),
            "config.invalid",
        ),
        ("[", "config.syntax"),
    ],
)
def test_what_is_wrong_in_it_is_told(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(written(tmp_path, text))
    assert refused.value.message.startswith(why)


def test_where_there_is_none_no_site_file_is_proposed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path / "none.toml")
    assert refused.value.message == "desk.no-file"
