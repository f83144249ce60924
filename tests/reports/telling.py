"""Which facts, which words of ours and which protocols can the code tell? Read off its source.

Every mapping that is a Facts, or becomes one, is read: by its annotation, or because `observed`
gets it. Where it stops: a word that is put together cannot be seen there; TABLED has those, by hand.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import netwatch
import probes
from netwatch.box.livebox import LEVELS
from netwatch.opening import NMAP, OPENINGS
from netwatch.others.banner import PROTOCOLS, TAGS
from netwatch.ports import curated
from probes import natpmp, pcp

if TYPE_CHECKING:
    from collections.abc import Mapping

# The engine's own modules that tell facts, and its folders of statements; and the facts that sweep, store,
# liveness and windows.toml add, or that are told where this does not read.
TELLING = ("certificate", "ntlm", "products", "beyond", "detect")
STATING = ("box", "others")
ELSEWHERE = {
    *("state", "protocol_from", "sent", "support_ends"),
    *("pinholes", "patients", "studies", "vulns", "tags"),  # UPnP's wall, Orthanc's numbers, Shodan's banner
}
# A maker's or a machine's own words: not ours to translate.
THEIRS = {
    *("certificate_name", "dns_name", "netbios_domain", "netbios_name", "product", "server", "title"),
    *("toolkit", "version", "workgroup"),
    *("nmap_cpe", "nmap_device", "nmap_product", "nmap_service", "nmap_system", "nmap_version"),
}
# What the code puts together, or takes from elsewhere: it cannot be read off as a word.
TABLED: Mapping[str, set[str]] = {
    "client_certificate": {"not-asked", "not-required", "optional", "required"},
    "discovery": {"none", "password", "unknown"},
    "login": {"basic", "bearer", "digest", "form", "negotiate", "ntlm", "other", "script", "secure-form"},
    "nla": {"absent", "optional", "required", "unknown"},
    "page": {"error", "listing", "login", "open", "other", "redirect", "refused"},
    "protocol_from": {"answer", "port"},
    "redirect": {"another-port", "elsewhere", "here", "https"},
    "reject": {
        *("application-context-name-not-supported", "called-ae-title-not-recognized", "no-reason-given"),
        *("calling-ae-title-not-recognized", "local-limit-exceeded", "protocol-version-not-supported"),
        "temporary-congestion",
    },
    "security": {
        # RDP, VNC, IPP
        *("rdp", "tls", "nla", "none", "ssl3", "vnc-password", "rsa-aes", "rsa-aes-unencrypted", "tight"),
        *("vencrypt", "apple"),
        # Redis, PostgreSQL, WinRM
        *("protected-mode", "trust", "kerberos", "cleartext", "md5", "gss", "sspi", "scram", "basic"),
        *("certificate", "credssp", "digest", "negotiate", "ntlm"),
        # Apple's file sharing
        *(
            "clear-text-password",
            "dhx",
            "dhx2",
            "guest",
            "random-number",
            "two-way-random-number",
            "reconnect",
        ),
    },
    "level": {level.lower() for level in LEVELS},
    "lies": {"control", "listing", "location"},
    "result": {word for word, _ in (*natpmp.RESULTS.values(), *pcp.RESULTS.values())},
    "signing": {"disabled", "enabled", "required"},
    "state": {"open"},
    "tags": set(TAGS),
    "via": {"upnp", "nat-pmp", "freebox", "livebox", "bbox"},
}


def sources() -> list[Path]:
    """The code that tells facts."""
    engine = Path(netwatch.__file__).parent
    stating = (path for name in STATING for path in (engine / name).glob("*.py"))
    return [
        *Path(probes.__file__).parent.glob("[!_]*.py"),
        *(engine / f"{name}.py" for name in TELLING),
        *stating,
    ]


class Telling(ast.NodeVisitor):
    """What a module's code says of facts: `facts` by key, with the words it gives them; `protocols`."""

    def __init__(self, tree: ast.Module) -> None:
        self.facts: defaultdict[str, set[str]] = defaultdict(set)
        self.protocols: set[str] = set()
        told = [node for node in ast.walk(tree) if isinstance(node, ast.AnnAssign | ast.arg)]
        self.names = {_name(node).rpartition(".")[2] for node in told if _is_facts(node.annotation)}
        self.made: dict[str, ast.expr | ast.FunctionDef] = {}
        for node in tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                self.made[_name(node)] = node.value
            elif isinstance(node, ast.FunctionDef):
                self.made[node.name] = node
        self.visit(tree)

    def words(self, node: ast.AST | None) -> set[str]:  # noqa: PLR0911 - one for each kind of expression
        """The words that this may be: its own, and those of the constants, tables and functions it names."""
        match node:
            case ast.Constant(value=str(word)):
                return {word}
            case ast.IfExp():
                return self.words(node.body) | self.words(node.orelse)
            case ast.BoolOp() | ast.Dict():
                return set().union(*map(self.words, node.values))
            case ast.Name(id=name) if name in self.made:
                return self.words(self.made[name])
            case ast.FunctionDef():
                ends = (one.value for one in ast.walk(node) if isinstance(one, ast.Return))
                return set().union(*map(self.words, ends))
            case ast.Call(func=ast.Attribute(value=table, attr="get")):
                return self.words(table) | set().union(*map(self.words, node.args[1:]))
            case ast.Call(func=ast.Name() as function):
                return self.words(function)
            case ast.Subscript(value=ast.Dict() | ast.Name() as table):
                return self.words(table)
        return set()

    def _tell(self, node: ast.AST | None) -> None:
        """Every mapping in this expression; not one that something is looked up in."""
        match node:
            case ast.Dict():
                for key, value in zip(node.keys, node.values, strict=True):
                    self._pair(key, value)
                    if key is None:
                        self._tell(value)
            case None | ast.DictComp() | ast.Subscript() | ast.Call(func=ast.Attribute(attr="get")):
                return
            case _:
                for child in ast.iter_child_nodes(node):
                    self._tell(child)

    def _pair(self, key: ast.expr | None, value: ast.expr) -> None:
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            self.facts[key.value] |= self.words(value)

    def visit(self, node: ast.AST) -> None:  # noqa: C901 - the same
        """Where facts are made."""
        match node:
            case ast.FunctionDef() if _is_facts(node.returns):
                for one in ast.walk(node):
                    if isinstance(one, ast.Return):
                        self._tell(one.value)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assigned(target, value)
            case ast.AnnAssign(target=target, value=value) | ast.AugAssign(target=target, value=value):
                self._assigned(target, value)
            case ast.Call(func=ast.Attribute(attr="observed"), args=[_, _, protocol, facts, *_]):
                self.protocols |= self.words(protocol)
                self._tell(facts)
            case ast.Call(func=ast.Attribute(attr="say") | ast.Name(id="said"), args=[protocol, facts, *_]):
                self.protocols |= self.words(protocol)
                self._tell(facts)
            case ast.Call(keywords=named) if {"protocol", "facts"} <= {one.arg for one in named}:
                given = {one.arg: one.value for one in named}
                self.protocols |= self.words(given["protocol"])
                self._tell(given["facts"])
            case ast.Call(func=ast.Attribute(value=value, attr="update")) if _name(value) in self.names:
                for told in node.keywords:
                    self._pair(ast.Constant(told.arg), told.value)
            case ast.Call(func=ast.Attribute(value=value, attr="setdefault")) if _name(value) in self.names:
                self._pair(node.args[0], node.args[1])
        self.generic_visit(node)

    def _assigned(self, target: ast.expr, value: ast.expr | None) -> None:
        if _name(target).rpartition(".")[2] in self.names:
            self._tell(value)
        if isinstance(target, ast.Subscript) and _name(target.value) in self.names and value is not None:
            self._pair(target.slice, value)


