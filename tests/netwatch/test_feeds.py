"""Does the package hand out what a scan and a command need, and does it cost a scan little?"""

from __future__ import annotations

import subprocess
import sys

import netwatch.feeds


def test_all_its_names_are_there() -> None:
    assert all(hasattr(netwatch.feeds, name) for name in netwatch.feeds.__all__)


def test_who_only_loads_does_not_wait_for_the_libraries_of_the_network() -> None:
    slow = "httpx", "requests", "ssl"
    code = f"import sys, netwatch.feeds; print([one for one in {slow} if one in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
