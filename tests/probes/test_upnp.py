"""Does the box tell what it lets in, and is it only asked? Hand-made boxes here; miniupnpd in tests/lab."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netwatch.model import Observation, Reason, Target, Vantage
from netwatch.probe import PortClosed
from netwatch.soap import ACTIONS
from probes.upnp import Upnp
from tests.lab.igd import BOMB, OUTSIDE_ENTITY, Igd, Manners, entry, fault, page, response
from tests.lab.interview import Asked, ask, canned, fresh_address, proper
from tests.lab.peers import Peer

if TYPE_CHECKING:
    from collections.abc import Mapping

PROBE = Upnp(timeout=0.5, patience=0.7, seconds=20)
CANARIES = ("ZZCANARY", "LK17308DP993307", "root:")
BOTH = ("WANIPConnection:2", "WANIPv6FirewallControl:1")


def asked(box: Igd, probe: Upnp = PROBE) -> Asked:
    """The question to this box; nothing of a person's is kept, and nothing but questions was sent."""
    got = ask(probe, box.address, 1900, is_a="box", target=Target("d", box.address, ()))
    for seen in got.seen:
        proper(seen)
    told = f"{got.seen!r}{got.error}"
    assert [word for word in CANARIES if word in told] == []
    assert set(box.actions) <= set(ACTIONS)
    sent = b"".join([*box.searches, *box.requests])
    assert re.findall(rb"(?<![A-Za-z])(?:Add|Delete|Force|Set|Request|Update)[A-Z]", sent) == []
    return got


def told(got: Asked, protocol: str) -> list[Observation]:
    return [seen for seen in got.seen if seen.protocol == protocol]


def facts(got: Asked, protocol: str) -> Mapping[str, Any]:
    [seen] = told(got, protocol)
    return seen.facts


def about(**manners: Any) -> Asked:  # noqa: ANN401 - as Manners
    """What a box of these manners tells. It answers to both versions, so that we need not wait."""
    with Igd(fresh_address(), Manners(**{"gateway": 2} | manners)) as box:
        return asked(box)


def test_a_box_tells_what_it_is_its_address_and_each_of_its_forwards() -> None:
    entries = (
        entry(),
        entry(8443, "192.168.1.30", 443, Protocol="UDP", LeaseDuration="3600", PortMappingDescription="nas"),
    )
    got = about(gateway=1, entries=entries)
    assert got.error is None
    service = got.seen[0]
    assert (service.protocol, service.port, service.transport, service.vantage) == (
        "upnp",
        1900,
        "udp",
        Vantage.LAN,
    )
    assert service.facts == {
        "enabled": True,
        "igd": 1,
        "maker": "Sagemcom",
        "product": "Residential Livebox,(DSL,WAN Ethernet)",
        "version": "SG40_sip-fr-4.15.10.1_7.21.3.1",
        "software": "MiniUPnPd 2.3.1",
        "mappings": 2,
        "lies": None,
    }
    assert facts(got, "wan") == {"address": "203.0.113.7", "via": "upnp"}
    assert facts(got, "listing")["listing"] == "whole"
    first, second = told(got, "forward")
    assert (first.port, first.transport, first.vantage, first.device) == (11112, "tcp", Vantage.BOX, "d")
    assert first.facts == {
        "to_address": "192.168.1.20",
        "to_port": 11112,
        "enabled": True,
        "permanent": True,
        "comment": "dicom",
        "source": None,
        "count": 1,
    }
    assert (second.port, second.transport, second.facts["to_port"]) == (8443, "udp", 443)
    assert second.facts["permanent"] is False
    assert got.rules == ["upnp-on", "upnp-forward", "upnp-forward"]


@pytest.mark.parametrize("code", [713, 714])
def test_a_box_that_lists_nothing_has_taught_us_nothing(code: int) -> None:
    got = about(end=code)
    assert facts(got, "listing") == {
        "listing": "empty",
        "mappings": 0,
        "agree": None,
        "code": None,
        "unreadable": 0,
    }
    assert (got.rules, got.error) == (["upnp-on"], None)


@pytest.mark.parametrize("code", [401, 402, 501, 606])
def test_a_box_that_does_not_list_its_forwards_says_with_which_number(code: int) -> None:
    got = about(refuses={"GetGenericPortMappingEntry": code}, entries=(entry(),))
    assert facts(got, "listing")["listing"] == "cut"
    assert facts(got, "listing")["code"] == code
    assert (got.rules, got.error) == (["upnp-on"], None)


