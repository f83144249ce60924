"""Is a certificate read, and does a hostile one break nothing?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from netwatch.certificate import certificate_facts

KEY = ec.generate_private_key(ec.SECP256R1())
ENDS = datetime(2027, 3, 14, 12, tzinfo=UTC)


def made(name: str | None, issuer: str | None = None) -> bytes:
    """A certificate for this name, by this issuer or by itself."""

    def named(common: str | None) -> x509.Name:
        return x509.Name([] if common is None else [x509.NameAttribute(NameOID.COMMON_NAME, common)])

    built = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(name if issuer is None else issuer))
        .public_key(KEY.public_key())
        .serial_number(7)
        .not_valid_before(ENDS - timedelta(days=900))
        .not_valid_after(ENDS)
    )
    return built.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


def test_name_end_and_signer_are_told() -> None:
    told = certificate_facts(made("nas.local"))
    key = told.pop("certificate_key")
    assert told == {
        "certificate_name": "nas.local",
        "certificate_expires": "2027-03-14",
        "certificate_self_signed": True,
    }
    assert str(key).startswith("sha256:")


def test_the_mark_is_the_key_s_and_survives_a_new_certificate() -> None:
    one, other = certificate_facts(made("nas.local")), certificate_facts(made("nas.example", "An authority"))
    assert one["certificate_key"] == other["certificate_key"]
    assert other["certificate_self_signed"] is False


@pytest.mark.parametrize(
    "name", ["DUPONT^JEAN", "Jean DUPONT", "DUPONT JEAN", "jean.dupont@x.fr", "<b>nas</b>", None]
)
def test_a_person_s_name_is_not_kept(name: str | None) -> None:
    assert certificate_facts(made(name))["certificate_name"] is None


@pytest.mark.parametrize("name", ["AnyDesk Client", "PC-DUPONT", "*.example.org", "mabbox.bytel.fr"])
def test_a_machine_s_and_a_product_s_name_is(name: str) -> None:
    assert certificate_facts(made(name))["certificate_name"] == name


@pytest.mark.parametrize("der", [None, b""])
def test_without_a_certificate_nothing_is_said(der: bytes | None) -> None:
    assert certificate_facts(der) == {}


@given(st.binary(min_size=1, max_size=400), st.integers(0, 300))
def test_rubbish_is_unreadable_and_nothing_worse(noise: bytes, at: int) -> None:
    whole = made("nas.local")
    for der in (noise, whole[:at], whole[:at] + noise + whole[at + len(noise) :]):
        told = certificate_facts(der)
        assert not der or told == {"certificate": "unreadable"} or "certificate_expires" in told
