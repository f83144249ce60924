"""Is every product known by its marks, and nothing else kept of what a page told?"""

from __future__ import annotations

import importlib
import re
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch import products
from netwatch.products import Heard, icon_link, icon_mark, murmur3, page_kind, recognise, server, title

if TYPE_CHECKING:
    from collections.abc import Iterable

DATA: dict[str, Any] = tomllib.loads(Path(products.__file__).with_suffix(".toml").read_text(encoding="utf-8"))
KINDS = {
    "box", "network", "nas", "printer", "camera", "phone", "power", "home", "console", "pacs", "database",
    "share", "application", "default-page",
}  # fmt: skip


def of(header: str, value: str) -> Heard:
    return Heard(headers={header: value})


def asks(realm: str) -> Heard:
    return of("www-authenticate", f'Basic realm="{realm}"')


# For each product, what such a server was seen to say.
SHOWN: dict[str, tuple[Heard, ...]] = {
    "Freebox": (Heard(title="Freebox OS :: Identification"), Heard(certificate="g1zc7v0y.fbxos.fr")),
    "Livebox": (Heard(title="Livebox"),),
    "Bbox": (Heard(certificate="mabbox.bytel.fr"),),
    "SFR Box": (Heard(title="neufbox - Accueil"), Heard(body="<td>: NB6VAC-MAIN-R4.0.45d</td>")),
    "FRITZ!Box": (Heard(title="FRITZ!Box"),),
    "Synology DSM": (
        Heard(title="DS218 - Synology DiskStation"),
        Heard(title="OnzeNAS\xa0-\xa0Synology\xa0DiskStation"),
        Heard(body='<script>SYNO.SDS.Session = {"isLogined": false}</script>'),
    ),
    "Synology Web Station": (Heard(title="Hello! Welcome to Synology Web Station!"),),
    "QNAP QTS": (
        Heard(title="QNAP Turbo NAS"),
        Heard(body='redirect_suffix = "/redirect.html?count="+Math.random();'),
    ),
    "Asustor ADM": (Heard(body="Copyright Asustor Inc. All rights reserved."),),
    "WD My Cloud": (Heard(body='<div id="Cloud_Connection_StatusID">'),),
    "TrueNAS": (Heard(title="TrueNAS - 192.168.1.9"),),
    "OpenMediaVault": (Heard(title="openmediavault control panel - raspberrypi"),),
    "Netgear ReadyNAS": (Heard(title="NETGEAR ReadyNAS"),),
    "HP printer": (
        of("server", "HP HTTP Server; HP OfficeJet Pro 8710 - D9L18A; Serial Number: X;"),
        Heard(title="HP LaserJet M1536dnf MFP   192.168.1.5"),
    ),
    "Brother printer": (Heard(title="Brother MFC-L5900DW series"), of("server", "debut/1.20")),
    "Canon printer": (of("server", "CANON HTTP Server"), Heard(title="Remote UI <Top Page> : iR2520 ;")),
    "Epson printer": (of("server", "EPSON-HTTP/1.0"), Heard(body="SEIKO EPSON CORPORATION")),
    "Xerox printer": (of("server", "Xerox_MicroServer/Xerox11"), asks("CentreWare_IS_Admin")),
    "Kyocera printer": (of("server", "KM-MFP-http/V0.0.1"), Heard(body='src="/startwlm/Start_Wlm.htm"')),
    "Ricoh printer": (Heard(title="Web Image Monitor"),),
    "Lexmark printer": (Heard(title="Lexmark MX611dhe"),),
    "Hikvision": (of("server", "App-webs/"), of("server", "DNVRS-Webs"), of("server", "Hikvision-Webs")),
    "Dahua": (Heard(title="WEB SERVICE"),),
    "Axis": (Heard(title="Live view - AXIS M1011 Network Camera"), asks("AXIS_ACCC8E3A0A8F")),
    "Reolink": (Heard(title="Reolink"),),
    "Foscam": (Heard(title="IPCam Client"), of("server", "Netwave IP Camera")),
    "Yealink telephone": (of("server", "yealink embed httpd"),),
    "Polycom telephone": (Heard(title="Polycom - Configuration Utility"),),
    "Ubiquiti UniFi": (Heard(title="UniFi Network"), Heard(title="UniFi OS"), Heard(title="CloudKey")),
    "Ubiquiti EdgeOS": (Heard(title="EdgeOS"),),
    "MikroTik RouterOS": (Heard(title="RouterOS router configuration page"),),
    "TP-Link": (of("server", "TP-LINK Router"), asks("TP-LINK Wireless N Router WR841N")),
    "Netgear": (asks("NETGEAR R7000"), Heard(title="NETGEAR GS108T")),
    "Zyxel": (of("server", "ZyXEL-RomPager/3.02"), Heard(body='<script src="/lib/mode_ana.js">')),
    "DrayTek Vigor": (Heard(title="Vigor Login Page"), asks("Login to the Router Web Configurator")),
    "Fortinet FortiGate": (of("server", "xxxxxxxx-xxxxx"), Heard(body='top.location="/remote/login"')),
    "Cisco": (asks("level_15_access"), Heard(certificate="IOS-Self-Signed-Certificate-1234567890")),
    "D-Link": (Heard(title="D-LINK SYSTEMS, INC. | WIRELESS ROUTER | HOME"),),
    "APC network card": (asks("APC Management Card"),),
    "Home Assistant": (Heard(title="Home Assistant"),),
    "Orthanc": (Heard(title="Orthanc Explorer"), asks("Orthanc Secure Area")),
    "OHIF Viewer": (Heard(title="OHIF Viewer"),),
    "dcm4chee": (Heard(title="dcm4chee-arc-ui"), Heard(path="/dcm4chee-arc/ui2/")),
    "Dicoogle": (Heard(title="Dicoogle"),),
    "Weasis connector": (Heard(path="/weasis-pacs-connector/"),),
    "Proxmox VE": (Heard(title="pve1 - Proxmox Virtual Environment"),),
    "VMware ESXi": (
        Heard(body='<html ng-app="esxUiApp">'),
        Heard(body="""<meta http-equiv="refresh" content="0;URL='/ui'"/>"""),
    ),
    "Dell iDRAC": (Heard(path="/restgui/start.html"), Heard(body="<idrac-start-screen>")),
    "HPE iLO": (of("server", "HPE-iLO-Server/1.30"), Heard(title="iLO 4")),
    "Portainer": (Heard(title="Portainer"), Heard(body='<html lang="en" ng-app="portainer">')),
    "Webmin": (of("server", "MiniServ/1.991"), Heard(title="Login to Webmin")),
    "cPanel": (of("server", "cpsrvd/11.52.0.19"), Heard(title="WHM Login")),
    "phpMyAdmin": (Heard(body='<input name="pma_username">'), Heard(title="localhost | phpMyAdmin 4.8.4")),
    "Grafana": (Heard(title="Grafana"),),
    "Apache Guacamole": (Heard(body='<link href="guacamole.min.css?v=1.5.2">'),),
    "Zabbix": (Heard(title="appliance: Zabbix"),),
    "Elasticsearch": (
        Heard(body='{"name" : "n", "tagline" : "You Know, for Search"}'),
        of("x-elastic-product", "Elasticsearch"),
    ),
    "OpenSearch": (Heard(body='"tagline" : "The OpenSearch Project: https://opensearch.org/"'),),
    "CouchDB": (Heard(body='{"couchdb":"Welcome","version":"3.3.2"}'), of("server", "CouchDB/3.3.2")),
    "Docker": (of("server", "Docker/20.10.5 (linux)"), of("api-version", "1.41")),
    "MinIO console": (Heard(title="MinIO Console"),),
    "MinIO": (of("server", "MinIO/RELEASE.2019-09-05T23-24-38Z"), of("server", "MinIO")),
    "WebDAV": (of("dav", "1, 2"), asks("My WebDAV share")),
    "4D web server": (of("server", "4D/15.0.4"), of("server", "4D_v11_SQL/11.0")),
    "nginx": (Heard(title="Welcome to nginx!"),),
    "Apache": (Heard(title="Apache2 Debian Default Page: It works"),),
    "IIS": (Heard(title="IIS Windows Server"),),
    "lighttpd": (Heard(title="Powered by lighttpd"),),
    "Tomcat": (Heard(title="Apache Tomcat/8.0.32"),),
    "WildFly": (Heard(title="Welcome to WildFly"),),
}  # fmt: skip


