"""Does the race count what it says, and only that?"""

from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO
from typing import TYPE_CHECKING, cast

import pytest
from rich.console import Console
from rich.table import Table

from tests.lab import race
from tests.lab.net import Lab
from tests.lab.race import Contender, Cost, Lap, answered_netwatch, answered_nmap
from tests.lab.ward import BEDS, Ward

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.clinic import Clinic

NMAP = """<nmaprun><host><address addr="02:77:00:00:00:0a" addrtype="mac"/>
<address addr="10.77.0.10" addrtype="ipv4"/><ports>
<port protocol="tcp" portid="104"><state state="open"/><service name="acr-nema" method="table"/>
  <script id="dicom-ping" output="&#xa;  dicom: DICOM Service Provider discovered!"/></port>
<port protocol="tcp" portid="4242"><state state="open"/><service name="dicom" method="probed"/></port>
<port protocol="tcp" portid="11112"><state state="open"/><service name="dicom" method="table"/></port>
<port protocol="tcp" portid="2762"><state state="open"/><script id="dicom-ping" output=""/></port>
<port protocol="tcp" portid="80"><state state="open"/><service name="http" method="probed"/>
  <script id="http-title" output="DICOM Service Provider"/></port>
</ports></host><host><address addr="10.77.0.11" addrtype="ipv4"/></host></nmaprun>"""


def test_nmap_knows_dicom_by_a_script_or_by_version_detection_and_not_by_its_port_table(
    tmp_path: Path,
) -> None:
    (tmp_path / "nmap.xml").write_text(NMAP)
    assert answered_nmap("", tmp_path) == {("10.77.0.10", 104), ("10.77.0.10", 4242)}


def service(port: int, protocol: str = "dicom", origin: str | None = "answer") -> dict[str, object]:
    facts = {} if origin is None else {"protocol_from": origin}
    return {"address": "10.77.0.10", "port": port, "protocol": protocol, "facts": facts}


def test_netwatch_knows_dicom_by_an_answer_and_not_by_the_port(tmp_path: Path) -> None:
    services = [service(104), service(4242, origin="port"), service(80, "http"), service(11112, origin=None)]
    assert answered_netwatch(json.dumps({"services": services}), tmp_path) == {("10.77.0.10", 104)}


@pytest.mark.parametrize(("sent", "seconds"), [(1, len(race.PORTS) / 10), (1_000_000, 1000.0)])
def test_the_floor_is_the_slower_of_one_device_and_of_all(sent: int, seconds: float) -> None:
    assert race.floor(len(race.PORTS), sent) == seconds


BURN = """
import subprocess, sys, time
def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
if sys.argv[1:]:
    held = bytearray(60_000_000)
    burn(0.3)
else:
    burn(0.2)
    subprocess.run([sys.executable, "-c", sys.argv[0] and open(sys.argv[0]).read(), "child"], check=True)
    sys.exit(4)
"""


def test_the_meter_counts_the_whole_tree_and_passes_the_exit_code_on(tmp_path: Path) -> None:
    (tmp_path / "burn.py").write_text(BURN)
    weight = bytearray(200_000_000)  # the meter must not inherit what we hold
    argv = [sys.executable, "-I", "-S", "-c", race.METER, str(tmp_path / "used"), sys.executable]
    ended = subprocess.run([*argv, str(tmp_path / "burn.py")], check=False)
    del weight
    cost = Cost(**json.loads((tmp_path / "used").read_text()))
    assert ended.returncode == 4
    assert 0.5 <= cost.cpu < 3
    assert cost.seconds >= 0.5
    assert 60 < cost.peak < 150


def told(*laps: Lap) -> str:
    """What is printed."""
    out = StringIO()
    console = Console(file=out, width=110)
    for part in race.result(list(laps)):
        console.print(part, highlight=False, soft_wrap=not isinstance(part, Table))
    return out.getvalue()


def test_the_table_names_everyone_and_the_verdict_its_floor() -> None:
    floor = len(race.PORTS) / 10
    gentle = Lap(
        "netwatch",
        Cost(floor * 1.25, 2.5, 60.4),
        900,
        300,
        5,
        10,
        (),
        len(race.DICOM),
        len(race.PORTS),
        paced=True,
    )
    hurried = Lap(
        "nmap",
        Cost(9, 40, 200),
        90_000,
        7000,
        600,
        1500,
        ("modality 10.77.0.40:104: crowd",),
        1,
        len(race.PORTS),
        paced=False,
    )
    text = told(gentle, hurried)
    assert ["nmap", "9.0", "7000", "600", "1500", "1", f"1/{len(race.DICOM)}", "40.0", "200"] in [
        row.split() for row in text.splitlines()
    ]
    assert "1.25 times, aim within 1.25: met" in text
    assert "hurt by nmap: modality 10.77.0.40:104: crowd" in text
    assert "MISSED" in told(
        Lap("netwatch", Cost(floor * 1.3, 2, 60), 900, 300, 5, 10, (), 9, len(race.PORTS), paced=True),
        hurried,
    )


def test_every_contender_asks_the_same_ports_of_the_same_network(tmp_path: Path) -> None:
    assert len(race.CONTENDERS) == 5
    for contender in race.CONTENDERS[3:]:
        argv = contender.command(cast("Clinic", None), tmp_path)  # nmap needs to know nothing of it
        assert argv[argv.index("-p") + 1].split(",") == [str(port) for port in race.PORTS]
        assert argv[-1] == "10.77.0.0/24"


@pytest.mark.lab
def test_a_lap_counts_what_was_sent_and_who_was_hurt(tmp_path: Path) -> None:
    with Lab() as lab:
        place = cast("Clinic", Place(lab))
        ward = Ward(lab, BEDS)
        knocks = Contender("knocks", three_knocks, lambda *_: {("10.77.0.40", 104), ("10.77.0.99", 1)})
        for number in range(2):  # the second finds the modality alive again
            lap = race.lap(knocks, place, ward, tmp_path / str(number))
            assert lap.connections == 3
            assert 6 <= lap.rate <= lap.packets <= lap.sent
            assert lap.hurt == ("modality 10.77.0.40:104: 3 connections at once",)
            assert lap.identified == 1
            assert lap.cost.seconds > 0.3
        failing = Contender("failing", lambda *_: [sys.executable, "-c", "exit('no')"], lambda *_: set())
        with pytest.raises(RuntimeError, match="failing ended with 1: no"):
            race.lap(failing, place, ward, tmp_path / "failing")


class Place:
    """As much of a clinic as a lap needs."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab


def three_knocks(_: Clinic, _folder: Path) -> list[str]:
    """Three connections at once to the modality, once to be counted."""
    script = (
        "import socket, time\n"
        "held = [socket.create_connection(('10.77.0.40', 104), timeout=5) for _ in range(3)]\n"
        "time.sleep(0.3)"
    )
    return [sys.executable, "-c", script]
