"""Is the compose file of the pages the one that netwatch prints, and is it YAML with what we promise?"""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from netwatch.schedule.compose import COMPOSE

ROOT = Path(__file__).parent.parent.parent


def test_the_page_s_file_is_what_is_printed() -> None:
    assert (ROOT / "docs" / "compose.yaml").read_text(encoding="utf-8") == COMPOSE


def test_it_is_yaml_and_gives_one_capability_and_a_read_only_disk() -> None:
    service = yaml.safe_load(COMPOSE)["services"]["netwatch"]
    assert (service["cap_drop"], service["cap_add"], service["read_only"]) == (["ALL"], ["NET_RAW"], True)
    assert service["network_mode"] == "host"
    assert (ROOT / "docs" / service["build"] / "Dockerfile").is_file()
    assert service["volumes"] == ["netwatch:/data"]


def test_the_image_does_by_itself_what_the_file_says() -> None:
    recipe = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    [command] = re.findall(r"^CMD (\[.*\])$", recipe, re.MULTILINE)
    assert f"command: {command}" in COMPOSE
    assert re.search(r"^USER (?!root)", recipe, re.MULTILINE)
