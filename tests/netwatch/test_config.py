"""Does a wrong site file say which key is wrong and what is right, and a right one what was meant?"""

from __future__ import annotations

import os
import re
import string
from datetime import date
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netwatch import config
from netwatch.config import MailSettings, Site, load, require_authorisation, sentence
from netwatch.errors import ConfigError, NetwatchError, ScopeError
from netwatch.words import messages

if TYPE_CHECKING:
    from collections.abc import Callable

    Written = Callable[[str], Path]

LEAST = 'name = "Cabinet Martin"\nnetworks = ["192.168.1.0/24"]\n'
FULL = """
name = "Cabinet du Dr Lebœuf"
language = "fr"
networks = ["192.168.1.0/25", "192.168.1.128/25", "192.168.7.3", "127.77.1.0/24"]
gateway = "192.168.1.1"
public_addresses = ["9.9.9.9", "2620:fe::fe"]
recipients = ["a@example.org", "b@example.org", "a@example.org"]
[authorisation]
by = "Dr Lebœuf"
role = "titulaire"
until = 2027-01-31
[mail]
host = "smtp.example.org"
user = "cabinet"
[exclude]
addresses = ["192.168.1.50", "192.168.1.64/28"]
macs = ["00-11-22-AA-BB-CC", "0011.22aa.bbcd", "00:11:22:aa:bb:ce"]
ports = [9100, "6000-6002"]
[sweep]
extra_ports = [8888, "5100-5102", 5101]
[probes.dicom]
timeout = 2
"""


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def write(text: str) -> Path:
        path = tmp_path / "site.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refusal(path: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return caught.value


def told(error: NetwatchError, language: str) -> str:
    return sentence(error, messages(language))


def with_key(key: str, value: str) -> str:
    """The smallest right file, with one key more or another one in its place."""
    table, _, name = key.rpartition(".")
    if not table:
        return re.sub(rf"(?m)^{name} = .*\n", "", LEAST) + f"{name} = {value}\n"
    needed = {
        "mail": 'host = "smtp.example.org"\n',
        "authorisation": 'by = "A"\nrole = "B"\nuntil = 2027-01-31\n',
    }
    rest = re.sub(rf"(?m)^{name} = .*\n", "", needed.get(table, ""))
    return f"{LEAST}[{table}]\n{rest}{name} = {value}\n"


def test_everything_that_a_site_file_can_say_is_understood(written: Written) -> None:
    site = load(written(FULL))
    assert site.slug == "cabinet-du-dr-leboeuf"
    assert site.networks == tuple(
        map(IPv4Network, ("127.77.1.0/24", "192.168.1.0/25", "192.168.1.128/25", "192.168.7.3/32"))
    )
    assert site.addresses() == 256 + 256 + 1
    assert site.gateway == IPv4Address("192.168.1.1")
    assert [str(address) for address in site.public_addresses] == ["9.9.9.9", "2620:fe::fe"]
    assert tuple(one.address for one in site.recipients) == ("a@example.org", "b@example.org")
    assert site.authorisation is not None
    assert site.authorisation.until == date(2027, 1, 31)
    assert site.exclude.addresses == (IPv4Network("192.168.1.50/32"), IPv4Network("192.168.1.64/28"))
    assert site.exclude.macs == {"00:11:22:aa:bb:cc", "00:11:22:aa:bb:cd", "00:11:22:aa:bb:ce"}
    assert site.exclude.ports == {9100, 6000, 6001, 6002}
    assert site.sweep.extra_ports == (5100, 5101, 5102, 8888)
    assert site.probes == {"dicom": {"timeout": 2}}


def test_two_lines_are_enough(written: Written) -> None:
    site = load(written(LEAST))
    assert (site.slug, site.language, site.recipients, site.mail) == ("cabinet-martin", "en", (), None)
    assert site.sweep.max_addresses == 4096
    assert site.exclude.ports == frozenset()


def test_a_site_cannot_be_changed_once_it_is_read(written: Written) -> None:
    site = load(written(LEAST))
    with pytest.raises(ValueError, match="frozen"):
        site.networks = ()


def test_a_file_that_notepad_wrote_is_read(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_bytes(b"\xef\xbb\xbf" + LEAST.replace("\n", "\r\n").encode())
    assert load(path).name == "Cabinet Martin"


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25), (None, 587)])
def test_the_port_follows_the_encryption(written: Written, security: str | None, port: int) -> None:
    text = with_key("mail.security", f'"{security}"') if security else with_key("mail.user", '"cabinet"')
    mail = load(written(text)).mail
    assert mail is not None
    assert mail.port == port


