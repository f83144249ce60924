"""Does the tree keep the promises that no single test can see?"""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from string import Formatter

import pytest

from netwatch.words import flatten

ROOT = Path(__file__).parent.parent
PACKAGES = ("netwatch", "probes", "reports")

# Source files without a test file of their own, and why.
WITHOUT_TESTS = {
    "netwatch/__init__.py": "holds the version, which test_wheel reads",
    "netwatch/connection.py": "made by Egress only: tests/netwatch/test_egress.py",
    "netwatch/cli_setup.py": "its commands are tested with the others, in test_cli",
    "netwatch/way.py": "what every probe is given: tests/netwatch/test_egress.py, tests/probes",
    "netwatch/change.py": "holds two nouns: tests/netwatch/test_diff.py, test_alert.py",
    "netwatch/post.py": "holds nouns: tests/netwatch/test_arrival.py, test_mail.py",
    "netwatch/notifying.py": "runs in a process of its own: tests/netwatch/test_notify.py",
    "netwatch/smtp.py": "needs a server: tests/netwatch/test_mail.py",
    "netwatch/cli_tend.py": "tested with the nights that it comes after, in test_cli_scan",
    "netwatch/glance.py": "tested with its command, in test_cli_sites",
    "netwatch/remarks.py": "tested with the files that it writes, in test_init",
    "reports/sites.py": "tested with its command, in test_cli_sites",
    "netwatch/cli_loop.py": "its command is tested with what it does, in test_schedule_loop",
    "netwatch/cli_mail.py": "its commands are tested with the others, in test_cli",
    "netwatch/schedule/compose.py": "holds a file, which tests/docs/test_compose.py reads",
    "netwatch/schedule/installing.py": "what it does is tested with the commands, in test_cli_schedule",
    "netwatch/schedule/whose.py": "tested with the commands, in test_cli_schedule",
    "netwatch/switches.py": "its options are tested with the commands that take them, in test_cli",
    "netwatch/errors.py": "holds names, which the tests of every module expect",
    "netwatch/exits.py": "holds numbers, which the tests of the commands expect",
    "netwatch/probe.py": "a contract: mypy holds every probe to it, test_probes shows a new one",
    **{
        f"netwatch/store/{name}.py": "used through Store only: tests/netwatch/test_store.py"
        for name in (
            "comings",
            "exposures",
            "internet",
            "night",
            "outbox",
            "reading",
            "schema",
            "writing",
        )
    },
    "reports/__init__.py": "holds a sentence",
}

# Written so that this file does not hold what it looks for.
FORBIDDEN = {
    "a registry's address": re.compile(
        r"(py[p]i|python[h]osted|registry\.npm[j]s|deb\.debia[n])\.org|docke[r]\.io/"
    ),
    "a path of somebody's machine": re.compile(
        r"/(wor[k]/(main|shared)|home/[a-z]\w*/|roo[t]/venv|User[s]/)"
    ),
}


def tracked() -> list[Path]:
    """The files of the repository, as git knows them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def sources() -> list[str]:
    """The Python files of the three packages."""
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def in_english() -> list[str]:
    """The files of sentences, by their English half."""
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*.en.toml"))
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def in_french() -> list[str]:
    """The files of sentences, by their French half."""
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*.fr.toml"))
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def sentences(path: Path) -> dict[str, object]:
    """Every sentence of a file by its key."""
    return flatten(tomllib.loads(path.read_text(encoding="utf-8")))


def fields(sentence: object) -> set[str]:
    """The names a sentence wants filled in."""
    return {name for _, name, _, _ in Formatter().parse(str(sentence)) if name is not None}


def homes(source: str) -> tuple[str, str]:
    """Where its tests may live: for `store/outbox.py`, store/test_outbox.py or test_store_outbox.py."""
    parts = list(Path(source).with_suffix("").parts)
    if parts[-1] == "__init__":
        return (
            f"tests/{'/'.join(parts[:-1])}/test_{parts[-2]}.py",
            f"tests/{'/'.join([*parts[:-2], 'test_'])}{parts[-2]}.py",
        )
    package, *inside = parts
    return f"tests/{'/'.join(parts[:-1])}/test_{parts[-1]}.py", f"tests/{package}/test_{'_'.join(inside)}.py"


@pytest.mark.parametrize("source", [source for source in sources() if source not in WITHOUT_TESTS])
def test_every_source_file_has_a_test_file_of_its_own(source: str) -> None:
    first, second = homes(source)
    missing = f"write {first}, or say in WITHOUT_TESTS why not"
    assert (ROOT / first).is_file() or (ROOT / second).is_file(), missing


def test_no_exception_outlives_its_file() -> None:
    assert set(WITHOUT_TESTS) <= set(sources())


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_tracked_file_names(what: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in tracked()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if FORBIDDEN[what].search(line)
    ]
    assert found == []


def test_every_file_of_sentences_exists_in_both_languages() -> None:
    assert [name.replace(".en.", ".fr.") for name in in_english()] == in_french()


@pytest.mark.parametrize("english", in_english())
def test_both_languages_hold_the_same_sentences_with_the_same_fields(english: str) -> None:
    ours, theirs = sentences(ROOT / english), sentences(ROOT / english.replace(".en.", ".fr."))
    assert ours.keys() == theirs.keys()
    assert {key: fields(ours[key]) for key in ours} == {key: fields(theirs[key]) for key in theirs}


@pytest.mark.parametrize("english", in_english())
def test_no_sentence_is_empty_in_one_language_only(english: str) -> None:
    ours, theirs = sentences(ROOT / english), sentences(ROOT / english.replace(".en.", ".fr."))
    assert [key for key in ours if bool(str(ours[key]).strip()) != bool(str(theirs[key]).strip())] == []
