"""What do a real resolver and a real page tell of where we are? In a closed net that looks like internet."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.net import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.lab

DNS = "10.77.0.53"
US, US_6, PAGE, PAGE_6 = "82.64.0.10", "2a01:e34:ec00:10::5", "82.64.0.80", "2a01:e34:ec00:10::80"
ZONE = {
    "cabinet.example.org": [US, US_6, "192.168.1.1"],
    "ip.example.org": [PAGE, PAGE_6],
    "inside.example.org": ["10.77.0.2"],
}
# A name server of a dozen lines: RFC 1035 4.1. It is silent about names that begin with "silent".
SERVER = """
import json, socket, sys
from ipaddress import ip_address
zone = json.loads(sys.argv[1])
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("10.77.0.53", 53))
while True:
    query, client = sock.recvfrom(512)
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += 1 + query[at]
    name, kind, question = ".".join(labels).lower(), query[at + 2], query[12 : at + 5]
    if name.startswith("silent"):
        continue
    code = 0 if name in zone else 2 if name.startswith("broken") else 3
    found = [ip_address(one).packed for one in zone.get(name, [])]
    found = [one for one in found if len(one) == {1: 4, 28: 16}[kind]]
    head = b"\\xc0\\x0c\\0" + bytes([kind]) + b"\\0\\1\\0\\0\\0\\0\\0"
    rows = b"".join(head + bytes([len(one)]) + one for one in found)
    head = query[:2] + bytes([0x81, 0x80 | code, 0, 1, 0, len(found), 0, 0, 0, 0])
    sock.sendto(head + question + rows, client)
"""
ASK = """
import json, sys
from netwatch.audit import Audit
from netwatch.errors import OutsideError
from netwatch.whereabouts import ask_echo, ask_name
what, name, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
try:
    if what == "name":
        told = [str(one) for one in ask_name(name, Audit(), seconds=seconds)]
    else:
        told = str(ask_echo(name, Audit(), version=int(what), seconds=seconds))
except OutsideError as error:
    told = [error.message, str(error.reason)]
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        server, page = (
            lab.host("dns", DNS, "02:77:00:00:00:53"),
            lab.host("page", "10.77.0.80", "02:77:00:00:00:80"),
        )
        for host, four, six in ((lab.scanner, US, US_6), (page, PAGE, PAGE_6)):
            host.ip(f"address add {four}/24 dev eth0", f"address add {six}/64 dev eth0 nodad")
        server.start([sys.executable, "-c", SERVER, json.dumps(ZONE)], root=False)
        page.start([sys.executable, "-m", "tests.lab.echo", "80"], root=False, ready_port=80)
        (lab.scratch / "resolv.conf").write_text(f"nameserver {DNS}\noptions timeout:5 attempts:2\n")
        yield lab


def ask(lab: Lab, what: str, name: str, seconds: float = 4) -> Any:  # noqa: ANN401 - what came
    here = f'mount --bind {lab.scratch / "resolv.conf"} /etc/resolv.conf && exec "$@"'
    argv = ["unshare", "-m", "sh", "-c", here, "sh", sys.executable, "-c", ASK, what, name, str(seconds)]
    done = lab.run(argv)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_name_gives_its_addresses_on_the_internet(lab: Lab) -> None:
    assert ask(lab, "name", "cabinet.example.org") == [US, US_6]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nobody.example.org", ["address.name-unknown", "unproved"]),
        ("inside.example.org", ["address.name-private", "unproved"]),
        ("broken.example.org", ["address.name-trouble", "protocol"]),
        ("silent.example.org", ["address.name-slow", "timeout"]),
    ],
)
def test_each_way_not_to_have_a_name_is_told_apart(lab: Lab, name: str, told: list[str]) -> None:
    assert ask(lab, "name", name, 1) == told


@pytest.mark.parametrize(("version", "address"), [("4", US), ("6", US_6)])
def test_the_page_tells_from_where_it_is_asked(lab: Lab, version: str, address: str) -> None:
    assert ask(lab, version, "http://ip.example.org/") == address


def test_a_page_that_is_not_there_is_told_so(lab: Lab) -> None:
    told = ask(lab, "4", "http://ip.example.org:81/")
    assert told == ["address.echo-unreachable", "refused"]
    assert ask(lab, "4", "http://inside.example.org/") == ["address.echo-near", "unproved"]
    assert ask(lab, "4", "http://nobody.example.org/") == ["address.name-unknown", "unproved"]
