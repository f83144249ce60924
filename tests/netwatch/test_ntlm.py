"""What does a Windows machine say of itself before anybody has logged in?"""

from __future__ import annotations

import re
import struct
import tomllib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch import ntlm
from netwatch.ntlm import NEGOTIATE, challenge_facts, marketed, spnego_negotiate

TABLE = tomllib.loads(Path(ntlm.__file__).with_name("windows.toml").read_text(encoding="utf-8"))["product"]
NAMES = {1: "POSTE-3", 2: "CABINET", 3: "poste-3.cabinet.lan", 4: "cabinet.lan"}
UNICODE_AND_VERSION = 0x0288_8205


def challenge(  # noqa: PLR0913 - a message has its fields
    version: tuple[int, int, int] = (10, 0, 17763),
    names: dict[int, str] | None = None,
    *,
    flags: int = UNICODE_AND_VERSION,
    info: bytes | None = None,
    start: int = 56,
    called: str = "CABINET",
) -> bytes:
    """A CHALLENGE as Windows builds it. MS-NLMP 2.2.1.2."""
    pairs = (NAMES if names is None else names).items()
    told = b"".join(
        struct.pack("<HH", what, 2 * len(text)) + text.encode("utf-16-le") for what, text in pairs
    )
    told = told + b"\0\0\0\0" if info is None else info
    target = called.encode("utf-16-le")
    return (
        b"NTLMSSP\0\x02\0\0\0"
        + struct.pack("<HHI", len(target), len(target), start)
        + struct.pack("<I", flags)
        + b"8 bytes!"
        + bytes(8)
        + struct.pack("<HHI", len(told), len(told), start + len(target))
        + (struct.pack("<BBHxxxB", *version, 15) if start >= 56 else b"")
        + target
        + told
    )


def test_the_version_and_the_names_are_read() -> None:
    assert challenge_facts(challenge()) == {
        "version": "10.0.17763",
        "product": "Windows 10 1809 / Windows Server 2019",
        "support_ends": "2020-11-10 (Windows 10 1809), 2029-01-09 (LTSC 2019, Server 2019)",
        "netbios_name": "POSTE-3",
        "netbios_domain": "CABINET",
        "dns_name": "poste-3.cabinet.lan",
    }


@pytest.mark.parametrize(
    "around", [b"", b"\x30\x82\x01\x0a\xa0\x03\x02\x01\x06", b"\xa1\x81\xce" + bytes(900)]
)
def test_it_is_found_wherever_it_is_wrapped(around: bytes) -> None:
    assert challenge_facts(around + challenge() + b"afterwards") == challenge_facts(challenge())


def test_samba_is_not_windows_7() -> None:
    facts = challenge_facts(challenge((6, 1, 0)))
    assert (facts["version"], facts["product"], "support_ends" in facts) == ("6.1.0", "Samba", False)


def test_what_freerdp_says_is_not_taken_for_windows_7_without_another_sign() -> None:
    doubtful = challenge_facts(challenge((6, 1, 7601)))
    assert doubtful["product"] is None
    assert "support_ends" not in doubtful
    sure = challenge_facts(challenge((6, 1, 7601)), surely_windows=True)
    assert sure["product"] == "Windows 7 / Server 2008 R2"
    assert str(sure["support_ends"]).startswith("2020-01-14")


def test_what_is_not_told_is_none() -> None:
    nothing = {
        "version": None,
        "product": None,
        "netbios_name": None,
        "netbios_domain": None,
        "dns_name": None,
    }
    assert challenge_facts(challenge(names={}, flags=0x8205)) == nothing
    assert challenge_facts(challenge(names={1: "", 3: " \x07 "}, flags=0x8205)) == nothing


@pytest.mark.parametrize("name", ["ZZTEST^PATIENT", "DUPONT Jean", "DUPONT-JEAN", "1750362789012"])
def test_a_person_s_name_is_not_kept(name: str) -> None:
    facts = challenge_facts(challenge(names={1: name, 2: name, 3: name.lower(), 4: name}))
    assert [facts[key] for key in ("netbios_name", "netbios_domain", "dns_name")] == [None] * 3


@pytest.mark.parametrize("version", [(0, 0, 0), (255, 255, 65535)])
def test_a_version_that_cannot_be_is_none(version: tuple[int, int, int]) -> None:
    assert challenge_facts(challenge(version))["version"] is None


def test_a_version_that_is_promised_and_not_there_is_not_read_from_the_names() -> None:
    facts = challenge_facts(challenge(start=48, called="\n\u4563ABC"))
    assert (facts["version"], facts["netbios_name"]) == (None, "POSTE-3")


def test_an_unknown_build_is_a_version_without_a_product() -> None:
    facts = challenge_facts(challenge((10, 0, 40000)))
    assert (facts["version"], facts["product"], "support_ends" in facts) == ("10.0.40000", None, False)