def test_a_list_that_fails_in_its_middle_is_not_whole_and_what_came_is_kept() -> None:
    def listed(index: int) -> Mapping[str, str] | None:
        return entry(5000 + index) if index < 3 else None

    got = about(listed=listed, end=501)
    assert [seen.port for seen in told(got, "forward")] == [5000, 5001, 5002]
    assert facts(got, "listing")["listing"] == "cut"


def test_the_two_lists_of_a_box_of_version_2_are_joined_and_said_to_disagree() -> None:
    only_listed = entry(8080, "192.168.1.30", 80, Protocol="UDP")
    got = about(gateway=2, kinds=BOTH, entries=(entry(),), list=(entry(), only_listed))
    assert [(seen.port, seen.transport) for seen in told(got, "forward")] == [(11112, "tcp"), (8080, "udp")]
    assert (facts(got, "listing")["agree"], facts(got, "listing")["listing"]) == (False, "whole")
    assert facts(got, "upnp")["igd"] == 2


def test_the_two_lists_agree_where_they_say_the_same() -> None:
    got = about(gateway=2, kinds=BOTH, entries=(entry(),), list=(entry(),))
    assert (facts(got, "listing")["agree"], len(told(got, "forward"))) == (True, 1)


def test_a_box_that_always_says_713_may_tell_all_in_its_other_list() -> None:
    got = about(gateway=2, kinds=BOTH, list=(entry(),))
    assert [seen.port for seen in told(got, "forward")] == [11112]
    assert (facts(got, "listing")["listing"], facts(got, "listing")["agree"]) == ("whole", False)


@pytest.mark.parametrize(("on", "says"), [("1", True), ("0", False), ("true", True)])
def test_the_firewall_for_ipv6_is_told_by_the_box(on: str, says: bool) -> None:  # noqa: FBT001
    got = about(gateway=2, kinds=BOTH, firewall=(on, "0"))
    [seen] = told(got, "ipv6-firewall")
    assert (seen.facts, seen.vantage) == ({"enabled": says, "pinholes": False}, Vantage.BOX)


def test_a_firewall_that_says_neither_is_not_told() -> None:
    assert told(about(gateway=2, kinds=BOTH, firewall=("maybe", "0")), "ipv6-firewall") == []


def test_every_service_of_the_box_is_asked() -> None:
    kinds = ("WANIPConnection:1", "WANPPPConnection:1", "Layer3Forwarding:1")
    with Igd(fresh_address(), Manners(gateway=2, kinds=kinds, entries=(entry(),))) as box:
        got = asked(box)
    assert box.actions.count("GetExternalIPAddress") == 2
    assert len(told(got, "forward")) == 1  # the same, told twice


@pytest.mark.parametrize("address", ["192.168.0.2", "100.64.3.4"])
def test_an_address_that_is_no_public_one_is_told_as_it_is(address: str) -> None:
    assert facts(about(external=address), "wan")["address"] == address


@pytest.mark.parametrize("address", ["", "0.0.0.0"])  # noqa: S104
def test_a_box_that_has_no_address_says_so_which_is_not_silence(address: str) -> None:
    assert facts(about(external=address), "wan")["address"] == "0.0.0.0"  # noqa: S104


@pytest.mark.parametrize("address", ["Mrs ZZCANARY", "203.0.113.7.", "fe80::1%eth0"])
def test_what_is_no_address_is_not_told(address: str) -> None:
    assert told(about(external=address), "wan") == []


STRANGE = [
    ({"InternalClient": "8.8.8.8"}, "8.8.8.8", ["upnp-forward-stranger"]),
    ({"InternalClient": "127.0.0.1"}, "127.0.0.1", ["upnp-forward-stranger"]),
    ({"InternalClient": "Mrs ZZCANARY"}, None, ["upnp-forward"]),
    ({"InternalClient": ""}, None, ["upnp-forward"]),
    ({"InternalClient": "10.1.2.3"}, "10.1.2.3", ["upnp-forward"]),
]


@pytest.mark.parametrize(("more", "address", "rules"), STRANGE)
def test_a_forward_to_a_stranger_is_kept_and_judged(
    more: dict[str, str], address: str | None, rules: list[str]
) -> None:
    got = about(entries=(entry(**more),))
    assert facts(got, "forward")["to_address"] == address
    assert got.rules == ["upnp-on", *rules]


def test_a_forward_that_is_off_is_told_and_is_no_finding() -> None:
    got = about(entries=(entry(Enabled="0"),))
    assert (facts(got, "forward")["enabled"], got.rules) == (False, ["upnp-on"])


