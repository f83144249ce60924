"""What can be typed about Shodan? `netwatch shodan show`, `netwatch shodan scan`, `netwatch shodan monitor`.

Only the site's own addresses: those of its site file, else those that were learnt. What is asked of Shodan is
written to the site's audit log `0-shodan`.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from netwatch.composition import folder, open_store, protocol, read_site
from netwatch.console import say, told
from netwatch.errors import ConfigError, NetwatchError, ScopeError
from netwatch.exits import Exit
from netwatch.model import Reason
from netwatch.switches import as_text_or_json, data, lang, site_argument
from netwatch.words import messages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from netwatch.audit import Audit
    from netwatch.config import Site
    from netwatch.internet import ShodanSettings
    from netwatch.model import Failure, Observation
    from netwatch.others.account import Account, Plan
    from netwatch.portset import PortSet
    from netwatch.words import Messages

LOG = "0-shodan.jsonl"  # sorts before every run's: the last run stays the last
MINUTE = 60.0
LEARNT = timedelta(hours=36)  # so long an address that was learnt is taken for ours: one night may be missed
NOT_ALLOWED = {"scan": "others.scan-not-allowed", "monitor": "others.monitor-not-allowed"}
WHY = {  # an address without an answer; that the key is right is known by then
    Reason.TIMEOUT: "timeout",
    Reason.CLOSED: "hung-up",
    Reason.LIMIT: "too-much",
    Reason.BUSY: "busy",
    Reason.CREDENTIALS: "plan",
    Reason.UNPROVED: "unproved",
    Reason.UNFINISHED: "unfinished",
    Reason.REFUSED: "no-connection",
}


@click.group()
def shodan() -> None:
    """See what Shodan says of a practice, have it look again, or have it watch."""


@shodan.command("show")
@site_argument
@as_text_or_json
@lang
@data
@told
def shodan_show(site: str, form: str, lang: str | None, data: Path | None) -> None:
    """Show what Shodan and InternetDB say of the practice's addresses, with their dates."""
    from netwatch.others import internetdb  # noqa: PLC0415
    from netwatch.others.shodan import about  # noqa: PLC0415

    practice = read_site(site)
    words = messages(lang or practice.language)
    if practice.shodan is None and practice.internetdb is None:
        raise ConfigError("others.not-configured")
    (addresses, only), plan = _ours(practice, data), None
    seen: list[Observation] = []
    failures: list[Failure] = []
    with _logged(practice, data) as log:
        if practice.shodan is not None:
            with _account(practice.shodan, log) as account:
                plan = account.plan()
                seen, failures = about(account, addresses, only=only, history=practice.shodan.history)
        more, failed = internetdb.ask(practice.internetdb, addresses, audit=log, only=only)
    seen, failures = [*seen, *more], [*failures, *failed]
    if form == "json":
        click.echo(_as_json(plan, seen, failures))
    else:
        if plan is not None:
            click.echo(_plan(words, plan))
        _tell(words, seen, failures)
    sys.exit(Exit.INCOMPLETE if failures else Exit.CLEAN)


@shodan.command("scan")
@site_argument
@click.option("--yes", is_flag=True, help="Do not ask before credits are spent.")
@click.option(
    "--wait",
    type=click.FloatRange(0, 240),
    default=20.0,
    show_default=True,
    help="Minutes to wait for the end of the scan.",
)
@lang
@data
@told
def shodan_scan(site: str, yes: bool, wait: float, lang: str | None, data: Path | None) -> None:  # noqa: FBT001
    """Have Shodan look at the practice's addresses now. Costs one credit for each of them."""
    from netwatch.others.orders import follow  # noqa: PLC0415
    from netwatch.others.shodan import about  # noqa: PLC0415

    practice = read_site(site)
    words = messages(lang or practice.language)
    settings, addresses = _allowed(practice, data, "scan")
    with _logged(practice, data) as log, _account(settings, log) as account:
        plan = account.plan()
        say(_plan(words, plan))
        if plan.scans is not None and plan.scans < len(addresses):
            raise NetwatchError("others.scan-poor", count=len(addresses), scans=plan.scans)
        if not yes and not _sure(words.count("others.scan-ask", len(addresses), addresses=_list(addresses))):
            say(words("others.scan-dropped"))
            sys.exit(Exit.CLEAN)
        since = datetime.now(UTC)
        order = account.order(addresses)
        say(words("others.scan-ordered", id=order.id, left=_number(words, order.left)))
        state = follow(account, order, wait * MINUTE, lambda new: say(words("others.scan-state", state=new)))
        if state != "DONE":
            say(words("others.scan-waiting", state=state), "yellow")
            sys.exit(Exit.INCOMPLETE)
        seen, failures = about(account, addresses)
    say(words("others.scan-done", since=_date(since)))
    _tell(words, seen, failures)
    sys.exit(Exit.INCOMPLETE if failures else Exit.CLEAN)


@shodan.command("monitor")
@site_argument
@click.option("--remove", is_flag=True, help="Have the site's addresses watched no more.")
@lang
@data
@told
def shodan_monitor(site: str, remove: bool, lang: str | None, data: Path | None) -> None:  # noqa: FBT001
    """Have Shodan watch the practice's addresses, and mail the owner of the account.

    Run it again when the addresses have changed. It touches no alert but the site's own.
    """
    from netwatch.others.orders import monitor, unmonitor  # noqa: PLC0415

    practice = read_site(site)
    words = messages(lang or practice.language)
    if remove:
        settings = _configured(practice)
        with _logged(practice, data) as log, _account(settings, log) as account:
            count = unmonitor(account, practice.slug)
        click.echo(words("others.watch-removed" if count else "others.watch-none"))
        return
    settings, addresses = _allowed(practice, data, "monitor")
    with _logged(practice, data) as log, _account(settings, log) as account:
        did = monitor(account, practice.slug, addresses)
    click.echo(words(f"others.watch-{did}", addresses=_list(addresses)))


