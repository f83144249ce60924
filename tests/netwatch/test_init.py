"""Does a first site file load as it is written, and does it propose this machine's own network?"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date
from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from netwatch.config import Site, load
from netwatch.errors import ConfigError
from netwatch.init import Answers, Proposal, propose, render
from netwatch.words import messages

ROOT = Path(__file__).parent.parent.parent

# As the kernel of a machine behind an internet box prints them, with a bridge of containers beside it.
ROUTE = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
wlan0\t00000000\t0102A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
wlan0\t0002A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0
"""
TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 10.0.0.0
        /8 link UNICAST
     |-- 10.20.30.40
        /32 host LOCAL
     |-- 10.255.255.255
        /32 link BROADCAST
"""
WIDE = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0
"""
little = pytest.mark.skipif(sys.byteorder != "little", reason="the tables above come from such a machine")


def kernel(folder: Path, route: str, trie: str = TRIE) -> Path:
    (folder / "route").write_text(route, encoding="utf-8")
    (folder / "fib_trie").write_text(trie, encoding="utf-8")
    return folder


@little
def test_the_network_of_the_best_default_route_is_proposed_with_its_box(tmp_path: Path) -> None:
    assert propose(kernel(tmp_path, ROUTE)) == Proposal("192.168.1.0/24", "192.168.1.1")


@little
def test_a_network_too_wide_to_scan_is_proposed_as_the_part_around_this_machine(tmp_path: Path) -> None:
    assert propose(kernel(tmp_path, WIDE)) == Proposal("10.20.30.0/24", "10.0.0.1")


@little
def test_of_a_wide_network_in_which_we_cannot_find_ourselves_nothing_is_proposed(tmp_path: Path) -> None:
    assert propose(kernel(tmp_path, WIDE, "")) == Proposal(None, "10.0.0.1")


@little
def test_a_public_network_is_never_proposed(tmp_path: Path) -> None:
    public = (
        WIDE.replace("0000000A", "00080808").replace("0100000A", "01080808").replace("000000FF", "00FFFFFF")
    )
    assert propose(kernel(tmp_path, public)) == Proposal(None, None)


@little
def test_without_a_default_route_the_only_network_is_proposed_and_of_two_neither(tmp_path: Path) -> None:
    lines = ROUTE.splitlines(keepends=True)
    assert propose(kernel(tmp_path, lines[0] + lines[4])) == Proposal("192.168.1.0/24", None)
    assert propose(kernel(tmp_path, lines[0] + lines[4] + lines[5])) == Proposal(None, None)


def test_a_system_without_these_tables_proposes_nothing(tmp_path: Path) -> None:
    assert propose(tmp_path / "absent") == Proposal(None, None)


@given(route=st.one_of(st.text(), st.lists(st.text("0123456789ABCDEFeth \t\n-", max_size=80)).map("\n".join)))
@example(route="eth0 0 0 1 0 0 0 FFFFFFFFFFFF 0 0 0\n" * 3)
@example(route=ROUTE.replace("0001A8C0", "0101A8C0"))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_the_tables_hold_a_proposal_comes_and_would_load(tmp_path: Path, route: str) -> None:
    found = propose(kernel(tmp_path, route))
    if found.network:
        assert Site.model_validate({"name": "A", "networks": [found.network]}).addresses() <= 4096
    if found.gateway:
        assert IPv4Address(found.gateway)


