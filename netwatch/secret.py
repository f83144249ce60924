"""Where does a secret come from? The environment, a systemd credential, a private file; never the site file.

Where it stops: what is read is handed over and not kept; nothing here prints or logs.
"""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

from netwatch.errors import ConfigError

LARGEST = 4096  # bytes


def secret(variable: str | None, credential: str | None, file: Path | None) -> str | None:
    """From the environment, a systemd credential or a private file, in this order; None without any.

    Raises ConfigError where one is named and cannot be had.
    """
    if variable and (found := os.environ.get(variable)):
        return found
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if credential and folder:
        # systemd guards it with an access list, which its mode bits do not tell.
        return private(Path(folder, credential), guarded=True)
    if file:
        return private(file)
    if credential:
        raise ConfigError("config.no-credentials", name=credential)
    return None


def private(path: Path, *, guarded: bool = False) -> str:
    """What a file says that nobody else may read, less one line end."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # a pipe must not hang us
            kind = os.fstat(file.fileno())
            if not stat.S_ISREG(kind.st_mode):
                raise ConfigError("config.password-not-file", path=path)
            if not guarded and kind.st_uid not in {0, os.geteuid()}:
                raise ConfigError("config.password-owner", path=path)
            if not guarded and kind.st_mode & 0o077:
                command = f"chmod 600 {shlex.quote(str(path))}"
                raise ConfigError("config.password-mode", path=path, command=command)
            text = file.read(LARGEST + 1).decode()
    except (OSError, ValueError):
        raise ConfigError("config.password-unreadable", path=path) from None
    password = text.removesuffix("\n").removesuffix("\r")
    if not password or len(text) > LARGEST:
        raise ConfigError("config.password-empty", path=path)
    return password
