"""Is the library held to our bounds, and its log kept from telling an address that holds the key?

What a Door does with each kind of answer is asked through the whole of it, in test_others_shodan.
"""

from __future__ import annotations

import logging
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import requests

from netwatch.model import Reason
from netwatch.others.deadline import Deadline
from netwatch.others.door import door, unlogged
from tests.lab import shodan_server as lab
from tests.lab.shodan_server import ShodanServer

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "TheKeyInTheAddress"  # noqa: S105 - of nobody


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ShodanServer]:
    for name in ("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ShodanServer() as running:
        yield running


def through(server: ShodanServer, most: int = 1000) -> tuple[bytes | None, int, object]:
    """(the body, the status, the trouble) of one request."""
    with (
        requests.Session() as session,
        Deadline(10, lambda: False) as clock,
        closing(door(clock, most)) as way,
    ):
        session.mount("http://", way)
        body, said = None, ""
        try:
            body = session.get(f"{server.url}/x", params={"key": SECRET}).content
        except requests.RequestException as error:
            said = str(error)
        assert said == ""
        return body, way.status, way.trouble


def test_an_answer_comes_through_whole(server: ShodanServer) -> None:
    server.instead["/x"] = lab.raw(200, b"a" * 1000)
    assert through(server) == (b"a" * 1000, 200, None)


def test_one_byte_more_than_allowed_is_too_much_and_nothing_is_kept(server: ShodanServer) -> None:
    server.instead["/x"] = lab.raw(200, b"a" * 1001)
    assert through(server) == (None, 200, ("too-much", Reason.LIMIT))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 300, 304])
def test_no_redirect_is_followed(server: ShodanServer, status: int) -> None:
    server.instead["/x"] = lab.redirect("/elsewhere", status)
    assert through(server) == (None, status, ("redirected", Reason.PROTOCOL))
    assert server.told == ["GET /x"]


def test_what_is_packed_is_not_unpacked(server: ShodanServer) -> None:
    server.instead["/x"] = lab.raw(200, b"x", "Content-Encoding: br")
    assert through(server) == (None, 200, ("packed", Reason.PROTOCOL))


def test_urllib3_would_log_the_address_and_does_not(
    server: ShodanServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.instead["/x"] = lab.broken_head
    with caplog.at_level(logging.DEBUG, "urllib3.connectionpool"):
        with unlogged():
            through(server)
        assert caplog.text == ""
        through(server)
    assert SECRET in caplog.text  # the trap is real: without `unlogged` the key is in the log
