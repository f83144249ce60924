"""Is an alert delivered exactly once, whenever the process is killed and however the server dies?

What is promised: nothing is lost, and nothing is sent twice but the one letter that was in the server's hands
when we died; that one keeps its Message-ID, by which the two are one (RFC 5321 6.1 leaves no more to be had).
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netwatch.arrival import letters
from netwatch.config import load
from netwatch.diff import Night
from netwatch.model import Run, Vantage
from netwatch.post import Content, Letter
from netwatch.store import Store
from tests.lab.dying import DIED, POINTS, TWICE
from tests.lab.postoffice import Post, office

ROOT = Path(__file__).parent.parent.parent
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
RUN = Run("r", "cabinet", NOON, NOON, complete=True, vantages=(Vantage.LAN,))
THREE = ("a@x.example", "b@x.example", "c@x.example")


def recorded(folder: Path, port: int) -> tuple[Path, tuple[Letter, ...]]:
    """A site whose night has left a letter for each of three people on disk."""
    path = folder / "site.toml"
    path.write_text(
        f'name = "Cabinet"\nnetworks = ["192.168.1.0/24"]\nrecipients = {list(THREE)}\n'
        f'[mail]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\nsender = "n@x.example"\n'
    )
    with Store(folder / "data") as store:
        store.remember("cabinet", "Cabinet", "fr")
        post = letters(load(path), lambda _: Content("s", "t", "<p>t</p>"))
        store.record(RUN, Night({}, ()), post)
    return path, post


def run(path: Path, point: str = "-", nth: int = 1) -> int:
    words = [str(path), str(path.parent / "data"), point, str(nth)]
    return subprocess.run([sys.executable, "-m", "tests.lab.dying", *words], cwd=ROOT, check=False).returncode


def copies(post: Post) -> Counter[str]:
    return Counter(str(mail["Message-ID"]) for mail in post.mails)


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_each_letter_arrives_and_only_the_one_in_hand_may_come_again(
    tmp_path: Path, point: str, nth: int
) -> None:
    with office() as post:
        path, sent = recorded(tmp_path, post.port)
        assert run(path, point, nth) == DIED
        assert run(path) == 0
        assert run(path) == 0
    came = copies(post)
    assert set(came) == {letter.message_id for letter in sent}, "none is lost, and none has another number"
    again = {number for number, times in came.items() if times > 1}
    assert again == ({sent[nth - 1].message_id} if point in TWICE else set())
    assert max(came.values()) <= 2
    assert len(post.ids) == len(THREE), "a mail program that knows the numbers shows each once"


@pytest.mark.parametrize("point", sorted(TWICE))
def test_killed_again_and_again_at_the_worst_point_nothing_is_lost(tmp_path: Path, point: str) -> None:
    with office() as post:
        path, sent = recorded(tmp_path, post.port)
        for _ in range(3):
            assert run(path, point) == DIED
        assert run(path) == 0
    assert set(copies(post)) == {letter.message_id for letter in sent}


def test_a_server_that_dies_before_its_yes_gets_the_same_letter_again(tmp_path: Path) -> None:
    with office(Post(dies=1)) as post:
        path, sent = recorded(tmp_path, post.port)
        assert run(path) == 0
        assert run(path) == 0
    assert sorted(copies(post).values()) == [1, 1, 2]
    assert post.ids == {letter.message_id for letter in sent}


def test_a_server_that_says_yes_and_is_gone_gets_nothing_twice(tmp_path: Path) -> None:
    with office(Post(hangs_up=True)) as post:
        path, sent = recorded(tmp_path, post.port)
        assert run(path) == 0
        assert run(path) == 0
    assert copies(post) == Counter(letter.message_id for letter in sent)
