"""Which options and arguments do the commands share?"""

from __future__ import annotations

from pathlib import Path

import click

from netwatch.words import LANGUAGES

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
as_text_json_or_csv = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv"]),
    default="text",
    help="How to print the result.",
)


all_ports = click.option(
    "--all-ports", is_flag=True, help="Every port of every device tonight, at the same pace: for hours."
)
audit = click.option(
    "--audit", is_flag=True, help="Also what comes close to a login, where the authorisation names it."
)
at_hour = click.option(
    "--at", type=click.DateTime(["%H:%M"]), help="Hour, as 22:30; else the window's beginning, or 22:30."
)

LIST = "list"


class Listing(click.Group):
    """Commands of which `devices SITE` is `devices list SITE`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """What names no command of ours is the site's."""
        known = {*self.commands, *ctx.help_option_names}
        if args and not known & {args[0]}:
            args = [LIST, *args]
        return super().parse_args(ctx, args)
