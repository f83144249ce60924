"""Where is what was seen kept? Whole or not at all, once per change, readable by nobody else."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

import probes
from netwatch.diff import Night, compare
from netwatch.document import PARTS, ServicePart
from netwatch.errors import DeliveryError, StoreError
from netwatch.model import (
    Coverage,
    Device,
    Exposure,
    Facts,
    Failure,
    Finding,
    Observation,
    Outcome,
    Reason,
    Run,
    Severity,
    Vantage,
)
from netwatch.portset import PortSet
from netwatch.post import Letter
from netwatch.store import FILE, Store
from netwatch.words import Catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CATALOGUE = Catalogue(probes.words())
FIRST = datetime(2026, 11, 1, 22, tzinfo=UTC)
LETTER = Letter("<1@test>", "dr@example.fr", "s", "t", "<p>h</p>")
OPEN_PACS: Facts = {"association": "accepted", "query": "answered", "store": "not-offered", "tls": False}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as opened:
        opened.remember("cabinet", "Cabinet", "fr")
        yield opened


def night(number: int = 0, facts: Facts | None = None, port: int = 104) -> Run:
    """A quiet night: one device, an open PACS, its sweep and its question."""
    at = FIRST + timedelta(days=number)
    told = {"probe": "dicom", "vantage": Vantage.LAN, "device": "d", "address": "192.168.1.20", "port": port}
    seen = Observation(**told, protocol="dicom", facts=dict(facts or OPEN_PACS), seen_at=at)  # type: ignore[arg-type]
    swept = replace(seen, probe="sweep", facts={"state": "open"}, proved=False)
    return Run(
        id=f"run-{number}",
        site="cabinet",
        started=at,
        finished=at + timedelta(minutes=2),
        complete=True,
        vantages=(Vantage.LAN,),
        devices=(Device("d", "192.168.1.20", mac="00:11:32:aa:bb:cc"),),
        observations=(swept, seen),
        coverage=(
            Coverage("discovery", Vantage.LAN, "192.168.1.0/24", None, (), Outcome.ANSWERED, "nmap"),
            Coverage("sweep", Vantage.LAN, "192.168.1.20", "d", (22, 80), Outcome.CLOSED),
            Coverage("sweep", Vantage.LAN, "192.168.1.20", "d", (port,), Outcome.OPEN),
            Coverage("dicom", Vantage.LAN, "192.168.1.20", "d", (port,), Outcome.ANSWERED),
        ),
        findings=frozenset({seen.finding("dicom-query-answered")}),
    )


def record(store: Store, run: Run, letters: tuple[Letter, ...] = ()) -> Night:
    moved = compare(store.picture(run.site), run, CATALOGUE.ladder)
    store.record(run, moved, letters)
    return moved


def rows(store: Store) -> dict[str, int]:
    with sqlite3.connect(store.path) as db:
        tables = [name for (name,) in db.execute("select name from sqlite_master where type = 'table'")]
        return {table: db.execute(f"select count(*) from {table}").fetchone()[0] for table in tables}  # noqa: S608


def test_a_quiet_night_adds_a_run_and_nothing_else(store: Store) -> None:
    record(store, night(0))
    before = rows(store)
    for number in range(1, 6):
        record(store, night(number))
    assert rows(store) == before | {"runs": before["runs"] + 5}


def test_intervals_run_from_the_first_to_the_last_night(store: Store) -> None:
    for number in range(3):
        record(store, night(number))
    document = store.document("cabinet", CATALOGUE, "fr")
    assert document is not None
    for part in (document.devices[0], document.services[0], document.findings[0]):
        assert (part.first_seen, part.last_seen) == ("2026-11-01T22:00:00Z", "2026-11-03T22:00:00Z")


def test_the_document_says_what_was_recorded(store: Store) -> None:
    failure = Failure("dicom", Vantage.LAN, "192.168.1.20", 4242, Reason.TIMEOUT, "no answer in time", "d")
    record(store, replace(night(), failures=(failure,), complete=False))
    document = store.document("cabinet", CATALOGUE, "fr")
    assert document is not None
    assert set(PARTS) == {
        "schema", "site", "run", "devices", "services", "findings", "changes", "failures", "coverage",
        "rounds", "public", "statements", "looked", "comings", "undelivered",
    }  # fmt: skip
    assert (document.schema, document.site, document.run.complete) == ("netwatch/1", "cabinet", False)
    [service] = document.services
    assert (service.protocol, service.port, service.facts["query"]) == ("dicom", 104, "answered")
    [finding] = document.findings
    assert (finding.severity, finding.status, finding.exposure) == ("critical", "open", "not-checked")
    assert finding.title == CATALOGUE["dicom-query-answered"].words["fr"].title
    assert [(f.reason, f.port) for f in document.failures] == [("timeout", 4242)]
    assert [(c.probe, c.ports, c.outcome) for c in document.coverage][1] == ("sweep", "22,80", "closed")


def test_other_facts_end_an_interval_and_begin_another(store: Store) -> None:
    record(store, night(0))
    record(store, night(1, facts=OPEN_PACS | {"query": "refused"}))
    assert rows(store)["services"] == 3
    document = store.document("cabinet", CATALOGUE, "en")
    assert document is not None
    assert document.services[0].facts["query"] == "refused"
    assert document.services[0].first_seen == "2026-11-01T22:00:00Z"


def test_a_closed_port_is_no_service_any_more(store: Store) -> None:
    record(store, night(0))
    closed = Coverage("sweep", Vantage.LAN, "192.168.1.20", "d", (104,), Outcome.CLOSED)
    record(store, replace(night(1), observations=(), findings=frozenset(), coverage=(closed,)))
    document = store.document("cabinet", CATALOGUE, "en")
    assert document is not None
    assert document.services == ()
    assert [f.status for f in document.findings] == ["resolved"]


def test_a_forward_that_a_whole_list_has_no_more_is_no_service_any_more(store: Store) -> None:
    def box(protocol: str, port: int, at: datetime, **facts: object) -> Observation:
        told = {"transport": "tcp" if port else protocol, "facts": facts, "seen_at": at}
        return Observation("upnp", Vantage.BOX, "box", "192.168.1.1", port=port, protocol=protocol, **told)  # type: ignore[arg-type]

    def ports() -> set[int]:
        return {seen.port for seen in store.known("cabinet") if seen.protocol == "forward"}

    for number, forwards, listing, left in (
        (0, (5060, 8104), "whole", {5060, 8104}),
        (1, (8104,), "cut", {5060, 8104}),
        (2, (8104,), "whole", {8104}),
        (3, (), "empty", {8104}),
    ):
        run = night(number)
        said = [box("forward", port, run.started, to_address="192.168.1.20") for port in forwards]
        said.append(box("listing", 0, run.started, listing=listing))
        devices = (*run.devices, Device("box", "192.168.1.1"))
        record(store, replace(run, devices=devices, observations=(*run.observations, *said)))
        assert ports() == left


def test_a_silent_host_keeps_its_service_and_its_finding_unverified(store: Store) -> None:
    record(store, night(0))
    record(store, replace(night(1), observations=(), findings=frozenset(), coverage=(), devices=()))
    document = store.document("cabinet", CATALOGUE, "en")
    assert document is not None
    assert [f.status for f in document.findings] == ["unverified"]
    assert document.services[0].last_seen < document.run.started


def test_a_finding_that_comes_back_begins_again(store: Store) -> None:
    record(store, night(0))
    closed = Coverage("sweep", Vantage.LAN, "192.168.1.20", "d", (104,), Outcome.CLOSED)
    record(store, replace(night(1), observations=(), findings=frozenset(), coverage=(closed,)))
    moved = record(store, night(2))
    assert [change.kind for change in moved.changes] == ["appeared"]
    document = store.document("cabinet", CATALOGUE, "en")
    assert document is not None
    assert [f.first_seen for f in document.findings] == ["2026-11-03T22:00:00Z"]


def test_a_run_and_its_letters_are_kept_together_or_not_at_all(store: Store) -> None:
    record(store, night(0), (LETTER,))
    with pytest.raises(StoreError):
        record(store, night(1), (LETTER,))  # the same Message-ID twice
    assert rows(store)["runs"] == 1
    assert [one.letter for one in store.outbox.pending("cabinet")] == [LETTER]


def test_a_letter_waits_until_it_is_known_to_have_arrived(store: Store) -> None:
    record(store, night(0), (LETTER,))
    now = datetime(2026, 11, 1, 23, tzinfo=UTC)
    store.outbox.trying(LETTER, now)
    assert [one.letter for one in store.outbox.pending("cabinet")] == [LETTER]
    store.outbox.put_back(LETTER, DeliveryError("mail.cut", why="down"), now)
    assert [one.letter for one in store.outbox.pending("cabinet")] == [LETTER]
    store.outbox.sent(LETTER, now)
    assert store.outbox.pending("cabinet") == ()


def test_nobody_else_can_read_the_database(store: Store) -> None:
    record(store, night(0))
    for path in store.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_database_of_a_newer_netwatch_is_refused_and_left_alone(tmp_path: Path) -> None:
    with Store(tmp_path):
        pass
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute(
            "insert into _sqlite_migrations (migration_set, name, applied_at) values ('netwatch', 'm999', '')"
        )
    with pytest.raises(StoreError, match=r"store\.newer"):
        Store(tmp_path)


def test_an_unusable_place_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"store\.cannot-open"):
        Store(tmp_path / "file")
    (tmp_path / FILE).write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match=r"store\.spoilt"):
        Store(tmp_path)


def test_two_scans_of_one_site_at_once_are_refused(store: Store) -> None:
    with store.lock("cabinet"), pytest.raises(StoreError, match=r"store\.busy"), store.lock("cabinet"):
        pass
    with store.lock("cabinet"), store.lock("another"):
        pass


def _hold(folder: Path, ready: multiprocessing.synchronize.Event) -> None:
    with Store(folder) as mine, mine.lock("cabinet"):
        ready.set()
        signal.pause()


def test_the_lock_of_a_killed_scan_is_free(store: Store) -> None:
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    process = spawn.Process(target=_hold, args=(store.folder, ready))
    process.start()
    assert ready.wait(30)
    with pytest.raises(StoreError), store.lock("cabinet"):
        pass
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    with store.lock("cabinet"):
        pass


def test_two_sites_do_not_mix(store: Store) -> None:
    store.remember("other", "Other", "en")
    record(store, night(0))
    record(store, replace(night(0), id="other-0", site="other"))
    record(store, replace(night(1), id="other-1", site="other", findings=frozenset(), coverage=()))
    mine, theirs = (store.document(site, CATALOGUE, "en") for site in ("cabinet", "other"))
    assert mine is not None
    assert theirs is not None
    assert [f.status for f in mine.findings] == ["open"]
    assert [f.status for f in theirs.findings] == ["unverified"]


def test_hostile_text_comes_back_as_it_went_in(store: Store) -> None:
    facts: Facts = {"implementation_version": "'; drop table runs; --", "association": "accepted"}
    record(store, night(0, facts=facts))
    document = store.document("cabinet", CATALOGUE, "en")
    assert document is not None
    assert document.services[0].facts["implementation_version"] == "'; drop table runs; --"


def test_the_picture_holds_what_the_next_night_compares_with(store: Store) -> None:
    record(store, night(0))
    picture = store.picture("cabinet")
    assert list(picture.findings) == [Finding("dicom-query-answered", "d", 104)]
    assert picture.asked[("d", "sweep")] == PortSet.of([22, 80])
    assert picture.asked[("d", "dicom")] == PortSet.of([104])
    assert picture.networks == ("192.168.1.0/24",)
    assert picture.facts[("d", "dicom", 104)] == OPEN_PACS


def heard(run: Run, probe: str, port: int, protocol: str, transport: str = "tcp") -> Run:
    """The night, in which this was heard as well."""
    [_, seen] = run.observations[:2]
    more = replace(seen, probe=probe, port=port, protocol=protocol, transport=transport, facts={"x": probe})
    return replace(run, observations=(*run.observations, more))


def test_what_each_port_spoke_is_known_on_the_next_night(store: Store) -> None:
    run = heard(heard(night(), "http", 8443, "http"), "rdp", 3390, "rdp")
    run = heard(heard(run, "zzz", 3390, "tls"), "snmp", 161, "snmp", "udp")
    record(store, heard(run, "odd", 4711, "unknown"))
    assert store.spoken("cabinet") == {"d": {104: "dicom", 8443: "http", 3390: "rdp"}}
    assert store.spoken("another") == {}


def test_the_exact_word_is_told_where_a_vague_one_was_heard_too(store: Store) -> None:
    record(store, heard(heard(night(), "rdp", 3390, "rdp"), "http", 3390, "tls"))
    document = store.document("cabinet", CATALOGUE, "fr")
    assert document is not None
    assert {part.port: part.protocol for part in document.services} == {104: "dicom", 3390: "rdp"}


def test_what_nmap_makes_of_a_port_is_kept_beside_what_it_spoke_and_never_in_its_place(store: Store) -> None:
    run = heard(heard(night(), "rdp", 3390, "rdp"), "detect", 3390, "nmap")
    record(store, heard(run, "detect", 4711, "nmap"))
    assert store.spoken("cabinet") == {"d": {104: "dicom", 3390: "rdp"}}
    told = {part.port: (part.protocol, part.facts.get("x")) for part in open_services(store)}
    assert told[3390] == ("rdp", "rdp")
    gone = Coverage("sweep", Vantage.LAN, "192.168.1.20", "d", (4711,), Outcome.CLOSED)
    record(store, replace(night(1), coverage=(*night(1).coverage, gone)))
    assert 4711 not in {part.port for part in open_services(store)}


def test_a_closed_tcp_port_ends_no_udp_service_and_a_closed_udp_port_no_other(store: Store) -> None:
    both = heard(heard(night(), "snmp", 161, "snmp", "udp"), "rdp", 161, "rdp")
    record(store, both)
    by_knock = Coverage("sweep", Vantage.LAN, "192.168.1.20", "d", (161,), Outcome.CLOSED)
    record(store, replace(night(1), coverage=(*night(1).coverage, by_knock)))
    told = [(part.port, part.transport) for part in open_services(store)]
    assert told == [(104, "tcp"), (161, "udp")]
    itself = replace(by_knock, probe="snmp", ports=(161,))
    record(store, replace(night(2), coverage=(*night(2).coverage, itself)))
    assert [(part.port, part.transport) for part in open_services(store)] == [(104, "tcp")]


def open_services(store: Store) -> tuple[ServicePart, ...]:
    document = store.document("cabinet", CATALOGUE, "fr")
    assert document is not None
    return document.services


def test_an_audit_is_told_as_one(store: Store) -> None:
    for number, audit in ((0, False), (1, True)):
        record(store, replace(night(number), audit=audit))
        document = store.document("cabinet", CATALOGUE, "fr")
        assert document is not None
        assert document.run.audit is audit


def test_how_bad_a_finding_is_depends_on_what_is_known_of_the_internet_side(store: Store) -> None:
    run = night()
    [found] = run.findings
    name_only = replace(found, rule="dicom-name-only", exposure=Exposure.EXPOSED)
    record(store, replace(run, findings=frozenset({name_only})))
    document = store.document("cabinet", CATALOGUE, "fr")
    assert document is not None
    assert document.findings[0].severity is document.changes[0].severity is Severity.HIGH
    assert CATALOGUE["dicom-name-only"].severity is Severity.LOW


def test_what_one_question_does_not_know_hides_nothing_that_another_learnt(store: Store) -> None:
    [_, seen] = night().observations
    told = [
        replace(
            seen, probe="postgresql_trust", port=5432, protocol="postgresql", facts={"authentication": "none"}
        ),
        replace(
            seen,
            probe="postgresql",
            port=5432,
            protocol="postgresql",
            facts={"authentication": "unknown", "product": "PostgreSQL"},
        ),
        replace(seen, probe="http", port=5432, protocol="tls", facts={"product": "other", "tls": None}),
    ]
    for number, order in enumerate((told, told[::-1])):
        run = night(number)
        record(store, replace(run, observations=(*run.observations, *order)))
        [service] = [part for part in open_services(store) if part.port == 5432]
        assert (service.facts["authentication"], service.facts["product"]) == ("none", "PostgreSQL")
