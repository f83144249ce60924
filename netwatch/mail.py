"""How does a letter reach the mail server? SMTP (RFC 5321) over STARTTLS or TLS; with notify.py, what sends.

A session is opened once for all waiting letters; each is handed over on its own, and its fate is known
before the next. Certificates are verified. A password is never sent in clear, except to this machine.
Where it stops: the server's 250 to DATA. What it does with the mail afterwards is not ours to know.
"""

from __future__ import annotations

import re
import smtplib
import ssl
import unicodedata
from contextlib import contextmanager
from dataclasses import dataclass
from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from netwatch import smtp
from netwatch.errors import DeliveryError
from netwatch.forms import MAIL_ADDRESS
from netwatch.refusal import clean, refused, unreachable, unsafe
from netwatch.smtp import TROUBLE, Bounded, BoundedTls

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from netwatch.config import MailSettings
    from netwatch.post import Letter

SUBJECT = 200  # characters: encoded, far less than the 998 octets of a line (RFC 5322 2.1.1) once folded
TAKEN, REFUSED = range(200, 300), 400  # RFC 5321 4.2.1


class _Letters(EmailPolicy):
    """As email's own, but for a subject with accents: email encodes it word by word, and loses spaces."""

    def fold_binary(self, name: str, value: Any) -> bytes:  # noqa: ANN401 - as email has it
        """The lines of one header."""
        if name != "Subject" or str(value).isascii():
            return super().fold_binary(name, value)
        folded = Header(str(value), "utf-8", header_name=name).encode(linesep=self.linesep)
        return f"{name}: {folded}{self.linesep}".encode("ascii")


LETTERS = _Letters()
ENCODED = "=?"  # begins an encoded word (RFC 2047): email would decode it, line ends and all, into a header


@dataclass(frozen=True, slots=True)
class Session:
    """An open talk with the mail server."""

    server: Bounded
    sender: str

    def send(self, letter: Letter, moment: datetime) -> None:
        """Hand one letter over. Raises DeliveryError: `permanent` where the server said 5xx, `mail.perhaps`
        where the letter has left and no answer came."""
        self.server.handed = self.server.answered = False
        try:
            mail = message(letter, self.sender, moment)
        except (MessageError, ValueError, IndexError) as error:  # email raises any of them on odd addresses
            raise DeliveryError("mail.address", permanent=True, recipient=clean(letter.recipient)) from error
        try:
            self.server.send_message(mail, self.sender, [letter.recipient])
        except TROUBLE as error:
            answer = error.smtp_code if isinstance(error, smtplib.SMTPDataError) else 0
            if self.server.answered and answer in TAKEN:  # not the 250 of the book, and yet a yes
                return
            if self.server.handed and answer < REFUSED:
                raise DeliveryError("mail.perhaps") from error
            raise refused(error, letter.recipient, self.sender) from error


@contextmanager
def session(settings: MailSettings) -> Iterator[Session]:
    """Connect, secure, log in. Raises DeliveryError naming the usual mistake."""
    where: dict[str, Any] = {"host": settings.host, "port": settings.port}
    context = ssl.create_default_context()
    try:
        if settings.security == "tls":
            server: Bounded = BoundedTls(settings.host, settings.port, timeout=smtp.SECONDS, context=context)
        else:
            server = Bounded(settings.host, settings.port, timeout=smtp.SECONDS)
    except TROUBLE as error:
        raise unreachable(error, where) from error
    try:
        _secure(server, settings, context)
        yield Session(server, sender(settings))
    finally:
        try:
            server.quit()
        except TROUBLE:
            server.close()


def sender(settings: MailSettings) -> str:
    """The From address: the one of the site file, else the user where that is an address."""
    user = settings.user or ""
    return settings.sender or (user if MAIL_ADDRESS.fullmatch(user) else f"netwatch@{settings.host}")


def _secure(server: smtplib.SMTP, settings: MailSettings, context: ssl.SSLContext) -> None:
    """STARTTLS where asked, then the login where there is a user."""
    where: dict[str, Any] = {"host": settings.host, "port": settings.port}
    try:
        if settings.security == "starttls":
            server.starttls(context=context)
        if settings.user is None:
            return
        if settings.security == "none" and not _here(settings.host):
            raise DeliveryError("mail.password-in-clear", **where)
        password = settings.password()
        if password is None:
            raise DeliveryError("mail.no-password", user=settings.user)
        server.login(settings.user, password)
    except UnicodeEncodeError as error:  # `from None`: the error holds the password
        raise unsafe(error, where, settings.user) from None
    except TROUBLE as error:
        raise unsafe(error, where, settings.user) from error


def message(letter: Letter, sender: str, moment: datetime) -> EmailMessage:
    """The mail: text and HTML, no image, no tracking. Raises email's errors for an address that is none."""
    mail = EmailMessage(policy=LETTERS)
    mail["From"] = Address(display_name="netwatch", addr_spec=sender)
    mail["To"] = Address(addr_spec=letter.recipient)
    mail["Subject"] = plain(letter.subject)
    mail["Date"] = format_datetime(moment)
    mail["Message-ID"] = letter.message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    return mail


def plain(subject: str) -> str:
    """A subject as one visible line: no line end, no control, no sign that turns the reading direction, and
    nothing that a mail program would decode."""
    visible = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in subject)
    return re.sub(" +", " ", visible).strip()[:SUBJECT].replace(ENCODED, "= ?")


def _here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
