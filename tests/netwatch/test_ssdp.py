"""Is a UPnP device believed only in what it may say of itself, and followed only to itself?"""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason
from netwatch.probe import ProbeError
from netwatch.ssdp import Place, description, facts, number, place, reply, search, search_all, values, xml
from tests.lab.igd import BOMB, OUTSIDE_ENTITY, Igd, Manners

BOX = "192.168.1.1"
AT = Place(5000, "/desc.xml")
FREEBOX = (
    b"HTTP/1.1 200 OK\r\nlocation: http://192.168.1.1:5678/desc/root\r\nExt:\r\n"
    b"ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
    b"Server: Linux/2.6 UPnP/1.0 Portable SDK for UPnP devices/1.6.19\r\n\r\n"
)


def test_a_search_is_the_standard_s_own() -> None:
    assert search(2).splitlines() == [
        b"M-SEARCH * HTTP/1.1",
        b"HOST: 239.255.255.250:1900",
        b'MAN: "ssdp:discover"',
        b"MX: 1",
        b"ST: urn:schemas-upnp-org:device:InternetGatewayDevice:2",
        b"",
    ]


def test_everybody_is_asked_once_each() -> None:
    assert search_all() == search(2).replace(
        b"urn:schemas-upnp-org:device:InternetGatewayDevice:2", b"upnp:rootdevice"
    )


UUID = "e3248000-80ce-11db-8000-30055c6f279f"


def root(uuid: str = UUID, to: str = "http://192.168.1.1:5000/desc.xml") -> bytes:
    return f"HTTP/1.1 200 OK\r\nLOCATION: {to}\r\nUSN: uuid:{uuid}::upnp:rootdevice\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([root()], {"uuid": UUID, "port": 5000, "path": "/desc.xml"}),
        ([root(UUID.upper()), root()], {"uuid": UUID, "port": 5000, "path": "/desc.xml"}),
        ([root(), root("1" + UUID[1:])], {"port": 5000, "path": "/desc.xml"}),
        (
            [root(to="http://192.168.1.1:9000/b"), root(to="http://192.168.1.1:80/a")],
            {"uuid": UUID, "port": 80, "path": "/a"},
        ),
        ([root(to="http://192.168.1.2/a")], {"uuid": UUID}),
        ([root("0" * 8 + "-0000-0000-0000-" + "0" * 12)], {"port": 5000, "path": "/desc.xml"}),
        ([root("DUPONT-Jean")], {"port": 5000, "path": "/desc.xml"}),
        ([b"rubbish", b""], {}),
        ([], {}),
    ],
)
def test_an_answer_to_all_tells_who_it_is_and_where_its_page_is(
    answers: list[bytes], told: dict[str, object]
) -> None:
    assert facts(answers, BOX) == facts(answers[::-1], BOX) == told


@given(st.lists(st.binary(max_size=200), max_size=3))
def test_any_answers_to_all_are_taken(answers: list[bytes]) -> None:
    told = facts([*answers, *(root()[:20] + one for one in answers)], BOX)
    assert set(told) <= {"uuid", "port", "path"}


def test_an_answer_says_where_the_description_is_and_what_wrote_it() -> None:
    told = reply(FREEBOX, BOX)
    assert told.location == Place(5678, "/desc/root")
    assert (told.gateway, told.software) == (1, "libupnp 1.6.19")


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"HTTP/1.1 404 Not Found\r\nLOCATION: http://192.168.1.1/\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\nLOCATION: http://192.168.1.1/\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nST: x\r\n\r\n",
        b"SSH-2.0-x\r\n",
    ],
)
def test_what_is_no_answer_to_a_search_is_said_to_be_none(told: bytes) -> None:
    with pytest.raises(ProbeError) as wrong:
        reply(told, BOX)
    assert wrong.value.reason is Reason.PROTOCOL


def test_nothing_that_a_device_calls_its_software_is_kept_but_the_two_libraries() -> None:
    assert (
        reply(FREEBOX.replace(b"Portable SDK for UPnP devices/1.6.19", b"ZZCANARY/1.0"), BOX).software is None
    )


@pytest.mark.parametrize(
    ("url", "to"),
    [
        ("http://192.168.1.1:5000/a.xml", Place(5000, "/a.xml")),
        ("http://192.168.1.1/a.xml?x=1#part", Place(80, "/a.xml?x=1")),
        ("http://192.168.1.1", Place(80, "/")),
        ("HTTP://192.168.1.1:65535/a", Place(65535, "/a")),
        ("https://192.168.1.1/a.xml", None),
        ("http://192.168.1.2/a.xml", None),
        ("http://192.168.1.1.example.org/a.xml", None),
        ("http://192.168.1.1@192.168.1.2/a.xml", None),
        ("http://me@192.168.1.1/a.xml", None),
        ("http://box.local/a.xml", None),
        ("http://[::ffff:192.168.1.1]/a.xml", None),
        ("http://3232235777/a.xml", None),
        ("http://192.168.001.001/a.xml", None),
        ("http://192.168.1.1:0x50/", None),
        ("http://192.168.1.1:99999/", None),
        ("http://192.168.1.1/a b", None),
        ("http://192.168.1.1/é", None),
        ("http://192.168.1.1/" + "a" * 301, None),
        ("file:///etc/passwd", None),
        ("//192.168.1.1/", None),
        ("/a.xml", None),
        ("", None),
        ("http://[", None),
    ],
)
def test_only_a_page_of_the_device_itself_over_http_is_a_place(url: str, to: Place | None) -> None:
    assert place(url, BOX) == to