def _name(node: ast.AST) -> str:
    match node:
        case ast.arg():
            return node.arg
        case ast.Assign(targets=[target, *_]) | ast.AnnAssign(target=target):
            return ast.unparse(target)
    return ast.unparse(node)


def _is_facts(annotation: ast.expr | None) -> bool:
    return annotation is not None and re.search(r"\bFacts?\b", ast.unparse(annotation)) is not None


@cache
def telling() -> tuple[Telling, ...]:
    return tuple(Telling(ast.parse(path.read_text(encoding="utf-8"))) for path in sources())


def facts_told() -> dict[str, set[str]]:
    """Every fact, with every word of ours that it may be."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for one in telling():
        for key, words in one.facts.items():
            found[key] |= set() if key in THEIRS else {part for word in words for part in word.split(", ")}
    for key in ELSEWHERE:
        found[key] = set()
    for key, words in TABLED.items():
        found[key] |= words
    data = tomllib.loads((Path(netwatch.__file__).parent / "products.toml").read_text(encoding="utf-8"))
    found["kind"] |= {one["kind"] for one in data["product"]}
    return found


def protocols_told() -> set[str]:
    """Every word that a service's `protocol` may be."""
    data = tomllib.loads((Path(netwatch.__file__).parent / "products.toml").read_text(encoding="utf-8"))
    spoken = {one["speaks"] for one in data["product"] if "speaks" in one}
    suggested = {port.protocol for port in curated().values()}
    heard = {word for _, word in OPENINGS} | {"mysql", "smtp", "unknown", NMAP}
    heard |= set(PROTOCOLS.values())
    return set().union(spoken, suggested, heard, *(one.protocols for one in telling()))
