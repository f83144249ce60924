"""How is the practice seen from the internet, and who tells? What a site file says of it, and gets wrong."""

from __future__ import annotations

from ipaddress import IPv6Network
from typing import TYPE_CHECKING

import pytest

from netwatch.config import load, sentence
from netwatch.errors import ConfigError
from netwatch.portset import PortSet
from netwatch.words import messages

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Written = Callable[[str], Path]

LEAST = 'name = "Cabinet Martin"\nnetworks = ["192.168.1.0/24"]\n'
KEY = "SHA256:" + "Ab1+/" * 8 + "xyz"
FULL = f"""{LEAST}
public_ports = "16384-32767"
ipv6_networks = ["2a01:cb00:1:2::/64"]
[address]
name = "cabinet.example.org"
echo = "https://ip.example.org/"
box = false
[vantage.outside]
ssh = "netwatch@vps.example.org:2222"
key_file = "keys/vps"
known_hosts = "/etc/netwatch/known_hosts"
host_key = "{KEY}"
[box]
kind = "freebox"
password_file = "box.secret"
[shodan]
key_file = "shodan.secret"
history = true
scan = true
[internetdb]
use = "own practice, not commercial"
"""


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def write(text: str) -> Path:
        path = tmp_path / "site.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture(autouse=True)
