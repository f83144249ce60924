"""What can be typed about the devices? To list them, to name them, and to say which are one.

`netwatch devices SITE` lists them. What a person says holds for ever, and can be taken back.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from netwatch.composition import drawn, kind_of, last_night, open_store, rules, spoken_of
from netwatch.console import show, told
from netwatch.errors import NetwatchError, StoreError
from netwatch.recognised import KINDS, UNKNOWN
from netwatch.sayings import USER, Saying, What, called, chosen
from netwatch.switches import LIST, Listing, as_text_json_or_csv, as_text_or_json, data, lang, site_argument
from netwatch.words import messages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netwatch.sayings import Sayings
    from netwatch.store import Store
    from netwatch.words import Messages

device_argument = click.argument("device")
forget = click.option("--forget", is_flag=True, help="Take back what was said.")


@click.group(cls=Listing)
def devices() -> None:
    """List every device ever seen on the site; say how one is called, what it is, which are one.

    `netwatch devices SITE` is `netwatch devices list SITE`. DEVICE is an address, a card, an id or a name.
    """


@devices.command(LIST)
@site_argument
@as_text_json_or_csv
@lang
@data
@told
def list_devices(site: str, form: str, lang: str | None, data: Path | None) -> None:
    """List every device ever seen on the site."""
    title, document, language, _ = last_night(site, data, lang)
    if form == "json":
        click.echo(document.to_json("devices"))
    elif form == "csv":
        from reports import inventory  # noqa: PLC0415 - slow to import

        click.echo(inventory.csv(document, language), nl=False)
    else:
        show(drawn("devices", title, document, rules(), language))


@devices.command("name")
@site_argument
@device_argument
@click.argument("name", required=False)
@forget
@lang
@data
@told
def name_device(
    site: str, device: str, name: str | None, forget: bool, lang: str | None, data: Path | None
) -> None:
    """Call a device by this name from now on, in every report; netwatch never changes it."""
    word = called(name or "")
    if not word and not forget:
        raise NetwatchError("devices.no-name")
    _word(What.NAME, "" if forget else word, site, device, lang, data)


@devices.command("kind")
@site_argument
@device_argument
@click.argument("kind", required=False, type=click.Choice([*KINDS, UNKNOWN]))
@forget
@lang
@data
@told
def kind_of_device(
    site: str, device: str, kind: str | None, forget: bool, lang: str | None, data: Path | None
) -> None:
    """Say what a device is. It decides as well what it may be asked, unless it answers in DICOM, or the site
    file says otherwise under [classes]."""
    if kind is None and not forget:
        raise NetwatchError("devices.no-kind", kinds=", ".join((*KINDS, UNKNOWN)))
    _word(What.KIND, "" if forget else str(kind), site, device, lang, data)


@devices.command("merge")
@site_argument
@device_argument
@click.argument("other", nargs=-1, required=True)
@lang
@data
@told
def merge(site: str, device: str, other: tuple[str, ...], lang: str | None, data: Path | None) -> None:
    """These are one device: the OTHERs are further cards of DEVICE."""
    slug, language = spoken_of(site, lang, data)
    words = messages(language)
    with open_store(data) as store, store.lock(slug):
        lead = store.said(slug).lead(_one(store, slug, device))
        for wanted in other:
            said = store.said(slug)
            card = said.lead(_one(store, slug, wanted))
            if card == lead:
                click.echo(words("devices.one-already", device=device, other=wanted))
                continue
            now, both = _now(), {card, lead}
            store.unsay(
                slug,
                [o for o in said.said if o.what is What.APART and {o.device, o.value} <= both],
                USER,
                now,
            )
            store.say(slug, [Saying(card, What.SAME, lead, USER, now)])
            click.echo(words("devices.merged", device=device, other=wanted))


@devices.command("split")
@site_argument
@device_argument
@lang
@data
@told
def split(site: str, device: str, lang: str | None, data: Path | None) -> None:
    """This card is a device of its own, and stays one: undo a merge, or what netwatch took for one."""
    slug, language = spoken_of(site, lang, data)
    words = messages(language)
    with open_store(data) as store, store.lock(slug):
        said = _merge_of(store.said(slug), _one(store, slug, device), device)
        store.part(slug, said, Saying(said.device, What.APART, said.value, USER, _now()))
        parted = next((one for one in store.devices(slug) if one.id == said.device), None)
        card = parted.address if parted else said.device
        click.echo(words("devices.split", card=card, device=_called(store, slug, said.value)))


@devices.command("history")
@site_argument
@as_text_or_json
@lang
@data
@told
def history(site: str, form: str, lang: str | None, data: Path | None) -> None:
    """List what was said of the devices, by whom and when: names, kinds, merges and splits."""
    import json  # noqa: PLC0415

    slug, language = spoken_of(site, lang, data)
    words = messages(language)
    with open_store(data) as store:
        _known(store, slug)
        ever = store.ever_said(slug)
        names = {one.id: one.called or one.address for one in store.devices(slug)}
        cards = {one.id: f"{one.address} ({one.mac or one.id})" for one in store.devices(slug)}
    if form == "json":
        click.echo(json.dumps([_as_dict(one) for one in ever], ensure_ascii=False, indent=2))
        return
    for one in ever:
        click.echo(_line(words, one, names, cards))
    if not ever:
        click.echo(words("devices.nothing-said"))


def _word(what: What, value: str, site: str, device: str, lang: str | None, data: Path | None) -> None:
    """Say this of the device, in the place of what was said before; an empty value takes it back."""
    slug, language = spoken_of(site, lang, data)
    words = messages(language)
    with open_store(data) as store, store.lock(slug):
        said = store.said(slug)
        whose, now = said.lead(_one(store, slug, device)), _now()
        before = [o for o in said.said if o.what is what and o.device in said.together(whose)]
        store.unsay(slug, before, USER, now)
        if value:
            store.say(slug, [Saying(whose, what, value, USER, now)])
        key = (
            f"devices.{what}-said" if value else f"devices.{what}-forgotten" if before else "devices.not-said"
        )
        told_as = kind_of(value, language) if what is What.KIND else value
        click.echo(words(key, device=device, value=told_as))


def _one(store: Store, slug: str, wanted: str) -> str:
    """The id of the one device that is meant. Raises NetwatchError."""
    _known(store, slug)
    known = store.devices(slug)
    meant = chosen(wanted, known, store.said(slug))
    if not meant:
        raise NetwatchError("cli.no-such-device", device=wanted)
    if len(meant) > 1:
        told_as = {one.id: f"{one.address} ({one.mac or one.id})" for one in known}
        raise NetwatchError(
            "devices.several", device=wanted, which=", ".join(told_as.get(m, m) for m in meant)
        )
    return meant[0]


def _known(store: Store, slug: str) -> None:
    """Raises StoreError for a site that was never scanned."""
    if store.site(slug) is None:
        raise StoreError("store.unknown-site", site=slug, known=", ".join(store.sites()) or "-")


def _merge_of(said: Sayings, device: str, wanted: str) -> Saying:
    """What is to be undone. Raises NetwatchError where nothing is, or where several are."""
    own = said.same(device)
    if own is not None:
        return own
    cards = [one for one in said.said if one.what is What.SAME and one.value == device]
    if not cards:
        raise NetwatchError("devices.not-merged", device=wanted)
    if len(cards) > 1:
        raise NetwatchError("devices.which-card", device=wanted, which=", ".join(one.device for one in cards))
    return cards[0]


def _called(store: Store, slug: str, device: str) -> str:
    return next((o.called or o.address for o in store.devices(slug) if o.id == device), device)


def _line(words: Messages, one: Saying, names: dict[str, str], cards: dict[str, str]) -> str:
    """One thing that was said, in a sentence. A card of a device goes by the device's name: it is told by its
    address, and so is who was given the name."""
    value = names.get(one.value, one.value)
    if one.what is What.KIND:
        value = kind_of(one.value, words.language)
    by = (
        words("devices.by-user")
        if one.by == USER
        else words("devices.by-mark", mark=words(f"devices.marks.{one.by}"))
    )
    line = words(
        f"devices.history.{one.what}",
        at=f"{one.at:%Y-%m-%d}",
        device=cards.get(one.device, one.device),
        value=value,
        by=by,
    )
    if one.ended is None:
        return line
    why = words("devices.ended-by-user" if one.ended_by == USER else "devices.ended-by-itself")
    return click.style(f"{line} {words('devices.ended', at=f'{one.ended:%Y-%m-%d}', why=why)}", dim=True)


def _as_dict(one: Saying) -> dict[str, Any]:
    return dict(_fields(one))


def _fields(one: Saying) -> Iterator[tuple[str, Any]]:
    for name in ("device", "what", "value", "by", "at", "ended", "ended_by"):
        value = getattr(one, name)
        yield name, value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value or None


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
