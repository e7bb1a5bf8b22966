"""The command line: one command a role.

    holdfast wallet new --home alice
    holdfast kit join fair-study.json --as st-mary/do --home alice
    holdfast doctor --home alice
    holdfast data-owner publish fair --home alice --table data.csv --target y --cloud-owner 0x... ...
    holdfast data-owner run --home alice
    holdfast data-owner requests --home alice
    holdfast cloud-owner run --home bob
    holdfast cloud-owner instances --home bob
    holdfast model-owner train tumour --home carol --samples exposed.samples
    holdfast model-owner run --home carol
    holdfast run --home carol
    holdfast policy show cloud-owner --home bob
    holdfast schema make data.csv --target y > schema.json
    holdfast status --home alice
    holdfast store check --home alice
    holdfast model export tumour --home carol --schema schema.json --out model.json
    holdfast predict patients.csv --model model.json
    holdfast audit
    holdfast withdraw --home bob

``python -m agents`` is the same. Exit codes: 0 done, 1 the agent cannot go on or the audit found something,
2 wrong input.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException
from typer.main import get_command

from agents import __version__
from agents.audit.live import Audited, audit_deployment
from agents.chain.client import TIMEOUT_SECONDS, MarketClient
from agents.chain.deployment import Deployment
from agents.commands.cloud_owner import cloud_owner
from agents.commands.data_owner import data_owner
from agents.commands.doctor import doctor
from agents.commands.home import home
from agents.commands.kit import kit
from agents.commands.model import model, predict
from agents.commands.model_owner import model_owner
from agents.commands.schema import schema
from agents.commands.store import store
from agents.commands.wallet import wallet
from agents.core.amounts import read_amount
from agents.core.errors import BadInput, HoldfastError, Refused
from agents.core.refusals import in_words
from agents.output.live import watch
from agents.output.logs import escape_what_is_left
from agents.output.terminal import complain, say, say_json
from agents.portfolio.entries import DatasetEntry
from agents.portfolio.files import FOLDERS
from agents.portfolio.standing import standings
from agents.runtime import launch
from agents.runtime.options import Places, role_of, takes, variable
from agents.runtime.policy_view import shown_policy
from agents.runtime.settings import (
    CloudOwnerPolicySettings,
    DataOwnerPolicySettings,
    MarketSettings,
    MemberSettings,
    ModelOwnerPolicySettings,
    StatusSettings,
)
from agents.status.lines import status_lines
from agents.status.report import HomeStatus, home_status
from agents.workers.standing import DESCRIPTION_FILE

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

policy = typer.Typer(help="Whom an agent deals with, and for how much.")
policy_show = typer.Typer(help="Every line in force, as a settings file has it, and where it is from.")
policy.add_typer(policy_show, name="show")
app.add_typer(policy, name="policy")
app.add_typer(schema, name="schema")
app.add_typer(model, name="model")
app.add_typer(data_owner, name="data-owner")
app.add_typer(cloud_owner, name="cloud-owner")
app.add_typer(model_owner, name="model-owner")
app.add_typer(store, name="store")
app.add_typer(wallet, name="wallet")
app.add_typer(kit, name="kit")
app.add_typer(home, name="home")
app.command()(doctor)
app.command()(predict)

PolicySettings = DataOwnerPolicySettings | CloudOwnerPolicySettings | ModelOwnerPolicySettings


def _tell_version(wanted: bool) -> None:
    if wanted:
        say(f"holdfast {__version__}")
        raise typer.Exit


@app.callback()
def _holdfast(
    version: Annotated[
        bool,
        typer.Option("--version", help="Say which version this is.", is_eager=True, callback=_tell_version),
    ] = False,
) -> None:
    """A market on which models are trained together, on weights that stay encrypted."""


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(
    context: typer.Context,
    home: Annotated[Path, typer.Option(help="The agent's own folder.", envvar=variable("home"))],
) -> None:
    """Run the agent of a home, of the role that its agent.toml names."""
    main([role_of(home), "run", "--home", str(home), *context.args])


@app.command()
@takes(MarketSettings)
def audit(
    settings: MarketSettings,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Rebuild the market from its events alone and compare it with the contract."""
    deployment = Deployment.load(settings.deployment)
    client = MarketClient.connect(settings.rpc, deployment, TIMEOUT_SECONDS, settings.node_access)
    audited = audit_deployment(client)
    findings = [*audited.audit.findings, *audited.differences]
    if as_json:
        statements = {member: asdict(s) for member, s in audited.audit.statements.items()}
        told = {
            "ok": audited.ok,
            "conserved": audited.conserved,
            "forced": audited.forced,
            "findings": findings,
            "members": statements,
        }
        say_json(told)
    else:
        _tell(audited, findings)
    raise typer.Exit(0 if audited.ok else 1)


