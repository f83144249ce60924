"""What do systemd's units say? A service that does one night and may do little else, one that looks after the
post between the nights and may do less, and a timer for each. Pure.

systemd.unit(5), systemd.exec(5), systemd.timer(5), as of version 247, which Debian has since its 11.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from netwatch.exits import Exit
from netwatch.schedule import Recipe, one_line

if TYPE_CHECKING:
    from netwatch.schedule import Job

UNITS = PurePosixPath("/etc/systemd/system")
STORE = PurePosixPath("/etc/credstore")  # systemd's own folder for secrets, root's alone
MARK = "# Written by `netwatch schedule install`; `netwatch schedule remove` takes it away."
# Nights that ended as they may: not all could be asked, another scan was at work, the window is closed.
FINE = " ".join(str(int(code)) for code in (Exit.INCOMPLETE, Exit.BUSY, Exit.CLOSED))

# What each needs is named; everything else is taken away. CAP_NET_RAW is for ARP and half-open knocks.
SCANS = """\
CapabilityBoundingSet=CAP_NET_RAW
AmbientCapabilities=CAP_NET_RAW
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_PACKET AF_UNIX"""
TENDS = """\
CapabilityBoundingSet=
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX"""
# Not ProcSubset=pid: nmap does not find its network cards then.
HARDENED = f"""\
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
KeyringMode=private
UMask=0077
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
SuccessExitStatus={FINE}"""


def unit(slug: str) -> str:
    """The name of both units of a site's nights, without what they end in."""
    return f"netwatch-{slug}"


def between(slug: str) -> str:
    """The name of those that look after its post. No slug has a point, so that it is no other site's."""
    return f"{unit(slug)}.tend"


def recipe(job: Job) -> Recipe:
    """All units, and how systemd comes to know them."""
    night, day = unit(job.slug), between(job.slug)
    return Recipe(
        files=(
            (UNITS / f"{night}.service", service(job)),
            (UNITS / f"{night}.timer", timer(job)),
            (UNITS / f"{day}.service", tending(job)),
            (UNITS / f"{day}.timer", hourly(job)),
        ),
        commands=(
            ("systemctl", "daemon-reload"),
            ("systemctl", "enable", "--now", f"{night}.timer", f"{day}.timer"),
        ),
    )


def removal(slug: str) -> Recipe:
    """The files that go, and the commands before they do. The stamp of the last night goes with them."""
    timer, names = f"{unit(slug)}.timer", (between(slug), unit(slug))
    return Recipe(
        files=tuple((UNITS / f"{name}.{kind}", "") for name in names for kind in ("timer", "service")),
        commands=(
            *(("systemctl", "disable", "--now", f"{name}.timer") for name in names),
            ("systemctl", "clean", "--what=state", timer),
        ),
    )


def secrets(job: Job) -> dict[str, PurePosixPath]:
    """Where the secret of each name is expected: a file of root's that the service alone is shown."""
    return {name: STORE / f"netwatch.{job.slug}.{name}" for name in job.credentials}


def service(job: Job) -> str:
    """The service: one night, then it ends. SIGTERM ends it as Ctrl-C does: what was seen is kept."""
    return _service(
        job,
        "one night",
        "scan",
        f"After={between(job.slug)}.service",  # which holds the site's lock for a moment
        "TimeoutStartSec=20h",  # the next night must find the way free
        SCANS,
    )


def tending(job: Job) -> str:
    """The other service: hand over the letters that wait, and say what is due."""
    return _service(job, "the post between the nights", "tend", "TimeoutStartSec=15min", TENDS)


def _service(job: Job, what: str, verb: str, *more: str) -> str:
    """A service. `more`: lines of its own; those that begin with After= belong to the unit."""
    after = [line for line in more if line.startswith("After=")]
    # `:` leaves every $ as it is written.
    lines = [
        MARK,
        "[Unit]",
        f"Description=netwatch: {what} of {described(job.name)}",
        "Wants=network-online.target",
        "After=network-online.target",
        *after,
        "",
        "[Service]",
        "Type=oneshot",
        f"ExecStart=:{' '.join(map(quoted, job.command(verb)))}",
        f"User={job.user}",
        f"ReadWritePaths={quoted(str(job.data))}",
        *(f"LoadCredential={name}:{path}" for name, path in secrets(job).items()),
        "TimeoutStopSec=5min",
        "KillMode=mixed",
        "Nice=10",
        *(line for line in more if line not in after),
        HARDENED,
        "",
    ]
    return "\n".join(lines)


def timer(job: Job) -> str:
    """The timer: every night, a missed one once when the machine is on again."""
    return _timer(
        f"every night of {described(job.name)}",
        f"OnCalendar=*-*-* {job.at:%H:%M}:00",
        f"RandomizedDelaySec={job.spread}min",
        "FixedRandomDelay=yes",
        "AccuracySec=1min",
        "Persistent=yes",
    )


def hourly(job: Job) -> str:
    """The other timer: every hour. A missed hour is nothing: the next one does the same."""
    return _timer(
        f"every hour, the post of {described(job.name)}",
        f"OnCalendar=*-*-* *:{job.tended:02}:00",
        "RandomizedDelaySec=5min",
        "AccuracySec=1min",
    )


def _timer(what: str, *lines: str) -> str:
    """A timer."""
    head = [MARK, "[Unit]", f"Description=netwatch: {what}", "", "[Timer]"]
    return "\n".join([*head, *lines, "", "[Install]", "WantedBy=timers.target", ""])


def quoted(word: str) -> str:
    """One word of a unit's line, whatever it holds: a backslash before `"` and itself, `%` doubled."""
    plain = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{plain}"'


def described(name: str) -> str:
    """A name within a line: no line end, no specifier, no backslash that takes the next line along."""
    return one_line(name).replace("\\", "/").replace("%", "%%")
