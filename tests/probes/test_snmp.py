"""Does it answer to `public`, and is that asked only where it may be? net-snmp's agent in tests/lab."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.errors import ConfigError
from netwatch.model import Reason, Target
from netwatch.options import configure
from netwatch.probe import PortClosed
from probes.snmp import Snmp
from tests.lab.interview import Asked, ask, canned, fresh_address

PROBE = Snmp(public=True, timeout=0.5)
SYS_DESCR, SYS_NAME = (bytes([0x2B, 6, 1, 2, 1, 1, last, 0]) for last in (1, 5))


def put(tag: int, *parts: bytes) -> bytes:
    """Tag, length, value, the length in the long form that agents use for no reason."""
    value = b"".join(parts)
    return bytes([tag, 0x82]) + len(value).to_bytes(2, "big") + value


def answer(  # noqa: PLR0913 - what an answer is made of
    number: bytes,
    value: bytes,
    *,
    name: bytes | None = None,
    version: int = 1,
    error: int = 0,
    tag: int = 0xA2,
) -> bytes:
    """A Response that holds this value, already in BER; and `name`, the one of sysName."""
    pairs = [(SYS_DESCR, value), *([] if name is None else [(SYS_NAME, name)])]
    names = put(0x30, *(put(0x30, put(0x06, oid), told) for oid, told in pairs))
    body = put(tag, put(2, number), put(2, bytes([error])), put(2, b"\0"), names)
    return put(0x30, put(2, bytes([version])), put(4, b"public"), body)


@pytest.fixture(autouse=True)
def _known_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request id, which is drawn at random, is the same every time: what is canned can answer it."""
    monkeypatch.setattr("secrets.randbelow", lambda _: 0)


NUMBER = b"\0\x01\0\0"  # 0x10000, as our side counts from there


def told(text: bytes) -> Asked:
    """An agent that says this of itself."""
    return canned(PROBE, answer(NUMBER, put(4, text)))


PRINTER = b"Brother NC-8500h, Firmware Ver.1.05  (13.10.25),MID 8C5"
LINUX = b"Linux pacs-dupont 6.1.0-18-amd64 #1 SMP Debian 6.1.76-1 x86_64"
DATED = b"Linux pacs-dupont 6.1.0-18-amd64 #1 SMP Debian 6.1.76-1 (2024-02-01) x86_64"
BUILT = b"FreeBSD nas.local 13.1-RELEASE-p9 FreeBSD 13.1-RELEASE-p9 martin@dupont:/usr/obj amd64"
WINDOWS = b"Hardware: Intel64 Family 6 Model 158 - Software: Windows Version 6.3 (Build 19041)"
RICOH = b"RICOH MP 3053 1.09 / RICOH Network Printer C model / de DUPONT Jean"
DESCRIPTIONS = [
    # what it says, the product and the description that are kept
    (PRINTER, "Brother NC-8500h", "Brother NC-8500h"),
    (LINUX, "Linux 6.1.0-18-amd64", "Linux 6.1.0-18-amd64 #1 SMP Debian 6.1.76-1 x86_64"),
    (DATED, "Linux 6.1.0-18-amd64", None),
    (BUILT, "FreeBSD 13.1-RELEASE-p9", None),
    (WINDOWS, "Windows 6.3", None),
    (RICOH, None, "RICOH MP 3053 1.09 /"),
    (b"RouterOS RB750Gr3", "RouterOS RB750Gr3", "RouterOS RB750Gr3"),
    (b"S" * 300, "S" * 80, "S" * 200),
    (b"HP LaserJet DUPONT Jean", None, None),
    (b"Imprimante de DUPONT Jean", None, None),
    (b"DUPONT^JEAN-PAUL", None, None),
    (b"", None, None),
]


@pytest.mark.parametrize(("text", "product", "description"), DESCRIPTIONS)
def test_what_it_is_is_kept_and_how_somebody_named_it_is_not(
    text: bytes, product: str | None, description: str | None
) -> None:
    asked = told(text)
    facts = {"product": product, "description": description, "name": None}
    assert asked.facts == {"authentication": "none", "version": "2c", **facts}
    assert (asked.protocol, asked.rules, asked.seen[0].transport) == ("snmp", ["snmp-public"], "udp")


NAMED = [
    (b"accueil", "accueil"),
    (b"BRN30055CAB12F.cabinet.lan", "BRN30055CAB12F.cabinet.lan"),
    (b"Imprimante de Jean", None),
    (b"DUPONT^JEAN", None),
    (b"dupont jean", None),
    (b"DUPONT-Jean", None),
    (b"(none)", None),
    (b"localhost", None),
    (b"\xff\x00", None),
    (b"", None),
]


@pytest.mark.parametrize(("text", "name"), NAMED)
def test_a_machines_name_is_kept_and_a_persons_is_not(text: bytes, name: str | None) -> None:
    asked = canned(PROBE, answer(NUMBER, put(4, b"RouterOS RB750Gr3"), name=put(4, text)))
    assert (asked.facts["name"], asked.facts["product"]) == (name, "RouterOS RB750Gr3")


