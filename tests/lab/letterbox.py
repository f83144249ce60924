"""What did a real mail server receive? aiosmtpd on a loopback address, and a word at each step of SMTP."""

from __future__ import annotations

from contextlib import contextmanager
from email import policy
from email.parser import BytesParser
from typing import TYPE_CHECKING

from aiosmtpd.controller import Controller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import EmailMessage

    from aiosmtpd.smtp import SMTP, Envelope, Session


class Letterbox:
    """Keeps every mail. `on_step` hears `connect`, `mail`, `rcpt` and `data` before they are answered."""

    def __init__(self, on_step: Callable[[str], None] | None = None) -> None:
        self.mails: list[EmailMessage] = []
        self.host = ""
        self.port = 0
        self._on_step = on_step or (lambda _: None)

    @property
    def ids(self) -> set[str]:
        """The Message-IDs that came."""
        return {str(mail["Message-ID"]) for mail in self.mails}

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's names
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """A client says who it is."""
        self._on_step("connect")
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """The sender."""
        self._on_step("mail")
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """A recipient."""
        self._on_step("rcpt")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """A whole mail."""
        raw = envelope.original_content or b""
        self.mails.append(BytesParser(policy=policy.default).parsebytes(raw))
        self._on_step("data")
        return "250 OK"


@contextmanager
def letterbox(host: str, port: int, on_step: Callable[[str], None] | None = None) -> Iterator[Letterbox]:
    """A mail server for the length of a context."""
    box = Letterbox(on_step)
    box.host, box.port = host, port
    server = Controller(box, hostname=host, port=port)
    server.start()
    try:
        yield box
    finally:
        server.stop()
