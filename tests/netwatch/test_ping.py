"""Is somebody else told that a scan has run, of nothing but that, and does a bad answer stop nothing?"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.errors import ConfigError, DeliveryError
from netwatch.ping import _checked, ping
from netwatch.readers import PingSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "3f9c"  # noqa: S105 - the part of an address that nobody may see


@contextmanager
def watcher(code: int = 200, headers: dict[str, str] | None = None) -> Iterator[tuple[str, list[str]]]:
    """A server that waits for pings; its address, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """A ping."""
            asked.append(f"{self.path} {self.headers['User-Agent']} {self.headers.get('Cookie')}")
            self.send_response(code)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"x" * 100_000)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{SECRET}", asked
        server.shutdown()


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> PingSettings:
    monkeypatch.setenv("NETWATCH_PING_URL", "")
    return PingSettings()


def test_a_complete_night_is_a_ping_and_another_one_a_failure(
    settings: PingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watcher() as (address, asked):
        monkeypatch.setenv("NETWATCH_PING_URL", f" {address}/\n")
        ping(settings, complete=True)
        ping(settings, complete=False)
    assert asked == [f"/{SECRET} netwatch None", f"/{SECRET}/fail netwatch None"]


def test_without_an_address_nobody_is_asked(settings: PingSettings) -> None:
    ping(None, complete=True)
    ping(settings, complete=True)


@pytest.mark.parametrize(
    ("code", "headers"), [(404, {}), (500, {}), (302, {"Location": "http://127.0.0.1:9/"})]
)
def test_an_answer_that_is_none_is_told_without_the_address(
    settings: PingSettings, monkeypatch: pytest.MonkeyPatch, code: int, headers: dict[str, str]
) -> None:
    with watcher(code, headers) as (address, asked):
        monkeypatch.setenv("NETWATCH_PING_URL", address)
        with pytest.raises(DeliveryError, match=r"ping\.refused") as error:
            ping(settings, complete=True)
        assert len(asked) == 1
    assert SECRET not in str(error.value.details)


def test_nobody_there_is_told_without_the_address(
    settings: PingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETWATCH_PING_URL", f"http://127.0.0.1:9/{SECRET}")
    with pytest.raises(DeliveryError, match=r"ping\.unreachable") as error:
        ping(settings, complete=True)
    assert SECRET not in f"{error.value.details} {error.value.__cause__}"


@pytest.mark.parametrize(
    "address",
    ["", "x", "http://hc.example/abc", "ftp://a.example/", "https://", "https://a b.example/", "https://a/?x=1",
     "file:///etc/passwd", "https://a.example/\x00", "https://[::1", "http://127.evil.example:x"],
)  # fmt: skip
def test_what_is_no_address_to_ask_is_said(address: str) -> None:
    with pytest.raises(ConfigError, match=r"ping\.no-address") as error:
        _checked(address)
    assert not error.value.details


@given(st.text(max_size=60))
def test_whatever_is_given_it_is_an_address_or_it_is_said(text: str) -> None:
    with suppress(ConfigError):
        assert _checked(f"https://{text}").startswith("https://")
