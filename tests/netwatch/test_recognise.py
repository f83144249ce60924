"""Who is it? Every banner of the corpus, and what holds whatever a device says."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwatch import products
from netwatch.excerpt import excerpt
from netwatch.model import Device, Observation, Vantage
from netwatch.plain import discreet, model
from netwatch.recognise import recognise
from netwatch.recognised import KINDS, MEDICAL, Claim, Confidence, Recognised
from netwatch.rulebook import rules
from probes import snmp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from netwatch.model import Fact, Facts

ROOT = Path(__file__).parents[2]
BANNERS = tomllib.loads(Path(__file__).with_name("banners.toml").read_text(encoding="utf-8"))["banner"]
ATTRIBUTES = ("kind", "maker", "model", "product", "version", "system")
# Of the answers from which it can be known, how many in a hundred are recognised: what we reach.
REACHED = {"kind": 94, "maker": 95, "model": 96, "product": 96, "version": 87, "system": 100, "software": 100}
NOW = datetime(2026, 11, 30, 3, tzinfo=UTC)
HERE = "192.0.2.7"


def seen(protocol: str, *, port: int = 0, **facts: Fact) -> Observation:
    return Observation(protocol, Vantage.LAN, "d", HERE, port, protocol, facts, NOW)


def heard(protocol: str, facts: Facts) -> Observation:
    return Observation(protocol, Vantage.LAN, "d", HERE, 0, protocol, facts, NOW)


def device(**more: Any) -> Device:  # noqa: ANN401 - whatever a Device has
    return Device("d", HERE, **more)


def answers(banner: dict[str, Any]) -> list[Observation]:
    told = [banner] if "protocol" in banner else []
    return [heard(one["protocol"], one["facts"]) for one in (*told, *banner.get("also", ()))]


def judged(banner: dict[str, Any]) -> Recognised:
    return recognise(device(vendor=banner.get("vendor")), answers(banner))


def value(claim: Claim | None) -> str | None:
    return None if claim is None or claim.value == "unknown" else claim.value


def verdicts(banner: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(attribute, right, wrong, unknown or silent): silent is right where nothing can be known."""
    truth, found = banner["truth"], judged(banner)
    for name in ATTRIBUTES:
        told, real = value(getattr(found, name)), truth.get(name)
        if name == "system" and told == truth.get("product"):  # its firmware
            real = told
        verdict = "silent" if not (real or told) else "right" if told == real else "unknown"
        yield name, verdict if told in {real, None} else "wrong"
    if software := truth.get("software"):
        runs = {" ".join(filter(None, (one.product, one.version))) for one in found.software}
        yield "software", "right" if software in runs else "unknown"


def named(banner: dict[str, Any]) -> str:
    said = banner.get("facts", {}).get("product") or banner.get("vendor") or ""
    return f"{banner.get('protocol', 'card')}-{said}"


# ---------------------------------------------------------------------------------------------- the corpus


@pytest.mark.parametrize("banner", BANNERS, ids=map(named, BANNERS))
def test_nothing_is_claimed_that_is_not_so(banner: dict[str, Any]) -> None:
    assert [name for name, verdict in verdicts(banner) if verdict == "wrong"] == []


def test_most_of_what_can_be_known_is_recognised() -> None:
    counted = Counter(one for banner in BANNERS for one in verdicts(banner))
    reached = {
        name: 100 * counted[name, "right"] // (counted[name, "right"] + counted[name, "unknown"])
        for name in REACHED
    }
    assert {name: share for name, share in reached.items() if share < REACHED[name]} == {}, counted


def test_the_corpus_is_wide_and_says_where_it_was_read() -> None:
    assert len(BANNERS) >= 200
    sources = {banner["source"] for banner in BANNERS}
    assert [
        one
        for one in sources
        if one != "lab" and not one.startswith("https://") and not (ROOT / one).is_file()
    ] == []


def kept(protocol: str, text: str) -> str | None:
    """What the probe of this protocol keeps of such a text."""
    match protocol:
        case "snmp":
            return text if text.startswith((*snmp.SYSTEMS, "Windows ")) else snmp._product(text.encode())
        case "sip":
            return model(text) or excerpt("sip", "product", text)
        case "rtsp" | "ipp" | "upnp":
            return model(text)
        case "onvif":
            return discreet(text, 40, strict=False)
    return text


def test_every_answer_of_the_corpus_is_one_that_a_probe_would_keep() -> None:
    told = [(one["protocol"], one["facts"].get("product")) for one in BANNERS if "facts" in one]
    assert [one for one in told if one[1] and kept(*one) != one[1]] == []


