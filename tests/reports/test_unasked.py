from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from netwatch.model import Outcome, Reason, Vantage
from netwatch.words import messages
from reports.phrase import Phrases
from reports.unasked import Unknown, unknown
from tests.reports.conftest import night
from tests.reports.internet import HOME, failure, forward, knock, seen_from_outside, statement

if TYPE_CHECKING:
    from netwatch.document import Document

OUTSIDE, BOX, DECLARED, SHODAN = Vantage.OUTSIDE, Vantage.BOX, Vantage.DECLARED, Vantage.SHODAN
NONE = "0.0.0.0"  # noqa: S104 - what a box without an address tells
REASSURING = re.compile(r"\bsafe\b|\bsecure|protected|sécuris|protégé|all is well", re.IGNORECASE)


def gaps(document: Document, language: str = "en") -> dict[str, Unknown]:
    return {one.title: one for one in unknown(Phrases(language), document)}


def failed(*failures: tuple[str, Vantage, Reason, str]) -> Document:
    part = seen_from_outside()
    return replace(part, coverage=night().coverage, failures=tuple(failure(*one) for one in failures))


def test_a_night_that_never_left_the_practice_says_so_and_what_to_do() -> None:
    told = gaps(night())
    assert "would prove nothing" in told["No look from the internet yet"].plain
    assert "--from outside" in told["No look from the internet yet"].remedy
    assert "Your address on the internet is not known" in told
    assert "netwatch box declare" in told["What the internet box forwards"].remedy


def test_how_many_of_the_ports_were_asked_is_told_until_all_were() -> None:
    document = seen_from_outside()
    told = gaps(document)["Ports not asked yet from the internet"]
    assert f"Of the 65,535 ports of {HOME}, 3 have been asked" in told.plain
    whole = replace(document, public=(replace(document.public[0], ports=65_535),))
    assert "Ports not asked yet from the internet" not in gaps(whole)


def test_an_address_that_was_not_asked_this_time_says_when_it_was() -> None:
    document = replace(seen_from_outside(), coverage=night().coverage)
    told = gaps(document)
    assert (
        "last asked from the internet 23 November 2026" in told["Not asked from the internet this time"].plain
    )
    assert "No look from the internet yet" not in told
    assert "Not asked from the internet this time" not in gaps(seen_from_outside())


@pytest.mark.parametrize(
    ("sentence", "details", "title"),
    [
        ("address.cgnat", {"box": "100.64.0.1"}, "Votre adresse est partagée avec des inconnus (CGNAT)"),
        ("address.double-nat", {"box": "192.168.0.2"}, "Votre box est derrière une autre"),
        ("address.box-none", {"box": NONE}, "Votre box n'annonce aucune adresse à elle sur internet"),
        ("address.unknown", {}, "Votre adresse sur internet n'est pas connue"),
        ("vantage.unproved", {"address": "198.51.100.9"}, "Pas essayé depuis internet, par prudence"),
        ("vantage.not-outside", {"address": HOME}, "Pas essayé depuis internet, par prudence"),
    ],
)
def test_why_nobody_was_asked_is_told_in_the_readers_language(
    sentence: str, details: dict[str, str], title: str
) -> None:
    english = messages("en")(sentence, **details)
    told = gaps(failed(("address", OUTSIDE, Reason.UNPROVED, english)), "fr")[title]
    assert english not in told.plain
    assert all(value in told.plain for value in details.values())
    assert "No look from the internet yet" not in gaps(failed(("address", OUTSIDE, Reason.UNPROVED, english)))


def test_a_failure_in_nobodys_words_is_told_by_its_reason() -> None:
    told = gaps(failed(("outside", OUTSIDE, Reason.TIMEOUT, "something else")))
    assert "no answer in time" in told["Not asked from the internet, out of caution"].plain


