"""Does the mail leave, and where it does not, does the user learn what to do? Against real servers."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwatch import mail, smtp
from netwatch.config import MailSettings
from netwatch.errors import ConfigError, DeliveryError
from netwatch.post import Letter
from netwatch.words import LANGUAGES, messages
from tests.lab import certificates
from tests.lab.peers import Peer, Talk
from tests.lab.postoffice import Post, free_port, office

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

NOW = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)
LETTER = Letter(
    "<1@netwatch.test>", "dr@cabinet.example", "Un sujet accentué", "Du texte.", "<p>Du <b>HTML</b>.</p>"
)
PASSWORD = "Zz-never-in-clear"  # noqa: S105 - of a server that lives for a second


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits half a minute for a server that never answers."""
    monkeypatch.setattr(smtp, "SECONDS", 1.0)
    monkeypatch.setattr(smtp, "TAKING", 2.0)


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("NETWATCH_MAIL_PASSWORD", PASSWORD)
    return PASSWORD


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """TLS of a server called `localhost`, whose certificate this machine trusts."""
    pair = certificates.make(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(pair.certificate))
    return certificates.Tls().context(pair)


def to(port: int, **more: Any) -> MailSettings:  # noqa: ANN401 - as a site file would say it
    return MailSettings.model_validate(
        {"host": "localhost", "port": port, "sender": "netwatch@cabinet.example"} | more
    )


def send(where: MailSettings, letter: Letter = LETTER) -> None:
    with mail.session(where) as session:
        session.send(letter, NOW)


def refusal(where: MailSettings, letter: Letter = LETTER) -> DeliveryError:
    with pytest.raises(DeliveryError) as refused:
        send(where, letter)
    for language in LANGUAGES:
        text = messages(language)(refused.value.message, **refused.value.details)
        assert text.isprintable()
        assert PASSWORD not in text
    return refused.value


def told(error: DeliveryError, language: str = "en") -> str:
    return messages(language)(error.message, **error.details)


def test_a_letter_arrives_as_text_and_as_html_under_its_own_id() -> None:
    with office() as post:
        send(to(post.port, security="none"))
    [received] = post.mails
    assert post.recipients == [["dr@cabinet.example"]]
    assert received["From"] == "netwatch <netwatch@cabinet.example>"
    assert (received["To"], received["Subject"]) == ("dr@cabinet.example", "Un sujet accentué")
    assert (received["Message-ID"], received["Auto-Submitted"]) == ("<1@netwatch.test>", "auto-generated")
    assert received["Date"].datetime == NOW
    assert received.get_content_type() == "multipart/alternative"
    text, html = received.get_body(("plain",)), received.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().strip() == "Du texte."
    assert html.get_content().strip() == "<p>Du <b>HTML</b>.</p>"


def test_a_lone_dot_and_long_lines_do_not_cut_a_letter() -> None:
    text = "first\n.\n..\n" + "x" * 5000 + "\nlast"
    with office() as post:
        send(to(post.port, security="none"), replace(LETTER, text=text))
    body = post.mails[0].get_body(("plain",))
    assert body is not None
    assert body.get_content().splitlines() == text.splitlines()


def test_one_session_hands_over_many_letters() -> None:
    with office() as post, mail.session(to(post.port, security="none")) as session:
        for number in range(3):
            session.send(replace(LETTER, message_id=f"<{number}@netwatch.test>"), NOW)
    assert [received["Message-ID"] for received in post.mails] == [f"<{n}@netwatch.test>" for n in range(3)]


@pytest.mark.usefixtures("password")
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_login_is_made_inside_tls(trusted: ssl.SSLContext, security: str) -> None:
    with office(Post(password=PASSWORD), **{security: trusted}) as post:  # type: ignore[arg-type]
        send(to(post.port, security=security, user="netwatch@cabinet.example"))
    assert len(post.mails) == 1
    assert set(post.logins) == {("netwatch@cabinet.example", PASSWORD)}


@pytest.mark.usefixtures("password")
@pytest.mark.parametrize("user", ["cabinet", "cabinet martin", "dr martin@cabinet.example", "a@b@c"])
def test_a_login_name_that_is_no_mail_address_is_not_taken_for_the_sender(user: str) -> None:
    with office(Post(password=PASSWORD), clear_login=True) as post:
        send(to(post.port, security="none", user=user, sender=None))
    assert post.mails[0]["From"] == "netwatch <netwatch@localhost>"


@pytest.mark.usefixtures("password")
def test_a_login_name_that_is_a_mail_address_is_the_sender_where_none_is_named() -> None:
    with office(Post(password=PASSWORD), clear_login=True) as post:
        send(to(post.port, security="none", user="dr@cabinet.example", sender=None))
    assert post.mails[0]["From"] == "netwatch <dr@cabinet.example>"


