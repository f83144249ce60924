"""What does the database hold? Tables, and how an older database becomes a newer one.

Facts that last are intervals (first seen, last seen, ended), so that a quiet night adds a row to `runs`
and nowhere else: its coverage is the text of the night before, found again by its digest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlite_utils.migrations import Migrations

from netwatch.store import again, comings, decisions, exposures, news, notices, outbox, sayings, years

if TYPE_CHECKING:
    from sqlite_utils import Database

migrations = Migrations("netwatch")

FIRST = """
create table sites (
    id integer primary key, slug text not null unique, name text not null, language text not null,
    networks text not null default '[]', file text
) strict;
create table texts (id integer primary key, digest text not null unique, body text not null) strict;
create table runs (
    id integer primary key, uid text not null unique, site integer not null references sites(id),
    started text not null, finished text not null, complete integer not null, vantages text not null,
    coverage integer not null references texts(id)
) strict;
create index runs_by_site on runs(site, id);
create table devices (
    site integer not null references sites(id), id text not null, address text not null, mac text,
    vendor text, names text not null, kind text not null, maker text, model text, version text,
    first_seen text not null, last_seen text not null, primary key (site, id)
) strict;
create table services (
    id integer primary key, site integer not null, device text not null, address text not null,
    port integer not null, transport text not null, vantage text not null, probe text not null,
    protocol text not null, proved integer not null, facts text not null, first_seen text not null,
    last_seen text not null, ended text, foreign key (site, device) references devices(site, id)
) strict;
create unique index services_now on services(site, device, port, transport, vantage, probe)
    where ended is null;
create table findings (
    id integer primary key, site integer not null, rule text not null, device text not null,
    address text not null, port integer not null, transport text not null, probe text not null,
    vantage text not null, exposure text not null, status text not null, first_seen text not null,
    last_seen text not null, ended text, foreign key (site, device) references devices(site, id)
) strict;
create unique index findings_now on findings(site, rule, device, port, transport) where ended is null;
create index findings_ended on findings(site, ended);
create table asked (
    site integer not null references sites(id), device text not null, probe text not null,
    ports text not null, primary key (site, device, probe)
) strict;
create table failures (
    run integer not null references runs(id), probe text not null, vantage text not null, device text,
    address text not null, port integer, reason text not null, detail text not null
) strict;
create index failures_by_run on failures(run);
create table changes (
    run integer not null references runs(id), kind text not null, rule text not null,
    device text not null, address text not null, port integer not null, previous text
) strict;
create index changes_by_run on changes(run);
create table outbox (
    id integer primary key, site integer not null references sites(id),
    run integer not null references runs(id), message_id text not null unique, recipient text not null,
    subject text not null, text text not null, html text not null, created text not null,
    state text not null check (state in ('waiting', 'sending', 'sent')),
    tries integer not null default 0, last_try text, sent text, error text
) strict;
create index outbox_waiting on outbox(site) where state <> 'sent';
"""


@migrations()
def m001_first(db: Database) -> None:
    """The first released schema."""
    for statement in FIRST.split(";"):
        if statement.strip():
            db.execute(statement)


SECOND = """
alter table devices add column left_alone text;
alter table runs add column stopped text;
alter table runs add column pace text not null default '{}';
create table rounds (
    site integer not null references sites(id), device text not null, began text not null,
    done text not null, usual text, primary key (site, device)
) strict;
"""


@migrations()
def m002_gentle(db: Database) -> None:
    """Devices that are left alone, the pace of a run and why it ended early, the way through all ports."""
    for statement in SECOND.split(";"):
        if statement.strip():
            db.execute(statement)


@migrations()
def m003_audit(db: Database) -> None:
    """Was the run an audit?"""
    db.execute("alter table runs add column audit integer not null default 0")


FOURTH = """
alter table findings add column link_device text;
alter table findings add column link_address text;
alter table findings add column link_port integer;
alter table findings add column link_by text;
create table addresses (
    id integer primary key, site integer not null references sites(id), address text not null,
    source text not null, first_seen text not null, last_seen text not null, ended text
) strict;
create unique index addresses_now on addresses(site, address) where ended is null;
create table asked_outside (
    site integer not null references sites(id), device text not null, port_states text not null,
    asked text not null, primary key (site, device)
) strict;
create table declarations (
    id integer primary key, site integer not null references sites(id), made text not null, body text not null
) strict;
"""


@migrations()
def m004_outside(db: Database) -> None:
    """What leads where, the practice's addresses on the internet, what a person said of the box, and the log
    of exposures."""
    for statement in FOURTH.split(";"):
        if statement.strip():
            db.execute(statement)
    exposures.create(db)


@migrations()
def m005_products(db: Database) -> None:
    """What a finding rests on, and what a device was recognised as."""
    db.execute("alter table findings add column about text not null default '{}'")
    db.execute("alter table devices add column profile text not null default '{}'")


@migrations()
def m006_sayings(db: Database) -> None:
    """What was said of a device that its answers do not say."""
    sayings.create(db)


@migrations()
def m006_comings(db: Database) -> None:
    """How devices stand, where they were looked for, and who came and went."""
    comings.create(db)


@migrations()
def m009_news(db: Database) -> None:
    """What was told, and what waits to be told."""
    news.create(db)


@migrations()
def m012_arrival(db: Database) -> None:
    """Letters that are tried again at a time of their own, refused, given up or dropped, and why."""
    outbox.rebuild(db)


@migrations()
def m014_notices(db: Database) -> None:
    """What was told of the watching itself."""
    notices.create(db)


@migrations()
def m013_decisions(db: Database) -> None:
    """What a person decided to live with; and when a finding was there before, found at once."""
    decisions.create(db)
    again.create(db)


@migrations()
def m011_years(db: Database) -> None:
    """What keeps many nights as quick as few, and lets old ones go."""
    years.create(db)
    again.count(db)
