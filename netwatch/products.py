"""Which web product is this page, and does it ask who we are? Its marks are data: products.toml.

Pure. What a server told is looked at and forgotten: what comes out is a product's name as we write it, a
version made of what versions are made of, and of a title the words that a mark recognised. Where it stops: a
mark is what a server says of itself, and proves no more; a product that is not in the list stays unnamed.
"""

from __future__ import annotations

import html
import re
import tomllib
from base64 import encodebytes
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwatch.plain import plain, version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netwatch.model import Facts

LONGEST = 300  # characters of a title, a header or a path that a mark looks at
# What a version in a Server header looks like: longer numbers could be somebody's.
# Whose package a server is, in the words of the nginx and Apache that distributions build.
PACKAGED = re.compile(
    r"\((?:AlmaLinux|Amazon|CentOS|Debian|Fedora|FreeBSD|Raspbian|Red Hat|Rocky|SUSE|Ubuntu)\)"
)
VERSION = r"^/v?(\d{1,4}(?:\.\d{1,5}){0,4}(?:-?[a-z][a-z0-9]{0,5})?)(?![\w.-])"

OK, BAD, UNAUTHORISED, FORBIDDEN = 200, 400, 401, 403
MOVED = frozenset({301, 302, 303, 307, 308})
PASSWORD = re.compile(r"<input\b[^>]{0,500}\btype\s{0,3}=\s{0,3}[\"']?password\b", re.IGNORECASE)
SECURE_FORM = re.compile(r"<form\b[^>]{0,500}\baction\s{0,3}=\s{0,3}[\"']?https:", re.IGNORECASE)
ICON = re.compile(
    r"<link\b[^>]{0,200}\brel\s{0,3}=\s{0,3}[\"']?(?:shortcut )?icon\b[^>]{0,300}>", re.IGNORECASE
)
HREF = re.compile(r"\bhref\s{0,3}=\s{0,3}[\"']?([^\"'\s>]{1,300})", re.IGNORECASE)
CHALLENGES = ("basic", "digest", "negotiate", "ntlm", "bearer")


@dataclass(frozen=True, slots=True)
class Heard:
    """What a server told. `headers`: lower-case names. `certificate`: its name. `path`: where that was."""

    title: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    certificate: str = ""
    path: str = "/"

    def at(self, where: str) -> str:
        """What a mark looks at."""
        if where == "body":
            return self.body
        kind, _, name = where.partition(":")
        told = {"title": self.title, "certificate": self.certificate, "path": self.path}
        return (told[where] if where in told else self.headers.get(name or kind, ""))[:LONGEST]


@dataclass(frozen=True, slots=True)
class Mark:
    """Words, or a pattern, in one place."""

    where: str
    pattern: re.Pattern[str]

    def found(self, heard: Heard) -> str | None:
        """The words that fit, or None."""
        fits = self.pattern.search(heard.at(self.where))
        return fits[0] if fits else None


@dataclass(frozen=True, slots=True)
class Product:
    """A product of the list; see products.toml."""

    name: str
    kind: str
    marks: tuple[Mark, ...]
    opens: tuple[Mark, ...]
    version: Mark | None
    speaks: str | None
    login: bool


@dataclass(frozen=True, slots=True)
class Recognised:
    """A product, as this page shows it. `title`: what of the title was recognised. `opened`: it let us in."""

    product: Product
    title: str | None
    version: str | None
    opened: bool

    @property
    def facts(self) -> Facts:
        """`product`, `kind` and `version`."""
        return {"product": self.product.name, "kind": self.product.kind, "version": self.version}


def recognise(heard: Heard) -> Recognised | None:
    """The first product of the list that leaves a mark here."""
    for product in _products():
        found = [(mark.where, words) for mark in product.marks if (words := mark.found(heard)) is not None]
        if found:
            title = next((words for where, words in found if where == "title"), None)
            return Recognised(
                product,
                plain(title) if title else None,
                _version(product.version, heard),
                opened=bool(product.opens) and all(mark.found(heard) is not None for mark in product.opens),
            )
    return None


def _version(mark: Mark | None, heard: Heard) -> str | None:
    words = mark.found(heard) if mark else None
    return version(words, f"(?i){mark.pattern.pattern}") if mark and words else None


def listing(heard: Heard) -> bool:
    """Is this page the list of a folder's files, as a web server makes it by itself?"""
    return any(mark.found(heard) is not None for mark in _listings())


