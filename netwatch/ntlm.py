"""What does a Windows machine say of itself before anybody has logged in? MS-NLMP 2.2.1, RFC 4178.

A server that is asked for NTLM answers with a CHALLENGE, which holds its version and its names. That is where
we stop: the answer to a challenge would be a login. The messages are the same in SMB, HTTP and CredSSP (RDP).
The version is what the server claims: FreeRDP says 6.1.7601 and Samba 6.1.0, and neither is Windows 7 (seen).
Which version is which product, and until when it is supported, is data: windows.toml.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from netwatch.plain import hostname

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from netwatch.model import Facts

SIGNATURE = b"NTLMSSP\0"
CHALLENGE = SIGNATURE + b"\x02\0\0\0"
HEADER, WITH_VERSION = 48, 56  # bytes before the payload of a CHALLENGE, without and with a version
VERSION_FLAG = 0x0200_0000
# MS-NLMP 2.2.2.5: Unicode, target wanted, sign, seal, NTLM, always sign, extended session security, target
# information, version, 128 bits, key exchange, 56 bits. What Windows' own clients ask for.
FLAGS = 0xE288_8235
NOBODY = b"\0" * 16  # no domain, no workstation
OURS = b"\x06\x01\0\0\0\0\0\x0f"  # the version that Samba's clients name; the last byte is NTLM's own
NEGOTIATE = SIGNATURE + b"\x01\0\0\0" + FLAGS.to_bytes(4, "little") + NOBODY + OURS

# RFC 4178 4.2: object identifiers of SPNEGO and of NTLM, DER.
SPNEGO = b"\x06\x06\x2b\x06\x01\x05\x05\x02"
NTLM = b"\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a"

MOST = 65_536  # bytes of a blob that are looked at
PAIRS, NAME = 32, 60
NETBIOS_NAME, NETBIOS_DOMAIN, DNS_NAME = 1, 2, 3  # MS-NLMP 2.2.2.1
SENTENCE = {"later", "without"}  # words of a product's name that are no name
NEWEST = 20  # a major version above this is nobody's


def spnego_negotiate() -> bytes:
    """Our NEGOTIATE as SMB2 and HTTP want it: GSS-API's first token, with NTLM as the only mechanism."""
    mechanisms = _der(0xA0, _der(0x30, NTLM))
    token = _der(0xA2, _der(0x04, NEGOTIATE))
    return _der(0x60, SPNEGO + _der(0xA0, _der(0x30, mechanisms + token)))


def challenge_facts(blob: bytes, *, surely_windows: bool = False) -> Facts:
    """What the CHALLENGE in this answer says: raw, or inside SPNEGO or CredSSP. Nothing where there is none.

    `version` such as `10.0.17763`, `product`, `netbios_name`, `netbios_domain`, `dns_name`, each None where
    it is not told; `support_ends` where that is known. `surely_windows`: something else than this version
    says that it is Windows.
    """
    start = blob.find(CHALLENGE, 0, MOST)
    message = blob[start : start + MOST] if start >= 0 else b""
    if len(message) < HEADER:
        return {}
    version = _version(message)
    names = dict(_pairs(_payload(message, 40)))
    return {
        "version": version,
        "product": None,
        **_known(version, surely_windows=surely_windows),
        "netbios_name": _name(names.get(NETBIOS_NAME)),
        "netbios_domain": _name(names.get(NETBIOS_DOMAIN)),
        "dns_name": _name(names.get(DNS_NAME)),
    }


def marketed(version: str) -> str | None:
    """What the Windows of this version is sold as: `Windows 10 1703` of 10.0.15063 and of 10.0.15063.296, and
    `Windows 11 22H2/23H2` of 10.0.22621. None where nobody knows, or only a sentence says it."""
    told = _table().get(".".join(version.split(".")[:3]), {}).get("product", "")
    sold = told.replace(" or later", " later").replace(" or ", "/").replace(" to ", "\u2013")
    return sold if sold.startswith("Windows") and not SENTENCE & set(sold.split()) else None


def _version(message: bytes) -> str | None:
    """MS-NLMP 2.2.2.10, where the flags announce it and the payload leaves it room."""
    payloads = [_number(message, at + 4, 4) for at in (12, 40) if _number(message, at, 2)]
    told = _number(message, 20, 4) & VERSION_FLAG and len(message) >= WITH_VERSION
    if not told or min(payloads, default=WITH_VERSION) < WITH_VERSION:
        return None
    major, minor, build = message[48], message[49], _number(message, 50, 2)
    return f"{major}.{minor}.{build}" if 0 < major <= NEWEST else None


def _payload(message: bytes, at: int) -> bytes:
    """What the length and the offset at this place point to, as far as it is there."""
    length, offset = _number(message, at, 2), _number(message, at + 4, 4)
    return message[offset : offset + length]


def _pairs(told: bytes) -> Iterator[tuple[int, bytes]]:
    """The pairs of identifier and value, up to the one that ends them."""
    at = 0
    for _ in range(PAIRS):
        what, length = _number(told, at, 2), _number(told, at + 2, 2)
        if not what or at + 4 + length > len(told):
            return
        yield what, told[at + 4 : at + 4 + length]
        at += 4 + length


def _name(value: bytes | None) -> str | None:
    return hostname(value[: 4 * NAME].decode("utf-16-le", "replace"), NAME) if value else None


def _known(version: str | None, *, surely_windows: bool) -> Facts:
    """`product` and `support_ends` of a version; what others name as well is not taken for Windows."""
    told = _table().get(version or "", {})
    if "or" in told and not surely_windows:
        return {}
    return {key: told[key] for key in ("product", "support_ends") if key in told}


@cache
def _table() -> Mapping[str, Mapping[str, str]]:
    """Products by version."""
    data = tomllib.loads((Path(__file__).parent / "windows.toml").read_text(encoding="utf-8"))
    return {version: one for one in data["product"] for version in one["versions"]}


def _number(data: bytes, at: int, size: int) -> int:
    """Little-endian; 0 where the bytes are missing."""
    return int.from_bytes(data[at : at + size], "little")


def _der(tag: int, content: bytes) -> bytes:
    """One DER value of less than 128 bytes."""
    return bytes([tag, len(content)]) + content
