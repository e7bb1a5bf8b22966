"""`holdfast data-owner`: run the agent, offer datasets, and answer requests."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from agents.commands.running import run_agent
from agents.core.amounts import shown_amount
from agents.core.errors import BadInput
from agents.output.terminal import say
from agents.portfolio.decisions import decide
from agents.portfolio.entries import DatasetEntry, PortfolioEntry
from agents.portfolio.files import check_name, read_entry, set_wanted, write_entry
from agents.portfolio.known import JOURNAL_FILE, KnownHome
from agents.portfolio.queue import QueuedRequest, open_request, queue
from agents.portfolio.workers import dataset_worker, folder_of_entry
from agents.roles.portfolio import BoundKind, bound_facts
from agents.roles.terms import weaknesses
from agents.runtime import launch
from agents.runtime.options import takes
from agents.runtime.settings import DataOwnerPolicySettings, DataOwnerSettings, HomeSettings, PublishSettings
from agents.storage.files import Home
from agents.storage.journal import read_results
from agents.storage.people import LEDGER_FILE
from agents.vault.keys import SecretKey
from agents.vault.store import MemoryStore
from agents.workers.base import Tools
from agents.workers.data_owner import EXPOSED_FILE, SCHEMA_FILE

data_owner = typer.Typer(help="Offer datasets: run the agent, publish, answer requests.")

Name = Annotated[str, typer.Argument(help="How you call the dataset.")]
Number = Annotated[int, typer.Argument(help="Of the request, as `requests` shows it.")]


@data_owner.command("run")
@takes(DataOwnerSettings)
def run(settings: DataOwnerSettings) -> None:
    """Serve all datasets of the home: split, hand out replicas, approve couples, open seeds."""
    run_agent("data-owner", settings, lambda member: launch.data_owner(settings, member))


@data_owner.command("publish")
@takes(PublishSettings)
def publish(
    settings: PublishSettings,
    name: Name,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would come of it, and stop.")] = False,
) -> None:
    """Offer a dataset: its table is divided once for a trial, then its file is written for the agent."""
    given = {field: getattr(settings, field) for field in DatasetEntry.model_fields}
    entry = DatasetEntry.model_construct(**given).at(Path.cwd())
    refuse_changed(settings.home, "dataset", check_name(name), entry)
    _rehearse(settings, entry)
    if not dry_run:
        path = write_entry(settings.home, name, entry)
        say(f"{path} is written: a running agent takes it up; holdfast data-owner run starts one")


@data_owner.command("close")
@takes(HomeSettings)
def close(settings: HomeSettings, name: Name) -> None:
    """Take no new requests; replicas stay until the offer ends."""
    say(f"{set_wanted(settings.home, name, DatasetEntry, 'closed')}: takes no new requests")


@data_owner.command("samples")
@takes(HomeSettings)
def samples(settings: HomeSettings, name: Name) -> None:
    """Say where the files for model owners are."""
    read_entry(settings.home, name, DatasetEntry)
    folder = folder_of_entry(settings.home, DatasetEntry, name)
    if not folder.path(EXPOSED_FILE).exists():
        raise BadInput(f"{name} is not divided yet: let the agent run (holdfast data-owner run)")
    say(f"{folder.path(EXPOSED_FILE)}: the samples, for every model owner")
    if folder.path(SCHEMA_FILE).exists():
        say(f"{folder.path(SCHEMA_FILE)}: for whoever uses a model on its own rows; with means and ranges")


@data_owner.command("requests")
@takes(DataOwnerPolicySettings)
def requests(
    settings: DataOwnerPolicySettings,
    every: Annotated[bool, typer.Option("--all", help="Those that are answered, too.")] = False,
) -> None:
    """Show who asks to train on which dataset, and what becomes of it. Needs no node."""
    known = KnownHome.read(settings.home)
    told = [one for one in queue(known, settings) if every or one.open]
    for one in told:
        say(_line(one))
    if not told:
        say("no request waits")


@data_owner.command("approve")
@takes(DataOwnerPolicySettings)
def approve(settings: DataOwnerPolicySettings, number: Number) -> None:
    """Let a model owner train, where the policy lets it too."""
    known = KnownHome.read(settings.home)
    one = open_request(known, settings, number)
    if one.ruled_out:
        raise BadInput(f"request {number} is ruled out by policy: {one.ruled_out}: change that line first")
    decide(settings.home, one.tc, wanted=True)
    say(f"request {number} on {one.dataset} is approved: the agent answers it")


@data_owner.command("decline")
@takes(DataOwnerPolicySettings)
def decline(settings: DataOwnerPolicySettings, number: Number) -> None:
    """Decline a request."""
    known = KnownHome.read(settings.home)
    one = open_request(known, settings, number)
    decide(settings.home, one.tc, wanted=False)
    say(f"request {number} on {one.dataset} is declined: the agent answers it")


def refuse_changed(home: Path, kind: BoundKind, name: str, entry: PortfolioEntry) -> None:
    """Refuses another thing under a name that is published.

    Raises:
        BadInput: something of it changed that cannot.
    """
    facts = bound_facts(read_results(home / JOURNAL_FILE), kind, name)
    key = entry.changed_since(facts) if facts else ""
    if key:
        raise BadInput(f"{name}: {key} changed since it was {entry.word}: take another name")


def _rehearse(settings: PublishSettings, entry: DatasetEntry) -> None:
    """Divides the table for a trial, and says what offering it costs.

    Raises:
        BadInput: it cannot be offered so.
    """
    nobody = SecretKey.from_seed(bytes(32))
    tools = Tools(Home(settings.home), MemoryStore(), nobody, lambda: 0, b"")
    worker = dataset_worker(
        entry,
        tools,
        lambda purpose: sha256(purpose).digest(),  # nothing of a trial is kept or shown
        ledger=settings.ledger or settings.home / LEDGER_FILE,
        lifetime_epsilon=settings.lifetime_epsilon,
    )
    rows, notes = worker.rehearsed()
    for note in notes:
        say(note)
    terms = entry.dataset_terms
    named = entry.subsets * entry.replicas
    say(f"{rows} rows to train on, in {entry.subsets} subsets with {entry.replicas} replicas each")
    say(
        f"you lock {shown_amount(terms.couple_bond)} for each couple under way, and pay gas: about "
        f"{0.06 * named:.1f} million units to name {named} replicas, 0.1 million for each round"
    )
    say(
        f"a model owner pays in {shown_amount(terms.escrow_per_round)} for each round, of which "
        f"{shown_amount(terms.round_price)} are yours; cloud owners lock "
        f"{shown_amount(terms.instance_bond)} for each replica"
    )
    for weakness in weaknesses(terms):
        say(f"warning: {weakness}")


def _line(one: QueuedRequest) -> str:
    until = f", {one.left} s left" if one.open else ""
    return (
        f"{one.number:3}  {one.dataset}  {one.model_owner}  {one.plan}  {one.rounds} rounds, "
        f"{shown_amount(one.escrow)}{until}: {one.says}"
    )
