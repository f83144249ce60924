"""How do we get into a server by SSH, and make sure before that it is the right one? RFC 4252, 4253.

With a key, and never a password. Everything has an end: name, connection, greeting, keys, login. What the
server says on the way is neither shown nor kept. It is slow to import, as paramiko is.
"""

from __future__ import annotations

import os
import shlex
import socket
import stat
import struct
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paramiko
from paramiko.agent import AgentSSH, get_agent_connection

from netwatch.carrier import Bounded, Carrier, hush
from netwatch.errors import OutsideError
from netwatch.hostkeys import Known, Where, address_of, load
from netwatch.model import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netwatch.internet import OutsideSettings

ONE_ADDRESS = 5.0  # seconds for the TCP connection to one of its addresses
MOST_KEYS = 5  # a server hangs up after six (MaxAuthTries)
ALIVE = 15  # seconds between two signs of life
DEAD = 30_000  # milliseconds without an acknowledgement (tcp(7), TCP_USER_TIMEOUT)
AGENT = 5.0  # seconds for an SSH agent's answer
LARGEST = 65_536  # bytes of a private key
DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")


def recognised(settings: OutsideSettings, where: Where) -> Known:
    """What we know of its host key. Raises OutsideError where the file of known hosts cannot be read."""
    if settings.host_key:
        return Known(fingerprint=settings.host_key)
    file = settings.known_hosts or _home() / ".ssh" / "known_hosts"
    return load(file, where.host, where.port, named=settings.known_hosts is not None)


def login(settings: OutsideSettings, address: str | None, seconds: float) -> Carrier:
    """Reach it, recognise it, and get in. `address`: where it was found the first time.

    Raises OutsideError.
    """
    hush()
    by = time.monotonic() + seconds
    where = Where.parse(settings.ssh)
    known = recognised(settings, where)
    key = private_key(settings.key_file) if settings.key_file else None  # before anybody is bothered
    carrier = _reach(where, known, address, by)
    try:
        if key is not None:
            _enter(carrier, where, [key], by)
        else:
            with _agent() as held:
                _enter(carrier, where, [*held, *default_keys()], by)
    except BaseException as error:
        carrier.close()
        if isinstance(error, (paramiko.SSHException, OSError, EOFError)):
            raise OutsideError("vantage.not-ssh", Reason.PROTOCOL, **where.said) from None
        raise
    carrier.bounds.quota = None
    carrier.set_keepalive(ALIVE)
    return carrier


def private_key(file: Path) -> Any:  # noqa: ANN401 - paramiko ships no types
    """The key in this file. Raises OutsideError, which says what is wrong with it."""
    told = {"path": file, "command": f"chmod 600 {shlex.quote(str(file))}"}
    try:
        kind = file.stat()
    except OSError:
        raise OutsideError("vantage.key-missing", Reason.CREDENTIALS, **told) from None
    if kind.st_mode & 0o077:
        raise OutsideError("vantage.key-mode", Reason.CREDENTIALS, **told)
    if not stat.S_ISREG(kind.st_mode) or kind.st_size > LARGEST:
        raise OutsideError("vantage.key-unreadable", Reason.CREDENTIALS, **told)
    try:
        return paramiko.PKey.from_path(file)
    except Exception as error:  # noqa: BLE001 - cryptography and paramiko have no common error for a bad key
        said = str(error).lower()
        locked = isinstance(error, paramiko.PasswordRequiredException) or "password" in said
        name = "vantage.key-locked" if locked else "vantage.key-unreadable"
        raise OutsideError(name, Reason.CREDENTIALS, **told) from None


def default_keys() -> list[Any]:
    """Those of ~/.ssh that can be used as they are."""
    found = []
    for name in DEFAULT_KEYS:
        with suppress(OutsideError):
            found.append(private_key(_home() / ".ssh" / name))
    return found


@contextmanager
def _agent() -> Iterator[list[Any]]:
    """The keys that an SSH agent holds for us; none where there is no agent that works."""
    connection = get_agent_connection()
    if connection is None:
        yield []
        return
    with closing(connection):
        connection.settimeout(AGENT)
        agent, keys = AgentSSH(), []
        with suppress(paramiko.SSHException, OSError, struct.error):  # an agent that is none
            agent._connect(connection)  # noqa: SLF001 - its public form leaves a broken agent's socket open
            keys = list(agent.get_keys())
        yield keys


def _home() -> Path:
    """The user's own folder; a service may have none."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.sep)


def _reach(where: Where, known: Known, address: str | None, by: float) -> Carrier:
    """The first attempt at which it shows the key that we know."""
    shown: bytes | None = None
    for kinds in known.attempts:
        sock, at = _connected(where, address, by)
        carrier = Carrier(sock, kinds, (at, where.port))
        try:
            key = _greeted(carrier, where, by)
        except BaseException:
            carrier.close()
            raise
        if key is not None and known.fits(key):
            return carrier
        shown = shown or key
        carrier.close()
    if shown is None:
        raise OutsideError("vantage.not-ssh", Reason.PROTOCOL, **where.said)
    raise known.refusal(shown, **where.said)


def _connected(where: Where, address: str | None, by: float) -> tuple[Bounded, str]:
    """TCP, to each of its addresses in turn; and the one that answered."""
    try:
        found = socket.getaddrinfo(address or where.host, where.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise OutsideError("vantage.no-name", Reason.TIMEOUT, **where.said) from None
    for family, kind, protocol, _, at in found:
        sock = Bounded(family, kind, protocol)
        try:
            sock.settimeout(max(0.01, min(ONE_ADDRESS, by - time.monotonic())))
            sock.connect(at)
            with suppress(AttributeError, OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD)
        except OSError:
            sock.close()
        else:
            return sock, address_of(str(at[0])) or ""
    raise OutsideError("vantage.unreachable", Reason.TIMEOUT, **where.said)


def _greeted(carrier: Carrier, where: Where, by: float) -> bytes | None:
    """The host key that it shows and proves to have; None where it has none of the kinds we asked for."""
    left = by - time.monotonic()
    carrier.banner_timeout = carrier.handshake_timeout = max(0.01, left)
    try:
        carrier.start_client(timeout=left)
    except paramiko.ssh_exception.IncompatiblePeer:
        return None
    except (paramiko.SSHException, OSError, EOFError):
        raise OutsideError("vantage.not-ssh", Reason.PROTOCOL, **where.said) from None
    if not carrier.initial_kex_done or not carrier.active:
        raise OutsideError("vantage.too-slow", Reason.TIMEOUT, **where.said)
    key: bytes = carrier.get_remote_server_key().asbytes()
    return key


def _enter(carrier: Carrier, where: Where, keys: Sequence[Any], by: float) -> None:
    """With the first of our keys that it takes. Raises OutsideError where there is none."""
    for key in keys[:MOST_KEYS]:
        carrier.auth_timeout = max(0.01, by - time.monotonic())
        try:
            further = carrier.auth_publickey(where.user, key)
        except paramiko.AuthenticationException:
            if time.monotonic() >= by:
                raise OutsideError("vantage.too-slow", Reason.TIMEOUT, **where.said) from None
            if not carrier.active:
                break
        else:
            if not further:
                return
            break  # it wants a second proof, such as a password
    name = "vantage.login-refused" if keys else "vantage.no-key"
    raise OutsideError(name, Reason.CREDENTIALS, user=where.user, **where.said)
