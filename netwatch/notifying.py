"""What does the process do that notify.py starts? Sends one message through apprise, and says how that went.

It reads {"url", "title", "body"} and writes ["sent" | "refused" | ..., the server's number]. Nothing else
comes out: what apprise logs may hold the address, a secret. It keeps nothing on disk and loads no plugins.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys

CODE = re.compile(r"error=(\d{3})\b")


def main() -> None:
    """Read, send, answer."""
    told = json.loads(sys.stdin.buffer.read())
    answer = os.fdopen(os.dup(1), "w")
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silence, stream)
    answer.write(json.dumps(send(told["url"], told["title"], told["body"])))
    answer.close()


def send(url: str, title: str, body: str) -> tuple[str, int]:
    """How it went: a word that notify.py knows, and the server's number, or 0."""
    try:
        import apprise  # noqa: PLC0415 - an optional part
    except ImportError:
        return "not-installed", 0
    said: list[str] = []
    kept = logging.Handler(logging.WARNING)
    kept.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("apprise")
    logger.handlers, logger.propagate = [kept], False
    asset = apprise.AppriseAsset(
        app_id="netwatch", app_desc="netwatch", app_url="", async_mode=False, storage_mode="memory"
    )
    bell = apprise.Apprise(asset=asset)
    if not bell.add(url):
        return "wrong-address", 0
    if bell.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT):
        return "sent", 0
    codes = [int(found[1]) for line in said if (found := CODE.search(line))]
    if codes:
        return "refused", codes[-1]
    return ("unreachable" if any("onnection" in line for line in said) else "failed"), 0


if __name__ == "__main__":
    main()
