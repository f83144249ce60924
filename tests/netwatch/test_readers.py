"""Who is told, in which language, how much of it; and is no channel's address taken in a site file?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from netwatch.config import load
from netwatch.errors import ConfigError
from netwatch.problem import sentence
from netwatch.words import LANGUAGES, messages

if TYPE_CHECKING:
    from pathlib import Path

    from netwatch.config import Site

LEAST = 'name = "Cabinet"\nnetworks = ["192.168.1.0/24"]\n'


def site(folder: Path, text: str) -> Site:
    path = folder / "site.toml"
    path.write_text(LEAST + text, encoding="utf-8")
    return load(path)


def wrong(folder: Path, text: str) -> str:
    """What is said of it, in every language; the English."""
    with pytest.raises(ConfigError) as error:
        site(folder, text)
    for language in LANGUAGES:
        assert "s3cret" not in sentence(error.value, messages(language))
    return sentence(error.value, messages("en"))


def test_an_address_alone_is_a_doctor_and_a_table_says_more(tmp_path: Path) -> None:
    told = site(
        tmp_path,
        'recipients = ["dr@x.example", { address = "it@y.example", language = "en", role = "consultant" }, '
        '{ address = "b@x.example" }]',
    ).recipients
    assert [(one.address, one.language, one.role) for one in told] == [
        ("dr@x.example", None, "doctor"),
        ("it@y.example", "en", "consultant"),
        ("b@x.example", None, "doctor"),
    ]


def test_the_same_reader_twice_is_one_and_with_two_roles_an_error(tmp_path: Path) -> None:
    assert len(site(tmp_path, 'recipients = ["a@x.example", { address = "a@x.example" }]').recipients) == 1
    said = wrong(tmp_path, 'recipients = ["a@x.example", { address = "a@x.example", role = "consultant" }]')
    assert "recipients[1]" in said
    assert "a@x.example stands further up" in said


@pytest.mark.parametrize(
    ("recipients", "key", "hint"),
    [
        ('["Dr A <a@x.example>"]', "recipients[0]", "@example.org"),
        ('["ok@x.example", "a@x.example\\r\\nBcc: b@x.example"]', "recipients[1]", "@example.org"),
        ('[{ address = "nobody" }]', "recipients[0].address", "@example.org"),
        ('[{ address = "a@x.example", role = "boss" }]', "recipients[0].role", "consultant"),
        ('[{ address = "a@x.example", language = "de" }]', "recipients[0].language", "fr"),
        ('[{ address = "a@x.example", langage = "fr" }]', "recipients[0].langage", "language"),
        ('[{ role = "doctor" }]', "recipients[0].address", "address ="),
        ("[3]", "recipients[0]", ""),
        ('"a@x.example"', "recipients", ""),
    ],
)
def test_a_wrong_recipient_is_said_with_its_key_and_what_is_right(
    tmp_path: Path, recipients: str, key: str, hint: str
) -> None:
    said = wrong(tmp_path, f"recipients = {recipients}")
    assert f"{key}:" in said or f"{key} " in said
    assert hint in said


@pytest.mark.parametrize("key", ["urls", "url", "URLS", "uri", "bell_url"])
def test_the_address_of_a_channel_in_a_site_file_is_refused_and_not_repeated(
    tmp_path: Path, key: str
) -> None:
    for value in ('["tgram://s3cret/1"]', '"tgram://s3cret/1"'):
        said = wrong(tmp_path, f"[notify]\n{key} = {value}")
        assert f"notify.{key}" in said
        assert "urls_file" in said
        assert "NETWATCH_NOTIFY_URLS" in said


def test_a_token_in_the_table_is_refused_too(tmp_path: Path) -> None:
    said = wrong(tmp_path, '[notify]\ntoken = "s3cret"')
    assert "urls_file" in said


def test_the_list_comes_from_the_environment_or_a_private_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NETWATCH_NOTIFY_URLS", raising=False)
    (tmp_path / "list").write_text("a = json://h\n")
    (tmp_path / "list").chmod(0o644)
    told = site(tmp_path, '[notify]\nurls_file = "list"').notify
    assert told is not None
    with pytest.raises(ConfigError, match="password-mode"):
        told.urls()
    (tmp_path / "list").chmod(0o600)
    assert told.urls() == "a = json://h"
    monkeypatch.setenv("NETWATCH_NOTIFY_URLS", "b = json://h")
    assert told.urls() == "b = json://h"
