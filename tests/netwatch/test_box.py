"""Does every box answer through one interface, and only where its owner gave the means?"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, TypeVar

import pytest

from netwatch.audit import Audit
from netwatch.box import MANNER, ask, memory, read
from netwatch.box.talk import Door
from netwatch.classes import table
from netwatch.egress import Egress
from netwatch.internet import BoxSettings
from netwatch.model import Reason, Target
from netwatch.scope import Scope
from tests.lab.boxes import Bbox, Box, Freebox, Livebox, served
from tests.lab.hurry import FAST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netwatch.model import Observation
    from netwatch.way import Way

B = TypeVar("B", bound=Box)


@contextmanager
def way_to(box: Box, *, longest: float | None = None, log: Path | None = None) -> Iterator[Way]:
    """The egress, as a night has it: the box is of the class `box`, and nothing else is in scope."""
    egress = Egress(Scope((IPv4Network(f"{box.address}/32"),), until=date.max), FAST, Audit(log))
    egress.classed(box.address, table()["box"])
    try:
        yield egress.asking("box", MANNER, longest=longest)
    finally:
        egress.close()


def door(box: Box, *, tls: bool = False) -> tuple[Door, ...]:
    """Where it listens."""
    return (Door(box.port, tls=tls),)


def only(seen: list[Observation], protocol: str) -> list[Observation]:
    """Those of one protocol."""
    return [one for one in seen if one.protocol == protocol]


def told(box: Box, kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, list[str]]:
    """(how many statements, reasons of failures)."""
    monkeypatch.delenv("NETWATCH_BOX_PASSWORD", raising=False)
    with served(box), way_to(box) as way:
        settings = BoxSettings.model_validate({"kind": kind})
        seen, failures = read(settings, way, Target("d1", box.address, ()), folder, doors=door(box))
    return len(seen), [failure.reason for failure in failures]


@pytest.mark.parametrize(("box", "kind"), [(Livebox(), "livebox"), (Bbox(), "bbox"), (Freebox(), "freebox")])
def test_without_a_credential_no_box_is_asked_anything(
    box: Box, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told(box, kind, tmp_path, monkeypatch) == (0, [Reason.CREDENTIALS])
    assert box.questions == []


@pytest.mark.parametrize("kind", ["freebox", "livebox", "bbox"])
def test_a_failure_says_whose_and_of_which_device(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NETWATCH_BOX_PASSWORD", raising=False)
    with served(Freebox()) as box, way_to(box) as way:
        settings = BoxSettings.model_validate({"kind": kind})
        _, [failure] = read(settings, way, Target("d7", box.address, ()), tmp_path)
    assert (failure.probe, failure.vantage, failure.device, failure.port) == (kind, "box", "d7", None)


def test_a_password_file_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("secret", encoding="utf-8")
    file.chmod(0o644)
    settings = BoxSettings.model_validate({"kind": "bbox", "password_file": str(file), "password_env": None})
    with served(Bbox()) as box, way_to(box) as way:
        telling = ask(settings, way, Target("d1", box.address, ()), tmp_path / "box", doors=door(box))
    assert [error.message for error in telling.troubles] == ["config.password-mode"]
    assert box.questions == []


def test_what_is_remembered_of_a_box_lies_beside_the_database(tmp_path: Path) -> None:
    assert memory.folder(tmp_path, "cabinet") == tmp_path / "box" / "cabinet"


@contextmanager
def around(box: B) -> Iterator[tuple[Way, B, tuple[Door, ...]]]:
    """(a way to it, the box, its doors): for fuzzing."""
    with served(box), way_to(box) as way:
        yield way, box, door(box)
