"""How does the lab start a server that carries connections: a real sshd, or dropbear, with a user and a key?

The user is `netwatch`, logs in with a key only and has a shell. Where it stops: what is configured, and what
stands before the key in authorized_keys, is the test's business.
"""

from __future__ import annotations

import ctypes
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab import doors

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Sequence

    from tests.lab.net import Host

USER, NUMBER = "netwatch", 1000
NEWNET = 0x40000000  # CLONE_NEWNET of linux/sched.h
# As tests/lab/doors.py FURNISH, and before it: a user of our own, seen by this server alone.
ACCOUNT = 'mount --bind "$1" "$2/etc/passwd"; shift 2; exec "$@"'


@dataclass(frozen=True, slots=True)
class Sshd:
    """One that runs. `key`: the private key that opens it; `public`: its own host keys, by kind."""

    host: Host
    port: int
    key: Path
    public: dict[str, str]
    process: subprocess.Popen[bytes]

    @property
    def target(self) -> str:
        """As the site file names it."""
        return f"{USER}@{self.host.address}" + ("" if self.port == 22 else f":{self.port}")

    @property
    def name(self) -> str:
        """As a file of known hosts names it."""
        return self.host.address if self.port == 22 else f"[{self.host.address}]:{self.port}"

    def known_hosts(self, folder: Path, *kinds: str) -> Path:
        """A file that knows its host keys, or only these."""
        rows = [f"{self.name} {row}\n" for kind, row in self.public.items() if not kinds or kind in kinds]
        file = folder / f"known-{self.host.name}-{self.port}"
        file.write_text("".join(rows), encoding="utf-8")
        return file

    def descriptors(self) -> int:
        """How many files and sockets its processes hold, the most of them."""
        shown = self.host.run(
            ["sh", "-c", f"for p in $(pgrep -f '{self.mark}'); do ls /proc/$p/fd | wc -l; done"]
        )
        return max(map(int, shown.stdout.split()), default=0)

    @property
    def mark(self) -> str:
        """What its processes are called."""
        return f"sshd: {USER}"


def openssh(  # noqa: PLR0913 - what a server is started with
    host: Host,
    port: int = 22,
    *,
    config: str = "AllowTcpForwarding local",
    kinds: Sequence[str] = ("ed25519",),
    restrict: str = "restrict,port-forwarding",
    shell: str = "/bin/sh",
) -> Sshd:
    """OpenSSH's server. `config`: lines of sshd_config; `restrict`: what stands before the key."""
    here = doors.room(host, "carrier", port)
    here.make("run/sshd")
    key, public = _key(here, restrict)
    keys: dict[str, str] = {}
    rows = [f"Port {port}", "UsePAM no", "PidFile none", "StrictModes no", "LogLevel VERBOSE"]
    rows += ["PasswordAuthentication no", "KbdInteractiveAuthentication no"]
    rows += [f"AuthorizedKeysFile {here.path}/home/.ssh/authorized_keys", *config.splitlines()]
    for kind in kinds:
        here.run(["/usr/bin/ssh-keygen", "-q", "-t", kind, "-N", "", "-f", f"{here.path}/host-{kind}"])
        rows.insert(0, f"HostKey {here.path}/host-{kind}")
        keys[kind] = _two((here.folder / f"host-{kind}.pub").read_text(encoding="utf-8"))
    del public
    file = here.write("sshd_config", "\n".join(rows) + "\n")
    return Sshd(host, port, key, keys, _start(here, ["/usr/sbin/sshd", "-D", "-e", "-f", file], port, shell))


def dropbear(host: Host, port: int = 22, *, flags: Sequence[str] = (), restrict: str = "") -> Sshd:
    """The SSH server of routers and other boxes."""
    here = doors.room(host, "carrier-dropbear", port)
    key, _ = _key(here, restrict)
    made = here.run(["/usr/bin/dropbearkey", "-t", "ed25519", "-f", f"{here.path}/host-key"])
    own = next(row for row in made.stdout.splitlines() if row.startswith("ssh-"))
    argv = ["/usr/sbin/dropbear", "-F", "-E", "-s", "-P", "/run/pid", "-p", str(port), *flags]
    process = _start(here, [*argv, "-r", f"{here.path}/host-key"], port, "/bin/sh")
    return Sshd(host, port, key, {"ed25519": _two(own)}, process)


@contextmanager
def standing(host: Host) -> Iterator[None]:
    """This thread, and those that it starts meanwhile, open their sockets on that host (setns(2))."""
    libc = ctypes.CDLL(None, use_errno=True)
    with (
        Path("/proc/thread-self/ns/net").open("rb") as home,
        Path("/run/netns", host.namespace).open("rb") as there,
    ):
        _enter(libc, there.fileno())
        try:
            yield
        finally:
            _enter(libc, home.fileno())


def _enter(libc: ctypes.CDLL, space: int) -> None:
    if libc.setns(space, NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _key(here: doors.Room, restrict: str) -> tuple[Path, str]:
    """A fresh key that opens the user's account, and its public half."""
    ssh = here.make("home/.ssh", 0o700)
    here.run(["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{here.path}/client"])
    public = (here.folder / "client.pub").read_text(encoding="utf-8")
    (ssh / "authorized_keys").write_text(f"{restrict} {public}".lstrip(), encoding="utf-8")
    for file in (ssh.parent, ssh, ssh / "authorized_keys"):
        os.chown(file, NUMBER, NUMBER)
    (ssh.parent).chmod(0o755)
    (ssh / "authorized_keys").chmod(0o600)
    return here.folder / "client", public


def _start(here: doors.Room, argv: Sequence[str], port: int, shell: str) -> subprocess.Popen[bytes]:
    """With an account of ours."""
    passwd = here.host.lab.root / "etc" / "passwd"
    own = here.folder / "passwd"
    shutil.copy(passwd, own)
    with own.open("a", encoding="utf-8") as rows:
        rows.write(f"{USER}:x:{NUMBER}:{NUMBER}::{here.path}/home:{shell}\n")
    command = ["sh", "-c", ACCOUNT, "account", str(own), str(here.host.lab.root), *here._furnished(argv)]
    return here.host.start(command, root=False, ready_port=port)


def _two(row: str) -> str:
    """The kind and the key of a public key's row, without its comment."""
    return " ".join(row.split()[:2])
