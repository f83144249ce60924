"""Does the line in the crontab run the command that was meant, and is every other line left alone?"""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import time
from pathlib import PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netwatch.errors import ConfigError
from netwatch.schedule import Job, in_a_line
from netwatch.schedule.cron import added, at, block, escaped, holds, without

CALMLY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
JOB = Job(
    slug="cabinet",
    name="Cabinet",
    program=PurePosixPath("/usr/bin/netwatch"),
    site=PurePosixPath("/srv/cabinet.toml"),
    data=PurePosixPath("/var/lib/netwatch"),
    at=time(22, 5),
    spread=30,
    user="martin",
)
MEAN = st.text(alphabet="%\\'\"$ `!a;&é#~*", min_size=1, max_size=12)
WORD = MEAN | st.text(min_size=1, max_size=20).filter(in_a_line)
TABLES = st.lists(st.sampled_from(["MAILTO=x", "# mine", "5 4 * * * true %a", ""]), max_size=5).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)


def as_cron_reads(command: str) -> tuple[str, bool]:
    r"""(what the shell is given, was it cut?) as Vixie cron does it: `\%` is a `%`, any other one ends it."""
    out, escaping = "", False
    for letter in command:
        if escaping:
            out = out[:-1] + letter if letter == "%" else out + letter
            escaping = False
            continue
        if letter == "%":
            return out, True
        escaping = letter == "\\"
        out += letter
    return out, False


@given(st.lists(WORD, min_size=1, max_size=3))
@CALMLY
def test_through_cron_and_a_real_shell_each_word_is_what_it_was(given_words: list[str]) -> None:
    line, cut = as_cron_reads(escaped(("printf", r"%s\0", *given_words)))
    assert not cut
    told = subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=True)
    assert told.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1] == given_words


def test_cron_looks_in_every_hour_at_that_minute() -> None:
    [_, line, _] = block(JOB).splitlines()
    assert line.startswith("5 * * * * /usr/bin/netwatch loop /srv/cabinet.toml --data ")
    assert "--once --at 22:05" in line


@given(TABLES)
@CALMLY
def test_what_was_added_can_be_taken_away_and_the_rest_stays(table: str) -> None:
    assert not holds(table, JOB.slug)
    more = added(table, JOB)
    assert holds(more, JOB.slug)
    assert without(more, JOB.slug) == table


@given(TABLES)
@CALMLY
def test_added_twice_it_is_there_once_with_the_later_hour(table: str) -> None:
    later = replace(JOB, at=time(1, 7))
    assert added(added(table, JOB), later) == added(table, later)


def test_the_hour_is_read_from_the_line_again() -> None:
    assert at(added("MAILTO=x\n", JOB), JOB.slug) == JOB.at
    assert at(added("", JOB), "another") is None
    assert at(added("", JOB).replace("22:05", "99:99"), JOB.slug) is None


def test_another_site_is_another_block() -> None:
    both = added(added("", JOB), replace(JOB, slug="cabinet-2"))
    assert without(both, "cabinet") == block(replace(JOB, slug="cabinet-2"))


def test_a_last_line_without_an_end_stays_a_line() -> None:
    assert added("5 4 * * * true", JOB).splitlines()[0] == "5 4 * * * true"


def test_a_block_that_somebody_cut_short_takes_no_other_line_along() -> None:
    begun = block(JOB).splitlines()[0]
    table = f"{begun}\n5 * * * * old\n1 2 * * * mine\n{block(JOB)}"
    assert without(table, JOB.slug) == "1 2 * * * mine\n"


def test_a_line_that_cron_would_cut_is_refused() -> None:
    with pytest.raises(ConfigError) as refused:
        block(replace(JOB, site=PurePosixPath("/" + "a" * 990)))
    assert refused.value.message == "schedule.long-line"
