"""Does a fetch end, in bounds, with an answer or with our own words for what went wrong, whatever is at the
other end?"""

from __future__ import annotations

import gc
import gzip
import socket
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from netwatch.errors import OutsideError
from netwatch.feeds.fetching import LONGEST_WAIT, Answer, Manner, Wanted, fetch
from tests.lab import feeds_server as lab
from tests.lab.feeds_server import FeedsServer, Proxy
from tests.lab.shodan_server import trusted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
MOST = 100_000


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[FeedsServer]:
    with FeedsServer() as running:
        yield running


def manner(stopped: Callable[[], bool] = lambda: False, patience: float = 20.0, **more: Any) -> Manner:  # noqa: ANN401
    return Manner(stopped, lambda: NOW, more.get("progress", lambda _feed, _bytes: None), patience)


def got(url: str, how: Manner | None = None, **more: Any) -> Answer | None:  # noqa: ANN401
    return fetch(Wanted("kev", "CISA KEV", url, MOST, **more), how or manner())


def refused(url: str, how: Manner | None = None) -> str:
    with pytest.raises(OutsideError) as raised:
        got(url, how)
    assert raised.value.details["who"] == "CISA KEV"
    return raised.value.message


def test_a_document_comes_with_its_validators(server: FeedsServer) -> None:
    marks = (("ETag", 'W/"abc"'), ("Last-Modified", "Sat, 28 Nov 2026 20:33:53 GMT"))
    server.instead["/x"] = lab.raw(200, b"{}", *marks)
    assert got(f"{server.url}/x") == Answer(b"{}", marks[0][1], marks[1][1])
    [asked] = server.asked
    assert (asked.headers["User-Agent"], asked.headers["Accept-Encoding"]) == ("netwatch", "gzip")
    assert "If-None-Match" not in asked.headers
    assert "If-Modified-Since" not in asked.headers


def test_validators_are_sent_back_and_304_says_that_nothing_changed(server: FeedsServer) -> None:
    server.instead["/x"] = lab.raw(304, b"")
    assert got(f"{server.url}/x", etag='"a"', modified="Sat, 28 Nov 2026 20:33:53 GMT") is None
    [asked] = server.asked
    assert asked.headers["If-None-Match"] == '"a"'
    assert asked.headers["If-Modified-Since"] == "Sat, 28 Nov 2026 20:33:53 GMT"


def test_304_without_having_asked_for_it_is_no_answer(server: FeedsServer) -> None:
    server.instead["/x"] = lab.raw(304, b"")
    assert refused(f"{server.url}/x") == "others.not-understood"


@pytest.mark.parametrize("mark", ["", "é", "a" * 201])
def test_a_validator_that_could_not_be_sent_back_is_not_kept(server: FeedsServer, mark: str) -> None:
    server.instead["/x"] = lab.raw(200, b"{}", ("ETag", mark))
    assert got(f"{server.url}/x") == Answer(b"{}", None, None)


def test_a_packed_document_is_unpacked(server: FeedsServer) -> None:
    server.instead["/x"] = lab.packed(b"x" * MOST)
    answer = got(f"{server.url}/x")
    assert answer is not None
    assert answer.body == b"x" * MOST


STATUSES = {
    400: "others.not-understood",
    401: "feeds.refused",
    403: "feeds.refused",
    404: "feeds.gone",
    410: "feeds.gone",
    500: "others.faulty",
    502: "others.faulty",
    206: "others.not-understood",
    204: "others.not-understood",
    429: "feeds.busy",
    503: "feeds.busy",
}


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_its_sentence_whatever_page_comes_with_it(server: FeedsServer, status: int) -> None:
    server.instead["/x"] = lab.html(status) if status != 204 else lab.raw(204, b"")
    assert refused(f"{server.url}/x") == STATUSES[status]
    assert len(server.asked) == 1


