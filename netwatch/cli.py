"""What can be typed? The commands. What they are made of is put together in composition.py.

Every command takes --lang and --data. Results go to stdout, everything else to stderr. Heavy imports
wait inside the commands: `netwatch --help` answers at once.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import click

import netwatch
from netwatch.composition import (
    check_site,
    claim,
    composer,
    configured,
    drawn,
    folder,
    last_night,
    open_store,
    read_site,
    rules,
    stored,
    write,
)
from netwatch.console import say, show, spoken, tell_delivery, tell_gaps, told, verdict, watched
from netwatch.errors import NetwatchError
from netwatch.exits import Exit
from netwatch.model import Severity
from netwatch.words import LANGUAGES, messages

lang = click.option(
    "--lang", type=click.Choice(LANGUAGES), help="Language of what is shown; else the site's."
)
data = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="NETWATCH_DATA",
    help="Folder of the database; else the user's data folder ($NETWATCH_DATA).",
)
site_argument = click.argument("site")
as_text_or_json = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print the result."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.version_option(netwatch.__version__, prog_name="netwatch")
def main() -> None:
    """Watch over the network of a medical practice.

    Start with `netwatch init`, then `netwatch scan SITE.toml` every night.
    SITE is a site file, or the short name of a site that was scanned before.
    """


@main.command()
@site_argument
@as_text_or_json
@click.option("--no-alert", is_flag=True, help="Mail nobody, neither now nor later, about this run.")
@click.option(
    "--fail-on",
    type=click.Choice([severity.value for severity in Severity]),
    help="Exit with 3 from this severity up.",
)
@lang
@data
@told
def scan(
    site: str, form: str, no_alert: bool, fail_on: str | None, lang: str | None, data: Path | None
) -> None:
    """Do one night: sweep, ask, judge, store, compare, alert."""
    from netwatch.nightly import night  # noqa: PLC0415 - slow to import

    practice = read_site(site)
    language = lang or practice.language
    words, catalogue = messages(language), rules()
    signal.signal(signal.SIGTERM, _stop)
    with open_store(data) as store:
        claim(store, practice, Path(site))
        with watched(words, quiet=form == "json") as progress:
            ended = night(
                practice,
                store,
                configured(practice),
                catalogue,
                progress,
                None if no_alert else composer(practice, store, catalogue),
            )
        document = stored(store, practice.slug, catalogue, language)
    if form == "json":
        click.echo(document.to_json())
    else:
        show(drawn("summary", practice.name, document, catalogue, language))
    tell_gaps(document, language)
    if not no_alert:
        tell_delivery(ended.delivery, language)
    sys.exit(verdict(document, fail_on))


@main.command()
@site_argument
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
@lang
@data
@told
def report(site: str, output: Path | None, lang: str | None, data: Path | None) -> None:
    """Write the last night as an HTML page: for the doctor first, then for the consultant."""
    from reports import page  # noqa: PLC0415 - slow to import

    name, document, language, public = last_night(site, data, lang)
    target = output or Path(f"netwatch-{document.site}.html")
    text = page.render(name, document, rules(), language, public)
    write(target, text)
    click.echo(target.resolve())


def _listing(name: str, part: str, doc: str) -> None:
    """Add a command that shows one list of the last night."""

    def command(site: str, form: str, lang: str | None, data: Path | None) -> None:
        title, document, language, _ = last_night(site, data, lang)
        if form == "json":
            click.echo(document.to_json(part))
        else:
            show(drawn(part, title, document, rules(), language))

    command.__doc__ = doc
    main.command(name)(site_argument(as_text_or_json(lang(data(told(command))))))


_listing("findings", "findings", "List what is wrong, worst first, with what is unverified.")
_listing("devices", "devices", "List every device ever seen on the site.")
_listing("diff", "changes", "List what moved between the last two nights.")


@main.group()
def mail() -> None:
    """Try the mail settings, or hand over what waits."""


@mail.command("test")
@site_argument
@lang
@told
def mail_test(site: str, lang: str | None) -> None:
    """Send a test mail to every recipient of the site."""
    from netwatch.alert import try_out  # noqa: PLC0415 - slow to import

    practice = read_site(site)
    words = messages(lang or practice.language)
    failed = False
    for recipient, error in try_out(
        practice, words("cli.test-subject", site=practice.name), words("cli.test-text", site=practice.name)
    ):
        if error is None:
            click.echo(words("cli.test-sent", recipient=recipient))
        else:
            failed = True
            say(words(error.message, **error.details), "red")
    sys.exit(Exit.ERROR if failed else Exit.CLEAN)


@mail.command("flush")
@site_argument
@lang
@data
@told
def mail_flush(site: str, lang: str | None, data: Path | None) -> None:
    """Hand over now the alerts that a mail server did not take earlier."""
    from netwatch.alert import deliver  # noqa: PLC0415 - slow to import

    practice = read_site(site)
    with open_store(data) as store, store.lock(practice.slug):
        delivery = deliver(store, practice)
    tell_delivery(delivery, lang or practice.language)
    sys.exit(Exit.ERROR if delivery.waiting else Exit.CLEAN)


@main.command()
@click.argument("site", required=False)
@lang
@data
@told
def doctor(site: str | None, lang: str | None, data: Path | None) -> None:
    """Check this machine: nmap, ARP, database, clock; with SITE also its file and its mail server."""
    from netwatch import doctor as checks  # noqa: PLC0415 - slow to import

    language = lang or spoken(site)
    states = set()
    for result in checks.examine(folder(data), Path(site) if site else None, messages(language)):
        states.add(result.state)
        mark, colour = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}[result.state]
        click.echo(click.style(f"{mark} {result.name}: ", fg=colour) + result.text)
    sys.exit(Exit.ERROR if "fail" in states else Exit.CLEAN)


@main.command()
def schema() -> None:
    """Print the JSON schema of the document `netwatch/1`."""
    import json  # noqa: PLC0415

    from netwatch.document import schema as of_document  # noqa: PLC0415 - slow to import

    click.echo(json.dumps(of_document(), indent=2))


@main.command()
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


def _stop(_signal: int, _frame: object) -> None:
    """SIGTERM ends a scan as Ctrl-C does: what was seen is kept."""
    raise KeyboardInterrupt
