"""Which servers let somebody take over a machine, and how does the lab start a real one of each?

Desktops (RDP, VNC, X11) and shells (SSH, Telnet), as Debian 12 packages them. Each function starts one
variant on a host and comes back when it listens; several fit on one host, on ports of their own.
"""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tests.lab import certificates, rootfs

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tests.lab.net import Host

# In the mount namespace that `ip netns exec` makes: gone with the server, and never seen by others.
FURNISH = """\
set -eu
root=$1 room=$2 user=$3
shift 3
mount -t proc proc "$root/proc"
mount -t devpts -o newinstance,ptmxmode=666,gid=5,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount --bind "$room/run" "$root/run"
mount --bind "${room%/*}/tmp" "$root/tmp"
for place in "$room"/etc/*; do
    if [ -d "$place" ]; then mount --bind "$place" "$root/etc/${place##*/}"; fi
done
exec chroot --userspec="$user" "$root" "$@"
"""


@dataclass(frozen=True, slots=True)
class Room:
    """Where one server lives: a folder of its own, and /proc, /dev/pts, /dev/shm and /run as it wants them.

    Folders made in `folder/etc` take the place of those in /etc. /tmp is shared by the servers of a host.
    """

    host: Host
    folder: Path
    user: str = "root"

    @property
    def path(self) -> str:
        """The folder, as the server names it."""
        return self.host.lab.inside(self.folder)

    def write(self, name: str, text: str, mode: int = 0o600) -> str:
        """A file of the server's; its path, as the server names it."""
        file = self.folder / name
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)
        return f"{self.path}/{name}"

    def make(self, name: str, mode: int = 0o755) -> Path:
        """A folder in it."""
        folder = self.folder / name
        folder.mkdir(parents=True)
        folder.chmod(mode)
        return folder

    def start(
        self,
        argv: Sequence[str],
        port: int | None,
        *,
        udp: bool = False,
        env: Mapping[str, str] | None = None,
        patience: float = 20.0,
    ) -> None:
        """Start the server; come back when it listens on this port."""
        ready_port = None if udp else port
        argv = self._furnished(argv)
        process = self.host.start(argv, root=False, env=env, ready_port=ready_port, patience=patience)
        if udp:
            self.wait(lambda: port in datagrams(self.host), process, patience)

    def wait(
        self,
        ready: Callable[[], bool],
        process: subprocess.Popen[bytes] | None = None,
        patience: float = 20.0,
    ) -> None:
        """Until it is ready; RuntimeError with what the host's servers said if it ends or is too slow."""
        deadline = time.monotonic() + patience
        while not ready():
            if (process is not None and process.poll() is not None) or time.monotonic() > deadline:
                said = self.host.log.read_text(encoding="utf-8", errors="replace")[-2000:]
                reason = f"{self.folder.name} is not ready:\n{said}"
                raise RuntimeError(reason)
            time.sleep(0.05)

    def run(self, argv: Sequence[str], *, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Prepare something; what went wrong is in the RuntimeError."""
        done = self.host.run(self._furnished(argv), stdin=stdin)
        if done.returncode:
            reason = f"{argv[0]}: {done.stdout}{done.stderr}"
            raise RuntimeError(reason)
        return done

    def _furnished(self, argv: Sequence[str]) -> list[str]:
        """With its mounts, as its user."""
        owner = f"{rootfs.ACCOUNTS[self.user]}:{rootfs.ACCOUNTS[self.user]}"
        return ["sh", "-c", FURNISH, "room", str(self.host.lab.root), str(self.folder), owner, *argv]


def room(host: Host, name: str, port: int, *, user: str = "root") -> Room:
    """An empty room for the server of this name and port; what an earlier one left there is gone."""
    home = host.lab.scratch / f"{host.name}.rooms"
    tmp = home / "tmp"
    tmp.mkdir(parents=True, exist_ok=True)
    tmp.chmod(0o1777)
    made = Room(host, home / f"{name}-{port}", user)
    shutil.rmtree(made.folder, ignore_errors=True)
    made.make("run", 0o777)
    os.chown(made.folder, rootfs.ACCOUNTS[user], rootfs.ACCOUNTS[user])
    return made


def datagrams(host: Host) -> frozenset[int]:
    """The UDP ports that are open on a host."""
    rows = host.run(["ss", "-Hlun"]).stdout.splitlines()
    return frozenset(int(row.split()[3].rpartition(":")[2]) for row in rows)


def pair(room: Room, *, days: float = 30) -> tuple[str, str]:
    """A fresh key and its certificate, as the server names them."""
    made = certificates.make(room.folder, room.host.name, days=days)
    return room.host.lab.inside(made.key), room.host.lab.inside(made.certificate)


def xrdp(host: Host, port: int = 3389, *, security: Literal["rdp", "tls", "negotiate"] = "negotiate") -> None:
    """xrdp, without the session manager behind it: it answers up to its logon page."""
    here = room(host, "xrdp", port)
    shutil.copytree(host.lab.root / "etc" / "xrdp", here.folder / "etc" / "xrdp")
    here.make("run/xrdp")
    here.run(["/usr/bin/xrdp-keygen", "xrdp", "/etc/xrdp/rsakeys.ini"])
    key, certificate = pair(here)
    ini = XRDP.format(port=port, security=security, key=key, certificate=certificate, log=here.path)
    here.start(["/usr/sbin/xrdp", "--nodaemon", "--config", here.write("xrdp.ini", ini)], port)


XRDP = """\
[Globals]
ini_version=1
port={port}
security_layer={security}
key_file={key}
certificate={certificate}
crypt_level=high
ssl_protocols=TLSv1.2, TLSv1.3
[Logging]
LogFile={log}/xrdp.log
LogLevel=INFO
EnableSyslog=false
[Xorg]
name=Xorg
lib=libxup.so
username=ask
password=ask
ip=127.0.0.1
port=-1
code=20
"""


def shadow(host: Host, port: int = 3389, *, security: Literal["rdp", "tls", "nla"] = "nla") -> None:
    """FreeRDP's shadow server, showing a screen of its own."""
    here = room(host, "shadow", port)
    here.start(
        ["/usr/bin/freerdp-shadow-cli", f"/port:{port}", f"/sec:{security}", "/auth"],
        port,
        env={"DISPLAY": screen(host), "HOME": here.path},
    )


def screen(host: Host) -> str:
    """The host's own screen, started by the first who asks; nothing of it is open to the network."""

    def is_there() -> bool:
        return "/tmp/.X11-unix/X99" in host.run(["ss", "-Hxl"]).stdout  # noqa: S108 - where X puts it

    if not is_there():
        here = room(host, "screen", 99)
        here.start([*XVFB, "-nolisten", "tcp", ":99"], None)
        here.wait(is_there)
    return ":99"


# -noreset: it would start anew, and be gone for a moment, whenever its last window closes
XVFB = ("/usr/bin/Xvfb", "-noreset", "-extension", "GLX", "-screen", "0", "320x240x24")


def x11(host: Host, port: int = 6000, *, closed: bool = False) -> None:
    """An X server on the network: whoever connects sees and types; `closed`: only who is on the host."""
    access = [] if closed else ["-ac"]
    room(host, "x11", port).start([*XVFB, "-listen", "tcp", *access, f":{port - 6000}"], port)


def vnc(host: Host, port: int = 5900, *, password: str | None = None) -> None:
    """x11vnc; without a password, whoever connects sees and types."""
    here = room(host, "vnc", port)
    secret = ["-nopw"] if password is None else ["-passwd", password]
    flags = ["-forever", "-shared", "-noipv6", "-noxdamage", "-no6", "-rfbport", str(port)]
    here.start(["/usr/bin/x11vnc", "-display", screen(host), *flags, *secret], port, env={"HOME": here.path})


def openssh(host: Host, port: int = 22, *, passwords: bool = True) -> None:
    """OpenSSH's server; `passwords`: whether it offers to take one."""
    here = room(host, "sshd", port)
    here.make("run/sshd")
    key = f"{here.path}/key"
    here.run(["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key])
    answer = "yes" if passwords else "no"
    flags = f"Port={port} HostKey={key} UsePAM=no PidFile=none PasswordAuthentication={answer}"
    flags += f" KbdInteractiveAuthentication={answer}"
    options = [word for flag in flags.split() for word in ("-o", flag)]
    here.start(["/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", *options], port)


def dropbear(host: Host, port: int = 22) -> None:
    """The SSH server of routers and other boxes."""
    here = room(host, "dropbear", port)
    key = f"{here.path}/key"
    here.run(["/usr/bin/dropbearkey", "-t", "ed25519", "-f", key])
    here.start(["/usr/sbin/dropbear", "-F", "-E", "-P", "/run/pid", "-p", str(port), "-r", key], port)


def telnet(host: Host, port: int = 23) -> None:
    """The telnetd of inetutils behind its inetd. What asks for the name is a script: nobody ever gets in."""
    here = room(host, "telnetd", port)
    login = here.write("login", "#!/bin/sh\nprintf 'cabinet login: '\nread name\n", 0o755)
    row = f"{port} stream tcp nowait root /usr/sbin/telnetd telnetd -E {login}\n"
    here.start(["/usr/sbin/inetutils-inetd", "-d", here.write("inetd.conf", row)], port)
