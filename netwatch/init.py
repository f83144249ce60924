"""What does a first site file look like? Every key, explained in the practice's language, ready to load.

The network and the internet box are proposed from the kernel's own tables (Linux: /proc/net/route and
fib_trie, see proc(5)). Where it stops: nothing is sent and no command is run to find out; a machine with
other tables proposes nothing, and the person is asked.
"""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from netwatch.forms import PRIVATE, slugify
from netwatch.kernel import TABLES, routes, table
from netwatch.pace import Pace
from netwatch.words import messages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from netwatch.words import Messages

EXAMPLE_DAY = date(2027, 12, 31)
WIDTH = 100  # of a remark
OURS, OURS_NIGHTS, GONE_NIGHTS, OURS_DAYS = Pace(), 14, 30, 400
WIDEST = 20  # a wider network is proposed as the /24 around us: a practice does not fill it


@dataclass(frozen=True, slots=True)
class Proposal:
    """This machine's network and the address of its internet box, as far as it knows them."""

    network: str | None
    gateway: str | None


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person said. What is empty is written as an example, behind a `#`."""

    name: str
    language: str
    networks: tuple[str, ...]
    gateway: str | None = None
    recipients: tuple[str, ...] = ()
    by: str = ""
    role: str = ""
    until: date | None = None
    mail_host: str | None = None
    mail_port: int | None = None
    mail_security: str | None = None
    mail_user: str | None = None
    sender: str | None = None


def propose(kernel: Path = TABLES) -> Proposal:
    """The private network behind the default route. Never raises; None is what could not be read."""
    try:
        known = sorted(routes(kernel), key=lambda route: route.metric)
        own = tuple(_own(table(kernel / "fib_trie")))
    except OSError:
        return Proposal(None, None)
    box = next((r for r in known if r.network.prefixlen == 0 and r.gateway), None)
    near = [r.network for r in known if r.gateway is None and _private(r.network)]
    if box is not None:
        behind = [r.network for r in known if r.card == box.card and r.network in near]
        near = [network for network in behind if box.gateway in network] or behind
    elif len(near) > 1:
        near = []  # which of them is the practice's, we cannot know
    network = _narrowed(near[0], own) if near else None
    gateway = str(box.gateway) if box and box.gateway and _private(IPv4Network(box.gateway)) else None
    return Proposal(str(network) if network else None, gateway)


def _own(lines: list[str]) -> Iterator[IPv4Address]:
    """This machine's addresses: in fib_trie, a leaf and under it `/32 host LOCAL`."""
    leaf = ""
    for line in lines:
        words = line.split()
        if words[:1] == ["|--"]:
            leaf = words[-1]
        elif words == ["/32", "host", "LOCAL"]:
            try:
                yield IPv4Address(leaf)
            except ValueError:
                continue


def _private(network: IPv4Network) -> bool:
    return any(network.subnet_of(allowed) for allowed in PRIVATE)


def _narrowed(network: IPv4Network, own: Iterable[IPv4Address]) -> IPv4Network | None:
    """The network; of one wider than we would scan, the /24 in which we are."""
    if network.prefixlen >= WIDEST:
        return network
    here = next((address for address in own if address in network), None)
    return IPv4Network((here, 24), strict=False) if here else None


def render(answers: Answers) -> str:
    """The site file. Text is quoted as TOML quotes it, and what is invisible in it becomes a space."""
    words = messages(answers.language)
    parts = (
        _practice,
        _authorisation,
        _mail,
        _notify,
        _exclude,
        _ranges,
        _sweep,
        _pace,
        _keep,
        _classes,
        _address,
        _vantage,
        _box,
        _others,
        _probes,
    )
    blocks = [_remark(words("init.opening"))]
    blocks += [block for part in parts for block in part(answers, words)]
    return "\n\n".join(blocks) + "\n"


def _practice(answers: Answers, words: Messages) -> Iterator[str]:
    name = _line(answers.name) or words("init.some-name")
    yield _key(words, "name", name)
    yield _key(words, "slug", None, slugify(name))
    yield _key(words, "language", answers.language)
    yield _key(words, "networks", answers.networks)
    yield _key(words, "gateway", answers.gateway, "192.168.1.1")
    yield _key(words, "public_addresses", None, ("203.0.113.7",))
    yield _key(words, "public_ports", None, "16384-32767")
    yield _key(words, "ipv6_networks", None, ("2a01:e0a:1:2::/64",))
    yield _key(words, "recipients", answers.recipients, ("docteur@example.org",))
    yield _key(words, "window", None, "22:00-06:00")
    yield _key(words, "gone_nights", None, GONE_NIGHTS)


def _authorisation(answers: Answers, words: Messages) -> Iterator[str]:
    known = bool(_line(answers.by) and _line(answers.role) and answers.until)
    yield _heading(words, "authorisation", known=known)
    yield _key(words, "by", answers.by if known else None, "Dr Martin")
    yield _key(words, "role", answers.role if known else None, words("init.some-role"))
    yield _key(words, "until", answers.until if known else None, EXAMPLE_DAY)
    yield _key(words, "audit", None, example=True)


def _mail(answers: Answers, words: Messages) -> Iterator[str]:
    known = bool(answers.mail_host)
    yield _heading(words, "mail", known=known)
    yield _key(words, "host", answers.mail_host, "smtp.example.org")
    yield _key(words, "security", answers.mail_security if known else None, "starttls")
    yield _key(words, "port", answers.mail_port if known else None, 587)
    yield _key(words, "user", answers.mail_user if known else None, "cabinet@example.org")
    yield _key(words, "sender", answers.sender if known else None, "cabinet@example.org")
    yield _key(words, "password_env", None, "NETWATCH_MAIL_PASSWORD")
    yield _key(words, "credential", None, "netwatch-mail")
    yield _key(words, "password_file", None, "/etc/netwatch/mail-password")


