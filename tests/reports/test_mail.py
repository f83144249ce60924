from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from netwatch.change import Before, Change, ChangeKind
from netwatch.model import Device, Exposure, Finding, Link, Vantage
from netwatch.post import Alert, Content, Reader, Role
from reports.mail import compose

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from netwatch.words import Catalogue

FOUND_AT = datetime(2026, 11, 23, 21, 4, tzinfo=UTC)
DEVICES = {
    "d20": Device("d20", "192.168.1.20", names=("PACS-CABINET",), vendor="Synology", kind="pacs"),
    "d21": Device("d21", "192.168.1.21", vendor="GE Healthcare", kind="modality"),
    "d30": Device("d30", "192.168.1.30", names=("ECHO-SALLE2",), vendor="Samsung Medison"),
}


READER = {language: Reader(language, Role.CONSULTANT) for language in ("fr", "en")}


def finding(rule: str, device: int, port: int = 11112, exposure: Exposure = Exposure.NOT_CHECKED) -> Finding:
    return Finding(rule, f"d{device}", port, address=f"192.168.1.{device}", exposure=exposure)


OPEN = Change(ChangeKind.APPEARED, finding("dicom-query-answered", 20))
WORSE = Change(
    ChangeKind.WORSENED, finding("dicom-query-answered", 21, 104), finding("dicom-name-only", 21, 104)
)
FIRST = Change(ChangeKind.NEWLY_CHECKED, finding("support-ended", 20))
SMALL = Change(ChangeKind.APPEARED, finding("dicom-store-negotiated", 20))
TO_AND_FRO = Change(ChangeKind.FLAPPING, finding("dicom-query-answered", 20))
SILENT = Change(ChangeKind.UNVERIFIED, finding("dicom-name-only", 30, 104))
GONE = Change(ChangeKind.RESOLVED, finding("dicom-store-negotiated", 99, 4242))
ALL = (GONE, SILENT, FIRST, WORSE, OPEN)


def mail(  # noqa: PLR0913 - the parts of a mail
    catalogue: Catalogue,
    *changes: Change,
    language: str = "fr",
    site: str = "Cabinet Dupont",
    devices: dict[str, Device] | None = None,
    complete: bool = True,
    public: tuple[str, ...] = (),
    answered: frozenset[tuple[int, str]] = frozenset(),
    role: Role = Role.CONSULTANT,
) -> Content:
    alert = Alert("cabinet-dupont", "3f2c9a", changes)
    known = DEVICES if devices is None else devices
    reader = Reader(language, role)
    return compose(site, alert, known, catalogue, reader, complete, FOUND_AT, public, answered=answered)


class Tags(HTMLParser):
    """The tags of a mail and every attribute's name."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag."""
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_mail_reads_as_agreed(catalogue: Catalogue, language: str, snapshot: SnapshotAssertion) -> None:
    told = mail(catalogue, *ALL, language=language, complete=False, public=("203.0.113.7",))
    assert told.subject == snapshot(name="subject")
    assert told.text == snapshot(name="text")
    assert told.html == snapshot(name="html")


def test_the_subject_alone_tells_the_site_what_and_where(catalogue: Catalogue) -> None:
    assert mail(catalogue, OPEN).subject == (
        "Cabinet Dupont : le serveur d'images répond aux recherches de n'importe qui "
        "(192.168.1.20, port 11112)"
    )
    assert mail(catalogue, *ALL).subject.endswith("(192.168.1.20, port 11112) et 2 autres")
    assert mail(catalogue, OPEN, FIRST, language="en").subject.endswith(" and 1 other")


def test_the_subject_never_hides_new_trouble_behind_a_repair(catalogue: Catalogue) -> None:
    assert "n'importe qui" in mail(catalogue, GONE, SILENT, OPEN).subject
    assert "revérifié, n'est plus constaté" in mail(catalogue, GONE).subject
    silent = mail(catalogue, GONE, SILENT)
    assert "sans réponse, non revérifié" in silent.subject
    assert "n'est plus constaté : le serveur d'images n'est protégé" not in silent.text


def test_what_is_small_is_a_line_unless_nothing_is_worse(catalogue: Catalogue) -> None:
    many = [replace(SMALL, finding=finding("dicom-store-negotiated", 20, 1000 + n)) for n in range(60)]
    told = mail(catalogue, OPEN, *many, language="en")
    assert told.subject.endswith("(192.168.1.20, port 11112)")
    assert told.text.count("New, and small:") == 40
    assert "And 20 more; the report has them." in " ".join(told.text.split())
    alone = mail(catalogue, *many, language="en")
    assert "accepts to receive images from a stranger" in alone.subject
    assert "and 2 others" in alone.subject