def test_every_title_of_the_corpus_is_one_that_a_mark_recognises() -> None:
    told = [one["facts"] for one in BANNERS if one.get("protocol") == "http" and "title" in one["facts"]]
    for facts in told:
        found = products.recognise(
            products.Heard(title=facts["title"], certificate=facts.get("certificate_name", ""))
        )
        assert found is not None, facts
        assert (found.product.name, found.title) == (facts["product"], facts["title"])


# ------------------------------------------------------------------------------------------------ the rules


def test_a_rule_never_repeats_without_a_bound() -> None:
    patterns = [one for rule in rules() for one in (rule.like, rule.never, *(p for _, p in rule.also)) if one]
    unbounded = re.compile(r"(?<!\\)(?:\\\\)*[*+](?!\])|\{\d+,\}")
    outside = [re.sub(r"\[(?:\\.|[^\]\\])*\]", "x", re.sub(r"\\.", "x", one.pattern)) for one in patterns]
    assert [one for one in outside if unbounded.search(one)] == []


HOSTILE = ("a", "0", " ", "-", "A1-", "a b", "1.", "0/", ", ", "; ", "(a)", "\u00e9", "\x00", "C1 ")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", HOSTILE)
def test_a_rule_ends_whatever_it_reads(piece: str) -> None:
    """As long as no fact is: a pattern that tries all ways to divide a text would not end."""
    patterns = {one.like for one in rules() if one.like}
    beginnings = {found[1] for one in patterns if (found := re.match(r"\^?([\w .-]*)", one.pattern))}
    tried = [one.search(begins + piece * 700) for begins in beginnings for one in patterns]
    assert all(found is None or len(found[0]) < 300 for found in tried)


def test_every_kind_that_a_rule_gives_is_one_of_the_kinds() -> None:
    assert {rule.kind for rule in rules() if rule.kind} <= set(KINDS)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]*", rule.product) for rule in rules() if rule.product)


# ------------------------------------------------------------------------------------- what holds of a device

PRINTER = [
    seen("ipp", port=631, product="Brother HL-L2350DW series", version="1.25"),
    seen("mdns", port=5353, model="Brother HL-L2350DW series", services="ipp", told_by="ipp"),
    seen("http", port=8080, product="Brother printer", server="debut/1.30"),
]
ORTHANC = seen("orthanc", port=8042, product="Orthanc", version="1.12.5")
DSM = seen("mdns", model="DS718+", maker="Synology", version="7.2-64570", told_by="http")
SSH = seen("ssh", port=22, product="OpenSSH 9.2p1", version="2.0")


def test_what_is_said_keeps_who_said_it_and_in_which_words() -> None:
    found = recognise(device(), PRINTER)
    assert (found.kind.value, found.kind.source, found.kind.also) == ("printer", "ipp", ("http", "mdns"))
    assert found.model == Claim(
        "HL-L2350DW", "ipp", "Brother HL-L2350DW series", Confidence.CERTAIN, 631, ("mdns",)
    )
    assert (value(found.product), value(found.version)) == ("brother-printer", "1.25")


def test_evidence_of_a_medical_device_is_never_outvoted() -> None:
    hinted = replace(seen("dicom", port=11112, association="rejected"), proved=False)
    for medical in (hinted, ORTHANC):
        found = recognise(device(), [*PRINTER, medical])
        assert found.kind.value in MEDICAL
        assert [one.value for one in found.kind.others if one.value == "printer"] == ["printer"]


@pytest.mark.parametrize("kind", MEDICAL)
def test_what_the_engine_took_for_medical_stays_so(kind: str) -> None:
    assert recognise(device(kind=kind), PRINTER).kind.value == kind
    assert recognise(device(vendor="Planmeca Oy"), PRINTER).kind.value == "medical-imaging"


def test_unknown_stays_unknown() -> None:
    for other in ("unknown", "computer", "other"):
        found = recognise(device(kind=other), [seen("telnet", authentication="password"), SSH])
        assert (found.kind.value, found.product, found.version, found.kind.others) == (
            "unknown",
            None,
            None,
            (),
        )


def test_the_way_out_of_the_network_is_a_box_and_a_port_is_a_hint() -> None:
    assert recognise(device(kind="box"), []).kind.value == "box"
    found = recognise(device(kind="camera"), PRINTER)
    assert (found.kind.value, [one.value for one in found.kind.others]) == ("printer", ["camera"])


def test_a_network_card_hints_at_a_kind_and_at_nothing_else() -> None:
    found = recognise(device(vendor="Synology Incorporated"), [])
    assert (found.kind.value, found.kind.confidence) == ("nas", Confidence.HINT)
    assert (found.maker, found.model, found.product) == (None, None, None)
    assert recognise(device(vendor="Synology Incorporated"), PRINTER).kind.value == "printer"


