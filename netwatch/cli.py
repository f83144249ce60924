"""What can be typed? The commands. What they are made of is put together in composition.py.

Every command takes --lang and --data. Results go to stdout, everything else to stderr. Heavy imports
wait inside the commands: `netwatch --help` answers at once.
"""

from __future__ import annotations

from pathlib import Path

import click

import netwatch
from netwatch.cli_box import box
from netwatch.cli_decisions import accept, decisions, reopen
from netwatch.cli_devices import devices
from netwatch.cli_feeds import feeds
from netwatch.cli_keep import backup, bring, export, prune
from netwatch.cli_loop import loop
from netwatch.cli_mail import mail
from netwatch.cli_outbox import outbox
from netwatch.cli_scan import scan
from netwatch.cli_schedule import schedule
from netwatch.cli_setup import doctor, init, schema
from netwatch.cli_shodan import shodan
from netwatch.cli_sites import sites
from netwatch.cli_tend import tend
from netwatch.composition import (
    as_json,
    audit_of,
    draw_plan,
    drawn,
    exposures_of,
    last_night,
    open_store,
    planned_for,
    rules,
    spoken_of,
    write,
)
from netwatch.console import show, told
from netwatch.errors import NetwatchError
from netwatch.sayings import chosen
from netwatch.switches import (
    all_ports,
    as_text_json_or_csv,
    as_text_or_json,
    audit,
    data,
    lang,
    site_argument,
)
from netwatch.words import messages


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.version_option(netwatch.__version__, prog_name="netwatch")
def main() -> None:
    """Watch over the network of a medical practice.

    Start with `netwatch init`, then `netwatch scan SITE.toml` every night.
    SITE is a site file, or the short name of a site that was scanned before.
    """


@main.command("plan")
@site_argument
@as_text_or_json
@all_ports
@audit
@lang
@data
@told
def show_plan(
    site: str, form: str, all_ports: bool, audit: bool, lang: str | None, data: Path | None
) -> None:
    """Say what a scan would do, to whom, how fast, and how long it would take. Sends nothing."""
    planned, language = planned_for(site, data, lang, all_ports=all_ports, audit=audit)
    click.echo(as_json(planned)) if form == "json" else show(draw_plan(planned, language))


@main.command("audit")
@site_argument
@as_text_or_json
@click.option("--run", "named", help="A run by its name; else the last one.")
@lang
@data
@told
def show_audit(
    site: str,
    form: str,
    named: str | None,
    lang: str | None,  # noqa: ARG001 - errors are told in it
    data: Path | None,
) -> None:
    """Show what was sent to whom, by which question, and when."""
    from netwatch.console import logged  # noqa: PLC0415

    for line in logged(audit_of(site, data, named), raw=form == "json"):
        click.echo(line)


@main.command()
@site_argument
@click.argument("device")
@lang
@data
@told
def release(site: str, device: str, lang: str | None, data: Path | None) -> None:
    """Ask a device again that fell silent under a check; DEVICE is its address, card or id."""
    slug, language = spoken_of(site, lang, data)
    words = messages(language)
    with open_store(data) as store, store.lock(slug):
        every, said = store.devices(slug), store.said(slug)
        meant = chosen(device, every, said)
        known = [one for one in every if one.id in meant]
        if not known:
            raise NetwatchError("cli.no-such-device", device=device)
        for one in known:
            for card in said.together(one.id):
                store.release(slug, card)
            click.echo(words("cli.released" if one.left_alone else "cli.not-left-alone", device=device))


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


def _listing(name: str, part: str, doc: str, table: str = "") -> None:
    """Add a command that shows one list of the last night, in the table of its name or another."""

    def command(site: str, form: str, lang: str | None, data: Path | None) -> None:
        title, document, language, _ = last_night(site, data, lang)
        if form == "json":
            click.echo(document.to_json(*part.split()))
        else:
            show(drawn(table or part, title, document, rules(), language))

    command.__doc__ = doc
    main.command(name)(site_argument(as_text_or_json(lang(data(told(command))))))


_listing("findings", "findings", "List what is wrong, worst first, with what is unverified.")
_listing(
    "outside", "statements", "Show what the internet sees, what the box says, what others say.", "outside"
)
_listing("services", "services", "List every open port, and what answers there.")
_listing("diff", "changes comings", "List what moved between the last two nights, devices too.", "changes")


@main.command()
@site_argument
@as_text_json_or_csv
@lang
@data
@told
def exposures(site: str, form: str, lang: str | None, data: Path | None) -> None:
    """List what stood open to the internet: since when, until when, with what proof. For the register."""
    from reports import exposures as tables  # noqa: PLC0415 - slow to import

    name, log, language = exposures_of(site, data, lang)
    if form == "text":
        show(tables.exposures(name, log, language))
    else:
        click.echo(tables.to_json(name, log) if form == "json" else tables.to_csv(log))


for command in (
    *(accept, backup, box, bring, decisions, devices, doctor, export, feeds, init, loop, mail, outbox),
    *(prune, reopen, scan, schedule, schema, shodan, sites, tend),
):
    main.add_command(command)
