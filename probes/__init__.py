"""The questions netwatch can ask, one file each.

A module of this package that ends with a name ``PROBE`` is a probe; its words stand beside it in a
``.toml`` file of the same name. ``load`` walks the package: a new probe edits no existing file.
Third parties add theirs through the entry-point group ``netwatch.probes``.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netwatch.probe import ProbeFactory


def load() -> dict[str, ProbeFactory]:
    """Every probe by its name, ours first, then the ones other distributions announce."""
    modules = [import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    factories = [module.PROBE for module in modules if hasattr(module, "PROBE")]
    factories += [entry.load() for entry in metadata.entry_points(group="netwatch.probes")]
    return {factory.name: factory for factory in factories}


def words() -> tuple[Path, ...]:
    """The files that hold the words of our probes' findings."""
    return tuple(sorted(Path(__path__[0]).glob("*.toml")))
