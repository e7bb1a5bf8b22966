"""The command line: one command a role.

    holdfast wallet new --home alice
    holdfast kit join fair-study.json --as st-mary/do --home alice
    holdfast doctor --home alice
    holdfast data-owner --home alice --table data.csv --target y --cloud-owner 0x... ...
    holdfast cloud-owner --home bob
    holdfast model-owner --home carol --samples alice/exposed.samples
    holdfast policy show cloud-owner --home bob
    holdfast schema make data.csv --target y > schema.json
    holdfast status --home alice
    holdfast model export --home carol --schema schema.json --out model.json
    holdfast predict patients.csv --model model.json
    holdfast audit
    holdfast retire --home bob --instance 7099...
    holdfast withdraw --home bob

``python -m agents`` is the same. Exit codes: 0 done, 1 the agent cannot go on or the audit found something,
2 wrong input.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from typer.exceptions import TyperException
from typer.main import get_command

from agents import __version__
from agents.audit.live import Audited, audit_deployment
from agents.chain.client import TIMEOUT_SECONDS, MarketClient
from agents.chain.deployment import Deployment
from agents.commands.doctor import doctor
from agents.commands.home import home
from agents.commands.kit import kit
from agents.commands.wallet import wallet
from agents.core.amounts import read_amount
from agents.core.errors import BadInput, HoldfastError, Refused
from agents.core.ids import InstanceId
from agents.core.refusals import in_words
from agents.model_commands import model, predict
from agents.output.logs import escape_what_is_left, log_to_stderr
from agents.output.terminal import complain, say, say_json
from agents.runtime import launch
from agents.runtime.options import Places, takes
from agents.runtime.policy_view import shown_policy
from agents.runtime.settings import (
    AgentSettings,
    CloudOwnerPolicySettings,
    CloudOwnerSettings,
    DataOwnerPolicySettings,
    DataOwnerSettings,
    MarketSettings,
    MemberSettings,
    ModelOwnerPolicySettings,
    ModelOwnerSettings,
    StatusSettings,
)
from agents.schema_commands import schema
from agents.workers.standing import standing_of

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

policy = typer.Typer(help="Whom an agent deals with, and for how much.")
policy_show = typer.Typer(help="Every line in force, as a settings file has it, and where it is from.")
policy.add_typer(policy_show, name="show")
app.add_typer(policy, name="policy")
app.add_typer(schema, name="schema")
app.add_typer(model, name="model")
app.add_typer(wallet, name="wallet")
app.add_typer(kit, name="kit")
app.add_typer(home, name="home")
app.command()(doctor)
app.command()(predict)

PolicySettings = DataOwnerPolicySettings | CloudOwnerPolicySettings | ModelOwnerPolicySettings
Assemble = Callable[[launch.AgentContext], launch.Parts]


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


@app.command("data-owner")
@takes(DataOwnerSettings)
def data_owner(settings: DataOwnerSettings) -> None:
    """Offer a dataset: split it, hand out replicas, approve couples, open seeds."""
    _run("data owner", settings, lambda member: launch.data_owner(settings, member))


@app.command("cloud-owner")
@takes(CloudOwnerSettings)
def cloud_owner(settings: CloudOwnerSettings) -> None:
    """Hold replicas, train when drawn, be paid."""
    _run("cloud owner", settings, lambda member: launch.cloud_owner(settings, member))


@app.command("model-owner")
@takes(ModelOwnerSettings)
def model_owner(settings: ModelOwnerSettings) -> None:
    """Train a model: pay, start rounds, settle, aggregate, stop."""
    _run("model owner", settings, lambda member: launch.model_owner(settings, member))


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
@takes(MemberSettings)
def retire(
    settings: MemberSettings,
    instance: Annotated[list[str], typer.Option(help="Id of a cloud instance, hexadecimal; once for each.")],
) -> None:
    """Leave the pool with some instances; their bonds are held until no round needs them."""
    instances = [_instance(text) for text in instance]
    launch.retire(settings, launch.enrol(settings, launch.unlock(settings)), instances)
    say(f"{len(instances)} instances retiring")


@app.command()
@takes(StatusSettings)
def status(settings: StatusSettings) -> None:
    """Say what a data owner promised, what is spent and left of it, what it cost, and who can learn what."""
    for line in standing_of(settings.home, settings.ledger, settings.lifetime_epsilon).lines():
        say(line)


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


def _run(name: str, settings: AgentSettings, assemble: Assemble) -> None:
    log_to_stderr(name, verbose=not settings.quiet)
    member = launch.enrol(settings, launch.unlock(settings))
    role, worker = assemble(member)
    with launch.stopped_by_signals() as stop:
        launch.run(settings, member, role, worker, stop)


def _amount(text: str) -> int:
    try:
        wei = read_amount(text)
    except ValueError as problem:
        raise BadInput(f"--amount: {problem}") from None
    assert isinstance(wei, int)
    return wei


def _instance(text: str) -> InstanceId:
    digits = text.removeprefix("0x")
    if not 1 <= len(digits) <= 64 or set(digits.lower()) - set("0123456789abcdef"):
        raise BadInput(
            f"{text!r} is no instance: give its id in hexadecimal, as its file in subsets/ is named"
        )
    return InstanceId(int(digits, 16))


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