@pytest.mark.parametrize("name", SHOWN)
def test_a_product_is_known_by_each_of_the_ways_in_which_it_was_seen(name: str) -> None:
    told = [found.product.name if (found := recognise(heard)) else None for heard in SHOWN[name]]
    assert told == [name] * len(SHOWN[name])


def test_every_product_of_the_list_is_shown_here_once() -> None:
    named = [one["name"] for one in DATA["product"]]
    assert sorted(named) == sorted(SHOWN)


@pytest.mark.parametrize("one", DATA["product"], ids=lambda one: str(one["name"]))
def test_an_entry_of_the_list_is_well_formed(one: dict[str, Any]) -> None:
    assert one["kind"] in KINDS
    assert set(one) <= {"name", "kind", "marks", "opens", "version", "speaks", "login"}
    assert one["marks"]
    for mark in [*one["marks"], *one.get("opens", ()), *([one["version"]] if "version" in one else [])]:
        assert set(mark) in ({"where", "has"}, {"where", "like"})
        assert re.fullmatch(r"title|server|body|certificate|path|header:[a-z0-9-]+", mark["where"])
    assert re.compile(one["version"]["like"]).groups == 1 if "version" in one else True


def test_every_source_of_a_mark_is_named() -> None:
    text = Path(products.__file__).with_suffix(".toml").read_text(encoding="utf-8")
    heads = [line for line in text.splitlines() if line.startswith(("[[", "[servers"))]
    assert [line for line in heads if "# " not in line] == []


