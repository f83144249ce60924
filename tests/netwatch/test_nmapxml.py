"""What did nmap really say? Cut anywhere, mangled, or whole: what was finished is kept, nothing is raised."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.nmapxml import MOST_SERVICES, Reading, Service, System, read

HOST = (
    '<host><status state="up" reason="arp-response"/><address addr="{address}" addrtype="ipv4"/>'
    '<address addr="00:11:32:AA:BB:CC" addrtype="mac" vendor="Synology"/></host>'
)
ENDED = '<runstats><finished exit="success"/></runstats>'


def run(*hosts: str, ended: str = ENDED) -> bytes:
    return f'<?xml version="1.0"?><!DOCTYPE nmaprun><nmaprun>{"".join(hosts)}{ended}</nmaprun>'.encode()


def host(last: int = 20) -> str:
    return HOST.format(address=f"192.168.1.{last}")


def test_a_whole_run_is_finished_and_its_hosts_have_their_cards() -> None:
    reading = read(run(host()))
    assert reading.finished
    [seen] = reading.hosts
    assert (seen.address, seen.mac, seen.up) == ("192.168.1.20", "00:11:32:aa:bb:cc", True)
    assert seen.reason == "arp-response"


def test_a_run_without_its_end_or_with_an_error_is_not_finished() -> None:
    assert not read(run(host(), ended="")).finished
    assert not read(
        run(host(), ended='<runstats><finished exit="error" errormsg="killed"/></runstats>')
    ).finished


@given(st.integers(0, 1500))
def test_cut_anywhere_the_finished_hosts_are_kept(at: int) -> None:
    whole = run(host(20), host(21), host(22))
    cut = whole[:at]
    reading = read(cut)
    assert [seen.address for seen in reading.hosts] == [
        f"192.168.1.{last}" for last in (20, 21, 22)[: cut.count(b"</host>")]
    ]
    assert reading.finished == (at >= len(whole))


@given(st.binary(max_size=300), st.integers(0, 900))
def test_rubbish_anywhere_raises_nothing(rubbish: bytes, at: int) -> None:
    whole = run(host(20), host(21))
    read(whole[:at] + rubbish + whole[at:])
    read(rubbish)


def test_entities_are_refused() -> None:
    bomb = b'<!DOCTYPE nmaprun [<!ENTITY a "aaaa">]><nmaprun>' + host().encode() + b"</nmaprun>"
    assert read(bomb).hosts == ()


def test_the_nmap_of_this_machine_is_understood() -> None:
    path = shutil.which("nmap")
    assert path, "nmap is not installed: make test installs it"
    ended = subprocess.run(
        [path, "-n", "-sn", "--unprivileged", "-oX", "-", "127.77.250.1"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    reading = read(ended.stdout)
    assert reading.finished
    assert [(host.address, host.up) for host in reading.hosts] == [("127.77.250.1", True)]


PORT = (
    '<ports><port protocol="{protocol}" portid="{port}"><state state="{state}"/>'
    '<service name="{name}" product="{product}" version="{version}" extrainfo="workgroup: DUPONT" '
    'hostname="pc-dupont" servicefp="SF-Port22-TCP" method="{method}">{cpe}</service></port></ports>'
)
GOOD = {
    "protocol": "tcp",
    "port": "22",
    "state": "open",
    "name": "ssh",
    "product": "OpenSSH",
    "version": "9.2p1 Debian 2+deb12u3",
    "method": "probed",
    "cpe": "<cpe>cpe:/a:openbsd:openssh:9.2p1</cpe><cpe>cpe:/o:linux:linux_kernel</cpe>",
}
OS = (
    '<os><osmatch name="{name}" accuracy="{accuracy}"><osclass type="{type}"><cpe>{cpe}</cpe></osclass>'
    "</osmatch></os>"
)


def with_port(**changes: str) -> Reading:
    return read(run(host().replace("</host>", PORT.format(**GOOD | changes) + "</host>")))


def test_of_a_service_nmaps_own_words_are_kept_and_the_devices_are_not() -> None:
    [seen] = with_port().hosts
    assert seen.services == (
        Service(
            22,
            "ssh",
            "OpenSSH",
            "9.2p1 Debian 2+deb12u3",
            "cpe:/a:openbsd:openssh:9.2p1 cpe:/o:linux:linux_kernel",
        ),
    )
    assert "upont" not in repr(seen).lower()


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "table"},
        {"state": "closed"},
        {"protocol": "udp"},
        {"port": "0"},
        {"port": "65536"},
        {"port": "٢٢"},
        {"port": "-1"},
        {"name": ""},
    ],
)
def test_what_was_not_recognised_by_an_answer_is_no_service(wrong: dict[str, str]) -> None:
    assert [one.services for one in with_port(**wrong).hosts] == [()]


def test_hostile_words_are_cut_cleaned_or_left_out() -> None:
    [seen] = with_port(
        product="A&#x9;&#x202e;" + "B" * 9999,
        version="DUPONT^JEAN",
        cpe="<cpe>cpe:/a:x:" + "y" * 500 + "</cpe><cpe>cpe:/o:&#x202e;</cpe>" + "<cpe>cpe:/a:b:c</cpe>" * 900,
    ).hosts
    [told] = seen.services
    assert told.product is not None
    assert (len(told.product), told.product.isprintable(), told.version) == (60, True, None)
    assert told.cpe == "cpe:/a:b:c"
    flood = "".join(PORT.format(**GOOD | {"port": str(port)}) for port in range(1, 3000))
    [seen] = read(run(host().replace("</host>", flood + "</host>"))).hosts
    assert len(seen.services) <= MOST_SERVICES


@pytest.mark.parametrize(("product", "kept"), [
    ("Dropbear sshd", True), ("Microsoft Windows RPC", True), ("Allegro RomPager", True),
    ("Zzcanary Durand", False), ("ZZCANARY Marie", False),
])  # fmt: skip
def test_what_nmap_copied_from_a_device_is_left_out_where_it_is_written_as_a_name(
    product: str, *, kept: bool
) -> None:
    [seen] = with_port(product=product, version="marie zzcanary").hosts
    [told] = seen.services
    assert (told.product, told.version) == (product if kept else None, None)


def test_the_first_guess_at_a_system_is_kept_where_it_says_how_sure_it_is() -> None:
    linux = {"name": "Linux 5.3", "accuracy": "96", "type": "general purpose", "cpe": "cpe:/o:linux:x"}
    other = OS.format(**linux | {"name": "Plan 9"})

    def guessed(**changes: str) -> System | None:
        told = OS.format(**linux | changes).replace("</os>", other.removeprefix("<os>"))
        [seen] = read(run(host().replace("</host>", told + "</host>"))).hosts
        return seen.system

    assert guessed() == System("Linux 5.3", 96, "general purpose", "cpe:/o:linux:x")
    for wrong in ("", "0", "101", "lots"):
        assert guessed(accuracy=wrong) is None
    assert guessed(name="") is None


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "cp037"])
def test_no_other_encoding_hides_an_entity(encoding: str) -> None:
    bomb = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE n [<!ENTITY a "{"a" * 99}">]><n>'
    assert read((bomb + host().replace("arp-response", "&a;") + "</n>").encode(encoding)).hosts == ()
    plain = bomb.encode() + (host() + "</n>").encode(encoding)
    assert read(plain).hosts == ()


def test_a_run_that_nmap_gave_up_says_so() -> None:
    [seen] = read(run(host().replace("<host>", '<host timedout="true">'))).hosts
    assert seen.late
