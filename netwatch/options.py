"""Which options has the site file for each probe, and are they right? `[probes.dicom] timeout = 2`.

A probe is a dataclass and its fields are its options: their annotations are what an option must be.
"""

from __future__ import annotations

import difflib
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from netwatch.errors import ConfigError
from netwatch.problem import problems, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netwatch.probe import Probe, ProbeFactory


def configure(
    factories: Mapping[str, ProbeFactory], options: Mapping[str, Mapping[str, object]]
) -> tuple[Probe, ...]:
    """Every probe with its options. Raises ConfigError naming `probes.<name>.<option>`."""
    unknown = sorted(options.keys() - factories.keys())
    if unknown:
        raise _invalid(_unknown("probes", unknown[0], sorted(factories)))
    return tuple(_made(factory, options.get(name, {})) for name, factory in sorted(factories.items()))


def _made(factory: ProbeFactory, given: Mapping[str, object]) -> Probe:
    known = sorted(field.name for field in fields(factory))  # type: ignore[arg-type]
    for option in given:
        if option not in known:
            raise _invalid(_unknown(f"probes.{factory.name}", option, known))
    try:
        probe: Probe = TypeAdapter(factory).validate_python(dict(given))  # type: ignore[arg-type]
    except ValidationError as error:
        raise problems(error, ("probes", factory.name)) from None
    for option, value in given.items():  # "yes" is no true
        if isinstance(getattr(probe, option), bool) and not isinstance(value, bool):
            raise _invalid(ConfigError("config.true-or-false", key=f"probes.{factory.name}.{option}"))
    return probe


def _unknown(where: str, key: str, known: list[str]) -> ConfigError:
    nearest = difflib.get_close_matches(key, known, n=1)
    details: dict[str, Any] = {"key": f"{where}.{shown(key)}", "known": ", ".join(known)}
    return ConfigError(
        "options.unknown-near" if nearest else "options.unknown", nearest="".join(nearest), **details
    )


def _invalid(problem: ConfigError) -> ConfigError:
    return ConfigError("config.invalid", problems=(problem,))