def test_what_comes_and_goes_is_told_as_that(catalogue: Catalogue) -> None:
    told = mail(catalogue, TO_AND_FRO)
    assert told.subject.startswith("Cabinet Dupont : va et vient : le serveur d'images")
    text = " ".join(told.text.split())
    assert "reste à réparer" in text
    assert "QUE FAIRE" in text.upper()
    assert "Rien de nouveau à réparer" not in text


def test_what_comes_and_goes_gravely_leads_before_what_is_new_and_small(catalogue: Catalogue) -> None:
    low = Change(ChangeKind.APPEARED, finding("dicom-name-only", 20))
    near = replace(TO_AND_FRO.finding, exposure=Exposure.EXPOSED)
    for language, words in (("fr", "joignable depuis internet"), ("en", "reachable from internet")):
        told = mail(catalogue, low, replace(TO_AND_FRO, finding=near), language=language)
        assert words in told.subject
    small = Change(ChangeKind.FLAPPING, low.finding)
    assert "et n'est dit qu'une fois" in " ".join(mail(catalogue, small).text.split())


def test_a_subject_that_says_that_it_is_over_says_no_more_that_the_internet_reaches_it(
    catalogue: Catalogue,
) -> None:
    near = replace(TO_AND_FRO.finding, exposure=Exposure.EXPOSED)
    assert "joignable" not in mail(catalogue, Change(ChangeKind.RESOLVED, near)).subject
    assert "joignable" in mail(catalogue, Change(ChangeKind.WORSENED, near, TO_AND_FRO.finding)).subject


def test_a_subject_is_one_short_line_whatever_the_names_are(hostile: str, catalogue: Catalogue) -> None:
    far = Finding(hostile, "d20", 65535, address=hostile, exposure=Exposure.EXPOSED)
    alert = [Change(kind, far) for kind in ChangeKind] * 40
    for changes in (alert, alert[3:4], alert[5:6]):
        subject = mail(catalogue, *changes, site=hostile, language="en").subject
        assert 0 < len(subject) <= 150
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e\ud800-\udfff]", subject)
        EmailMessage()["Subject"] = subject


def test_names_do_no_harm_in_either_part(hostile: str, catalogue: Catalogue) -> None:
    device = Device("d20", "192.168.1.20", names=(hostile,), vendor=hostile, maker=hostile, kind=hostile)
    told = mail(catalogue, OPEN, site=hostile, devices={"d20": device}, public=(hostile,))
    assert "script" not in Tags(told.html).seen
    for part in (told.text, told.html):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\ud800-\udfff]", part)
        assert not re.search(r"(?m)^\s*Bcc:", part)
        assert "P" * 46 not in part
        part.encode("utf-8")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_text_part_wraps_at_72_columns(catalogue: Catalogue, language: str) -> None:
    told = mail(catalogue, *ALL, language=language, complete=False, public=("203.0.113.7",))
    assert max(len(line) for line in told.text.splitlines()) <= 72
    assert "\u00a0" not in told.text


def test_what_appeared_is_told_before_what_was_never_checked(catalogue: Catalogue) -> None:
    text = mail(catalogue, *ALL, language="en").text
    headings = [
        "WHAT WE FOUND",
        "SEEN FOR THE FIRST TIME, BECAUSE NEVER CHECKED BEFORE",
        "ALSO",
        "WHO CAN HELP YOU",
    ]
    places = [text.index(heading) for heading in headings]
    assert places == sorted(places)
    assert "This is new to us, perhaps not to you." in text
    assert "less serious: the image server is protected only by its name." in " ".join(text.split())


def test_nothing_is_called_exposed_that_was_not_seen_from_outside(catalogue: Catalogue) -> None:
    for language, word in (("en", "exposed"), ("fr", "exposé")):
        told = mail(catalogue, *ALL, language=language, public=("203.0.113.7",))
        assert word not in (told.subject + told.text + told.html).lower()
    outside = Change(
        ChangeKind.WORSENED, finding("dicom-query-answered", 20, exposure=Exposure.EXPOSED), OPEN.finding
    )
    told = mail(catalogue, outside, language="en", public=("203.0.113.7",))
    assert "From the internet: reachable. We saw it from outside." in told.text
    assert "it is its access from the internet that became worse" in " ".join(told.text.split())
    assert "was not tried" not in told.text


def test_silence_is_not_told_as_repair(catalogue: Catalogue) -> None:
    text = " ".join(mail(catalogue, OPEN, SILENT).text.split())
    assert (
        "Pas de réponse cette fois, rien ne prouve que c'est réparé : le serveur d'images n'est protégé"
        in text
    )


