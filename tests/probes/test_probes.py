"""Is a new probe one file and no edit elsewhere? And has every rule that a probe can name its words?"""

from __future__ import annotations

import ast
import importlib
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import probes
from netwatch.classes import table
from netwatch.model import Target
from netwatch.words import Catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(probes.__file__).parent
OURS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")

BELL = '''\
"""Does the doorbell answer?"""
from dataclasses import dataclass
from typing import ClassVar

@dataclass(frozen=True)
class Bell:
    name: ClassVar[str] = "{name}"
    manner: ClassVar[str] = "hear"
    usual: ClassVar[tuple[int, ...]] = (7,)
    loud: bool = False

    def wants(self, target):
        return target.open_ports

    def observe(self, target, port, egress):
        yield target.observed(self.name, port, "bell", {{}})

    def judge(self, seen):
        return [seen.finding("{name}-rings")]
'''
END = "\nPROBE = Bell\n"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that Python looks into too; what was imported from it is forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for module in set(sys.modules) - before:
        del sys.modules[module]


def drop(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """One more file in the package."""
    (folder / "bell.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(probes, "__path__", [*probes.__path__, str(folder)])
    importlib.invalidate_caches()


def test_a_new_probe_is_one_file_and_no_edit_elsewhere(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(elsewhere, monkeypatch, BELL.format(name="bell") + END)
    found = probes.load()
    assert set(found) == {"bell", *OURS}
    probe = found["bell"](loud=True)
    target = Target("d", "192.168.1.20", (7,))
    assert probe.wants(target) == (7,)
    assert [f.rule for f in probe.judge(target.observed("bell", 7, "bell", {}))] == ["bell-rings"]


def test_a_file_without_a_probe_is_passed_over(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(elsewhere, monkeypatch, BELL.format(name="bell"))
    assert set(probes.load()) == set(OURS)


def test_another_distribution_adds_its_probe_by_an_entry_point(elsewhere: Path) -> None:
    (elsewhere / "doorbells.py").write_text(BELL.format(name="doorbell"), encoding="utf-8")
    told = elsewhere / "doorbells-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: doorbells\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text("[netwatch.probes]\ndoorbell = doorbells:Bell\n")
    importlib.invalidate_caches()
    assert set(probes.load()) == {"doorbell", *OURS}


def test_every_probe_of_ours_is_found_under_its_file_s_name() -> None:
    assert sorted(probes.load()) == OURS


@pytest.mark.parametrize("name", OURS)
def test_the_manner_of_every_probe_is_one_that_the_table_of_classes_knows(name: str) -> None:
    known = {manner for is_a in table().values() for manner in is_a.manners}
    assert probes.load()[name]().manner in known


def rules_in(path: Path) -> set[str]:
    """What a probe's code hands to `finding(...)`: constants, so that they can be read here."""
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    calls = [node for node in tree if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    named = [call.args for call in calls if ast.unparse(call.func).endswith(".finding")]
    assert all(len(args) == 1 and isinstance(args[0], ast.Constant) for args in named), path
    return {str(arg.value) for args in named for arg in args if isinstance(arg, ast.Constant)}


@pytest.mark.parametrize("name", OURS)
def test_the_rules_in_a_probe_s_code_and_in_its_words_are_the_same(name: str) -> None:
    words = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    assert rules_in(FOLDER / f"{name}.py") == set(words) != set()


@pytest.mark.parametrize("name", OURS)
def test_a_rule_begins_with_the_name_of_its_probe(name: str) -> None:
    words = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    assert [rule for rule in words if not rule.startswith(f"{name}-")] == []


def test_the_words_of_every_probe_load_and_no_rule_is_told_twice() -> None:
    files = [path.stem for path in probes.words()]
    assert files == OURS
    told = [rule for path in probes.words() for rule in tomllib.loads(path.read_text(encoding="utf-8"))]
    assert sorted(told) == sorted(Catalogue(probes.words()).rules)
