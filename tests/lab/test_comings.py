"""Is a machine that is plugged in on the second night mailed, once, and a visitor's telephone not? With ARP,
nmap and the installed command.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from netwatch.store import Store
from tests.lab.clinic import Clinic
from tests.lab.hurry import TABLES
from tests.lab.net import GATEWAY, Lab

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.lab

SITE = f"""
name = "Cabinet"
networks = ["10.77.0.0/24"]
recipients = ["dr@cabinet.example"]
[authorisation]
by = "Dr"
role = "titulaire"
until = 2099-01-01
[[ranges]]
name = "guests"
network = "10.77.0.128/25"
expect = "phones"
{TABLES}"""


def test_who_is_plugged_in_on_the_second_night_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(SITE, encoding="utf-8")

    with Lab() as lab:
        clinic = Clinic(lab)

        def night() -> dict[str, str]:
            """Who came and went."""
            ended = clinic.run(["scan", str(path), "--data", str(tmp_path / "data"), "--format", "json"])
            document: dict[str, Any] = json.loads(ended.stdout)
            return {one["address"]: f"{one['kind']}{one['quiet'] * ' quiet'}" for one in document["comings"]}

        lab.host("box", GATEWAY, "00:1b:a9:00:00:01")
        assert night() == {}
        lab.host("printer", "10.77.0.40", "00:1b:a9:00:00:28")
        lab.host("phone", "10.77.0.150", "0a:1b:a9:00:00:96", gateway=GATEWAY)
        server = lab.host("server", "10.77.0.151", "0a:1b:a9:00:00:97", gateway=GATEWAY)
        server.start(["python3", "-m", "http.server", "8080"], root=False, ready_port=8080)
        assert night() == {"10.77.0.40": "new", "10.77.0.151": "new", "10.77.0.150": "new quiet"}
        lab.hosts["printer"].unplug()
        assert night() == {}
    with Store(tmp_path / "data") as store:
        [letter] = store.waiting("cabinet")
    assert letter.subject.startswith("Cabinet: 2 new devices on the network: ")
    assert "10.77.0.150" not in letter.text