def _notify(_: Answers, words: Messages) -> Iterator[str]:
    yield _heading(words, "notify", known=False)
    yield _key(words, "urls_env", None, "NETWATCH_NOTIFY_URLS")
    yield _key(words, "credential", None, "netwatch-notify")
    yield _key(words, "urls_file", None, "/etc/netwatch/notify-urls")


def _exclude(_: Answers, words: Messages) -> Iterator[str]:
    yield _heading(words, "exclude")
    yield _key(words, "addresses", None, ("192.168.1.50", "192.168.1.64/28"))
    yield _key(words, "macs", None, ("00:11:22:aa:bb:cc",))
    yield _key(words, "ports", None, (9100, "6000-6100"))
    yield _key(words, "silent_ports", None, (2576, "6662-6663"))


def _ranges(answers: Answers, words: Messages) -> Iterator[str]:
    yield f"{_remark(words('init.section-ranges'))}\n# [[ranges]]"
    yield _key(words, "name", None, words("init.some-range"), remark="range-name")
    yield _key(words, "network", None, _upper_half(answers.networks), remark="range-network")
    yield _key(words, "expect", None, "phones", remark="range-expect")


def _upper_half(networks: tuple[str, ...]) -> str:
    """Of the first network: an example that lies in it."""
    try:
        network = IPv4Network(networks[0])
    except (ValueError, IndexError):
        return "192.168.1.128/25"
    return str(max(network.subnets()))


def _sweep(_: Answers, words: Messages) -> Iterator[str]:
    yield _heading(words, "sweep")
    yield _key(words, "max_addresses", None, 4096)
    yield _key(words, "extra_ports", None, (8888, "5100-5110"))
    yield _key(words, "whole_range_nights", None, OURS_NIGHTS)
    yield _key(words, "detect", None, example=True)


def _pace(_: Answers, words: Messages) -> Iterator[str]:
    yield _heading(words, "pace", known=False)
    for key in ("packets", "guarded", "overall", "pause", "seconds", "limit"):
        yield _key(words, key, None, getattr(OURS, key))
    yield "# [pace.override]"
    yield _key(words, "by", None, "Dr Martin")
    yield _key(words, "reason", None, words("init.some-reason"))


def _keep(_: Answers, words: Messages) -> Iterator[str]:
    yield _heading(words, "keep")
    yield _key(words, "days", None, OURS_DAYS)


def _classes(_: Answers, words: Messages) -> Iterator[str]:
    yield _heading(words, "classes", known=False)
    yield _key(words, "medical", None, ("192.168.1.20", "00:11:22:aa:bb:cc"))
    for number, name in enumerate(("printer", "box", "computer", "other"), 30):
        yield _key(words, name, None, (f"192.168.1.{number}",))


def _address(_: Answers, words: Messages) -> Iterator[str]:
    yield _heading(words, "address")
    yield _key(words, "name", None, "cabinet.example.org", remark="address-name")
    yield _key(words, "echo", None, "https://ip.example.org/")
    yield _key(words, "box", None, example=True, remark="address-box")


def _vantage(_: Answers, words: Messages) -> Iterator[str]:
    yield _heading(words, "vantage.outside", known=False)
    yield _key(words, "ssh", None, "netwatch@vps.example.org")
    yield _key(words, "key_file", None, "netwatch-vantage-key", remark="ssh-key_file")
    yield _key(words, "known_hosts", None, "netwatch-known-hosts")
    yield _key(words, "host_key", None, "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    yield _key(words, "kept_back", None, example=(25, 465))


def _box(_: Answers, words: Messages) -> Iterator[str]:
    yield _heading(words, "box", known=False)
    yield _key(words, "kind", None, "freebox")
    yield _key(words, "password_env", None, "NETWATCH_BOX_PASSWORD")
    yield _key(words, "credential", None, "netwatch-box")
    yield _key(words, "password_file", None, "/etc/netwatch/box-password")


def _others(_: Answers, words: Messages) -> Iterator[str]:
    yield _heading(words, "shodan", known=False)
    yield _key(words, "key_env", None, "SHODAN_API_KEY")
    yield _key(words, "credential", None, "netwatch-shodan", remark="shodan-credential")
    yield _key(words, "key_file", None, "/etc/netwatch/shodan-key")
    for name in ("history", "scan", "monitor"):
        yield _key(words, name, None, example=False)
    yield _heading(words, "internetdb", known=False)
    yield _key(words, "use", None, words("init.some-use"))


def _probes(_: Answers, words: Messages) -> Iterator[str]:
    yield _heading(words, "probes.dicom")
    yield _key(words, "timeout", None, 5.0)


def _heading(words: Messages, name: str, *, known: bool = True) -> str:
    remark = _remark(words(f"init.section-{name.partition('.')[0]}"))
    return f"{remark}\n{'' if known else '# '}[{name}]"


def _key(words: Messages, name: str, value: object, example: object = (), *, remark: str = "") -> str:
    """A remark, then the key: with its value, or with an example behind a `#`. `remark`: its id, where the
    same key stands in several sections."""
    written = f"{name} = {_toml(value)}" if value else f"# {name} = {_toml(example)}"
    return f"{_remark(words(f'init.key-{remark or name}'))}\n{written}"


def _remark(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False)


def _toml(value: object) -> str:
    """A value as TOML 1.0 writes it. JSON quotes text in the same way once nothing invisible is left."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        return json.dumps(_line(value), ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)  # a number, or a date


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