TROUBLES: dict[str, tuple[lab.Behaviour, str]] = {
    "half": (lab.half, "others.hung-up"),
    "hang-up": (lambda handler, _: handler.connection.shutdown(socket.SHUT_RDWR), "others.hung-up"),
    "no HTTP": (lab.no_http, "others.hung-up"),
    "one byte too much": (lab.raw(200, b"x" * (MOST + 1)), "others.too-much"),
    "flood": (lab.flood, "others.too-much"),
    "bomb": (lab.packed(b"\0" * 100_000_000), "others.too-much"),
    "bomb in one byte too much": (lab.packed(b"\0" * (MOST + 1)), "others.too-much"),
    "packed twice": (lab.packed(gzip.compress(b"{}"), "gzip, gzip"), "others.packed"),
    "packed otherwise": (lab.packed(b"{}", "br"), "others.packed"),
    "packed in half": (
        lab.raw(200, gzip.compress(b"{}" * 1000)[:-9], ("Content-Encoding", "gzip")),
        "others.hung-up",
    ),
    "packed, and more": (
        lab.raw(200, gzip.compress(b"{}") * 2, ("Content-Encoding", "gzip")),
        "others.not-understood",
    ),
    "not packed": (lab.raw(200, b"{}" * 50, ("Content-Encoding", "gzip")), "others.not-understood"),
    "zlib": (lab.raw(200, zlib.compress(b"{}"), ("Content-Encoding", "gzip")), "others.not-understood"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_every_trouble_has_its_sentence(server: FeedsServer, trouble: str) -> None:
    server.instead["/x"], sentence = TROUBLES[trouble]
    assert refused(f"{server.url}/x") == sentence


def test_what_is_packed_in_a_packing_is_unpacked_once_only(server: FeedsServer) -> None:
    inner = gzip.compress(b"\0" * 10_000_000)
    server.instead["/x"] = lab.packed(inner)
    answer = got(f"{server.url}/x")
    assert answer is not None
    assert answer.body == inner


@pytest.mark.parametrize("behaviour", [lab.stall, lab.drip_head, lab.drip_body])
def test_a_server_that_never_ends_does_not_hold_us(server: FeedsServer, behaviour: lab.Behaviour) -> None:
    server.instead["/x"] = behaviour
    assert refused(f"{server.url}/x", manner(patience=0.5)) == "others.timeout"
    gc.collect()  # a forgotten socket is a ResourceWarning, and that an error


@pytest.mark.parametrize("behaviour", [lab.stall, lab.drip_body])
def test_a_stop_is_heard_in_the_middle(server: FeedsServer, behaviour: lab.Behaviour) -> None:
    server.instead["/x"] = behaviour
    how = manner(lambda: bool(server.asked), patience=60.0)
    assert refused(f"{server.url}/x", how) == "others.unfinished"


def test_who_is_stopped_already_does_not_ask(server: FeedsServer) -> None:
    assert refused(f"{server.url}/x", manner(lambda: True)) == "others.unfinished"
    assert server.asked == []


def test_a_machine_that_is_offline_is_told_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert refused(f"http://127.0.0.1:{port}/x") == "others.no-connection"


# --------------------------------------------------------------------------------------------------- later


def later(*told: str | None) -> lab.Behaviour:
    """Refuses with each of these in turn, and then answers."""
    waiting = list(told)

    def behave(handler: lab.Handler, _asked: lab.Asked) -> None:
        if not waiting:
            return handler.reply(200, b"{}")
        said = waiting.pop(0)
        return handler.reply(429, b"slow down", *([] if said is None else [("Retry-After", said)]))

    return behave


@pytest.mark.parametrize("said", ["0", "Mon, 30 Nov 2026 12:00:00 GMT", "Sun, 29 Nov 2026 12:00:00 GMT"])
def test_who_says_later_is_asked_again_then(server: FeedsServer, said: str) -> None:
    server.instead["/x"] = later(said)
    assert got(f"{server.url}/x") == Answer(b"{}", None, None)
    assert len(server.asked) == 2


def test_it_is_asked_again_once(server: FeedsServer) -> None:
    server.instead["/x"] = later("0", "0")
    assert refused(f"{server.url}/x") == "feeds.busy"
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "said",
    [
        None,
        "",
        "-1",
        "soon",
        "1.5",
        str(LONGEST_WAIT + 1),
        "9" * 400,
        "Mon, 30 Nov 2027 12:00:00 GMT",
        "Mon, 99",
    ],
)
def test_too_late_or_who_knows_when_is_not_waited_for(server: FeedsServer, said: str | None) -> None:
    server.instead["/x"] = later(said)
    assert refused(f"{server.url}/x") == "feeds.busy"
    assert len(server.asked) == 1


def test_a_stop_is_heard_while_waiting_for_later(server: FeedsServer) -> None:
    server.instead["/x"] = later(str(LONGEST_WAIT))
    assert refused(f"{server.url}/x", manner(lambda: bool(server.asked))) == "others.unfinished"


# ----------------------------------------------------------------------------------------------- redirects


def test_a_redirect_at_home_is_followed_without_its_body(server: FeedsServer) -> None:
    server.instead["/x"] = lab.redirect("/x/")
    server.instead["/x/"] = lab.raw(200, b"{}")
    assert got(f"{server.url}/x", etag='"a"') == Answer(b"{}", None, None)
    assert server.asked[1].headers["If-None-Match"] == '"a"'


@pytest.mark.parametrize(
    "to",
    [
        "http://127.0.0.1:{other}/x",
        "http://localhost:{other}/x",
        "http://192.168.1.1/reboot",
        "https://192.168.1.1/reboot",
        "https://[fd00::1]/",
        "https://pacs:443/",
        "https://nas.example:5001/",
        "http://feeds.example/",
        "ftp://feeds.example/",
        "file:///etc/passwd",
    ],
)
def test_nobody_can_send_us_elsewhere(server: FeedsServer, to: str) -> None:
    with FeedsServer() as other:
        server.instead["/x"] = lab.redirect(to.format(other=other.port))
        assert refused(f"{server.url}/x") == "feeds.redirected"
        assert other.asked == []


def test_a_redirect_without_end_ends(server: FeedsServer) -> None:
    server.instead["/x"] = lab.redirect("/x")
    assert refused(f"{server.url}/x") == "feeds.redirected"
    assert len(server.asked) == 6


@pytest.mark.parametrize(
    "url", ["http://feeds.example/x", "http://localhost/x", "file:///etc/passwd", "kev.json"]
)
def test_nothing_is_asked_for_in_clear(url: str) -> None:
    assert refused(url) == "feeds.not-https"


@pytest.mark.parametrize("url", ["https://", "https://[::1/x", "https://a\nb/"])
def test_an_address_that_is_none_is_no_crash(url: str) -> None:
    assert refused(url) in {"others.no-connection", "feeds.not-https"}


# ---------------------------------------------------------------------------------------- TLS, and a proxy


def test_a_server_that_proves_who_it_is_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tls, authority = trusted(tmp_path)
    with FeedsServer(tls=tls) as server:
        server.instead["/x"] = lab.raw(200, b"{}")
        assert refused(f"{server.url}/x") == "others.unproved"
        assert server.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        assert got(f"{server.url}/x") == Answer(b"{}", None, None)
        server.instead["/x"] = lab.redirect(f"http://127.0.0.1:{server.port}/y")
        assert refused(f"{server.url}/x") == "feeds.redirected"
        server.instead["/x"] = lab.drip_body
        assert refused(f"{server.url}/x", manner(patience=1.0)) == "others.timeout"


def test_the_proxy_of_the_environment_is_used(server: FeedsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.instead["/x"] = lab.raw(200, b"{}")
    with Proxy(behind=server.port) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert got("http://127.0.0.1:9/x") == Answer(
            b"{}", None, None
        )  # nobody is there: it is the proxy's answer
        assert [one.target for one in proxy.asked] == ["http://127.0.0.1:9/x"]


def test_what_goes_over_tls_goes_through_a_tunnel_of_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert refused("https://feeds.example/x?cve=CVE-2024-1") == "others.proxy"
        assert [one.target for one in proxy.asked] == ["feeds.example:443"]


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "nonsense://x", "http://127.0.0.1:1"])
def test_a_proxy_that_is_none_is_no_crash(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    assert refused("https://feeds.example/x") in {"others.proxy", "others.no-connection"}


def test_progress_is_told_from_nothing_to_the_last_byte(server: FeedsServer) -> None:
    server.instead["/x"] = lab.raw(200, b"x" * 90_000)
    told: list[tuple[str, int]] = []
    got(f"{server.url}/x", manner(progress=lambda feed, came: told.append((feed, came))))
    assert (told[0], told[-1]) == (("kev", 0), ("kev", 90_000))
