"""Does what Shodan says arrive whole, dated and without a patient, and does the key stay where it belongs?

Through the real shodan library, against a server on loopback in Shodan's shape.
"""

from __future__ import annotations

import gc
import json
import logging
import pickle
import threading
import traceback
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from netwatch.audit import Audit
from netwatch.errors import OutsideError
from netwatch.internet import ShodanSettings
from netwatch.model import Reason, Vantage
from netwatch.others import LISTING
from netwatch.others.account import Account
from netwatch.others.shodan import ask
from netwatch.portset import PortSet
from tests.lab import shodan_server as lab
from tests.lab.shodan_server import KEY, ShodanServer, banner, host

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netwatch.model import Failure, Observation

ONE, OTHER, SIX = "9.9.9.9", "9.9.9.10", "2620:fe::fe"
NOW = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)
RECENT = "2026-11-20T11:12:13.456789"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ShodanServer]:
    monkeypatch.setenv("SHODAN_API_KEY", KEY)
    with ShodanServer() as running:
        monkeypatch.setenv("SHODAN_API_URL", running.url)
        yield running


def asked(
    *addresses: str,
    audit: Audit | None = None,
    patience: float = 10.0,
    history: bool = False,
    **more: Any,  # noqa: ANN401
) -> tuple[list[Observation], list[Failure]]:
    """Ask at once, at the time NOW."""
    settings = ShodanSettings(history=history)
    return ask(
        settings,
        addresses or (ONE,),
        audit=audit or Audit(),
        now=lambda: NOW,
        pause=0.0,
        patience=patience,
        **more,
    )


def ports(seen: list[Observation]) -> list[tuple[str, int]]:
    return [(one.transport, one.port) for one in seen if one.port]


def reasons(failures: list[Failure]) -> list[Reason]:
    return [one.reason for one in failures]


# ------------------------------------------------------------------------------------------- what it says


def test_each_port_is_told_with_shodans_own_date_and_not_the_hosts(server: ShodanServer) -> None:
    server.hosts[ONE] = host(ONE, banner(3389, "rdp", RECENT), last_update="2026-11-24T22:00:00")
    [seen, whole], failures = asked()
    assert failures == []
    assert (seen.probe, seen.vantage, seen.device, seen.address) == (
        "shodan",
        Vantage.SHODAN,
        f"p-{ONE}",
        ONE,
    )
    assert (seen.port, seen.transport, seen.protocol) == (3389, "tcp", "rdp")
    assert seen.seen_at == datetime(2026, 11, 20, 11, 12, 13, 456789, tzinfo=UTC)
    assert (seen.facts["dated"], seen.facts["fetched_at"]) == (True, "2026-11-25T01:02:03Z")
    assert (whole.protocol, whole.port, whole.facts["listing"]) == (LISTING, 0, "whole")


def test_nothing_that_a_banner_says_leaves_shodans_answer(server: ShodanServer) -> None:
    server.hosts[ONE] = host(
        ONE,
        banner(104, "dicom", RECENT, product="DUPONT Marie 1950-02-03", version="DUPONT^MARIE"),
        banner(443, "DUPONT", RECENT, tags=["DUPONT", "self-signed"], vulns={"DUPONT": {}}),
    )
    audit = Audit()
    seen, failures = asked(audit=audit)
    everything = repr((seen, failures, audit.about(ONE))).lower()
    assert ports(seen) == [("tcp", 104), ("tcp", 443)]
    for word in ("dupont", "marie", "1950", "dossier", "rfvqt"):
        assert word not in everything
    assert seen[1].facts["tags"] == "self-signed"
    assert seen[1].facts["vulns"] == 1
    assert seen[1].protocol == "unknown"


def test_an_ipv6_address_is_asked_too(server: ShodanServer) -> None:
    server.hosts[SIX] = host(SIX, banner(22, "ssh", RECENT))
    seen, _ = asked(SIX)
    assert ports(seen) == [("tcp", 22)]
    assert seen[0].device == f"p-{SIX}"


def test_an_address_that_shodan_does_not_know_is_an_answer_and_says_nothing(server: ShodanServer) -> None:
    [seen], failures = asked()
    assert (failures, server.told) == ([], [f"GET /shodan/host/{ONE}"])
    assert (seen.protocol, seen.facts["listing"], seen.facts["ports"]) == (LISTING, "empty", 0)


def test_only_addresses_of_the_internet_are_named_to_shodan(server: ShodanServer) -> None:
    inside = (
        "192.168.1.20",
        "100.64.0.9",
        "10.0.0.1",
        "127.0.0.1",
        "203.0.113.7",
        "fe80::1",
        "x",
        "224.0.1.1",
    )
    assert asked(*inside) == ([], [])
    assert server.asked == []


