"""Is the list of ports whole, and does everything on it have its reason?"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.document import port_list
from netwatch.ports import UNKNOWN, curated, expand, suggested
from netwatch.scope import UNTOUCHED


@pytest.mark.parametrize("number", [104, 2761, 2762, 11112, 4242, 5678, 11113, 10104])
def test_every_port_where_an_image_server_lives_is_asked(number: int) -> None:
    assert suggested(number) == "dicom"


@pytest.mark.parametrize(
    ("number", "protocol"),
    [(80, "http"), (443, "http"), (8042, "http"), (3000, "http"), (22, "ssh"), (23, "telnet"), (445, "smb"),
     (3389, "rdp"), (5900, "vnc"), (631, "ipp"), (2575, "hl7")],
)  # fmt: skip
def test_web_doors_and_remote_access_are_asked_under_the_words_of_the_document(
    number: int, protocol: str
) -> None:
    assert suggested(number) == protocol


def test_a_port_that_is_not_on_the_list_suggests_nothing() -> None:
    assert suggested(50_001) == UNKNOWN
    assert 50_001 not in curated()


def test_every_port_is_one_and_says_why_it_is_asked() -> None:
    for number, port in curated().items():
        assert port.number == number
        assert 1 <= number <= 65_535
        assert re.fullmatch("[a-z0-9-]+", port.protocol), port
        assert port.reason.strip(), port


def test_no_image_server_is_looked_for_where_one_is_at_home_and_settled_for_something_else() -> None:
    assert not [
        port for port in curated().values() if port.usual and (port.settled or port.protocol != "dicom")
    ]


def test_a_port_that_must_never_be_touched_is_not_on_the_list() -> None:
    assert not UNTOUCHED & curated().keys()


def test_no_port_stands_in_two_groups() -> None:
    import tomllib  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    from netwatch import ports  # noqa: PLC0415 - the file beside it is read

    groups = tomllib.loads(Path(ports.__file__).with_suffix(".toml").read_text(encoding="utf-8"))["group"]
    written = [number for group in groups for number in expand(group["ports"])]
    assert sorted(written) == sorted(set(written)) == sorted(curated())


@given(st.frozensets(st.integers(1, 65_535), max_size=50))
def test_ranges_written_by_the_document_are_read_back(ports: frozenset[int]) -> None:
    written = port_list(tuple(ports))
    assert set(expand(written.split(",")) if written else []) == ports


@pytest.mark.parametrize("text", ["x", "1-2-3", "", "-1", "80-"])
def test_a_slip_of_the_pen_in_the_list_is_an_error_or_one_port(text: str) -> None:
    try:
        assert expand([text]) == [80]
    except ValueError:
        return
