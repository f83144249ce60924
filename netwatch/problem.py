"""What is wrong in what was written, and what would be right? pydantic's errors, in our own sentences.

Each error of pydantic becomes the id of a sentence in words/config.*.toml, the key as a user would find
it (`mail.port`, `networks[0]`, `probes.dicom.timeout`) and what fills the sentence in: none of pydantic's
English reaches a reader. A value that may be a secret is never repeated.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, get_args

from netwatch.errors import ConfigError, NetwatchError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from netwatch.words import Messages

SECRET = re.compile("(?i)passw|passphrase|^pass$|pasw|pwd|secret|token|mdp|mot_?de_?passe|credential")
KEY = re.compile(r"(?i)(?!host_key$)(.*[_-]|api)?(key|clef?)")  # `key`, `api_key`; a host's key is no secret
BARE = re.compile(r"[A-Za-z0-9_-]{1,60}")
LONGEST = 60  # characters of a value that we repeat
MOST = 20  # problems told at once

# The keys that say where a secret is.
WHERE = {"password_env", "key_env", "credential", "password_file", "key_file"}

UNKNOWN = {"extra_forbidden", "unexpected_keyword_argument", "no_such_attribute"}
MISSING = {"missing", "missing_argument", "missing_keyword_only_argument"}

# The rest: pydantic's word, our sentence. What is not here is told by the sentence `wrong`.
SENTENCES = {
    **dict.fromkeys(("int_type", "int_parsing", "int_parsing_size", "int_from_float"), "whole-number"),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), "number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true-or-false"),
    **dict.fromkeys(("string_type", "string_sub_type", "string_unicode", "path_type"), "text"),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type", "iterable_type"), "list"),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type"), "table"),
    **dict.fromkeys(("dataclass_type", "dataclass_exact_type"), "table"),
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing"), "date"),
    "date_from_datetime_inexact": "date",
    **dict.fromkeys(("literal_error", "enum"), "one-of"),
    "greater_than": "more-than",
    "greater_than_equal": "at-least",
    "less_than": "less-than",
    "less_than_equal": "at-most",
    "string_too_short": "too-short",
    "string_too_long": "too-long",
    "too_short": "too-few",
    "too_long": "too-many",
}
LIMITS = ("gt", "ge", "lt", "le", "min_length", "max_length")


def problems(error: ValidationError, prefix: tuple[str, ...] = (), shape: type | None = None) -> ConfigError:
    """One error that holds one for each key.

    `prefix` is where the checked part stands in the site file. `shape` is the model or dataclass that
    it was checked against: with it, an unknown key is answered with the nearest known one.
    """
    errors = error.errors(include_url=False)
    # A list whose items are all wrong counts as empty, and that is no second mistake of the user's.
    lists = {one["loc"][:-1] for one in errors}
    told = [one for one in errors if one["type"] != "too_short" or one["loc"] not in lists]
    return ConfigError("config.invalid", problems=tuple(_problem(one, prefix, shape) for one in told))


def _problem(one: ErrorDetails, prefix: tuple[str, ...], shape: type | None) -> ConfigError:
    context = one.get("ctx", {})
    loc = (*one["loc"], *context.get("at", ()))
    secret = any(SECRET.search(str(part)) for part in loc) or any(map(secretive, map(str, loc[-1:])))
    details: dict[str, Any] = {
        "key": written((*prefix, *loc)),
        "value": "…" if secret else shown(one["input"]),
    }
    kind = one["type"]
    if kind in UNKNOWN:
        sentence, more = _unknown(loc, shape)
    elif kind in MISSING:
        sentence, more = "missing", {"example": _example(loc, shape)}
    elif kind.startswith("config."):
        sentence, more = kind.removeprefix("config."), {k: v for k, v in context.items() if k != "at"}
    else:
        sentence, more = SENTENCES.get(kind, "wrong"), _limits(context)
    return ConfigError(f"config.{sentence}", **(details | more))


def _limits(context: Mapping[str, Any]) -> dict[str, object]:
    """What pydantic says is right, in numbers and words of the file; its English stays behind."""
    limit = next((context[key] for key in LIMITS if key in context), None)
    return {"limit": limit, "choices": ", ".join(re.findall("'([^']*)'", str(context.get("expected"))))}


def written(loc: tuple[int | str, ...]) -> str:
    """`("networks", 0)` as `networks[0]`; a key that TOML would quote is quoted."""
    said = ""
    for part in loc:
        if isinstance(part, int):
            said += f"[{part}]"
        else:
            said += ("." if said else "") + (part if BARE.fullmatch(part) else f'"{shown(part)}"')
    return said


def shown(value: object) -> str:
    """A value that is safe to repeat on a terminal: short and printable."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float | date):
        return "[…]" if isinstance(value, list) else "…"
    try:
        text = str(value)
    except ValueError:  # more digits than Python writes
        return "…"
    text = "".join(c if c.isprintable() else "�" for c in text[: LONGEST + 1])
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _unknown(loc: tuple[int | str, ...], shape: type | None) -> tuple[str, dict[str, object]]:
    """Where it belongs, if anywhere: a secret elsewhere, a typing mistake, a key under the wrong heading."""
    name = str(loc[-1])
    if secretive(name):
        return _elsewhere(loc, shape)
    if near := _nearest(name, _keys(_around(shape, loc)), 0.65):
        return "unknown-near", {"near": near}
    for place, known in _tables(shape):
        if near := _nearest(name, known, 0.8):
            return ("misplaced" if place else "misplaced-top"), {"near": near, "place": place}
    return "unknown", {}


