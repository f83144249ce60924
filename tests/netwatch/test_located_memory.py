"""What of what was learnt earlier still counts, and what of what is told is never kept?

How an address that is told tonight is judged: test_ours.py. Whom Shodan may be sent to at all:
test_cli_shodan.py.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from netwatch.audit import Audit
from netwatch.beyond import stored
from netwatch.box import read
from netwatch.box.telling import Telling
from netwatch.cli_shodan import LEARNT, shodan
from netwatch.config import Site
from netwatch.diff import Night
from netwatch.exits import Exit
from netwatch.igd import forwards
from netwatch.internet import BoxSettings
from netwatch.located import Locating, ports_of_ours
from netwatch.model import Run, Target, Vantage
from netwatch.outlet import Here
from netwatch.outside import Gathered
from netwatch.portset import PortSet
from netwatch.ssdp import Place, description
from netwatch.store import Store
from netwatch.words import LANGUAGES, messages
from tests.lab import certificates
from tests.lab.boxes import Bbox, Livebox, served
from tests.lab.igd import Igd, Manners, entry
from tests.lab.nights import BOX, said_by_box
from tests.lab.shodan_server import KEY, ShodanServer
from tests.netwatch.test_box import door, way_to

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from netwatch.model import Fact, Observation
    from tests.lab.boxes import Box

TYPO, OURS = "5.39.77.1", "5.39.77.11"
HOUR = timedelta(hours=1)


# --------------------------------------------------------------------------- what a laptop outside remembers


def site(**settings: object) -> Site:
    return Site.model_validate({"name": "A", "networks": ["192.168.1.0/24"]} | settings)


def asked(sources: str, ago: timedelta, *, address: str = TYPO, **settings: object) -> dict[str, str]:
    """Our addresses for a laptop outside, of which this one was told then."""
    told = ((address, sources, datetime.now(UTC) - ago),)
    one = Locating(site(**settings), told, Gathered(), lambda: False, Audit)
    return one.addresses([], Here(connects=True))


def test_an_address_that_was_corrected_out_of_the_site_file_is_asked_no_more() -> None:
    assert asked("site-file", HOUR, public_addresses=[OURS]) == {OURS: "site-file"}
    assert asked("site-file", HOUR) == {}


def test_what_others_told_of_it_counts_as_they_told_it() -> None:
    assert asked("site-file, vantage, box", HOUR) == {TYPO: "vantage, box"}
    assert asked("site-file, name", HOUR) == {}
    both = asked("site-file, vantage", HOUR, address=OURS, public_addresses=[OURS])
    assert both == {OURS: "site-file, vantage"}


@pytest.mark.parametrize("ago", [-HOUR, timedelta(days=-1500), 5 * HOUR])
def test_what_was_told_by_a_clock_that_was_wrong_or_long_ago_is_not_believed(ago: timedelta) -> None:
    assert asked("vantage", ago) == {}


# ---------------------------------------------------------------------------------- an address that is shared


def wan(**facts: Fact) -> Observation:
    return said_by_box("wan", address=OURS, via="freebox", **facts)


def test_a_box_whose_address_is_shared_and_that_does_not_tell_our_ports_is_not_asked_outside() -> None:
    declared = site(public_addresses=[OURS], vantage={"outside": {"ssh": "a@b.example"}})
    one = Locating(declared, (), Gathered(), lambda: False, Audit)
    assert one.addresses([wan(cgnat=True)], None) == {}
    assert [trouble.message for trouble in one.gathered.troubles] == ["address.cgnat"]
    assert OURS in one.addresses([wan(cgnat=True, ports="16384-32767")], None)
    assert OURS in one.addresses([wan(cgnat=False)], None)


def test_the_ports_that_are_ours_are_those_of_the_site_file_else_what_the_box_told_last() -> None:
    told = [wan(ports="16384-32767")]
    assert ports_of_ours(site(public_ports="1024-2047"), told) == PortSet.parse("1024-2047")
    assert ports_of_ours(site(), told) == PortSet.parse("16384-32767")
    assert ports_of_ours(site(), [*told, wan()]) is None
    assert ports_of_ours(site(), []) is None
    assert ports_of_ours(site(), [wan(ports="rubbish")]) is None


# -------------------------------------------------------------------------------------- netwatch shodan scan


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ShodanServer]:
    for name in ("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SHODAN_API_KEY", KEY)
    with ShodanServer() as running:
        monkeypatch.setenv("SHODAN_API_URL", running.url)
        yield running


def learnt(folder: Path, ago: timedelta, *seen: Observation) -> None:
    """A night after which the address was known, and tonight's, in which nobody told it."""
    now = datetime.now(UTC).replace(microsecond=0)
    with Store(folder / "data") as store:
        store.remember("cabinet", "Cabinet", "en")
        for at, public, said in ((now - ago, {OURS: "vantage, box"}, seen), (now, {}, ())):
            run = Run(
                f"{at:%Y%m%d}",
                "cabinet",
                at,
                at,
                complete=True,
                vantages=(Vantage.LAN, Vantage.BOX),
                devices=(BOX,),
                observations=tuple(replace(one, seen_at=at) for one in said),
                public=public,
            )
            store.record(run, Night({}, ()), ())