def test_a_neighbours_ports_on_a_shared_address_are_dropped_and_counted(server: ShodanServer) -> None:
    banners = [banner(port, "http", RECENT) for port in (80, 16384, 20000, 40000)]
    server.hosts[ONE], server.hosts[SIX] = host(ONE, *banners), host(SIX, *banners)
    seen, _ = asked(ONE, SIX, only=PortSet.parse("16384-32767"))
    assert ports(seen[:3]) == [("tcp", 16384), ("tcp", 20000)]
    assert seen[2].facts["neighbours"] == 2
    assert ports(seen[3:]) == [
        ("tcp", port) for port in (80, 16384, 20000, 40000)
    ]  # nobody shares an IPv6 one


def test_history_is_asked_for_where_the_site_file_says_so(server: ShodanServer) -> None:
    server.hosts[ONE] = host(ONE, banner(443, "https", RECENT))
    server.history[ONE] = host(
        ONE,
        banner(443, "https", "2021-01-01T00:00:00"),
        banner(443, "https", RECENT),
        banner(23, "telnet", "2020-05-05T00:00:00"),
    )
    now, _ = asked()
    ever, _ = asked(history=True)
    assert ports(now) == [("tcp", 443)]
    assert ports(ever) == [("tcp", 23), ("tcp", 443)]
    assert ever[0].seen_at == datetime(2020, 5, 5, tzinfo=UTC)
    assert (ever[1].facts["first_seen_at"], ever[1].seen_at.year) == ("2021-01-01T00:00:00Z", 2026)


def test_a_history_that_is_too_long_is_left_out(server: ShodanServer) -> None:
    server.hosts[ONE] = host(ONE, banner(443, "https", RECENT))
    server.history[ONE] = host(ONE, banner(443, "https", RECENT, filler="x" * 9_000_000))
    seen, failures = asked(history=True)
    assert (ports(seen), failures) == ([("tcp", 443)], [])


# -------------------------------------------------------------------------------------------- what goes wrong

