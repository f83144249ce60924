"""What does a server's certificate say of it? RFC 5280, read with cryptography.

It is read and not trusted: the name and the dates are what the server claims. The digest of its key is kept
as a mark, by which a device is known again at another address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.plain import discreet, hostname

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, Name

    from netwatch.model import Facts


def certificate_facts(der: bytes | None) -> Facts:
    """`certificate_name`, `certificate_expires` (a date), `certificate_self_signed`, `certificate_key`.

    Nothing without a certificate, and `certificate: unreadable` where it cannot be read.
    """
    if not der:
        return {}
    try:
        return _read(der)
    except Exception:  # noqa: BLE001 - a hostile certificate raises what it likes inside the library
        return {"certificate": "unreadable"}


def _read(der: bytes) -> Facts:
    import warnings  # noqa: PLC0415
    from hashlib import sha256  # noqa: PLC0415

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415
    from cryptography.x509 import load_der_x509_certificate  # noqa: PLC0415 - slow to import

    with warnings.catch_warnings():  # of a serial number or a name that is against the rules
        warnings.simplefilter("ignore")
        found = load_der_x509_certificate(der)
        key = found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return {
            "certificate_name": _name(found.subject),
            "certificate_expires": f"{found.not_valid_after_utc:%Y-%m-%d}",
            "certificate_self_signed": _self_signed(found),
            "certificate_key": f"sha256:{sha256(key).hexdigest()[:32]}",
        }


def _name(subject: Name) -> str | None:
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    told = str(names[0].value) if names else ""
    # A product's name, such as "AnyDesk Client", or a machine's.
    return discreet(told) if " " in told.strip() else hostname(told, 80)


def _self_signed(found: Certificate) -> bool:
    return found.subject == found.issuer
