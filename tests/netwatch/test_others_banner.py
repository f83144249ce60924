"""What of a banner is kept: a port, a date, a few words of ours, whatever Shodan made of it?"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.others import LISTING, MOST_PORTS
from netwatch.others.banner import PROTOCOLS, TAGS, statements
from netwatch.portset import PortSet
from tests.lab.shodan_server import banner, host

if TYPE_CHECKING:
    from netwatch.model import Observation

NOW = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)
ONE = "9.9.9.9"
RECENT = "2026-11-20T11:12:13"


def told(*banners: Any, only: PortSet | None = None, **more: Any) -> tuple[list[Observation], Observation]:  # noqa: ANN401
    """(the ports, the listing)."""
    document = host(ONE) | {"data": list(banners)} | more
    *seen, whole = statements(document, ONE, NOW, only)
    assert whole.protocol == LISTING
    return seen, whole


@pytest.mark.parametrize(
    ("module", "protocol"),
    [
        ("http", "http"),
        ("https", "http"),
        ("https-simple-new", "http"),
        ("rdp", "rdp"),
        ("smb", "smb"),
        ("dicom", "dicom"),
        ("mysql", "mysql"),
        ("ms-portmap-tcp", "msrpc"),
        ("auto", "unknown"),
        ("DUPONT Marie", "unknown"),
        (None, "unknown"),
        (["http"], "unknown"),
    ],
)
def test_a_module_is_reduced_to_a_word_of_ours(module: Any, protocol: str) -> None:  # noqa: ANN401
    [seen], _ = told(banner(1234, module, RECENT))
    assert seen.protocol == protocol


@pytest.mark.parametrize("shodan", [None, [], "rdp", {}, {"module": {"a": 1}}])
def test_a_banner_that_names_no_module_is_still_a_port(shodan: object) -> None:
    [seen], _ = told(banner(1234, "x", RECENT, _shodan=shodan))
    assert (seen.port, seen.protocol) == (1234, "unknown")


def test_the_newest_banner_of_a_port_is_told_whatever_the_order() -> None:
    old, new = banner(80, "ssh", "2026-11-01T00:00:00"), banner(80, "http", RECENT)
    undated = banner(80, "rdp", None)
    for order in ((old, new, undated), (undated, new, old), (new, undated, old)):
        [seen], _ = told(*order)
        assert (seen.protocol, seen.facts["dated"], seen.facts["first_seen_at"]) == (
            "http",
            True,
            "2026-11-01T00:00:00Z",
        )


def test_tcp_and_udp_of_a_port_are_two() -> None:
    seen, _ = told(banner(53, "dns-tcp", RECENT), banner(53, "dns-udp", RECENT, transport="udp"))
    assert [(one.transport, one.protocol) for one in seen] == [("tcp", "dns"), ("udp", "dns")]


@pytest.mark.parametrize(
    "timestamp", [None, "", "soon", 17, "2030-01-01T00:00:00", "1999-01-01T00:00:00", []]
)
def test_without_a_date_that_can_be_right_it_is_undated_and_as_old_as_the_host(timestamp: object) -> None:
    [seen], _ = told(banner(80, "http", timestamp), last_update="2026-11-10T00:00:00")
    assert seen.facts["dated"] is False
    assert seen.seen_at == datetime(2026, 11, 10, tzinfo=UTC)
    [seen], _ = told(banner(80, "http", timestamp), last_update="2099-11-10T00:00:00")
    assert seen.seen_at == NOW


@pytest.mark.parametrize(
    ("product", "version", "kept"),
    [
        ("nginx", "1.24.0", ("nginx", "1.24.0")),
        ("Microsoft IIS httpd", "10.0", ("Microsoft IIS httpd", "10.0")),
        ("OpenSSH", "8.9p1 Ubuntu-3ubuntu0.6", ("OpenSSH", "8.9p1")),
        ("Remote Desktop Protocol", None, ("Remote Desktop Protocol", None)),
        ("MARIE DUPONT", "DUPONT^MARIE", (None, None)),
        ("Dupont, Marie", "1950-02-03", (None, None)),
        ("x\x1b[2Jy\n", "\x00", ("x [2Jy", None)),
        (["nginx"], 1.24, (None, None)),
        ("", "", (None, None)),
    ],
)
def test_a_product_is_kept_as_far_as_it_can_be_nobody(
    product: object, version: object, kept: tuple[str | None, str | None]
) -> None:
    [seen], _ = told(banner(80, "http", RECENT, product=product, version=version))
    assert (seen.facts["product"], seen.facts["version"]) == kept


def test_vulnerabilities_are_a_number_and_tags_are_words_we_know() -> None:
    vulns = {"CVE-2019-0708": {"verified": False, "summary": "DUPONT"}, "CVE-1": {}}
    [seen], _ = told(banner(80, "http", RECENT, vulns=vulns, tags=["vpn", "ics", "DUPONT", 7, ["x"]], ssl={}))
    assert (seen.facts["vulns"], seen.facts["tags"], seen.facts["tls"]) == (2, "ics,vpn", True)
    [seen], _ = told(banner(80, "http", RECENT, vulns="many", tags="vpn", ssl=None))
    assert (seen.facts["vulns"], seen.facts["tags"], seen.facts["tls"]) == (0, None, False)


WRONG: list[Any] = [
    None,
    7,
    [],
    "x",
    {},
    {"port": 80},
    banner(0, "http", RECENT),
    banner(65_536, "http", RECENT),
    banner(80, "http", RECENT, transport="sctp"),
    banner(80, "http", RECENT, transport=None),
    banner(80, "http", RECENT, transport=["tcp"]),
    banner(80, "http", RECENT) | {"port": "80"},
    banner(80, "http", RECENT) | {"port": True},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_banner_is_left_out_and_said(wrong: object) -> None:
    seen, whole = told(wrong, banner(22, "ssh", RECENT), ports=[22])
    assert [one.port for one in seen] == [22]
    assert whole.facts["listing"] == "cut"


def test_a_port_of_which_only_the_number_is_told_is_told_so() -> None:
    seen, whole = told(banner(22, "ssh", RECENT), ports=[22, 161, 3389, "x", 0])
    assert [(one.port, one.transport, one.protocol, one.facts["dated"]) for one in seen] == [
        (22, "tcp", "ssh", True),
        (161, "udp", "unknown", False),
        (3389, "tcp", "unknown", False),
    ]
    assert [one.facts["transport_told"] for one in seen] == [True, False, False]
    assert whole.facts["ports"] == 3


def test_a_neighbours_ports_are_counted_and_not_told() -> None:
    seen, whole = told(
        banner(80, "http", RECENT),
        banner(80, "http", "2026-01-01T00:00:00"),
        banner(20_000, "http", RECENT),
        ports=[80, 20_000, 443],
        only=PortSet.parse("16384-32767"),
    )
    assert [one.port for one in seen] == [20_000]
    assert (whole.facts["ports"], whole.facts["neighbours"]) == (1, 2)


def test_more_ports_than_anybody_has_are_cut_and_said() -> None:
    seen, whole = told(*(banner(port, "http", RECENT) for port in range(1, MOST_PORTS + 100)))
    assert (len(seen), whole.facts["listing"]) == (MOST_PORTS, "cut")


@pytest.mark.parametrize("told_address", ["9.9.9.10", None, 7, "", "nobody"])
def test_an_answer_about_another_address_is_refused(told_address: object) -> None:
    with pytest.raises(ValueError, match=ONE):
        statements({"ip_str": told_address, "data": []}, ONE, NOW)


@pytest.mark.parametrize("data", [{}, "x", 7, None])
def test_banners_that_are_no_list_are_refused(data: object) -> None:
    with pytest.raises(ValueError, match=ONE):
        statements({"ip_str": ONE, "data": data}, ONE, NOW)


def test_an_answer_without_banners_is_empty() -> None:
    [whole] = statements({"ip_str": ONE}, ONE, NOW)
    assert whole.facts["listing"] == "empty"


SIMPLE = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
ANY = SIMPLE | st.lists(SIMPLE, max_size=3) | st.dictionaries(st.text(max_size=5), SIMPLE, max_size=2)
KEYS = (
    "port",
    "transport",
    "timestamp",
    "product",
    "version",
    "_shodan",
    "vulns",
    "tags",
    "ssl",
    "data",
    "http",
)
PORT = st.integers(-5, 70_000) | ANY
BANNER = st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, ANY) | {"port": PORT}) | ANY


@given(st.lists(BANNER, max_size=6), ANY, ANY)
def test_whatever_is_told_the_facts_are_few_short_and_fit_for_json(
    banners: list[Any], ports: object, updated: object
) -> None:
    document = {"ip_str": ONE, "data": banners, "ports": ports, "last_update": updated}
    *seen, whole = statements(document, ONE, NOW)
    for one in (*seen, whole):
        json.dumps(dict(one.facts))
        assert one.seen_at <= NOW
        assert one.transport in {"tcp", "udp"}
        assert one.protocol in {*PROTOCOLS.values(), "unknown", LISTING}
        assert all(len(str(fact)) <= 160 for fact in one.facts.values())
        assert set(str(one.facts.get("tags") or "").split(",")) <= TAGS | {""}
    assert len({(one.port, one.transport) for one in seen}) == len(seen)
