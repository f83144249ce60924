"""What does a real Orthanc tell a stranger of its patients, open and locked? And what was it asked?

Orthanc 1.10.1 of Debian 12. The open one holds one invented study.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab import canary
from tests.lab.clinic import Clinic
from tests.lab.net import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.lab

OPEN, LOCKED, USUAL = "10.77.0.90", "10.77.0.91", "10.77.0.92"
SETTINGS: dict[str, dict[str, object]] = {
    OPEN: {"RemoteAccessAllowed": True, "AuthenticationEnabled": False, "Name": canary.STORED[0]},
    LOCKED: {
        "RemoteAccessAllowed": True,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {"cabinet": "not-a-secret"},
    },
    USUAL: {},  # as the package comes
}
# Asked as a public port would be: by all manners. A device that spoke DICOM is not asked this (classes.toml).
ASK = """
import json, sys
from datetime import date
from ipaddress import IPv4Network
from netwatch.classes import table
from netwatch.egress import Egress
from netwatch.model import Target
from netwatch.scope import Scope
from probes.orthanc import PROBE
told = {}
for address in sys.argv[1:]:
    egress = Egress(Scope((IPv4Network(f"{address}/32"),), until=date.max))
    egress.classed(address, table()["computer"])
    probe = PROBE()
    target = Target("d", address, (8042,))
    seen = [one for port in probe.wants(target) for one in probe.observe(
        target, port, egress.asking(probe.name, probe.manner)
    )]
    rules = [finding.rule for one in seen for finding in probe.judge(one)]
    told[address] = {"facts": seen[0].facts, "rules": rules, "audit": egress.audit.about(address)}
    egress.close()
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Any], str, str]]:
    """What each of the three told; what we sent; and all that came out of us."""
    packets: Path = tmp_path_factory.mktemp("orthanc") / "packets.pcap"
    with Lab() as lab:
        place = Clinic(lab)
        for address, settings in SETTINGS.items():
            last = address.rpartition(".")[2]
            place._orthanc(lab.host(f"orthanc-{last}", address, f"02:77:00:00:00:{last}"), settings)
        study = lab.scratch / "canary.dcm"
        canary.write(study)
        assert place.ask("storescu", OPEN, 4242, file=study).returncode == 0
        with lab.capture(packets):
            done = lab.run([sys.executable, "-c", ASK, *SETTINGS])
        assert done.returncode == 0, done.stderr
        shown = ["tcpdump", "-nn", "-q", "-A", "-r", str(packets), "src host 10.77.0.2"]
        sent = subprocess.run(shown, capture_output=True, text=True, check=True, errors="replace").stdout
        packets.unlink()
        yield json.loads(done.stdout), sent, done.stdout + done.stderr


def test_an_open_one_says_that_it_counts_one_patient(told: tuple[dict[str, Any], str, str]) -> None:
    assert told[0][OPEN]["facts"] == {
        "product": "Orthanc",
        "version": "1.10.1",
        "authentication": "none",
        "tls": False,
        "patients": 1,
        "studies": 1,
        "series": 1,
        "instances": 1,
    }
    assert told[0][OPEN]["rules"] == ["orthanc-open"]


@pytest.mark.parametrize("address", [LOCKED, USUAL])
def test_one_with_a_password_tells_nothing(told: tuple[dict[str, Any], str, str], address: str) -> None:
    facts = {"product": "Orthanc", "version": None, "authentication": "password", "tls": False}
    assert told[0][address]["facts"] == facts
    assert told[0][address]["rules"] == []


def test_two_pages_were_asked_for_without_a_name_and_without_a_password(
    told: tuple[dict[str, Any], str, str],
) -> None:
    asked = re.findall(r"(GET|HEAD|POST|PUT|DELETE) (/\S*) HTTP/1", told[1])
    assert asked == [("GET", "/system"), ("GET", "/statistics"), ("GET", "/system"), ("GET", "/system")]
    assert not re.search(r"(?im)^(?:cookie|authorization):", told[1])


def test_no_patient_is_in_anything_that_we_say(told: tuple[dict[str, Any], str, str]) -> None:
    assert [one for one in canary.CANARIES if one in told[2]] == []
