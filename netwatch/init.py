"""What does a first site file look like? Every key, explained in the practice's language, ready to load.

The network and the internet box are proposed from the kernel's own tables (Linux: /proc/net/route and
fib_trie, see proc(5)). Where it stops: nothing is sent and no command is run to find out; a machine with
other tables proposes nothing, and the person is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from netwatch.forms import PRIVATE, slugify
from netwatch.kernel import TABLES, routes, table
from netwatch.pace import Pace
from netwatch.remarks import comment, heading, key, line
from netwatch.words import messages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from netwatch.words import Messages

EXAMPLE_DAY = date(2027, 12, 31)
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
    for entry in lines:
        words = entry.split()
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
        _mails,
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
    blocks = [comment(words("init.opening"))]
    blocks += [block for part in parts for block in part(answers, words)]
    return "\n\n".join(blocks) + "\n"


def _practice(answers: Answers, words: Messages) -> Iterator[str]:
    name = line(answers.name) or words("init.some-name")
    yield key(words, "name", name)
    yield key(words, "slug", None, slugify(name))
    yield key(words, "language", answers.language)
    yield key(words, "networks", answers.networks)
    yield key(words, "gateway", answers.gateway, "192.168.1.1")
    yield key(words, "public_addresses", None, ("203.0.113.7",))
    yield key(words, "public_ports", None, "16384-32767")
    yield key(words, "ipv6_networks", None, ("2a01:e0a:1:2::/64",))
    yield key(words, "recipients", answers.recipients, ("docteur@example.org",))
    yield key(words, "window", None, "22:00-06:00")
    yield key(words, "gone_nights", None, GONE_NIGHTS)


def _authorisation(answers: Answers, words: Messages) -> Iterator[str]:
    known = bool(line(answers.by) and line(answers.role) and answers.until)
    yield heading(words, "authorisation", known=known)
    yield key(words, "by", answers.by if known else None, "Dr Martin")
    yield key(words, "role", answers.role if known else None, words("init.some-role"))
    yield key(words, "until", answers.until if known else None, EXAMPLE_DAY)
    yield key(words, "audit", None, example=True)


def _mail(answers: Answers, words: Messages) -> Iterator[str]:
    known = bool(answers.mail_host)
    yield heading(words, "mail", known=known)
    yield key(words, "host", answers.mail_host, "smtp.example.org")
    yield key(words, "security", answers.mail_security if known else None, "starttls")
    yield key(words, "port", answers.mail_port if known else None, 587)
    yield key(words, "user", answers.mail_user if known else None, "cabinet@example.org")
    yield key(words, "sender", answers.sender if known else None, "cabinet@example.org")
    yield key(words, "password_env", None, "NETWATCH_MAIL_PASSWORD")
    yield key(words, "credential", None, "netwatch-mail")
    yield key(words, "password_file", None, "/etc/netwatch/mail-password")


def _mails(_: Answers, words: Messages) -> Iterator[str]:
    yield heading(words, "mails", known=False)
    yield key(words, "closed_nights", None, 2)
    yield key(words, "weekly", None, example=True)
    yield key(words, "overdue_hours", None, 26)
    yield heading(words, "ping", known=False)
    yield key(words, "url_env", None, "NETWATCH_PING_URL")
    yield key(words, "credential", None, "netwatch-ping")
    yield key(words, "url_file", None, "/etc/netwatch/ping-url")


def _notify(_: Answers, words: Messages) -> Iterator[str]:
    yield heading(words, "notify", known=False)
    yield key(words, "urls_env", None, "NETWATCH_NOTIFY_URLS")
    yield key(words, "credential", None, "netwatch-notify")
    yield key(words, "urls_file", None, "/etc/netwatch/notify-urls")


def _exclude(_: Answers, words: Messages) -> Iterator[str]:
    yield heading(words, "exclude")
    yield key(words, "addresses", None, ("192.168.1.50", "192.168.1.64/28"))
    yield key(words, "macs", None, ("00:11:22:aa:bb:cc",))
    yield key(words, "ports", None, (9100, "6000-6100"))
    yield key(words, "silent_ports", None, (2576, "6662-6663"))


def _ranges(answers: Answers, words: Messages) -> Iterator[str]:
    yield f"{comment(words('init.section-ranges'))}\n# [[ranges]]"
    yield key(words, "name", None, words("init.some-range"), remark="range-name")
    yield key(words, "network", None, _upper_half(answers.networks), remark="range-network")
    yield key(words, "expect", None, "phones", remark="range-expect")


def _upper_half(networks: tuple[str, ...]) -> str:
    """Of the first network: an example that lies in it."""
    try:
        network = IPv4Network(networks[0])
    except (ValueError, IndexError):
        return "192.168.1.128/25"
    return str(max(network.subnets()))


def _sweep(_: Answers, words: Messages) -> Iterator[str]:
    yield heading(words, "sweep")
    yield key(words, "max_addresses", None, 4096)
    yield key(words, "extra_ports", None, (8888, "5100-5110"))
    yield key(words, "whole_range_nights", None, OURS_NIGHTS)
    yield key(words, "detect", None, example=True)


def _pace(_: Answers, words: Messages) -> Iterator[str]:
    yield heading(words, "pace", known=False)
    for limit in ("packets", "guarded", "overall", "pause", "seconds", "limit"):
        yield key(words, limit, None, getattr(OURS, limit))
    yield "# [pace.override]"
    yield key(words, "by", None, "Dr Martin")
    yield key(words, "reason", None, words("init.some-reason"))


def _keep(_: Answers, words: Messages) -> Iterator[str]:
    yield heading(words, "keep")
    yield key(words, "days", None, OURS_DAYS)


def _classes(_: Answers, words: Messages) -> Iterator[str]:
    yield heading(words, "classes", known=False)
    yield key(words, "medical", None, ("192.168.1.20", "00:11:22:aa:bb:cc"))
    for number, name in enumerate(("printer", "box", "computer", "other"), 30):
        yield key(words, name, None, (f"192.168.1.{number}",))


def _address(_: Answers, words: Messages) -> Iterator[str]:
    yield heading(words, "address")
    yield key(words, "name", None, "cabinet.example.org", remark="address-name")
    yield key(words, "echo", None, "https://ip.example.org/")
    yield key(words, "box", None, example=True, remark="address-box")


def _vantage(_: Answers, words: Messages) -> Iterator[str]:
    yield heading(words, "vantage.outside", known=False)
    yield key(words, "ssh", None, "netwatch@vps.example.org")
    yield key(words, "key_file", None, "netwatch-vantage-key", remark="ssh-key_file")
    yield key(words, "known_hosts", None, "netwatch-known-hosts")
    yield key(words, "host_key", None, "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    yield key(words, "kept_back", None, example=(25, 465))


def _box(_: Answers, words: Messages) -> Iterator[str]:
    yield heading(words, "box", known=False)
    yield key(words, "kind", None, "freebox")
    yield key(words, "password_env", None, "NETWATCH_BOX_PASSWORD")
    yield key(words, "credential", None, "netwatch-box")
    yield key(words, "password_file", None, "/etc/netwatch/box-password")


def _others(_: Answers, words: Messages) -> Iterator[str]:
    yield heading(words, "shodan", known=False)
    yield key(words, "key_env", None, "SHODAN_API_KEY")
    yield key(words, "credential", None, "netwatch-shodan", remark="shodan-credential")
    yield key(words, "key_file", None, "/etc/netwatch/shodan-key")
    for name in ("history", "scan", "monitor"):
        yield key(words, name, None, example=False)
    yield heading(words, "internetdb", known=False)
    yield key(words, "use", None, words("init.some-use"))


def _probes(_: Answers, words: Messages) -> Iterator[str]:
    yield heading(words, "probes.dicom")
    yield key(words, "timeout", None, 5.0)