# ------------------------------------------------------------------------------------ the usual mistakes


def test_a_port_where_nobody_listens_is_said_with_the_keys_to_check() -> None:
    error = refusal(to(port := free_port()))
    assert error.message == "mail.port-closed"
    assert f"localhost:{port}" in told(error)
    assert "mail.host" in told(error)
    assert "Vérifiez mail.host et mail.port" in told(error, "fr")


def test_tls_on_a_port_that_begins_in_clear_is_said_with_the_right_word() -> None:
    with office() as post:
        error = refusal(to(post.port, security="tls"))
    assert error.message == "mail.not-tls"
    for language in LANGUAGES:
        assert 'mail.security = "starttls"' in told(error, language)


@pytest.mark.parametrize("security", ["none", "starttls"])
def test_a_port_that_speaks_tls_from_the_start_says_nothing_and_the_right_word_is_said(
    trusted: ssl.SSLContext, security: str
) -> None:
    with office(tls=trusted) as post:
        error = refusal(to(post.port, security=security))
    assert error.message == "mail.silent"
    for language in LANGUAGES:
        assert 'mail.security = "tls"' in told(error, language)


def test_a_name_that_nobody_bears_is_told_from_a_server_that_is_down() -> None:
    error = refusal(to(587, host="smtp.nowhere.invalid"))
    assert error.message == "mail.no-such-host"
    for language in LANGUAGES:
        assert "smtp.nowhere.invalid" in told(error, language)


