"""What does it mean when no mail leaves? A server's answer, or its silence, as a sentence with what to do.

The usual mistakes have sentences of their own: a wrong name or port, TLS spoken to a port that begins in
clear and the reverse, a certificate, a password, a server that relays for nobody, an unknown recipient.
What a server says is repeated short and printable. Enhanced codes: RFC 3463. Pure.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from typing import Any

from netwatch.errors import DeliveryError
from netwatch.smtp import Ungreeted

# OpenSSL's numbers (x509_vfy.h), as `verify_code` gives them.
CERTIFICATES = {
    9: "mail.certificate-early",
    10: "mail.certificate-expired",
    18: "mail.certificate-own",
    19: "mail.certificate-authority",
    20: "mail.certificate-authority",
    21: "mail.certificate-authority",
    62: "mail.certificate-name",
    64: "mail.certificate-name",
}
OLD_TLS = {"UNSUPPORTED_PROTOCOL", "SSLV3_ALERT_HANDSHAKE_FAILURE", "TLSV1_ALERT_PROTOCOL_VERSION"}

# What is raised before there is a talk, the narrowest first.
UNREACHABLE: tuple[tuple[type[Exception], str], ...] = (
    (ssl.SSLError, "mail.not-tls"),
    (socket.gaierror, "mail.no-such-host"),
    (ConnectionRefusedError, "mail.port-closed"),
    (TimeoutError, "mail.no-answer"),
    (ConnectionResetError, "mail.silent"),  # it hung up without a word
    (Ungreeted, "mail.silent"),
    (smtplib.SMTPConnectError, "mail.not-smtp"),  # a greeting that is none of RFC 5321
)

LATER = 400
SHUTTING_DOWN = 421
FOR_GOOD = 500
WANTS_MORE = 530
TOO_LARGE = 552
RELAY = re.compile(r"(?i)relay")
STARTTLS = re.compile(r"(?i)starttls|encrypt")
ENHANCED = re.compile(r"\s*[245]\.(\d{1,3}\.\d{1,3})\b")
LONGEST = 200


def unreachable(error: Exception, where: dict[str, Any]) -> DeliveryError:
    """Why there is no talk at all."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return certificate(error, where)
    if isinstance(error, smtplib.SMTPConnectError) and error.smtp_code >= LATER:
        return _answered("mail.turned-away", error.smtp_code, error.smtp_error, **where)
    if isinstance(error, ssl.SSLError) and error.reason in OLD_TLS:
        return DeliveryError("mail.old-tls", **where)
    sentence = next((told for kind, told in UNREACHABLE if isinstance(error, kind)), "mail.unreachable")
    return DeliveryError(sentence, why=clean(str(error)), **where)


def certificate(error: ssl.SSLCertVerificationError, where: dict[str, Any]) -> DeliveryError:
    """What is wrong with the server's certificate."""
    sentence = CERTIFICATES.get(error.verify_code, "mail.certificate")
    return DeliveryError(sentence, why=clean(error.verify_message), **where)


def unsafe(error: Exception, where: dict[str, Any], user: str | None) -> DeliveryError:
    """Why the talk could not be made safe, or the login failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return certificate(error, where)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return DeliveryError("mail.not-offered", why=clean(str(error)), **where)
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return _answered("mail.login", error.smtp_code, error.smtp_error, user=user)
    if isinstance(error, UnicodeEncodeError):  # the error itself holds the password
        return DeliveryError("mail.login-letters", user=user)
    return cut(error)


def refused(error: Exception, recipient: str, sender: str) -> DeliveryError:
    """Why a letter was not taken."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, answer = next(iter(error.recipients.values()))
        said = _text(answer)
        sentence = _recipient(code, said)
    elif isinstance(error, smtplib.SMTPSenderRefused):
        code, said = error.smtp_code, _text(error.smtp_error)
        sentence = _sender(code, said)
    elif isinstance(error, smtplib.SMTPResponseException):
        code, said = error.smtp_code, _text(error.smtp_error)
        sentence = "mail.too-large" if code == TOO_LARGE else "mail.refused"
    else:
        return cut(error)
    if code == SHUTTING_DOWN:
        return DeliveryError("mail.cut", why=clean(f"421 {said}"))
    return _answered(sentence, code, said, recipient=recipient, sender=sender)


def cut(error: Exception) -> DeliveryError:
    """The talk ended before its end."""
    return DeliveryError("mail.cut", why=clean(str(error) or type(error).__name__))


def _recipient(code: int, said: str) -> str:
    """The answer to RCPT."""
    detail = _enhanced(said)
    if RELAY.search(said):
        return "mail.relay"
    if detail == "2.2" or code == TOO_LARGE:
        return "mail.mailbox-full"
    if code < FOR_GOOD:
        return "mail.later"
    if detail in {"1.1", "1.10"}:
        return "mail.no-such-recipient"
    return "mail.recipient-refused"


def _sender(code: int, said: str) -> str:
    """The answer to MAIL."""
    if code == WANTS_MORE:
        return "mail.wants-tls" if STARTTLS.search(said) else "mail.wants-login"
    if code == TOO_LARGE:
        return "mail.too-large"
    return "mail.sender-refused"


def _enhanced(said: str) -> str:
    found = ENHANCED.match(said)
    return found[1] if found else ""


def _answered(sentence: str, code: int, said: bytes | str, **details: object) -> DeliveryError:
    permanent = code >= FOR_GOOD  # RFC 5321 4.2.1
    return DeliveryError(
        sentence, permanent=permanent, code=code, said=clean(_text(said)), **dict[str, Any](details)
    )


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said


def clean(text: str) -> str:
    """One line, printable, at most 200 characters: a server's answer is no more trusted than a banner."""
    return "".join(c if c.isprintable() else " " for c in text).strip()[:LONGEST]
