"""Which certificate does a lab server show? One made for the occasion, of no value anywhere else."""

from __future__ import annotations

import ssl
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Certificate:
    """Two PEM files. The certificate is its own authority: whoever trusts it trusts only this pair."""

    key: Path
    certificate: Path


def make(folder: Path, name: str, *, days: float = 30) -> Certificate:
    """A self-signed pair in `folder`, valid since yesterday and for `days` (past ones: negative)."""
    from cryptography import x509  # noqa: PLC0415 - slow to import
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    # RSA: in TLS 1.2, DCMTK 3.6.7 shares no cipher with a client of its elliptic key; in 1.3 it does
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1) + min(timedelta(days=days), timedelta()))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pair = Certificate(folder / f"{name}.key.pem", folder / f"{name}.pem")
    pair.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    pair.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return pair


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS in front of it. `mutual`: only for who shows the peer's own certificate. `days` it is valid."""

    minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    maximum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    mutual: bool = False
    days: float = 30

    def context(self, pair: Certificate) -> ssl.SSLContext:
        """For a server; old versions too, where this machine's OpenSSL still has them."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # old versions are the point
            context.minimum_version, context.maximum_version = self.minimum, self.maximum
        if self.minimum < ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("ALL:@SECLEVEL=0")
        if self.mutual:
            context.load_verify_locations(pair.certificate)
            context.verify_mode = ssl.CERT_REQUIRED
        return context