def test_a_server_that_never_takes_the_connection_is_said_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full backlog drops what comes, as a firewall does."""
    monkeypatch.setattr(smtp, "SECONDS", 0.5)
    with socket.socket() as deaf, ExitStack() as waiting:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(3):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)  # noqa: FBT003
            one.connect_ex(deaf.getsockname())
        error = refusal(to(deaf.getsockname()[1], host="127.0.0.1", security="none"))
    assert error.message == "mail.no-answer"
    assert "587" in told(error, "fr")


@pytest.mark.usefixtures("password")
def test_no_starttls_sends_no_password_and_says_what_to_set() -> None:
    with office(Post(password=PASSWORD), clear_login=True) as post:
        error = refusal(to(post.port, security="starttls", user="cabinet"))
    assert error.message == "mail.not-offered"
    assert (post.logins, post.mails) == ([], [])
    for language in LANGUAGES:
        assert "mail.security" in told(error, language)


@pytest.mark.usefixtures("password")
@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize(
    ("wrong", "kind"), [("name", "name"), ("expired", "expired"), ("unknown authority", "own")]
)
def test_a_bad_certificate_sends_nothing_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str, kind: str, security: str
) -> None:
    name = "smtp.another.example" if wrong == "name" else "localhost"
    pair = certificates.make(tmp_path, name, days=-1 if wrong == "expired" else 30)
    if wrong != "unknown authority":
        monkeypatch.setenv("SSL_CERT_FILE", str(pair.certificate))
    with office(Post(password=PASSWORD), **{security: certificates.Tls().context(pair)}) as post:  # type: ignore[arg-type]
        error = refusal(to(post.port, security=security, user="cabinet"))
    assert error.message == f"mail.certificate-{kind}"
    assert (post.logins, post.mails) == ([], [])
    assert "Nothing was sent" in told(error)
    assert "certificat" in told(error, "fr")


@pytest.mark.usefixtures("password")
@pytest.mark.parametrize("host", ["127.1", "0177.0.0.1"])
def test_no_password_leaves_in_clear_for_a_host_that_is_not_this_machine_by_name(host: str) -> None:
    with office(Post(password=PASSWORD), clear_login=True) as post:
        error = refusal(to(post.port, host=host, security="none", user="cabinet"))
    assert error.message == "mail.password-in-clear"
    assert post.logins == []
    for language in LANGUAGES:
        assert "mail.security" in told(error, language)


@pytest.mark.usefixtures("password")
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_password_may_be_told_in_clear_to_this_machine(host: str) -> None:
    with office(Post(password=PASSWORD), clear_login=True) as post:
        send(to(post.port, host=host, security="none", user="cabinet"))
    assert len(post.mails) == 1


@pytest.mark.usefixtures("password")
def test_a_wrong_password_is_said_with_the_advice_of_the_providers(trusted: ssl.SSLContext) -> None:
    with office(Post(password="another"), starttls=trusted) as post:
        error = refusal(to(post.port, user="cabinet"))
    assert (error.message, error.permanent, error.details["code"]) == ("mail.login", True, 535)
    assert "application password" in told(error)
    assert "mot de passe d'application" in told(error, "fr")
    assert post.mails == []


def test_a_user_without_a_password_is_told_where_to_put_one(
    trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NETWATCH_MAIL_PASSWORD", raising=False)
    with office(Post(password=PASSWORD), starttls=trusted) as post:
        error = refusal(to(post.port, user="cabinet"))
    assert error.message == "mail.no-password"
    assert "chmod 600" in told(error, "fr")


def test_a_password_file_that_others_can_read_is_refused(trusted: ssl.SSLContext, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    with office(Post(password=PASSWORD), starttls=trusted) as post:
        where = to(post.port, user="cabinet", password_env=None, password_file=str(secret))
        with pytest.raises(ConfigError, match="password-mode"):
            send(where)
        secret.chmod(0o600)
        send(where)
    assert set(post.logins) == {("cabinet", PASSWORD)}


@pytest.mark.usefixtures("password")
def test_a_server_that_offers_no_login_is_said_so() -> None:
    with Peer(smtp_until()) as peer:
        error = refusal(to(peer.port, security="none", user="cabinet"))
    assert error.message == "mail.not-offered"


@pytest.mark.parametrize(
    ("user", "secret"), [("cabinet", "été-2026"), ("lebœuf@cabinet.example", "Zz-plain")]
)
def test_a_login_that_smtp_cannot_carry_is_said_so(
    monkeypatch: pytest.MonkeyPatch, user: str, secret: str
) -> None:
    monkeypatch.setenv("NETWATCH_MAIL_PASSWORD", secret)
    with office(Post(password=secret), clear_login=True) as post:
        error = refusal(to(post.port, security="none", user=user))
    assert error.message == "mail.login-letters"
    assert secret not in str(error.details.values())
    for language in LANGUAGES:
        assert user in told(error, language)


def test_relay_denied_names_the_recipient_and_the_missing_login() -> None:
    with office(Post(refuses={"dr@cabinet.example": "550 5.7.1 Relaying denied"})) as post:
        error = refusal(to(post.port, security="none"))
    assert (error.message, error.permanent) == ("mail.relay", True)
    assert "550 5.7.1 Relaying denied" in told(error)
    for language in LANGUAGES:
        assert "dr@cabinet.example" in told(error, language)
        assert "mail.user" in told(error, language)


@pytest.mark.parametrize(("answer", "permanent"), [("452 4.3.1 disk full", False), ("554 5.7.1 spam", True)])
def test_a_refused_message_says_whether_another_try_helps(*, answer: str, permanent: bool) -> None:
    with office(Post(data=answer)) as post:
        error = refusal(to(post.port, security="none"))
    assert (error.message, error.permanent) == ("mail.refused", permanent)
    assert answer in told(error)


def test_a_recipient_refused_for_now_may_be_tried_again() -> None:
    with office(Post(refuses={"dr@cabinet.example": "451 4.7.1 greylisted"})) as post:
        error = refusal(to(post.port, security="none"))
    assert (error.message, error.permanent) == ("mail.later", False)
    assert "nouvel essai" in told(error, "fr")


@pytest.mark.parametrize(
    ("answer", "sentence", "permanent", "say"),
    [
        ("550 5.1.1 User unknown", "no-such-recipient", True, "recipients"),
        ("550 5.1.10 no such mailbox", "no-such-recipient", True, "recipients"),
        ("450 4.2.0 Greylisted, come back", "later", False, "dr@cabinet.example"),
        ("452 4.2.2 over quota", "mailbox-full", False, "dr@cabinet.example"),
        ("552 5.2.2 over quota", "mailbox-full", True, "dr@cabinet.example"),
        ("554 5.7.1 <dr@cabinet.example>: Relay access denied", "relay", True, "mail.user"),
        ("550 no", "recipient-refused", True, "dr@cabinet.example"),
    ],
)
def test_each_refusal_of_a_recipient_has_its_own_advice(
    *, answer: str, sentence: str, permanent: bool, say: str
) -> None:
    with office(Post(refuses={"dr@cabinet.example": answer})) as post:
        error = refusal(to(post.port, security="none"))
    assert (error.message, error.permanent) == (f"mail.{sentence}", permanent)
    for language in LANGUAGES:
        assert say in told(error, language)
        assert answer in told(error, language)


def test_a_message_that_is_too_large_is_said_so_before_and_after_it_was_sent() -> None:
    with office(limit=1000) as post:
        error = refusal(to(post.port, security="none"), replace(LETTER, text="x" * 5000))
    assert (error.message, error.permanent, post.mails) == ("mail.too-large", True, [])
    with office(Post(data="552 5.3.4 too big")) as post:
        error = refusal(to(post.port, security="none"))
    assert (error.message, error.permanent) == ("mail.too-large", True)
    assert "trop gros" in told(error, "fr")


def test_a_server_that_wants_a_login_or_tls_before_any_mail_says_which_key_to_set(
    trusted: ssl.SSLContext,
) -> None:
    with office(Post(password=PASSWORD), starttls=trusted, login_required=True) as post:
        error = refusal(to(post.port, security="starttls"))
    assert error.message == "mail.wants-login"
    assert "mail.user" in told(error)
    with office(starttls=trusted, tls_required=True) as post:
        error = refusal(to(post.port, security="none"))
    assert error.message == "mail.wants-tls"
    assert 'mail.security = "starttls"' in told(error)


# --------------------------------------------------------------------------------- servers that misbehave


def smtp_until(mail_from: bytes = b"250 OK\r\n") -> Any:  # noqa: ANN401 - a behaviour of peers.Peer
    """A server that is polite until MAIL FROM."""

    def behave(talk: Talk) -> None:
        talk.send(b"220 lab\r\n")
        while line := talk.some():
            talk.send(mail_from if line.upper().startswith(b"MAIL") else b"250 OK\r\n")

    return behave


def test_a_refused_sender_says_which_key_to_set() -> None:
    with Peer(smtp_until(b"553 5.7.1 Sender address rejected\r\n")) as peer:
        error = refusal(to(peer.port, security="none"))
    assert (error.message, error.permanent) == ("mail.sender-refused", True)
    for language in LANGUAGES:
        assert "mail.sender" in told(error, language)


def test_what_a_server_says_is_shown_short_and_without_control_characters() -> None:
    with Peer(smtp_until(b"553 \x1b[2J\x07red\xff" + b"x" * 5000 + b"\r\n")) as peer:
        error = refusal(to(peer.port, security="none"))
    assert len(told(error)) < 400
    assert "red" in told(error)


GREETINGS = {
    "never answers": lambda talk: talk.hold(),
    "hangs up": lambda _talk: None,
    "a greeting of 10 kB": lambda talk: (talk.send(b"220 " + b"x" * 10_000 + b"\r\n"), talk.hold()),
    "refuses at once": lambda talk: (talk.send(b"554 no service here\r\n"), talk.hold()),
    "another protocol": lambda talk: (talk.send(b"SSH-2.0-lab\r\n"), talk.hold()),
    "noise": lambda talk: (talk.send(bytes(range(256)) * 40), talk.hold()),
}


SAID = {
    "never answers": "mail.silent",
    "hangs up": "mail.silent",
    "a greeting of 10 kB": "mail.silent",
    "refuses at once": "mail.turned-away",
    "another protocol": "mail.not-smtp",
    "noise": "mail.not-smtp",
}


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
@pytest.mark.parametrize("greeting", GREETINGS)
def test_a_server_that_is_none_is_said_so_and_holds_nobody(greeting: str, security: str) -> None:
    with Peer(GREETINGS[greeting]) as peer:
        error = refusal(to(peer.port, security=security))
    assert error.message in {
        "mail.not-tls",
        "mail.silent",
        "mail.not-smtp",
        "mail.turned-away",
        "mail.no-answer",
    }
    if security != "tls":
        assert error.message == SAID[greeting]


def test_a_server_that_dies_after_data_has_perhaps_taken_it_and_is_worth_another_try() -> None:
    with office(Post(dies=1)) as post:
        error = refusal(to(post.port, security="none"))
        assert (error.message, error.permanent) == ("mail.perhaps", False)
        send(to(post.port, security="none"))
    assert [received["Message-ID"] for received in post.mails] == [LETTER.message_id] * 2


def taking(*after_dot: bytes, go_on: bytes = b"354 go on\r\n") -> Any:  # noqa: ANN401 - a behaviour of peers.Peer
    """A server that is polite until the end of a message, and then says this, or nothing any more."""

    def behave(talk: Talk) -> None:
        talk.send(b"220 lab\r\n")
        while line := talk.some():
            if not line.upper().startswith(b"DATA"):
                talk.send(b"250 OK\r\n")
                continue
            talk.send(go_on)
            said = b""
            while go_on.startswith(b"354") and not said.endswith(b"\r\n.\r\n"):
                said += talk.some()
            for answer in after_dot:
                talk.send(answer)
            if not after_dot:
                talk.hold()

    return behave


@pytest.mark.parametrize(
    ("answers", "perhaps"),
    [
        ((), True),  # silence
        ((b"hello\r\n",), True),
        ((b"x" * 9000,), True),
        ((b"354 what?\r\n",), True),
        ((b"250-" + b"x" * 60 + b"\r\n",) * 2000, True),  # an answer without an end
        ((b"451 later\r\n",), False),
        ((b"554 no\r\n",), False),
    ],
)
def test_what_is_not_known_to_have_been_taken_is_told_from_what_was_not(
    *, answers: tuple[bytes, ...], perhaps: bool
) -> None:
    with Peer(taking(*answers)) as peer:
        error = refusal(to(peer.port, security="none"))
    assert (error.message == "mail.perhaps") is perhaps
    assert error.permanent is (answers == (b"554 no\r\n",))


def test_a_yes_is_a_yes_also_where_it_is_not_the_one_of_the_book() -> None:
    with Peer(taking(b"200 fine\r\n")) as peer:
        send(to(peer.port, security="none"))


def test_a_yes_to_the_word_data_alone_is_no_yes_to_the_letter() -> None:
    with Peer(taking(go_on=b"250 OK\r\n")) as peer:
        assert refusal(to(peer.port, security="none")).message == "mail.refused"


def test_a_server_that_thinks_long_before_it_says_yes_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who hangs up meanwhile sends a letter twice: RFC 5321 4.5.3.2.6 asks for ten minutes."""
    assert smtp.TAKING == 2.0
    monkeypatch.setattr(smtp, "SECONDS", 0.3)
    monkeypatch.setattr(smtp, "TAKING", 20.0)

    def slow(step: str) -> None:
        if step == "data":
            time.sleep(1)

    with office(Post(on_step=slow)) as post:
        send(to(post.port, security="none"))
    assert len(post.mails) == 1


