from __future__ import annotations

import base64
import hmac
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.errors import OutsideError
from netwatch.hostkeys import EVERY, Known, Where, address_of, fingerprint, known, load

if TYPE_CHECKING:
    from pathlib import Path

ED, RSA = b"ed-key", b"rsa-key"
ED64, RSA64 = (base64.b64encode(key).decode() for key in (ED, RSA))
NAME = "vps.example.org"


def hashed(name: str) -> str:
    """As ssh-keygen -H writes it."""
    salt = b"0123456789abcdefghij"
    made = hmac.new(salt, name.encode(), "sha1").digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(made).decode()}"


@pytest.mark.parametrize(
    ("target", "where"),
    [
        ("netwatch@vps.example.org", Where("netwatch", NAME, 22)),
        ("netwatch@vps.example.org:2222", Where("netwatch", NAME, 2222)),
        ("u@192.0.2.7", Where("u", "192.0.2.7", 22)),
        ("u@[2001:db8::1]:2222", Where("u", "2001:db8::1", 2222)),
    ],
)
def test_a_target_says_who_where_and_at_which_port(target: str, where: Where) -> None:
    assert Where.parse(target) == where


@pytest.mark.parametrize(
    "names",
    [
        NAME,
        f"other.example,{NAME},192.0.2.7",
        "*.example.org",
        "VPS.Example.ORG",
        "v?s.example.org",
        hashed(NAME),
    ],
)
def test_a_row_is_found_by_each_way_of_writing_its_name(names: str) -> None:
    assert known(f"{names} ssh-ed25519 {ED64} a comment\n", NAME) == (("ssh-ed25519", ED),)


@pytest.mark.parametrize(
    "row",
    [
        f"other.example.org ssh-ed25519 {ED64}",
        f"vps-example.org ssh-ed25519 {ED64}",
        f"*.example.org,!{NAME} ssh-ed25519 {ED64}",
        f"{hashed('other.example.org')} ssh-ed25519 {ED64}",
        f"[{NAME}]:2222 ssh-ed25519 {ED64}",
        f"# {NAME} ssh-ed25519 {ED64}",
        f"@cert-authority {NAME} ssh-ed25519 {ED64}",
        f"{NAME} ssh-ed25519 not*base64",
        f"{NAME} ssh-ed25519",
        "|1|!!|?? ssh-ed25519 AAAA",
    ],
)
def test_a_row_of_somebody_else_or_of_nobody_is_not_taken(row: str) -> None:
    assert known(row, NAME) == ()


def test_a_key_that_is_revoked_is_no_known_key_whatever_comes_first() -> None:
    rows = f"{NAME} ssh-ed25519 {ED64}\n{NAME} ssh-rsa {RSA64}\n@revoked * ssh-ed25519 {ED64}\n"
    assert known(rows, NAME) == (("ssh-rsa", RSA),)


def test_another_port_has_its_own_name(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"[{NAME}]:2222 ssh-rsa {RSA64}\n{NAME} ssh-ed25519 {ED64}\n", encoding="utf-8")
    assert load(file, NAME, 2222, named=True).keys == (("ssh-rsa", RSA),)
    assert load(file, NAME, 22, named=True).keys == (("ssh-ed25519", ED),)


def test_a_file_that_was_named_must_be_there_and_the_usual_one_need_not(tmp_path: Path) -> None:
    assert load(tmp_path / "none", NAME, 22, named=False) == Known()
    with pytest.raises(OutsideError, match=r"vantage\.known-hosts"):
        load(tmp_path / "none", NAME, 22, named=True)


def test_the_kind_of_key_that_is_known_is_asked_for_first_and_all_others_after_it() -> None:
    [rsa] = Known(keys=(("ssh-rsa", RSA),)).attempts
    assert rsa[:2] == ("rsa-sha2-512", "rsa-sha2-256")
    assert sorted(rsa) == sorted(EVERY)


def test_a_fingerprint_is_looked_for_kind_by_kind_and_nothing_else_fits_it() -> None:
    mine = Known(fingerprint=fingerprint(ED), keys=(("ssh-rsa", RSA),))
    assert [one for kinds in mine.attempts for one in kinds] == list(EVERY)
    assert mine.fits(ED)
    assert not mine.fits(RSA)


def test_what_is_not_known_and_what_changed_are_told_apart() -> None:
    assert Known().refusal(ED, host=NAME, port=22).message == "vantage.host-key-unknown"
    changed = Known(keys=(("ssh-rsa", RSA),)).refusal(ED, host=NAME, port=22)
    assert changed.message == "vantage.host-key-changed"
    assert changed.details["shown"] == fingerprint(ED)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("fe80::1%<script>", "fe80::1"),
        ("192.0.2.7 22", None),
        ("", None),
        ("$SSH_CONNECTION", None),
    ],
)
def test_an_address_is_only_what_the_library_takes_for_one_and_nothing_rides_on_it(
    text: str, address: str | None
) -> None:
    assert address_of(text) == address


@given(st.text(), st.text(min_size=1))
def test_no_file_of_known_hosts_can_break_us(text: str, name: str) -> None:
    known(text, name)
    known(f"{text} ssh-rsa {RSA64}\n", name)
