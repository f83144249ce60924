"""What does a night say of real databases, and of what they ask a stranger? And did they suffer by it?"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab import data_doors as data
from tests.lab.clinic import Clinic
from tests.lab.net import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.lab

OPEN, KEPT = "10.77.0.90", "10.77.0.91"
MOVED, HIDDEN = 6390, 6391  # where nobody would look for Redis: the first is told in the site file

# Asked by hand before this was written: Redis 7.0.15, memcached 1.6.18, PostgreSQL 15.20, MariaDB 10.11.19,
# Firebird 3.0.11. (address, port): protocol, facts, rules; the facts of an audit come on top.
TRUTH: dict[tuple[str, int], tuple[str, dict[str, Any], list[str]]] = {
    (OPEN, 6379): ("redis", {"authentication": "none"}, ["redis-no-password"]),
    (OPEN, MOVED): ("redis", {"authentication": "none"}, ["redis-no-password"]),
    (OPEN, 11_211): (
        "memcached",
        {"authentication": "none", "product": "memcached", "version": "1.6"},
        ["memcached-no-password"],
    ),
    (OPEN, 5432): ("postgresql", {"product": "PostgreSQL", "tls": False}, []),
    (KEPT, 6379): ("redis", {"authentication": "password"}, []),
    (KEPT, MOVED): (
        "redis",
        {"authentication": "none", "security": "protected-mode"},
        ["redis-protected-mode"],
    ),
    (KEPT, 5432): ("postgresql", {"product": "PostgreSQL", "tls": False}, []),
    (KEPT, 3306): (
        "mysql",
        {"authentication": "unknown", "product": "MariaDB", "version": "10.11", "tls": False},
        [],
    ),
    (KEPT, 3050): (
        "firebird",
        {"authentication": "unknown", "product": "Firebird", "encryption": "offered"},
        [],
    ),
}
AUDITED: dict[tuple[str, int], tuple[dict[str, Any], list[str]]] = {
    (OPEN, 5432): ({"authentication": "none", "security": "trust"}, ["postgresql_trust-no-password"]),
    (KEPT, 5432): ({"authentication": "password", "security": "scram"}, []),
}
HURRY = {
    "packets": 100_000,
    "guarded": 100_000,
    "overall": 1_000_000,
    "override": {"by": "the tests", "reason": "they have no patients"},
}
# What PostgreSQL wrote of an introduction in nobody's name.
NOBODY = re.compile(r"netwatch_[0-9a-f]{16}")


class Practice:
    """Two machines: one whose databases are open to all, one whose databases are kept."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        """Start them, and look at them once plainly and once in an audit."""
        self.lab, self.folder = lab, folder
        for name, address in (("open", OPEN), ("kept", KEPT)):
            lab.host(name, address, f"02:77:00:00:00:{address.rpartition('.')[2]}")
        self.open, self.kept = lab.hosts["open"], lab.hosts["kept"]
        data.redis(self.open)
        data.redis(self.open, MOVED)
        data.redis(self.open, HIDDEN)
        data.memcached(self.open)
        data.postgresql(self.open, method="trust")
        data.redis(self.kept, password="not-a-secret")
        data.redis(self.kept, MOVED, protected=True)
        data.postgresql(self.kept)
        data.mariadb(self.kept)
        data.firebird(self.kept)
        self.began = {host.name: len(self.said(host.name)) for host in (self.open, self.kept)}
        self.plain = self.night("plain")
        self.after_plain = {host.name: self.said(host.name) for host in (self.open, self.kept)}
        self.audit = self.night("audit", "--audit")

    def night(self, name: str, *options: str) -> dict[str, Any]:
        """One scan, and its document."""
        place = Clinic(self.lab)
        authorisation = {
            "by": "Dr Laboratoire",
            "role": "titulaire",
            "until": (datetime.now(UTC) + timedelta(days=30)).date(),
            "audit": True,
        }
        sweep = {"whole_range_nights": 0, "extra_ports": [str(MOVED)]}
        site = place.site_file(
            self.folder / f"{name}.toml",
            authorisation=authorisation,
            sweep=sweep,
            pace=HURRY,
            probes={one: {"timeout": 1.0} for one in ("dicom", "mongodb", "mssql", "postgresql")},
        )
        asked = ["scan", str(site), "--data", str(self.folder / name), "--format", "json", *options]
        ended = place.run(asked, timeout=300)
        assert ended.returncode in {0, 4}, ended.stderr
        told: dict[str, Any] = json.loads(ended.stdout)
        return told

    def said(self, name: str) -> str:
        """What the servers of a host printed up to now."""
        return self.lab.hosts[name].log.read_text(encoding="utf-8", errors="replace")

    def commands(self, port: int) -> dict[str, int]:
        """How often each command was carried out by the open Redis at this port, up to this one."""
        argv = ["/usr/bin/redis-cli", "-h", OPEN, "-p", str(port), "info", "commandstats"]
        told = self.lab.run(argv, root=True).stdout
        calls = {name: int(calls) for name, calls in re.findall(r"cmdstat_([^:]+):calls=(\d+)", told)}
        return {name: number for name, number in calls.items() if number and name != "info"}


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    with Lab() as lab:
        yield Practice(lab, tmp_path_factory.mktemp("databases"))


def service(document: dict[str, Any], address: str, port: int) -> dict[str, Any]:
    return next(one for one in document["services"] if (one["address"], one["port"]) == (address, port))


def found(document: dict[str, Any], address: str, port: int) -> list[str]:
    return [one["rule"] for one in document["findings"] if (one["address"], one["port"]) == (address, port)]


@pytest.mark.parametrize("where", TRUTH, ids=[f"{address}:{port}" for address, port in TRUTH])
@pytest.mark.parametrize("night", ["plain", "audit"])
def test_what_the_document_says_of_a_database_is_true(
    practice: Practice, where: tuple[str, int], night: str
) -> None:
    protocol, facts, rules = TRUTH[where]
    if night == "audit" and where in AUDITED:
        facts, rules = facts | AUDITED[where][0], AUDITED[where][1]
    document = practice.plain if night == "plain" else practice.audit
    seen = service(document, *where)
    assert (seen["protocol"], seen["facts"]["protocol_from"]) == (protocol, "answer")
    told = {key: seen["facts"].get(key) for key in facts}
    if "version" in facts:  # of a distribution that mends it from time to time
        assert str(told["version"]).startswith(facts["version"] + ".")
        told["version"] = facts["version"]
    assert told == facts
    assert found(document, *where) == rules


def test_what_is_asked_in_an_audit_alone_is_not_known_in_a_plain_night(practice: Practice) -> None:
    for address in (OPEN, KEPT):
        assert service(practice.plain, address, 5432)["facts"].get("authentication") is None
    assert (practice.plain["run"]["audit"], practice.audit["run"]["audit"]) == (False, True)


def test_no_database_is_invented_and_none_is_missed_but_the_hidden_one(practice: Practice) -> None:
    for document in (practice.plain, practice.audit):
        told = {(one["address"], one["port"]) for one in document["services"] if one["transport"] == "tcp"}
        assert told == set(TRUTH)
        assert {one["rule"] for one in document["findings"]} <= {
            rule for _, _, rules in TRUTH.values() for rule in rules
        } | {"postgresql_trust-no-password"}


def test_every_database_without_a_password_is_of_high_severity_and_none_is_critical_on_the_lan(
    practice: Practice,
) -> None:
    severities = {one["rule"]: one["severity"] for one in practice.audit["findings"]}
    assert severities == {
        "redis-no-password": "high",
        "redis-protected-mode": "low",
        "memcached-no-password": "high",
        "postgresql_trust-no-password": "high",
    }


def test_every_night_is_complete_and_every_question_about_a_database_was_answered(practice: Practice) -> None:
    for document in (practice.plain, practice.audit):
        assert document["run"]["complete"] is True
        # that the moved Redis did not speak DICOM is told, as of every port that might
        assert {one["probe"] for one in document["failures"]} <= {"dicom"}


@pytest.mark.parametrize("port", [6379, MOVED])
def test_redis_carried_out_one_ping_a_night_and_nothing_else(practice: Practice, port: int) -> None:
    assert practice.commands(port) == {"ping": 2}


def test_a_port_that_nobody_asked_about_had_no_visitor(practice: Practice) -> None:
    assert practice.commands(HIDDEN) == {}


def test_what_stands_in_the_logs_is_what_we_promised(practice: Practice) -> None:
    plain = {name: said[practice.began[name] :] for name, said in practice.after_plain.items()}
    assert "FATAL" not in plain["open"] + plain["kept"]
    assert "LOG:" not in plain["open"] + plain["kept"]  # of PostgreSQL: not a line
    assert len(re.findall("Aborted connection", plain["kept"])) == 1  # of MariaDB: one
    audit = {name: practice.said(name)[len(said) :] for name, said in practice.after_plain.items()}
    assert len(NOBODY.findall(audit["open"])) == 1
    assert NOBODY.findall(audit["kept"]) == []
    assert "Access denied" not in practice.said("kept")