def test_two_that_agree_outrank_one_and_both_are_told() -> None:
    ours = [
        seen("http", product="Synology Web Station"),
        seen("ftp", product="Synology"),
        seen("upnp", maker="AVM", product="FRITZ!Box 7490"),
    ]
    found = recognise(device(), ours)
    assert (found.kind.value, found.kind.sources) == ("nas", ("http", "ftp")) or found.kind.sources == (
        "ftp",
        "http",
    )
    assert [(one.value, one.source) for one in found.kind.others] == [("box", "upnp")]
    assert recognise(device(), ours[1:]).kind.value == "box"


def test_a_version_is_the_products_and_no_others() -> None:
    found = recognise(device(), [DSM, SSH, seen("http", product="Synology DSM", server="nginx/1.23.1")])
    assert (value(found.product), value(found.version), value(found.system)) == (
        "synology-dsm",
        "7.2-64570",
        "synology-dsm",
    )
    assert {(one.product, one.version) for one in found.software} == {
        ("synology-dsm", "7.2-64570"),
        ("openssh", "9.2p1"),
        ("nginx", "1.23.1"),
    }


def test_a_storage_that_keeps_images_is_an_archive_first() -> None:
    found = recognise(device(), [DSM, ORTHANC])
    assert [value(getattr(found, name)) for name in ATTRIBUTES] == [
        "archive",
        "Synology",
        "DS718+",
        "orthanc",
        "1.12.5",
        "synology-dsm",
    ]


def test_no_windows_is_made_of_samba_or_freerdp() -> None:
    seven = seen("rdp", port=3389, version="6.1.7601", product="Windows 7 / Server 2008 R2")
    for other in (seen("smb", version="6.1.0", product="Samba"), seen("rdp", product="FreeRDP")):
        found = recognise(device(), [seven, other])
        assert (found.system, found.product, found.version) == (None, None, None)
    assert value(recognise(device(), [seven]).system) == "windows"
    # A build that nobody else names is Windows', whoever shares its folders.
    ten = seen("rdp", version="10.0.19045", product="Windows 10 2004 to 22H2")
    assert value(recognise(device(), [ten, seen("smb", product="Samba")]).system) == "windows-client"


def test_a_build_of_several_products_is_told_as_such() -> None:
    [shared] = recognise(device(), [seen("smb", version="10.0.17763")]).software
    assert (shared.product, shared.perhaps) == ("windows", ("windows-client", "windows-server"))
    [floor] = recognise(device(), [seen("smb", version="10.0.19041")]).software
    assert (floor.product, floor.at_least, floor.perhaps) == ("windows-client", True, ())


def test_who_says_less_does_not_contradict_who_says_more() -> None:
    web = [seen("http", server="Microsoft-IIS/10.0"), seen("ftp", product="Microsoft FTP Service")]
    found = recognise(device(), [*web, seen("smb", version="10.0.20348")])
    assert (value(found.system), value(found.version), found.product and found.product.others) == (
        "windows-server",
        "10.0.20348",
        (),
    )
    assert value(recognise(device(), web).system) == "windows"


def test_a_package_of_a_distribution_is_told_as_one() -> None:
    found = recognise(device(), [seen("ssh", product="OpenSSH 9.2p1 Debian-2")])
    assert [(one.product, one.version, one.packaged) for one in found.software] == [
        ("openssh", "9.2p1", True),
        ("debian", None, False),
    ]
    [alone] = recognise(device(), [SSH]).software
    assert alone.packaged is False


def test_what_was_not_proved_is_a_hint_and_others_words_are_none() -> None:
    guess = replace(seen("orthanc", product="Orthanc", version="1.0"), proved=False)
    found = recognise(device(), [guess])
    assert (found.kind.value, found.kind.confidence, found.product) == ("archive", Confidence.HINT, None)
    for vantage in (Vantage.SHODAN, Vantage.INTERNETDB, Vantage.DECLARED):
        assert recognise(device(), [replace(ORTHANC, vantage=vantage)]).kind.value == "unknown"


def test_names_are_told_once_with_who_says_them() -> None:
    found = recognise(
        device(names=("imprimante.local",)),
        [seen("mdns", name="imprimante"), seen("netbios", netbios_name="ACCUEIL"), seen("llmnr", name=None)],
    )
    assert [(one.value, one.sources) for one in found.names] == [
        ("ACCUEIL", ("netbios",)),
        ("imprimante", ("mdns", "network")),
    ]


