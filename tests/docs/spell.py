"""How is a type said to somebody who writes a site file?"""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Iterable, Mapping
from datetime import date
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

PLAIN = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    date: "date",
    IPv4Address: "address",
    IPv6Address: "address",
    IPv4Network: "network or address",
    Path: "path",
    dict: "table",
    Mapping: "table",
}
LISTS = (tuple, list, set, frozenset)
BOUNDS = {
    "ge": "at least {}",
    "gt": "more than {}",
    "le": "at most {}",
    "lt": "less than {}",
    "min_length": "length at least {}",
    "max_length": "length at most {}",
}


def describe(annotation: Any) -> str:  # noqa: ANN401 - an annotation can be anything
    """`tuple[IPv4Network, ...]` as `list of: network or address`."""
    origin, inside = get_origin(annotation), get_args(annotation)
    said = PLAIN.get(origin or annotation, getattr(annotation, "__name__", str(annotation)))
    if origin is Annotated:
        said = " ".join([describe(inside[0]), *bounds(annotation.__metadata__)])
    elif origin is Literal:
        said = ", ".join(value(one) for one in inside)
    elif origin in {Union, types.UnionType}:
        said = " or ".join(dict.fromkeys(describe(one) for one in inside if one is not type(None)))
    elif origin in LISTS:
        said = f"list of: {describe(inside[0])}"
    elif inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        said = "text, or a table" if "address" in annotation.model_fields else "table"
    elif inspect.isclass(annotation) and issubclass(annotation, Enum):
        said = ", ".join(value(one.value) for one in annotation)
    return said


def bounds(metadata: Iterable[object]) -> list[str]:
    """`Ge(1), Le(9)` as `(at least 1, at most 9)`; nothing where there are none."""
    said = [
        words.format(bound)
        for mark in metadata
        for name, words in BOUNDS.items()
        if (bound := getattr(mark, name, None)) is not None
    ]
    return [f"({', '.join(said)})"] if said else []


def value(what: object) -> str:
    """A default, as it would stand in TOML."""
    if what is None or what is PydanticUndefined:
        return "none"
    if isinstance(what, Enum):
        what = what.value
    if isinstance(what, LISTS):
        what = [str(one) for one in what]
    return f"`{json.dumps(what, default=str, ensure_ascii=False)}`"