def test_a_forward_of_every_port_is_a_dmz() -> None:
    got = about(entries=(entry(0, "192.168.1.20"),))
    [seen] = told(got, "dmz")
    assert (seen.port, seen.facts, seen.vantage) == (
        0,
        {"to_address": "192.168.1.20", "enabled": True},
        Vantage.BOX,
    )
    assert got.rules == ["upnp-on", "upnp-everything"]


def test_several_forwards_of_one_port_are_one_the_widest_with_their_number() -> None:
    entries = (
        entry(RemoteHost="198.51.100.9"),
        entry(InternalClient="192.168.1.21", Enabled="0"),
        entry(InternalClient="192.168.1.22"),
        entry(Protocol="UDP", RemoteHost="somebody.example.org"),
    )
    got = about(entries=entries)
    wide, other = told(got, "forward")
    assert (wide.facts["to_address"], wide.facts["source"], wide.facts["count"]) == ("192.168.1.22", None, 3)
    assert (other.transport, other.facts["source"], other.facts["count"]) == ("udp", "unknown", 1)


def test_a_name_in_the_comment_of_a_forward_is_not_kept() -> None:
    got = about(entries=(entry(PortMappingDescription="Jeanne ZZCANARY"),))
    assert facts(got, "forward")["comment"] is None


UNREADABLE = [{"ExternalPort": "70000"}, {"ExternalPort": "-1"}, {"ExternalPort": "x"}, {"Protocol": "SCTP"}]


@pytest.mark.parametrize("more", UNREADABLE)
def test_an_entry_that_cannot_be_read_is_counted_and_the_list_is_not_whole(more: dict[str, str]) -> None:
    got = about(entries=(entry(**more), entry(8080)))
    assert [seen.port for seen in told(got, "forward")] == [8080]
    assert (facts(got, "listing")["listing"], facts(got, "listing")["unreadable"]) == ("cut", 1)


def test_an_endless_list_is_cut_at_the_limit() -> None:
    probe = Upnp(timeout=0.5, patience=0.7, most=30)
    with Igd(fresh_address(), Manners(gateway=2, listed=lambda index: entry(1000 + index))) as box:
        got = asked(box, probe)
    assert len(told(got, "forward")) == 30
    assert (facts(got, "listing")["listing"], facts(got, "upnp")["lies"], got.error) == ("cut", None, None)


def test_a_list_that_repeats_itself_is_given_up_soon() -> None:
    with Igd(fresh_address(), Manners(gateway=2, listed=lambda index: entry(1000 + index % 2))) as box:
        got = asked(box)
    assert len(box.actions) < 10
    assert [seen.port for seen in told(got, "forward")] == [1000, 1001]
    assert (facts(got, "listing")["listing"], facts(got, "upnp")["lies"]) == ("cut", "listing")


def test_a_slow_list_ends_with_the_seconds_of_the_question() -> None:
    probe = Upnp(timeout=0.5, patience=0.7, seconds=0.5, most=5000)
    with Igd(
        fresh_address(), Manners(gateway=2, listed=lambda index: entry(1000 + index), close=True)
    ) as box:
        got = asked(box, probe)
    assert 0 < len(told(got, "forward")) < 5000
    assert (facts(got, "listing")["listing"], got.reason) == ("cut", Reason.TIMEOUT)


def elsewhere() -> list[str]:
    return [
        "http://127.0.0.1:{}/desc.xml",
        "http://192.168.1.1:{}/desc.xml",
        "http://box.example.org:{}/desc.xml",
        "https://127.79.250.1:{}/desc.xml",
        "http://127.79.250.1@127.0.0.1:{}/desc.xml",
        "http://127.79.250.1:99999/desc.xml",
        "ftp://127.79.250.1/x",
        "http://[::1]:{}/desc.xml",
        "//127.79.250.1:{}/",
        "http://127.79.250.1:{}/a b",
        "x",
    ]


@pytest.mark.parametrize("location", elsewhere())
def test_a_location_that_is_not_the_box_is_not_followed(location: str) -> None:
    with Peer(lambda talk: talk.hold(), "127.0.0.1") as other:
        address = "127.79.250.1"
        with Igd(address, Manners(gateway=2, location=location.format(other.port))) as box:
            got = asked(box)
    assert (box.connections, other.connections) == (0, 0)
    assert (facts(got, "upnp")["lies"], got.reason) == ("location", Reason.PROTOCOL)
    assert got.rules == ["upnp-on"]


