"""Does a file come in whole or not at all, whatever somebody wrote into it?"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netwatch.errors import StoreError
from netwatch.problem import sentence
from netwatch.store import Store, database, export, importing
from netwatch.store import news as news_rows
from netwatch.store.importing import bring
from netwatch.words import messages
from tests.lab import schemas
from tests.netwatch.test_store import CATALOGUE, night, rows
from tests.netwatch.test_store_database import DUMPS, restored
from tests.netwatch.test_store_export import drawn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Lines = list[Any]


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Lines:
    """A good file, line by line."""
    folder = tmp_path_factory.mktemp("good")
    with Store(folder) as store:
        schemas.fill(store)
        export.export(store, "cabinet", folder / "good.jsonl")
    return [json.loads(line) for line in (folder / "good.jsonl").read_text().splitlines()]


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Store]:
    """The other machine, where another site is at home."""
    with Store(tmp_path / "there") as store:
        store.remember("other", "Other", "en")
        yield store


def written(path: Path, lines: Lines) -> Path:
    """The file, with sums that are right whatever was changed."""
    digest, counts = hashlib.sha256(), dict[str, int]()
    with path.open("wb") as file:
        for line in lines[:-1]:
            told = json.dumps(line).encode() + b"\n"
            digest.update(told)
            file.write(told)
            if isinstance(line, list) and line and isinstance(line[0], str):
                counts[line[0]] = counts.get(line[0], 0) + 1
        file.write(json.dumps({"rows": counts, "sha256": digest.hexdigest()}).encode() + b"\n")
    return path


def copied(lines: Lines) -> Lines:
    told: Lines = json.loads(json.dumps(lines))
    return told


def changed(lines: Lines, table: str, **values: object) -> Lines:
    """The file with other values in the first row of this table."""
    lines = copied(lines)
    row = next(line[1] for line in lines if isinstance(line, list) and line[0] == table)
    row |= values
    return lines


def refused(there: Store, path: Path) -> StoreError:
    """Why it is; and nothing has changed."""
    before = rows(there)
    with pytest.raises(StoreError) as error:
        bring(there, path, CATALOGUE, drawn)
    assert rows(there) == before
    for language in ("fr", "en"):
        assert sentence(error.value, messages(language))
    return error.value


def test_a_good_file_says_what_came(there: Store, tmp_path: Path, lines: Lines) -> None:
    came = bring(there, written(tmp_path / "x", lines), CATALOGUE, drawn)
    assert (came.slug, came.name, came.nights) == ("cabinet", "Cabinet", 3)
    assert (came.first, came.last) == ("2026-11-01T22:00:00Z", "2026-11-03T22:00:00Z")
    assert there.sites() == ("cabinet", "other")


def test_a_site_of_which_something_is_known_is_never_doubled(
    there: Store, tmp_path: Path, lines: Lines
) -> None:
    path = written(tmp_path / "x", lines)
    bring(there, path, CATALOGUE, drawn)
    assert refused(there, path).message == "store.import-known"
    twin = copied(lines)
    twin[0]["site"] = twin[1][1]["slug"] = "twin"
    assert refused(there, written(tmp_path / "y", twin)).message == "store.import-twice"


def test_a_site_that_is_known_by_its_name_only_gets_its_history(
    there: Store, tmp_path: Path, lines: Lines
) -> None:
    there.remember("cabinet", "Cabinet neuf", "en", "/here/cabinet.toml")
    bring(there, written(tmp_path / "x", lines), CATALOGUE, drawn)
    assert there.site("cabinet") == ("Cabinet neuf", "en")
    assert there.file("cabinet") == "/here/cabinet.toml"
    assert there.picture("cabinet").networks == ("192.168.1.0/24",)


@pytest.mark.parametrize("dump", DUMPS)
def test_a_file_of_an_earlier_version_comes_in(there: Store, tmp_path: Path, dump: str) -> None:
    """As `netwatch export` of that version would have written it."""
    old = tmp_path / "old"
    old.mkdir()
    restored(old, dump)
    steps = database.steps()
    before = steps[: steps.index(dump) + 1]
    told: Lines = [{"format": export.FORMAT, "site": "cabinet", "schema": before}]
    import sqlite3  # noqa: PLC0415

    with sqlite3.connect(old / "netwatch.db") as db:
        db.row_factory = sqlite3.Row
        known = {row[0] for row in db.execute("select name from sqlite_master where type = 'table'")}
        for table, where in export.PARTS.items():
            if table in known:
                found = db.execute(f"select * from {table} where {where} order by rowid", {"site": 1})  # noqa: S608
                told += [[table, dict(row)] for row in found]
    bring(there, written(tmp_path / "x", [*told, {}]), CATALOGUE, drawn)
    document = there.document("cabinet", CATALOGUE, "fr")
    assert document is not None
    assert [part.status for part in document.findings] == ["open", "resolved"]
    assert document.looked == {"lan": "2026-11-03T22:02:00Z"}


BAD_HEADS: dict[str, tuple[dict[str, object], str]] = {
    "of a later format": ({"format": "netwatch-site/2"}, "store.import-newer"),
    "of a later schema": ({"schema": [*database.steps(), "m999_x"]}, "store.import-newer"),
    "of another program": ({"format": "x"}, "store.import-not-ours"),
    "with steps left out": ({"schema": list(database.steps()[1:])}, "store.import-damaged-line"),
    "without a schema": ({"schema": []}, "store.import-damaged-line"),
    "with a schema that is none": ({"schema": 3}, "store.import-damaged-line"),
    "with a path for a name": ({"site": "../../etc/cron.d/x"}, "store.import-damaged-line"),
    "of another site": ({"site": "somebody"}, "store.import-damaged"),
}


@pytest.mark.parametrize("what", BAD_HEADS)
def test_a_head_that_is_not_right_is_refused(there: Store, tmp_path: Path, lines: Lines, what: str) -> None:
    values, why = BAD_HEADS[what]
    lines = copied(lines)
    lines[0] |= values
    assert refused(there, written(tmp_path / "x", lines)).message == why


END = "2026-11-29T22:00:00Z"
BACK = {"times": 1, "first_seen": "2026-03-01T22:00:00Z", "last_seen": "2026-03-01T22:00:00Z"}


def news(**values: object) -> str:
    """A finding that was told, with other values."""
    found = night().observations[1].finding("dicom-query-answered")
    return json.dumps(asdict(found) | values)


BAD_ROWS: dict[str, tuple[str, dict[str, object]]] = {
    "a letter to be sent": ("outbox", {"state": "waiting"}),
    "a letter half sent": ("outbox", {"state": "sending"}),
    "a path for a slug": ("sites", {"slug": "../x"}),
    "a language that we do not speak": ("sites", {"language": "../../x"}),
    "a text that is not what its sum says": ("texts", {"body": "[]"}),
    "a date that is none": ("runs", {"started": "yesterday"}),
    "a day that there is not": ("runs", {"started": "2026-02-31T00:00:00Z"}),
    "a night of the future": ("runs", {"finished": "2099-01-01T00:00:00Z"}),
    "a number for a text": ("runs", {"uid": 7}),
    "a text for a number": ("runs", {"complete": "yes"}),
    "a number too great": ("runs", {"complete": 2**70}),
    "a number with a point": ("runs", {"complete": 0.5}),
    "true for a number": ("runs", {"complete": True}),
    "nothing where something must be": ("runs", {"uid": None}),
    "a list where a word belongs": ("runs", {"uid": ["x"]}),
    "a column that there is not": ("runs", {"more": 1}),
    "a vantage that there is not": ("services", {"vantage": "moon"}),
    "JSON that is none": ("services", {"facts": "{"}),
    "JSON of the wrong kind": ("services", {"facts": "[]"}),
    "JSON without a bottom": ("services", {"facts": '{"a":' * 100_000 + "1" + "}" * 100_000}),
    "an escape in JSON": ("services", {"facts": '{"product": "\\u001b[2J"}'}),
    "an escape": ("devices", {"model": "\x1b]0;x\x07"}),
    "a control character of eight bits": ("devices", {"model": "\x9b2J"}),
    "half a letter": ("devices", {"model": "\ud800"}),
    "a word without an end": ("devices", {"model": "x" * 20_000}),
    "an address that is none": ("devices", {"address": "nowhere"}),
    "an address with a card": ("devices", {"address": "fe80::1%eth0"}),
    "a port that there is not": ("services", {"port": 70_000}),
    "a status that there is not": ("findings", {"status": "wonderful"}),
    "an exposure that there is not": ("findings", {"exposure": "x"}),
    "a row of an exposure that there is not": ("exposure_steps", {"row": "x"}),
    "a decision that ended as none does": ("decisions", {"ended": "2026-11-02T22:00:00Z", "ended_why": "x"}),
    "a day until which nobody decides": ("decisions", {"until": "2026-02-31"}),
    "an exposure that nobody decides on": ("decisions", {"exposure": "x"}),
    "news of a kind that there is not": ("news", {"kind": "x"}),
    "news with a fate that there is not": ("news", {"fate": "x"}),
    "news of nothing": ("news", {"finding": "{}"}),
    "news at a word for a port": ("news", {"finding": news(port="x")}),
    "news at a port that there is not": ("news", {"finding": news(port=70_000)}),
    "news that rest on a list": ("news", {"finding": news(about={"product": ["x"]})}),
    "news that lead to a number": (
        "news",
        {"finding": news(link={"device": 7, "address": "", "port": 1, "by": ""})},
    ),
    "news that are back as often as a word": (
        "news",
        {"more": json.dumps({"before": BACK | {"times": "x"}})},
    ),
    "news that are back from a day without an hour": (
        "news",
        {"more": json.dumps({"before": BACK | {"last_seen": "2026-03-01"}})},
    ),
    "a digest of a day without an hour": ("sites", {"digested": "2026-11-01"}),
    "a letter that was sent at no time": ("outbox", {"sent": None}),
    "a day that was none": ("standings", {"counted": "soon"}),
    "a kind of coming that there is not": ("comings", {"since": "soon"}),
    "a notice of a day without an hour": ("notices", {"at": "2026-11-01"}),
    "a time before that is a word": ("earlier", {"times": "x"}),
    "a device of nobody": ("services", {"device": "nobody"}),
    "a run of nobody": ("failures", {"run": 99}),
    "a site of nobody": ("runs", {"site": 99}),
}


@pytest.mark.parametrize("what", BAD_ROWS)
def test_a_value_that_cannot_stand_there_is_refused(
    there: Store, tmp_path: Path, lines: Lines, what: str
) -> None:
    table, values = BAD_ROWS[what]
    error = refused(there, written(tmp_path / "x", changed(lines, table, **values)))
    assert error.message in {"store.import-damaged", "store.import-damaged-line"}


BAD_FILES: dict[str, Callable[[Lines], Lines]] = {
    "a site twice": lambda lines: [lines[0], lines[1], *lines[1:]],
    "two sites": lambda lines: [*lines[:2], ["sites", lines[1][1] | {"id": 2, "slug": "b"}], *lines[2:]],
    "no site": lambda lines: [lines[0], lines[-1]],
    "a table of SQLite's own": lambda lines: [*lines[:2], ["sqlite_master", {"type": "x"}], *lines[2:]],
    "a table of the migrations": lambda lines: [*lines[:2], ["_sqlite_migrations", {}], *lines[2:]],
    "a line that is a number": lambda lines: [*lines[:2], 3, *lines[2:]],
    "a line that is a list": lambda lines: [*lines[:2], ["runs"], *lines[2:]],
    "a row that is a list of columns": lambda lines: [
        *lines[:2],
        ["texts", ["id", "digest", "body"]],
        *lines[2:],
    ],
    "an empty line": lambda lines: [*lines[:2], None, *lines[2:]],
    "only a head": lambda lines: [lines[0], {}],
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_a_file_that_is_not_one_is_refused(there: Store, tmp_path: Path, lines: Lines, what: str) -> None:
    path = written(tmp_path / "x", BAD_FILES[what](copied(lines)))
    assert refused(there, path).message in {"store.import-damaged", "store.import-damaged-line"}


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"SQLite format 3\0" * 100, b"\xff\xfe", b"[" * 100_000, b"{}", b"null"]
)
def test_what_is_no_export_is_said_to_be_none(there: Store, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    assert refused(there, tmp_path / "x").message == "store.import-not-ours"


def test_each_byte_counts(there: Store, tmp_path: Path, lines: Lines) -> None:
    path = written(tmp_path / "x", lines)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"dr@example.fr", b"dr@example.fx", 1))
    assert refused(there, path).message == "store.import-damaged-line"
    path.write_bytes(whole[:-10])
    assert refused(there, path).message.startswith("store.import-damaged")
    path.write_bytes(whole + b"{}\n")
    assert refused(there, path).message == "store.import-damaged-line"


def test_what_no_report_can_show_is_refused(there: Store, tmp_path: Path, lines: Lines) -> None:
    def draw(*_: object) -> None:
        raise KeyError("phrase.kind.moon")

    before = rows(there)
    with pytest.raises(StoreError, match=r"store\.import-damaged"):
        bring(there, written(tmp_path / "x", lines), CATALOGUE, draw)
    assert rows(there) == before


def test_what_waits_to_be_told_there_waits_here_and_no_letter_does(
    there: Store, tmp_path: Path, lines: Lines
) -> None:
    told = changed(lines, "outbox", why='{"message": "no.such.words", "details": {}}', next_try=END)
    bring(there, written(tmp_path / "x", told), CATALOGUE, drawn)
    fates = [item.fate for item in news_rows.everything(there._db, "cabinet")]
    assert sorted(fates) == ["alert", "dropped", "waiting"]
    assert there.newsroom.digested("cabinet") == schemas.FIRST
    assert there.outbox.unarrived("cabinet") == ()
    arrived = there.outbox.ended("cabinet", 9)
    assert [(one.letter.message_id, one.why, one.next_try) for one in arrived] == [
        ("<3@test>", "", None),  # which no night caused
        ("<1@test>", "", None),
    ]


def test_a_path_in_it_is_never_followed(there: Store, tmp_path: Path, lines: Lines) -> None:
    bring(there, written(tmp_path / "x", changed(lines, "sites", file="/etc/passwd")), CATALOGUE, drawn)
    assert there.file("cabinet") is None


def test_what_is_too_big_is_not_read(
    there: Store, tmp_path: Path, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "x", lines)
    monkeypatch.setattr(importing, "LONGEST_LINE", 200)
    assert refused(there, path).message == "store.import-damaged-line"
    monkeypatch.setattr(importing, "LARGEST", 100)
    assert refused(there, path).message == "store.import-too-big"


def test_what_is_no_file_is_not_waited_for(there: Store, tmp_path: Path) -> None:
    assert refused(there, tmp_path).message == "store.import-not-ours"
    assert refused(there, tmp_path / "nothing").message == "store.import-missing"
    os.mkfifo(tmp_path / "pipe")
    assert refused(there, tmp_path / "pipe").message == "store.import-not-ours"


def test_a_site_that_is_being_scanned_is_left_alone(there: Store, tmp_path: Path, lines: Lines) -> None:
    with there.lock("cabinet"):
        assert refused(there, written(tmp_path / "x", lines)).message == "store.busy-since"


HOSTILE = st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.lists(st.integers(), max_size=2))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_other_value_anywhere_is_refused_or_is_read_like_ours(
    tmp_path_factory: pytest.TempPathFactory, lines: Lines, data: st.DataObject
) -> None:
    lines = copied(lines)
    row = lines[data.draw(st.integers(1, len(lines) - 2))][1]
    row[data.draw(st.sampled_from(sorted(row)))] = data.draw(HOSTILE)
    folder = tmp_path_factory.mktemp("x")
    with Store(folder) as there:
        try:
            bring(there, written(folder / "x", lines), CATALOGUE, drawn)
        except StoreError:
            assert there.sites() == ()
        else:
            assert there.document("cabinet", CATALOGUE, "fr") is not None
            there.picture("cabinet")
            assert there.outbox.pending("cabinet") == ()
