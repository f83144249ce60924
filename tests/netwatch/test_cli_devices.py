"""Does `netwatch devices` keep a person's word, show who is one, and undo it, in both languages?"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from netwatch.cli import main
from netwatch.diff import Night
from netwatch.exits import Exit
from netwatch.model import Coverage, Device, Outcome, Run, Vantage
from netwatch.sayings import Saying, What
from netwatch.store import Store

if TYPE_CHECKING:
    from pathlib import Path

FIRST = datetime(2026, 11, 1, 22, tzinfo=UTC)
CABLE = Device("m-001132aabb01", "192.168.1.20", "00:11:32:aa:bb:01", names=("brn01",), kind="printer")
WIFI = Device("m-001132aabb02", "192.168.1.77", "00:11:32:aa:bb:02", names=("brn01",))
OTHER = Device("m-001132aabb03", "192.168.1.30", "00:11:32:aa:bb:03", kind="medical")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with Store(tmp_path) as store:
        store.remember("cabinet", "Cabinet", "fr")
        night(store, 0)
    return tmp_path


def night(store: Store, number: int, *devices: Device) -> None:
    at = FIRST + timedelta(days=number)
    rows = (Coverage("discovery", Vantage.LAN, "192.168.1.0/24", None, (), Outcome.ANSWERED),)
    run = Run(
        f"run-{number}", "cabinet", at, at, complete=True, vantages=(Vantage.LAN,),
        devices=devices or (CABLE, WIFI, OTHER), coverage=rows,
    )  # fmt: skip
    store.record(run, Night({}, ()), ())


def run(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["devices", *arguments, "--data", str(data), "--lang", "en"])


def listed(data: Path) -> dict[str, dict[str, object]]:
    told = json.loads(run(data, "cabinet", "--format", "json").stdout)
    return {one["id"]: one for one in told["devices"]}


def test_a_name_holds_whatever_the_device_calls_itself(data: Path) -> None:
    assert run(data, "name", "cabinet", "192.168.1.20", " Copieur  accueil ").exit_code == Exit.CLEAN
    with Store(data) as store:
        night(store, 1, Device(CABLE.id, CABLE.address, CABLE.mac, names=("brn02",)), WIFI, OTHER)
    one = listed(data)[CABLE.id]
    assert (one["given"], one["names"]) == ("Copieur accueil", ["Copieur accueil", "brn02"])
    assert "Copieur accueil" in run(data, "cabinet").stdout
    assert "Copieur accueil" in run(data, "list", "cabinet", "--format", "csv").stdout


def test_another_name_takes_its_place_and_the_word_can_be_taken_back(data: Path) -> None:
    run(data, "name", "cabinet", CABLE.id, "Un")
    run(data, "name", "cabinet", "Un", "Deux")
    assert listed(data)[CABLE.id]["given"] == "Deux"
    assert "again" in run(data, "name", "cabinet", "deux", "--forget").output
    assert listed(data)[CABLE.id]["given"] is None
    ever = json.loads(run(data, "history", "cabinet", "--format", "json").stdout)
    assert [(one["value"], one["by"], one["ended_by"]) for one in ever] == [
        ("Un", "user", "user"),
        ("Deux", "user", "user"),
    ]
    assert "nothing to do" in run(data, "name", "cabinet", CABLE.id, "--forget").output


def test_a_kind_is_the_users_and_shows_what_was_heard_beside_it(data: Path) -> None:
    assert run(data, "kind", "cabinet", "192.168.1.30", "workstation").exit_code == Exit.CLEAN
    told = listed(data)[OTHER.id]
    assert told["profile"] == {"kind": "workstation", "kind_by": "user", "confidence": "certain"}
    assert told["kind"] == "medical", "what its answers say is still known"
    with Store(data) as store:
        [device] = [one for one in store.devices("cabinet") if one.id == OTHER.id]
    assert device.given_kind == "workstation"
    run(data, "kind", "cabinet", "192.168.1.30", "--forget")
    assert listed(data)[OTHER.id]["profile"] == {}


def test_a_merge_is_one_device_and_a_split_undoes_it_for_ever(data: Path) -> None:
    assert run(data, "merge", "cabinet", "192.168.1.20", "192.168.1.77").exit_code == Exit.CLEAN
    assert listed(data)[WIFI.id]["part_of"] == CABLE.id
    csv = run(data, "cabinet", "--format", "csv").stdout.splitlines()
    assert len(csv) == 1 + 2
    assert "already" in run(data, "merge", "cabinet", "192.168.1.77", "192.168.1.20").output
    assert run(data, "split", "cabinet", "192.168.1.77").exit_code == Exit.CLEAN
    assert listed(data)[WIFI.id]["part_of"] is None
    with Store(data) as store:
        assert store.said("cabinet").apart(CABLE.id, WIFI.id)
    run(data, "merge", "cabinet", "192.168.1.20", "192.168.1.77")
    with Store(data) as store:
        assert not store.said("cabinet").apart(CABLE.id, WIFI.id), "the last word counts"
    history = run(data, "history", "cabinet").stdout
    assert "no longer since" in history
    assert "is not" in history


def test_the_lead_alone_is_enough_to_split_where_there_is_one_other_card(data: Path) -> None:
    run(data, "merge", "cabinet", "192.168.1.20", "192.168.1.77")
    assert run(data, "split", "cabinet", "192.168.1.20").exit_code == Exit.CLEAN
    assert listed(data)[WIFI.id]["part_of"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("name", "cabinet", "192.168.1.99", "X"), "no device 192.168.1.99"),
        (("name", "nowhere", "192.168.1.20", "X"), "no scan of"),
        (("name", "cabinet", "192.168.1.20"), "which name"),
        (("name", "cabinet", "192.168.1.20", "\x00"), "which name"),
        (("name", "cabinet", "brn01", "X"), "any of these"),
        (("kind", "cabinet", "192.168.1.20"), "say what it is"),
        (("split", "cabinet", "192.168.1.20"), "nothing to split"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_kept(
    data: Path, arguments: tuple[str, ...], said: str
) -> None:
    result = run(data, *arguments)
    assert result.exit_code == Exit.ERROR
    assert said in result.stderr
    assert json.loads(run(data, "history", "cabinet", "--format", "json").stdout) == []


def test_several_cards_have_to_be_named(data: Path) -> None:
    run(data, "merge", "cabinet", "192.168.1.20", "192.168.1.77", "192.168.1.30")
    result = run(data, "split", "cabinet", "192.168.1.20")
    assert result.exit_code == Exit.ERROR
    assert WIFI.id in result.stderr
    assert OTHER.id in result.stderr


def test_what_was_found_by_itself_is_told_with_its_mark(data: Path) -> None:
    with Store(data) as store:
        store.say("cabinet", [Saying(WIFI.id, What.SAME, CABLE.id, "device-uuid", FIRST)])
    assert "the same identifier" in run(data, "history", "cabinet").stdout
    french = CliRunner().invoke(main, ["devices", "history", "cabinet", "--data", str(data), "--lang", "fr"])
    assert "même identifiant" in french.stdout


def test_release_is_of_all_cards(data: Path) -> None:
    with Store(data) as store:
        night(store, 1, Device(CABLE.id, CABLE.address, CABLE.mac, left_alone="2026-11-24T02:00:00Z"), WIFI)
        store.say("cabinet", [Saying(WIFI.id, What.SAME, CABLE.id, "user", FIRST)])
        assert {one.id: bool(one.left_alone) for one in store.devices("cabinet")} == {
            CABLE.id: True, WIFI.id: True, OTHER.id: False,
        }  # fmt: skip
    result = CliRunner().invoke(main, ["release", "cabinet", "192.168.1.77", "--data", str(data)])
    assert result.exit_code == Exit.CLEAN
    with Store(data) as store:
        assert not any(one.left_alone for one in store.devices("cabinet"))


def test_the_language_is_the_site_s_and_history_tells_which_card(data: Path) -> None:
    def french(*arguments: str) -> str:
        return CliRunner().invoke(main, ["devices", *arguments, "--data", str(data)]).output

    assert "désormais" in french("name", "cabinet", "192.168.1.20", "Copieur")
    assert "est désormais" in french("merge", "cabinet", "Copieur", "192.168.1.77")
    assert "192.168.1.77 (00:11:32:aa:bb:02)" in french("history", "cabinet")
    assert french("split", "cabinet", "192.168.1.77").startswith("192.168.1.77 ")
    assert "Copieur est Copieur" not in french("history", "cabinet")


@pytest.mark.parametrize("what", [("history", "cabinat"), ("name", "cabinat", "192.168.1.20", "Un")])
def test_a_site_that_nobody_scanned_is_told_and_not_a_device_of_it(data: Path, what: tuple[str, ...]) -> None:
    result = run(data, *what)
    assert result.exit_code == Exit.ERROR
    assert "cabinat" in result.output
    assert "cabinet" in result.output