def test_a_server_that_never_stops_talking_is_cut_and_fills_no_memory() -> None:
    def behave(talk: Talk) -> None:
        talk.send(b"220 lab\r\n")
        talk.some()
        talk.flood(b"250-" + b"x" * 500 + b"\r\n", 1 << 34)

    with Peer(behave) as peer:
        assert refusal(to(peer.port, security="none")).message == "mail.cut"
    assert peer.sent < 50_000_000


def test_a_server_that_says_that_it_shuts_down_has_refused_nothing() -> None:
    with Peer(smtp_until(b"421 4.3.2 closing\r\n")) as peer:
        error = refusal(to(peer.port, security="none"))
    assert (error.message, error.permanent) == ("mail.cut", False)


# --------------------------------------------------------------------------------------- hostile contents

HOSTILE = st.text(max_size=80) | st.sampled_from(
    [
        "x\r\nBcc: victim@example.org",
        "x\nSubject: y",
        "x\r\n\r\nbody",
        "a\u2028Bcc: b",
        "\x00",
        "=?utf-8?q?=0ABcc:_x?=",
        "=??Q?=0A",
        "==?utf-8?q?=0ABcc:_x?=??",
        "é" * 500,
    ]
)
HEADERS = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"}


@given(HOSTILE)
@settings(deadline=None)
def test_no_subject_can_add_a_header(subject: str) -> None:
    raw = mail.message(replace(LETTER, subject=subject), "netwatch@cabinet.example", NOW).as_bytes()
    head = raw.partition(b"\n\n")[0].decode("ascii")
    names = [line.partition(":")[0] for line in head.split("\n") if line and not line[0].isspace()]
    assert sorted(names) == sorted(HEADERS)


@pytest.mark.parametrize(
    "recipient",
    [
        "dr@x.example\r\nBcc: v@example.org",
        "dr@x.example\nDATA",
        "a@b.example>\r\nRCPT TO:<v@example.org",
        "dr@x.example, v@example.org",
        "=?utf-8?q?=0ABcc:_v?=@x.example",
        "=?utf-8?q?v=40y.example,?=@x.example",
        "@x.example",
        "@.=?a",
        "nobody",
        "",
    ],
)
def test_no_recipient_can_add_a_command_or_another_recipient(recipient: str) -> None:
    with office() as post:
        error = refusal(to(post.port, security="none"), replace(LETTER, recipient=recipient))
    assert error.permanent
    assert post.mails == []


def test_names_and_text_of_devices_stay_in_the_body() -> None:
    text = "host\r\nBcc: victim@example.org\r\n.\r\nMAIL FROM:<x@y.example>\r\n"
    with office() as post:
        send(to(post.port, security="none"), replace(LETTER, text=text, html=f"<p>{text}</p>"))
    [received] = post.mails
    assert received["Bcc"] is None
    assert post.recipients == [["dr@cabinet.example"]]