@pytest.mark.lab
@pytest.mark.parametrize(
    ("address", "box", "proposed"),
    [
        ("192.168.7.20/24", "192.168.7.1", ["192.168.7.0/24", "192.168.7.1"]),
        ("10.20.30.40/8", "10.0.0.1", ["10.20.30.0/24", "10.0.0.1"]),
        ("172.16.9.9/20", "172.16.0.1", ["172.16.0.0/20", "172.16.0.1"]),
    ],
)
def test_what_this_kernel_prints_is_read(address: str, box: str, proposed: list[str]) -> None:
    script = (
        "ip link add lan0 type veth peer name lan1 && ip link set lan1 up && ip link set lan0 up && "
        "ip addr add $1 dev lan0 && ip route add default via $2 && "
        'exec "$3" -c "import json; from netwatch.init import propose as p; f = p(); '
        'print(json.dumps([f.network, f.gateway]))"'
    )
    said = subprocess.run(
        ["unshare", "-n", "sh", "-c", script, "sh", address, box, sys.executable],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(said.stdout) == proposed


def full(name: str = "Cabinet Martin", language: str = "fr") -> Answers:
    return Answers(
        name=name,
        language=language,
        networks=("192.168.1.0/24", "192.168.7.3"),
        gateway="192.168.1.1",
        recipients=("a@example.org", "b@example.org"),
        by="Dr Martin",
        role="titulaire",
        until=date(2027, 1, 31),
        mail_host="smtp.example.org",
        mail_port=2525,
        mail_security="tls",
        mail_user="cabinet",
        sender="cabinet@example.org",
    )


def loaded(folder: Path, text: str) -> Site:
    path = folder / "site.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_answer_is_in_the_site_that_the_file_describes(tmp_path: Path, language: str) -> None:
    site = loaded(tmp_path, render(full(language=language)))
    assert (site.name, site.language) == ("Cabinet Martin", language)
    assert site.networks == (IPv4Network("192.168.1.0/24"), IPv4Network("192.168.7.3/32"))
    assert site.gateway == IPv4Address("192.168.1.1")
    assert site.recipients == ("a@example.org", "b@example.org")
    assert site.authorisation is not None
    assert site.authorisation.model_dump() == {
        "by": "Dr Martin",
        "role": "titulaire",
        "until": date(2027, 1, 31),
        "audit": False,
    }
    assert site.mail is not None
    assert (site.mail.host, site.mail.port, site.mail.security) == ("smtp.example.org", 2525, "tls")
    assert (site.mail.user, site.mail.sender) == ("cabinet", "cabinet@example.org")


NASTY = st.one_of(
    st.text(max_size=60),
    st.text('"\\\n\r\t[]#=\x00\x7f\x1b\u2028\u202e\ud800 ', max_size=60),
    st.sampled_from(
        ['"\nnetworks = ["8.8.8.0/24"]\n#', '"""', "'''", "\\u0022", "#", "[mail]", "{name}", "\\"]
    ),
)


@given(name=NASTY, by=NASTY, role=NASTY, language=st.sampled_from(["en", "fr"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_name_can_write_anything_but_a_name(
    tmp_path: Path, name: str, by: str, role: str, language: str
) -> None:
    text = render(Answers(name, language, ("192.168.1.0/24",), by=by, role=role, until=date(2027, 1, 31)))
    site = loaded(tmp_path, text)
    plain = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    assert site.name == plain or not plain
    assert site.networks == (IPv4Network("192.168.1.0/24"),)
    assert site.mail is None
    assert f'# slug = "{site.slug}"' in text


@given(rubbish=NASTY)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_an_answer_that_is_wrong_is_told_by_its_key_and_moves_no_other(tmp_path: Path, rubbish: str) -> None:
    answers = Answers("A", "en", ("10.0.0.0/24",), rubbish, (rubbish,), mail_host=rubbish, mail_user=rubbish)
    try:
        site = loaded(tmp_path, render(answers))
    except ConfigError as error:
        keys = {str(problem.details["key"]) for problem in error.problems}
        assert keys <= {"gateway", "recipients[0]", "mail.host", "mail.user"}
        assert keys
    else:
        assert site.networks == (IPv4Network("10.0.0.0/24"),)


def test_what_was_not_answered_is_an_example_and_no_setting(tmp_path: Path) -> None:
    site = loaded(tmp_path, render(Answers("A", "en", ("10.0.0.0/24",))))
    assert (site.authorisation, site.mail, site.recipients, site.gateway) == (None, None, (), None)


def test_half_an_authorisation_is_none(tmp_path: Path) -> None:
    text = render(Answers("A", "en", ("10.0.0.0/24",), by="Dr A", role="", until=date(2027, 1, 31)))
    assert loaded(tmp_path, text).authorisation is None


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("answers", [full(), Answers("A", "en", ("10.0.0.0/24",))], ids=["all", "least"])
def test_every_example_loads_once_its_mark_is_taken_away(
    tmp_path: Path, answers: Answers, language: str
) -> None:
    text = render(Answers(answers.name, language, answers.networks, by=answers.by))
    text = re.sub(r"(?m)^# (\[.*\]|\w+ = .*)$", r"\1", text)
    # The example of a public address is one that documents may use: nobody is to scan it by mistake.
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    assert [problem.details["key"] for problem in caught.value.problems] == ["public_addresses[0]"]
    site = loaded(tmp_path, text.replace("203.0.113.7", "9.9.9.9"))
    assert site.authorisation is not None
    assert site.mail is not None
    assert site.exclude.ports >= {9100, 6050}


def keys(model: type[BaseModel], prefix: str = "") -> set[str]:
    found = set()
    for name, field in model.model_fields.items():
        below = [a for a in (field.annotation, *get_args(field.annotation)) if isinstance(a, type)]
        tables = [a for a in below if issubclass(a, BaseModel)]
        found |= keys(tables[0], f"{prefix}{name}.") if tables else {prefix + name}
    return found


def test_every_key_that_a_site_file_may_have_is_in_the_first_one() -> None:
    heading, named = "", set()
    for line in render(full()).splitlines():
        if table := re.fullmatch(r"(?:# )?\[\[?([a-z.]+)\]?\]", line):
            heading = f"{table[1]}."
        elif key := re.fullmatch(r"(?:# )?(\w+) = .*", line):
            named.add(heading + key[1])
    assert named - {"probes.dicom.timeout"} == keys(Site) - {"probes"}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_line_fits_a_narrow_editor_and_a_remark_stands_over_every_key(language: str) -> None:
    lines = render(full(language=language)).splitlines()
    assert max(map(len, lines)) <= 100
    for above, line in pairwise(lines):
        if re.fullmatch(r"(?:# )?\w+ = .*", line):
            assert re.match(r"# \S", above), line


def test_the_remarks_are_in_the_language_of_the_practice() -> None:
    assert "Le nom du cabinet" in render(full(language="fr"))
    assert "The practice's name" in render(full(language="en"))


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize(
    "question", ["name", "language", "network", "recipients", "by", "role", "until", "mail_host", "mail_user"]
)
def test_every_question_can_be_asked(question: str, language: str) -> None:
    assert messages(language)(f"init.{question}")