def test_the_words_of_a_claim_are_short_and_printable() -> None:
    found = recognise(device(), [seen("onvif", product="IPC \u202e\x1b[2J " * 90)])
    assert (found.kind.value, len(found.kind.text) <= 160, found.kind.text.isprintable()) == (
        "camera",
        True,
        True,
    )


def test_a_long_list_is_read_and_an_endless_one_is_not() -> None:
    services = ", ".join(f"service-{at}" for at in range(22))
    assert recognise(device(), [seen("mdns", services=f"{services}, dicom")]).kind.value == "medical-imaging"
    assert recognise(device(), [seen("mdns", services=f"{services * 9}, dicom")]).kind.value == "unknown"


@given(order=st.permutations([*PRINTER, ORTHANC, DSM, SSH, *answers(BANNERS[0]), *answers(BANNERS[-40])]))
def test_the_order_of_the_answers_does_not_matter(order: Sequence[Observation]) -> None:
    assert recognise(device(), order) == recognise(device(), sorted(order, key=repr))


READ = sorted({one for rule in rules() for one in rule.reads})
WORDS = st.one_of(
    st.text(max_size=400),
    st.sampled_from(
        [one for banner in BANNERS for one in banner.get("facts", {}).values() if isinstance(one, str)]
    ),
)


@settings(max_examples=300)
@given(
    told=st.lists(
        st.tuples(
            st.sampled_from(READ),
            st.dictionaries(
                st.sampled_from(sorted({fact for _, fact in READ} | {"version", "name"})),
                st.one_of(WORDS, st.integers(), st.booleans(), st.none()),
                max_size=6,
            ),
        ),
        max_size=6,
    ),
    vendor=st.none() | WORDS,
    names=st.lists(WORDS, max_size=3),
)
def test_whatever_a_device_says_is_survived_and_kept_short(
    told: Iterable[tuple[tuple[str, str], dict[str, Fact]]], vendor: str | None, names: list[str]
) -> None:
    found = recognise(
        device(vendor=vendor, names=tuple(names)), [heard(one[0], facts) for one, facts in told]
    )
    claims = [getattr(found, name) for name in ATTRIBUTES] + [
        *found.names,
        *(one.claim for one in found.software),
    ]
    for claim in (every for one in claims if one for every in (one, *one.others)):
        assert len(claim.value) <= 60
        assert len(claim.text) <= 160
        assert claim.value.isprintable()
        assert claim.text.isprintable()
    assert found.kind.value in {*KINDS, "unknown"}


# -------------------------------------------------------------------------------------- what nmap makes of it


def by_nmap(**facts: Fact) -> Observation:
    return Observation("detect", Vantage.LAN, "d", HERE, 22, "nmap", facts, NOW)


SHELL = by_nmap(nmap_service="ssh", nmap_cpe="cpe:/a:openbsd:openssh:8.1 cpe:/o:microsoft:windows")


def test_nmap_never_outranks_what_the_device_says_itself() -> None:
    """Not alone, not with others of its own, not as a second voice of a weaker claim."""
    certain = seen("upnp", maker="AVM", product="FRITZ!Box 7490")
    nas = by_nmap(nmap_device="storage-misc")
    found = recognise(device(), [certain, nas, replace(nas, port=80)])
    assert (found.kind.value, [one.value for one in found.kind.others]) == ("box", ["nas"])
    likely = seen("ftp", product="Synology")
    assert recognise(device(), [likely, certain, nas]).kind.value == "box"
    assert recognise(device(), [SHELL, seen("http", title="Apache2 Debian Default Page")]).system == replace(
        Claim("debian", "http", "Apache2 Debian Default Page", Confidence.LIKELY),
        others=(Claim("windows", "nmap", str(SHELL.facts["nmap_cpe"]), Confidence.HINT, 22),),
    )


def test_nmap_drops_no_claim_of_the_device_and_completes_what_it_left_open() -> None:
    seven = seen("smb", product="Windows", version="6.1.7601")
    samba = by_nmap(nmap_service="netbios-ssn", nmap_cpe="cpe:/a:samba:samba")
    assert "windows" in {one.product for one in recognise(device(), [seven, samba]).software}
    quiet = seen("ssh", product="OpenSSH")
    assert [
        one.version for one in recognise(device(), [quiet, SHELL]).software if one.product == "openssh"
    ] == ["8.1"]


@pytest.mark.parametrize("kind", MEDICAL)
def test_whatever_nmap_says_a_medical_device_stays_one(kind: str) -> None:
    guesses = [by_nmap(nmap_device=one) for one in ("storage-misc", "printer", "router", "webcam")]
    assert recognise(device(kind=kind), guesses).kind.value == kind
    assert recognise(device(), [ORTHANC, *guesses]).kind.value in MEDICAL