def test_a_redirect_is_not_followed() -> None:
    with Peer(lambda talk: talk.hold(), "127.0.0.1") as other:
        to = page(b"", "302 Found", f"Location: http://127.0.0.1:{other.port}/\r\n")
        got = about(says={"description": to})
    assert other.connections == 0
    assert (got.reason, got.rules) == (Reason.PROTOCOL, ["upnp-on"])


def test_a_service_that_is_said_to_be_elsewhere_is_not_asked() -> None:
    with Peer(lambda talk: talk.hold(), "127.0.0.1") as other:
        got = about(control=f"http://127.0.0.1:{other.port}/ctl")
    assert other.connections == 0
    assert facts(got, "upnp")["lies"] == "control"
    assert told(got, "listing") == []


def test_a_base_that_is_elsewhere_is_not_believed() -> None:
    with Peer(lambda talk: talk.hold(), "127.0.0.1") as other:
        got = about(base=f"http://127.0.0.1:{other.port}/", entries=(entry(),))
    assert other.connections == 0
    assert len(told(got, "forward")) == 1


@pytest.mark.parametrize("told_xml", [BOMB, OUTSIDE_ENTITY, b"<root>", b"", b"\xff\xfe\x00", b"<a>" * 20_000])
def test_a_description_that_is_a_bomb_or_rubbish_is_not_read(told_xml: bytes) -> None:
    got = about(says={"description": page(told_xml)})
    assert (got.reason, got.rules) == (Reason.PROTOCOL, ["upnp-on"])


@pytest.mark.parametrize("told_xml", [BOMB, OUTSIDE_ENTITY])
def test_a_bomb_in_a_list_is_not_read_either(told_xml: bytes) -> None:
    got = about(says={"GetGenericPortMappingEntry": page(told_xml)})
    assert facts(got, "listing")["listing"] == "cut"
    nested = response("x", "GetListOfPortMappings", {"NewPortListing": told_xml.decode()})
    got = about(gateway=2, kinds=BOTH, says={"GetListOfPortMappings": nested}, entries=(entry(),))
    assert (len(told(got, "forward")), facts(got, "listing")["agree"]) == (1, None)


def test_a_huge_description_is_left() -> None:
    with Igd(
        fresh_address(), Manners(gateway=2, says={"description": page(b"<root>" + b"x" * 50_000_000)})
    ) as box:
        got = asked(box)
    assert box.sent < 5_000_000
    assert got.reason is Reason.LIMIT


@pytest.mark.parametrize("word", ["description", "GetExternalIPAddress", "GetGenericPortMappingEntry"])
def test_a_box_that_stalls_has_told_what_it_told(word: str) -> None:
    got = about(stalls=frozenset({word}))
    assert (got.reason, got.rules) == (Reason.TIMEOUT, ["upnp-on"])
    assert [seen.facts["listing"] for seen in told(got, "listing")] in ([], ["cut"])


def test_an_entry_that_breaks_off_cuts_the_list() -> None:
    def listed(index: int) -> Mapping[str, str] | None:
        return entry(5000) if index == 0 else None

    broken = page(b"<s:Envelope>")[:-5]
    got = about(listed=listed, says={"GetExternalIPAddress": broken + b""}, parts=1)
    assert got.seen
    assert got.error is not None


def test_one_connection_is_enough_where_the_box_keeps_it() -> None:
    with Igd(fresh_address(), Manners(gateway=2, entries=(entry(1), entry(2), entry(3)))) as box:
        asked(box)
    assert len(box.requests) == 6
    assert box.connections == 1


def test_a_box_that_ends_each_connection_is_asked_on_new_ones_and_tells_as_much() -> None:
    with Igd(fresh_address(), Manners(gateway=2, entries=(entry(1), entry(2), entry(3)), close=True)) as box:
        got = asked(box)
    assert (len(told(got, "forward")), got.error) == (3, None)
    assert box.connections == len(box.requests) == 6


def test_a_box_that_hangs_up_without_a_word_is_asked_once_more() -> None:
    with Igd(fresh_address(), Manners(gateway=2, entries=(entry(1), entry(2), entry(3)), parts=2)) as box:
        got = asked(box)
    assert (len(told(got, "forward")), got.error) == (3, None)


def test_a_box_that_hears_searches_in_the_group_alone_is_found_there() -> None:
    got = about(group=True, entries=(entry(),))
    assert got.rules == ["upnp-on", "upnp-forward"]


def test_a_mute_box_has_taught_us_nothing() -> None:
    with Igd(fresh_address(), Manners(mute=True)) as box:
        got = asked(box)
    assert (got.seen, got.reason) == ([], Reason.MUTE)
    assert not isinstance(got.error, PortClosed)
    assert len(box.searches) == 2  # one for each version; the group is another ear


