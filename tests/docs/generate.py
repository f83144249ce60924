"""What does docs/reference.md say? What the code says: this writes it, and a test compares.

`make reference` writes docs/reference.md, docs/schema.json and a page for each probe again: a new probe adds
a page of its own, and changes none.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

import click
from pydantic import BaseModel

import probes
from netwatch import document
from netwatch.cli import main as netwatch
from netwatch.composition import RULES
from netwatch.config import Site
from netwatch.exits import Exit
from netwatch.model import Exposure
from netwatch.words import Catalogue
from tests.docs.spell import bounds, describe, value

if TYPE_CHECKING:
    from netwatch.probe import ProbeFactory

DOCS = Path(__file__).parent.parent.parent / "docs"
COMMAND = "make reference"

Writer = Callable[[], str]

OPENING = """# Reference

Written by the code itself: do not edit this page, run `{command}`.

- [Commands](#commands)
- [Exit codes](#exit-codes)
- [The site file](#the-site-file)
- [Probes, their options and their rules](probes/): a page for each
- [Rules of the engine](#rules-of-the-engine)
- [The JSON document](#the-json-document)
"""


def reference() -> str:
    """The whole page."""
    parts = [
        [OPENING.format(command=COMMAND)],
        ["## Commands\n", *commands()],
        ["## Exit codes\n", *exit_codes()],
        ["## The site file\n", *site_file()],
        ["## Rules of the engine\n", *rules((RULES,))],
        ["## The JSON document\n", *json_document()],
    ]
    return "\n".join(line for part in parts for line in part).rstrip() + "\n"


def schema() -> str:
    """docs/schema.json."""
    return json.dumps(document.schema(), indent=2, ensure_ascii=False) + "\n"


def commands() -> Iterator[str]:
    """Every command, as its own --help says it in English."""
    yield "Each says the same with `--help`.\n"
    yield from _command(netwatch, click.Context(netwatch, info_name="netwatch"))


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    arguments = [one.make_metavar(context) for one in command.params if isinstance(one, click.Argument)]
    yield f"### `{' '.join([context.command_path, *arguments])}`\n"
    yield inspect.cleandoc(command.help or "").replace("\b\n", "") + "\n"
    records = [one.get_help_record(context) for one in command.params if isinstance(one, click.Option)]
    yield from table(("Option", "Meaning"), [(f"`{record[0]}`", record[1]) for record in records if record])
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from _command(below, click.Context(below, info_name=name, parent=context))


def exit_codes() -> Iterator[str]:
    """What the shell is told."""
    comments = _comments(Exit)
    yield from table(
        ("Code", "Name", "Meaning"), [(str(int(e)), e.name, comments.get(e.name, "")) for e in Exit]
    )


def _comments(kind: type) -> dict[str, str]:
    """The comment behind each member: `CLEAN = 0  # nothing to say`."""
    said = {}
    for line in inspect.getsource(kind).splitlines():
        code, _, comment = line.partition("  # ")
        if "=" in code and comment:
            said[code.partition("=")[0].strip()] = comment.strip()
    return said


def site_file() -> Iterator[str]:
    """Every key of a site file."""
    yield "[The site file](site-file.md) explains them with an example.\n"
    yield from table(("Key", "Holds", "Default", "Meaning"), keys(Site))


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, ...]]:
    """(key, what it holds, default, meaning) of every key, those of its tables after it."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        below = _model(field.annotation)
        if below is not None:
            several = get_origin(field.annotation) is tuple
            kind = (f"`[[{key}]]`", "tables") if several else (f"`[{key}]`", "table")
            yield *kind, "", field.description or ""
            yield from keys(below, f"{key}.")
            continue
        default = "required" if field.is_required() else value(field.get_default(call_default_factory=True))
        holds = " ".join([describe(field.annotation), *bounds(field.metadata)])
        example = f"; for example `{field.examples[0]}`" if field.examples else ""
        yield f"`{key}`", holds, default, f"{field.description or ''}{example}"


def _model(annotation: object) -> type[BaseModel] | None:
    """The model inside `Model` or `Model | None`."""
    found = [
        a for a in (annotation, *get_args(annotation)) if inspect.isclass(a) and issubclass(a, BaseModel)
    ]
    return found[0] if found else None


def probe_page(name: str) -> str:
    """docs/probes/NAME.md: the question, how it is asked, its options, its rules and their words."""
    factory = probes.load()[name]
    probe = factory()
    lines = [
        f"# The probe `{name}`\n",
        f"Written by the code itself: do not edit this page, run `{COMMAND}`.\n",
        inspect.cleandoc(inspect.getmodule(factory).__doc__ or "") + "\n",
        (inspect.getdoc(factory) or "") + "\n",
        f"Manner: `{probe.manner}` (classes.toml says which devices take it). "
        + (f"Knocked at every night: {', '.join(map(str, probe.usual))}." if probe.usual else "")
        + "\n",
        f"Options, under `[probes.{name}]` of the site file:\n",
        *table(("Option", "Holds", "Default"), _options(factory)),
        "## Rules\n",
        *rules(path for path in probes.words() if path.stem == name),
    ]
    for rule in Catalogue(path for path in probes.words() if path.stem == name).rules.values():
        words = rule.words["en"]
        lines += [f"### `{rule.id}`\n", f"{words.title}. {words.risk}\n", words.remedy + "\n"]
    return "\n".join(lines).rstrip() + "\n"


def _options(factory: ProbeFactory) -> Iterator[tuple[str, ...]]:
    hints = get_type_hints(factory, include_extras=True)
    for field in fields(factory):  # type: ignore[arg-type]
        default = "required" if field.default is MISSING else value(field.default)
        yield f"`{field.name}`", describe(hints[field.name]), default


def rules(files: Iterable[Path]) -> Iterator[str]:
    """Every rule of these files, worst first, with its severity inside and from the internet."""
    catalogue = Catalogue(files)
    ordered = sorted(catalogue.rules.values(), key=lambda rule: (-rule.severity.rank, rule.id))
    yield from table(
        ("Rule", "Inside", "From the internet", "Title", "En français"),
        [
            (
                f"`{r.id}`",
                r.severity,
                r.at(Exposure.EXPOSED),
                r.words["en"].title,
                r.words["fr"].title,
            )
            for r in ordered
        ],
    )


def json_document() -> Iterator[str]:
    """What stands in each list of the document."""
    yield f"`netwatch scan --format json` prints one document of the version `{document.VERSION}`. Its JSON"
    yield "schema is [schema.json](schema.json), and `netwatch schema` prints it. Fields are added under this"
    yield "version, never renamed or removed. Times are UTC.\n"
    whole = document.schema()
    yield from table(("Field", "Holds"), _properties(whole["properties"], whole["$defs"]))
    for name, part in whole["$defs"].items():
        if "properties" in part:
            yield f"### {name.removesuffix('Part').lower()}\n"
            yield " ".join(part.get("description", "").split()) + "\n"
            yield from table(("Field", "Holds"), _properties(part["properties"], whole["$defs"]))


def _properties(properties: Mapping[str, Any], parts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, what in properties.items():
        yield f"`{name}`", _holds(what, parts)


def _holds(what: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    """A JSON schema's type, in words."""
    said = str(what.get("type", "anything"))
    if "$ref" in what:
        name = what["$ref"].rpartition("/")[2]
        said = _holds(parts[name], parts) if "enum" in parts[name] else name.removesuffix("Part").lower()
    elif "enum" in what or "const" in what:
        said = ", ".join(f"`{one}`" for one in what.get("enum", [what.get("const")]))
    elif "anyOf" in what:
        said = " or ".join(_holds(one, parts) for one in what["anyOf"])
    elif said == "array":
        said = f"list of: {_holds(what['items'], parts)}"
    elif isinstance(what.get("additionalProperties"), dict):
        said = f"object of: {_holds(what['additionalProperties'], parts)}"
    return said


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """A Markdown table; nothing where there are no rows."""
    rows = list(rows)
    if rows:
        yield _row(head)
        yield _row(("---",) * len(head))
        yield from map(_row, rows)
        yield ""


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def main() -> None:
    """Write them all."""
    pages = DOCS / "probes"
    pages.mkdir(exist_ok=True)
    for old in pages.glob("*.md"):
        old.unlink()
    for name in probes.load():
        (pages / f"{name}.md").write_text(probe_page(name), encoding="utf-8")
    (DOCS / "reference.md").write_text(reference(), encoding="utf-8")
    (DOCS / "schema.json").write_text(schema(), encoding="utf-8")


if __name__ == "__main__":
    main()
