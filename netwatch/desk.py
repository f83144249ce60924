"""Who looks after several sites, and how are they told? The desk file: TOML, read as a site file is.

It names nobody's network: what it tells of is what this machine's database holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import MinLen
from pydantic import Field, field_validator

from netwatch.config import MailSettings, read
from netwatch.errors import ConfigError
from netwatch.forms import Phrase, slugify
from netwatch.readers import AnyRecipient, NotifySettings, Recipient, once_each
from netwatch.settings import Table
from netwatch.store.reading import DESK

if TYPE_CHECKING:
    from pathlib import Path


class Desk(Table):
    """A consultant's desk: one letter over all sites."""

    name: Phrase = Field(description="How the letters call it", examples=['"Atelier Martin"'])
    language: Literal["en", "fr"] = Field(default="en", description="The language of its letters")
    recipients: Annotated[tuple[AnyRecipient, ...], MinLen(1)] = Field(
        description="Who is told", examples=['["it@prestataire.example"]']
    )
    mail: MailSettings | None = Field(default=None, description="How the letters leave, as in a site file")
    notify: NotifySettings | None = Field(default=None, description="A second way, as in a site file")

    @field_validator("recipients", mode="after")
    @classmethod
    def _once_each(cls, recipients: tuple[Recipient, ...]) -> tuple[Recipient, ...]:
        return once_each(recipients)

    @property
    def slug(self) -> str:
        """Under which its letters wait. No site's slug has a point."""
        return f"{DESK}{slugify(self.name)}"


def load(path: Path) -> Desk:
    """The desk that this file describes. Raises ConfigError."""
    if not path.is_file():
        raise ConfigError("desk.no-file", path=path)
    return read(path, Desk)
