"""Do real SSH servers carry our questions, and tell a closed port from a silent one?

OpenSSH 9.2 and dropbear 2022.83, nginx behind them, and a firewall that drops. What the documentation tells a
user to write into sshd_config and authorized_keys is what is tried here.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections import Counter
from contextlib import contextmanager
from datetime import date
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import pytest

from netwatch.classes import table
from netwatch.egress import Egress
from netwatch.errors import OutsideError
from netwatch.hostkeys import fingerprint
from netwatch.internet import OutsideSettings
from netwatch.model import PortState, Reason
from netwatch.pace import Pace
from netwatch.probe import ProbeError
from netwatch.scope import Scope
from netwatch.tunnel import TOO_MANY, Tunnel
from tests.lab import device_doors, sshd
from tests.lab.net import Host, Lab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.sshd import Sshd

SERVER, PRACTICE, SCANNER, NOBODY = "10.77.0.200", "10.77.0.201", "10.77.0.2", "10.77.0.99"
OPEN, RESET, SILENT, SAYS_NO = 80, 81, 7, 11

pytestmark = [pytest.mark.lab, pytest.mark.allow_hosts(["127.0.0.1", SERVER, PRACTICE])]

FIREWALL = """\
table inet lab { chain in { type filter hook input priority 0; policy accept; iif lo accept
  tcp dport 7 drop
  tcp dport 11 reject with icmp type host-prohibited
  tcp dport { 3080, 3443 } accept
  tcp dport 3000-5999 drop
}; }
"""
# As the documentation has it.
RECOMMENDED = """\
AllowTcpForwarding no
Match User netwatch
  AllowTcpForwarding local
  PermitOpen 10.77.0.201:*
  PermitTTY no
  X11Forwarding no
  AllowAgentForwarding no
  AllowStreamLocalForwarding no
  PermitTunnel no
  ForceCommand echo $SSH_CONNECTION
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A server on the internet, and a practice with nginx behind a firewall."""
    with Lab() as running:
        running.host("vantage", SERVER, "02:77:00:00:00:c8")
        practice = running.host("practice", PRACTICE, "02:77:00:00:00:c9")
        device_doors.web(practice, OPEN)
        practice.firewall(FIREWALL)
        yield running


@pytest.fixture(scope="module")
def openssh(lab: Lab) -> Sshd:
    return sshd.openssh(lab.hosts["vantage"], 22, config=RECOMMENDED)


@pytest.fixture(scope="module")
def dropbear(lab: Lab) -> Sshd:
    return sshd.dropbear(lab.hosts["vantage"], 2222)


@pytest.fixture(params=["openssh", "dropbear"])
def server(request: pytest.FixtureRequest) -> Sshd:
    """Each of both."""
    found: Sshd = request.getfixturevalue(request.param)
    return found


def settings(server: Sshd, folder: Path, **more: str) -> OutsideSettings:
    known = {} if more else {"known_hosts": str(server.known_hosts(folder))}
    return OutsideSettings(ssh=server.target, key_file=str(server.key), **known, **more)  # type: ignore[arg-type]


@contextmanager
def tunnel(server: Sshd, folder: Path, **more: str) -> Iterator[Tunnel]:
    """From where the scanner stands."""
    with sshd.standing(server.host.lab.scanner), Tunnel(settings(server, folder, **more)) as opened:
        yield opened


def egress(through: Tunnel, packets: int = 1000) -> Egress:
    pace = Pace(packets=packets, guarded=packets, pause=0.0)
    out = Egress(Scope((IPv4Network("10.77.0.0/24"),), until=date.max), pace, outlet=through)
    out.classed(PRACTICE, table()["computer"])
    return out


def test_a_question_is_asked_from_there_and_the_server_tells_where_we_are(
    server: Sshd, tmp_path: Path
) -> None:
    with tunnel(server, tmp_path) as there:
        assert (there.peer, there.seen_from()) == (SERVER, SCANNER)
        way = egress(there).asking("test", "web")
        with way.connect(PRACTICE, OPEN) as line:
            line.send(b"GET / HTTP/1.0\r\n\r\n")
            assert line.read(9) == b"HTTP/1.1 "


@pytest.mark.parametrize(
    ("port", "reason", "detail"),
    [
        (RESET, Reason.REFUSED, "the port is closed"),
        (SILENT, Reason.TIMEOUT, "no connection in time"),
        (SAYS_NO, Reason.TIMEOUT, "unreachable"),
    ],
)
def test_closed_silent_and_barred_ports_are_told_apart(
    server: Sshd, port: int, reason: Reason, detail: str, tmp_path: Path
) -> None:
    with tunnel(server, tmp_path) as there, pytest.raises(ProbeError) as error:
        there.dial(PRACTICE, port, 1.5)
    assert (error.value.reason, error.value.detail) == (reason, detail)


def test_a_sweep_through_it_says_what_is_open_closed_and_silent(server: Sshd, tmp_path: Path) -> None:
    with tunnel(server, tmp_path) as there:
        out = egress(there)
        states = out.sweep(PRACTICE, (OPEN, RESET, SILENT, SAYS_NO)).states
        out.close()
    assert states.ports(PortState.OPEN) == (OPEN,)
    assert states.ports(PortState.CLOSED) == (RESET,)
    assert states.ports(PortState.FILTERED) == (SILENT, SAYS_NO)


@pytest.mark.parametrize(
    "wrong",
    [
        {"config": "AllowTcpForwarding no"},
        {"config": "AllowTcpForwarding remote"},
        {"config": "DisableForwarding yes"},
        {"config": "PermitOpen 192.0.2.1:80"},
        {"restrict": "restrict"},
        {"restrict": 'restrict,port-forwarding,permitopen="192.0.2.1:80"'},
    ],
)
def test_a_server_that_may_not_connect_is_no_closed_port(
    wrong: dict[str, str], lab: Lab, tmp_path: Path
) -> None:
    forbidding = sshd.openssh(lab.hosts["vantage"], 2200, **wrong)
    try:
        with tunnel(forbidding, tmp_path) as there:
            with pytest.raises(OutsideError) as error:
                there.dial(PRACTICE, RESET, 3)
            assert error.value.message == "vantage.no-forwarding"
            wire = there.wire()
            wire.knock(PRACTICE, RESET)
            with pytest.raises(OutsideError, match="no-forwarding"):
                for _ in range(50):
                    list(wire.hear(0.1))
            wire.close()
    finally:
        ended(forbidding)


@pytest.mark.parametrize(
    "narrow",
    [
        {
            "config": "AllowTcpForwarding local",
            "restrict": 'restrict,port-forwarding,permitopen="10.77.0.201:*"',
        },
        {"config": "AllowTcpForwarding local\nMaxSessions 0"},
        {"shell": "/usr/bin/openssl"},  # as nologin: it runs nothing, and says nothing
    ],
)
def test_a_server_that_runs_no_command_still_carries(
    narrow: dict[str, str], lab: Lab, tmp_path: Path
) -> None:
    strict = sshd.openssh(lab.hosts["vantage"], 2201, **narrow)
    try:
        with tunnel(strict, tmp_path) as there:
            assert there.seen_from() == (SCANNER if "restrict" in narrow else None)
            there.dial(PRACTICE, OPEN, 3).close()
    finally:
        ended(strict)


def test_a_server_with_several_keys_of_which_one_is_known_is_recognised(lab: Lab, tmp_path: Path) -> None:
    several = sshd.openssh(lab.hosts["vantage"], 2202, kinds=("ed25519", "ecdsa", "rsa"))
    try:
        for kind in ("rsa", "ecdsa", "ed25519"):
            key = several.public[kind].split()[1]
            with tunnel(several, tmp_path, known_hosts=str(several.known_hosts(tmp_path, kind))):
                pass
            with tunnel(several, tmp_path, host_key=printed(key, tmp_path)):
                pass
    finally:
        ended(several)


def printed(key: str, folder: Path) -> str:
    """The fingerprint as ssh-keygen -lf shows it; ours is the same."""
    import base64  # noqa: PLC0415

    del folder
    return fingerprint(base64.b64decode(key))


def test_known_hosts_as_ssh_keyscan_and_ssh_keygen_write_it_is_understood(
    openssh: Sshd, tmp_path: Path
) -> None:
    lab = openssh.host.lab
    rows = lab.run(["chroot", str(lab.root), "/usr/bin/ssh-keyscan", "-H", "-t", "ed25519", SERVER]).stdout
    assert rows.startswith("|1|")
    file = tmp_path / "hashed"
    file.write_text(rows, encoding="utf-8")
    with tunnel(openssh, tmp_path, known_hosts=str(file)) as there:
        assert there.peer == SERVER


def test_the_servers_end_is_no_answer_and_the_next_question_has_a_new_connection(
    openssh: Sshd, tmp_path: Path
) -> None:
    with tunnel(openssh, tmp_path) as there:
        way = egress(there).asking("test", "web")
        with pytest.raises(ProbeError) as error, way.connect(PRACTICE, OPEN) as line:
            kill(openssh)
            line.read(1)
        assert error.value.reason is Reason.UNFINISHED
        there.dial(PRACTICE, OPEN, 3).close()


def test_a_cable_that_is_pulled_is_no_closed_port(lab: Lab, openssh: Sshd, tmp_path: Path) -> None:
    with tunnel(openssh, tmp_path) as there:
        lab.hosts["vantage"].unplug()
        try:
            with pytest.raises(ProbeError) as error:
                there.dial(PRACTICE, RESET, 1.5)
        finally:
            lab.hosts["vantage"].plug()
        assert error.value.reason is Reason.TIMEOUT


def test_a_flood_of_silent_ports_makes_no_false_answer_and_leaves_the_server_well(
    server: Sshd, tmp_path: Path
) -> None:
    lab, descriptors = server.host.lab, 0
    device_doors.web(lab.hosts["practice"], 3080) if 3080 not in lab.hosts["practice"].listening() else None
    ports = [*range(3001, 4301), 3080, 3443]  # 3080 is open, 3443 closed, all others silent
    told: dict[int, PortState | None] = {}
    with tunnel(server, tmp_path) as there, counted(lab.hosts["practice"]) as syns:
        wire = there.wire()
        flying: list[int] = []
        for number, port in enumerate(ports):
            assert wire.knock(PRACTICE, port)
            flying.append(port)
            if len(flying) > 100:
                wire.forget(PRACTICE, flying.pop(0))
            told |= {at: state for _, at, state in wire.hear(0.004)}
            if number % 100 == 0:
                descriptors = max(descriptors, server.descriptors())
        by = time.monotonic() + 4
        while len(told) < 2 and time.monotonic() < by:
            told |= {at: state for _, at, state in wire.hear(0.1)}
        wire.done(PRACTICE)
        assert told == {3080: PortState.OPEN, 3443: PortState.CLOSED}
        there.dial(PRACTICE, OPEN, 3).close()
        assert descriptors < TOO_MANY + 50
    per_port = Counter(syns)
    assert len(per_port) >= 1300
    assert max(per_port.values()) <= 9  # of 11 that the server's kernel would send
    assert left_over(lab.hosts["vantage"]) == 0


@contextmanager
def counted(practice: Host) -> Iterator[list[int]]:
    """The ports of the SYNs that arrive there from the server, in the end."""
    syns: list[int] = []
    command = [
        "/usr/bin/tcpdump",
        "-n",
        "-U",
        "--immediate-mode",
        "-l",
        "-i",
        "eth0",
        "-B",
        "65536",
        "-Z",
        "root",
    ]
    command.append(f"tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn and src host {SERVER}")
    told = practice.lab.scratch / "syns"
    with told.open("wb") as out:
        process = subprocess.Popen(
            practice.command(command, root=True), stdout=out, stderr=subprocess.PIPE, text=True
        )
    assert process.stderr is not None
    assert "listening" in "".join(process.stderr.readline() for _ in range(2))
    try:
        yield syns
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
        syns += map(int, re.findall(r" > [\d.]+\.(\d+): ", told.read_text(encoding="utf-8")))


def left_over(vantage: Host) -> int:
    """Connections that the server still tries to make, a moment after the tunnel is closed."""
    by = time.monotonic() + 5
    while time.monotonic() < by:
        rows = vantage.run(["ss", "-Htn", "state", "syn-sent"]).stdout.splitlines()
        if not rows:
            return 0
        time.sleep(0.1)
    return len(rows)


def kill(server: Sshd) -> None:
    """End what serves our connections, and not the one that listens."""
    for pid in server.host.run(["pgrep", "-f", server.mark]).stdout.split():
        if own(int(pid), server.host):
            os.kill(int(pid), signal.SIGKILL)


def own(pid: int, host: Host) -> bool:
    """Does it run in this host's namespace?"""
    shown = subprocess.run(["ip", "netns", "identify", str(pid)], check=False, capture_output=True, text=True)
    return shown.stdout.strip() == host.namespace


def ended(server: Sshd) -> None:
    """Its port is free again."""
    server.process.terminate()
    server.process.wait()
    by = time.monotonic() + 5
    while server.port in server.host.listening() and time.monotonic() < by:
        time.sleep(0.05)
