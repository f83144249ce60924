"""What is nmap let at? Computers and boxes, at harmless ports alone; and whatever it prints is survived."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

import pytest

from netwatch import liveness
from netwatch.classes import table
from netwatch.detect import NEVER, Detection
from netwatch.egress import DETECT, Egress
from netwatch.halt import FELL_SILENT, STOPPED, Halt
from netwatch.knocking import States
from netwatch.model import Device, Outcome, PortState, Reason, Target
from netwatch.ports import curated
from netwatch.recognise import recognise
from netwatch.recognised import Confidence
from netwatch.scope import Scope
from netwatch.sweep import Sweep, run
from netwatch.tonight import Tonight
from netwatch.visit import Visit
from tests.lab.hurry import FAST
from tests.lab.peers import Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netwatch.model import Observation
    from netwatch.nmapxml import Reading

HERE, OPEN, CLOSED = "127.87.0.1", 8090, 8091
KINDS = {name: min(one.kinds) for name, one in table().items()}

HOST = """<?xml version="1.0" encoding="UTF-8"?><nmaprun><host {late}><status state="up"/>
<address addr="127.87.0.1" addrtype="ipv4"/><ports>{ports}</ports>{system}</host>
<runstats><finished exit="success"/></runstats></nmaprun>"""
SERVICE = """<port protocol="tcp" portid="{port}"><state state="open"/><service name="ssh" product="{product}"
version="9.2p1 Debian 2" extrainfo="Jean Dupont" hostname="pc-dupont" servicefp="SF-Port" method="probed">
<cpe>cpe:/a:openbsd:openssh:9.2p1</cpe></service></port>"""
SYSTEM = """<os><osmatch name="Linux 5.3 - 5.4" accuracy="96"><osclass type="general purpose" vendor="Linux"
osfamily="Linux" accuracy="96"><cpe>cpe:/o:linux:linux_kernel:5</cpe></osclass></osmatch></os>"""


def answer(product: str = "OpenSSH", *, late: str = "", system: str = SYSTEM) -> str:
    ports = "".join(SERVICE.format(port=port, product=product) for port in (OPEN, CLOSED))
    return HOST.format(late=late, ports=ports, system=system)


@dataclass(frozen=True)
class Nmap:
    """An nmap of our own, which writes down how it was called."""

    folder: Path

    @property
    def path(self) -> str:
        return str(self.folder / "nmap")

    def does(self, script: str) -> Nmap:
        log = self.folder / "calls"
        (self.folder / "nmap").write_text(
            f"#!{sys.executable}\nimport os, sys, time\n"
            "if '-V' in sys.argv:\n    sys.exit(print('Nmap version 7.93 ( https://nmap.org )'))\n"
            f"with open({str(log)!r}, 'a') as calls: calls.write(' '.join(sys.argv[1:]) + chr(10))\n"
            f"{script}\n",
            encoding="utf-8",
        )
        (self.folder / "nmap").chmod(0o700)
        return self

    def says(self, text: str) -> Nmap:
        return self.does(f"sys.stdout.write({text!r})")

    @property
    def calls(self) -> list[str]:
        log = self.folder / "calls"
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []

    def asked(self) -> set[int]:
        """Every port that it was let at."""
        return {int(p) for call in self.calls for p in call.partition(" -p ")[2].split(" ")[0].split(",")}


@pytest.fixture(autouse=True)
def _as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netwatch.sweep.may_send_raw", lambda _: True)
    monkeypatch.setattr(liveness, "LOOKS", (0.0, 0.05))


@pytest.fixture
def nmap(tmp_path: Path) -> Nmap:
    return Nmap(tmp_path).says(answer())


@contextmanager
def visiting(kind: str = "computer", *ports: int, **scope: frozenset[int]) -> Iterator[Visit]:
    """A visit that has found these ports open, and one closed."""
    bounds = Scope((IPv4Network(f"{HERE}/32"),), until=date.max, **scope)  # type: ignore[arg-type]
    halt = Halt()
    egress = Egress(bounds, FAST, stop=halt.asked)
    found = States([*((port, PortState.OPEN) for port in ports or (OPEN,)), (CLOSED, PortState.CLOSED)])
    one = Visit(Device("d", HERE, mac="00:11:32:aa:bb:cc", kind=kind), egress, Tonight(bounds), (), halt)
    one.states = found
    egress.classed(HERE, one.is_a)
    try:
        yield one
    finally:
        egress.close()


def detect(one: Visit, nmap: str | None) -> Sweep:
    sweep = Sweep(one.egress, map, nmap)
    Detection(sweep, one.tonight, (one,), one.halt).run(lambda *_: None)
    return sweep


def covered(one: Visit) -> dict[Outcome, tuple[int, ...]]:
    return {row.outcome: row.ports for row in one.coverage if row.probe == DETECT}


@contextmanager
def alive(*ports: int) -> Iterator[list[Peer]]:
    """Something that listens there."""
    peers = [Peer(Talk.hold, HERE, port) for port in ports]
    try:
        yield [peer.__enter__() for peer in peers]
    finally:
        for peer in peers:
            peer.__exit__(None, None, None)


# ------------------------------------------------------------------------------------------- who is asked


@pytest.mark.parametrize("name", [name for name in KINDS if name != "internet"])
def test_only_computers_and_boxes_are_asked_and_all_others_are_spared(nmap: Nmap, name: str) -> None:
    with alive(OPEN), visiting(KINDS[name]) as one:
        assert one.is_a.name == name
        detect(one, nmap.path)
        if name in {"computer", "box"}:
            assert [call.split()[2] for call in nmap.calls] == [HERE] * 2
            assert {seen.port for seen in one.observations} == {OPEN, 0}
        else:
            assert nmap.calls == []
            assert covered(one) == {Outcome.SPARED: (OPEN,)}


def test_a_medical_device_that_was_declared_one_is_not_asked_whatever_it_looks_like(nmap: Nmap) -> None:
    with alive(OPEN), visiting() as one:
        one.tonight = replace(one.tonight, declared={HERE: "medical"})
        detect(one, nmap.path)
        assert nmap.calls == []


def test_where_images_data_or_paper_may_come_out_nothing_is_asked(nmap: Nmap) -> None:
    """And where a line is a login. By the number, by what the port was heard to speak, by the site file."""
    numbers = [port.number for port in curated().values() if port.protocol in NEVER]
    assert {9100, 515, 104, 2575, 5432, 3306, 6379, 23} <= set(numbers)
    with visiting("computer", *numbers) as one:
        detect(one, nmap.path)
        assert nmap.calls == []
    with alive(OPEN), visiting("computer", OPEN, 9101, 9999) as one:
        one.observations.append(told(one, "redis"))
        detect(one, nmap.path)
        assert nmap.calls == []
    with alive(OPEN), visiting() as one:
        one.tonight = replace(one.tonight, clear={"d": frozenset({OPEN})})
        detect(one, nmap.path)
        assert nmap.calls == []
    for scope in ({"excluded_ports": frozenset({OPEN})}, {"silent_ports": frozenset({OPEN})}):
        with alive(OPEN), visiting("computer", **scope) as one:
            detect(one, nmap.path)
            assert nmap.calls == []


def told(one: Visit, protocol: str) -> Observation:
    return Target(one.device.id, HERE, (OPEN,)).observed(protocol, OPEN, protocol, {})


def test_the_system_is_guessed_from_ports_that_may_be_asked_and_not_where_nmap_would_choose_another(
    nmap: Nmap,
) -> None:
    with alive(OPEN), visiting() as one:
        detect(one, nmap.path)
        assert [call.partition(" -p ")[2] for call in nmap.calls] == [f"{OPEN}", f"{OPEN},{CLOSED}"]
    for scope in (
        {"excluded_ports": frozenset({CLOSED})},
        {"excluded_ports": frozenset({40_000})},
        {"silent_ports": frozenset({30_000})},
    ):
        (nmap.folder / "calls").unlink()
        with alive(OPEN), visiting("computer", **scope) as one:
            detect(one, nmap.path)
            assert [call.partition(" -p ")[2] for call in nmap.calls] == [f"{OPEN}"]


def test_no_script_is_ever_run_and_the_list_of_scripts_that_nmap_sees_is_empty(nmap: Nmap) -> None:
    nmap.does(
        "folder = sys.argv[sys.argv.index('--datadir') + 1]\n"
        "assert open(folder + '/scripts/script.db').read() == ''\n"
        f"sys.stdout.write({answer()!r})"
    )
    with alive(OPEN), visiting() as one:
        detect(one, nmap.path)
        assert covered(one) == {Outcome.ANSWERED: (OPEN,)}
    assert not any("--script" in call or " -A" in call or " -sC" in call for call in nmap.calls)


def test_who_was_switched_off_since_the_sweep_is_not_asked_and_did_not_fall_silent(nmap: Nmap) -> None:
    with visiting() as one:
        detect(one, nmap.path)
        assert nmap.calls == []
        assert covered(one) == {Outcome.NOT_ASKED: (OPEN,)}
        assert (one.halt.why, one.device.left_alone) == (None, None)


def test_after_a_stop_nobody_is_asked_and_it_is_told(nmap: Nmap) -> None:
    with alive(OPEN), visiting() as one:
        one.halt.now(STOPPED)
        detect(one, nmap.path)
        assert nmap.calls == []
        assert covered(one) == {Outcome.NOT_ASKED: (OPEN,)}


def test_a_device_that_falls_silent_stops_everything_and_is_left_alone(
    nmap: Nmap, monkeypatch: pytest.MonkeyPatch
) -> None:
    with alive(OPEN) as peers, visiting() as one:

        def kills(*arguments: Any) -> Reading:  # noqa: ANN401 - as sweep.run
            peers[0].__exit__(None, None, None)
            return run(*arguments)

        monkeypatch.setattr("netwatch.detect.run", kills)
        detect(one, nmap.path)
        assert one.halt.why == FELL_SILENT
        assert one.device.left_alone is not None
        [seen] = [seen for seen in one.observations if seen.probe == "liveness"]
        assert any("nmap" in line for line in liveness.told(seen))


# --------------------------------------------------------------------------------------- what it may print

FAILS = {
    "is killed": "os.kill(os.getpid(), 9)",
    "says nothing": "",
    "prints rubbish": "print('rubbish ' * 50)",
    "prints bytes": "sys.stdout.buffer.write(bytes(range(128, 256)) * 9)",
    "is cut off": f"sys.stdout.write({answer()[:-20]!r})",
    "speaks of another host": f"sys.stdout.write({answer().replace(HERE, '127.87.0.9')!r})",
    "hides a bomb": "sys.stdout.buffer.write('<!DOCTYPE n [<!ENTITY a \"b\">]><n>&a;</n>'.encode('utf-16'))",
}


@pytest.mark.parametrize("how", FAILS)
def test_an_nmap_that_fails_is_a_failure_and_nothing_is_claimed(tmp_path: Path, how: str) -> None:
    with alive(OPEN), visiting() as one:
        detect(one, Nmap(tmp_path).does(FAILS[how]).path)
        assert one.observations == []
        assert {failure.reason for failure in one.failures} == {Reason.NMAP_FAILED}
        assert covered(one) == {Outcome.NO_ANSWER: (OPEN,)}


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # python-nmap leaves the pipes of one that it killed
def test_an_nmap_that_hangs_is_ended_and_one_that_gives_up_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netwatch.detect.LONGEST", 0.2)
    monkeypatch.setattr("netwatch.detect.MARGIN", 0.2)
    with alive(OPEN), visiting() as one:
        detect(one, Nmap(tmp_path).does("time.sleep(600)").path)
        assert {failure.reason for failure in one.failures} == {Reason.NMAP_FAILED}
    gc.collect()
    monkeypatch.setattr("netwatch.detect.LONGEST", 60)
    with alive(OPEN), visiting() as one:
        detect(one, Nmap(tmp_path).says(answer(late='timedout="true"')).path)
        assert {failure.reason for failure in one.failures} == {Reason.TIMEOUT}
        assert one.observations == []


def test_without_nmap_or_the_right_to_send_it_is_told_once_and_nobody_is_asked(
    nmap: Nmap, monkeypatch: pytest.MonkeyPatch
) -> None:
    with alive(OPEN), visiting() as one:
        told = detect(one, None)
        assert [failure.reason for failure in told.failures] == [Reason.NMAP_MISSING]
        assert covered(one) == {Outcome.FAILED: (OPEN,)}
    monkeypatch.setattr("netwatch.sweep.may_send_raw", lambda _: False)
    with alive(OPEN), visiting() as one:
        told = detect(one, nmap.path)
        assert [failure.reason for failure in told.failures] == [Reason.NMAP_FAILED]
        assert nmap.calls == []


def test_a_devices_own_words_are_not_kept_and_nmaps_are_short_and_printable(tmp_path: Path) -> None:
    with alive(OPEN), visiting() as one:
        detect(one, Nmap(tmp_path).says(answer(product="&#x9;A&#x202e;" + "B" * 5000)).path)
        facts = {key: value for seen in one.observations for key, value in seen.facts.items()}
        assert facts["nmap_product"] == ("A " + "B" * 60)[:60]
        assert not any("upont" in str(value) for value in facts.values())
        assert facts["nmap_system"] == "Linux 5.3 - 5.4"
    with alive(OPEN), visiting() as one:
        detect(one, Nmap(tmp_path).says(answer(product="DUPONT^JEAN", system="")).path)
        [seen] = one.observations
        assert "nmap_product" not in seen.facts


# ---------------------------------------------------------------------------------------- what is made of it


def test_what_nmap_says_is_taken_where_nobody_says_more_and_its_guess_is_a_hint(nmap: Nmap) -> None:
    with alive(OPEN), visiting() as one:
        detect(one, nmap.path)
        found = recognise(one.device, one.observations)
        [shell] = [soft for soft in found.software if soft.product == "openssh"]
        assert (shell.version, shell.claim.confidence, shell.packaged) == ("9.2p1", Confidence.LIKELY, True)
        assert found.system is not None
        assert (found.system.value, found.system.confidence) == ("linux", Confidence.HINT)
        assert found.kind.value == "unknown"
