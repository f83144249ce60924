"""Which toolkit or maker does a DICOM peer hint at? PS3.7 D.3.3.2: class UID and version name.

Hints, never a proof: makers ship toolkits and leave their strings, so that a peer that says DCMTK may be
Orthanc or an ultrasound machine. Toolkit and maker are told apart. One author's table of roots.
"""

from __future__ import annotations

from dataclasses import dataclass

TOOLKITS = {
    "1.2.276.0.7230010.3.": "DCMTK",
    "1.2.40.0.13.1.3": "dcm4che",
    "1.2.826.0.1.3680043.9.3811.": "pynetdicom",
    "1.2.826.0.1.3680043.8.641.": "Orthanc",
    "1.2.826.0.1.3680043.8.1057.": "OsiriX/Horos",
    "1.2.826.0.1.3680043.2.135.1066.101": "ConQuest",
    "1.3.6.1.4.1.30071.8": "fo-dicom",
    "1.3.6.1.4.1.25403.": "ClearCanvas",
}
MAKERS = {
    "1.2.840.113619.": "GE",
    "1.3.12.2.1107.": "Siemens",
    "1.2.840.113704.": "Philips",
    "1.3.46.670589.": "Philips",
    "1.2.840.114257.": "Agfa",
    "1.2.840.113564.": "Carestream",
    # Below 1.2.392.200036 is the number of a maker:
    # https://github.com/fo-dicom/fo-dicom/blob/development/FO-DICOM.Core/DicomUIDPrivate.cs
    "1.2.392.200036.9116.": "Toshiba",
    "1.2.392.200036.9125.": "Fujifilm",
    "1.2.840.113669.": "Merge",
}


@dataclass(frozen=True, slots=True)
class Hint:
    """What the strings suggest. `product` is the maker, else the toolkit and its version."""

    toolkit: str | None
    maker: str | None
    product: str | None


def recognised(uid: str | None, version: str | None) -> Hint:
    """The hint of an Implementation Class UID and an Implementation Version Name."""
    toolkit, maker = _by_root(TOOLKITS, uid), _by_root(MAKERS, uid)
    return Hint(toolkit, maker, maker or (_with_version(toolkit, version) if toolkit else None))


def _with_version(toolkit: str, version: str | None) -> str:
    """`DCMTK` and `OFFIS_DCMTK_367` as `DCMTK 3.6.7`; other toolkits' names are left as they are."""
    digits = (version or "").rpartition("_")[2]
    return f"{toolkit} {'.'.join(digits)}" if toolkit == "DCMTK" and digits.isdigit() else toolkit


def _by_root(table: dict[str, str], uid: str | None) -> str | None:
    return next((name for root, name in table.items() if uid and uid.startswith(root)), None)
