"""What does a night say of real file servers, backups and disks on the network? And did they suffer by it?"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab import data_doors as data
from tests.lab import device_doors as devices
from tests.lab.clinic import Clinic
from tests.lab.doors import pair, room
from tests.lab.net import Host, Lab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.lab

OPEN, KEPT, BARE = "10.77.0.94", "10.77.0.95", "10.77.0.96"
IN_CLEAR, OVER_TLS = 5005, 5006

# Asked by hand before this was written: rsync 3.5.0, rpcbind 1.2.6, Ganesha 4.3, tgt 1.0.85, nginx 1.22.1.
# (address, port): protocol, facts, rules; the facts of an audit come on top.
TRUTH: dict[tuple[str, int], tuple[str, dict[str, Any], list[str]]] = {
    (OPEN, 873): (
        "rsync",
        {"protocol_version": "32.0", "modules": 2, "authentication": "unknown"},
        ["rsync-modules-listed"],
    ),
    (OPEN, 111): ("rpcbind", {"nfs": True, "exports": 1, "open_to_all": True}, ["nfs-open-to-all"]),
    (OPEN, 2049): ("nfs", {"versions": "4, 3", "authentication": "unknown"}, []),
    (OPEN, 3260): ("iscsi", {}, []),
    (OPEN, IN_CLEAR): ("webdav", {"authentication": "unknown", "tls": False}, ["webdav-in-clear"]),
    # that its module takes nobody from here does not hide it from the list; `list = no` does
    (KEPT, 873): ("rsync", {"modules": 0, "authentication": "unknown"}, []),
    (KEPT, 111): ("rpcbind", {"nfs": True, "exports": 1, "open_to_all": False}, []),
    (KEPT, 2049): ("nfs", {"versions": "4, 3", "authentication": "unknown"}, []),
    (KEPT, 3260): ("iscsi", {}, []),
    (KEPT, OVER_TLS): (
        "webdav",
        {
            "authentication": "password",
            "tls": True,
            "certificate_name": "kept",
            "certificate_self_signed": True,
        },
        [],
    ),
    # a portmapper without NFS, and a plain web server where databases, Docker and stores are at home
    (BARE, 111): ("rpcbind", {"nfs": False, "exports": None, "open_to_all": False}, []),
    (BARE, 9200): ("http", {}, []),
    (BARE, 5984): ("http", {}, []),
    (BARE, 2375): ("http", {}, []),
    (BARE, 9000): ("http", {}, []),
    (BARE, IN_CLEAR): ("http", {}, []),
}
AUDITED: dict[tuple[str, int], tuple[dict[str, Any], list[str]]] = {
    (OPEN, 3260): ({"authentication": "none", "discovery": "none", "targets": 1}, ["iscsi-no-password"]),
    (KEPT, 3260): ({"authentication": "password", "discovery": "none", "targets": 1}, []),
}
HURRY = {
    "packets": 100_000,
    "guarded": 100_000,
    "overall": 1_000_000,
    "override": {"by": "the tests", "reason": "they have no patients"},
}


def kept_rsync(host: Host, port: int = 873) -> None:
    """A daemon that names nothing, welcomes whoever comes, and writes down what it is asked."""
    here = room(host, "rsync", port)
    here.make("images")
    here.write("motd", "Welcome to the practice\nplease\twait\n")
    conf = here.write("rsyncd.conf", KEPT_RSYNC.format(here=here.path))
    argv = ["/usr/bin/rsync", "--daemon", "--no-detach", f"--port={port}", f"--config={conf}"]
    here.start([*argv, "--log-file=/run/log"], port)


KEPT_RSYNC = """\
use chroot = no
motd file = {here}/motd
[images]
path = {here}/images
list = no
"""


def kept_nfs(host: Host, port: int = 2049) -> None:
    """As `data.nfs`, and lent to the machines of this network alone."""
    data.rpcbind(host)
    here = room(host, "nfs", port)
    here.make("run/ganesha")
    lent = "Access_Type = NONE; CLIENT { Clients = 10.77.0.0/24; Access_Type = RO; }"
    text = data.NFS.format(port=port, here=here.path).replace("Access_Type = RO;", lent)
    argv = ["/usr/bin/ganesha.nfsd", "-F", "-L", "STDERR", "-f", here.write("ganesha.conf", text)]
    here.start([*argv, "-p", "/run/pid", "-N", "EVENT"], port)


def kept_iscsi(host: Host, port: int = 3260) -> None:
    """tgtd, with one target for who knows its password (CHAP)."""
    here = room(host, "iscsi", port)
    here.make("run/tgtd")
    here.start(["/usr/sbin/tgtd", "-f", "--iscsi", f"portal=0.0.0.0:{port}"], port)
    disk = here.write("disk", "\0" * 65536)
    for order in (
        f"--op new --mode target --tid 1 -T {data.TARGET}",
        f"--op new --mode logicalunit --tid 1 --lun 1 -b {disk}",
        "--op bind --mode target --tid 1 -I ALL",
        "--op new --mode account --user doctor --password not-a-secret",
        "--op bind --mode account --tid 1 --user doctor",
    ):
        here.run(["/usr/sbin/tgtadm", "--lld", "iscsi", *order.split()])


def webdav(host: Host, port: int, *, kept: bool) -> None:
    """A folder behind nginx; `kept`: over TLS, for who knows a password. It writes down what it is asked."""
    here = room(host, "webdav", port)
    for folder in ("pages", "temporary"):
        here.make(folder)
    here.write("passwords", "doctor:{PLAIN}not-a-secret\n", 0o644)
    key, certificate = pair(here)
    shared = "dav_methods PUT DELETE MKCOL COPY MOVE; dav_ext_methods PROPFIND OPTIONS;"
    lock = f'auth_basic "WebDAV"; auth_basic_user_file {here.path}/passwords;'
    tls = f"ssl_certificate {certificate};\nssl_certificate_key {key};\n"
    conf = devices.WEB.format(
        port=port, here=here.path, ssl="ssl" if kept else "", tls=(tls + lock) if kept else ""
    )
    conf = re.sub(r"location /files/.*\}", f"location / {{ {shared} }} }} }}", conf, flags=re.DOTALL)
    conf = conf.replace("access_log off;", "access_log /run/log;")
    here.start(["/usr/sbin/nginx", "-c", here.write("nginx.conf", conf), "-e", "stderr"], port)


class Practice:
    """Three machines: one that is open to all, one that is kept, and one that only looks like them."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        """Start them, and look at them once plainly and once in an audit."""
        self.lab, self.folder = lab, folder
        for name, address in (("open", OPEN), ("kept", KEPT), ("bare", BARE)):
            lab.host(name, address, f"02:77:00:00:00:{address.rpartition('.')[2]}")
        self.open, self.kept, self.bare = (lab.hosts[name] for name in ("open", "kept", "bare"))
        data.rsync(self.open)
        data.nfs(self.open)
        data.iscsi(self.open)
        webdav(self.open, IN_CLEAR, kept=False)
        kept_rsync(self.kept)
        kept_nfs(self.kept)
        kept_iscsi(self.kept)
        webdav(self.kept, OVER_TLS, kept=True)
        data.rpcbind(self.bare)
        for port in (9200, 5984, 2375, 9000, IN_CLEAR):
            devices.web(self.bare, port)
        self.mount_ports = {
            (host.address, port) for host in (self.open, self.kept) for port in host.listening()
        }
        self.mount_ports -= set(TRUTH)
        self.plain = self.night("plain")
        self.audit = self.night("audit", "--audit")

    def night(self, name: str, *options: str) -> dict[str, Any]:
        """One scan, and its document."""
        place = Clinic(self.lab)
        authorisation = {
            "by": "Dr Laboratoire",
            "role": "titulaire",
            "until": (datetime.now(UTC) + timedelta(days=30)).date(),
            "audit": True,
        }
        site = place.site_file(self.folder / f"{name}.toml", authorisation=authorisation, pace=HURRY)
        asked = ["scan", str(site), "--data", str(self.folder / name), "--format", "json", *options]
        ended = place.run(asked, timeout=300)
        assert ended.returncode in {0, 4}, ended.stderr
        told: dict[str, Any] = json.loads(ended.stdout)
        return told

    def written(self, host: Host, name: str) -> str:
        """What a server of a host wrote into its log."""
        log = self.lab.scratch / f"{host.name}.rooms" / name / "run" / "log"
        return log.read_text(encoding="utf-8", errors="replace")


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    with Lab() as lab:
        yield Practice(lab, tmp_path_factory.mktemp("storage"))


def service(document: dict[str, Any], address: str, port: int) -> dict[str, Any]:
    return next(one for one in document["services"] if (one["address"], one["port"]) == (address, port))


def found(document: dict[str, Any], address: str, port: int) -> list[str]:
    return [one["rule"] for one in document["findings"] if (one["address"], one["port"]) == (address, port)]


@pytest.mark.parametrize("where", TRUTH, ids=[f"{address}:{port}" for address, port in TRUTH])
@pytest.mark.parametrize("night", ["plain", "audit"])
def test_what_the_document_says_of_a_door_is_true(
    practice: Practice, where: tuple[str, int], night: str
) -> None:
    protocol, facts, rules = TRUTH[where]
    if night == "audit" and where in AUDITED:
        facts, rules = AUDITED[where]
    seen = service(practice.plain if night == "plain" else practice.audit, *where)
    assert seen["protocol"] == protocol
    assert {key: seen["facts"].get(key) for key in facts} == facts
    assert found(practice.plain if night == "plain" else practice.audit, *where) == rules


def test_a_disk_is_known_by_its_port_alone_until_an_audit_asks_it(practice: Practice) -> None:
    for address in (OPEN, KEPT):
        assert service(practice.plain, address, 3260)["facts"]["protocol_from"] == "port"
        assert service(practice.audit, address, 3260)["facts"]["protocol_from"] == "answer"


def test_no_door_is_invented_and_none_is_missed(practice: Practice) -> None:
    for document in (practice.plain, practice.audit):
        told = {(one["address"], one["port"]) for one in document["services"] if one["transport"] == "tcp"}
        mountd = {(OPEN, 20_048), (KEPT, 20_048)}  # an open port, which only NFS's own question speaks with
        assert told == set(TRUTH) | mountd
        assert {one["rule"] for one in document["findings"]} <= {
            rule for _, _, rules in TRUTH.values() for rule in rules
        } | {"iscsi-no-password"}


def test_severities_on_the_practice_s_network(practice: Practice) -> None:
    severities = {one["rule"]: one["severity"] for one in practice.audit["findings"]}
    assert severities == {
        "rsync-modules-listed": "low",
        "nfs-open-to-all": "high",
        "iscsi-no-password": "high",
        "webdav-in-clear": "low",
    }


def test_every_night_is_complete_and_every_question_was_answered(practice: Practice) -> None:
    for document in (practice.plain, practice.audit):
        assert document["run"]["complete"] is True
        # that they do not speak DICOM is told, as of every port that might
        assert {one["probe"] for one in document["failures"]} <= {"dicom"}


def test_no_name_of_a_folder_a_disk_or_an_area_is_kept(practice: Practice) -> None:
    for document in (practice.plain, practice.audit):
        told = json.dumps(document)
        for name in ("images", "letters", "Pictures", data.TARGET, "Welcome"):
            assert name not in told


def test_rsync_was_asked_for_its_list_alone(practice: Practice) -> None:
    log = practice.written(practice.kept, "rsync-873")
    assert len(re.findall("module-list request", log)) == 2  # one a night
    assert "rsync on" not in log  # as it writes when a module is chosen
    assert "unknown module" not in log


def test_webdav_was_asked_what_may_be_done_and_nothing_of_webdav(practice: Practice) -> None:
    for host, port in ((practice.open, IN_CLEAR), (practice.kept, OVER_TLS)):
        asked = re.findall(r'"([A-Z]+) (\S+) HTTP', practice.written(host, f"webdav-{port}"))
        assert ("OPTIONS", "/") in asked
        assert {method for method, _ in asked} <= {"OPTIONS", "GET"}


def test_the_mount_service_was_found_where_it_listens_and_serves_as_before(practice: Practice) -> None:
    assert len({address for address, _ in practice.mount_ports}) == 2  # on a port that nobody listed
    for address, folder in ((OPEN, "/images"), (KEPT, "/images")):
        shown = practice.lab.run([*SHOWMOUNT, address])
        assert folder in shown.stdout, shown.stderr


# showmount itself is of a package that the lab has not: the same call, in Python.
SHOWMOUNT = [
    "python3",
    "-c",
    """
import socket, struct, sys
def call(port, program, version, procedure, more=b""):
    with socket.create_connection((sys.argv[1], port), timeout=5) as peer:
        told = struct.pack(">6I", 1, 0, 2, program, version, procedure) + bytes(16) + more
        peer.sendall(struct.pack(">I", 0x80000000 | len(told)) + told)
        return peer.recv(65536)[28:]
port = struct.unpack(">I", call(111, 100000, 2, 3, struct.pack(">4I", 100005, 3, 6, 0))[:4])[0]
print(call(port, 100005, 3, 5))
""",
]
