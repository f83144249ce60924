"""Where does a secret come from? One order of three places, and never from what others may read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from netwatch.errors import ConfigError
from netwatch.secret import LARGEST, private, secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VARIABLE = "NETWATCH_TEST_SECRET"


@pytest.fixture(autouse=True)
def _nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def write(content: bytes, mode: int = 0o600, name: str = "secret") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)
        return path

    return write


def refusal(ask: Callable[[], object]) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        ask()
    assert "hunter2" not in str(caught.value) + repr(caught.value)
    return caught.value


def test_the_environment_comes_first_then_the_credential_then_the_file(
    file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = file(b"from the file")
    folder = file(b"from systemd", name="given/box").parent
    assert secret(VARIABLE, "box", own) == "from the file"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    assert secret(VARIABLE, "box", own) == "from systemd"
    monkeypatch.setenv(VARIABLE, "from the environment")
    assert secret(VARIABLE, "box", own) == "from the environment"
    monkeypatch.setenv(VARIABLE, "")
    assert secret(VARIABLE, "box", own) == "from systemd"


def test_a_variable_that_was_not_named_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "hunter2")
    assert secret(None, None, None) is None


def test_where_nothing_is_to_be_had_nothing_is_told_but_a_named_credential_must_be_there(
    file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert secret(VARIABLE, None, None) is None
    error = refusal(lambda: secret(VARIABLE, "box", None))
    assert (error.message, error.details["name"]) == ("config.no-credentials", "box")
    own = file(b"from the file")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(own.parent))
    assert refusal(lambda: secret(VARIABLE, "box", own)).message == "config.password-unreadable"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o644])
def test_a_file_that_others_may_touch_is_refused_with_the_command_that_protects_it(
    file: Callable[..., Path], mode: int
) -> None:
    path = file(b"hunter2", mode, "a secret")
    error = refusal(lambda: private(path))
    assert (error.message, error.details["command"]) == ("config.password-mode", f"chmod 600 '{path}'")
    assert private(path, guarded=True) == "hunter2"


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_file_of_its_owner_alone_is_read(file: Callable[..., Path], mode: int) -> None:
    assert private(file(b"hunter2", mode)) == "hunter2"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file to somebody else")
def test_a_file_of_somebody_else_is_refused(
    file: Callable[..., Path],
) -> None:
    path = file(b"hunter2")
    os.chown(path, 54_321, -1)
    assert refusal(lambda: private(path)).message == "config.password-owner"
    assert private(path, guarded=True) == "hunter2"


@pytest.mark.parametrize(
    ("content", "read"),
    [
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b"hunter2\n\n", "hunter2\n"),
        (b" hunter2 ", " hunter2 "),
        ("clé".encode(), "clé"),
        (b"x" * LARGEST, "x" * LARGEST),
    ],
)
def test_one_line_end_is_no_part_of_it_and_all_the_rest_is(
    file: Callable[..., Path], content: bytes, read: str
) -> None:
    assert private(file(content)) == read


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (b"\r\n", "empty"),
        (b"x" * (LARGEST + 1), "empty"),
        (b"hunter2\xff", "unreadable"),
    ],
)
def test_what_is_no_secret_is_refused(file: Callable[..., Path], content: bytes, sentence: str) -> None:
    assert refusal(lambda: private(file(content))).message == f"config.password-{sentence}"


def test_what_is_no_ordinary_file_is_refused_and_a_pipe_hangs_nobody(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    assert refusal(lambda: private(pipe)).message == "config.password-not-file"
    assert refusal(lambda: private(tmp_path / "nowhere")).message == "config.password-unreadable"
    # A folder cannot be opened as a file, which is told before what it is.
    assert refusal(lambda: private(tmp_path)).message in {
        "config.password-not-file",
        "config.password-unreadable",
    }