def _configured(practice: Site) -> ShodanSettings:
    if practice.shodan is None:
        raise ConfigError("others.no-shodan")
    return practice.shodan


def _allowed(practice: Site, data: Path | None, what: str) -> tuple[ShodanSettings, tuple[str, ...]]:
    """May Shodan be sent there? Its settings, and the addresses. Raises ConfigError, ScopeError."""
    from netwatch.config import require_authorisation  # noqa: PLC0415 - slow to import

    settings = _configured(practice)
    if not getattr(settings, what):
        raise ScopeError(NOT_ALLOWED[what])
    require_authorisation(practice, datetime.now().astimezone().date())
    addresses, only = _ours(practice, data)
    if only is not None:
        raise ScopeError("others.shared")
    return settings, addresses


def _ours(practice: Site, data: Path | None) -> tuple[tuple[str, ...], PortSet | None]:
    """The practice's addresses on the internet, as the site file says, else as learnt last night; and, where
    others share it, the ports that are ours. Raises ConfigError."""
    from netwatch.located import ports_of_ours  # noqa: PLC0415 - slow to import
    from netwatch.others import public  # noqa: PLC0415

    named, now = tuple(str(address) for address in practice.public_addresses), datetime.now(UTC)
    with open_store(data) as store:
        learnt = store.told_addresses(practice.slug)
        only = ports_of_ours(practice, store.known(practice.slug))
    fresh = tuple(address for address, _, at in learnt if timedelta() <= now - at <= LEARNT)
    if not (addresses := public(named or fresh)):
        if learnt and not named:
            raise ConfigError("others.old-address", hours=LEARNT // timedelta(hours=1))
        raise ConfigError("others.no-address")
    return addresses, only


def _account(settings: ShodanSettings, log: Audit) -> Account:
    from netwatch.others.account import Account  # noqa: PLC0415

    return Account(settings.key(), log)


@contextmanager
def _logged(practice: Site, data: Path | None) -> Iterator[Audit]:
    """The audit log of what is asked of Shodan by hand."""
    from netwatch import audit  # noqa: PLC0415

    log = audit.Audit(audit.folder(folder(data), practice.slug) / LOG)
    try:
        yield log
    finally:
        log.close()


def _sure(question: str) -> bool:
    """Does a person say yes? Raises NetwatchError where nobody is there."""
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        raise NetwatchError("others.scan-confirm") from None


def _plan(words: Messages, plan: Plan) -> str:
    numbers = {
        "scans": plan.scans,
        "lookups": plan.lookups,
        "watched": plan.watched,
        "watchable": plan.watchable,
    }
    told = {name: _number(words, number) for name, number in numbers.items()}
    return words("others.plan-told", name=plan.name or words("others.unknown"), **told)


def _number(words: Messages, number: int | None) -> str:
    """Shodan writes -1, or nothing, where there is no limit, or where it does not tell."""
    return words("others.unknown") if number is None else str(number)


def _list(addresses: Iterable[str]) -> str:
    return ", ".join(addresses)


def _date(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _tell(words: Messages, seen: Iterable[Observation], failures: Iterable[Failure]) -> None:
    """What they say, address by address, and that it is no check of ours."""
    names = {"shodan": "Shodan", "internetdb": "InternetDB"}
    answers: dict[tuple[str, str], list[Observation]] = {}
    for one in seen:
        answers.setdefault((one.address, one.probe), []).append(one)
    for (address, probe), answer in answers.items():
        click.echo(words("others.about", address=address, who=names[probe]))
        for one in answer:
            for line in _lines(words, one):
                click.echo(line)
    for failed in failures:
        who = names[failed.probe]
        why = words(f"others.{WHY.get(failed.reason, 'not-understood')}", who=who)
        click.echo(words("others.about", address=failed.address, who=who))
        click.echo(words("others.failed", why=why))
    click.echo(words("others.silence"))


def _lines(words: Messages, one: Observation) -> Iterator[str]:
    facts = one.facts
    if one.port:
        product = " ".join(str(facts[key]) for key in ("product", "version") if facts.get(key))
        yield words(
            "others.line",
            date=_date(one.seen_at) if facts.get("dated") else f"{words('others.undated'):<20}",
            transport=one.transport,
            port=one.port,
            protocol=protocol(one.protocol, words.language),
            product=product[:28],
        ).rstrip()
        return
    if not facts["ports"] and not facts["neighbours"]:
        yield words("others.nothing-known")
    if facts["listing"] == "cut":
        yield words("others.listing-cut")
    if facts["neighbours"]:
        yield words.count("others.neighbours", int(facts["neighbours"]))


def _as_json(plan: Plan | None, seen: Iterable[Observation], failures: Iterable[Failure]) -> str:
    """For a machine."""
    from dataclasses import asdict  # noqa: PLC0415

    told = {
        "schema": "netwatch/others-1",
        "plan": asdict(plan) if plan is not None else None,
        "statements": [asdict(one) | {"seen_at": one.seen_at.isoformat()} for one in seen],
        "failures": [asdict(one) for one in failures],
    }
    return json.dumps(told, ensure_ascii=False, indent=2)