def test_two_values_are_asked_for_at_once_and_nothing_is_written() -> None:
    [sent] = told(b"x").sent
    # SEQUENCE: version 1 (2c), "public", GetRequest: request-id, no error, sysDescr.0, sysName.0
    head, number = "3036020101" + "0406" + b"public".hex() + "a029", "0203010000"
    names = "301c" + "300c06082b060102010101000500" + "300c06082b060102010105000500"
    assert sent == bytes.fromhex(head + number + "020100020100" + names)


def test_the_older_version_is_asked_where_the_newer_meets_silence() -> None:
    asked = canned(PROBE, b"", answer(NUMBER, put(4, b"JETDIRECT"), version=0))
    assert (asked.facts["version"], asked.facts["product"]) == ("1", "JETDIRECT")
    assert [data[4] for data in asked.sent] == [1, 0]


def test_who_refuses_both_at_once_is_asked_for_its_description_alone() -> None:
    refused = answer(NUMBER, put(5), name=put(5), version=0, error=2)
    asked = canned(PROBE, b"", refused, answer(NUMBER, put(4, b"JETDIRECT"), version=0))
    assert (asked.facts["product"], asked.rules) == ("JETDIRECT", ["snmp-public"])
    assert [data.count(SYS_NAME) for data in asked.sent] == [1, 1, 0]


@pytest.mark.parametrize("then", [b"", b"SIP/2.0 400 DUPONT^JEAN", answer(NUMBER, put(5), error=5)])
def test_who_refuses_whatever_it_is_asked_has_answered_all_the_same(then: bytes) -> None:
    asked = canned(PROBE, answer(NUMBER, put(5), error=1), then)
    assert (asked.facts["product"], asked.facts["name"], asked.rules) == (None, None, ["snmp-public"])
    assert len(asked.sent) == 2


def test_a_value_counts_for_the_name_that_it_is_told_of() -> None:
    asked = canned(PROBE, answer(NUMBER, bytes([0x80, 0]), name=put(4, b"accueil")))
    assert (asked.facts["product"], asked.facts["name"]) == (None, "accueil")


@pytest.mark.parametrize("value", [put(5), bytes([0x80, 0]), bytes([0x81, 0]), put(2, b"\x01")])
def test_an_agent_that_has_nothing_to_say_has_answered_all_the_same(value: bytes) -> None:
    asked = canned(PROBE, answer(NUMBER, value))
    assert (asked.facts["product"], asked.rules) == (None, ["snmp-public"])


WRONG = [
    b"\x30",
    b"SIP/2.0 400 DUPONT^JEAN",
    answer(b"\x01\x02", put(4, b"DUPONT^JEAN")),
    answer(NUMBER, put(4, b"x"), tag=0xA8),
    answer(NUMBER, put(4, b"x"))[:-3],
    b"\x30\x84\xff\xff\xff\xff",
    b"\x30\xff" + b"\x01" * 200,
    b"\x30\x80\x02\x01\x01\0\0",
    b"\x30\x82",
]


@pytest.mark.parametrize("data", WRONG)
def test_what_is_no_answer_to_our_question_is_a_failure(data: bytes) -> None:
    asked = canned(PROBE, data)
    assert (asked.seen, asked.reason) == ([], Reason.PROTOCOL)
    assert "DUPONT" not in str(asked.error)


class Closed:
    """A Way to a port that is closed."""

    asked = 0

    def ask(self, *_: object, **__: object) -> bytes:
        self.asked += 1
        raise PortClosed


def test_a_closed_port_is_asked_once() -> None:
    way = Closed()
    with pytest.raises(PortClosed):
        list(PROBE.observe(Target("d", "192.0.2.1", ()), 161, way))  # type: ignore[arg-type]
    assert way.asked == 1


def test_silence_is_mute_and_a_closed_port_says_so() -> None:
    address = fresh_address()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind((address, 0))
        port = deaf.getsockname()[1]
        asked = ask(PROBE, address, port)
        received = [deaf.recv(2000) for _ in range(2)]
    assert (asked.seen, asked.reason) == ([], Reason.MUTE)
    assert [data[4] for data in received] == [1, 0]
    assert ask(PROBE, address, port).reason is Reason.REFUSED


def test_it_is_asked_only_where_the_site_file_says_so() -> None:
    target = Target("d", "192.0.2.1", (22,))
    [quiet] = configure({"snmp": Snmp}, {})
    [allowed] = configure({"snmp": Snmp}, {"snmp": {"public": True}})
    assert (quiet.wants(target), allowed.wants(target)) == ((), (161,))
    with pytest.raises(ConfigError):
        configure({"snmp": Snmp}, {"snmp": {"public": "yes please"}})


@given(
    st.binary(max_size=200), st.sampled_from([b"", b"\x30", answer(NUMBER, b"")[:20], answer(NUMBER, b"")])
)
def test_any_bytes_give_facts_or_a_failure(data: bytes, opening: bytes) -> None:
    asked = canned(PROBE, opening + data)
    assert asked.seen or asked.error


@given(st.binary(max_size=200), st.sampled_from([0x04, 0x02, 0x30, 0x80]))
def test_any_value_gives_facts_or_a_failure(value: bytes, tag: int) -> None:
    asked = canned(PROBE, answer(NUMBER, put(tag, value)))
    assert asked.seen or asked.error
