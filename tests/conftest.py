"""What every test gets: no way out of this machine, and the lab's clinic where it can be built."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.lab.clinic import Clinic
from tests.lab.net import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK = ["127.0.0.0/8", "::1", "localhost"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In-process connections reach loopback only; programs in the lab's namespaces have no way out."""
    for item in items:
        if item.get_closest_marker("allow_hosts") is None:
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test of the lab that cannot run says its name and why; in CI that is a failure."""
    if item.get_closest_marker("lab") is None or (reason := missing()) is None:
        return
    if os.environ.get("CI"):
        pytest.fail(f"{item.nodeid} {reason}", pytrace=False)
    pytest.skip(f"{item.nodeid} {reason}")


@pytest.fixture(scope="session")
def clinic() -> Iterator[Clinic]:
    """The clinic of real servers, shared by all tests that carry the mark `lab`."""
    with Clinic() as running:
        yield running
