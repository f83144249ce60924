"""How does a hand-made SSH server behave as no real one does? It decides itself what becomes of each channel.

paramiko's own server side, on loopback. What it was asked, and what it ran, stays readable.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import paramiko
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from paramiko.common import cMSG_CHANNEL_OPEN_FAILURE

from netwatch.carrier import hush
from netwatch.internet import OutsideSettings
from tests.lab.peers import Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

OPEN = "open"
Loose = Any  # paramiko ships no types
Answer = str | tuple[int, bytes] | None  # OPEN; a failure's code and text; silence for ever


def new_key(file: Path, kind: str = "ed25519", password: bytes | None = None) -> Path:
    """A fresh private key in a file of OpenSSH's form."""
    made: Any = {
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
    }[kind]()  # type: ignore[no-untyped-call]
    secret = BestAvailableEncryption(password) if password else NoEncryption()
    file.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, secret))
    file.chmod(0o600)
    return file


def nothing(_channel: Loose) -> None:
    """Say nothing on a channel that was opened, and keep it."""


class SshPeer(Peer):
    """An SSH server for the length of a context.

    `decide(address, port)`: what becomes of a connection that it is asked for. `serve(channel)`: speaks on
    one that was opened. `says`: what its one command prints; None: no sessions.
    """

    def __init__(  # noqa: PLR0913 - how it behaves
        self,
        folder: Path,
        decide: Callable[[str, int], Answer] = lambda *_: OPEN,
        *,
        serve: Callable[[Loose], None] = nothing,
        says: bytes | None = None,
        kinds: Sequence[str] = ("ed25519",),
        trusts: bool = True,
        address: str = "127.0.0.1",
    ) -> None:
        hush()
        super().__init__(self._behave_as_ssh, address)
        self.folder = folder
        self.decide, self.serve, self.says, self.trusts = decide, serve, says, trusts
        self.keys = {kind: paramiko.PKey.from_path(new_key(folder / f"host-{kind}", kind)) for kind in kinds}
        self.key_file = new_key(folder / "client")
        self.wanted: list[tuple[str, int]] = []
        self.ran: list[bytes] = []
        self.logins: list[str] = []
        self.held: list[Any] = []
        self.transports: list[Any] = []

    def settings(self, **more: str) -> OutsideSettings:
        """A site file's table that leads to it, and knows its key."""
        known = {} if {"host_key", "known_hosts"} & more.keys() else {"known_hosts": str(self.known_hosts())}
        told = {"key_file": str(self.key_file), "ssh": f"netwatch@{self.address}:{self.port}"}
        return OutsideSettings(**(told | known | more))  # type: ignore[arg-type] # pydantic reads the text

    def known_hosts(self, *kinds: str) -> Path:
        """A file that knows these of its keys, or all."""
        file = self.folder / "known_hosts"
        rows = [
            f"[{self.address}]:{self.port} {key.get_name()} {key.get_base64()}\n"
            for kind, key in self.keys.items()
            if not kinds or kind in kinds
        ]
        file.write_text("".join(rows), encoding="utf-8")
        return file

    def hang_up(self) -> None:
        """End every SSH connection that there is, at once."""
        for transport in list(self.transports):  # not the next one, which comes meanwhile
            transport.close()

    def _behave_as_ssh(self, talk: Talk) -> None:
        server = Server(talk.connection, self)
        self.transports.append(server)
        for key in self.keys.values():
            server.add_server_key(key)
        with suppress(paramiko.SSHException, EOFError, OSError):
            server.start_server(event=threading.Event(), server=Interface(self))
            server.join_or(self.stopping)
        server.close()
        server.packetizer.complete_handshake()
        server.join(2)


class Server(paramiko.Transport):  # type: ignore[misc] # it ships no types
    """One connection, seen from the server."""

    def __init__(self, sock: Loose, peer: SshPeer) -> None:
        super().__init__(sock)
        self.peer = peer

    def join_or(self, stopping: threading.Event) -> None:
        """Until it ends, or the test does."""
        while self.is_alive() and not stopping.is_set():
            self.join(0.02)

    def _parse_channel_open(self, message: Loose) -> None:
        kind, number = message.get_text(), message.get_int()
        message.get_int(), message.get_int()
        if kind == "direct-tcpip":
            where = message.get_text(), message.get_int()
            self.peer.wanted.append(where)
            answer = self.peer.decide(*where)
            if answer is None:
                return
            if isinstance(answer, tuple):
                self._fail(number, *answer)
                return
        elif self.peer.says is None:
            self._fail(number, 1, b"no sessions")
            return
        message.rewind()
        super()._parse_channel_open(message)

    def _fail(self, number: int, code: int, text: bytes) -> None:
        reply = paramiko.Message()
        reply.add_byte(cMSG_CHANNEL_OPEN_FAILURE)
        reply.add_int(number)
        reply.add_int(code)
        reply.add_string(text)
        reply.add_string("")
        self._send_message(reply)

    def _queue_incoming_channel(self, channel: Loose) -> None:
        self.peer.held.append(channel)
        threading.Thread(target=self._speak, args=(channel,), daemon=True).start()

    def _speak(self, channel: Loose) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            self.peer.serve(channel)


class Interface(paramiko.ServerInterface):  # type: ignore[misc] # it ships no types
    """What may be done there."""

    def __init__(self, peer: SshPeer) -> None:
        self.peer = peer

    def get_allowed_auths(self, _user: str) -> str:
        return "publickey,password"

    def check_auth_password(self, user: str, _password: str) -> int:
        self.peer.logins.append(f"password {user}")
        return int(paramiko.AUTH_FAILED)

    def check_auth_publickey(self, user: str, _key: Loose) -> int:
        self.peer.logins.append(f"key {user}")
        return int(paramiko.AUTH_SUCCESSFUL if self.peer.trusts else paramiko.AUTH_FAILED)

    def check_channel_request(self, _kind: str, _number: int) -> int:
        return int(paramiko.OPEN_SUCCEEDED)

    def check_channel_direct_tcpip_request(self, *_: Loose) -> int:
        return int(paramiko.OPEN_SUCCEEDED)

    def check_channel_exec_request(self, channel: Loose, command: bytes) -> bool:
        self.peer.ran.append(command)
        threading.Thread(target=_print, args=(channel, self.peer.says), daemon=True).start()
        return True


def _print(channel: Loose, text: bytes) -> None:
    with suppress(OSError, EOFError):
        channel.sendall(text)
        channel.close()
