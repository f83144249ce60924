"""Which devices are there? The list that a consultant hands over, for a spreadsheet: one line a device.

Words are those of the JSON document, in English, so that two practices' lists can be joined; times are UTC.
What is not known is empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwatch.document import port_list
from reports.gaps import devices
from reports.spreadsheet import to_csv
from reports.verdict import by_address

if TYPE_CHECKING:
    from netwatch.document import DevicePart, Document

# Of the profile: what the device was recognised as, by whose word, and how old that is.
PROFILE = (
    *("kind_by", "confidence", "product", "system"),
    *("age_product", "age_version", "age_state", "age_until", "age_last_safe", "age_source", "age_checked"),
)
COLUMNS = (
    *("id", "names", "kind", "maker", "model", "version", "address", "mac", "card_maker", "open_ports"),
    *("first_seen", "last_seen", "left_alone"),
    *PROFILE,
)


def csv(document: Document) -> str:
    """The devices in the order of their addresses; the practice's addresses on the internet are none."""
    known = sorted(devices(document), key=lambda one: by_address(one.address))
    return to_csv(COLUMNS, (_row(document, one) for one in known))


def _row(document: Document, device: DevicePart) -> dict[str, Any]:
    ports = {one.port for one in document.services if one.device == device.id}
    return {
        "id": device.id,
        "names": ", ".join(device.names),
        "kind": device.profile.get("kind") or device.kind,
        "maker": device.maker,
        "model": device.model,
        "version": device.version,
        "address": device.address,
        "mac": device.mac,
        "card_maker": device.vendor,
        "open_ports": port_list(tuple(ports)),
        "first_seen": device.first_seen,
        "last_seen": device.last_seen,
        "left_alone": device.left_alone,
        **{name: device.profile.get(name) for name in PROFILE},
    }