def order(command: str, folder: Path, *, language: str = "en", named: tuple[str, ...] = ()) -> Result:
    """`netwatch shodan`, which is allowed all that it may be allowed, up to the question whether it shall."""
    until = date.today() + timedelta(days=30)  # noqa: DTZ011 - the machine's own day is meant
    lines = ['name = "Cabinet"', f'language = "{language}"', 'networks = ["192.168.1.0/24"]']
    lines += [f"public_addresses = {json.dumps(named)}"] if named else []
    lines += ["[authorisation]", 'by = "Dr Exemple"', 'role = "titulaire"', f"until = {until}"]
    path = folder / "site.toml"
    path.write_text("\n".join([*lines, "[shodan]", "scan = true", "monitor = true"]), encoding="utf-8")
    arguments = [command, str(path), "--data", str(folder / "data")]
    return CliRunner().invoke(shodan, arguments, input="n\n", catch_exceptions=False)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("command", ["show", "scan", "monitor"])
def test_shodan_is_sent_to_no_address_that_was_ours_long_ago(
    tmp_path: Path, server: ShodanServer, command: str, language: str
) -> None:
    learnt(tmp_path, timedelta(days=90))
    told = order(command, tmp_path, language=language)
    assert (told.exit_code, told.stdout, server.asked) == (Exit.ERROR, "", [])
    sentence = messages(language)("others.old-address", hours=LEARNT // HOUR)
    assert told.stderr.strip() == sentence


def test_shodan_is_sent_to_an_address_that_was_learnt_last_night(
    tmp_path: Path, server: ShodanServer
) -> None:
    learnt(tmp_path, timedelta(days=1))
    told = order("scan", tmp_path)
    assert told.exit_code == Exit.CLEAN
    assert OURS in told.stderr
    assert server.told == ["GET /api-info"]


def test_shodan_is_sent_to_an_address_of_the_site_file_however_old_the_last_night(
    tmp_path: Path, server: ShodanServer
) -> None:
    learnt(tmp_path, timedelta(days=90))
    told = order("scan", tmp_path, named=("9.9.9.9",))
    assert told.exit_code == Exit.CLEAN
    assert "9.9.9.9" in told.stderr
    assert OURS not in told.stderr
    assert server.told == ["GET /api-info"]


@pytest.mark.parametrize("command", ["scan", "monitor"])
def test_shodan_is_sent_to_no_address_of_which_the_box_says_that_others_share_it(
    tmp_path: Path, server: ShodanServer, command: str
) -> None:
    learnt(tmp_path, timedelta(days=1), stored(wan(ports="16384-32767")))
    told = order(command, tmp_path)
    assert (told.exit_code, server.asked) == (Exit.ERROR, [])
    assert told.stderr.strip() == messages("en")("others.shared")


# ---------------------------------------------------------------------------------------- what is never kept


@pytest.mark.parametrize("name", ["Canon MARTIN JEANNE", "Canon Jeanne Martin", "HP MARTIN^JEANNE"])
def test_behind_a_makers_name_upnp_keeps_no_persons(name: str) -> None:
    page = Igd(BOX.address, Manners(model=name)).description()
    assert description(page, BOX.address, Place(5000, "/desc.xml"), ()).product is None


PERSONS = [
    "IRM MARTIN",
    "IRM MARTIN2",
    "PACS_Martin75",
    "MARTIN",
    "Martin",
    "MARTIN/IRM/JEANNE",
    "PACS de Jeanne",
]
KNOWN = ["IRM", "PACS", "Serveur DICOM", "NAS 2"]


@pytest.mark.parametrize("comment", [*PERSONS, *KNOWN])
def test_of_a_forwards_comment_nothing_is_kept_but_words_that_are_no_persons(comment: str) -> None:
    kept = comment if comment in KNOWN else None
    [told] = forwards(entry(PortMappingDescription=comment))
    assert told.comment == kept
    telling = Telling("freebox", Target(BOX.id, BOX.address, ()))
    telling.forward("tcp", (8104, 8104), "192.168.1.20", 104, True, comment=comment)  # noqa: FBT003 - its own
    assert telling.observations[0].facts["comment"] == kept


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return certificates.Tls().context(certificates.make(tmp_path_factory.mktemp("tls"), "mabbox"))


def written(box: Box, kind: str, folder: Path, tls: ssl.SSLContext | None) -> list[object]:
    """What the log says was sent to the box."""
    settings = BoxSettings.model_validate({"kind": kind, "password_env": "BOX"})
    with served(box, tls=tls), way_to(box) as way:
        read(settings, way, Target("d1", box.address, ()), folder, doors=door(box, tls=tls is not None))
        return [line.get("sent") for line in way.egress.audit.about(box.address)]


@pytest.mark.parametrize("kind", ["livebox", "bbox"])
def test_the_log_does_not_tell_how_long_a_password_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tls: ssl.SSLContext, kind: str
) -> None:
    told = []
    for password in ("short", "a password that is much longer"):
        monkeypatch.setenv("BOX", password)
        (tmp_path / password).mkdir()
        box = Livebox(password=password) if kind == "livebox" else Bbox(password=password)
        told.append(written(box, kind, tmp_path / password, tls if kind == "bbox" else None))
    assert told[0] == told[1] != []
