"""Are protocols known by the first bytes that real servers send?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.opening import OPENINGS, UNKNOWN, recognise


@pytest.mark.parametrize(
    ("opening", "word"),
    [
        (b"SSH-2.0-OpenSSH_", "ssh"),
        (b"RFB 003.008\n", "vnc"),
        (b"220 (vsFTPd 3.0.", "ftp-or-smtp"),
        (b"\xff\xfd\x18\xff\xfd ", "telnet"),
        (b"\xff\xfb\x01", "telnet"),
        (b"@RSYNCD: 31.0 sh", "rsync"),
        (b"HTTP/1.1 400 Bad", "http"),
        (b"\x15\x03\x03\x00\x02\x02F", "tls"),
        (b"-DENIED Redis is", "redis"),
        (b"j\x00\x00\x00\x0a5.5.5-10", "mysql"),
        (b"E\x00\x00\x00\xffj\x04Host", "mysql"),
        (b"RTSP/1.0 400 Bad", "rtsp"),
        (b"", UNKNOWN),
        (b"\x00\x0a", UNKNOWN),
        (b"j\x00\x01\x00\x0a5.5", UNKNOWN),
        (b"\x03\x00\x00\x13", UNKNOWN),  # TPKT is not RDP's alone
    ],
)
def test_what_servers_open_with_is_recognised(opening: bytes, word: str) -> None:
    assert recognise(opening) == word


@given(st.binary(max_size=16))
def test_any_bytes_are_one_of_our_words(opening: bytes) -> None:
    assert recognise(opening) in {UNKNOWN, "mysql", *(word for _, word in OPENINGS)}
