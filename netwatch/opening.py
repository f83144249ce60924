"""Which protocol do a peer's first bytes give away? Data, and nothing of the bytes is kept.

Where it stops: what speaks first, and what answers a stranger's words in its own way. A protocol that stays
silent until its own first message comes is found by the probe that sends it.
"""

from __future__ import annotations

UNKNOWN = "unknown"
VAGUE = frozenset({"tls", "http", "ftp-or-smtp"})  # words that a more exact one replaces
NMAP = "nmap"  # the word for what nmap makes of an answer: what the port speaks, we tell ourselves

# (the first bytes, the word). The first that fits is told.
OPENINGS = (
    (b"HTTP/", "http"),
    (b"<!DOC", "http"),
    (b"<!doc", "http"),
    (b"<html", "http"),
    (b"<HTML", "http"),
    (b"SSH-", "ssh"),
    (b"RFB ", "vnc"),
    (b"RTSP/", "rtsp"),
    (b"SIP/2.0", "sip"),
    (b"@RSYNCD:", "rsync"),
    (b"220", "ftp-or-smtp"),
    (b"-NOAUTH", "redis"),
    (b"-DENIED", "redis"),
    (b"ERROR\r\n", "memcached"),
    (b"+OK", "pop3"),
    (b"* OK", "imap"),
    (b"\xff\xfb", "telnet"),
    (b"\xff\xfd", "telnet"),
    (b"\xff\xfe", "telnet"),
    (b"\x15\x03", "tls"),
    (b"\x17\x24", "remote-control"),  # TeamViewer
    (b"\x30\x11\0\0\0\0\0\0", "remote-control"),  # Dameware
    (b"SRS:Ready", "remote-control"),  # Splashtop
)
# MySQL and MariaDB: three bytes of length, sequence 0, then protocol 10, or an error packet.
MYSQL_AT, MYSQL = 3, (b"\x00\x0a", b"\x00\xff")


def recognise(opening: bytes) -> str:
    """The protocol word for a peer's first bytes, or `unknown`."""
    if opening[MYSQL_AT : MYSQL_AT + 2] in MYSQL and opening[2:3] == b"\0":
        return "mysql"
    return next((word for mark, word in OPENINGS if opening.startswith(mark)), UNKNOWN)
