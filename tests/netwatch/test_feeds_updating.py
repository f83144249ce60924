"""Are the feeds renewed, each for itself, and is the last good copy kept whatever comes instead?"""

from __future__ import annotations

import json
import socket
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from netwatch.feeds import FEEDS, URLS, Fetched, Known, State, Urls, load, update
from netwatch.feeds.kept import where
from tests.lab import feeds_server as lab
from tests.lab.feeds_server import (
    ENDOFLIFE,
    EPSS,
    KEV,
    PATHS,
    FeedsServer,
    Proxy,
    endoflife,
    epss,
    hole,
    kev,
    product,
    release,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SLUGS = ("debian", "windows")
PRODUCTS = (
    product("debian", release("12", "2028-06-30", ended=False)),
    product("windows", release("10-22h2", "2025-10-14", ended=True)),
    product("php", release("8.4", "2028-12-31", ended=False)),
)
HOLES = (hole("CVE-2017-7494"), hole("CVE-2020-1472", "Microsoft", "Netlogon"))


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "netwatch_feeds_url"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[FeedsServer]:
    with FeedsServer({ENDOFLIFE: endoflife(*PRODUCTS), KEV: kev(*HOLES)}) as running:
        yield running


def updated(
    folder: Path,
    server: FeedsServer,
    now: datetime = NOW,
    slugs: tuple[str, ...] = SLUGS,
    **more: Any,  # noqa: ANN401
) -> tuple[Fetched, ...]:
    more = {"urls": Urls.at(server.url), "patience": 20.0, **more}
    return update(folder, slugs, now=lambda: now, pause=0.0, **more)


def states(told: tuple[Fetched, ...]) -> list[str]:
    assert [one.name for one in told] == list(FEEDS)
    return [one.state.value for one in told]


LATER = NOW + timedelta(days=1)


def test_a_first_update_fetches_all_three(server: FeedsServer, tmp_path: Path) -> None:
    told = updated(tmp_path, server)
    assert told == tuple(Fetched(feed, State.FRESH, NOW, 2) for feed in FEEDS)
    feeds = load(tmp_path, NOW)
    assert [(one.product, one.eol) for one in feeds.cycles] == [
        ("debian", date(2028, 6, 30)),
        ("windows", date(2025, 10, 14)),
    ]
    assert feeds.epss == {"CVE-2017-7494": 0.97224, "CVE-2020-1472": 0.97224}
    assert [one.maker for one in feeds.kev] == ["Samba", "Microsoft"]
    assert set(feeds.dated.values()) == {NOW}


def test_nothing_that_is_not_needed_is_kept(server: FeedsServer, tmp_path: Path) -> None:
    updated(tmp_path, server)
    kept = b"".join(where(tmp_path, feed).read_bytes() for feed in FEEDS)
    assert b"php" not in kept
    assert b"Apply updates" not in kept
    assert {one.name for one in tmp_path.iterdir()} == {f"{feed}.feed" for feed in FEEDS}


def test_what_has_not_changed_is_not_sent_again(server: FeedsServer, tmp_path: Path) -> None:
    server.marks = {
        ENDOFLIFE: {"ETag": '"1"'},
        KEV: {"ETag": '"2"', "Last-Modified": "Sat, 28 Nov 2026 20:33:53 GMT"},
    }
    updated(tmp_path, server)
    for days in (1, 2):
        again = NOW + timedelta(days=days)
        assert updated(tmp_path, server, again) == tuple(
            Fetched(feed, State.UNCHANGED, again, 2) for feed in FEEDS
        )
        assert load(tmp_path, again).dated == dict.fromkeys(FEEDS, again)
    assert [one.headers.get("If-None-Match") for one in server.at(KEV)] == [None, '"2"', '"2"']
    assert len(load(tmp_path, LATER).cycles) == 2


def test_the_same_without_validators_is_unchanged_also_where_only_the_date_of_making_is_new(
    server: FeedsServer, tmp_path: Path
) -> None:
    updated(tmp_path, server)
    server.documents[ENDOFLIFE] = endoflife(*PRODUCTS, at="2026-12-01T00:00:00+00:00")
    assert states(updated(tmp_path, server, LATER)) == ["unchanged"] * 3
    assert load(tmp_path, LATER).dated == dict.fromkeys(FEEDS, LATER)


def test_news_is_fresh(server: FeedsServer, tmp_path: Path) -> None:
    updated(tmp_path, server)
    server.documents[KEV] = kev(
        *HOLES, hole("CVE-2024-3400", "Palo Alto Networks"), at="2026-11-30T20:00:00Z"
    )
    assert states(updated(tmp_path, server, LATER)) == ["unchanged", "fresh", "fresh"]
    assert load(tmp_path, LATER).kev[-1].cve == "CVE-2024-3400"
    assert "CVE-2024-3400" in load(tmp_path, LATER).epss


def test_for_other_products_the_document_is_asked_for_anew(server: FeedsServer, tmp_path: Path) -> None:
    server.marks = {ENDOFLIFE: {"ETag": '"1"'}}
    updated(tmp_path, server)
    assert updated(tmp_path, server, LATER, ("php",))[0] == Fetched("endoflife", State.FRESH, LATER, 1)
    assert "If-None-Match" not in server.at(ENDOFLIFE)[1].headers
    assert [one.product for one in load(tmp_path, LATER).cycles] == ["php"]


def test_what_is_damaged_is_asked_for_anew(server: FeedsServer, tmp_path: Path) -> None:
    server.marks = {KEV: {"ETag": '"2"'}}
    updated(tmp_path, server)
    where(tmp_path, "kev").write_bytes(b"damaged")
    assert load(tmp_path, LATER).kev == ()
    assert updated(tmp_path, server, LATER)[1] == Fetched("kev", State.FRESH, LATER, 2)
    assert "If-None-Match" not in server.at(KEV)[1].headers


# ------------------------------------------------------------------------------------------------ failures

TROUBLES: dict[str, tuple[lab.Behaviour, str]] = {
    "404 page": (lab.html(404), "feeds.gone"),
    "403 page": (lab.html(403), "feeds.refused"),
    "429": (lab.raw(429, b"", ("Retry-After", "3600")), "feeds.busy"),
    "500 page": (lab.html(500), "others.faulty"),
    "page": (lab.html(), "others.not-understood"),
    "cut": (lab.half, "others.hung-up"),
    "cut, and nobody could know": (lab.unended, "others.not-understood"),
    "Latin-1": (lab.raw(200, '{"result": "é"}'.encode("latin-1")), "others.not-understood"),
    "UTF-16": (lab.raw(200, json.dumps(endoflife(*PRODUCTS)).encode("utf-16")), "others.not-understood"),
    "nothing": (lab.raw(200, b""), "others.not-understood"),
    "another shape": (
        lab.document({"result": {}, "vulnerabilities": {}, "data": {}}),
        "others.not-understood",
    ),
    "a list": (lab.document([]), "others.not-understood"),
    "null": (lab.document(None), "others.not-understood"),
    "huge number": (lab.raw(200, b'{"data": ' + b"9" * 9999 + b"}"), "others.not-understood"),
    "deep": (lab.packed(b"[" * 200_000 + b"]" * 200_000), "others.not-understood"),
    "deeper": (lab.packed(b"[" * 3_000_000), "others.too-much"),
    "bomb": (lab.packed(b" " * 50_000_000), "others.too-much"),
    "flood": (lab.flood, "others.too-much"),
    "elsewhere": (lab.redirect("http://192.168.1.1/"), "feeds.redirected"),
}
LARGER = {"deeper": "others.not-understood"}  # the two large feeds take so much, and then do not read it


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("path", PATHS)
def test_a_feed_fails_alone_and_keeps_what_it_had(
    server: FeedsServer, tmp_path: Path, path: str, trouble: str
) -> None:
    updated(tmp_path, server)
    before = load(tmp_path, LATER)
    failing = PATHS.index(path)
    server.instead[path], why = TROUBLES[trouble]
    if path != EPSS:
        why = LARGER.get(trouble, why)
    told = updated(tmp_path, server, LATER)
    assert states(told) == ["failed" if number == failing else "unchanged" for number in range(3)]
    assert (told[failing].at, told[failing].entries, told[failing].why) == (NOW, 2, why)
    after = load(tmp_path, LATER)
    assert [one.eol for one in after.cycles] == [one.eol for one in before.cycles]
    assert (after.kev, after.epss) == (before.kev, before.epss)
    assert after.dated[FEEDS[failing]] == NOW
    assert {one.name for one in tmp_path.iterdir()} == {f"{feed}.feed" for feed in FEEDS}


def test_a_server_that_never_ends_costs_its_time_and_no_more(server: FeedsServer, tmp_path: Path) -> None:
    updated(tmp_path, server)
    server.instead[KEV] = lab.drip_body
    told = updated(tmp_path, server, LATER, patience=2.0)
    assert states(told) == ["unchanged", "failed", "unchanged"]
    assert (told[1].why, told[1].details) == ("others.timeout", {"who": "CISA KEV"})


def test_offline_everything_fails_and_nothing_is_lost(server: FeedsServer, tmp_path: Path) -> None:
    updated(tmp_path, server)
    before = load(tmp_path, LATER)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nowhere = f"http://127.0.0.1:{listener.getsockname()[1]}"
    told = updated(tmp_path, server, LATER, urls=Urls.at(nowhere))
    assert [(one.state, one.at, one.entries, one.why) for one in told] == [
        (State.FAILED, NOW, 2, "others.no-connection")
    ] * 3
    assert load(tmp_path, LATER) == before


def test_offline_from_the_beginning_there_is_nothing_and_that_is_said(
    tmp_path: Path, server: FeedsServer
) -> None:
    server.instead = dict.fromkeys(PATHS, lab.html(503))
    told = updated(tmp_path, server)
    assert [(one.state, one.at, one.entries) for one in told] == [(State.FAILED, None, 0)] * 3
    assert [one.why for one in told] == ["feeds.busy", "feeds.busy", "feeds.no-kev"]
    assert list(tmp_path.iterdir()) == []


def test_a_stop_ends_it_all_and_loses_nothing(server: FeedsServer, tmp_path: Path) -> None:
    updated(tmp_path, server)
    server.asked.clear()
    server.instead[KEV] = lab.stall
    told = updated(tmp_path, server, LATER, stopped=lambda: bool(server.at(KEV)), patience=60.0)
    assert states(told) == ["unchanged", "failed", "failed"]
    assert [one.why for one in told[1:]] == ["others.unfinished"] * 2
    assert [one.path for one in server.asked] == [ENDOFLIFE, KEV]


def test_a_folder_that_cannot_be_written_is_told(server: FeedsServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    told = updated(tmp_path / "file", server)
    assert [one.why for one in told] == ["feeds.cannot-write", "feeds.cannot-write", "feeds.no-kev"]
    assert set(told[0].details) == {"path", "why"}


# ----------------------------------------------------------------------------------------------------- KEV


def mirrored(server: FeedsServer, *, mirror: str = "/mirror.json") -> Urls:
    return Urls(
        f"{server.url}{ENDOFLIFE}", (f"{server.url}{KEV}", f"{server.url}{mirror}"), f"{server.url}{EPSS}"
    )


def test_where_cisa_refuses_us_the_mirror_is_asked(server: FeedsServer, tmp_path: Path) -> None:
    server.instead[KEV] = lab.html(403)
    server.documents["/mirror.json"], server.marks["/mirror.json"] = kev(*HOLES), {"ETag": '"m"'}
    assert states(updated(tmp_path, server, urls=mirrored(server))) == ["fresh"] * 3
    assert states(updated(tmp_path, server, LATER, urls=mirrored(server))) == ["unchanged"] * 3
    assert [one.headers.get("If-None-Match") for one in server.at("/mirror.json")] == [None, '"m"']
    assert [one.headers.get("If-None-Match") for one in server.at(KEV)] == [None, None]  # it is not its mark


def test_the_mirror_is_left_alone_where_cisa_answers(server: FeedsServer, tmp_path: Path) -> None:
    updated(tmp_path, server, urls=mirrored(server))
    assert server.at("/mirror.json") == []


def test_a_mirror_that_lags_does_not_take_us_back(server: FeedsServer, tmp_path: Path) -> None:
    updated(tmp_path, server)
    server.instead[KEV] = lab.html(403)
    server.documents["/mirror.json"] = kev(HOLES[0], at="2026-11-01T00:00:00Z")
    told = updated(tmp_path, server, LATER, urls=mirrored(server))[1]
    assert (told.state, told.at, told.entries, told.why) == (State.FAILED, NOW, 2, "feeds.older")
    assert told.details == {"who": "CISA KEV", "date": "2026-11-01T00:00:00Z"}
    assert len(load(tmp_path, LATER).kev) == 2


def test_an_issue_of_the_future_cannot_lock_out_the_next_ones(server: FeedsServer, tmp_path: Path) -> None:
    server.documents[KEV] = kev(*HOLES, at="2027-11-28T00:00:00Z")
    assert updated(tmp_path, server)[1].why == "feeds.future"
    server.documents[KEV] = kev(*HOLES)
    assert updated(tmp_path, server)[1].state is State.FRESH


# ------------------------------------------------------------------------------------ what others learn of us


def test_what_is_asked_says_nothing_of_what_is_wanted(server: FeedsServer, tmp_path: Path) -> None:
    updated(tmp_path / "one", server, slugs=("debian",))
    updated(tmp_path / "two", server, slugs=("windows",))
    one, two = server.asked[:3], server.asked[3:]
    assert [(asked.target, asked.headers) for asked in one] == [
        (asked.target, asked.headers) for asked in two
    ]
    assert server.asked[0].target == ENDOFLIFE


def test_epss_is_asked_about_holes_of_known_products_only_and_keeps_no_other(
    server: FeedsServer, tmp_path: Path
) -> None:
    server.documents[EPSS] = epss("CVE-2017-7494", "CVE-2020-1472", "CVE-2099-0001")
    asked: list[Known] = []

    def known(one: Known) -> bool:
        asked.append(one)
        return one.maker == "Samba"

    updated(tmp_path, server, known=known)
    assert [one.query for one in server.at(EPSS)] == ["cve=CVE-2017-7494"]
    assert list(load(tmp_path, NOW).epss) == ["CVE-2017-7494"]
    assert len(asked) == 2


def test_many_holes_are_asked_about_in_parts_and_all_parts_count(server: FeedsServer, tmp_path: Path) -> None:
    server.documents[KEV] = kev(*(hole(f"CVE-2024-{number:05}") for number in range(250)))
    told = updated(tmp_path, server)
    assert (told[2].state, told[2].entries, len(server.at(EPSS))) == (State.FRESH, 250, 3)
    assert all(len(one.query) <= 2000 for one in server.at(EPSS))


def test_one_part_that_fails_fails_them_all(server: FeedsServer, tmp_path: Path) -> None:
    server.documents[KEV] = kev(*(hole(f"CVE-2024-{number:05}") for number in range(250)))

    def last_fails(handler: lab.Handler, asked: lab.Asked) -> None:
        answer = server.answer if len(server.at(EPSS)) < 3 else lab.html(500)
        answer(handler, asked)

    server.instead[EPSS] = last_fails
    told = updated(tmp_path, server)
    assert (told[2].state, told[2].entries) == (State.FAILED, 0)
    assert load(tmp_path, NOW).epss == {}


def test_where_no_product_is_known_epss_is_not_asked(server: FeedsServer, tmp_path: Path) -> None:
    assert updated(tmp_path, server, known=lambda _: False)[2] == Fetched("epss", State.FRESH, NOW, 0)
    assert server.at(EPSS) == []


def test_epss_goes_on_with_the_holes_that_are_kept(server: FeedsServer, tmp_path: Path) -> None:
    updated(tmp_path, server)
    server.instead[KEV] = lab.html(500)
    server.documents[EPSS] = epss("CVE-2017-7494", chance="0.5")
    assert states(updated(tmp_path, server, LATER)) == ["unchanged", "failed", "fresh"]
    assert load(tmp_path, LATER).epss == {"CVE-2017-7494": 0.5}


# --------------------------------------------------------------------------------------------------- where


def test_the_feeds_are_where_they_are_over_https() -> None:
    assert all(one.startswith("https://") for one in (URLS.endoflife, *URLS.kev, URLS.epss))


def test_the_environment_names_a_mirror(
    server: FeedsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETWATCH_FEEDS_URL", f"{server.url}/")
    assert states(updated(tmp_path, server, urls=None)) == ["fresh"] * 3


def test_everything_goes_through_the_proxy_of_the_environment(
    server: FeedsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy(behind=server.port) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        told = updated(tmp_path, server, urls=Urls.at("http://127.0.0.1:9"))
        assert states(told) == ["fresh"] * 3
        assert [one.path for one in proxy.asked] == list(PATHS)


def test_progress_names_each_feed_in_turn(server: FeedsServer, tmp_path: Path) -> None:
    told: list[str] = []
    updated(tmp_path, server, progress=lambda feed, _came: told.append(feed))
    assert list(dict.fromkeys(told)) == list(FEEDS)
