"""Which mail servers does the lab have? A real one (aiosmtpd) that can be told to refuse.

``with office(Post(refuses={"a@example.org": "550 ..."})) as post: ... post.port, post.mails``. In a
namespace: ``python -m tests.lab.postoffice --bind 10.77.0.50 --port 2525 --folder FOLDER`` puts each mail
into a file there; `received` reads them. What no real server does is made of raw TCP by the tests that
need it (peers.Peer).
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from email.message import EmailMessage

    from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Post:
    """A mail server: what it refuses, and what it received.

    `refuses`: recipient -> answer to RCPT. `data`: answer to DATA. `dies`: so many times it hangs up
    after it took a mail and before it says so. `cuts`: recipients at whose name it hangs up. `hangs_up`: it
    says that it took a mail, and is gone. `password`: it offers a login, and this is the right one.
    """

    refuses: dict[str, str] = field(default_factory=dict)
    data: str = "250 OK"
    dies: int = 0
    cuts: set[str] = field(default_factory=set)
    hangs_up: bool = False
    password: str | None = None
    on_step: Callable[[str], None] = lambda _: (
        None
    )  # hears connect, mail, rcpt, data before they are answered
    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)  # also those it did not acknowledge
    raw: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)  # every recipient that was named
    logins: list[tuple[str, str]] = field(default_factory=list)

    @property
    def ids(self) -> set[str]:
        """The Message-IDs that came."""
        return {str(mail["Message-ID"]) for mail in self.mails}

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's names
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """A client says who it is."""
        self.on_step("connect")
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """The sender."""
        self.on_step("mail")
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Accept the recipient, or not."""
        self.on_step("rcpt")
        self.asked.append(address)
        if address in self.cuts:
            hang_up(server)
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the mail."""
        raw = envelope.original_content or b""
        self.raw.append(raw)
        self.mails.append(BytesParser(policy=policy.default).parsebytes(raw))
        self.recipients.append(list(envelope.rcpt_tos))
        self.on_step("data")
        if self.dies:
            self.dies -= 1
            hang_up(server)
        if self.hangs_up:
            await server.push(self.data)
            assert server.transport is not None
            server.transport.close()
        return self.data

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object
    ) -> AuthResult:
        """Right or wrong."""
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password.decode() == self.password, handled=False)


def hang_up(server: SMTP) -> None:
    """At once, without a word."""
    assert isinstance(server.transport, asyncio.WriteTransport)
    server.transport.abort()


def free_port(address: str = "127.0.0.1") -> int:
    """A port that nobody listens on."""
    with socket.create_server((address, 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def office(  # noqa: PLR0913 - each is one habit of real mail servers
    post: Post | None = None,
    *,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    clear_login: bool = False,
    login_required: bool = False,
    tls_required: bool = False,
    limit: int | None = None,
    host: str = "127.0.0.1",
    port: int | None = None,
) -> Iterator[Post]:
    """It answers on `host`. `clear_login`: it takes a password without STARTTLS, as bad ones do.
    `login_required`, `tls_required`: it takes no mail before. `limit`: bytes of the largest mail.
    """
    post = post or Post()
    post.port = port or free_port(host)
    login: dict[str, Any] = {} if post.password is None else {"authenticator": post.authenticate}
    server = Controller(
        post,
        hostname=host,
        port=post.port,
        ssl_context=tls,
        tls_context=starttls,
        auth_require_tls=not (clear_login or tls),
        auth_required=login_required,
        require_starttls=tls_required,
        data_size_limit=limit,
        **login,
    )
    server.start()
    try:
        yield post
    finally:
        server.stop()


def received(folder: Path) -> list[EmailMessage]:
    """The mails that the command kept there, the oldest first."""
    files = sorted(folder.glob("*.eml"))
    return [BytesParser(policy=policy.default).parsebytes(file.read_bytes()) for file in files]


def main() -> None:
    """Take every mail until SIGTERM or SIGINT."""
    words = argparse.ArgumentParser(prog="python -m tests.lab.postoffice", description=__doc__)
    words.add_argument("--bind", default="127.0.0.1")
    words.add_argument("--port", type=int, default=2525)
    words.add_argument("--folder", type=Path, required=True)
    given = words.parse_args()
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # before any thread: they inherit it

    def keep(step: str) -> None:
        if step == "data":
            half_made = given.folder / "half-made"
            half_made.write_bytes(post.raw[-1])
            half_made.rename(given.folder / f"{len(post.raw):04}.eml")

    post = Post(on_step=keep)
    with office(post, host=given.bind, port=given.port):
        signal.sigwait(signals)


if __name__ == "__main__":
    main()