TROUBLES = {
    "401": (lab.reply(401, {"error": "Invalid API key"}), Reason.CREDENTIALS),
    "401 of nginx": (lab.html(401), Reason.CREDENTIALS),
    "403": (lab.html(403), Reason.CREDENTIALS),
    "429": (lab.html(429), Reason.BUSY),
    "429 with JSON": (lab.reply(429, {"error": "Please upgrade"}), Reason.BUSY),
    "500": (lab.reply(500, {"error": "x"}), Reason.BUSY),
    "502": (lab.html(502), Reason.BUSY),
    "503": (lab.raw(503, b""), Reason.BUSY),
    "404 of another": (lab.reply(404, {"error": "Not found"}), Reason.PROTOCOL),
    "404 page": (lab.html(404), Reason.PROTOCOL),
    "page": (lab.html(), Reason.PROTOCOL),
    "nothing": (lab.raw(200, b""), Reason.PROTOCOL),
    "error in 200": (lab.reply(200, {"error": "No information available for that IP."}), Reason.PROTOCOL),
    "error that is none": (lab.reply(200, {"error": {"a": 1}}), Reason.PROTOCOL),
    "error that is null": (lab.reply(404, {"error": None}), Reason.PROTOCOL),
    "list": (lab.reply(200, []), Reason.PROTOCOL),
    "null": (lab.reply(200, None), Reason.PROTOCOL),
    "number": (lab.raw(200, b"1" * 5000), Reason.PROTOCOL),
    "deep": (lab.raw(200, b"[" * 200_000), Reason.PROTOCOL),
    "bytes": (
        lab.raw(200, bytes(range(256)) * 100, "Content-Type: text/plain; charset=nonsense"),
        Reason.PROTOCOL,
    ),
    "another address": (lab.reply(200, host(OTHER, banner(80, "http", RECENT))), Reason.PROTOCOL),
    "no address": (lab.reply(200, {"data": []}), Reason.PROTOCOL),
    "data is no list": (lab.reply(200, host(ONE) | {"data": {"port": 80}}), Reason.PROTOCOL),
    "packed": (lab.raw(200, b"\x1f\x8b", "Content-Encoding: gzip"), Reason.PROTOCOL),
    "redirect": (lab.redirect("/api-info"), Reason.PROTOCOL),
    "hang-up": (lab.hang_up, Reason.CLOSED),
    "half": (lab.half, Reason.CLOSED),
    "flood": (lab.flood, Reason.LIMIT),
    "no HTTP": (lambda talk, _asked: talk.send(b"SSH-2.0-x\r\n" * 9), Reason.CLOSED),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_every_trouble_has_its_reason_and_none_is_raised(server: ShodanServer, trouble: str) -> None:
    server.instead[f"/shodan/host/{ONE}"], reason = TROUBLES[trouble]
    seen, failures = asked()
    assert (seen, reasons(failures)) == ([], [reason])
    assert (failures[0].address, failures[0].device, failures[0].port) == (ONE, f"p-{ONE}", None)
    assert failures[0].vantage is Vantage.SHODAN
    assert failures[0].detail.startswith(("Shodan", "nothing proves"))


@pytest.mark.parametrize("behaviour", [lab.stall, lab.drip_head, lab.drip_body])
def test_a_server_that_never_ends_does_not_hold_us(server: ShodanServer, behaviour: lab.Behaviour) -> None:
    server.instead[f"/shodan/host/{ONE}"] = behaviour
    assert reasons(asked(patience=0.5)[1]) == [Reason.TIMEOUT]


def test_a_stop_is_heard_while_shodan_says_nothing(server: ShodanServer) -> None:
    server.instead[f"/shodan/host/{ONE}"] = lab.stall
    seen, failures = asked(ONE, OTHER, patience=60.0, stopped=lambda: bool(server.asked))
    assert (seen, reasons(failures)) == ([], [Reason.UNFINISHED, Reason.UNFINISHED])
    assert len(server.asked) == 1


def test_nobody_is_asked_after_a_stop(server: ShodanServer) -> None:
    assert reasons(asked(stopped=lambda: True)[1]) == [Reason.UNFINISHED]
    assert server.asked == []


def test_nobody_there_is_told_as_such(server: ShodanServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHODAN_API_URL", "http://127.0.0.1:1")
    assert reasons(asked()[1]) == [Reason.REFUSED]
    monkeypatch.setenv("SHODAN_API_URL", "nonsense")
    assert reasons(asked()[1]) == [Reason.REFUSED]
    assert server.asked == []


def test_a_proxy_that_is_not_there_is_told_as_such(
    server: ShodanServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert [(one.reason, "proxy" in one.detail) for one in asked()[1]] == [(Reason.REFUSED, True)]
    assert server.asked == []


def test_a_redirect_is_not_followed_and_takes_the_key_nowhere(server: ShodanServer) -> None:
    with ShodanServer() as thief:
        server.instead[f"/shodan/host/{ONE}"] = lab.redirect(f"{thief.url}/shodan/host/{ONE}", 307)
        asked()
        assert thief.asked == []
    assert len(server.asked) == 1


@pytest.mark.parametrize("trouble", ["401", "429"])
def test_who_is_refused_does_not_ask_on(server: ShodanServer, trouble: str) -> None:
    server.instead[f"/shodan/host/{ONE}"], reason = TROUBLES[trouble]
    _, failures = asked(ONE, OTHER)
    assert reasons(failures) == [reason, reason]
    assert [one.address for one in failures] == [ONE, OTHER]
    assert len(server.asked) == 1


def test_one_address_without_an_answer_does_not_spoil_the_next(server: ShodanServer) -> None:
    server.instead[f"/shodan/host/{ONE}"] = lab.hang_up
    server.hosts[OTHER] = host(OTHER, banner(22, "ssh", RECENT))
    seen, failures = asked(ONE, OTHER)
    assert (ports(seen), reasons(failures)) == ([("tcp", 22)], [Reason.CLOSED])


def test_the_next_request_waits_for_its_turn(server: ShodanServer) -> None:
    first = threading.Event()

    def now() -> datetime:
        first.set()
        return NOW

    seen, failures = ask(
        ShodanSettings(), (ONE, OTHER), audit=Audit(), now=now, stopped=first.is_set, pause=3600.0
    )
    assert ([one.address for one in seen], reasons(failures)) == ([ONE], [Reason.UNFINISHED])
    assert len(server.asked) == 1


# ------------------------------------------------------------------------------------------------------ TLS


@pytest.fixture
def secured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ShodanServer]:
    """The same over TLS, and trusted: its certificate names 127.0.0.1."""
    context, authority = lab.trusted(tmp_path)
    monkeypatch.setenv("SHODAN_API_KEY", KEY)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
    with ShodanServer(tls=context) as running:
        monkeypatch.setenv("SHODAN_API_URL", running.url)
        yield running


def test_over_tls_it_answers_and_the_deadline_holds_there_too(secured: ShodanServer) -> None:
    secured.hosts[ONE] = host(ONE, banner(22, "ssh", RECENT))
    assert ports(asked()[0]) == [("tcp", 22)]
    for behaviour in (lab.stall, lab.drip_head, lab.drip_body):
        secured.instead[f"/shodan/host/{ONE}"] = behaviour
        assert reasons(asked(patience=0.5)[1]) == [Reason.TIMEOUT]


def test_a_certificate_that_nobody_vouches_for_gets_no_key(
    secured: ShodanServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    assert reasons(asked()[1]) == [Reason.UNPROVED]
    assert secured.asked == []


def test_a_certificate_of_another_name_gets_no_key(
    secured: ShodanServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHODAN_API_URL", secured.url.replace("127.0.0.1", "localhost"))
    assert reasons(asked()[1]) == [Reason.UNPROVED]
    assert secured.asked == []


# -------------------------------------------------------------------------------------------------- the key


@pytest.mark.parametrize("key", ["", "two words", "line\nend", "clé", "x" * 500])
def test_what_is_no_key_is_told_and_not_sent(
    server: ShodanServer, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("SHODAN_API_KEY", key)
    [failure] = asked()[1]
    assert failure.reason is Reason.CREDENTIALS
    assert not key or key not in failure.detail
    assert server.asked == []


def test_a_key_file_that_others_can_read_is_told_and_the_night_goes_on(
    server: ShodanServer, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text(KEY)
    file.chmod(0o644)
    settings = ShodanSettings.model_construct(key_env=None, credential=None, key_file=file)
    seen, [failure] = ask(settings, (ONE,), audit=Audit(), pause=0.0)
    assert (seen, failure.reason) == ([], Reason.CREDENTIALS)
    file.chmod(0o600)
    assert ask(settings, (ONE,), audit=Audit(), pause=0.0)[1] == []
    assert len(server.asked) == 1


@pytest.mark.parametrize("trouble", [*TROUBLES, "broken head", "stall", "nobody", "proxy", "good"])
def test_the_key_is_in_no_log_failure_or_audit_line(  # noqa: PLR0913, PLR0917
    server: ShodanServer,
    trouble: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    behaviours = {"broken head": lab.broken_head, "stall": lab.stall}
    server.hosts[ONE] = host(ONE, banner(80, "http", RECENT))
    if trouble in TROUBLES or trouble in behaviours:
        server.instead[f"/shodan/host/{ONE}"] = behaviours.get(trouble) or TROUBLES[trouble][0]
    elif trouble == "nobody":
        monkeypatch.setenv("SHODAN_API_URL", "http://127.0.0.1:1")
    elif trouble == "proxy":
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    audit = Audit(tmp_path / "log.jsonl")
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "urllib3.connectionpool"):
        seen, failures = asked(audit=audit, patience=1.0)
    audit.close()
    told = "".join(capfd.readouterr()) + caplog.text + repr((seen, failures)) + audit.path.read_text()  # type: ignore[union-attr]
    assert KEY not in told
    assert json.loads(audit.path.read_text())["to"] == ONE  # type: ignore[union-attr]
    if trouble not in {"nobody", "proxy"}:
        assert server.asked[0].query["key"] == KEY  # it was really in the address


@pytest.mark.parametrize("trouble", ["401", "hang-up", "flood", "redirect", "deep", "stall", "nobody"])
def test_the_key_is_in_no_error_nor_in_what_caused_it(
    server: ShodanServer, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    behaviours = {name: behaviour for name, (behaviour, _) in TROUBLES.items()}
    server.instead[f"/shodan/host/{ONE}"] = behaviours.get(trouble, lab.stall)
    if trouble == "nobody":
        monkeypatch.setenv("SHODAN_API_URL", "http://127.0.0.1:1")
    with Account(KEY, Audit(), pause=0.0, patience=0.5) as account:
        with pytest.raises(OutsideError) as caught:
            account.host(ONE)
        assert KEY not in repr(account)
    error: BaseException | None = caught.value
    assert error is not None
    assert error.__cause__ is None
    assert error.__context__ is None
    assert KEY not in "".join(traceback.format_exception(error)) + repr(error) + str(pickle.dumps(error.args))


def test_urllib3_logs_again_afterwards(server: ShodanServer, caplog: pytest.LogCaptureFixture) -> None:
    asked()
    with caplog.at_level(logging.DEBUG, "urllib3.connectionpool"):
        logging.getLogger("urllib3.connectionpool").debug("of another program")
    assert "of another program" in caplog.text
    assert len(server.asked) == 1


def test_nothing_stays_open(server: ShodanServer) -> None:
    server.instead[f"/shodan/host/{ONE}"] = lab.stall
    asked(ONE, OTHER, patience=0.3)
    gc.collect()  # a forgotten socket is a ResourceWarning, and that an error


# ------------------------------------------------------------------------------------------ whatever else


def test_an_answer_of_tonight_is_as_old_as_its_banner(server: ShodanServer) -> None:
    old = (NOW - timedelta(days=400)).replace(tzinfo=None).isoformat()
    server.hosts[ONE] = host(ONE, banner(80, "http", old), last_update=old)
    [seen, _], _ = asked()
    assert seen.seen_at == NOW - timedelta(days=400)
