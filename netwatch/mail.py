"""How does a letter reach the mail server? SMTP (RFC 5321) over STARTTLS or TLS; the only module that sends.

A session is opened once for all waiting letters; each is handed over on its own, and its fate is known
before the next. Certificates are verified. A password is never sent in clear, except to this machine.
Where it stops: the server's 250 to DATA. What it does with the mail afterwards is not ours to know.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from netwatch.errors import DeliveryError
from netwatch.forms import MAIL_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from netwatch.config import MailSettings
    from netwatch.post import Letter

SECONDS = 30.0  # for one line, and for one whole answer of the server
# What smtplib raises, also on answers that follow no standard (binascii and Unicode errors are ValueErrors).
TROUBLE = (smtplib.SMTPException, OSError, ValueError)


class Bounded(smtplib.SMTP):
    """An SMTP client that no server can hold by never ending an answer."""

    def getreply(self) -> tuple[int, bytes]:
        """The answer, or a cut connection when it takes too long."""
        timer = threading.Timer(SECONDS, self._cut)
        timer.daemon = True
        timer.start()
        try:
            return super().getreply()
        finally:
            timer.cancel()

    def _cut(self) -> None:
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


class BoundedTls(Bounded, smtplib.SMTP_SSL):
    """The same, in TLS from the start."""


ENCODED = "=?"  # begins an encoded word (RFC 2047): email would decode it, line ends and all, into a header


@dataclass(frozen=True, slots=True)
class Session:
    """An open talk with the mail server."""

    server: smtplib.SMTP
    sender: str

    def send(self, letter: Letter, moment: datetime) -> None:
        """Hand one letter over. Raises DeliveryError, `permanent` where the server said 5xx."""
        try:
            mail = message(letter, self.sender, moment)
        except (MessageError, ValueError, IndexError) as error:  # email raises any of them on odd addresses
            raise DeliveryError("mail.address", permanent=True, recipient=_clean(letter.recipient)) from error
        try:
            self.server.send_message(mail, self.sender, [letter.recipient])
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            raise _refused("mail.recipient-refused", code, text, recipient=letter.recipient) from error
        except smtplib.SMTPSenderRefused as error:
            raise _refused(
                "mail.sender-refused", error.smtp_code, error.smtp_error, sender=self.sender
            ) from error
        except smtplib.SMTPResponseException as error:
            raise _refused("mail.refused", error.smtp_code, error.smtp_error) from error
        except TROUBLE as error:
            raise DeliveryError("mail.cut", why=_clean(str(error) or type(error).__name__)) from error


@contextmanager
def session(settings: MailSettings) -> Iterator[Session]:
    """Connect, secure, log in. Raises DeliveryError naming the usual mistake."""
    where: dict[str, Any] = {"host": settings.host, "port": settings.port}
    context = ssl.create_default_context()
    try:
        if settings.security == "tls":
            server: smtplib.SMTP = BoundedTls(settings.host, settings.port, timeout=SECONDS, context=context)
        else:
            server = Bounded(settings.host, settings.port, timeout=SECONDS)
    except ssl.SSLCertVerificationError as error:
        raise DeliveryError("mail.certificate", why=error.verify_message, **where) from error
    except ssl.SSLError as error:
        raise DeliveryError("mail.not-tls", **where) from error
    except TROUBLE as error:
        raise DeliveryError("mail.unreachable", why=_clean(str(error)), **where) from error
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
    except ssl.SSLCertVerificationError as error:
        raise DeliveryError("mail.certificate", why=error.verify_message, **where) from error
    except smtplib.SMTPNotSupportedError as error:
        raise DeliveryError("mail.not-offered", why=_clean(str(error)), **where) from error
    except smtplib.SMTPAuthenticationError as error:
        raise _refused("mail.login", error.smtp_code, error.smtp_error, user=settings.user) from error
    except UnicodeEncodeError:  # `from None`: the error holds the password
        raise DeliveryError("mail.login-letters", user=settings.user) from None
    except TROUBLE as error:
        raise DeliveryError("mail.cut", why=_clean(str(error))) from error


def message(letter: Letter, sender: str, moment: datetime) -> EmailMessage:
    """The mail: text and HTML, no image, no tracking. Raises email's errors for an address that is none."""
    mail = EmailMessage()
    mail["From"] = Address(display_name="netwatch", addr_spec=sender)
    mail["To"] = Address(addr_spec=letter.recipient)
    mail["Subject"] = _clean(letter.subject).replace(ENCODED, "= ?")
    mail["Date"] = format_datetime(moment)
    mail["Message-ID"] = letter.message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    return mail


def _refused(sentence: str, code: int, text: bytes | str, **details: object) -> DeliveryError:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    permanent = code >= 500  # noqa: PLR2004 - RFC 5321 4.2.1
    return DeliveryError(
        sentence, permanent=permanent, code=code, said=_clean(said), **dict[str, Any](details)
    )


def _clean(text: str) -> str:
    """One line, printable, at most 200 characters: a server's answer is no more trusted than a banner."""
    return "".join(c if c.isprintable() else " " for c in text).strip()[:200]


def _here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