def _nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("NETWATCH_BOX_PASSWORD", "SHODAN_API_KEY", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(variable, raising=False)


def told(path: Path, key: str) -> tuple[str, str]:
    """The one problem, which is at this key, in English and in French."""
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert [problem.details["key"] for problem in caught.value.problems] == [key]
    english, french = (
        sentence(caught.value, messages(language)).split("\n", 1)[1] for language in ("en", "fr")
    )
    assert key in english
    assert key in french
    return english, french


def test_all_that_a_site_file_can_say_of_the_internet_is_understood(written: Written, tmp_path: Path) -> None:
    site = load(written(FULL))
    assert site.public_ports == PortSet.parse("16384-32767")
    assert site.ipv6_networks == (IPv6Network("2a01:cb00:1:2::/64"),)
    assert (site.address.name, site.address.echo, site.address.box) == (
        "cabinet.example.org",
        "https://ip.example.org/",
        False,
    )
    outside = site.vantage.outside
    assert outside is not None
    assert (outside.ssh, outside.host_key) == ("netwatch@vps.example.org:2222", KEY)
    assert outside.key_file == tmp_path / "keys/vps"
    assert str(outside.known_hosts) == "/etc/netwatch/known_hosts"
    assert site.box is not None
    assert site.box.kind == "freebox"
    assert site.shodan is not None
    assert (site.shodan.history, site.shodan.scan, site.shodan.monitor) == (True, True, False)
    assert site.internetdb is not None
    assert site.internetdb.use == "own practice, not commercial"


def test_a_site_file_that_says_nothing_of_it_asks_nobody_outside(written: Written) -> None:
    site = load(written(LEAST))
    assert (site.vantage.outside, site.box, site.shodan, site.internetdb) == (None, None, None, None)
    assert (site.public_ports, site.ipv6_networks) == (None, ())
    assert (site.address.name, site.address.echo, site.address.box) == (None, None, True)


def test_credits_are_spent_and_addresses_watched_only_where_it_says_so(written: Written) -> None:
    shodan = load(written(LEAST + "[shodan]\n")).shodan
    assert shodan is not None
    assert (shodan.history, shodan.scan, shodan.monitor) == (False, False, False)


def test_the_secrets_come_from_beside_the_site_file_or_the_environment(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("box.secret", "shodan.secret"):
        (tmp_path / name).write_text(f"in {name}\n")
        (tmp_path / name).chmod(0o600)
    site = load(written(FULL))
    assert site.box is not None
    assert site.shodan is not None
    assert (site.box.password(), site.shodan.key()) == ("in box.secret", "in shodan.secret")
    monkeypatch.setenv("NETWATCH_BOX_PASSWORD", "of the box")
    monkeypatch.setenv("SHODAN_API_KEY", "of Shodan")
    assert (site.box.password(), site.shodan.key()) == ("of the box", "of Shodan")
    for text in ("in box.secret", "in shodan.secret", "of the box", "of Shodan"):
        assert text not in repr(site)


@pytest.mark.parametrize(
    "target",
    ["a@b", "netwatch@vps.example.org", "root@192.0.2.7:65535", "n@[2001:db8::7]", "n@[2001:db8::7]:22"],
)
def test_a_server_elsewhere_is_named_as_ssh_names_it(written: Written, target: str) -> None:
    outside = load(written(f'{LEAST}[vantage.outside]\nssh = "{target}"\n')).vantage.outside
    assert outside is not None
    assert outside.ssh == target


@pytest.mark.parametrize(
    "target",
    [
        "vps.example.org",
        "netwatch@",
        "@vps.example.org",
        "-oProxyCommand=x@h",
        "n@-oProxyCommand=x",
        "n@h:0",
        "n@h:65536",
        "n@h:22:22",
        "n@h x",
        "n@2001:db8::7",
        "n@h\\n",
    ],
)
def test_what_names_no_server_is_told_with_a_right_one(written: Written, target: str) -> None:
    english, french = told(written(f'{LEAST}[vantage.outside]\nssh = "{target}"\n'), "vantage.outside.ssh")
    assert "netwatch@server.example.org" in english
    assert "netwatch@serveur.example.org" in french


@pytest.mark.parametrize("key", ["MD5:aa:bb", KEY[7:], KEY + "=", KEY[:-1], KEY.lower()[:7] + KEY[7:], ""])
def test_what_is_no_fingerprint_is_told_with_the_command_that_shows_it(written: Written, key: str) -> None:
    text = f'{LEAST}[vantage.outside]\nssh = "a@b"\nhost_key = "{key}"\n'
    for said in told(written(text), "vantage.outside.host_key"):
        assert "ssh-keygen -lf" in said


@pytest.mark.parametrize(
    "page",
    [
        "ip.example.org",
        "ftp://ip.example.org/",
        "https://me:hunter2@ip.example.org/",
        "https://ip.example.org/ x",
        "file:///etc/passwd",
        "https://",
        "",
    ],
)
def test_what_is_no_page_is_told_with_a_right_one(written: Written, page: str) -> None:
    english, french = told(written(f'{LEAST}[address]\necho = "{page}"\n'), "address.echo")
    assert "without a login" in english
    assert "sans identifiant" in french


@pytest.mark.parametrize("ports", ["", "0-10", "10-5", "1-65536", "16384-", "a-b", "1-2;3", "1-2,"])
def test_what_is_no_range_of_ports_is_told_with_a_right_one(written: Written, ports: str) -> None:
    english, french = told(written(f'{LEAST}public_ports = "{ports}"\n'), "public_ports")
    assert "is not a range of ports" in english
    assert "n'est pas une plage de ports" in french


def test_a_number_is_no_range_of_ports_and_several_ranges_are_one(written: Written) -> None:
    told(written(f"{LEAST}public_ports = 16384\n"), "public_ports")
    ports = load(written(f'{LEAST}public_ports = "1-10, 80, 5-20"\n')).public_ports
    assert ports == PortSet.parse("1-20,80")


@pytest.mark.parametrize(
    ("network", "english", "french"),
    [
        ("2a01:cb00::/47", "a /48 or smaller", "un /48 ou plus petit"),
        ("2a00::/12", "a /48 or smaller", "un /48 ou plus petit"),
        ("fd00:1::/64", "is not a network on the internet", "n'est pas un réseau sur internet"),
        ("fe80::/64", "is not a network on the internet", "n'est pas un réseau sur internet"),
        ("ff0e::/64", "is not a network on the internet", "n'est pas un réseau sur internet"),
        ("192.168.1.0/24", "is not an IPv6 network", "n'est pas un réseau IPv6"),
        ("2a01:cb00:1:2::1/64", "is not an IPv6 network", "n'est pas un réseau IPv6"),
    ],
)
def test_an_ipv6_network_that_is_not_the_practices_alone_is_refused(
    written: Written, network: str, english: str, french: str
) -> None:
    said = told(written(f'{LEAST}ipv6_networks = ["{network}"]\n'), "ipv6_networks[0]")
    assert english in said[0]
    assert french in said[1]


def test_the_largest_that_one_practice_is_given_is_accepted(written: Written) -> None:
    assert load(written(f'{LEAST}ipv6_networks = ["2a01:cb00:1::/48"]\n')).ipv6_networks[0].prefixlen == 48


@pytest.mark.parametrize(
    ("text", "key", "part"),
    [
        ('[box]\nkind = "fritzbox"\n', "box.kind", "livebox"),
        ("[box]\n", "box.kind", "freebox"),
        ("[internetdb]\n", "internetdb.use", "commercial"),
        ("[vantage.outside]\n", "vantage.outside.ssh", "netwatch@vps.example.org"),
    ],
)
def test_what_is_missing_or_unknown_is_told_with_what_would_be_right(
    written: Written, text: str, key: str, part: str
) -> None:
    for said in told(written(LEAST + text), key):
        assert part in said


@pytest.mark.parametrize(
    ("table", "key", "places"),
    [
        (
            'box]\nkind = "bbox"',
            "password",
            ["box.password_env", "box.password_file", "NETWATCH_BOX_PASSWORD"],
        ),
        ("shodan]", "token", ["shodan.key_env", "shodan.credential", "shodan.key_file", "SHODAN_API_KEY"]),
        ("shodan]", "secret", ["shodan.key_env"]),
        ("shodan]", "key", ["shodan.key_env", "shodan.credential", "shodan.key_file"]),
        ("shodan]", "api_key", ["shodan.key_env"]),
        ('vantage.outside]\nssh = "a@vps.example.org"', "password", ["vantage.outside.key_file", "SSH"]),
        ('vantage.outside]\nssh = "a@vps.example.org"', "private_key", ["vantage.outside.key_file"]),
        ("internetdb]\nuse = 'own'", "key", ["[shodan]"]),
    ],
)
def test_a_secret_in_the_site_file_is_refused_with_the_keys_that_say_where_it_is_and_not_repeated(
    written: Written, table: str, key: str, places: list[str]
) -> None:
    name = table.partition("]")[0]
    path = written(f'{LEAST}[{table}\n{key} = "hunter2"\n')
    for said in told(path, f"{name}.{key}"):
        assert [place for place in places if place not in said] == []
        assert ("mail" in said) is ("[shodan]" in places)
        assert "hunter2" not in said
    with pytest.raises(ConfigError) as refused:
        load(path)
    assert "hunter2" not in repr([problem.details for problem in refused.value.problems])


def test_a_mistyped_name_of_a_key_file_and_a_wrong_host_key_are_no_secrets(written: Written) -> None:
    for said in told(written(f'{LEAST}[shodan]\nkey_fil = "x"\n'), "shodan.key_fil"):
        assert "key_file ?" in said.replace("\u00a0", " ") or "key_file?" in said
    outside = '[vantage.outside]\nssh = "a@vps.example.org"\nhost_key = "MD5:00"\n'
    for said in told(written(LEAST + outside), "vantage.outside.host_key"):
        assert "MD5:00" in said


@pytest.mark.parametrize(
    "text",
    [
        *(f"[shodan]\n{key} = {{}}" for key in ("scan", "history", "monitor")),
        "[address]\nbox = {}",
        "[authorisation]\nby = 'A'\nrole = 'B'\nuntil = 2027-01-31\naudit = {}",
    ],
)
@pytest.mark.parametrize("value", ['"yes"', '"true"', "1"])
def test_what_is_neither_true_nor_false_is_no_permission(written: Written, text: str, value: str) -> None:
    table, key = text.partition("]")[0].strip("["), text.splitlines()[-1].partition(" ")[0]
    for said in told(written(f"{LEAST}{text.format(value)}\n"), f"{table}.{key}"):
        assert "true" in said
        assert "false" in said


def test_a_use_that_is_blank_is_told_as_a_text_and_not_as_a_list(written: Written) -> None:
    english, french = told(written(f'{LEAST}[internetdb]\nuse = "  "\n'), "internetdb.use")
    assert "list" not in english
    assert "liste" not in french
    assert "caractère" in french