def test_the_box_says_itself_that_its_address_is_shared() -> None:
    def wan(**facts: str | bool) -> dict[str, Unknown]:
        told = statement("bbox", BOX, "wan", **facts)  # type: ignore[arg-type]
        return gaps(replace(seen_from_outside(), statements=(told,)))

    assert "Your address is shared with strangers (CGNAT)" in wan(address="100.64.3.4")
    assert "Your address is shared with strangers (CGNAT)" in wan(address=HOME, cgnat=True)
    shared = wan(address=HOME, ports="16384-32767")[
        "Your address is shared: only some of its ports are yours"
    ]
    assert "16384-32767" in shared.plain
    assert "never asked" in shared.plain
    assert not [title for title in wan(address=HOME) if "shared" in title]


def test_that_only_tcp_was_asked_is_told_until_udp_was() -> None:
    document = seen_from_outside()
    assert "UDP from the internet" in gaps(document)
    asked = replace(knock("161", Outcome.CLOSED), probe="snmp")
    assert "UDP from the internet" not in gaps(replace(document, coverage=(*document.coverage, asked)))
    assert "UDP from the internet" not in gaps(night()), "nothing was asked from outside at all"


def test_what_upnp_never_shows_is_told_until_somebody_read_the_box() -> None:
    document = seen_from_outside()
    assert "Forwards made by hand, and the DMZ" in gaps(document)
    declared = statement("declared", DECLARED, "dmz", enabled=False)
    told = gaps(replace(document, statements=(*document.statements, declared)))
    assert "Forwards made by hand, and the DMZ" not in told
    assert "What the internet box forwards" not in told


def test_a_box_or_a_third_party_that_gave_no_answer_is_named() -> None:
    english = messages("en")("others.key-refused", who="Shodan")
    told = gaps(
        failed(("shodan", SHODAN, Reason.CREDENTIALS, english), ("freebox", BOX, Reason.TIMEOUT, "")), "fr"
    )
    assert "Shodan n'accepte pas la clé" in told["Shodan n'a pas donné de réponse"].plain.replace(
        "\u2019", "'"
    )
    assert "La box n'a pas été lue" in told


def test_ipv6_is_always_told_and_says_what_was_looked_at() -> None:
    document = seen_from_outside()
    assert "was not looked at" in gaps(document)["IPv6"].plain
    own = statement("ipv6", Vantage.LAN, "ipv6", addresses="2001:db8::20, 2001:db8::21")
    off = statement("livebox", BOX, "ipv6-firewall", enabled=False)
    told = gaps(replace(document, statements=(own, off)))["IPv6"].plain
    assert "1 device has an address" in told
    assert "was not asked from outside" in told
    assert "firewall is off, says Livebox" in told
    rows = tuple(replace(knock("22", Outcome.CLOSED), address=f"2001:db8::2{n}") for n in (0, 1))
    asked = gaps(replace(document, statements=(own,), coverage=rows))["IPv6"]
    assert "asked from outside, too" in asked.plain
    assert "is not known" in asked.plain
    assert "box declare" in asked.remedy


@pytest.mark.parametrize("language", ["fr", "en"])
def test_no_gap_is_told_as_good_news(language: str) -> None:
    for document in (night(), seen_from_outside()):
        for one in unknown(Phrases(language), document):
            assert not REASSURING.search(f"{one.title} {one.plain} {one.remedy}")


def test_text_that_a_box_chose_does_no_harm(hostile: str) -> None:
    own = statement("ipv6", Vantage.LAN, "ipv6", addresses=hostile)
    wan = statement("bbox", BOX, "wan", address=hostile, ports=hostile)
    document = replace(seen_from_outside(), statements=(own, wan, forward(2222, hostile, 22)))
    for one in unknown(Phrases("en"), document):
        assert (one.title + one.plain + one.remedy).isprintable()
        assert "P" * 81 not in one.plain


def test_whose_address_it_is_stands_before_a_french_colon() -> None:
    said = failure("address", OUTSIDE, Reason.UNPROVED, messages("en")("address.cgnat", box="100.64.0.1"))
    document = replace(seen_from_outside(), failures=(replace(said, address=HOME),))
    for language, begins in (("fr", f"{HOME} : la box a l'adresse"), ("en", f"{HOME}: the internet box has")):
        told = [one.plain.replace("\N{NO-BREAK SPACE}", " ") for one in unknown(Phrases(language), document)]
        assert [plain for plain in told if plain.lower().startswith(begins.lower())]
