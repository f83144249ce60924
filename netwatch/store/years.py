"""What keeps ten thousand nights as quick as ten? What is asked every night is kept in rows of its own.

`looked`: from each vantage, when a run last ended that looked from there, so that nobody has to go through
all runs for it. By the indexes old nights are found, and forgotten without a search through the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.model import Vantage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database

ELEVENTH = """
create table looked (
    site integer not null references sites(id), vantage text not null, last text not null,
    primary key (site, vantage)
) strict;
insert into looked (site, vantage, last)
    select site, value, max(finished) from runs, json_each(vantages) group by site, value;
create index runs_by_text on runs(coverage);
create index runs_by_start on runs(site, started);
create index outbox_by_run on outbox(run);
create index outbox_sent on outbox(site, sent) where state = 'sent';
create index exposure_steps_by_night on exposure_steps(at);
create index services_ended on services(site, ended) where ended is not null;
create index decisions_of_site on decisions(site);
create index news_dropped on news(site, settled) where fate = 'dropped'
"""


def create(db: Database) -> None:
    """The table, filled from the runs that are there, and the indexes."""
    for statement in ELEVENTH.split(";"):
        db.execute(statement)


def note(db: Database, site: int, vantages: Iterable[Vantage], finished: str) -> None:
    """A run ended that looked from these."""
    for vantage in vantages:
        db.execute(
            "insert into looked (site, vantage, last) values (?, ?, ?) "
            "on conflict (site, vantage) do update set last = max(last, excluded.last)",
            [site, vantage, finished],
        )


def looked(db: Database, site: str) -> dict[Vantage, str]:
    """From each vantage, when it was last looked from there; the longest ago first."""
    rows = db.query(
        "select vantage, last from looked where site = (select id from sites where slug = ?) "
        "order by last, vantage",
        [site],
    )
    return {Vantage(row["vantage"]): row["last"] for row in rows}


def last(db: Database) -> str | None:
    """When the newest run of any site ended, or None."""
    row = next(db.query("select max(last) as last from looked"))["last"]
    return str(row) if row else None