def page_kind(status: int, heard: Heard, found: Recognised | None) -> tuple[str, str]:
    """(login, redirect, refused, error, listing, open or other; how it asks who we are).

    How: basic, digest, negotiate, ntlm, bearer, form, secure-form (which posts to https), or script, where
    only the product's reputation says that this is a login page.
    """
    challenge = heard.at("header:www-authenticate").lower()
    if status == UNAUTHORISED or (status == FORBIDDEN and challenge):
        known = (word for word in CHALLENGES if re.search(rf"(?:^|, ?){word}\b", challenge))
        return "login", next(known, "other")
    if PASSWORD.search(heard.body):
        return "login", "secure-form" if SECURE_FORM.search(heard.body) else "form"
    if status in MOVED or status >= BAD:
        return "redirect" if status in MOVED else "refused" if status == FORBIDDEN else "error", ""
    if status == OK and (listing(heard) or (found and found.opened)):
        return "listing" if listing(heard) else "open", ""
    return ("login", "script") if found is not None and found.product.login else ("other", "")


def icon_link(body: str) -> str:
    """Where a page says that its little picture is; /favicon.ico where it says nothing. RFC 5988, HTML."""
    link = ICON.search(body)
    named = HREF.search(link[0]) if link else None
    return html.unescape(named[1]) if named else "/favicon.ico"


def icon_mark(content_type: str, body: bytes) -> Facts:
    """`favicon`, of its SHA-256, and `favicon_mmh3`, by which others call it; nothing where it is a page."""
    text = "html" in content_type.lower() or body[:16].lstrip().lower().startswith((b"<!doc", b"<html"))
    if not body or text:  # some servers show their page for whatever is asked
        return {}
    mark = f"sha256:{sha256(body).hexdigest()[:16]}"
    return {"favicon": mark, "favicon_mmh3": murmur3(encodebytes(body))}


def server(header: str) -> str | None:
    """A Server header as `nginx/1.22.1`, where its name is one of the known ones; `nginx/1.18.0 (Ubuntu)`
    where it says whose package it is: that one is mended without a new number."""
    names = "|".join(map(re.escape, sorted(_data()["servers"]["names"], key=len, reverse=True)))
    known = re.match(rf"(?:{names})(?![\w-])", header[:LONGEST], re.IGNORECASE)
    if known is None:
        return None
    rest = header[known.end() :][:LONGEST]
    number, whose = version(rest[:40], VERSION), PACKAGED.search(rest)
    named = f"{plain(known[0])}/{number}" if number else plain(known[0])
    return f"{named} {whose[0]}" if whose else named


def title(body: str) -> str:
    """The title of a page, on one line; nothing where it has none."""
    found = re.search(r"<title\b[^>]{0,200}>([^<]{0,400})", body, re.IGNORECASE)
    return (plain(html.unescape(found[1]), LONGEST) or "") if found else ""


def murmur3(data: bytes, seed: int = 0) -> int:
    """MurmurHash3, x86, 32 bits, as a signed number: what Shodan and others call a favicon by."""
    mask, hashed = 0xFFFFFFFF, seed

    def turned(number: int, bits: int) -> int:
        return (number << bits | number >> (32 - bits)) & mask

    def mixed(block: bytes) -> int:
        number = int.from_bytes(block, "little") * 0xCC9E2D51 & mask
        return turned(number, 15) * 0x1B873593 & mask

    whole = len(data) // 4 * 4
    for start in range(0, whole, 4):
        hashed = (turned(hashed ^ mixed(data[start : start + 4]), 13) * 5 + 0xE6546B64) & mask
    hashed ^= mixed(data[whole:]) ^ len(data)
    hashed = (hashed ^ hashed >> 16) * 0x85EBCA6B & mask
    hashed = (hashed ^ hashed >> 13) * 0xC2B2AE35 & mask
    hashed ^= hashed >> 16
    return hashed - (hashed >> 31 << 32)


@cache
def _data() -> dict[str, Any]:
    data = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return dict(data)


@cache
def _products() -> tuple[Product, ...]:
    return tuple(
        Product(
            one["name"],
            one["kind"],
            tuple(map(_mark, one["marks"])),
            tuple(map(_mark, one.get("opens", ()))),
            _mark(one["version"]) if "version" in one else None,
            one.get("speaks"),
            one.get("login", False),
        )
        for one in _data()["product"]
    )


@cache
def _listings() -> tuple[Mark, ...]:
    return tuple(_mark(mark) for one in _data()["listing"] for mark in one["marks"])


def _mark(told: Mapping[str, str]) -> Mark:
    pattern = re.escape(told["has"]) if "has" in told else told["like"]
    return Mark(told["where"], re.compile(pattern, re.IGNORECASE))
