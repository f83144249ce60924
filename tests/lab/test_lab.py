"""Is the lab what it says it is? The truth is asked of the servers again, with DCMTK's own tools."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lab import clinic as place
from tests.lab.canary import STORED
from tests.lab.net import DROP_ALL, Lab

if TYPE_CHECKING:
    from tests.lab.clinic import Clinic, Truth

pytestmark = pytest.mark.lab

DICOM = [truth for truth in place.TRUTH if truth.protocol == "dicom"]
NO_SUCH_STUDY = ("-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=2.25.31415926535")
REJECTED = {
    "called-ae-title-not-recognized": "Called AE Title Not Recognized",
    "calling-ae-title-not-recognized": "Calling AE Title Not Recognized",
}


def name(truth: Truth) -> str:
    return f"{truth.address}:{truth.port}"


def tls_options(truth: Truth) -> tuple[str, ...]:
    """An anonymous TLS client where the server speaks TLS."""
    return ("+tla", "-ic") if truth.tls else ()


@pytest.mark.parametrize("truth", DICOM, ids=name)
def test_echoscu_meets_what_the_truth_says(clinic: Clinic, truth: Truth) -> None:
    done = clinic.ask("echoscu", truth.address, truth.port, *tls_options(truth))
    said = done.stdout + done.stderr
    assert (done.returncode == 0) == (truth.echo == "answered"), said
    assert ("Association Accepted" in said) == (truth.association == "accepted")
    assert ("Rejected Permanent, Source: Service User" in said) == (truth.association == "rejected")
    assert REJECTED.get(truth.reject or "", "") in said


@pytest.mark.parametrize("truth", DICOM, ids=name)
def test_findscu_meets_what_the_truth_says(clinic: Clinic, truth: Truth) -> None:
    done = clinic.ask("findscu", truth.address, truth.port, *tls_options(truth), *NO_SUCH_STUDY)
    said = done.stdout + done.stderr
    assert ("Received Final Find Response (Success)" in said) == (truth.query == "answered"), said
    assert ("Peer Aborted Association" in said) == (truth.query == "refused"), said
    assert ("No Acceptable Presentation Contexts" in said) == (truth.query == "not-offered"), said
    assert STORED[0] not in said


@pytest.mark.parametrize("truth", DICOM, ids=name)
def test_storescu_stores_where_the_truth_says_negotiated(clinic: Clinic, truth: Truth) -> None:
    done = clinic.ask("storescu", truth.address, truth.port, *tls_options(truth), file=clinic.canary)
    assert ("Received Store Response (Success)" in done.stdout + done.stderr) == (truth.store == "negotiated")


@pytest.mark.parametrize("truth", [truth for truth in DICOM if truth.tls], ids=name)
def test_a_tls_port_does_not_speak_plain_dicom(clinic: Clinic, truth: Truth) -> None:
    done = clinic.ask("echoscu", truth.address, truth.port)
    assert done.returncode != 0
    assert "Association Accepted" not in done.stdout + done.stderr


@pytest.mark.parametrize("truth", [truth for truth in DICOM if truth.client_certificate], ids=name)
def test_a_client_certificate_is_asked_for_as_the_truth_says(clinic: Clinic, truth: Truth) -> None:
    hello = clinic.lab.run(["/usr/bin/openssl", "s_client", "-connect", name(truth)], root=True).stdout
    asked = "Requested Signature Algorithms" in hello
    assert asked == (truth.client_certificate != "not-asked")
    pair = clinic.pair
    ours = ("+tls", clinic.lab.inside(pair.key), clinic.lab.inside(pair.certificate), "-ic")
    assert clinic.ask("echoscu", truth.address, truth.port, *ours).returncode == 0


def test_the_open_orthanc_would_tell_its_invented_patient_to_a_wildcard(clinic: Clinic) -> None:
    done = clinic.ask(
        "findscu", place.OPEN_ORTHANC, 104, "-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "PatientName"
    )
    assert STORED[0] in done.stdout + done.stderr


def test_the_truth_names_every_open_port_of_the_clinic(clinic: Clinic) -> None:
    listening = {(host.address, port) for host in clinic.lab.hosts.values() for port in host.listening()}
    assert listening == {(truth.address, truth.port) for truth in clinic.truth}


def knock(lab: Lab, address: str) -> str:
    """What a connection to port 104 of an address meets, seen from the scanner."""
    script = "import socket, sys; socket.create_connection((sys.argv[1], 104), timeout=1)"
    return lab.run([sys.executable, "-c", script, address]).stderr


def test_the_empty_host_refuses_and_the_firewall_drops_and_nobody_is_nobody(clinic: Clinic) -> None:
    assert "ConnectionRefusedError" in knock(clinic.lab, place.EMPTY)
    assert "TimeoutError" in knock(clinic.lab, place.FIREWALLED)
    assert "ConnectionRefusedError" not in knock(clinic.lab, place.NOBODY)
    assert knock(clinic.lab, place.NOBODY)


def test_a_capture_holds_what_the_scanner_sent(clinic: Clinic, tmp_path: Path) -> None:
    with clinic.lab.capture(tmp_path / "echo.pcap") as file:
        clinic.ask("echoscu", place.STORE, 104)
    frames = file.read_bytes()
    assert b"NETWATCH        " in frames
    assert bytes.fromhex("027700000015") in frames  # the card of the host at .21


def test_an_unplugged_host_is_silent_until_it_is_plugged_in_again(clinic: Clinic) -> None:
    host = clinic.host(place.STORE)
    host.unplug()
    assert clinic.ask("echoscu", place.STORE, 104, "-to", "1").returncode != 0
    host.plug()
    assert clinic.ask("echoscu", place.STORE, 104).returncode == 0


def on_this_machine() -> tuple[str, ...]:
    """What a lab could leave behind: namespaces, interfaces, listening ports."""
    return tuple(
        subprocess.run(argv, check=True, text=True, capture_output=True).stdout
        for argv in (["ip", "-br", "link"], ["ss", "-Hltun"])
    )


def test_nothing_is_left_when_the_lab_closes_on_an_error() -> None:
    before = on_this_machine()
    started = []
    with suppress(ZeroDivisionError), Lab() as lab:
        host = lab.host("server", "10.77.0.40", "02:77:00:00:00:40")
        started.append(host.start(["/usr/bin/storescp", "-dhl", "--ignore", "104"], ready_port=104))
        started.append(host.start(["sh", "-c", "sleep 1000 & sleep 1000"], root=False))
        assert on_this_machine() == before  # nor is anything on the host while it runs
        raise ZeroDivisionError
    assert on_this_machine() == before
    assert [process.poll() is None for process in started] == [False, False]
    spaces = subprocess.run(["ip", "netns", "list"], check=True, text=True, capture_output=True).stdout
    assert lab.name not in spaces
    assert not lab.scratch.exists()


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    script = (
        "import os, sys, time; from tests.lab.net import Lab; lab = Lab().__enter__()\n"
        "lab.scanner.start(['sleep', '1000'], root=False); print(lab.name, flush=True); time.sleep(1000)"
    )
    log = tmp_path / "name"
    with log.open("w") as out:
        killed = subprocess.Popen([sys.executable, "-c", script], stdout=out, cwd=Path.cwd())
    while not (left := log.read_text().strip()):
        assert killed.poll() is None
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    pids = subprocess.run(
        ["ip", "netns", "pids", f"{left}-scanner"], check=True, text=True, capture_output=True
    ).stdout.split()
    assert pids
    with Lab() as lab:
        spaces = subprocess.run(["ip", "netns", "list"], check=True, text=True, capture_output=True).stdout
        assert left not in spaces
        assert not (lab.root / "srv" / left).exists()
    assert not any(is_running(int(pid)) for pid in pids)


def is_running(pid: int) -> bool:
    """A zombie is not."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_a_server_that_cannot_start_says_why() -> None:
    with Lab() as lab, pytest.raises(RuntimeError, match="nothing listens on 104"):
        lab.scanner.start(["/usr/bin/storescp", "--no-such-option"], ready_port=104)


def test_a_host_behind_drop_all_still_reaches_itself() -> None:
    with Lab() as lab:
        lab.scanner.firewall(DROP_ALL)
        lab.scanner.start(["/usr/bin/storescp", "-dhl", "--ignore", "104"], ready_port=104)
        assert lab.run(["/usr/bin/echoscu", "127.0.0.1", "104"], root=True).returncode == 0