def test_a_box_that_says_that_the_port_is_closed_has_upnp_off() -> None:
    got = ask(PROBE, fresh_address(), 1900, is_a="box")
    assert (got.seen, isinstance(got.error, PortClosed)) == ([], True)


@pytest.mark.parametrize("reply", [b"ZZCANARY", b"NOTIFY * HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_what_answers_otherwise_is_not_upnp(reply: bytes) -> None:
    got = about(reply=reply)
    assert (got.seen, got.reason) == ([], Reason.PROTOCOL)


def test_a_media_server_at_the_same_port_is_no_gateway() -> None:
    with Igd(fresh_address()) as box:
        box.manners.reply = (
            f"HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nLOCATION: http://{box.address}:{box.port}/d\r\n\r\n"
        ).encode()
        box.manners.says = {
            "description": page(b"<root><device><deviceType>MediaServer:1</deviceType></device></root>")
        }
        got = asked(box)
    assert (facts(got, "upnp")["enabled"], got.rules, got.error) == (None, [], None)


@pytest.mark.parametrize("port", [515, 631, 9100, 11112])
def test_a_port_that_must_not_be_touched_is_not_touched_whatever_location_says(port: int) -> None:
    address = fresh_address()
    liar = Manners(gateway=2, location=f"http://{address}:{port}/desc.xml")
    with Peer(lambda talk: talk.hold(), address, port) as precious, Igd(address, liar) as box:
        got = asked(box)
    assert precious.connections == 0
    assert (got.reason, got.rules) == (Reason.SCOPE, ["upnp-on"])


def test_a_login_before_the_list_is_a_failure() -> None:
    got = about(says={"GetExternalIPAddress": page(b"", "401 Unauthorized")})
    assert got.reason is Reason.CREDENTIALS


def test_a_fault_whose_number_is_none_is_a_refusal() -> None:
    odd = fault(0).replace(b"<errorCode>0<", b"<errorCode>ZZCANARY<")
    got = about(says={"GetGenericPortMappingEntry": odd})
    assert (facts(got, "listing")["listing"], facts(got, "listing")["code"]) == ("cut", None)


def test_it_is_asked_of_any_target_whatever_is_open_since_only_boxes_may_be_asked() -> None:
    assert PROBE.wants(Target("d", "192.0.2.1", (22, 80))) == (1900,)


def seen(protocol: str, vantage: Vantage = Vantage.BOX, **more: Any) -> Observation:  # noqa: ANN401
    return Target("d", "192.0.2.1", (), vantage).observed("upnp", 11112, protocol, more)


def test_a_forward_is_judged_with_its_port_and_who_said_it() -> None:
    one = seen("forward", enabled=True, to_address="192.168.1.20")
    [finding] = PROBE.judge(one)
    assert (finding.rule, finding.port, finding.vantage) == ("upnp-forward", 11112, Vantage.BOX)


def test_what_is_known_of_a_service_only_by_its_port_is_no_finding() -> None:
    assert list(PROBE.judge(seen("wan", address="203.0.113.7"))) == []
    assert list(PROBE.judge(seen("listing", listing="whole"))) == []
    assert list(PROBE.judge(seen("upnp", enabled=None))) == []


REPLY = b"HTTP/1.1 200 OK\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\nLOCATION: %s\r\n\r\n"
HERE = REPLY % b"http://192.0.2.1:5000/d"
DESCRIPTION = Igd("192.0.2.1").description()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=200), max_size=6), st.integers(0, 3))
def test_any_bytes_give_facts_or_a_failure(answers: list[bytes], good: int) -> None:
    right = [HERE, HERE, page(DESCRIPTION)][:good]
    got = canned(PROBE, *right, *answers, target=Target("d", "192.0.2.1", ()), port=1900)
    assert got.seen or got.error


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(sorted(entry())), st.text(max_size=30)))
def test_any_entry_is_facts_that_may_be_kept(fields: dict[str, str]) -> None:
    said = {name: re.sub(r"[^\x20-\ud7ff]", "", text) for name, text in (entry() | fields).items()}
    one = response("x", "GetGenericPortMappingEntry", said)
    external = response("x", "GetExternalIPAddress", {"NewExternalIPAddress": "203.0.113.7"})
    talk = page(DESCRIPTION) + external + one + fault(713)
    got = canned(PROBE, HERE, HERE, talk, target=Target("d", "192.0.2.1", ()), port=1900)
    assert got.seen[0].facts["enabled"] is True
