"""How does a test get a network of its own? Namespaces on a bridge, each with its own MAC address.

Nothing of it is on the host: the bridge too lives in a namespace, so no interface, no address, no
firewall rule and no listening port appears outside, and no packet can leave. What an earlier run left
because it was killed is removed when the next one starts. Linux and root only; see `missing`.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.lab import rootfs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

PREFIX = "netwatch-lab"
SCANNER = ("10.77.0.2", "02:77:00:00:00:02")
GATEWAY = "10.77.0.1"


def missing() -> str | None:
    """Why the lab cannot run here; None where it can."""
    if os.geteuid() != 0:
        return "needs root, for network namespaces"
    wanted = [tool for tool in ("ip", "ss", "apt-get", "dpkg-deb") if shutil.which(tool) is None]
    return f"needs {', '.join(wanted)}" if wanted else None


@dataclass(slots=True)
class Host:
    """A machine of the lab. Programs run in its namespace, not in a file system of its own."""

    name: str
    address: str
    mac: str
    lab: Lab
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def namespace(self) -> str:
        """As `ip netns` knows it."""
        return f"{self.lab.name}-{self.name}"

    def command(self, argv: Sequence[str], *, root: bool = False) -> list[str]:
        """`argv` as it is run on this host; `root`: with the programs of the lab's root folder."""
        inside = ["chroot", str(self.lab.root)] if root else []
        return ["ip", "netns", "exec", self.namespace, *inside, *argv]

    def start(
        self,
        argv: Sequence[str],
        *,
        root: bool = True,
        env: Mapping[str, str] | None = None,
        ready_port: int | None = None,
        patience: float = 20.0,
    ) -> subprocess.Popen[bytes]:
        """Start a server; with `ready_port`, come back when it listens there.

        Readiness is read from the kernel: a trial connection would be the one association that a
        server of one association at a time has to give. Raises RuntimeError with what the program
        said when it ends instead, or does not listen within `patience` seconds.
        """
        log = self.log
        with log.open("ab") as out:
            process = subprocess.Popen(
                self.command(argv, root=root),
                env=os.environ | (env or {}),
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self.started.append(process)
        if ready_port is not None:
            self._wait(process, ready_port, time.monotonic() + patience)
        return process

    def _wait(self, process: subprocess.Popen[bytes], port: int, deadline: float) -> None:
        """Until the port listens."""
        while port not in self.listening():
            if process.poll() is not None or time.monotonic() > deadline:
                said = self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
                reason = f"{self.name}: nothing listens on {port}:\n{said}"
                raise RuntimeError(reason)
            time.sleep(0.05)

    @property
    def log(self) -> Path:
        """What the servers of this host printed."""
        return self.lab.scratch / f"{self.name}.log"

    def run(
        self,
        argv: Sequence[str],
        *,
        root: bool = False,
        env: Mapping[str, str] | None = None,
        timeout: float = 120.0,
        stdin: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program on this host to its end, whatever its exit code."""
        return subprocess.run(
            self.command(argv, root=root),
            check=False,
            env=os.environ | (env or {}),
            timeout=timeout,
            input=stdin if stdin is not None else "",
            text=True,
            errors="replace",
            capture_output=True,
        )

    def listening(self) -> frozenset[int]:
        """The TCP ports that are open on this host, without knocking at them."""
        rows = self.run(["ss", "-Hltn"]).stdout.splitlines()
        return frozenset(int(row.split()[3].rpartition(":")[2]) for row in rows)

    def firewall(self, rules: str) -> None:
        """Load nft rules on this host, for example DROP_ALL."""
        file = self.lab.scratch / f"{self.name}.nft"
        file.write_text(rules, encoding="utf-8")
        done = self.run(["/usr/sbin/nft", "-f", self.lab.inside(file)], root=True)
        if done.returncode:
            raise RuntimeError(done.stderr)

    def ip(self, *commands: str) -> None:
        """Run `ip` commands on this host; RuntimeError for the first that fails."""
        _ip(*(f"-n {self.namespace} {command}" for command in commands))

    def unplug(self) -> None:
        """Pull the cable."""
        _ip(f"-n {self.lab.name}-lan link set {self.name} down")

    def plug(self) -> None:
        """Put the cable back."""
        _ip(f"-n {self.lab.name}-lan link set {self.name} up")

    def stop(self) -> None:
        """Kill what runs on this host, children included."""
        _kill(self.namespace)
        for process in self.started:
            process.wait()
        self.started.clear()


DROP_ALL = "table inet lab { chain in { type filter hook input priority 0; policy drop; iif lo accept; }; }"


class Lab:
    """A network of its own, 10.77.0.0/24, for as long as the context lasts."""

    def __init__(self, root: Path | None = None) -> None:
        """`root`: the lab's root folder, else the one of rootfs.prepare()."""
        self.root = root or rootfs.prepare()
        self.name = f"{PREFIX}-{os.getpid()}-{secrets.token_hex(2)}"
        self.scratch = self.root / "srv" / self.name
        self.hosts: dict[str, Host] = {}

    def __enter__(self) -> Self:
        """The bridge and the scanner."""
        sweep_leftovers(self.root)
        self.scratch.mkdir()
        try:
            lan = f"{self.name}-lan"
            _ip(f"netns add {lan}", f"-n {lan} link add bridge type bridge", f"-n {lan} link set bridge up")
            self.scanner = self.host("scanner", *SCANNER, gateway=GATEWAY)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left, whatever happened."""
        self.close()

    def host(self, name: str, address: str, mac: str, *, gateway: str | None = None) -> Host:
        """Plug a machine in. `name`: at most 15 letters, it is also its port on the bridge."""
        host = self.bare(name, address, mac)
        lan = f"{self.name}-lan"
        host.ip(f"link add eth0 address {mac} type veth peer name {name} netns {lan}")
        _ip(f"-n {lan} link set {name} master bridge up")
        host.ip(
            # without IPv6 chatter a capture holds only what somebody meant to send
            "link set eth0 addrgenmode none up",
            f"address add {address}/24 dev eth0",
            *([f"route add default via {gateway}"] if gateway else []),
        )
        return host

    def bare(self, name: str, address: str = "", mac: str = "") -> Host:
        """A machine that is plugged in nowhere yet."""
        host = self.hosts[name] = Host(name, address, mac, self)
        _ip(f"netns add {host.namespace}")
        host.ip("link set lo up")
        return host

    def run(self, argv: Sequence[str], **options: object) -> subprocess.CompletedProcess[str]:
        """Run a program where the scanner is; options as Host.run."""
        return self.scanner.run(argv, **options)  # type: ignore[arg-type]

    def inside(self, path: Path) -> str:
        """A file of the scratch folder, as a program of the lab's root folder names it."""
        return f"/{path.relative_to(self.root)}"

    @contextmanager
    def capture(self, path: Path, host: Host | None = None, card: str = "eth0") -> Iterator[Path]:
        """Keep every frame that the scanner, or a card of another host, sends or receives, as a pcap file."""
        # at once and frame by frame: what the kernel still held back would be lost at the end
        flags = ["-n", "-U", "--immediate-mode", "-B", "65536", "-Z", "root", "-w", "-"]
        tcpdump = (host or self.scanner).command(["/usr/bin/tcpdump", "-i", card, *flags], root=True)
        with path.open("wb") as out:
            process = subprocess.Popen(tcpdump, stdout=out, stderr=subprocess.PIPE)
        try:
            said = b"" if process.stderr is None else process.stderr.readline()
            if b"listening" not in said:
                reason = f"tcpdump: {said!r}"
                raise RuntimeError(reason)
            yield path
            time.sleep(0.2)  # for the last frames
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=10)

    def close(self) -> None:
        """Kill and delete everything; may be called twice."""
        for host in self.hosts.values():
            host.stop()
        _remove(self.name, self.root)


def sweep_leftovers(root: Path) -> None:
    """Remove the labs whose process is gone."""
    seen = [*_namespaces(), *(folder.name for folder in (root / "srv").iterdir())]
    for name in {match[0] for text in seen if (match := re.match(rf"{PREFIX}-(\d+)-[0-9a-f]{{4}}", text))}:
        if not Path("/proc", name.split("-")[2]).exists():
            _remove(name, root)


def _remove(name: str, root: Path) -> None:
    """The namespaces of a lab, what runs in them, and its files."""
    for space in _namespaces():
        if space.startswith(f"{name}-"):
            _kill(space)
            _ip(f"netns delete {space}")
    shutil.rmtree(root / "srv" / name, ignore_errors=True)


def _namespaces() -> list[str]:
    """By name."""
    shown = subprocess.run(["ip", "netns", "list"], check=True, text=True, capture_output=True).stdout
    return [row.split()[0] for row in shown.splitlines() if row.strip()]


def _kill(space: str) -> None:
    """End every process of a namespace, until there is none."""
    for _ in range(100):
        shown = subprocess.run(["ip", "netns", "pids", space], check=False, text=True, capture_output=True)
        pids = [pid for pid in map(int, shown.stdout.split()) if pid != os.getpid() and not _is_zombie(pid)]
        if not pids:
            return
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)


def _is_zombie(pid: int) -> bool:
    """Dead already, waiting for its parent to look."""
    try:
        return (
            Path("/proc", str(pid), "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
        )
    except OSError:
        return True


def _ip(*commands: str) -> None:
    """Run `ip` commands; the first that fails is the error."""
    for command in commands:
        done = subprocess.run(["ip", *command.split()], check=False, text=True, capture_output=True)
        if done.returncode:
            reason = f"ip {command}: {done.stderr.strip()}"
            raise RuntimeError(reason)
