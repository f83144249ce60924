"""What of a peer's words may be kept? Short, printable, and nothing that could be a patient.

Promise 1: a page's title, a share's name or a banner may hold a patient's name. What has the shape of one is
not kept at all; the shapes are few and wide, because a lost title costs nothing.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 80  # characters of a fact
# Makers of printers, cameras and telephones, and their programs: a name that begins so is a model, as "EPSON
# Stylus", and nobody's.
MAKERS = frozenset({
    "aastra", "alcatel", "asterisk", "avaya", "axis", "bosch", "brother", "canon", "cisco", "dahua",
    "dell", "develop", "epson", "fanvil", "foscam", "fujifilm", "gigaset", "grandstream", "gstreamer",
    "hanwha", "helix", "hikvision", "hipcam", "hp", "icatch", "konica", "kyocera", "lexmark", "live555",
    "mitel", "mobotix", "oki", "olivetti", "panasonic", "polycom", "reolink", "ricoh", "rtsp",
    "samsung", "sharp", "siemens", "snom", "sony", "toshiba", "utax", "vivotek", "vlc", "xerox",
    "yealink", "zebra",
})  # fmt: skip

# Shapes of a person or of a record: a DICOM name, a date, a long number, a word that announces a patient,
# SURNAME Forename or Forename SURNAME, Surname, Forename.
_PERSON = re.compile(
    r"""
    \^
  | \b\d{1,4}[-/.]\d{1,2}[-/.]\d{2,4}\b
  | \d(?:[ .-]?\d){5,}
  | \bMr\b
  | \b[A-ZÀ-Þ][A-ZÀ-Þ'-]+[A-ZÀ-Þ][ ,_]+[A-ZÀ-Þ][a-zß-ÿ'-]+\b
  | \b[A-ZÀ-Þ][a-zß-ÿ'-]+[ ,_]+[A-ZÀ-Þ][A-ZÀ-Þ'-]+[A-ZÀ-Þ]\b
  | \b[A-ZÀ-Þ][a-zß-ÿ'-]+,[ ]*[A-ZÀ-Þ][a-zß-ÿ'-]+\b
    """,
    re.VERBOSE,
)
_NAMED = re.compile(
    r"\b(?:patient|dossier|naissance)|\b(?:n[ée]e?|born|birth|dob|mme|mrs|madame|monsieur|mlle)\b",
    re.IGNORECASE,
)
# Two words that each begin with a capital: a forename and a name, or a product.
_TWO = re.compile(r"\b[A-ZÀ-Þ][A-Za-zÀ-ÿ'-]+[ ,]+[A-ZÀ-Þ][A-Za-zÀ-ÿ'-]+\b")


def plain(told: bytes | str, most: int = LONGEST) -> str | None:
    """Their words on one line, printable, cut; None where nothing is left."""
    text = told.decode("utf-8", "replace") if isinstance(told, bytes) else told
    text = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text[: 4 * most])
    return " ".join(text.split())[:most].strip() or None


def discreet(told: bytes | str, most: int = LONGEST, *, strict: bool = False) -> str | None:
    """As `plain`, and None where it has the shape of a person's name or of a record.

    `strict`: also where it holds two capitalised words, for text that nobody vouches for at all.
    """
    text = plain(told, 4 * most)
    if text is None or _PERSON.search(text) or _NAMED.search(text) or (strict and _TWO.search(text)):
        return None
    return text[:most].strip()


def model(told: bytes | str, most: int = 60) -> str | None:
    """What a device calls itself: behind a maker's name what no record can be, else what no person can be."""
    maker, _, rest = (plain(told, most) or "").partition(" ")
    if maker.lower() not in MAKERS:
        return discreet(f"{maker} {rest}", most, strict=True)
    return f"{maker} {discreet(rest, most) or ''}".strip()


def version(told: bytes | str, pattern: str, most: int = 40) -> str | None:
    """The first group of this pattern in their words, where it is made of what versions are made of."""
    text = plain(told, 1000)
    found = re.search(pattern, text) if text else None
    if found is None or not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z.+~_:-]*", found[1]):
        return None
    return found[1][:most]