@given(st.text(max_size=60))
def test_wherever_a_text_leads_it_is_the_device_or_nowhere(text: str) -> None:
    for url in (text, f"http://{text}", f"http://{BOX}{text}", f"http://{BOX}:{text}"):
        found = place(url, BOX)
        assert found is None or (found.path.startswith("/") and 0 < found.port < 65_536)


def test_a_description_names_the_box_and_the_services_that_are_wanted() -> None:
    kinds = ("WANIPConnection:1", "Layer3Forwarding:1", "WANPPPConnection:1")
    told = description(Igd(BOX, Manners(kinds=kinds)).description(), BOX, AT, ("WANIPConnection:1",))
    assert (told.gateway, told.maker, told.product) == (
        1,
        "Sagemcom",
        "Residential Livebox,(DSL,WAN Ethernet)",
    )
    assert told.firmware == "SG40_sip-fr-4.15.10.1_7.21.3.1"
    [service] = told.services
    assert (service.kind, service.place) == ("WANIPConnection:1", Place(5000, "/ctl"))
    assert service.type == "urn:schemas-upnp-org:service:WANIPConnection:1"


def test_a_name_in_the_maker_s_or_the_model_s_place_is_not_kept() -> None:
    box = Igd(BOX, Manners(maker="Jeanne ZZCANARY", model="ZZCANARY^JEANNE"))
    told = description(box.description(), BOX, AT, ())
    assert (told.maker, told.product) == (None, None)


BASES = [
    # URLBase, controlURL, where it is asked, is it said to be elsewhere?
    ("", "ctl", Place(5000, "/ctl"), False),
    ("", "http://192.168.1.1:80/ctl", Place(80, "/ctl"), False),
    ("http://192.168.1.1:81/up/", "ctl", Place(81, "/up/ctl"), False),
    ("http://192.168.1.9:81/up/", "/ctl", Place(5000, "/ctl"), False),
    ("", "http://192.168.1.9/ctl", None, True),
    ("", "//192.168.1.9/ctl", None, True),
    ("", "", None, True),
    ("", "http://[", None, True),
]


@pytest.mark.parametrize(("base", "control", "to", "elsewhere"), BASES)
def test_a_service_is_asked_on_the_box_itself_or_not_at_all(
    base: str,
    control: str,
    to: Place | None,
    elsewhere: bool,  # noqa: FBT001
) -> None:
    box = Igd(BOX, Manners(base=base, control=control))
    told = description(box.description(), BOX, AT, ("WANIPConnection:1",))
    assert [one.place for one in told.services] == ([to] if to else [])
    assert told.elsewhere is elsewhere


def test_a_description_with_a_thousand_services_gives_a_few() -> None:
    box = Igd(BOX, Manners(kinds=("WANIPConnection:1",) * 200))
    assert len(description(box.description(), BOX, AT, ("WANIPConnection:1",)).services) == 8


@pytest.mark.parametrize(
    "told", [BOMB, OUTSIDE_ENTITY, b"", b"<a>", b"<a></b>", b"<!DOCTYPE a><a/>", b"<a>&nothing;</a>"]
)
def test_a_doctype_an_entity_and_rubbish_are_not_read(told: bytes) -> None:
    with pytest.raises(ProbeError) as wrong:
        xml(told)
    assert (wrong.value.reason, wrong.value.detail) == (Reason.PROTOCOL, "no XML that we read")


def test_what_careless_boxes_write_is_read_all_the_same() -> None:
    told = xml(
        b'\xef\xbb\xbf\r\n<?xml version="1.0" encoding="x-none"?><a><b> Tom & \x01co \xe9&amp; </b></a>\0'
    )
    assert values(told) == {"b": "Tom & co �&"}


@given(st.binary(max_size=400))
def test_any_bytes_are_xml_or_a_failure(told: bytes) -> None:
    for one in (told, b"<root>" + told + b"</root>"):
        with suppress(ProbeError):
            assert description(one, BOX, AT, ("WANIPConnection:1",)).services == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0", 0),
        ("7", 7),
        ("07", 7),
        ("10", 10),
        ("11", None),
        ("-1", None),
        ("", None),
        ("٣", None),
        ("9" * 99, None),
    ],
)
def test_a_number_is_in_its_range_or_none(text: str, told: int | None) -> None:
    assert number(text, 10) == told
