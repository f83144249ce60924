"""What of a telephone's answer is kept, and is what we ask well formed?"""

from __future__ import annotations

import pytest

from netwatch import sip
from netwatch.probe import ProbeError


def told(agent: str, status: str = "200 OK") -> bytes:
    return f"SIP/2.0 {status}\r\nVia: x\r\nServer: {agent}\r\nContent-Length: 0\r\n\r\nServer: body".encode()


@pytest.mark.parametrize(
    ("agent", "product", "version"),
    [
        ("kamailio (5.6.3 (x86_64/linux))", "kamailio", "5.6.3"),
        ("Yealink SIP-T46S 66.84.0.15", "Yealink SIP-T46S", "66.84.0.15"),
        ("Asterisk PBX 18.9.0", "Asterisk PBX", "18.9.0"),
        ("FPBX-16.0.40(18.9.0)", "FPBX", "16.0.40"),
        ("snomD785 0004139A0B0C", "snomD785", None),
        ("AVM FRITZ!Box 7312 117.05.23 TAL (Jun  1 2012)", "AVM FRITZ!Box 7312", "117.05.23"),
        ("AVM FRITZ!Box Fon 5012 (UI) 25.03.90 (Oct 28 2005)", "AVM FRITZ!Box Fon 5012", None),
        ("AVM FRITZ!Box Fon WLAN 7170 29.04.76 (Jul 13 2009)", "AVM FRITZ!Box Fon WLAN 7170", "29.04.76"),
        ("FRITZ!OS", "FRITZ!OS", None),
        ("AVM FRITZ!Box 7590 DUPONT Jean", "AVM FRITZ!Box 7590", None),
        ("PolycomVVX-VVX_350-UA/5.8.0.13337", "PolycomVVX-VVX_350", "5.8.0.13337"),
        ("PolycomVVX-VVX_400-UA/4.1.4.7430_010203040506", "PolycomVVX-VVX_400", "4.1.4.7430"),
        ("Polycom/5.5.0.23866 PolycomVVX-VVX_501-UA/5.5.0.23866", "PolycomVVX-VVX_501", "5.5.0.23866"),
        ("PolycomSoundPointIP-SPIP_670-UA/4.0.7.2514", "PolycomSoundPointIP-SPIP_670", "4.0.7.2514"),
        ("PolycomRealPresenceTrio-Trio_8800-UA/5.4.0.1", "PolycomRealPresenceTrio-Trio_8800", "5.4.0.1"),
        ("Mitel-5320-SIP-Phone 06.05.00.11 010203040506", "Mitel-5320-SIP-Phone", "06.05.00.11"),
        ("Panasonic_KX-TGP500B09/22.90", "Panasonic_KX-TGP500B09", "22.90"),
        ("Fanvil X303 2.12.18.9 0c383e63963b", "Fanvil X303", "2.12.18.9"),
        ("PolycomVVX-Jean_Dupont-UA/5.8", None, "5.8"),
        ("+33612345678", None, None),
        ("poste 0612345678", None, None),
        ("Yealink DUPONT Jean", "Yealink", None),
        ("DUPONT Jean", None, None),
        ("Jean Dupont", None, None),
        ("DUPONT^JEAN 1.2", None, None),
        ("", None, None),
    ],
)
def test_the_program_is_kept_and_no_person(agent: str, product: str | None, version: str | None) -> None:
    facts = sip.facts(told(agent))
    assert (facts["product"], facts["version"]) == (product, version)


@pytest.mark.parametrize(
    ("status", "asks"), [("200 OK", "unknown"), ("401 No", "password"), ("407 No", "password")]
)
def test_a_password_is_told_where_even_this_question_wants_one(status: str, asks: str) -> None:
    assert sip.facts(told("x", status))["authentication"] == asks


def test_what_does_not_begin_as_sip_does_is_an_error() -> None:
    with pytest.raises(ProbeError):
        sip.facts(b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n")


@pytest.mark.parametrize(
    ("transport", "uri"), [("tcp", "sip:1.2.3.4:5060;transport=tcp"), ("udp", "sip:1.2.3.4:5060")]
)
def test_the_question_is_options_and_names_nobody(transport: str, uri: str) -> None:
    asked = sip.question("1.2.3.4:5060", transport).decode()
    assert asked.startswith(f"OPTIONS {uri} SIP/2.0\r\nVia: SIP/2.0/{transport.upper()} ")
    assert asked.endswith("Content-Length: 0\r\n\r\n")
    assert "@" not in asked
