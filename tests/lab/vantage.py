"""Which server of ours stands on the internet, and what does a site file say of it?

As somebody rents one: a real sshd (sshd.py), an ordinary account whose key carries connections and no more.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.lab.sshd import openssh

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.net import Host
    from tests.lab.sshd import Sshd


@dataclass(frozen=True, slots=True)
class Vantage:
    """It runs. `known_hosts`: a file that knows it."""

    host: Host
    sshd: Sshd
    known_hosts: Path

    @property
    def address(self) -> str:
        """Its address on the internet."""
        return self.host.address

    @property
    def key(self) -> Path:
        """The private key of its user."""
        return self.sshd.key

    @property
    def target(self) -> str:
        """As a site file names it: `netwatch@62.210.77.10`."""
        return self.sshd.target

    @property
    def host_key(self) -> str:
        """The fingerprint of its host key, as `ssh-keygen -lf` says it."""
        blob = base64.b64decode(self.sshd.public["ed25519"].split()[1])
        return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")

    @property
    def settings(self) -> dict[str, str]:
        """The table [vantage.outside] of a site file."""
        return {"ssh": self.target, "key_file": str(self.key), "known_hosts": str(self.known_hosts)}


def vantage(host: Host, port: int = 22) -> Vantage:
    """Start it, with keys of its own."""
    sshd = openssh(host, port)
    return Vantage(host, sshd, sshd.known_hosts(host.lab.scratch))