@app.command()
@takes(MemberSettings)
def withdraw(
    settings: MemberSettings,
    amount: Annotated[
        str | None, typer.Option(help="Wei, or as '0.1 ether'; by default all that is free.")
    ] = None,
) -> None:
    """Take coins out of the market."""
    wanted = None if amount is None else _amount(amount)
    member = launch.enrol(settings, launch.unlock(settings))
    say(f"{launch.take_out(settings, member, wanted)} wei withdrawn")


@app.command()
@takes(StatusSettings)
def status(
    settings: StatusSettings,
    name: Annotated[
        str | None, typer.Argument(help="Of a data owner's datasets, whose promise is told; by default all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    live: Annotated[bool, typer.Option("--watch", help="Again and again, until Ctrl-C.")] = False,
) -> None:
    """Say where an agent stands, from its home alone: what it holds and waits for, was paid and fined."""

    def found() -> HomeStatus:
        return home_status(settings.home, _promise(settings, name))

    if as_json:
        say_json(found().to_json())
    elif live:
        watch(lambda: status_lines(found()), WATCH_SECONDS)
    else:
        for line in status_lines(found()):
            say(line)


WATCH_SECONDS = 2.0


def _promise(settings: StatusSettings, name: str | None) -> tuple[str, ...]:
    """What a data owner promised, what is spent and left of it, what it cost, and who can learn what."""
    if name is None and not any((settings.home / FOLDERS[DatasetEntry]).glob(f"*/{DESCRIPTION_FILE}")):
        return ()
    told = standings(settings.home, name, settings.ledger, settings.lifetime_epsilon)
    return tuple(line for one, lines in told for line in (f"{one}:", *(f"  {line}" for line in lines)))


@policy_show.command("data-owner")
@takes(DataOwnerPolicySettings, places=True)
def show_data_owner_policy(settings: DataOwnerPolicySettings, places: Places) -> None:
    """Whom it lets train."""
    _show(settings, places)


@policy_show.command("cloud-owner")
@takes(CloudOwnerPolicySettings, places=True)
def show_cloud_owner_policy(settings: CloudOwnerPolicySettings, places: Places) -> None:
    """Whose replicas it holds."""
    _show(settings, places)


@policy_show.command("model-owner")
@takes(ModelOwnerPolicySettings, places=True)
def show_model_owner_policy(settings: ModelOwnerPolicySettings, places: Places) -> None:
    """On whose data it trains."""
    _show(settings, places)


def _show(policy: PolicySettings, places: Places) -> None:
    if not policy.home.is_dir():
        say(f"# there is no home {policy.home} yet: make a wallet there first (holdfast wallet new)")
    for line in shown_policy(policy, places):
        say(line)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command; a wrong input is one line on stderr."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    escape_what_is_left()
    try:
        command = get_command(app)  # the app itself would put a hook for crashes of its own over ours
        code = command(words or ["--help"], prog_name="holdfast", standalone_mode=False)
    except BadInput as problem:
        complain(problem)
        raise SystemExit(2) from None
    except Refused as problem:
        complain(f"the market refuses: {in_words(problem)}")
        raise SystemExit(1) from None
    except HoldfastError as problem:
        complain(problem)
        raise SystemExit(1) from None
    except TyperException as problem:
        complain(_misuse(problem))
        raise SystemExit(problem.exit_code) from None
    raise SystemExit(code)


def _misuse(problem: TyperException) -> str:
    """What is wrong with a command's words, and where to read about them."""
    context: typer.Context | None = getattr(problem, "ctx", None)
    path = context.command_path if context else "holdfast"
    return f"{problem.format_message().removesuffix('.')}: see `{path} --help`"


def _amount(text: str) -> int:
    try:
        wei = read_amount(text)
    except ValueError as problem:
        raise BadInput(f"--amount: {problem}") from None
    assert isinstance(wei, int)
    return wei


def _tell(audited: Audited, findings: list[str]) -> None:
    market = audited.audit.market
    for member, statement in audited.audit.statements.items():
        role = market.members[member].role.name.lower().replace("_", " ") if member in market.members else "-"
        done = ", ".join(f"{name} {value}" for name, value in asdict(statement).items() if value)
        say(f"{member}  {role:12} {done}")
    for finding in findings:
        say(f"FINDING  {finding}")
    conserved = "add" if audited.conserved else "DO NOT add"
    say(
        f"block {audited.block.number}: {len(audited.history)} events, {len(findings)} findings; "
        f"balances, escrows and bonds {conserved} up to what the contract holds"
    )
    if audited.forced:
        say(f"forced coins: {audited.forced} wei")
