"""The commands of the object store: are own objects there, what is done with, and who needs what leave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.history import EventStream
from agents.chain.wallet import Wallet
from agents.core.errors import BadInput, StoreFault
from agents.core.ids import Address
from agents.core.market import Market
from agents.output.terminal import complain, say, say_json
from agents.portfolio.known import CHAIN_FILE, JOURNAL_FILE
from agents.roles.acts import Situation
from agents.roles.retention import of_member
from agents.roles.tasks.objects import ForgetObjects
from agents.runtime.launch import PARTIAL_FOLDER
from agents.runtime.options import takes
from agents.runtime.settings import OwnStoreSettings, PruneSettings, StoreSettings
from agents.storage.files import Home
from agents.storage.journal import read_results
from agents.vault.grants import bucket_policy
from agents.vault.own_objects import OwnObjects, Stored

store = typer.Typer(help="A member's own objects in the object store.")


@store.command()
@takes(OwnStoreSettings)
def check(settings: OwnStoreSettings) -> None:
    """See whether all own objects are there; put those again that are not and whose bytes are here."""
    own, lost = _own(settings), 0
    _tell_canary(own)
    objects = list(own.all())
    for stored in objects:
        if not own.store.holds(stored.id):
            again = own.restore(stored)
            lost += not again
            say(f"{'put again' if again else 'GONE     '}  {_line(stored)}")
    say(f"{len(objects)} own objects, {lost} of them are gone for good")
    raise typer.Exit(1 if lost else 0)


@store.command()
@takes(PruneSettings)
def prune(
    settings: PruneSettings,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be deleted.")] = False,
) -> None:
    """Delete own objects that are done with; an agent does so itself while it runs."""
    own = _own(settings)
    purposes = list(_done_with(settings, own))
    gone = [stored for stored in own.all() if any(stored.is_for(purpose) for purpose in purposes)]
    for stored in gone:
        say(_line(stored))
    if not dry_run:
        for purpose in purposes:
            own.forget(purpose)
    say(f"{len(gone)} objects {'would be' if dry_run else 'are'} deleted")


@store.command()
@takes(StoreSettings)
def grants(
    settings: StoreSettings,
    member: Annotated[list[str], typer.Option(help="ADDRESS=ARN, a member and its user; once for each.")],
) -> None:
    """Print a bucket's policy: all read all, and each writes and deletes under its own address."""
    say_json(bucket_policy(settings.store, dict(map(_member, member))))


def _own(settings: OwnStoreSettings) -> OwnObjects:
    author = bytes.fromhex(_address(settings)[2:])
    home, place = Home(settings.home), settings.store_place
    return OwnObjects(home, place.of_member(author, home.path(PARTIAL_FOLDER)), author, place.is_remote)


def _address(settings: OwnStoreSettings) -> Address:
    return Wallet.address_in(settings.home / "wallet.json")


def _tell_canary(own: OwnObjects) -> None:
    """Says if the store does not give what was put; what follows puts it again."""
    try:
        own.check_canary()
    except StoreFault as fault:
        complain(fault)


def _done_with(settings: PruneSettings, own: OwnObjects) -> Iterator[str]:
    """What the market says of this member's objects.

    Raises:
        BadInput: the agent itself is running, and does this.
    """
    client = MarketClient.connect(
        settings.rpc, Deployment.load(settings.deployment), settings.timeout_seconds, settings.node_access
    )
    database = ChainDatabase(settings.home / CHAIN_FILE)
    try:
        stream = EventStream(client, database)
        market = Market(stream.replay())
        while True:
            batch = stream.poll()
            if batch.rolled_back:
                market = Market(stream.replay())
            for logged in batch.events:
                market.apply(logged)
            if not batch.behind:
                break
    finally:
        database.close()
    results = read_results(own.home.path(JOURNAL_FILE))
    situation = Situation(market, results, batch.upto.timestamp)
    for act in of_member(situation, _address(settings), settings.store_keep_seconds):
        assert isinstance(act, ForgetObjects)
        yield act.purpose


def _line(stored: Stored) -> str:
    return f"{stored.id}  {' '.join(sorted(stored.purposes))}"


def _member(text: str) -> tuple[Address, str]:
    address, _, user = text.partition("=")
    digits = address.lower().removeprefix("0x")
    if len(digits) != 40 or set(digits) - set("0123456789abcdef") or not user:
        raise BadInput(f"--member {text!r}: give an address and a user's ARN, as 0x12...=arn:aws:iam::...")
    return Address(address), user
