"""What does a reception's computer answer at its doors? Hand-made, where no real server can be started."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.lab.peers import Talk

NLA_REQUIRED = bytes.fromhex("030000130ed000001234000300080005000000")  # MS-RDPBCGR 2.2.1.2.2, failure 5


def remote_desktop(talk: Talk) -> None:
    """Windows with Network Level Authentication: who offers less is refused; what follows is not played."""
    head = talk.read(4)
    asked = talk.read(int.from_bytes(head[2:4], "big") - 4)
    if asked[-4] & 2:
        talk.send(bytes.fromhex("030000130ed000001234000200080002000000"))
    else:
        talk.send(NLA_REQUIRED)
    talk.end()


def open_screen(talk: Talk) -> None:
    """VNC without a password: RFC 6143 7.1."""
    talk.send(b"RFB 003.008\n")
    talk.read(12)
    talk.send(b"\x01\x01")
    talk.hold()