def patterns() -> list[str]:
    """Every regular expression of the list."""
    entries = [*DATA["product"], *DATA["listing"]]
    marks = [mark for one in entries for mark in (*one["marks"], *one.get("opens", ()))]
    marks += [one["version"] for one in entries if "version" in one]
    return sorted({mark["like"] for mark in marks if "like" in mark})


def widest(tree: Iterable[Any]) -> int:
    """How often the most repeated part of a pattern may come, repetitions inside repetitions multiplied."""
    most = 1
    for operation, argument in tree:
        if str(operation) in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            most = max(most, int(argument[1]) * widest(argument[2]))
        elif str(operation) == "SUBPATTERN":
            most = max(most, widest(argument[-1]))
        elif str(operation) == "BRANCH":
            most = max([most, *map(widest, argument[1])])
    return most


@pytest.mark.parametrize("pattern", patterns())
def test_nothing_repeats_without_a_bound(pattern: str) -> None:
    assert widest(importlib.import_module("re._parser").parse(pattern)) <= 300


def test_the_guard_against_endless_repetition_sees_one() -> None:
    parse = importlib.import_module("re._parser").parse
    assert min(widest(parse(bad)) for bad in ("a*", "(?:a+)+", "x(?:b|[^<]*)", "(a{1,40}){1,40}")) > 300


HOSTILE = (
    "<",
    "<h1>",
    "<title",
    "<input ",
    "<link ",
    "a - /",
    "NB6",
    "guacamole.min.",
    "<form action",
    '"number"',
)


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_page_costs_no_time(piece: str) -> None:
    body = (piece * 65_536)[:65_536]
    began = time.process_time()
    heard = Heard(title(body), {}, body)
    page_kind(200, heard, recognise(heard))
    icon_link(body)
    assert time.process_time() - began < 1.0


INNOCENT = (
    Heard(
        title="Cabinet des Lilas", headers={"server": "nginx/1.22.1"}, body="<title>Cabinet des Lilas</title>"
    ),
    Heard(title="Accueil", body="<p>Nous reprenons contact avec vous.</p>"),
    Heard(title="Nos livebox et freebox", body="comparatif"),
    of("server", "Apache/2.4.57 (Debian)"),
)


@pytest.mark.parametrize("heard", INNOCENT)
def test_an_ordinary_page_is_no_product(heard: Heard) -> None:
    assert recognise(heard) is None


@pytest.mark.parametrize(
    ("heard", "told"),
    [
        (Heard(title="Apache Tomcat/8.0.32"), "8.0.32"),
        (Heard(title="Proxmox Virtual Environment", body="x" * 3000 + "pvemanagerlib.js?ver=8.1-4"), "8.1-4"),
        (Heard(body='"number" : "8.11.1", "tagline" : "You Know, for Search"'), "8.11.1"),
        (Heard(body="NB6VAC-MAIN-R4.0.45d"), "R4.0.45d"),
        (of("server", "HP-iLO-Server/1.30"), "1.30"),
        (of("server", "Docker/20.10.5 (linux)"), "20.10.5"),
        (Heard(title="Apache Tomcat"), None),
        (Heard(title="Grafana", body='"version":"<b>DUPONT</b>"'), None),
    ],
)
def test_a_version_is_what_versions_are_made_of(heard: Heard, told: str | None) -> None:
    found = recognise(heard)
    assert found is not None
    assert found.version == told