def secretive(name: str) -> bool:
    """Does a key of this name look as if it held a secret?"""
    return bool(SECRET.search(name) or KEY.fullmatch(name))


def _elsewhere(loc: tuple[int | str, ...], shape: type | None) -> tuple[str, dict[str, object]]:
    """Which keys of the same table say where the secret is; without any, those of the other tables."""
    known = _keys(_around(shape, loc))
    names: dict[str, object] = {
        key.rpartition("_")[2]: written((*loc[:-1], key)) for key in known if key in WHERE
    }
    env = next((field for key, field in known.items() if key.endswith("_env")), None)
    if env is not None:
        return "secret-here", names | {"variable": env.default}
    return ("secret-ssh", names) if names else ("password-here", {})


def _nearest(name: str, known: Iterable[str], cutoff: float) -> str | None:
    """The known key that holds this name, or is spelt almost like it."""
    name = name.lower()[:LONGEST]
    holding = [key for key in known if len(name) > 2 and name in key]  # noqa: PLR2004 - `by` is in much
    return next(iter(holding or difflib.get_close_matches(name, known, 1, cutoff)), None)


def _example(loc: tuple[int | str, ...], shape: type | None) -> str:
    field = _keys(_around(shape, loc)).get(str(loc[-1]))
    examples = getattr(field, "examples", None) or ["…"]
    return f"{written(loc[-1:])} = {examples[0]}"


def _keys(shape: object) -> Mapping[str, Any]:
    """What may be written in a model, or given to a dataclass."""
    if dataclasses.is_dataclass(shape):
        return {field.name: field for field in dataclasses.fields(shape) if field.init}
    known: object = getattr(shape, "model_fields", None)
    return known if isinstance(known, Mapping) else {}


def _around(shape: object, loc: tuple[int | str, ...]) -> object:
    """The model in which the last part of `loc` stands."""
    for part in (one for one in loc[:-1] if isinstance(one, str)):  # not the place in a list of tables
        annotation = getattr(_keys(shape).get(str(part)), "annotation", None)
        shape = next((one for one in (annotation, *get_args(annotation)) if _keys(one)), None)
    return shape


def _tables(shape: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The site file's own keys under "", then those of each `[table]`."""
    yield "", _keys(shape)
    for name in _keys(shape):
        yield name, _keys(_around(shape, (name, "")))


def sentence(error: NetwatchError, messages: Messages) -> str:
    """What the user is told: one line, or for a site file its name and then a line for each key."""
    if not isinstance(error, ConfigError) or not error.problems:
        return messages(error.message, **error.details)
    lines = [
        messages("config.invalid" if "path" in error.details else "config.invalid-options", **error.details)
    ]
    for one in error.problems[:MOST]:
        text = messages(one.message, **one.details)
        lines.append(messages("config.line", key=one.details["key"], text=text))
    if len(error.problems) > MOST:
        lines.append("  " + messages("config.more", count=len(error.problems) - MOST))
    return "\n".join(lines)
