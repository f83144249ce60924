"""Who is told, how, in which language, with how much detail? The site file's tables about it.

No secret is in any of them. The address of a channel (`tgram://...`) holds one, so that it is never in a
site file: [notify] says where the list of addresses is to be had (secret.py).
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le
from pydantic import BeforeValidator, Field, Strict, model_validator

from netwatch.forms import MAIL_ADDRESS, Credential, Flag, Mailbox, SecretFile, Variable, wrong
from netwatch.post import Role
from netwatch.secret import secret
from netwatch.settings import Table

HERE = re.compile("(?i)_?ur[li]s?$")  # a key that would hold the addresses themselves


class Recipient(Table):
    """One person who is told by mail."""

    address: Mailbox = Field(description="The mail address", examples=['"it@prestataire.example"'])
    language: Literal["en", "fr"] | None = Field(default=None, description="Else, the site's language")
    role: Literal["doctor", "consultant"] = Field(
        default=Role.DOCTOR.value, description="How much detail: what to do, or everything"
    )


def _recipient(value: object) -> object:
    """`"dr@x.example"` is a doctor who reads the site's language."""
    if not isinstance(value, str):
        return value
    if len(value) > 254 or not MAIL_ADDRESS.fullmatch(value):  # noqa: PLR2004 - RFC 5321 4.5.3.1.3
        raise wrong("mail-address")
    return {"address": value}


def once_each(recipients: tuple[Recipient, ...]) -> tuple[Recipient, ...]:
    """Each address once; one that is told in two ways is a mistake."""
    once = {one.address: one for one in reversed(recipients)}
    for number, one in enumerate(recipients):
        if once[one.address] != one:
            raise wrong("recipient-twice", at=(number,), address=one.address)
    return tuple(dict.fromkeys(recipients))


AnyRecipient = Annotated[Recipient, BeforeValidator(_recipient)]


class MailsSettings(Table):
    """What is mailed, and when."""

    closed_nights: Annotated[int, Strict(), Ge(1), Le(30)] = Field(
        default=2, description="Complete nights on which a thing has to be gone before that is told"
    )
    weekly: Flag = Field(default=True, description="A mail a week that says that all is quiet, and how sure")
    overdue_hours: Annotated[int, Strict(), Ge(0), Le(8760)] = Field(
        default=26, description="Hours without a complete night after which that is told; 0: never"
    )


class PingSettings(Table):
    """Where it is said that a scan has run, so that somebody else notices when none does."""

    url_env: Variable | None = Field(
        default="NETWATCH_PING_URL", description="The environment variable that holds the address"
    )
    credential: Credential | None = Field(
        default=None, description="Else, the systemd credential that holds it"
    )
    url_file: SecretFile | None = Field(
        default=None, description="Else, the file that holds it, readable by its owner only"
    )

    @model_validator(mode="before")
    @classmethod
    def _no_address(cls, data: Any) -> Any:  # noqa: ANN401 - whatever was written
        if isinstance(data, dict) and (here := next((k for k in data if HERE.search(str(k))), None)):
            raise wrong("url-here", at=(here,))
        return data

    def address(self) -> str | None:
        """From the environment, a systemd credential or a private file, in this order; None without any.

        Raises ConfigError where one is named and cannot be had.
        """
        return secret(self.url_env, self.credential, self.url_file)


class NotifySettings(Table):
    """A second way for alerts, through apprise: short messages to telephones and chat rooms."""

    urls_env: Variable | None = Field(
        default="NETWATCH_NOTIFY_URLS",
        description="The environment variable that holds the list of channels",
    )
    credential: Credential | None = Field(
        default=None, description="Else, the systemd credential that holds it"
    )
    urls_file: SecretFile | None = Field(
        default=None, description="Else, the file that holds it, readable by its owner only"
    )

    @model_validator(mode="before")
    @classmethod
    def _no_address(cls, data: Any) -> Any:  # noqa: ANN401 - whatever was written
        if isinstance(data, dict) and (here := next((k for k in data if HERE.search(str(k))), None)):
            raise wrong("urls-here", at=(here,))
        return data

    def urls(self) -> str | None:
        """From the environment, a systemd credential or a private file, in this order; None without any.

        Raises ConfigError where one is named and cannot be had.
        """
        return secret(self.urls_env, self.credential, self.urls_file)
