"""Is the later of two versions told, and nothing where it cannot be?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.versions import LONGEST, compare, is_version, surely_earlier, tokens, within

# Real ones as makers write them: the earlier, the later.
PAIRS = [
    ("7.2.1-69057 Update 5", "7.2.2-72806"),  # Synology DSM
    ("7.2.1-69057", "7.2.1-69057 Update 5"),
    ("7.2.1-69057 Update 5", "7.2.1-69057-6"),
    ("7.2-64570", "7.2.1-69057"),
    ("6.2.4-25556 Update 8", "7.0-41890"),
    ("5.1.7.2770 build 20240520", "5.2.0.2737 build 20240417"),  # QNAP QTS
    ("5.1.7.2770 build 20240520", "5.1.7.2770 build 20240607"),
    ("4.5.4.2627", "5.0.1.2234 build 20221201"),
    ("6.49.9", "6.49.10"),  # RouterOS
    ("6.49.10 (stable)", "7.1"),
    ("7.15rc3", "7.15"),
    ("7.15beta9", "7.15rc1"),
    ("7.15rc3", "7.15rc10"),
    ("7.14.3", "7.15rc3"),
    ("9.0.114", "9.0.115"),  # UniFi Network
    ("6.6.77.15402", "7.0.25.14788"),
    ("V5.37(ABFW.0)", "V5.37(ABFW.2)"),  # Zyxel
    ("V5.37(ABFW.2)", "V5.39(ABUJ.0)"),
    ("V5.38(ABFW.0)", "5.39"),
    ("v7.2.8,build1639", "v7.2.10,build1706"),  # FortiOS
    ("v7.0.16,build0667", "7.0.17"),
    ("4.4.3.1", "4.4.3.2"),  # DrayTek
    ("4.4.3.2_BT", "4.4.5"),
    ("2403271_000591", "2409081_052236"),  # HP
    ("1.09", "1.25"),  # Brother
    ("9.2p1", "9.8p1"),  # OpenSSH
    ("9.2", "9.2p1"),
    ("8.9p1 Ubuntu-3ubuntu0.10", "9.2p1 Debian-2+deb12u3"),
    ("4.17.12-Debian", "4.19.0"),  # Samba
    ("10.0.19045.4780", "10.0.22631.1"),  # Windows
    ("10.0.9999.1", "10.0.10240"),
    ("1.1.1", "1.1.1a"),  # OpenSSL
    ("1.0.2z", "1.0.2zh"),
    ("1.1.1w", "3.0.0"),
    ("7.0 Update 3l", "8.0c"),  # ESXi
    ("1.12.10", "1.12.11"),  # Orthanc
    ("V5.5.0 build 170725", "V5.7.3 build 220112"),  # Hikvision
    ("12.2 beta 1", "12.2"),
]
SAME = [
    ("7.2", "7.2.0"),
    ("7.2-64570", "7.2.0-64570"),
    ("V5.39", "5.39"),
    ("9.2p1", "9.2 patch 1"),
    ("6.49.10 (stable)", "6.49.10"),
    ("7.2.1-69057 Update 5", "7.2.1-69057-5"),
    ("007.002", "7.2"),
    ("6.7.0 build-17700523", "6.7.0 build 17700523"),
]
NEITHER = [
    ("V5.37(ABFW.0)", "V5.37(ABHA.0)"),  # two boards, each with a count of its own
    ("4.4.3.2_BT", "4.4.3.2"),  # made for a provider
    ("5.0.1.2234", "5.0.1.2234 build 20221201"),  # a build that one side does not tell
    ("v7.2.8,build1639", "7.2.8"),
    ("9.2p1 Debian-2", "9.2p1"),
    ("4.17.12-Debian", "4.17.12"),
    ("h5.1.7.2770", "5.1.7.2770"),  # QuTS hero and QTS
    ("2409081_052236", "1.25"),  # a date and a release
    ("8.0c", "8.0.1"),
    ("8.0c", "8.0-1"),
    ("3.0b2", "3.0"),  # a letter that counts on may be a beta as well as a board
    ("unknown", "7.2"),
    ("", ""),
    ("latest", "latest"),
    ("7.2\n", "7.2"),
    ("7.٢", "7.2"),
    ("1" * (LONGEST + 1), "1"),
]
PARTS = st.sampled_from([
    ".", "-", " ", "_", "(", ")", ",", "0", "1", "2", "10", "007", "20240520", "rc", "beta", "alpha", "a",
    "w", "zh", "p", "update", "patch", "build", "abfw", "v", "Debian", "stable", "999", "10000",
])  # fmt: skip
VERSIONS = st.lists(PARTS, min_size=1, max_size=9).map("".join).filter(is_version)


@pytest.mark.parametrize(("earlier", "later"), PAIRS)
def test_the_later_one_is_told_from_both_sides(earlier: str, later: str) -> None:
    assert compare(earlier, later) == -1
    assert compare(later, earlier) == 1


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_is_written_in_two_ways_is_the_same(one: str, other: str) -> None:
    assert compare(one, other) == compare(other, one) == 0


@pytest.mark.parametrize(("one", "other"), NEITHER)
def test_shapes_that_cannot_be_compared_have_no_order(one: str, other: str) -> None:
    assert compare(one, other) is None
    assert compare(other, one) is None


@given(VERSIONS)
def test_a_version_is_the_same_as_itself(one: str) -> None:
    assert compare(one, one) == 0


@given(VERSIONS, VERSIONS)
def test_the_other_side_says_the_opposite(one: str, other: str) -> None:
    there, back = compare(one, other), compare(other, one)
    assert back == (None if there is None else -there)


@given(VERSIONS, VERSIONS, VERSIONS)
def test_an_order_holds_across_a_third(one: str, two: str, three: str) -> None:
    first, second = compare(one, two), compare(two, three)
    if first is None or second is None or first * second < 0:
        return
    assert compare(one, three) in {None, first or second}
    if 0 in {first, second}:
        assert compare(one, three) == (first or second)


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_gives_an_answer_and_never_an_error(one: str, other: str) -> None:
    assert compare(one, other) in {-1, 0, 1, None}
    assert within(one, other) in {True, False}


@pytest.mark.parametrize(
    ("version", "cycle"),
    [
        ("7.2.1-69057", "7.2"),
        ("V7.2.1", "7.2"),
        ("7.2", "7.2"),
        ("12.7.6", "12"),
        ("1.1.1w", "1.1.1"),
        ("10.0.19045.4780", "10.0.19045"),
        ("POSReady 7 SP1", "posready 7"),
    ],
)
def test_a_cycle_holds_its_versions(version: str, cycle: str) -> None:
    assert within(version, cycle)


@pytest.mark.parametrize(
    ("version", "cycle"),
    [("10.2", "1"), ("7.20", "7.2"), ("7", "7.2"), ("h5.1", "5"), ("", ""), ("7.2", "x"), ("7.2", "")],
)
def test_a_cycle_holds_no_other(version: str, cycle: str) -> None:
    assert not within(version, cycle)


def test_tokens_are_numbers_and_words() -> None:
    assert tokens("V5.37(ABFW.0)") == (5, 37, "abfw", 0)
    assert tokens("7.2.1-69057 Update 5") == (7, 2, 1, 69057, "update", 5)
    assert tokens("no number") == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [("5.0.1.2145", "5.0.1.2234 build 20221201"), ("7.2.1-69057", "7.2.2-72806 Update 1"), ("1", "10.1")],
)
def test_an_earlier_version_of_the_same_shape_is_surely_earlier(one: str, other: str) -> None:
    assert surely_earlier(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("5.0.1", "5.0.1.2234 build 20221201"),
        ("7.2.2-72806", "7.2.2-72806 Update 1"),
        ("7.3", "7.2.2-72806 Update 1"),
        ("5.0.1.2234", "5.0.1.2234"),
    ],
)
def test_what_is_told_without_its_build_is_not_surely_earlier(one: str, other: str) -> None:
    assert not surely_earlier(one, other)
