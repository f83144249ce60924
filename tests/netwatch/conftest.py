"""Who is never asked by a test of the engine: everybody on this machine's own network."""

from __future__ import annotations

import pytest

from netwatch import naming
from netwatch.calling import Called


@pytest.fixture(autouse=True)
def nobody_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """The roll call of a night is heard by nobody; calling.py itself is tested on 127.x."""
    monkeypatch.setattr(naming, "call", lambda *_, **__: Called({}))