def test_a_name_is_one_short_printable_line() -> None:
    facts = challenge_facts(challenge(names={1: "A\r\nB\x1b[2J\u202e", 2: "x" * 5000, 3: "\ud7ff\uffff"}))
    assert facts["netbios_name"] is None
    assert facts["netbios_domain"] == "x" * 60


@pytest.mark.parametrize(
    "info",
    [
        b"\x01\0\xff\xffPC",  # longer than it is
        b"\x01\0\x02\0A\0\x01",  # cut
    ],
)
def test_names_that_lie_about_their_length_are_not_believed(info: bytes) -> None:
    facts = challenge_facts(challenge(info=info))
    assert (facts["version"], facts["dns_name"]) == ("10.0.17763", None)
    assert facts["netbios_name"] in {None, "A"}


def test_a_list_without_an_end_is_left() -> None:
    endless = b"\x09\0\0\0" * 10_000 + b"\x01\0\x02\0A\0"
    assert challenge_facts(challenge(info=endless))["netbios_name"] is None


def test_our_own_message_and_a_login_are_no_challenge() -> None:
    assert challenge_facts(NEGOTIATE) == {}
    assert challenge_facts(spnego_negotiate()) == {}
    assert challenge_facts(challenge().replace(b"\x02\0\0\0", b"\x03\0\0\0", 1)) == {}
    assert challenge_facts(challenge()[:47]) == {}


def test_a_challenge_behind_a_flood_is_not_looked_for() -> None:
    assert challenge_facts(bytes(70_000) + challenge()) == {}


def test_we_ask_as_nobody() -> None:
    signature, kind, flags, domain, workstation, version = struct.unpack("<8sII8s8s8s", NEGOTIATE)
    assert (signature, kind) == (b"NTLMSSP\0", 1)
    assert (domain, workstation) == (bytes(8), bytes(8))
    assert flags & 0x0200_0000, "the version is wanted"
    assert flags & 0x0080_0000, "the target information is wanted"
    assert not flags & 0x0000_3800, "no domain, no workstation, not anonymous"
    assert version[7] == 15


def test_spnego_s_lengths_are_right() -> None:
    told = spnego_negotiate()

    def value(data: bytes, tag: int) -> tuple[bytes, bytes]:
        assert data[0] == tag
        assert data[1] < 128
        return data[2 : 2 + data[1]], data[2 + data[1] :]

    inner, rest = value(told, 0x60)
    assert rest == b""
    assert inner.startswith(bytes.fromhex("06062b0601050502"))
    token, rest = value(inner[8:], 0xA0)
    assert rest == b""
    sequence, rest = value(token, 0x30)
    assert rest == b""
    mechanisms, rest = value(sequence, 0xA0)
    assert mechanisms == bytes.fromhex("300c060a2b06010401823702020a")
    octets, rest = value(rest, 0xA2)
    assert rest == b""
    assert value(octets, 0x04) == (NEGOTIATE, b"")


def test_the_table_is_short_and_each_version_stands_in_it_once() -> None:
    versions = [version for one in TABLE for version in one["versions"]]
    assert sorted(set(versions)) == sorted(versions)
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)
    for one in TABLE:
        assert set(one) <= {"versions", "product", "or", "support_ends"}
        assert len(one["product"] + one.get("or", "")) <= 70
        assert len(one.get("support_ends", "")) <= 80


def test_microsoft_ends_support_on_a_tuesday() -> None:
    dates = [told for one in TABLE for told in re.findall(r"\d{4}-\d\d-\d\d", one.get("support_ends", ""))]
    # Only the Annual Channel's servers do not end on the day of the updates.
    odd = [told for told in dates if date.fromisoformat(told).weekday() != 1 and told != "2025-10-24"]
    assert len(dates) > 20
    assert odd == []


@given(st.binary(max_size=300), st.sampled_from([b"", b"NTLMSSP\0\x02\0\0\0", challenge()[:48], challenge()]))
def test_any_bytes_are_facts_or_nothing(told: bytes, start: bytes) -> None:
    for blob in (start + told, told + start):
        for value in challenge_facts(blob).values():
            assert value is None or (isinstance(value, str) and len(value) <= 80 and value.isprintable())


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("10.0.15063", "Windows 10 1703"),
        ("10.0.15063.296", "Windows 10 1703"),
        ("10.0.17763", "Windows 10 1809 / Windows Server 2019"),
        ("10.0.19041", "Windows 10 2004\u201322H2"),
        ("10.0.22621", "Windows 11 22H2/23H2"),
        ("10.0.26100", None),  # "24H2 or later" is no name
        ("6.1.0", None),  # Samba's
        ("99.1", None),
        ("", None),
    ],
)
def test_a_windows_is_called_as_it_is_sold_where_that_is_a_name(version: str, name: str | None) -> None:
    assert marketed(version) == name