def test_an_incomplete_night_says_so_and_a_complete_one_does_not(catalogue: Catalogue) -> None:
    assert "incomplet" in mail(catalogue, OPEN, complete=False).text
    assert "incomplet" not in mail(catalogue, OPEN).text


def test_the_html_part_fetches_nothing(catalogue: Catalogue) -> None:
    told = Tags(mail(catalogue, *ALL, public=("203.0.113.7",)).html)
    assert not {"img", "a", "link", "script", "style", "form", "iframe"} & told.seen
    assert not {"src", "href", "background", "class"} & told.attributes


def test_a_device_that_is_no_longer_known_is_still_placed(catalogue: Catalogue) -> None:
    assert "appareil sans nom, 192.168.1.99, port 4242" in " ".join(mail(catalogue, GONE).text.split())


def test_an_alert_about_nothing_still_has_a_subject(catalogue: Catalogue) -> None:
    assert mail(catalogue).subject == "Cabinet Dupont"


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_device_that_fell_silent_is_told_with_what_it_was_sent(catalogue: Catalogue, language: str) -> None:
    fell = Finding("device-stopped-answering", "d21", 104, probe="liveness", address="192.168.1.21")
    alert = Alert("cabinet-dupont", "3f2c9a", (Change(ChangeKind.APPEARED, fell), OPEN))
    sent = {"d21": ("22:04:05 UTC, dicom, 104: C-ECHO-RQ (68 bytes)", "<script>\x1b[31m")}
    told = compose("Cabinet", alert, DEVICES, catalogue, READER[language], False, FOUND_AT, (), sent)  # noqa: FBT003
    for part in (told.text, told.html):
        assert part.count("C-ECHO-RQ (68 bytes)") == 1
    assert "\x1b" not in told.text + told.html
    assert "<script>" not in told.html
    first = told.text.partition("2. ")[0]
    assert "internet" not in first.lower(), "where it is seen from is not its trouble"


LINK = Link("d20", "192.168.1.20", 11112, "mapping")
PUBLIC = Finding(
    "dicom-query-answered",
    "p-203.0.113.7",
    11112,
    address="203.0.113.7",
    vantage=Vantage.OUTSIDE,
    exposure=Exposure.EXPOSED,
    link=LINK,
)
BEHIND = finding("dicom-query-answered", 20, exposure=Exposure.EXPOSED)
NEW, BOTH = ChangeKind.APPEARED, (Change(ChangeKind.WORSENED, BEHIND), Change(ChangeKind.APPEARED, PUBLIC))


def flat(told: Content) -> str:
    return " ".join(told.text.split())


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_mail_about_a_public_port_reads_as_agreed(
    catalogue: Catalogue, language: str, snapshot: SnapshotAssertion
) -> None:
    told = mail(catalogue, *BOTH, language=language)
    assert told.subject == snapshot(name="subject")
    assert told.text == snapshot(name="text")


def test_a_public_port_is_told_once_with_the_device_that_it_leads_to(catalogue: Catalogue) -> None:
    told = mail(catalogue, *BOTH, language="en")
    assert "One problem needs your attention." in told.text
    text = flat(told)
    assert "PACS-CABINET (Synology) your internet address 203.0.113.7, port 11112 Leads to:" in text
    assert "Leads to: PACS-CABINET (Synology), 192.168.1.20, port 11112. It is a port forward" in text
    assert told.subject.endswith("(seen from the internet, port 11112 → PACS-CABINET)")
    assert "Leads to:" in told.html


def test_only_what_leads_to_the_same_service_is_told_once(catalogue: Catalogue) -> None:
    other = Change(NEW, replace(PUBLIC, port=4242, link=replace(LINK, port=4242)))
    assert "2 problems need" in mail(catalogue, Change(NEW, BEHIND), other, language="en").text
    quiet = Change(ChangeKind.UNVERIFIED, PUBLIC)
    told = mail(catalogue, Change(NEW, BEHIND), quiet, language="en")
    assert "One problem needs" in told.text
    assert "No answer this time" in told.text


def test_where_nobody_knows_what_a_port_leads_to_the_mail_says_so(catalogue: Catalogue) -> None:
    told = mail(catalogue, Change(NEW, replace(PUBLIC, link=None)), language="en")
    assert "We do not know which device of the practice it leads to." in flat(told)
    assert told.subject.endswith("(seen from the internet, port 11112)")


