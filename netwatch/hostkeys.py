"""Which server is meant, and is this the one that we know? Its host key, against a fingerprint or a file of
known hosts. sshd(8).

Pure but for reading the file. Nothing is ever added to it: a person has to say that a key is the right one.
Where it stops: certificates of hosts (`@cert-authority`) are not followed; a key that the file calls revoked
is no known key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwatch.errors import OutsideError
from netwatch.forms import TARGET
from netwatch.model import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SSH = 22
LARGEST = 4_194_304  # bytes of a file of known hosts
SHA1 = 20  # bytes of its salts and hashes
# Which signatures a kind of key makes. ssh-dss and SHA-1 are taken from nobody.
ALGORITHMS = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}
EVERY = tuple(one for several in ALGORITHMS.values() for one in several)
FAMILIES = (("ssh-ed25519",), EVERY[1:4], EVERY[4:])


@dataclass(frozen=True, slots=True)
class Where:
    """Which server, and as whom."""

    user: str
    host: str  # a name or an address, without brackets
    port: int = SSH

    @classmethod
    def parse(cls, target: str) -> Where:
        """`user@host`, `user@host:2222`, `user@[2001:db8::1]:2222`, as forms.Target lets it through."""
        found = TARGET.fullmatch(target)
        if found is None:
            raise ValueError(target)
        return cls(found["user"], found["host"].strip("[]"), int(found["port"] or SSH))

    @property
    def said(self) -> dict[str, object]:
        """For our sentences."""
        return {"host": self.host, "port": self.port}


@dataclass(frozen=True, slots=True)
class Known:
    """What we know of a server's host key: its fingerprint, or the keys that a file has for its name."""

    fingerprint: str | None = None
    keys: tuple[tuple[str, bytes], ...] = ()  # kind, and the key as it travels

    @property
    def attempts(self) -> tuple[tuple[str, ...], ...]:
        """The algorithms to ask for, attempt by attempt.

        A server shows one key, of the kind that we prefer: those that we know come first. A fingerprint does
        not say which kind it is of, so each is asked for in turn until one fits.
        """
        if self.fingerprint:
            return FAMILIES
        kinds = [one for kind, _ in self.keys for one in ALGORITHMS.get(kind, ())]
        return (tuple(dict.fromkeys((*kinds, *EVERY))),)

    def fits(self, key: bytes) -> bool:
        """Is it the one?"""
        if self.fingerprint:
            return hmac.compare_digest(fingerprint(key), self.fingerprint)
        return any(hmac.compare_digest(key, known) for _, known in self.keys)

    def refusal(self, key: bytes, **where: object) -> OutsideError:
        """What to say where it is not."""
        word = "changed" if self.fingerprint or self.keys else "unknown"
        return OutsideError(f"vantage.host-key-{word}", Reason.UNPROVED, shown=fingerprint(key), **where)


def fingerprint(key: bytes) -> str:
    """As `ssh-keygen -lf` shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def load(file: Path, host: str, port: int, *, named: bool) -> Known:
    """What a file of known hosts has for a server. `named`: the user named it, so it must be there.

    Raises OutsideError where it cannot be read.
    """
    try:
        with file.open("rb") as opened:
            text = opened.read(LARGEST).decode("utf-8", "replace")
    except OSError:
        if named:
            raise OutsideError("vantage.known-hosts", Reason.UNPROVED, path=file) from None
        return Known()
    return Known(keys=known(text, host if port == SSH else f"[{host}]:{port}"))


def known(text: str, name: str) -> tuple[tuple[str, bytes], ...]:
    """The kinds and keys of all rows that are for this name, less those that are revoked."""
    found: dict[tuple[str, bytes], None] = {}
    revoked: set[bytes] = set()
    for marker, names, kind, key in _rows(text):
        if _for(names, name.lower()):
            if marker == "@revoked":
                revoked.add(key)
            elif not marker:
                found[kind, key] = None
    return tuple(one for one in found if one[1] not in revoked)


def _rows(text: str) -> Iterator[tuple[str, str, str, bytes]]:
    """Marker, names, kind, key. A row that is none is passed over, as sshd(8) has it."""
    for row in text.splitlines():
        words = row.split()
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if len(words) < 3 or words[0].startswith("#"):  # noqa: PLR2004 - names, kind, key
            continue
        try:
            yield marker, words[0], words[1], base64.b64decode(words[2], validate=True)
        except (binascii.Error, ValueError):
            continue


def _for(names: str, name: str) -> bool:
    """Is a row for this server? A name with `!` before it takes the row away from it."""
    hit = False
    for one in names.split(","):
        if one.startswith("|"):
            hit = hit or _hashed(one, name)
        elif re.fullmatch(_pattern(one.removeprefix("!").lower()), name):
            if one.startswith("!"):
                return False
            hit = True
    return hit


def _pattern(name: str) -> str:
    """`*` and `?` stand for any; all else for itself."""
    return re.sub(r"\\\*", ".*", re.escape(name)).replace(r"\?", ".")


def _hashed(entry: str, name: str) -> bool:
    """`|1|salt|hash`: HMAC-SHA1 of the name."""
    parts = entry.split("|")
    try:
        salt, told = (base64.b64decode(part, validate=True) for part in parts[2:])
    except (binascii.Error, ValueError):
        return False
    made = hmac.new(salt, name.encode(), "sha1").digest()
    return parts[1] == "1" and len(told) == SHA1 and hmac.compare_digest(made, told)


def address_of(text: str) -> str | None:
    """An address in its shortest form: no zone, and an IPv4 address as one. None where it is none."""
    with suppress(ValueError):
        found = ipaddress.ip_address(text.strip().partition("%")[0])
        inner = getattr(found, "ipv4_mapped", None)
        return str(inner or found)
    return None
