"""How is a file written whole or not at all, readable by its owner only?

Beside its place first, then moved there: who is killed in the middle, or whose disk is full, leaves what was
there before. Raises StoreError.
"""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from netwatch.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def whole(target: Path, *, force: bool) -> Iterator[Path]:
    """An empty file to write to, which becomes `target` at the end. Without `force` nothing is replaced."""
    if not force and os.path.lexists(target):
        raise StoreError("store.file-exists", path=target)
    draft = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            yield draft
            with draft.open("rb") as written:
                os.fsync(written.fileno())
            draft.replace(target)
        except BaseException:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError("store.file-not-written", path=target, why=error.strerror or error) from error
