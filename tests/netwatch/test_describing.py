"""Is the page that a device points to read, as far as its class allows, and what of it is kept?"""

from __future__ import annotations

from datetime import date
from ipaddress import IPv4Network

import pytest

from netwatch.classes import table
from netwatch.describing import described, manner
from netwatch.egress import Egress
from netwatch.errors import ScopeError
from netwatch.model import Facts, Reason
from netwatch.probe import ProbeError
from netwatch.scope import Scope
from netwatch.ssdp import Place
from tests.lab.hurry import FAST
from tests.lab.interview import fresh_address
from tests.lab.peers import Peer, Talk

UUID = "e3248000-80ce-11db-8000-30055c6f279f"
NAS = f"""<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0"><device>
<deviceType>urn:schemas-upnp-org:device:Basic:1</deviceType>
<friendlyName>NAS de Jean Dupont</friendlyName><manufacturer>Synology</manufacturer>
<modelName>DS218+</modelName><modelNumber>DS218+ 7.2-64570</modelNumber><serialNumber>123456</serialNumber>
<UDN>uuid:{UUID.upper()}</UDN></device></root>"""


def answering(status: str, body: str) -> Peer:
    """A web server that says this to whatever comes."""

    def behave(talk: Talk) -> None:
        while True:
            asked = talk.some()
            requests.append(asked)
            head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            talk.send((head + body).encode())

    requests: list[bytes] = []
    peer = Peer(behave, fresh_address())
    peer.requests = requests  # type: ignore[attr-defined]
    return peer


def ask(
    peer: Peer, is_a: str = "computer", path: str = "/desc.xml", ports: frozenset[int] = frozenset()
) -> Facts:
    scope = Scope((IPv4Network(f"{peer.address}/32"),), until=date.max, excluded_ports=ports)
    egress = Egress(scope, FAST)
    egress.classed(peer.address, table()[is_a])
    try:
        way = egress.asking("ssdp", manner(table()[is_a]))
        return described(way, peer.address, Place(peer.port, path))
    finally:
        egress.close()


@pytest.mark.parametrize("is_a", ["computer", "box"])
def test_what_it_is_is_kept_and_whose_it_is_is_not(is_a: str) -> None:
    with answering("200 OK", NAS) as peer:
        told = ask(peer, is_a)
    assert told == {"maker": "Synology", "product": "DS218+", "version": "7.2-64570", "uuid": UUID}
    [request] = peer.requests  # type: ignore[attr-defined]
    assert request.startswith(b"GET /desc.xml HTTP/1.1\r\n")


@pytest.mark.parametrize("is_a", ["medical", "unknown", "printer", "other"])
def test_a_class_that_takes_no_page_is_asked_for_none(is_a: str) -> None:
    with answering("200 OK", NAS) as peer, pytest.raises(ScopeError):
        ask(peer, is_a)
    assert peer.connections == 0


def test_an_excluded_port_is_not_asked() -> None:
    with answering("200 OK", NAS) as peer, pytest.raises(ScopeError):
        ask(peer, ports=frozenset({peer.port}))
    assert peer.connections == 0


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("302 Found", ""),
        ("200 OK", "<html>DUPONT Jean"),
        ("200 OK", "<!DOCTYPE a [<!ENTITY b 'c'>]><root/>"),
        ("404 Not Found", NAS),
    ],
)
def test_what_is_no_description_is_a_failure(status: str, body: str) -> None:
    with answering(status, body) as peer, pytest.raises(ProbeError) as wrong:
        ask(peer)
    assert wrong.value.reason is Reason.PROTOCOL
    assert "DUPONT" not in str(wrong.value)


def test_a_description_without_anything_tells_nothing() -> None:
    with answering("200 OK", "<root/>") as peer:
        assert ask(peer) == {}


def test_what_speaks_no_http_is_a_failure() -> None:
    def ssh(talk: Talk) -> None:
        talk.send(b"SSH-2.0-x\r\n")

    with Peer(ssh, fresh_address()) as peer, pytest.raises(ProbeError):
        ask(peer)
