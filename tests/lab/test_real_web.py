"""What does a night say of nginx, of Orthanc and of Python's own server? And what was asked of them?"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab import device_doors as devices
from tests.lab.canary import CANARIES, PATIENTS
from tests.lab.clinic import Clinic
from tests.lab.doors import pair, room
from tests.lab.net import Host, Lab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.lab

SERVER, OPEN, LOCKED, MODALITY = (f"10.77.0.{last}" for last in range(90, 94))
# Where nobody would look for a page; the last of them refuses whoever has no certificate.
LIST, ASKS, FORM, TO_HTTPS, OLD_TOO, MUTUAL = 18090, 18091, 18092, 18093, 18094, 18095
ELSEWHERE = (LIST, ASKS, FORM, TO_HTTPS, OLD_TOO, MUTUAL)
PYTHON = 8000
PATIENT, NAME = f"{PATIENTS[0][0]} {PATIENTS[0][2]}", PATIENTS[0][1]

NGINX = """\
daemon off;
user root;
pid /run/pid;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
    types {{ text/html html; }}
    access_log off;
    client_body_temp_path {here}/temporary/body;
    proxy_temp_path {here}/temporary/proxy;
    fastcgi_temp_path {here}/temporary/fastcgi;
    uwsgi_temp_path {here}/temporary/uwsgi;
    scgi_temp_path {here}/temporary/scgi;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    root {here}/files;
    server {{ listen {list}; autoindex on; }}
    server {{ listen {asks}; auth_basic "{patient}"; auth_basic_user_file {here}/passwords; }}
    server {{
        listen {form};
        default_type text/html;
        location / {{ return 302 /login?name={name}; }}
        location /login {{ return 200 '<title>{patient}</title><form><input type=password name=p></form>'; }}
    }}
    server {{ listen {to_https}; return 301 https://$host/; }}
    server {{
        listen {old_too} ssl;
        ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
        ssl_ciphers ALL:@SECLEVEL=0;
        location / {{ default_type text/html; return 200 '<title>{patient}</title>{patient}'; }}
    }}
    server {{ listen {mutual} ssl; ssl_client_certificate {certificate}; ssl_verify_client on; }}
}}
"""


def nginx(host: Host) -> None:
    """Five pages of different kinds, a patient on each of them."""
    here = room(host, "pages", LIST)
    for folder in ("files", "temporary"):
        here.make(folder)
    here.write(f"files/{PATIENT}.txt", PATIENT, 0o644)
    here.write("passwords", "doctor:{PLAIN}not-a-secret\n", 0o644)
    key, certificate = pair(here)
    ports = dict(zip(("list", "asks", "form", "to_https", "old_too", "mutual"), ELSEWHERE, strict=True))
    told = NGINX.format(here=here.path, key=key, certificate=certificate, patient=PATIENT, name=NAME, **ports)
    here.start(["/usr/sbin/nginx", "-c", here.write("nginx.conf", told), "-e", "stderr"], LIST)


def python(host: Host) -> None:
    """`python -m http.server`, as somebody left it running."""
    folder = host.lab.scratch / "left-open"
    folder.mkdir()
    (folder / f"{PATIENT}.pdf").write_text(PATIENT, encoding="utf-8")
    argv = [sys.executable, "-m", "http.server", str(PYTHON), "--directory", str(folder)]
    host.start(argv, root=False, ready_port=PYTHON)


def orthanc(host: Host, **settings: object) -> None:
    """Orthanc with its web door alone: where it speaks DICOM too, it is medical, and not asked over HTTP."""
    folder = host.lab.scratch / host.name
    folder.mkdir()
    here = host.lab.inside(folder)
    file = folder / "orthanc.json"
    told = {"StorageDirectory": here, "IndexDirectory": here, "DicomServerEnabled": False}
    file.write_text(json.dumps(told | {"RemoteAccessAllowed": True} | settings), encoding="utf-8")
    host.start(["/usr/sbin/Orthanc", host.lab.inside(file)], ready_port=8042)


class Night:
    """One night of the four of them: its document, and what we sent."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        """Start them, scan, and keep the packets."""
        for name, address in {"server": SERVER, "open": OPEN, "locked": LOCKED, "modality": MODALITY}.items():
            lab.host(name, address, f"02:77:00:00:00:{address.rpartition('.')[2]}")
        devices.web(lab.hosts["server"], 80)
        devices.web(lab.hosts["server"], 443, tls="modern", days=-3)
        devices.web(lab.hosts["server"], 8443, tls="old")
        nginx(lab.hosts["server"])
        python(lab.hosts["server"])
        orthanc(lab.hosts["open"], AuthenticationEnabled=False)
        orthanc(lab.hosts["locked"], AuthenticationEnabled=True, RegisteredUsers={"doctor": "not-a-secret"})
        devices.web(lab.hosts["modality"], 80)
        self.folder = folder
        place = Clinic(lab)
        site = place.site_file(
            folder / "site.toml",
            classes={"computer": [SERVER, OPEN, LOCKED], "medical": [MODALITY]},
            sweep={"whole_range_nights": 0, "extra_ports": list(ELSEWHERE)},
        )
        packets = folder / "packets.pcap"
        with lab.capture(packets):
            ended = place.run(["scan", str(site), "--data", str(folder / "data"), "--format", "json"])
        assert ended.returncode in {0, 4}, ended.stderr
        self.said = ended.stdout + ended.stderr
        self.document: dict[str, Any] = json.loads(ended.stdout)
        shown = ["tcpdump", "-nn", "-q", "-A", "-r", str(packets), "src host 10.77.0.2"]
        self.sent = subprocess.run(shown, capture_output=True, text=True, check=True, errors="replace").stdout
        packets.unlink()  # it holds what the servers said, patients and all

    def service(self, address: str, port: int) -> tuple[str, dict[str, Any]]:
        """The protocol, and the facts that have a value."""
        found = next(s for s in self.document["services"] if (s["address"], s["port"]) == (address, port))
        return found["protocol"], {key: value for key, value in found["facts"].items() if value is not None}

    def rules(self, address: str, port: int) -> list[str]:
        """The findings at this door."""
        here = (address, port)
        return [f["rule"] for f in self.document["findings"] if (f["address"], f["port"]) == here]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    with Lab() as lab:
        yield Night(lab, tmp_path_factory.mktemp("web"))


CLEAR, INSIDE = {"tls": False}, {"tls": True, "tls_version": "TLSv1.3", "certificate_self_signed": True}
TRUTH = [
    # address, port, facts, findings
    (SERVER, 80, CLEAR | {"page": "other", "authentication": "unknown", "server": "nginx/1.22.1"}, []),
    (SERVER, 443, INSIDE | {"page": "other", "tls_old": "refused", "certificate_name": "server"}, []),
    (SERVER, 8443, {"tls_version": "TLSv1.1", "tls_old": "accepted", "page": "other"}, ["http-old-tls"]),
    (SERVER, LIST, CLEAR | {"page": "listing", "authentication": "none"}, ["http-directory-listing"]),
    (SERVER, PYTHON, {"page": "listing", "server": "SimpleHTTP/0.6"}, ["http-directory-listing"]),
    (SERVER, ASKS, {"page": "login", "login": "basic", "status": 401}, ["http-login-in-clear"]),
    (SERVER, FORM, {"page": "login", "login": "form", "status": 200}, ["http-login-in-clear"]),
    (SERVER, TO_HTTPS, CLEAR | {"page": "redirect", "redirect": "https", "status": 301}, []),
    (SERVER, OLD_TOO, INSIDE | {"page": "other", "tls_old": "accepted"}, ["http-old-tls"]),
    (SERVER, MUTUAL, {"tls": True, "page": "error", "status": 400}, []),
    (OPEN, 8042, {"page": "open", "product": "Orthanc"}, ["http-open-console", "orthanc-open"]),
    (LOCKED, 8042, {"page": "login", "product": "Orthanc", "login": "basic"}, ["http-login-in-clear"]),
]  # fmt: skip


@pytest.mark.parametrize(("address", "port", "facts", "rules"), TRUTH)
def test_a_page_is_what_it_is(
    night: Night, address: str, port: int, facts: dict[str, Any], rules: list[str]
) -> None:
    protocol, told = night.service(address, port)
    assert protocol == ("orthanc" if port == 8042 else "http")
    assert {key: told.get(key) for key in facts} == facts
    assert night.rules(address, port) == rules


def test_orthanc_s_picture_is_a_mark_by_which_it_is_known_again(night: Night) -> None:
    _, told = night.service(OPEN, 8042)
    assert (told["favicon"], told["favicon_mmh3"]) == ("sha256:08b044c04268ca5c", -478834633)


def test_a_certificate_that_has_ended_is_a_fact_and_no_finding(night: Night) -> None:
    _, told = night.service(SERVER, 443)
    assert told["certificate_expires"] < night.document["run"]["started"]
    assert night.rules(SERVER, 443) == []


def test_nothing_was_left_open_and_nothing_broke(night: Night) -> None:
    assert night.document["failures"] == []


def test_no_patient_on_any_page_is_in_anything_we_keep_or_say(night: Night) -> None:
    kept = [path for path in night.folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" or "audit" in path.parts or "audit" in path.name for path in kept)
    for path in kept:
        content = path.read_bytes()
        assert [canary for canary in CANARIES if canary.encode() in content] == [], path
    assert [canary for canary in CANARIES if canary in night.said] == []


def test_of_a_web_server_only_pages_were_asked_for_and_of_these_only_a_few(night: Night) -> None:
    asked = re.findall(r"(GET|HEAD|POST|PUT|DELETE|PROPFIND|OPTIONS|PATCH) (/\S*) HTTP/1", night.sent)
    assert {method for method, path in asked if not path.startswith("/onvif")} == {"GET"}
    paths = {path.partition("?")[0] for _, path in asked}
    assert {"/", "/favicon.ico", "/login", "/app/explorer.html"} <= paths
    assert [path for path in paths if re.search(r"\.git|robots|backup|\.(?:pdf|txt|bak)", path)] == []
    assert not re.search(r"(?im)^(?:cookie|authorization):", night.sent)


def test_a_medical_device_has_no_page_asked_of_it(night: Night) -> None:
    assert night.service(MODALITY, 80)[1]["protocol_from"] == "port"
    spared = [
        row for row in night.document["coverage"] if (row["probe"], row["address"]) == ("http", MODALITY)
    ]
    assert [(row["ports"], row["outcome"]) for row in spared] == [("80", "spared")]
    to_it = [packet for packet in night.sent.split("IP 10.77.0.2.") if f"> {MODALITY}.80:" in packet]
    assert to_it
    assert [packet for packet in to_it if " tcp 0" not in packet] == []
