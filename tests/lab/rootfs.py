"""Where do the lab's servers come from, if nothing may be installed on this machine?

From Debian packages that are unpacked into a folder of the lab's own and never configured: no script
of a package runs, no service is started or enabled, no user is made. apt reads this machine's own
sources, so whatever mirror it uses is the one we use. Needs Debian (apt, dpkg-deb, tar) and root, for
two device files. Made once: afterwards no network is needed. `python -m tests.lab.rootfs` makes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PACKAGES = (
    *("orthanc", "dcmtk", "nftables", "openssl", "tcpdump"),
    # desktops and shells, for doors.py
    *("dash", "xrdp", "freerdp2-shadow-x11", "xvfb", "x11vnc"),
    *("openssh-server", "dropbear-bin", "inetutils-telnetd"),
    # files and databases, for data_doors.py
    *("samba", "smbclient", "vsftpd", "tftpd-hpa", "rsync"),
    *("rpcbind", "nfs-ganesha", "nfs-ganesha-mem", "tgt"),
    *("redis-server", "postgresql-15", "mariadb-server-core", "memcached", "firebird3.0-server"),
    # what a box with a plug speaks, for device_doors.py
    *("snmpd", "snmp", "cups-ipp-utils", "kamailio", "nginx-light", "libnginx-mod-http-dav-ext"),
    *("vlc-bin", "vlc-plugin-base"),
    # an internet box, and who asks it, for internet.py
    *("miniupnpd-nftables", "miniupnpc"),
    # who tells its name to the whole network, for test_real_names.py
    *("avahi-daemon", "wsdd", "systemd-resolved"),
)
# A quarter of the whole, and only there to draw triangles and to compile queries.
SPARED = ("libllvm14", "libllvm15", "libz3-4", "libgl1-mesa-dri")
UNREAD = ("doc", "man", "info", "locale")
# Raise it when what prepare() makes changes: an older root is then made anew.
RECIPE = "5 " + " ".join(PACKAGES)
DEVICES = {"null": (1, 3), "zero": (1, 5), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
ACCOUNTS = {"root": 0, "sshd": 101, "ftp": 102, "tftp": 103, "postgres": 104, "_rpc": 105, "nobody": 65534}
STAMP = "netwatch-lab-recipe"


def location() -> Path:
    """Where the root is, or will be."""
    named = os.environ.get("NETWATCH_LAB_ROOT")
    return Path(named) if named else Path.home() / ".cache" / "netwatch" / "lab-root"


def prepare(root: Path | None = None) -> Path:
    """The root, made now if it is missing or of another recipe.

    Raises FileExistsError for a folder that is not a root of ours: it is never deleted.
    """
    root = root or location()
    if _is_current(root):
        return root
    root.parent.mkdir(parents=True, exist_ok=True)
    with _alone(root):
        if _is_current(root):  # somebody made it while we waited
            return root
        if root.exists() and any(root.iterdir()) and not (root / STAMP).exists():
            reason = f"{root} is not a lab root: delete it, or name another folder in NETWATCH_LAB_ROOT"
            raise FileExistsError(reason)
        half_made = root.with_name(f"{root.name}.half-made")
        shutil.rmtree(half_made, ignore_errors=True)
        _make(half_made)
        shutil.rmtree(root, ignore_errors=True)
        half_made.rename(root)  # whole, or not at all
    return root


def _is_current(root: Path) -> bool:
    """Whether this folder was made by this very recipe."""
    try:
        return (root / STAMP).read_text(encoding="utf-8") == RECIPE
    except OSError:
        return False


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """One maker at a time; the lock goes with the process that holds it."""
    with root.with_name(f"{root.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(root: Path) -> None:
    """Folders, packages, devices; the stamp comes last."""
    for folder in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / folder).mkdir(parents=True)
    for folder in ("dev/pts", "dev/shm", "etc", "proc", "run", "srv", "tmp", "var"):
        (root / folder).mkdir(parents=True)
    (root / "var" / "run").symlink_to("../run")
    for merged in ("bin", "sbin", "lib", "lib64"):  # before any package: tar follows them
        (root / merged).symlink_to(f"usr/{merged}")
    (root / "tmp").chmod(0o1777)
    apt = root / "apt"
    for package in _download(apt):
        if package.name.partition("_")[0] not in SPARED:
            _unpack(package, root)
    shutil.rmtree(apt)
    _devices(root / "dev")
    _accounts(root / "etc")
    (root / "etc" / "hosts").write_text("127.0.0.1 localhost\n", encoding="utf-8")
    (root / "etc" / "localtime").symlink_to("/usr/share/zoneinfo/Etc/UTC")  # Orthanc insists on the link
    (root / STAMP).write_text(RECIPE, encoding="utf-8")


def _download(state: Path) -> list[Path]:
    """The packages and all they depend on, as if nothing were installed here."""
    for folder in ("lists/partial", "archives/partial"):
        (state / folder).mkdir(parents=True)
    (state / "status").touch()
    options = [
        f"Dir::State={state}",
        f"Dir::State::lists={state}/lists",
        f"Dir::State::status={state}/status",
        f"Dir::Cache={state}",
        f"Dir::Cache::archives={state}/archives",
        "Dir::Cache::pkgcache=",
        "Dir::Cache::srcpkgcache=",
        "Dir::Log=" + str(state),
        "APT::Sandbox::User=root",  # its own user could not write below a home folder
        "APT::Keep-Downloaded-Packages=true",
        "Acquire::Retries=3",
    ]
    apt = ["apt-get", "--quiet", "--yes", *(word for option in options for word in ("-o", option))]
    _must([*apt, "update"])
    _must([*apt, "install", "--no-install-recommends", "--download-only", *PACKAGES])
    return sorted((state / "archives").glob("*.deb"))


def _unpack(package: Path, root: Path) -> None:
    """The files of a package, and none of its scripts."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as files:
        spared = [f"--exclude=./usr/share/{folder}/*" for folder in UNREAD]
        _must(["tar", "-x", "-C", str(root), "--keep-directory-symlink", *spared], stdin=files.stdout)
    if files.returncode:
        reason = f"{package.name} is damaged"
        raise RuntimeError(reason)


def _devices(folder: Path) -> None:
    """What servers open without asking."""
    for name, numbers in DEVICES.items():
        os.mknod(folder / name, 0o666 | stat.S_IFCHR, os.makedev(*numbers))
        (folder / name).chmod(0o666)
    (folder / "ptmx").symlink_to("pts/ptmx")  # of the devpts that doors.py mounts for one server alone


def _accounts(folder: Path) -> None:
    """Who the servers wish to be; nobody can log in. tcpdump too looks for its user here."""
    rows = [f"{name}:x:{number}:{number}::/:/bin/false\n" for name, number in ACCOUNTS.items()]
    (folder / "passwd").write_text("".join(rows), encoding="utf-8")
    groups = [f"{name}:x:{number}:\n" for name, number in (ACCOUNTS | {"tty": 5}).items()]
    (folder / "group").write_text("".join(groups), encoding="utf-8")


def _must(argv: Sequence[str], **options: object) -> None:
    """Run it; what it said is in the error if it failed."""
    done = subprocess.run(  # type: ignore[call-overload]
        argv,
        check=False,
        text=True,
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
        **({"stdin": subprocess.DEVNULL} | options),
    )
    if done.returncode:
        reason = f"{argv[0]} failed making the lab's root:\n{done.stdout[-2000:]}"
        raise RuntimeError(reason)


if __name__ == "__main__":
    sys.stdout.write(f"{prepare()}\n")