COLON = {"en": ": ", "fr": " : "}

# Each: what is written, where, and what both the English and the French sentence must hold.
WRONG = [
    ("networks", '["192.168.1.10/24"]', "networks[0]", ['"192.168.1.0/24"', '"192.168.1.10"']),
    ("networks", '["8.8.8.0/24"]', "networks[0]", ["8.8.8.0/24", "192.168.0.0/16", "10.0.0.0/8"]),
    ("networks", '["100.64.0.0/24"]', "networks[0]", ["192.168.0.0/16"]),
    ("networks", '["0.0.0.0/0"]', "networks[0]", ["192.168.0.0/16"]),
    ("networks", '["10.0.0.0/7"]', "networks[0]", ["10.0.0.0/8"]),
    ("networks", '["192.168.1.0/24", "fe80::/64"]', "networks[1]", ["IPv6", "192.168.1.0/24"]),
    ("networks", '["192.168.1.1-20"]', "networks[0]", ["192.168.1.1-20", "192.168.1.0/24", "192.168.1.10"]),
    ("networks", '["192.168.1.1; --script vuln"]', "networks[0]", ["192.168.1.0/24"]),
    ("networks", "[3232235776]", "networks[0]", ["192.168.1.0/24"]),
    ("networks", "[]", "networks", ["1"]),
    ("networks", '"192.168.1.0/24"', "networks", []),
    ("networks", '["10.0.0.0/19"]', "networks", ["8192", "4096", "max_addresses = 8192", "[sweep]", "65536"]),
    ("networks", '["10.0.0.0/15"]', "networks", ["131072", "65536"]),
    ("name", '"Cabinet\\nBcc: all@example.org"', "name", []),
    ("name", '"  "', "name", ["1"]),
    ("name", '"\\u202Etrap"', "name", []),
    ("name", "7", "name", []),
    ("slug", '"../../etc/passwd"', "slug", ['"cabinet-martin"']),
    ("language", '"de"', "language", ["de", "en, fr"]),
    ("gateway", '"9.9.9.9"', "gateway", ['"192.168.1.1"']),
    ("public_addresses", '["192.168.1.1"]', "public_addresses[0]", ["192.168.1.1"]),
    ("public_addresses", '["box.example.org"]', "public_addresses[0]", ["box.example.org"]),
    ("recipients", '["a@example.org\\r\\nBcc: b@example.org"]', "recipients[0]", ["@example.org"]),
    ("recipients", '["Dr A <a@example.org>"]', "recipients[0]", ["@example.org"]),
    ("authorisation.until", "20270131", "authorisation.until", ["2027-01-31"]),
    ("authorisation.until", '"31/01/2027"', "authorisation.until", ["2027-01-31"]),
    ("authorisation.until", "2027-01-31T08:00:00", "authorisation.until", ["2027-01-31"]),
    ("authorisation.by", '""', "authorisation.by", ["1"]),
    ("authorisation", '"yes"', "authorisation", []),
    ("mail.host", '"https://smtp.example.org"', "mail.host", ['"smtp.example.org"']),
    ("mail.host", '"smtp.example.org:587"', "mail.host", ['"smtp.example.org"', "port"]),
    ("mail.port", "0", "mail.port", ["1"]),
    ("mail.port", "65536", "mail.port", ["65535"]),
    ("mail.port", '"587"', "mail.port", ["587"]),
    ("mail.port", "true", "mail.port", ["true"]),
    ("mail.security", '"ssl"', "mail.security", ["starttls, tls, none"]),
    ("mail.sender", '"cabinet"', "mail.sender", ["@example.org"]),
    ("mail.credential", '"../mail"', "mail.credential", ["systemd"]),
    ("mail.password_file", '"~nobody-of-this-name/x"', "mail.password_file", []),
    ("exclude.macs", '["00:11:22"]', "exclude.macs[0]", ["00:11:22", "00:11:22:aa:bb:cc"]),
    ("exclude.addresses", '["192.168.1.65/28"]', "exclude.addresses[0]", ["192.168.1.64/28"]),
    ("exclude.ports", '[80, "90-80"]', "exclude.ports[1]", ["90-80", "65535"]),
    ("exclude.ports", "[true]", "exclude.ports[0]", ["65535"]),
    ("sweep.extra_ports", "[65536]", "sweep.extra_ports[0]", ["65536", "65535"]),
    ("sweep.extra_ports", '["1-1001"]', "sweep.extra_ports", ["1000"]),
    ("sweep.max_addresses", "65537", "sweep.max_addresses", ["65536"]),
    ("sweep.max_addresses", "4096.5", "sweep.max_addresses", ["4096.5"]),
    ("probes.dicom", "3", "probes.dicom", []),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{wrong[0]} = {wrong[1]}")
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_wrong_value_names_its_key_and_what_is_right(
    written: Written, wrong: tuple[str, str, str, list[str]], language: str
) -> None:
    key, value, where, essential = wrong
    path = written(with_key(key, value))
    error = refusal(path)
    assert [problem.details["key"] for problem in error.problems] == [where]
    first, line = told(error, language).split("\n")
    assert str(path) in first
    assert line.startswith(f"  {where}{COLON[language]}")
    assert [word for word in essential if word not in line] == []


@pytest.mark.parametrize(
    ("text", "where", "essential"),
    [
        (LEAST + 'nmae = "x"', "nmae", "name"),
        (LEAST + "max_adresses = 9000", "max_adresses", "[sweep]"),
        (LEAST + '[mail]\nhost = "a.example"\nrecipients = []', "mail.recipients", "recipients"),
        (LEAST + '[mail]\nhots = "a.example"\nhost = "a.example"', "mail.hots", "host"),
        ('networks = ["10.0.0.0/24"]', "name", 'name = "'),
        ('name = "A"', "networks", 'networks = ["192.168.1.0/24"]'),
        (LEAST + "[authorisation]\nby = 'A'\nrole = 'B'", "authorisation.until", "until = 2027-01-31"),
        (LEAST + "[mail]", "mail.host", 'host = "smtp.example.org"'),
    ],
)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_an_unknown_or_missing_key_is_answered_with_the_right_one(
    written: Written, text: str, where: str, essential: str, language: str
) -> None:
    line = told(refusal(written(text)), language).split("\n")[1]
    assert line.startswith(f"  {where}{COLON[language]}")
    assert essential in line


def test_every_mistake_is_told_at_once(written: Written) -> None:
    error = refusal(written('networks = ["8.8.8.0/24"]\nlanguage = "de"\n[mail]\nport = 0'))
    keys = {problem.details["key"] for problem in error.problems}
    assert keys == {"name", "networks[0]", "language", "mail.host", "mail.port"}


@pytest.mark.parametrize(
    "key", ["password", "mail.password", "mail.secret", "mail.pasword", "probes.dicom.password"]
)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_password_is_refused_with_the_place_where_it_belongs_and_never_repeated(
    written: Written, key: str, language: str
) -> None:
    error = refusal(written(with_key(key, '"hunter2"')))
    said = told(error, language)
    assert f"  {key}{COLON[language]}" in said
    assert "NETWATCH_MAIL_PASSWORD" in said
    assert "password_file" in said
    assert "hunter2" not in said + str(error) + repr(error) + repr([p.details for p in error.problems])


def test_a_password_in_the_place_of_a_variables_name_is_not_repeated(written: Written) -> None:
    error = refusal(written(with_key("mail.password_env", '"hunter2 !"')))
    assert "hunter2" not in told(error, "fr") + str(error) + repr(error.problems)


def test_what_is_repeated_is_short_and_cannot_command_a_terminal(written: Written) -> None:
    said = told(refusal(written(with_key("networks", '["\\u001b[2J' + "x" * 500 + '"]'))), "en")
    assert "\x1b" not in said
    assert "x" * 60 not in said


@pytest.mark.parametrize(
    ("text", "place"), [('name = "A"\nnetworks = ["10.0.0.0/24"\nlanguage = "fr"', "3"), ("name = A", "1")]
)
def test_a_slip_in_the_toml_is_told_with_line_and_column(written: Written, text: str, place: str) -> None:
    error = refusal(written(text))
    assert f"line {place}, column " in told(error, "en")
    assert f"ligne {place}, colonne " in told(error, "fr")


@pytest.mark.parametrize(
    ("text", "sentence_id"),
    [
        ('name = "A"\nname = "B"', "config.syntax-twice"),
        ("[mail]\n[mail]", "config.syntax-twice"),
        ('name = """A', "config.syntax-end"),
        ("name = " + "[" * 50_000, "config.not-toml"),
        ("name = " + "1" * 5_000, "config.not-toml"),
        ("#" * 1_000_001, "config.too-big"),
    ],
)
def test_what_is_no_toml_of_ours_has_a_sentence_in_both_languages(
    written: Written, text: str, sentence_id: str
) -> None:
    path = written(text)
    error = refusal(path)
    assert error.message == sentence_id
    assert str(path) in told(error, "en")
    assert str(path) in told(error, "fr")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_file_that_is_not_there_says_how_to_write_one(tmp_path: Path, language: str) -> None:
    path = tmp_path / "my site.toml"
    assert f"netwatch init '{path}'" in told(refusal(path), language)


def test_a_folder_cannot_be_read_as_a_site(tmp_path: Path) -> None:
    assert refusal(tmp_path).message == "config.unreadable"


def test_a_file_in_latin_1_says_on_which_line(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_bytes(b'language = "fr"\nname = "Cabinet m\xe9dical"\n')
    error = refusal(path)
    assert "line 2" in told(error, "en")
    assert "UTF-8" in told(error, "fr")


def test_more_addresses_are_scanned_only_where_the_file_says_so(written: Written) -> None:
    assert load(written(with_key("networks", '["10.0.0.0/20"]'))).addresses() == 4096
    assert refusal(written(with_key("networks", '["10.0.0.0/20", "192.168.1.1"]')))
    raised = with_key("networks", '["10.0.0.0/20", "192.168.1.1"]') + "[sweep]\nmax_addresses = 4097"
    assert load(written(raised)).addresses() == 4097


def test_addresses_written_twice_count_once(written: Written) -> None:
    site = load(written(with_key("networks", '["10.0.0.0/20", "10.0.1.0/24", "10.0.0.7"]')))
    assert site.networks == (IPv4Network("10.0.0.0/20"),)


def authorised(until: str) -> Site:
    who = {"by": "Dr A", "role": "titulaire", "until": until}
    return Site.model_validate({"name": "A", "networks": ["10.0.0.0/24"], "authorisation": who})


def test_an_authorisation_holds_on_its_last_day() -> None:
    assert require_authorisation(authorised("2027-01-31"), date(2027, 1, 31)).by == "Dr A"


def test_an_authorisation_is_over_on_the_day_after() -> None:
    with pytest.raises(ScopeError) as caught:
        require_authorisation(authorised("2027-01-31"), date(2027, 2, 1))
    assert caught.value.message == "config.authorisation-ended"
    assert "Dr A" in told(caught.value, "en")
    assert "31 January 2027" in told(caught.value, "en")
    assert "31 janvier 2027" in told(caught.value, "fr")


def test_without_an_authorisation_the_refusal_says_what_to_write() -> None:
    site = Site.model_validate({"name": "A", "networks": ["10.0.0.0/24"]})
    with pytest.raises(ScopeError) as caught:
        require_authorisation(site, date(2027, 2, 1))
    assert caught.value.message == "config.authorisation-missing"
    assert "[authorisation]" in told(caught.value, "en")
    assert "[authorisation]" in told(caught.value, "fr")


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No password in the surroundings."""
    monkeypatch.delenv("NETWATCH_MAIL_PASSWORD", raising=False)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    return monkeypatch


def mail(**more: Any) -> MailSettings:  # noqa: ANN401 - any key of the table
    return MailSettings.model_validate({"host": "smtp.example.org", **more})


def private(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_the_environment_comes_first_then_the_credential_then_the_file(
    nowhere: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    private(tmp_path / "cred", b"from systemd\n", 0o440)
    settings = mail(credential="cred", password_file=str(private(tmp_path / "file", b"from the file\n")))
    assert settings.password() == "from the file"
    nowhere.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert settings.password() == "from systemd"
    nowhere.setenv("NETWATCH_MAIL_PASSWORD", "from the environment")
    assert settings.password() == "from the environment"


@pytest.mark.usefixtures("nowhere")
def test_no_password_anywhere_is_none() -> None:
    assert mail().password() is None


@pytest.mark.usefixtures("nowhere")
def test_only_one_line_end_is_taken_off(tmp_path: Path) -> None:
    path = str(private(tmp_path / "file", " hunter é \n\n".encode()))
    assert mail(password_file=path).password() == " hunter é \n"


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_a_password_that_others_may_read_is_not_used(tmp_path: Path, mode: int) -> None:
    path = private(tmp_path / "my file", b"hunter2", mode)
    with pytest.raises(ConfigError) as caught:
        mail(password_file=str(path)).password()
    assert f"chmod 600 '{path}'" in told(caught.value, "en")
    assert f"chmod 600 '{path}'" in told(caught.value, "fr")


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_password_that_only_its_owner_may_read_is_used(tmp_path: Path, mode: int) -> None:
    assert mail(password_file=str(private(tmp_path / "file", b"hunter2", mode))).password() == "hunter2"


@pytest.mark.usefixtures("nowhere")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_password_in_somebody_elses_file_is_not_used(tmp_path: Path) -> None:
    path = private(tmp_path / "file", b"hunter2")
    os.chown(path, 12345, 12345)
    with pytest.raises(ConfigError, match="password-owner"):
        mail(password_file=str(path)).password()


@pytest.mark.usefixtures("nowhere")
@pytest.mark.timeout(10)
def test_a_pipe_a_folder_or_nothing_is_no_password_file_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name, why in (("pipe", "password-not-file"), (".", "password-"), ("absent", "password-unreadable")):
        with pytest.raises(ConfigError, match=why):
            mail(password_file=str(tmp_path / name)).password()


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("content", [b"", b"\n", b"x" * 5000])
def test_an_empty_or_endless_file_is_no_password(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ConfigError, match="password-empty"):
        mail(password_file=str(private(tmp_path / "file", content))).password()


@pytest.mark.usefixtures("nowhere")
def test_a_credential_that_systemd_did_not_give_is_an_error_that_says_how() -> None:
    with pytest.raises(ConfigError) as caught:
        mail(credential="netwatch-mail").password()
    assert "LoadCredential=netwatch-mail:" in told(caught.value, "en")
    assert "LoadCredential=netwatch-mail:" in told(caught.value, "fr")


def test_a_relative_password_file_starts_at_the_site_file(written: Written) -> None:
    path = written(with_key("mail.password_file", '"mail-password"'))
    settings = load(path).mail
    assert settings is not None
    assert settings.password_file == path.parent / "mail-password"


def test_no_password_is_ever_in_what_a_site_prints(nowhere: pytest.MonkeyPatch, written: Written) -> None:
    nowhere.setenv("NETWATCH_MAIL_PASSWORD", "hunter2")
    site = load(written(FULL))
    assert site.mail is not None
    assert site.mail.password() == "hunter2"
    assert "hunter2" not in repr(site) + str(site) + site.model_dump_json()


KEYS = sorted(
    {*Site.model_fields, *MailSettings.model_fields, "by", "until", "macs", "ports", "dicom", "password"}
)
SCALARS = st.one_of(
    st.text(max_size=20).map(lambda t: '"' + t.encode("unicode_escape").decode().replace('"', "'") + '"'),
    st.integers().map(str),
    st.floats().map(str),
    st.booleans().map(lambda b: str(b).lower()),
    st.dates(min_value=date(1, 1, 1)).map(str),
    st.datetimes().map(lambda d: d.isoformat(timespec="seconds")),
    st.sampled_from(['"192.168.1.0/24"', '"10.0.0.0/8"', '"a@example.org"', '"1-65535"', "0x" + "f" * 6000]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=3).map(
            lambda items: "{" + ", ".join(f"{k} = {v}" for k, v in items.items()) + "}"
        ),
    ),
    max_leaves=8,
)
TABLES = st.sampled_from(
    ["", "[mail]\n", "[authorisation]\n", "[exclude]\n", "[sweep]\n", "[probes.x]\n", "[[mail]]\n"]
)
LINES = st.tuples(TABLES, st.sampled_from(KEYS), VALUES).map(lambda line: f"{line[0]}{line[1]} = {line[2]}\n")
TOML = st.lists(LINES, max_size=6).map("".join)


@given(text=st.one_of(TOML, TOML.map(lambda t: LEAST + t), st.text(), st.text(string.printable)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=400)
def test_whatever_a_file_holds_it_is_a_site_or_an_error_told_in_both_languages(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "hostile.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        assert load(path).networks
    except ConfigError as error:
        for language in ("en", "fr"):
            said = told(error, language)
            assert str(path) in said
            assert said.replace("\n", "").isprintable()


@given(content=st.binary())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_bytes_that_are_no_text_are_an_error_like_any_other(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "hostile.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError):
        load(path)


def test_the_sentence_of_every_error_that_config_raises_exists() -> None:
    folder = Path(config.__file__).parent
    code = "".join(
        (folder / name).read_text(encoding="utf-8") for name in ("config.py", "problem.py", "forms.py")
    )
    raised = set(re.findall(r'"config\.([a-z0-9-]+)"', code)) | set(
        re.findall(r'wrong\("([a-z0-9-]+)"', code)
    )
    known = messages("fr").sentences
    assert {name for name in raised if f"config.{name}" not in known} == set()
    assert "not-private" in raised
