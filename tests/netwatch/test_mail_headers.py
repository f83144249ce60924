"""Can a device's name, or a practice's, write a header, hide text, or break a line?

The whole way is gone: a hostile name into an alert, the alert into a mail, the mail into bytes as smtplib
sends them, and these through the real parser.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.parser import BytesParser
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import probes
from netwatch.change import Change, ChangeKind
from netwatch.composition import RULES
from netwatch.config import MailSettings
from netwatch.mail import message, plain, session
from netwatch.model import Device, Exposure, Finding, Link, Vantage
from netwatch.post import Alert, Letter, Reader, Role
from netwatch.words import Catalogue
from reports.mail import compose
from tests.lab.postoffice import office

if TYPE_CHECKING:
    from email.message import EmailMessage

NOW = datetime(2026, 11, 23, 21, tzinfo=UTC)
CATALOGUE = Catalogue((*probes.words(), RULES))
HEADERS = ["Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To"]
MOST = 998  # octets of a line without its end (RFC 5322 2.1.1)

NASTY = (
    "x\r\nBcc: victim@example.org",
    "x\nSubject: another",
    "x\r\n\r\n<script>body</script>",
    "a\u2028Bcc: b\u2029c\u0085d\x0bd\x0ce",
    "\x00\x1b[2J\x7f",
    "=?utf-8?q?=0D=0ABcc:_victim=40example.org?=",
    "=?utf-8?b?DQpCY2M6IHY=?=",
    "=??Q?=0A",
    "==?utf-8?q?=0ABcc:_x?=??",
    "PACS\u202egpj.exe\u202c \u2066x\u2069 \u200e\u200f\u061c",
    "é" * 1200,
    "x" * 1200,
    "a b" * 600,
    "\U0001f3e5" * 400,
    "\ud800\udfff",
    "--===============",
    ".\r\n.\r\nMAIL FROM:<x@y.example>",
    "",
)
NAMES = st.one_of(
    st.sampled_from(NASTY), st.text(max_size=120), st.lists(st.sampled_from(NASTY), max_size=3).map("".join)
)


def written(name: str, role: Role = Role.CONSULTANT, language: str = "fr") -> Letter:
    """The letter of an alert in which everything that a stranger chooses is `name`."""
    device = Device("d", "192.168.1.20", names=(name,), vendor=name, maker=name, model=name)
    link = Link("d", "192.168.1.20", 104, "mapping")
    found = Finding(
        "dicom-query-answered",
        "p-203.0.113.7",
        11112,
        address=name,
        vantage=Vantage.OUTSIDE,
        exposure=Exposure.EXPOSED,
        link=link,
    )
    unknown = Finding(name, "d", 104, address="192.168.1.20", about={"product": name, "version": name})
    changes = (Change(ChangeKind.APPEARED, found), Change(ChangeKind.APPEARED, unknown))
    content = compose(
        name,
        Alert("s", "r", changes),
        {"d": device},
        CATALOGUE,
        Reader(language, role),
        True,  # noqa: FBT003
        NOW,
        (name,),
    )
    return Letter("<1@x.example>", "dr@x.example", content.subject, content.text, content.html)


def sent(letter: Letter) -> bytes:
    """As smtplib makes it."""
    mail = message(letter, "netwatch@x.example", NOW)
    return mail.as_bytes(policy=mail.policy.clone(linesep="\r\n"))


def parsed(raw: bytes) -> EmailMessage:
    return BytesParser(policy=policy.default).parsebytes(raw)


def visible(text: str) -> bool:
    return all(unicodedata.category(c)[0] != "C" for c in text)


@given(NAMES)
@example("PACS\u202egpj.exe")
@example("0\u00a1 \u0e3f")
@settings(deadline=None, max_examples=150)
def test_no_name_can_write_a_header_hide_text_or_break_a_line(name: str) -> None:
    letter = written(name)
    raw = sent(letter)
    mail = parsed(raw)
    assert sorted(mail.keys()) == HEADERS
    assert all(len(line) <= MOST for line in raw.split(b"\r\n"))
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert visible(mail["Subject"])
    assert mail["Subject"] == plain(letter.subject), "nothing is lost, not even a space"
    assert (mail["To"], mail["From"]) == ("dr@x.example", "netwatch <netwatch@x.example>")
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert [part.defects for part in mail.walk()] == [[], [], []]
    text, html = (part.get_content().replace("\r\n", "\n") for part in mail.iter_parts())
    assert (text.strip(), html.strip()) == (letter.text.strip(), letter.html.strip())
    assert visible(text.replace("\n", ""))
    assert not re.search(r"(?i)<(script|img|a|iframe|link)\b", html)


@given(st.one_of(NAMES, st.text(max_size=1500)))
@settings(deadline=None)
def test_no_subject_however_it_came_can_write_a_header(subject: str) -> None:
    """Also one that no composer of ours has cleaned."""
    raw = sent(Letter("<1@x.example>", "dr@x.example", subject, "t", "<p>t</p>"))
    mail = parsed(raw)
    assert sorted(mail.keys()) == HEADERS
    assert visible(mail["Subject"])
    assert all(len(line) <= MOST for line in raw.split(b"\r\n"))


@pytest.mark.parametrize("name", NASTY)
def test_the_same_through_a_real_server(name: str) -> None:
    with office() as post:
        where = MailSettings.model_validate(
            {"host": "127.0.0.1", "port": post.port, "security": "none", "sender": "n@x.example"}
        )
        with session(where) as talk:
            for role in Role:
                talk.send(replace(written(name, role), message_id=f"<{role}@x.example>"), NOW)
    assert post.recipients == [["dr@x.example"]] * 2
    for mail in post.mails:
        assert set(HEADERS) <= set(mail.keys())
        assert set(mail.keys()) - set(HEADERS) <= {"X-Peer", "X-MailFrom", "X-RcptTo"}
        assert visible(mail["Subject"])
