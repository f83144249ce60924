"""Which ports answer a plain connect, from where, and which were knocked at? The truth, without netwatch.

``knock(stranger, "5.39.77.1", [22, 80])``; the program that is run there is this module.
"""

from __future__ import annotations

import errno
import json
import re
import selectors
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.lab.net import Host

ROOT = Path(__file__).parents[2]  # where `tests.lab` is found
AT_ONCE = 500


def knock(host: Host, address: str, ports: Iterable[int], *, patience: float = 1.0) -> dict[int, str]:
    """`open`, `closed` (refused) or `silent` for each TCP port, as this host sees them, over IPv4 or IPv6.

    `patience`: seconds for each of the groups of 500 in which they are asked.
    """
    done = host.run(
        [sys.executable, "-m", "tests.lab.knocks", address, str(patience)],
        env={"PYTHONPATH": str(ROOT)},
        stdin=json.dumps(sorted(set(ports))),
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return {int(port): word for port, word in json.loads(done.stdout).items()}


def is_open(host: Host, address: str, port: int, *, patience: float = 1.0) -> bool:
    """Whether a connection is made."""
    return knock(host, address, [port], patience=patience)[port] == "open"


def opened(answers: Mapping[int, str]) -> set[int]:
    """The open ones of what knock() gave."""
    return {port for port, word in answers.items() if word == "open"}


def packets(capture: Path, to: str, *, by: str | None = None) -> Counter[int]:
    """How many TCP and UDP packets to this address a capture holds, by destination port.

    `by`: only those from this address, without which the answers to the practice's own calls are counted too.
    """
    told = subprocess.run(["tcpdump", "-nn", "-r", str(capture)], check=True, text=True, capture_output=True)
    sender = re.escape(by) if by else r"\S+"
    found = re.findall(rf" {sender}\.\d+ > {re.escape(to)}\.(\d+): ", told.stdout)
    return Counter(map(int, found))


def _group(address: str, ports: Sequence[int], patience: float) -> dict[int, str]:
    """All of them at once."""
    told = {}
    knocking: dict[int, socket.socket] = {}
    deadline = time.monotonic() + patience
    with ExitStack() as stack, selectors.DefaultSelector() as waiting:
        for port in ports:
            one = stack.enter_context(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET))
            one.settimeout(0)
            told[port] = _word(one.connect_ex((address, port)))
            if told[port] == "waiting":
                waiting.register(one, selectors.EVENT_WRITE, port)
                knocking[port] = one
        while knocking and (left := deadline - time.monotonic()) > 0:
            for key, _ in waiting.select(left):
                one = knocking.pop(key.data)
                told[key.data] = _word(one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
                waiting.unregister(one)
    return told | dict.fromkeys(knocking, "silent")


def _word(error: int) -> str:
    """What came of a connect. A router's word that there is nobody is not one of the port's."""
    return {0: "open", errno.ECONNREFUSED: "closed", errno.EINPROGRESS: "waiting"}.get(error, "silent")


if __name__ == "__main__":
    wanted = json.load(sys.stdin)
    groups = [wanted[first : first + AT_ONCE] for first in range(0, len(wanted), AT_ONCE)]
    answers = [_group(sys.argv[1], group, float(sys.argv[2])) for group in groups]
    json.dump({port: word for answer in answers for port, word in answer.items()}, sys.stdout)