def test_of_a_title_only_the_recognised_words_are_kept() -> None:
    for told in ("DUPONT Jean - Synology DiskStation", "ZZCANARY^ONE 19010203 phpMyAdmin"):
        found = recognise(Heard(title=told))
        assert found is not None
        assert found.title in {"Synology DiskStation", "phpMyAdmin"}


OPEN = (
    (Heard(title="Orthanc Explorer"), True),
    (asks("Orthanc Secure Area"), False),
    (Heard(title="phpMyAdmin", body='<div id="pma_navigation">'), True),
    (Heard(title="phpMyAdmin", body='<input name="pma_username">'), False),
    (Heard(title="Grafana", path="/"), True),
    (Heard(title="Grafana", path="/login"), False),
    (Heard(title="Proxmox Virtual Environment"), False),
)


@pytest.mark.parametrize(("heard", "opened"), OPEN)
def test_only_all_its_signs_together_show_that_a_product_let_us_in(heard: Heard, opened: bool) -> None:  # noqa: FBT001
    found = recognise(heard)
    assert found is not None
    assert found.opened is opened
    assert page_kind(200, heard, found)[0] == ("open" if opened else page_kind(200, heard, found)[0])
    assert page_kind(500, heard, found)[0] == "error"


FORM = "<form><INPUT id=p TYPE = 'Password'></form>"
SYNOLOGY = Heard(title="Synology DiskStation")
PAGES = [
    # status, what was heard, page, how it asks
    (200, Heard(body="<p>hello"), "other", ""),
    (200, Heard(body=FORM), "login", "form"),
    (200, Heard(body='<input type=text><input type="password">'), "login", "form"),
    (403, Heard(body=FORM), "login", "form"),
    (200, Heard(body=f"<form action='https://x/login'>{FORM}"), "login", "secure-form"),
    (200, Heard(body="<p>type=password</p>"), "other", ""),
    (200, Heard(body="<input type=text placeholder=password>"), "other", ""),
    (200, SYNOLOGY, "login", "script"),
    (404, SYNOLOGY, "error", ""),
    (401, asks("x"), "login", "basic"),
    (401, of("www-authenticate", 'Digest realm="x"'), "login", "digest"),
    (401, of("www-authenticate", "Negotiate, NTLM"), "login", "negotiate"),
    (401, of("www-authenticate", 'NTLM, Basic realm="x"'), "login", "basic"),
    (401, of("www-authenticate", "Basics"), "login", "other"),
    (401, Heard(), "login", "other"),
    (403, asks("x"), "login", "basic"),
    (403, Heard(), "refused", ""),
    (302, Heard(), "redirect", ""),
    (304, Heard(), "other", ""),
    (404, Heard(), "error", ""),
    (503, Heard(), "error", ""),
    (200, Heard(title="Index of /"), "listing", ""),
    (200, Heard(title="Index of /scans/"), "listing", ""),
    (404, Heard(title="Index of /"), "error", ""),
    (200, Heard(title="Index of diseases"), "other", ""),
    (200, Heard(title="Directory listing for /"), "listing", ""),
    (200, Heard(title="Directory Listing For [/]"), "listing", ""),
    (200, Heard(title="Directory: /"), "listing", ""),
    (200, Heard(title="h - /", body="<H1>192.168.1.9 - /</H1><hr>\r\n\r\n<pre>"), "listing", ""),
    (200, Heard(title="h - /", body="<h1>192.168.1.9 - /</h1><p>"), "other", ""),
]  # fmt: skip


