"""Does the mail server keep what it took, where another program can read it?"""

from __future__ import annotations

import smtplib
import subprocess
import sys
import time
from email.message import EmailMessage
from pathlib import Path

from tests.lab.postoffice import free_port, received


def test_the_command_keeps_every_mail_in_a_file_of_its_own(tmp_path: Path) -> None:
    port = free_port()
    where = ["--port", str(port), "--folder", str(tmp_path)]
    with subprocess.Popen([sys.executable, "-m", "tests.lab.postoffice", *where], cwd=Path.cwd()) as process:
        try:
            for text in ("Première", "second"):
                mail = EmailMessage()
                mail["Subject"], mail["From"], mail["To"] = text, "a@example.org", "b@example.org"
                mail.set_content(f"{text} lettre")
                with connection(port) as server:
                    server.send_message(mail)
        finally:
            process.terminate()
        assert process.wait(timeout=10) == 0
    mails = received(tmp_path)
    assert [mail["Subject"] for mail in mails] == ["Première", "second"]
    assert [str(mail.get_content()).strip() for mail in mails] == ["Première lettre", "second lettre"]


def connection(port: int) -> smtplib.SMTP:
    """As soon as it answers."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return smtplib.SMTP("127.0.0.1", port, timeout=5)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
