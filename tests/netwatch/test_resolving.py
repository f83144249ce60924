"""Who is asked for the names that DHCP knows, about whom, and what is believed? A small resolver on 127.x."""

from __future__ import annotations

import socket
import struct
import threading
from datetime import date
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import pytest

from netwatch import ptr
from netwatch.audit import Audit
from netwatch.classes import table
from netwatch.egress import Egress
from netwatch.resolving import DNS, MANNER, MOST_MUTE, MUTE, Resolved, resolve, resolvers
from netwatch.scope import Scope
from tests.lab.hurry import FAST
from tests.lab.interview import fresh_address
from tests.netwatch.test_ptr import labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

KNOWN = {f"192.168.1.{last}": f"m-{last}" for last in (20, 21, 22, 23)}


class Resolver(threading.Thread):
    """Answers with `names`, by address; `refuses` those who do not ask for recursion; `mute` stays so."""

    def __init__(self, names: Mapping[str, str], *, refuses: bool = False, mute: bool = False) -> None:
        super().__init__(daemon=True)
        self.names, self.refuses, self.mute = names, refuses, mute
        self.address = fresh_address()
        self.heard: list[tuple[str, int]] = []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def listen(self, port: int) -> None:
        self.sock.bind((self.address, port))
        self.start()

    def run(self) -> None:
        while True:
            try:
                asked, asker = self.sock.recvfrom(512)
            except OSError:
                return
            at, parts = 12, []
            while size := asked[at]:
                parts.append(asked[at + 1 : at + 1 + size].decode())
                at += 1 + size
            about, flags = ".".join(reversed(parts[:4])), struct.unpack(">H", asked[2:4])[0]
            self.heard.append((about, flags))
            if self.mute:
                continue
            name = self.names.get(about)
            code = 5 if self.refuses and not flags & 0x100 else 0 if name else 3
            answers = bool(name) and not code
            reply = asked[:2] + struct.pack(">5H", 0x8480 | flags | code, 1, answers, 0, 0) + asked[12:]
            if answers and name:
                target = labels(name)
                reply += struct.pack(">HHHIH", 0xC00C, 12, 1, 0, len(target)) + target
            self.sock.sendto(reply, asker)


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Resolver]]:
    """Resolvers on one port, which stands for 53."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(ptr, "PORT", port)
    monkeypatch.setattr("netwatch.resolving.PATIENCE", 0.2)
    made: list[Resolver] = []

    class Started(Resolver):
        def __init__(self, names: Mapping[str, str], *, refuses: bool = False, mute: bool = False) -> None:
            super().__init__(names, refuses=refuses, mute=mute)
            made.append(self)
            self.listen(port)

    yield Started
    for one in made:
        one.sock.close()


def asked(
    *addresses: str,
    known: Mapping[str, str] = KNOWN,
    is_a: str = "box",
    ports: frozenset[int] = frozenset(),
    audit: Audit | None = None,
) -> Resolved:
    scope = Scope((IPv4Network("127.79.0.0/16"),), until=date.max, excluded_ports=ports)
    egress = Egress(scope, FAST, audit)
    for address in addresses:
        egress.classed(address, table()[is_a])
    try:
        return resolve(egress.asking(DNS, MANNER), addresses, known)
    finally:
        egress.close()


def test_each_device_is_asked_for_once_and_its_name_is_told(start: type[Resolver]) -> None:
    box, audit = start({"192.168.1.20": "PC-ACCUEIL.lan", "192.168.1.22": "192-168-1-22.lan"}), Audit()
    told = asked(box.address, audit=audit)
    assert (told.names, told.asked, told.missed) == ({"m-20": "PC-ACCUEIL"}, True, [])
    assert box.heard == [(address, 0) for address in KNOWN]
    assert [line["sent"][0] for line in audit.about(box.address)][:1] == [
        "DNS PTR of 192.168.1.20 (43 bytes)"
    ]


def test_a_name_that_several_have_is_nobodys(start: type[Resolver]) -> None:
    box = start({"192.168.1.20": "poste.lan", "192.168.1.21": "POSTE.home", "192.168.1.22": "nas.lan"})
    assert asked(box.address).names == {"m-22": "nas"}


def test_a_resolver_that_wants_to_be_asked_as_others_ask_is(start: type[Resolver]) -> None:
    box = start({"192.168.1.20": "nas.lan"}, refuses=True)
    assert asked(box.address).names == {"m-20": "nas"}
    assert [flags for _, flags in box.heard] == [0, 0x100, 0x100, 0x100, 0x100]


def test_the_first_that_answers_is_believed_and_no_other_is_asked(start: type[Resolver]) -> None:
    first, second = start({}), start({"192.168.1.20": "nas"})
    assert asked(first.address, second.address) == Resolved({}, asked=True)
    assert second.heard == []


def test_who_is_mute_is_left_and_the_next_is_asked(start: type[Resolver]) -> None:
    mute, other = start({}, mute=True), start({"192.168.1.20": "nas"})
    assert asked(mute.address, fresh_address(), other.address).names == {"m-20": "nas"}
    assert len(mute.heard) == MUTE < MOST_MUTE


@pytest.mark.parametrize("is_a", ["medical", "unknown", "printer", "other"])
def test_who_may_not_be_asked_is_not(start: type[Resolver], is_a: str) -> None:
    device = start({"192.168.1.20": "nas"})
    told = asked(device.address, is_a=is_a)
    assert (told.names, told.asked, [one.message for one in told.missed]) == ({}, False, ["egress.class"])
    assert device.heard == []


def test_an_excluded_port_is_not_asked(start: type[Resolver]) -> None:
    box = start({"192.168.1.20": "nas"})
    told = asked(box.address, ports=frozenset({ptr.PORT}))
    assert ([one.message for one in told.missed], box.heard) == (["egress.excluded-port"], [])


def test_a_resolver_elsewhere_is_never_asked() -> None:
    assert [one.message for one in asked("192.0.2.53").missed] == ["egress.outside-networks"]


def test_only_resolvers_of_the_sites_networks_are_thought_of(tmp_path: Path) -> None:
    file, more = tmp_path / "resolv.conf", tmp_path / "more"
    file.write_text(
        "# x\nsearch lan\nnameserver 127.0.0.53\nnameserver 9.9.9.9\nnameserver 192.168.1.2\n"
        "nameserver\nnameserver 192.168.1.300\nnameserver fe80::1\nnameserver 192.168.1.200\n",
        encoding="utf-8",
    )
    more.write_text("nameserver 192.168.1.3\nnameserver 192.168.1.2\n", encoding="utf-8")
    scope = Scope(
        (IPv4Network("192.168.1.0/24"),), date.max, excluded_addresses=(IPv4Network("192.168.1.200/32"),)
    )
    files = (file, more, tmp_path / "missing")
    assert resolvers(scope, "192.168.1.1", files) == ("192.168.1.2", "192.168.1.3", "192.168.1.1")
    assert resolvers(scope, "192.168.1.2", (file,)) == ("192.168.1.2",)
    assert resolvers(scope, "10.0.0.1", ()) == resolvers(scope, None, ()) == ()