def test_what_only_the_box_says_is_told_as_not_proved(catalogue: Catalogue) -> None:
    said = Finding(
        "box-forward",
        "d1",
        8104,
        address="192.168.1.1",
        vantage=Vantage.BOX,
        exposure=Exposure.FORWARDED,
        link=LINK,
    )
    told = mail(catalogue, Change(NEW, said), language="fr")
    assert told.subject.endswith("(port 8104 de la box → PACS-CABINET, non prouvé)")
    assert "port public 8104 de votre box" in flat(told)
    assert "Ce n'est pas prouvé" in flat(told)
    assert "192.168.1.1," not in told.text, "it is no port of the box's own"
    assert "We saw it" not in told.text


def test_a_forward_at_whose_port_something_answered_is_told_so(catalogue: Catalogue) -> None:
    said = Finding("box-forward", "d1", 8104, vantage=Vantage.BOX, exposure=Exposure.FORWARDED)
    for answered, told_so in ((frozenset({(8104, "tcp")}), True), (frozenset({(8104, "udp")}), False)):
        told = flat(mail(catalogue, Change(NEW, said), language="en", answered=answered))
        assert ("something answered us at this port" in told) is told_so


def test_the_worst_leads_the_subject_also_where_it_was_never_checked_before(catalogue: Catalogue) -> None:
    mild = Change(ChangeKind.APPEARED, finding("dicom-name-only", 30, 104))
    told = mail(catalogue, mild, Change(ChangeKind.NEWLY_CHECKED, PUBLIC), language="en")
    assert "11112" in told.subject
    assert told.text.index("11112") < told.text.index("protected only by its name")


def test_what_only_others_say_is_told_as_not_verified(catalogue: Catalogue) -> None:
    said = replace(
        PUBLIC, rule="reported-open", vantage=Vantage.SHODAN, exposure=Exposure.REPORTED, link=None
    )
    told = mail(catalogue, Change(NEW, said), language="en")
    assert told.subject.endswith("(port 11112, reported by others, not verified)")
    assert "we did not verify it" in flat(told)


def test_a_new_address_is_no_news_and_told_in_one_line(catalogue: Catalogue) -> None:
    moved = Change(ChangeKind.MOVED, PUBLIC, replace(PUBLIC, address="198.51.100.9"))
    text = flat(mail(catalogue, OPEN, moved, language="en"))
    assert text.count("The same as at your former address on the internet: the image server answers") == 1
    assert "One problem needs" in text
    assert "moved" not in mail(catalogue, moved).subject


def test_that_nobody_asked_from_outside_is_said_only_where_nobody_did(catalogue: Catalogue) -> None:
    assert "was not tried" in flat(mail(catalogue, OPEN, language="en", public=("203.0.113.7",)))
    alert = Alert("cabinet-dupont", "3f2c9a", (OPEN,))
    told = compose(
        "Cabinet",
        alert,
        DEVICES,
        catalogue,
        READER["en"],
        True,  # noqa: FBT003
        FOUND_AT,
        ("203.0.113.7",),
        asked_outside=True,
    )
    assert "was not tried" not in flat(told)


# ------------------------------------------------------------------------------------ by the reader's role

OLD = replace(
    finding("support-ended", 30, 445),
    about={
        "product": "Windows 10",
        "version": "10.0.19041",
        "told_by": "smb",
        "state": "ended",
        "until": "2025-10-14",
        "source": "https://endoflife.example/windows",
        "checked": "2026-11-01",
    },
)
FELL = Finding("device-stopped-answering", "d21", 104, probe="liveness", address="192.168.1.21")
SENT = {"d21": ("22:04:05 UTC, dicom, 104: C-ECHO-RQ (68 bytes)",)}
EVERYTHING = (
    *BOTH,
    Change(NEW, replace(PUBLIC, port=8104, link=None)),
    Change(NEW, OLD),
    Change(NEW, FELL),
    Change(ChangeKind.UNVERIFIED, finding("dicom-name-only", 99, 4242)),
)
# What only a consultant can use: who says a version and the page about it, how we know where a public port
# leads, the practice's own addresses, the place of what is told in one line.
CONSULTANT_ONLY = (
    "SMB",
    "endoflife.example",
    "203.0.113.7",
    "port forward|redirection",
    "192.168.1.99",
    "4242",
)
BOTH_NEED = (
    "PACS-CABINET",
    "192.168.1.20, port 11112",
    "Windows 10 10.0.19041|Windows 10, 10.0.19041",
    "C-ECHO-RQ",
)


def where(part: str) -> list[str]:
    """The part without its advice, which is the catalogue's and may speak of redirections to anybody."""
    advice = re.compile(
        r"(?s)(Pourquoi c.est important|Why it matters).*?(?=(\n\d+\. |<h3|\n[A-Z]{4,}|<h2|$))"
    )
    return [advice.sub("", part)]


