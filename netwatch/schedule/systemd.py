"""What do systemd's units say? A service that does one night and may do little else, and its timer. Pure.

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

# What a scan needs is named; everything else is taken away. CAP_NET_RAW is for ARP and half-open knocks.
# Not ProcSubset=pid: nmap does not find its network cards then.
HARDENED = f"""\
CapabilityBoundingSet=CAP_NET_RAW
AmbientCapabilities=CAP_NET_RAW
NoNewPrivileges=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_PACKET AF_UNIX
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
    """The name of both units of a site, without what they end in."""
    return f"netwatch-{slug}"


def recipe(job: Job) -> Recipe:
    """Both units, and how systemd comes to know them."""
    name = unit(job.slug)
    return Recipe(
        files=((UNITS / f"{name}.service", service(job)), (UNITS / f"{name}.timer", timer(job))),
        commands=(("systemctl", "daemon-reload"), ("systemctl", "enable", "--now", f"{name}.timer")),
    )


def removal(slug: str) -> Recipe:
    """The files that go, and the commands before they do. The stamp of the last night goes with them."""
    timer = f"{unit(slug)}.timer"
    return Recipe(
        files=tuple((UNITS / f"{unit(slug)}.{kind}", "") for kind in ("timer", "service")),
        commands=(
            ("systemctl", "disable", "--now", timer),
            ("systemctl", "clean", "--what=state", timer),
        ),
    )


def secrets(job: Job) -> dict[str, PurePosixPath]:
    """Where the secret of each name is expected: a file of root's that the service alone is shown."""
    return {name: STORE / f"netwatch.{job.slug}.{name}" for name in job.credentials}


def service(job: Job) -> str:
    """The service: one night, then it ends. SIGTERM ends it as Ctrl-C does: what was seen is kept."""
    # `:` leaves every $ as it is written.
    lines = [
        MARK,
        "[Unit]",
        f"Description=netwatch: one night of {described(job.name)}",
        "Wants=network-online.target",
        "After=network-online.target",
        "",
        "[Service]",
        "Type=oneshot",
        f"ExecStart=:{' '.join(map(quoted, job.command('scan')))}",
        f"User={job.user}",
        f"ReadWritePaths={quoted(str(job.data))}",
        *(f"LoadCredential={name}:{path}" for name, path in secrets(job).items()),
        "TimeoutStartSec=20h",  # the next night must find the way free
        "TimeoutStopSec=5min",
        "KillMode=mixed",
        "Nice=10",
        HARDENED,
        "",
    ]
    return "\n".join(lines)


def timer(job: Job) -> str:
    """The timer: every night, a missed one once when the machine is on again."""
    return "\n".join(
        [
            MARK,
            "[Unit]",
            f"Description=netwatch: every night of {described(job.name)}",
            "",
            "[Timer]",
            f"OnCalendar=*-*-* {job.at:%H:%M}:00",
            f"RandomizedDelaySec={job.spread}min",
            "FixedRandomDelay=yes",
            "AccuracySec=1min",
            "Persistent=yes",
            "",
            "[Install]",
            "WantedBy=timers.target",
            "",
        ]
    )


def quoted(word: str) -> str:
    """One word of a unit's line, whatever it holds: a backslash before `"` and itself, `%` doubled."""
    plain = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{plain}"'


def described(name: str) -> str:
    """A name within a line: no line end, no specifier, no backslash that takes the next line along."""
    return one_line(name).replace("\\", "/").replace("%", "%%")
