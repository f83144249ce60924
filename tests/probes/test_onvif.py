"""Which camera is it? Hand-made cameras: no package of Debian's is one."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.errors import ScopeError
from netwatch.model import Reason, Target, Vantage
from probes.onvif import Onvif
from tests.lab.interview import ask, canned, fresh_address

if TYPE_CHECKING:
    from collections.abc import Iterator

PROBE = Onvif(timeout=0.5)
PORT = 3702
UUID = "5f5a69c2-e0ae-504f-829b-00fcba98b7e2"

# As gSOAP writes it, which is in most cameras.
ANSWER = """\
<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope"
 xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">
<SOAP-ENV:Header><wsa:MessageID>urn:uuid:11111111-2222-3333-4444-555555555555</wsa:MessageID>
<wsa:RelatesTo>urn:uuid:{relates}</wsa:RelatesTo></SOAP-ENV:Header><SOAP-ENV:Body>
<d:ProbeMatches><d:ProbeMatch>
<wsa:EndpointReference><wsa:Address>urn:uuid:{uuid}</wsa:Address></wsa:EndpointReference>
<d:Types>{types}</d:Types><d:Scopes>{scopes}</d:Scopes>
<d:XAddrs>http://192.168.1.64/onvif/device_service</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion>
</d:ProbeMatch></d:ProbeMatches></SOAP-ENV:Body></SOAP-ENV:Envelope>
"""
SCOPES = (
    "onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/location/Salle%202%20Dr%20DUPONT"
    " onvif://www.onvif.org/name/HIKVISION%20DS-2CD2042WD-I onvif://www.onvif.org/hardware/DS-2CD2042WD-I"
)


def matches(
    scopes: str = SCOPES, types: str = "dn:NetworkVideoTransmitter tds:Device", uuid: str = UUID
) -> bytes:
    """A camera's answer."""
    return ANSWER.format(scopes=scopes, types=types, uuid=uuid, relates=UUID[::-1]).encode()


@contextmanager
def camera(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """One that sends all of these for each datagram, from another port. Yields its address and what came."""
    heard: list[bytes] = []
    over = threading.Event()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth,
    ):
        address = fresh_address()
        sock.bind((address, PORT))
        mouth.bind((address, 0))
        sock.settimeout(0.05)

        def serve() -> None:
            while not over.is_set():
                try:
                    data, caller = sock.recvfrom(4096)
                except TimeoutError:
                    continue
                heard.append(data)
                for answer in answers:
                    mouth.sendto(answer, caller)

        serving = threading.Thread(target=serve)
        serving.start()
        try:
            yield address, heard
        finally:
            over.set()
            serving.join()


def test_a_camera_is_told_by_its_model_and_one_probe_is_sent() -> None:
    with camera(matches()) as (address, heard):
        asked = ask(PROBE, address, PORT, is_a="other")
    [seen] = asked.seen
    assert (seen.transport, seen.protocol, seen.port) == ("udp", "onvif", PORT)
    assert asked.facts == {"product": "DS-2CD2042WD-I", "onvif_uuid": UUID}
    assert (asked.rules, asked.error) == ([], None)
    [said] = heard
    assert len(said) < 1400  # one packet
    assert b"<d:Types>dn:NetworkVideoTransmitter</d:Types>" in said
    assert b"/discovery/Probe</w:Action>" in said
    assert not [word for word in (b"Security", b"Username", b"Get", b"Set") if word in said]


def test_no_two_probes_have_the_same_number() -> None:
    sent = {canned(PROBE, matches()).sent[0] for _ in range(2)}
    assert len(sent) == 2


def test_what_a_person_may_have_typed_is_not_kept() -> None:
    assert "DUPONT" not in str(canned(PROBE, matches()).seen)
    named = "onvif://www.onvif.org/name/{} onvif://www.onvif.org/type/ptz"
    for name, product in (("Camera%20Dr%20Martin", None), ("Jean%20Martin", None), ("IPC-A42P", "IPC-A42P")):
        assert canned(PROBE, matches(named.format(name))).facts["product"] == product


def test_a_recorder_is_known_by_its_scopes() -> None:
    assert canned(PROBE, matches(types="tds:Device")).facts["product"] == "DS-2CD2042WD-I"


def test_a_camera_without_scopes_is_one_by_its_type() -> None:
    asked = canned(PROBE, matches(scopes=""))
    assert asked.facts == {"product": None, "onvif_uuid": UUID}


def test_who_answers_and_is_no_camera_is_none_and_that_is_no_failure() -> None:
    for types in ("wsdp:Device pub:Computer", ""):
        asked = canned(PROBE, matches("", types))
        assert (asked.seen, asked.error) == ([], None)


@pytest.mark.parametrize("uuid", ["x" * 36, "", UUID + "0", UUID.replace("-", "_")])
def test_a_mark_that_is_no_uuid_is_not_kept(uuid: str) -> None:
    assert canned(PROBE, matches(uuid=uuid)).facts["onvif_uuid"] is None


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize(
    "told",
    [
        BOMB + matches(),
        b"SIP/2.0 200 OK\r\n\r\n",
        b"\x00" * 40,
        b"<ProbeMatchesNot/>",
        b"<x>ProbeMatches</x>",
    ],
)
def test_what_is_no_answer_to_a_probe_or_brings_entities_is_a_failure(told: bytes) -> None:
    asked = canned(PROBE, told)
    assert (asked.reason, asked.seen) == (Reason.PROTOCOL, [])


def test_a_camera_that_stays_silent_is_a_failure() -> None:
    with camera() as (address, _):
        asked = ask(PROBE, address, PORT, is_a="other")
    assert (asked.reason, asked.seen) == (Reason.MUTE, [])


def test_of_a_camera_that_floods_one_datagram_is_read() -> None:
    with camera(*[matches()] * 50) as (address, heard):
        asked = ask(PROBE, address, PORT, is_a="other")
    assert (len(asked.seen), len(heard)) == (1, 1)


def test_from_the_internet_any_camera_is_a_finding_and_in_the_practice_it_is_none() -> None:
    for vantage, rules in ((Vantage.LAN, []), (Vantage.OUTSIDE, ["onvif-reachable"])):
        seen = Target("d", "192.0.2.1", (), vantage).observed("onvif", PORT, "onvif", {}, transport="udp")
        assert [finding.rule for finding in PROBE.judge(seen)] == rules


def test_it_is_asked_only_of_what_looks_like_a_camera() -> None:
    for ports, spoken, asked in (
        ((80, 443), {}, ()),
        ((80, 554), {}, (PORT,)),
        ((80, 8554), {}, (PORT,)),
        ((80, 554), {554: "http"}, ()),
        ((80, 10554), {10554: "rtsp"}, (PORT,)),
    ):
        assert PROBE.wants(Target("d", "192.0.2.1", ports, spoken=spoken)) == asked


@pytest.mark.parametrize("is_a", ["medical", "unknown", "printer", "box"])
def test_it_is_asked_of_nothing_that_may_be_harmed(is_a: str) -> None:
    with pytest.raises(ScopeError, match=r"egress\.class"):
        ask(PROBE, fresh_address(), PORT, is_a=is_a)


@given(
    st.binary(max_size=300) | st.text(max_size=300).map(str.encode),
    st.sampled_from([b"", b"<d:ProbeMatches>", b"<d:ProbeMatches><d:Scopes>onvif://www.onvif.org/hardware/"]),
)
def test_any_bytes_give_facts_or_a_failure(told: bytes, begins: bytes) -> None:
    for ends in (b"", b"</d:Scopes>"):
        canned(PROBE, begins + told + ends)
