"""Has everything that can go wrong with a mail server a sentence of its own? The rest is in test_mail.py."""

from __future__ import annotations

import smtplib
import socket
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.refusal import clean, refused, unreachable, unsafe
from netwatch.smtp import Ungreeted
from netwatch.words import LANGUAGES, messages

WHERE = {"host": "smtp.x.example", "port": 587}


def tls(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


def bad_certificate(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "x")
    error.verify_code, error.verify_message = code, "some reason"
    return error


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (socket.gaierror(-2, "x"), "no-such-host"),
        (ConnectionRefusedError(111, "x"), "port-closed"),
        (TimeoutError("x"), "no-answer"),
        (OSError(101, "Network is unreachable"), "unreachable"),
        (Ungreeted("x"), "silent"),
        (smtplib.SMTPConnectError(554, b"no"), "turned-away"),
        (smtplib.SMTPConnectError(-1, b"SSH"), "not-smtp"),
        (tls("WRONG_VERSION_NUMBER"), "not-tls"),
        (tls("UNSUPPORTED_PROTOCOL"), "old-tls"),
        (bad_certificate(9), "certificate-early"),
        (bad_certificate(10), "certificate-expired"),
        (bad_certificate(18), "certificate-own"),
        (bad_certificate(19), "certificate-authority"),
        (bad_certificate(20), "certificate-authority"),
        (bad_certificate(62), "certificate-name"),
        (bad_certificate(64), "certificate-name"),
        (bad_certificate(99), "certificate"),
    ],
)
def test_each_way_to_reach_nobody_has_its_sentence_in_both_languages(error: Exception, sentence: str) -> None:
    told = unreachable(error, WHERE)
    assert told.message == f"mail.{sentence}"
    for language in LANGUAGES:
        assert (
            "smtp.x.example:587" in messages(language)(told.message, **told.details)
            or sentence == "no-such-host"
        )


@given(st.integers(-1, 999), st.binary(max_size=300), st.integers(0, 4))
def test_whatever_a_server_answers_becomes_one_short_line_of_ours(code: int, said: bytes, kind: int) -> None:
    error = [
        smtplib.SMTPRecipientsRefused({"a@x.example": (code, said)}),
        smtplib.SMTPSenderRefused(code, said, "b@x.example"),
        smtplib.SMTPDataError(code, said),
        smtplib.SMTPAuthenticationError(code, said),
        smtplib.SMTPServerDisconnected(said.decode("latin-1")),
    ][kind]
    told = unsafe(error, WHERE, "user") if kind == 3 else refused(error, "a@x.example", "b@x.example")
    for language in LANGUAGES:
        sentence = messages(language)(told.message, **told.details)
        assert sentence.isprintable()
        assert len(sentence) < 600
    assert told.permanent is (kind != 4 and code >= 500)


def test_a_server_s_words_are_cut() -> None:
    assert clean("a\r\nb\x1b[2J" + "c" * 500)[:6] == "a  b ["
    assert len(clean("c" * 500)) == 200