def told_to(catalogue: Catalogue, role: Role, language: str) -> Content:
    alert = Alert("cabinet-dupont", "3f2c9a", EVERYTHING)
    reader = Reader(language, role)
    return compose(
        "Cabinet Dupont",
        alert,
        DEVICES,
        catalogue,
        reader,
        True,  # noqa: FBT003
        FOUND_AT,
        ("203.0.113.7",),
        SENT,
    )


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_mail_of_each_reader_reads_as_agreed(
    catalogue: Catalogue, role: Role, language: str, snapshot: SnapshotAssertion
) -> None:
    told = told_to(catalogue, role, language)
    assert told.subject == snapshot(name="subject")
    assert told.text == snapshot(name="text")
    assert told.html == snapshot(name="html")
    assert told.short == snapshot(name="short")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_doctor_is_told_what_to_do_and_nothing_that_only_a_specialist_can_use(
    catalogue: Catalogue, language: str
) -> None:
    doctor, consultant = (told_to(catalogue, role, language) for role in Role)
    for detail in CONSULTANT_ONLY:
        for part in (consultant.text, consultant.html):
            assert re.search(detail, " ".join(part.split())), detail
        for part in (*where(doctor.text), *where(doctor.html), doctor.subject, doctor.short):
            assert not re.search(detail, " ".join(part.split())), detail
    for detail in BOTH_NEED:
        for told in (doctor, consultant):
            assert re.search(detail, " ".join(told.text.split())), detail
    assert doctor.subject == consultant.subject
    assert doctor.text.count("\n") < consultant.text.count("\n")


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("language", ["fr", "en"])
def test_no_secret_and_no_patient_is_in_a_mail_of_either(
    catalogue: Catalogue, role: Role, language: str
) -> None:
    """What a finding could carry at worst: facts of a banner are none of a mail's business."""
    leaky = replace(PUBLIC, about={"banner": "PATIENT^MARTIN", "password": "hunter2", "token": "s3cret"})
    alert = Alert("cabinet-dupont", "3f2c9a", (Change(NEW, leaky), *EVERYTHING))
    told = compose("C", alert, DEVICES, catalogue, Reader(language, role), True, FOUND_AT)  # noqa: FBT003
    for part in (told.subject, told.text, told.html, told.short):
        assert not [word for word in ("MARTIN", "hunter2", "s3cret") if word in part]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_short_message_is_one_or_two_sentences_without_any_place(
    catalogue: Catalogue, language: str
) -> None:
    short = told_to(catalogue, Role.CONSULTANT, language).short
    assert len(short) < 200
    assert not re.search(r"\d{2,}|\n", short)


@pytest.mark.parametrize(
    ("language", "ended", "soon", "subject"),
    [
        (
            "en",
            "This risk was accepted until 30 June 2027.",
            "Accepted only until 30 June 2027, counts again after that: the image server answers",
            "no longer accepted, counts again",
        ),
        (
            "fr",
            "Ce risque était accepté jusqu'au 30 juin 2027.",
            "Accepté seulement jusqu'au 30 juin 2027, comptera de nouveau ensuite : le serveur",
            "n'est plus accepté, compte de nouveau",
        ),
    ],
)
def test_the_end_of_a_decision_says_what_to_do_and_a_reminder_is_one_line(
    catalogue: Catalogue, language: str, ended: str, soon: str, subject: str
) -> None:
    over = replace(OPEN, kind=ChangeKind.EXPIRED, until=date(2027, 6, 30))
    told = mail(catalogue, over, language=language)
    assert flat(told).replace("\u2019", "'").replace("\u00a0", " ").count(ended) == 1
    assert subject in told.subject
    for part in (flat(told), told.html):
        assert "netwatch accept" in part
        assert {"en": "What to do now", "fr": "Que faire maintenant"}[language] in part
    nearly = mail(catalogue, OPEN, replace(over, kind=ChangeKind.EXPIRING), language=language)
    assert flat(nearly).replace("\u2019", "'").replace("\u00a0", " ").count(soon) == 1


def test_what_is_back_is_told_with_its_history_in_both_parts(catalogue: Catalogue) -> None:
    before = Before(11, "2026-03-03T22:00:00Z", "2026-05-08T12:00:00Z")
    told = mail(catalogue, replace(OPEN, before=before, until=date(2027, 6, 30)), language="en")
    again = "Again: was already there 11 times, the last time from 3 March 2026 to 8 May 2026, then"
    assert again in flat(told)
    assert again in told.html
    assert "This risk is accepted until 30 June 2027" in flat(told)
