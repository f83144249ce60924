"""What do we remember of the box between two nights? A token, a password it refused, when it said: later.

Files of our own folder, readable by their owner only. A refused password is kept as a salted digest that is
slow to compute: it says whether the password has changed since, and nothing else. The box counts refusals
(the Bbox locks for longer each time): with the same password nobody knocks again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from netwatch.errors import ConfigError, OutsideError, StoreError
from netwatch.model import Reason
from netwatch.secret import private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN, REFUSED, LATER = "freebox.token", "refused.json", "later.json"
LONGEST_REST = timedelta(days=2)


def folder(data: Path, site: str) -> Path:
    """Where it is remembered. `data`: the folder of the database."""
    return data / "box" / site


def token(where: Path) -> str | None:
    """The token of an earlier pairing. Raises ConfigError where the file is not ours alone."""
    path = where / TOKEN
    return private(path) if path.exists() else None


def keep_token(where: Path, text: str) -> None:
    """Keep it. Raises StoreError."""
    _write(where / TOKEN, text)


def refused(where: Path, password: str) -> bool:
    """Did the box refuse this very password?"""
    known = _read(where / REFUSED)
    try:
        salt, digest = bytes.fromhex(str(known["salt"])), bytes.fromhex(str(known["digest"]))
    except (KeyError, ValueError):
        return False
    return hmac.compare_digest(digest, _digest(password, salt))


def keep_refused(where: Path, password: str) -> None:
    """It was refused. Raises StoreError."""
    salt = secrets.token_bytes(16)
    _write(where / REFUSED, json.dumps({"salt": salt.hex(), "digest": _digest(password, salt).hex()}))


@contextmanager
def one_attempt(where: Path, password: str) -> Iterator[None]:
    """Around a login. It is noted as refused before it is tried, so that also one that was interrupted by a
    crash is not tried again and again; any other end than a refusal takes that back.

    Raises OutsideError(CREDENTIALS) where this password was refused before, StoreError where we could not
    remember: then nothing is sent.
    """
    if refused(where, password):
        raise OutsideError("box.password-known", Reason.CREDENTIALS)
    keep_refused(where, password)
    try:
        yield
    except OutsideError as error:
        if error.reason != Reason.CREDENTIALS:
            _drop(where / REFUSED)
        raise
    except BaseException:
        _drop(where / REFUSED)
        raise
    else:
        _drop(where / REFUSED)


def resting(where: Path, now: datetime | None = None) -> datetime | None:
    """Until when the box is left alone; None: it may be asked."""
    known = _read(where / LATER)
    now = now or datetime.now(UTC)
    try:
        until = datetime.fromisoformat(str(known["until"]))
        return until if now < until <= now + LONGEST_REST else None
    except (KeyError, ValueError, TypeError):
        return None


def rest(where: Path, hours: int) -> None:
    """Leave it alone for so long. Raises StoreError."""
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=hours)
    _write(where / LATER, json.dumps({"until": until.isoformat()}))


def forget(where: Path, *, also_token: bool = False) -> None:
    """A person has put it right: it may be asked again."""
    for name in (REFUSED, LATER, *((TOKEN,) if also_token else ())):
        _drop(where / name)


def _drop(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)


def _read(path: Path) -> dict[str, object]:
    """What a file of ours says; nothing where it is not there, or damaged."""
    if not path.exists():
        return {}
    try:
        known = json.loads(private(path))
    except (ConfigError, ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}


def _write(path: Path, text: str) -> None:
    """The whole file or the one from before; nobody else can read either."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(text)
        draft.replace(path)
    except OSError as error:
        _drop(draft)
        raise StoreError("store.cannot-write", path=path, why=error.strerror) from error
