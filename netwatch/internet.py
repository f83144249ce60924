"""How is the practice seen from the internet, and who tells? The site file's tables about it, for pydantic.

No secret is in any of them: each says where its key or password is to be had (secret.py).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from netwatch.forms import (
    Credential,
    Fingerprint,
    Flag,
    Host,
    Phrase,
    Ports,
    SecretFile,
    Target,
    Variable,
    Web,
)
from netwatch.secret import secret
from netwatch.settings import Table

KEPT_BACK = frozenset({25})  # by most clouds, against spam


class AddressSettings(Table):
    """Where the practice's address on the internet is learnt, when it may change."""

    name: Host | None = Field(
        default=None, description="A name that follows the address", examples=['"cabinet.example.org"']
    )
    echo: Web | None = Field(
        default=None,
        description="A page of your choice that answers with the address it is asked from",
        examples=['"https://ip.example.org/"'],
    )
    box: Flag = Field(default=True, description="Is the internet box asked for its address?")


class OutsideSettings(Table):
    """A server elsewhere, reached by SSH: nothing is installed on it, our connections leave from there."""

    ssh: Target = Field(description="Which server, and as whom", examples=['"netwatch@vps.example.org"'])
    key_file: SecretFile | None = Field(
        default=None, description="The private key; else those of the SSH agent and of ~/.ssh"
    )
    known_hosts: SecretFile | None = Field(
        default=None, description="The file that knows its host key; else ~/.ssh/known_hosts"
    )
    host_key: Fingerprint | None = Field(
        default=None,
        description="Else, the fingerprint of its host key, as ssh-keygen -lf shows it",
        examples=['"SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"'],
    )
    kept_back: Ports = Field(
        default=KEPT_BACK,
        description="Ports that its hoster lets nobody reach from there: their silence proves nothing",
        examples=["[25, 465]"],
    )


class VantageSettings(Table):
    """From where the practice is looked at, besides its own network."""

    outside: OutsideSettings | None = Field(default=None, description="A server elsewhere, reached by SSH")


class BoxSettings(Table):
    """The internet box's own interface. It is read, and nothing in it is changed."""

    kind: Literal["freebox", "livebox", "bbox"] = Field(description="Which box", examples=['"freebox"'])
    password_env: Variable | None = Field(
        default="NETWATCH_BOX_PASSWORD", description="The environment variable that holds its password"
    )
    credential: Credential | None = Field(
        default=None, description="Else, the systemd credential that holds it"
    )
    password_file: SecretFile | None = Field(
        default=None, description="Else, the file that holds it, readable by its owner only"
    )

    def password(self) -> str | None:
        """As netwatch.secret.secret; a Freebox needs none, it is paired once (`netwatch box pair`)."""
        return secret(self.password_env, self.credential, self.password_file)


class ShodanSettings(Table):
    """Shodan, with a key of your own. What it says is dated, and never taken for a check of ours."""

    key_env: Variable | None = Field(
        default="SHODAN_API_KEY", description="The environment variable that holds the key"
    )
    credential: Credential | None = Field(
        default=None, description="Else, the systemd credential that holds it"
    )
    key_file: SecretFile | None = Field(
        default=None, description="Else, the file that holds it, readable by its owner only"
    )
    history: Flag = Field(default=False, description="Is also asked for what it saw in earlier years")
    scan: Flag = Field(default=False, description="May `netwatch shodan scan` spend credits on a fresh look?")
    monitor: Flag = Field(
        default=False, description="May `netwatch shodan monitor` have our addresses watched?"
    )

    def key(self) -> str | None:
        """As netwatch.secret.secret."""
        return secret(self.key_env, self.credential, self.key_file)


class InternetdbSettings(Table):
    """InternetDB, without a key."""

    use: Phrase = Field(
        description="The use you make of it, which its terms must allow: they name non-commercial use",
        examples=['"own practice, not commercial"'],
    )
