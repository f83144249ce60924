"""What can be typed before the first night? A site file is made, this machine checked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from netwatch.composition import check_site, folder, write
from netwatch.console import spoken, told
from netwatch.errors import NetwatchError
from netwatch.exits import Exit
from netwatch.switches import data, lang
from netwatch.words import messages


@click.command()
@click.argument("site", required=False)
@lang
@data
@told
def doctor(site: str | None, lang: str | None, data: Path | None) -> None:
    """Check this machine: nmap, ARP, database, clock; with SITE its file, mail, server outside."""
    from netwatch import doctor as checks  # noqa: PLC0415 - slow to import

    language = lang or spoken(site)
    states, words = set(), messages(language)
    for result in checks.examine(folder(data), Path(site) if site else None, words):
        states.add(result.state)
        mark, colour = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}[result.state]
        line = words("doctor.line", mark=mark, name=result.name)
        click.echo(click.style(line, fg=colour) + result.text)
    sys.exit(Exit.ERROR if "fail" in states else Exit.CLEAN)


@click.command()
@told
def schema() -> None:
    """Print the JSON schema of the document `netwatch/1`."""
    import json  # noqa: PLC0415

    from netwatch.document import schema as of_document  # noqa: PLC0415 - slow to import

    click.echo(json.dumps(of_document(), indent=2))


@click.command()
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path), default=Path("site.toml"))
@click.option("--name", help="Name of the practice.")
@click.option("--network", multiple=True, help="Network of the practice, such as 192.168.1.0/24; repeatable.")
@click.option("--gateway", help="Address of the internet box.")
@click.option("--recipient", multiple=True, help="Mail address to alert; repeatable.")
@click.option("--by", help="Who authorised the scan.")
@click.option("--role", help="That person's role in the practice.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day of the authorisation.")
@click.option("--mail-host", help="Mail server; without it nothing can be mailed.")
@click.option("--mail-port", type=int, help="Port of the mail server.")
@click.option("--mail-security", type=click.Choice(["starttls", "tls", "none"]), help="How it is secured.")
@click.option("--mail-user", help="Login name at the mail server.")
@click.option("--sender", help="Address the alerts come from.")
@click.option("--force", is_flag=True, help="Overwrite the file.")
@lang
@told
def init(path: Path, lang: str | None, force: bool, **given: Any) -> None:  # noqa: ANN401
    """Write a commented site file. Asks a person for what the options do not say."""
    from netwatch import asking, init  # noqa: PLC0415 - slow to import

    if path.exists() and not force:
        raise NetwatchError("cli.exists", path=path)
    language = lang or asking.language()
    text = init.render(asking.answers(language, given))
    check_site(path, text)  # what is wrong with it is told now, not at night, and spoils no good file
    write(path, text)
    click.echo(messages(language)("cli.written", path=path))
