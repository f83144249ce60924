"""Who scans, with which netwatch, into whose database? Asked of sudo, the list of users, our own name."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SHARE = Path(".local", "share", "netwatch")  # in a home; as platformdirs has it on Linux


def program() -> Path:
    """The netwatch that was started, as it is installed."""
    typed = Path(sys.argv[0])
    named = (
        typed if typed.stem == "netwatch" and typed.exists() else Path(sys.executable).with_name("netwatch")
    )
    return named.absolute()


def again() -> str:
    """The same command, as root."""
    return shlex.join(["sudo", str(program()), *sys.argv[1:]])


def oneself() -> str:
    """Who we are."""
    if sys.platform == "win32":
        return os.environ.get("USERNAME", "")
    import pwd  # noqa: PLC0415 - not on Windows

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's user without a name
        return str(os.geteuid())


def scanner() -> str:
    """Who scans where nobody is named: we, or who typed sudo."""
    return behind_sudo() or oneself()


def behind_sudo() -> str | None:
    """Who typed sudo."""
    return os.environ.get("SUDO_USER") if sys.platform != "win32" and os.geteuid() == 0 else None


def home(user: str) -> Path | None:
    """Where a user is at home; None where there is no such user."""
    if sys.platform == "win32":
        return Path.home()
    import pwd  # noqa: PLC0415 - not on Windows

    try:
        return Path(pwd.getpwnam(user).pw_dir)
    except KeyError:
        return None


def data(given: Path | None, user: str, usual: Callable[[Path | None], Path]) -> Path:
    """The folder of the database: what was said, else that user's own; `usual` knows ours."""
    own = None if user == oneself() else home(user)
    return own / SHARE if own is not None and given is None else usual(given)