@pytest.mark.parametrize(("status", "heard", "kind", "how"), PAGES)
def test_a_page_is_one_of_eight_kinds(status: int, heard: Heard, kind: str, how: str) -> None:
    assert page_kind(status, heard, recognise(heard)) == (kind, how)


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("nginx/1.22.1", "nginx/1.22.1"),
        ("nginx", "nginx"),
        ("Apache/2.4.57 (Debian) PHP/8.2 DUPONT", "Apache/2.4.57 (Debian)"),
        ("Microsoft-IIS/10.0", "Microsoft-IIS/10.0"),
        ("Apache-Coyote/1.1", "Apache-Coyote/1.1"),
        ("Boa/0.94.14rc21", "Boa/0.94.14rc21"),
        ("HP HTTP Server; HP OfficeJet; Serial Number: TH6AX12345;", "HP HTTP Server"),
        ("nginx/19030405", "nginx"),
        ("nginx/ZZCANARY", "nginx"),
        ("nginxious", None),
        ("ZZCANARY^ONE", None),
        ("Cabinet/1.0", None),
        ("", None),
        ("nginx/1.18.0 (Ubuntu)", "nginx/1.18.0 (Ubuntu)"),
        ("nginx/1.18.0 (MARTIN Paul)", "nginx/1.18.0"),
    ],
)
def test_a_server_s_name_is_kept_where_it_is_a_known_one(header: str, told: str | None) -> None:
    assert server(header) == told


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("<html><TITLE >\n Hello&nbsp;&amp;\r\n you </TITLE>", "Hello & you"),
        ("<title lang='fr'>Accueil</title><title>second</title>", "Accueil"),
        ("<title>never ends", "never ends"),
        ("<title></title>", ""),
        ("no title", ""),
        ("<title>" + "x" * 5000, "x" * 300),
    ],
)
def test_a_title_is_on_one_line(body: str, told: str) -> None:
    assert title(body) == told


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("<link rel=icon href=/a.ico>", "/a.ico"),
        (
            '<link rel="stylesheet" href="s.css"><LINK HREF="b.ico?v=1&amp;w" REL="shortcut icon">',
            "b.ico?v=1&w",
        ),
        ('<link rel="icon" href="first.ico"><link rel="icon" href="second.ico">', "first.ico"),
        ("<link rel='icon' type='image/png'>", "/favicon.ico"),
        ("<link rel=apple-touch-icon href=c.png>", "/favicon.ico"),
        ("", "/favicon.ico"),
    ],
)
def test_the_little_picture_is_where_the_page_says(body: str, told: str) -> None:
    assert icon_link(body) == told


# MurmurHash3_x86_32 of Austin Appleby's smhasher, as published for the usual test strings.
VECTORS = [
    (b"", 0, 0x00000000),
    (b"", 1, 0x514E28B7),
    (b"", 0xFFFFFFFF, 0x81F16F39),
    (b"\xff\xff\xff\xff", 0, 0x76293B50),
    (b"!Ce\x87", 0, 0xF55B516B),
    (b"!Ce", 0, 0x7E4A8634),
    (b"!C", 0, 0xA0F7B07A),
    (b"!", 0, 0x72661CF4),
    (b"\0\0\0\0", 0, 0x2362F9DE),
    (b"\0", 0, 0x514E28B7),
    (b"test", 0, 0xBA6BD213),
    (b"test", 0x9747B28C, 0x704B81DC),
    (b"Hello, world!", 0, 0xC0363E43),
    (b"Hello, world!", 0x9747B28C, 0x24884CBA),
    (b"The quick brown fox jumps over the lazy dog", 0, 0x2E4FF723),
    (b"The quick brown fox jumps over the lazy dog", 0x9747B28C, 0x2FA826CD),
]


@pytest.mark.parametrize(("data", "seed", "told"), VECTORS)
def test_murmur3_agrees_with_what_is_published(data: bytes, seed: int, told: int) -> None:
    assert murmur3(data, seed) & 0xFFFFFFFF == told
    assert -(2**31) <= murmur3(data, seed) < 2**31


def test_a_little_picture_is_kept_as_two_marks() -> None:
    # SHA-256 of "test"; and murmur3 of "dGVzdA==\n", as Shodan takes it.
    assert icon_mark("image/x-icon", b"test") == {
        "favicon": "sha256:9f86d081884c7d65",
        "favicon_mmh3": murmur3(b"dGVzdA==\n"),
    }


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("text/html", b"\0\0\1"), ("", b"\n<!DOCTYPE html>"), ("image/png", b"<html>"), ("image/png", b"")],
)
def test_a_page_is_no_little_picture(content_type: str, body: bytes) -> None:
    assert icon_mark(content_type, body) == {}


TEXT = st.text(max_size=200)


@given(TEXT, TEXT, TEXT, st.sampled_from([*(one["name"] for one in DATA["product"]), "x"]))
def test_whatever_is_told_only_our_own_words_come_out(told: str, header: str, body: str, name: str) -> None:
    heard = Heard(
        f"{name} {told}", {"server": header, "www-authenticate": told}, f"{body}{name}", told, header
    )
    found = recognise(heard)
    if found is None:
        return
    assert found.product.name in SHOWN
    assert found.title is None or (found.title.isprintable() and len(found.title) <= 80)
    assert found.version is None or re.fullmatch(r"[\w.+~:-]{1,40}", found.version)
