"""Is a version's age what the table says, and unknown where the table cannot say?"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TypedDict, Unpack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.lifecycle import SOON, STALE, Age, Cycle, Product, State, Table, Why, parsed
from netwatch.versions import compare, tokens

TODAY = date(2026, 11, 30)
DAY = timedelta(days=1)
PAGE = "https://example.org/ends"
SHIPPED = Table.load()
LATER = date(2030, 1, 1)


End = date | bool | None


class More(TypedDict, total=False):
    """What few cycles have."""

    edition: str
    extended: date
    last_safe: str
    safe_source: str
    source: str
    checked: date


def cycle(name: str, eol: End = LATER, product: str = "nas", **more: Unpack[More]) -> Cycle:
    return replace(Cycle(product, name, eol, PAGE, TODAY), **more)


def table(*cycles: Cycle, feed: str | None = None, repackaged: bool = False) -> Table:
    nas = Product("nas", "Big NAS", "Maker", ("the nas",), feed=feed, repackaged=repackaged)
    return Table.of([nas, Product("other", "Other", "Maker")], cycles)


def judged(version: str | None, *cycles: Cycle, today: date = TODAY) -> Age:
    return table(*cycles).judge("nas", version, today)


# ------------------------------------------------------------------------------------- the end, to the day


def test_the_last_day_is_still_supported_and_the_next_is_not() -> None:
    seven = cycle("7.2", date(2026, 11, 30))
    assert judged("7.2.1", seven, today=date(2026, 11, 30)).state is State.ENDING
    over = judged("7.2.1", seven, today=date(2026, 12, 1))
    assert (over.state, over.until, over.cycle, over.source) == (State.ENDED, date(2026, 11, 30), "7.2", PAGE)


def test_an_end_is_near_for_half_a_year() -> None:
    assert judged("7.2", cycle("7.2", TODAY + SOON)).state is State.ENDING
    assert judged("7.2", cycle("7.2", TODAY + SOON + DAY)).state is State.SUPPORTED


def test_an_end_may_be_told_without_its_day() -> None:
    assert judged("7.2", cycle("7.2", eol=True)).state is State.ENDED
    supported = judged("7.2", cycle("7.2", eol=False))
    assert (supported.state, supported.until) == (State.SUPPORTED, None)


def test_what_is_sold_after_the_end_is_told_and_changes_no_verdict() -> None:
    age = judged("7.2", cycle("7.2", TODAY - DAY, extended=LATER))
    assert (age.state, age.extended) == (State.ENDED, LATER)


def test_a_source_that_was_read_long_ago_is_stale() -> None:
    assert not judged("7.2", cycle("7.2", checked=TODAY - STALE)).stale
    assert judged("7.2", cycle("7.2", checked=TODAY - STALE - DAY)).stale


# ------------------------------------------------------------------------------------- which cycle it is of


def test_the_longest_cycle_that_begins_a_version_counts() -> None:
    cycles = (cycle("7"), cycle("7.2", TODAY - DAY), cycle("7.2.2"))
    assert judged("7.2.1-69057 Update 5", *cycles).cycle == "7.2"
    assert judged("7.2.2-72806", *cycles).cycle == "7.2.2"
    assert judged("V7.20", *cycles).cycle == "7"


def test_a_cycle_never_holds_what_merely_looks_like_it() -> None:
    assert judged("10.1", cycle("1"), cycle("11")).why is Why.NOT_LISTED
    assert judged("6.9", cycle("7.2")).why is Why.NOT_LISTED


def test_a_version_above_every_cycle_is_unknown_and_not_supported() -> None:
    age = judged("8.0", cycle("6.2", TODAY - DAY), cycle("7.2"))
    assert (age.state, age.why, age.cycle) == (State.UNKNOWN, Why.NEWER, None)


@pytest.mark.parametrize("version", [None, "", "latest", "7.2\x00", "7.٢", "7" * 500])
def test_no_version_is_unknown(version: str | None) -> None:
    assert judged(version, cycle("7.2")) == Age(State.UNKNOWN, Why.NO_VERSION, product="nas")


def test_what_is_not_in_the_table_is_unknown() -> None:
    assert table().judge("toaster", "1.0", TODAY) == Age(State.UNKNOWN, Why.NO_PRODUCT)
    assert table().judge("nas", "1.0", TODAY).why is Why.NOT_LISTED
    assert judged("7.2", cycle("7.2", None)).why is Why.NO_DATE


@pytest.mark.parametrize("name", ["nas", "Big NAS", " THE NAS "])
def test_a_product_has_several_names(name: str) -> None:
    assert table(cycle("7.2")).judge(name, "7.2", TODAY).state is State.SUPPORTED


# ------------------------------------------------------------------------------------- the last safe version


def test_older_than_the_last_safe_version_is_unsafe_whatever_the_support() -> None:
    for eol in (LATER, TODAY - DAY, None):
        seven = cycle("7.2", eol, last_safe="7.2.1-69057 Update 5", safe_source="https://example.org/hole")
        age = judged("7.2.1-69057 Update 4", seven)
        assert (age.state, age.last_safe, age.safe_source) == (
            State.UNSAFE,
            "7.2.1-69057 Update 5",
            "https://example.org/hole",
        )
        assert judged("7.2.1-69057 Update 5", seven).state is not State.UNSAFE
        assert judged("7.2.2", seven).state is not State.UNSAFE


def test_a_version_that_cannot_be_compared_is_not_called_unsafe() -> None:
    five = cycle("5.0", last_safe="5.0.1.2234 build 20221201", safe_source=PAGE)
    assert judged("5.0.1.2234", five).state is State.SUPPORTED
    assert judged("5.0.1.2145", five).state is State.UNSAFE
    # as mDNS tells it, without its build: it may be 5.0.1.2346, which is later
    assert judged("5.0.1", five).state is not State.UNSAFE


# ------------------------------------------------------------------------------------- packages, editions


def test_upstream_says_nothing_of_a_distributions_package() -> None:
    old = table(cycle("4.17", TODAY - DAY, last_safe="4.17.20", safe_source=PAGE))
    age = old.judge("nas", "4.17.12-Debian", TODAY, packaged=True)
    assert age == Age(State.UNKNOWN, Why.PACKAGED, product="nas")
    assert old.judge("nas", "4.17.12", TODAY).state is State.UNSAFE


def test_what_distributions_carry_is_unknown_until_its_builder_is_known() -> None:
    carried = table(cycle("1.22", TODAY - DAY), repackaged=True)
    age = carried.judge("nas", "1.22.1", TODAY)
    assert (age.state, age.why, age.otherwise) == (State.UNKNOWN, Why.PERHAPS_PACKAGED, State.ENDED)
    assert age.until == TODAY - DAY
    assert carried.judge("nas", "1.22.1", TODAY, upstream=True).state is State.ENDED
    assert carried.judge("nas", "1.22.1", TODAY, packaged=True, upstream=True).why is Why.PACKAGED


def test_an_end_is_told_where_it_is_the_end_of_every_edition() -> None:
    home, long_term = cycle("10.0", date(2020, 1, 1)), cycle("10.0", date(2029, 1, 9), edition="LTSC")
    age = judged("10.0.1", home, long_term)
    assert (age.state, age.why, age.otherwise) == (State.UNKNOWN, Why.EDITION, State.ENDED)
    assert age.until == date(2020, 1, 1)
    over = judged("10.0.1", home, long_term, today=date(2029, 1, 10))
    assert (over.state, over.until, over.edition) == (State.ENDED, date(2029, 1, 9), "LTSC")
    before = judged("10.0.1", home, long_term, today=date(2019, 1, 1))
    assert (before.state, before.until) == (State.SUPPORTED, date(2020, 1, 1))


def test_an_edition_of_which_nothing_is_known_keeps_an_end_from_being_told() -> None:
    age = judged("10.0.1", cycle("10.0", TODAY - DAY), cycle("10.0", None, edition="LTSC"))
    assert (age.state, age.why) == (State.UNKNOWN, Why.EDITION)


def test_one_product_may_be_one_of_two() -> None:
    either = Table.of(
        [Product("windows", "W", "M", of=("client", "server"), builds=True), Product("client", "C", "M"),
         Product("server", "S", "M")],
        [cycle("10.0.14393", TODAY - DAY, "client"), cycle("10.0.14393", LATER, "server")],
    )  # fmt: skip
    assert either.judge("windows", "10.0.14393", TODAY).why is Why.EDITION
    assert either.judge("client", "10.0.14393.1", TODAY).state is State.ENDED
    assert either.judge("server", "10.0.14393", TODAY).state is State.SUPPORTED
    assert either.judge("windows", "14393.7000", TODAY).cycle == "10.0.14393"


# ------------------------------------------------------------------------------------- a refreshed feed


def fed(*told: Cycle) -> Table:
    ours = cycle("7.2", LATER, last_safe="7.2.1", safe_source=PAGE)
    return table(ours, cycle("7.3"), feed="nas-at-the-feed").with_feed(told)


def test_a_newer_feed_tells_the_end_and_what_only_we_know_stays() -> None:
    news = cycle("7.2", TODAY - DAY, "nas-at-the-feed", source="https://example.net/", checked=TODAY + DAY)
    age = fed(news).judge("nas", "7.2.4", TODAY)
    assert (age.state, age.source, age.checked) == (State.ENDED, "https://example.net/", TODAY + DAY)
    assert age.last_safe == "7.2.1"
    assert fed(news).judge("nas", "7.3", TODAY).state is State.SUPPORTED


@pytest.mark.parametrize(
    "told",
    [
        cycle("7.2", TODAY - DAY, "nas-at-the-feed"),  # not newer
        cycle("7.2", None, "nas-at-the-feed", checked=TODAY + DAY),
        cycle("7.2", TODAY - DAY, "nas", checked=TODAY + DAY),  # our name, not the feed's
        cycle("7.2", TODAY - DAY, "other", checked=TODAY + DAY),
        cycle("", TODAY - DAY, "nas-at-the-feed", checked=TODAY + DAY),
        cycle("é" * 9999, TODAY - DAY, "nas-at-the-feed", checked=TODAY + DAY),
    ],
)
def test_a_feed_that_knows_no_better_changes_nothing(told: Cycle) -> None:
    assert fed(told) == fed()


def test_a_feed_brings_the_cycles_that_we_lack() -> None:
    assert fed().judge("nas", "7.4", TODAY).why is Why.NEWER
    assert fed(cycle("7.4", LATER, "nas-at-the-feed")).judge("nas", "7.4", TODAY).state is State.SUPPORTED


def test_a_product_without_a_feed_is_left_as_it_is() -> None:
    ours = table(cycle("7.2"))
    assert ours.feeds == ()
    assert ours.with_feed([cycle("7.2", TODAY - DAY, checked=TODAY + DAY)]) == ours


# ------------------------------------------------------------------------------------- any text, the file


@given(st.text(max_size=40) | st.sampled_from(sorted(SHIPPED.products)), st.text(max_size=120) | st.none())
def test_any_text_gets_a_verdict_and_never_an_error(product: str, version: str | None) -> None:
    age = SHIPPED.judge(product, version, TODAY)
    assert (age.state is State.UNKNOWN) == (age.why is not None)


@given(st.sampled_from(sorted(SHIPPED.products)), st.text("0123456789.-rcbuild ()", min_size=1, max_size=30))
def test_a_verdict_names_the_cycle_and_the_page_it_leans_on(product: str, version: str) -> None:
    age = SHIPPED.judge(product, version, TODAY)
    if age.state is not State.UNKNOWN:
        assert age.source
        assert tokens(version.removeprefix("10.0."))
        assert age.cycle


GOOD = """
[product.nas]
name = "NAS"
maker = "Maker"
[[cycle]]
product = "nas"
cycle = "7.2"
eol = 2026-11-30
source = "https://example.org/"
checked = 2026-11-30
"""
EDITIONS = GOOD + GOOD.partition("[[cycle]]")[2].join(["[[cycle]]", 'edition = "Pro"\n'])


def test_a_table_is_read_as_it_is_written() -> None:
    [one] = parsed(GOOD).cycles["nas"]
    assert one == Cycle("nas", "7.2", date(2026, 11, 30), "https://example.org/", date(2026, 11, 30))
    [unknown] = parsed(GOOD.replace("eol = 2026-11-30", 'eol = "unknown"')).cycles["nas"]
    assert unknown.eol is None
    [supported] = parsed(GOOD.replace("eol = 2026-11-30", "eol = false")).cycles["nas"]
    assert supported.eol is False
    assert len(parsed(EDITIONS).cycles["nas"]) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD.replace("eol = 2026-11-30", "eol = true"), "nas 7.2: eol"),
        (GOOD.replace("eol = 2026-11-30", 'eol = "2026"'), "nas 7.2: eol"),
        (GOOD.replace("eol = 2026-11-30", "eol = 2026-11-30T00:00:00Z"), "nas 7.2: eol"),
        (GOOD.replace("eol = 2026-11-30", "eol = 2026"), "nas 7.2: eol"),
        (GOOD.replace("eol = 2026-11-30\n", ""), "nas 7.2: eol: missing"),
        (GOOD.replace("checked = 2026-11-30", ""), "nas 7.2: checked: missing"),
        (GOOD.replace("https://", "http://"), "nas 7.2: source"),
        (GOOD.replace('"https://example.org/"', '""'), "nas 7.2: source"),
        (GOOD.replace('"7.2"', '"all"'), "nas all: cycle"),
        (GOOD.replace('"7.2"', "7.2"), "nas 7.2: cycle"),
        (GOOD.replace('product = "nas"', 'product = "nass"'), "nass 7.2: product"),
        (GOOD + "lastsafe = '7.2.1'", "nas 7.2: lastsafe"),
        (GOOD + "last_safe = '7.2.1'", "nas 7.2: last_safe and safe_source"),
        (GOOD + "last_safe = 'new'\nsafe_source = 'https://example.org/'", "nas 7.2: last_safe"),
        (GOOD + "last_safe = '7.2.1'\nsafe_source = 'ftp://example.org/'", "nas 7.2: source or safe_source"),
        (GOOD + GOOD.partition("nas]")[2].partition('maker = "Maker"\n')[2], "nas 7.2: edition: twice"),
        (EDITIONS.replace("eol = 2026-11-30", "eol = 2026-11-29").replace("2026-11-29", "2026-11-30", 1),
         "nas 7.2: eol: before the ordinary"),
        (GOOD.replace('name = "NAS"', ""), "[product.nas]: name: missing"),
        (GOOD.replace('name = "NAS"', 'name = "NAS"\nof = ["nass"]'), "[product.nas]: of: nass"),
        (GOOD.replace('name = "NAS"', 'name = "NAS"\naliases = "n"'), "[product.nas]: aliases"),
        (GOOD + '[product.two]\nname = "nas"\nmaker = "M"', "[product.two]: nas is another"),
        (EDITIONS.replace('name = "NAS"', 'name = "NAS"\nfeed = "nas"'), "[product.nas]: feed"),
        (GOOD + "[products.two]", "products: nobody reads this"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_named(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"^lifecycle\.toml: ") as error:
        parsed(text)
    assert says in str(error.value)


# ------------------------------------------------------------------------------------- the table we ship


def test_every_end_of_windows_is_a_tuesday() -> None:
    ends = [one.eol for one in SHIPPED.cycles["windows-client"] if one.eol]
    assert {one.strftime("%A") for one in ends if isinstance(one, date)} == {"Tuesday"}


def test_of_a_windows_build_the_ordinary_edition_ends_first() -> None:
    windows = SHIPPED.products["windows"].of
    ends = [(one.cycle, one.eol) for slug in windows for one in SHIPPED.cycles[slug]]
    told = [(build, eol) for build, eol in ends if isinstance(eol, date)]
    ordinary = dict(reversed(told))
    early = [(build, eol) for build, eol in told if eol < ordinary[build]]
    assert early == []


def test_no_last_safe_version_is_outside_what_its_cycle_can_reach() -> None:
    for one in (one for cycles in SHIPPED.cycles.values() for one in cycles if one.last_safe):
        assert compare(one.cycle, one.last_safe or "") == -1, one


def test_nothing_was_read_in_the_future_or_ends_in_another_age() -> None:
    for one in (one for cycles in SHIPPED.cycles.values() for one in cycles):
        assert date(2026, 11, 1) <= one.checked <= date(2026, 12, 31), one
        assert not isinstance(one.eol, date) or date(2010, 1, 1) < one.eol < date(2040, 1, 1), one


@pytest.mark.parametrize(
    ("product", "version", "state"),
    [
        ("windows", "10.0.19045.4780", State.ENDED),
        ("windows", "10.0.26300", State.SUPPORTED),
        ("windows", "10.0.17763", State.UNKNOWN),
        ("windows-server", "10.0.17763", State.SUPPORTED),
        ("windows-server", "10.0.14393", State.ENDING),
        ("windows", "10.0.99999", State.UNKNOWN),
        ("windows-embedded", "POSReady 7", State.ENDED),
        ("synology-dsm", "6.2.4-25556 Update 8", State.ENDED),
        ("synology-dsm", "7.2.1-69057 Update 5", State.UNKNOWN),
        ("synology-dsm", "7.3.2-86009", State.SUPPORTED),
        ("qnap-qts", "5.0.1.2145 build 20220903", State.UNSAFE),
        ("qnap-qts", "5.1.7.2770 build 20240520", State.UNKNOWN),
        ("routeros", "6.40.7", State.UNSAFE),
        ("routeros", "6.42.1", State.UNKNOWN),
        ("routeros", "7.15rc3", State.UNKNOWN),
        ("fortios", "v7.2.8,build1639", State.ENDED),
        ("fortios", "v7.4.2,build2571", State.UNSAFE),
        ("zyxel-zld", "V5.37(ABFW.0)", State.UNSAFE),
        ("zyxel-zld", "V5.39(ABFW.0)", State.UNKNOWN),
        ("zyxel", "V5.37(ABFW.0)", State.UNKNOWN),
        ("debian", "11", State.ENDED),
        ("debian", "12.11", State.SUPPORTED),
        ("ubuntu", "20.04.6", State.ENDED),
        ("samba", "4.17.12", State.UNKNOWN),
        ("openssh", "9.2p1", State.UNKNOWN),
        ("orthanc", "1.12.1", State.UNKNOWN),
    ],
)
def test_what_a_practice_has_is_judged(product: str, version: str, state: State) -> None:
    assert SHIPPED.judge(product, version, TODAY).state is state


def test_an_old_orthanc_that_its_team_built_is_unsafe() -> None:
    assert SHIPPED.judge("orthanc", "1.12.10", TODAY, upstream=True).state is State.UNSAFE
    assert SHIPPED.judge("orthanc", "1.12.11", TODAY, upstream=True).state is State.UNKNOWN
