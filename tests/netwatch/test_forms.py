"""Is each value of a site file read in every form it may have, and in no other?"""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from ipaddress import IPv4Network
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from netwatch import forms
from netwatch.forms import MAIL_ADDRESS, PRIVATE, slugify


def read(form: Any, value: object) -> Any:  # noqa: ANN401 - any form gives its own type
    return TypeAdapter(form).validate_python(value)


def refused(form: Any, value: object) -> bool:  # noqa: ANN401 - any form
    try:
        read(form, value)
    except ValidationError:
        return True
    return False


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.168.1.0/24", "192.168.1.0/24"),
        (" 10.0.0.0/255.255.255.0 ", "10.0.0.0/24"),
        ("172.31.255.255", "172.31.255.255/32"),
        ("127.77.1.0/24", "127.77.1.0/24"),
    ],
)
def test_a_network_or_one_device_is_read(text: str, network: str) -> None:
    assert read(forms.OwnNetwork, text) == IPv4Network(network)


@pytest.mark.parametrize(
    "text", ["172.32.0.0/24", "172.0.0.0/8", "169.254.0.0/16", "100.64.0.1", "224.0.0.1", "::1", ""]
)
def test_what_is_not_private_is_never_a_network_to_scan(text: str) -> None:
    assert refused(forms.OwnNetwork, text)


@given(st.one_of(st.text(), st.from_regex(r"[0-9./ ;-]{1,20}"), st.integers(), st.booleans()))
@example("192.168.1.1 -oN /tmp/x")
@example("192.168.1.1\n")
def test_no_text_becomes_a_network_that_is_not_private(value: object) -> None:
    if not refused(forms.OwnNetwork, value):
        assert any(read(forms.OwnNetwork, value).subnet_of(allowed) for allowed in PRIVATE)


@pytest.mark.parametrize(
    "text", ["00:11:22:AA:BB:CC", "00-11-22-aa-bb-cc", "0011.22aa.bbcc", " 00:11:22:aa:bb:cc "]
)
def test_a_card_is_one_card_in_every_spelling(text: str) -> None:
    assert read(forms.Mac, text) == "00:11:22:aa:bb:cc"


@pytest.mark.parametrize("text", ["00:11-22:aa:bb:cc", "00:11:22:aa:bb", "00:11:22:aa:bb:cg", "", 7])
def test_what_is_no_card_is_refused(text: object) -> None:
    assert refused(forms.Mac, text)


@given(st.lists(st.tuples(st.integers(1, 65535), st.integers(0, 20)), max_size=9))
def test_ports_are_read_alone_and_as_ranges(ranges: list[tuple[int, int]]) -> None:
    ends = [(first, min(first + more, 65535)) for first, more in ranges]
    meant = {port for first, last in ends for port in range(first, last + 1)}
    text = [f"{first}-{last}" if last != first else first for first, last in ends]
    assert read(forms.Ports, text) == meant
    assert read(forms.FewPorts, text) == tuple(sorted(meant))


@pytest.mark.parametrize("one", [0, 65536, -1, True, 80.0, "80-", "2-1", "80,81", "٨٠", "1-70000", None])
def test_what_is_no_port_is_refused(one: object) -> None:
    assert refused(forms.Ports, [one])


@pytest.mark.timeout(10)
def test_a_list_of_ranges_made_to_keep_us_busy_is_refused_at_once() -> None:
    assert refused(forms.Ports, ["1-65535"] * 100_000)


@pytest.mark.parametrize("text", ["a@example.org", "a.b+c@sub.example.org", "root@localhost"])
def test_a_plain_mail_address_is_taken(text: str) -> None:
    assert read(forms.Mailbox, text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("a", "a@b", "a@@example.org", ".a@example.org", "a..b@example.org", "a@-x.org", "é@example.org", 7),
        *("a@example.org\n", "a@example.org, b@example.org", '"a b"@example.org', "a@[127.0.0.1]"),
        "a@" + "x." * 130 + "org",
    ],
)
def test_what_could_be_more_than_one_plain_address_is_refused(text: object) -> None:
    assert refused(forms.Mailbox, text)


@given(st.from_regex(MAIL_ADDRESS, fullmatch=True))
def test_every_address_taken_fits_a_header_as_it_is(text: str) -> None:
    mail = EmailMessage()
    mail["To"] = text
    mail["From"] = Address(addr_spec=text)
    assert mail["To"].addresses[0].addr_spec == text


@given(st.text())
def test_a_slug_can_name_a_file_and_is_always_the_same(name: str) -> None:
    assert not refused(forms.Slug, slugify(name))
    assert slugify(name) == slugify(name)


def test_names_without_a_latin_letter_have_slugs_of_their_own() -> None:
    assert slugify("诊所") != slugify("クリニック")
    assert slugify("Cabinet Lebœuf & Associés") == "cabinet-leboeuf-associes"
