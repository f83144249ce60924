"""What is asked over WS-Discovery, and what of the answers is kept? A real wsdd is in test_real_names."""

from __future__ import annotations

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from netwatch import wsd
from netwatch.wsd import facts, probe

OURS = "urn:uuid:29cf10da-5c41-4d55-b184-5ee15e38ce23"
PC = "192.168.1.21"
UUID = "e5e61fb5-d685-5b50-9ba7-acb6e6962ef3"


def answer(
    types: str = "wsdp:Device pub:Computer",
    more: str = "",
    *,
    to: str = OURS,
    at: str = f"urn:uuid:{UUID}",
    before: str = "",
) -> bytes:
    """As wsdd 0.7.0 writes it."""
    return f"""<?xml version="1.0" encoding="utf-8"?>{before}<soap:Envelope
 xmlns:soap="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:wsd="http://schemas.xmlsoap.org/ws/2005/04/discovery"
 xmlns:wsdp="http://schemas.xmlsoap.org/ws/2006/02/devprof"
 xmlns:pub="http://schemas.microsoft.com/windows/pub/2005/07"><soap:Header>
 <wsa:MessageID>urn:uuid:d135cb6a-eca1-11f1-b312-027700000021</wsa:MessageID>
 <wsa:RelatesTo>{to}</wsa:RelatesTo></soap:Header><soap:Body><wsd:ProbeMatches><wsd:ProbeMatch>
 <wsa:EndpointReference><wsa:Address>{at}</wsa:Address></wsa:EndpointReference>
 <wsd:Types>{types}</wsd:Types>{more}<wsd:MetadataVersion>1</wsd:MetadataVersion>
 </wsd:ProbeMatch></wsd:ProbeMatches></soap:Body></soap:Envelope>""".encode()


def scopes(*words: str) -> str:
    return f"<wsd:Scopes>{' '.join(words)}</wsd:Scopes>"


def test_the_question_is_one_probe_for_devices_under_its_own_name() -> None:
    root = fromstring(probe(OURS))
    namespaces = {"d": wsd.DISCOVERY, "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing"}
    assert root.findtext(".//a:MessageID", namespaces=namespaces) == OURS
    assert root.findtext(".//a:Action", namespaces=namespaces) == f"{wsd.DISCOVERY}/Probe"
    assert root.findtext(".//d:Probe/d:Types", namespaces=namespaces) == "wsdp:Device"
    assert b'xmlns:wsdp="http://schemas.xmlsoap.org/ws/2006/02/devprof"' in probe(OURS)
    assert len(probe(OURS)) < 1400, "one packet"


def test_a_computer_says_that_it_is_one() -> None:
    assert facts([answer()], PC, OURS) == {"types": "Computer, Device", "uuid": UUID}


def test_a_printer_with_a_scanner_says_both_and_where_it_describes_itself() -> None:
    more = f"<wsd:XAddrs>http://10.0.0.9:1/x http://{PC}:5357/desc</wsd:XAddrs>"
    seen = facts([answer("a:PrintDeviceType wsdp:Device", more), answer("b:ScanDeviceType", more)], PC, OURS)
    assert seen == {"types": "Device, PrintDeviceType, ScanDeviceType", "uuid": UUID, "port": 5357}


def test_a_camera_tells_its_hardware_and_not_where_it_hangs() -> None:
    more = scopes(
        "onvif://www.onvif.org/type/video_encoder",
        "onvif://www.onvif.org/Profile/Streaming",
        "onvif://www.onvif.org/location/city/Salle%20de%20Mme%20Durand",
        "onvif://www.onvif.org/name/Paul%20Martin",
        "onvif://www.onvif.org/hardware/DS-2CD2042WD",
        "ldap:///ou=engineering",
    )
    seen = facts([answer("dn:NetworkVideoTransmitter", more)], PC, OURS)
    assert seen == {
        "types": "NetworkVideoTransmitter",
        "uuid": UUID,
        "model": "DS-2CD2042WD",
        "scopes": "Profile/Streaming, type/video_encoder",
    }


def test_a_name_is_kept_where_it_is_a_maker_s_model() -> None:
    def of(name: str) -> object:
        return facts([answer(more=scopes(f"onvif://www.onvif.org/name/{name}"))], PC, OURS).get("model")

    assert of("AXIS%20M3045-V") == "AXIS M3045-V"
    assert [of(name) for name in ("Accueil", "Camera%20Martin", "AXIS%20DUPONT%20Jean")] == [
        None,
        None,
        "AXIS",
    ]


@pytest.mark.parametrize(
    "told",
    [
        answer(to="urn:uuid:00000000-0000-0000-0000-000000000000"),
        answer(before='<!DOCTYPE x [<!ENTITY a "b">]>'),
        answer(before='<!DOCTYPE x SYSTEM "http://192.168.1.1/x">'),
        answer()[:-20],
        probe(OURS),
        answer().replace(b"2005/04/discovery", b"2009/01/discovery"),
        b"<a/>",
        b"\xff\xfe<",
        b"",
    ],
)
def test_whatever_else_comes_tells_nothing(told: bytes) -> None:
    assert facts([told], PC, OURS) == {}


def test_words_that_are_none_are_left_out_and_lists_are_short() -> None:
    seen = facts([answer("a:\u202eevil b:1x &lt;b&gt; " + "c:" + "x" * 60, at="urn:uuid:me")], PC, OURS)
    assert seen == {}
    words = [" ".join(f"a:Type{n}x{m}" for m in range(900)) for n in range(20)]
    assert str(facts([answer(one) for one in words], PC, OURS)["types"]).count(",") == wsd.MOST_WORDS - 1
    kinds = scopes(*(f"onvif://www.onvif.org/type/t{n}" for n in range(50)))
    assert str(facts([answer(more=kinds)], PC, OURS)["scopes"]).count(",") == wsd.MOST_WORDS - 1


def test_a_deep_answer_ends() -> None:
    assert facts([answer(more="<a>" * 1000 + "</a>" * 1000)], PC, OURS)["uuid"] == UUID


@given(st.binary(max_size=200), st.text(max_size=80), st.text(max_size=80))
def test_any_bytes_are_taken(told: bytes, types: str, scope: str) -> None:
    assert facts([told], PC, OURS) == {}
    for made in (answer(types), answer(more=scopes(f"onvif://www.onvif.org/hardware/{scope}"))):
        for value in facts([made], PC, OURS).values():
            assert isinstance(value, int) or (value and value.isprintable() and len(value) < 800)
