"""`holdfast kit`: what members of a consortium agree on, in one signed file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from agents.core.errors import BadInput, StorageFailed
from agents.kit.document import Kit, RoleName, read_kit
from agents.kit.draft import make_card, make_kit, read_draft
from agents.kit.joining import Join, breaches, changes, prepare, require_fingerprint
from agents.output.terminal import ask, can_ask, complain, say
from agents.runtime import launch
from agents.runtime.options import HOME_FILE, takes
from agents.runtime.settings import WalletSettings
from agents.storage.files import write

kit = typer.Typer(help="What a consortium agrees on, in one signed file: make it, look at it, join.")

KitFile = Annotated[Path, typer.Argument(help="A kit's JSON file.")]


@kit.command()
@takes(WalletSettings)
def new(
    settings: WalletSettings,
    draft: Annotated[Path, typer.Argument(help="A draft: TOML, or JSON by its name.")],
    out: Annotated[Path, typer.Option(help="Where to write the kit.")] = Path("kit.json"),
) -> None:
    """Sign a kit from a draft, as its convener; the draft's nodes are asked what is on the chain."""
    made = make_kit(read_draft(draft), launch.unlock(settings))
    try:
        write(out, made.text().encode(), private=False)
    except StorageFailed as failure:
        raise BadInput(f"{out} cannot be written: {failure.reason}") from failure
    say(f"{out}: kit {made.name}, serial {made.serial}, {len(made.members)} members")
    say(f"fingerprint  {made.fingerprint}")
    say("send the file to each member, and the fingerprint by another way")


@kit.command()
def show(file: KitFile) -> None:
    """Say what a kit says: fingerprint, members, chain, store, terms, and what it asks for."""
    for line in shown(read_kit(file)):
        say(line)


@kit.command()
@takes(WalletSettings)
def card(
    settings: WalletSettings,
    name: Annotated[str, typer.Option(help="What the member is to be called, as north/co1.")],
    role: Annotated[str, typer.Option(help="data-owner, cloud-owner or model-owner.")],
) -> None:
    """Print this member's signed line for the convener's draft."""
    if role not in get_args(RoleName):
        raise BadInput(f"--role: {role!r} is no role: choose one of {', '.join(get_args(RoleName))}")
    made = make_card(launch.unlock(settings), name, cast(RoleName, role))
    say(json.dumps(made.model_dump(mode="json")))


@kit.command()
@takes(WalletSettings)
def join(
    settings: WalletSettings,
    file: KitFile,
    as_: Annotated[str, typer.Option("--as", help="This member's name in the kit.")],
    fingerprint: Annotated[
        str | None, typer.Option(help="As the convener read it out; else it is asked for.")
    ] = None,
) -> None:
    """Check a kit and keep it, with the settings that follow from it."""
    read = read_kit(file)
    require_fingerprint(read, _typed(read) if fingerprint is None else fingerprint)
    joined = prepare(read, as_, launch.unlock(settings).address, settings.home)
    _tell_changes(joined)
    ours = joined.keep()
    say(f"{as_} has joined {read.name}, serial {read.serial}, as {joined.member.role}")
    if not ours:
        say(f"{settings.home / HOME_FILE} is not as a kit wrote it, and stays; the kit would have:")
        for line in joined.settings.splitlines():
            say(f"  {line}")
    for breach in breaches(read, joined.member.role):
        say(f"the kit's terms break this line of the policy by default: {breach}")
    say(f"next: holdfast doctor --home {settings.home}")


def shown(read: Kit) -> Iterator[str]:
    """A kit for people."""
    yield f"kit          {read.name}, serial {read.serial}, of {read.issued}"
    yield f"fingerprint  {read.fingerprint}"
    yield f"convener     {read.convener.name}  {read.convener.address}"
    yield f"software     {read.software.least} or later"
    chain = read.chain
    yield f"chain        {chain.id}, {chain.confirmations} confirmations, anchor {chain.anchor.block}"
    yield from (f"node         {url}" for url in chain.urls)
    yield f"market       {read.market.address}"
    yield f"store        {read.store.url} {read.store.endpoint} {read.store.region}".rstrip()
    yield f"authority    {'one of its own' if read.ca else 'the usual ones'}"
    yield f"schema       {read.schema_hash or 'none'}"
    yield from (f"term         {name} = {value}" for name, value in read.terms.items())
    width = max(len(member.name) for member in read.members)
    for member in read.members:
        yield f"member       {member.name:{width}}  {member.role:11}  {member.address}"


def _typed(read: Kit) -> str:
    if not can_ask():
        raise BadInput(
            "a kit is joined by its fingerprint: have the convener read it out; give it with --fingerprint"
        )
    return ask(f"kit {read.name} by {read.convener.name}: which fingerprint did the convener read out?")


def _tell_changes(joined: Join) -> None:
    if joined.before is None:
        return
    complain(f"what changes from serial {joined.before.serial}:")
    for line in changes(joined.kit, joined.before):
        complain(f"  {line}")
