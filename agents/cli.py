"""The command line: one command a role.

    python -m agents wallet --home alice
    python -m agents data-owner --home alice --table data.csv --target y --cloud-owner 0x... ...
    python -m agents cloud-owner --home bob
    python -m agents model-owner --home carol --samples alice/exposed.samples
    python -m agents audit
    python -m agents retire --home bob --instance 7099...
    python -m agents withdraw --home bob

Exit codes: 0 done, 1 the agent cannot go on or the audit found something, 2 wrong input.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from eth_utils.address import is_address, to_checksum_address
from pydantic import SecretStr

from agents.audit.live import Audited, audit_deployment
from agents.chain.client import MarketClient
from agents.chain.deployment import Deployment
from agents.chain.wallet import Wallet
from agents.core.errors import BadInput, HoldfastError
from agents.core.ids import Address, InstanceId
from agents.learning.families.registry import FAMILIES
from agents.roles.terms import MAX_BOND_JOBS
from agents.runtime import launch
from agents.runtime.settings import (
    AgentSettings,
    CloudOwnerSettings,
    DataOwnerSettings,
    ModelOwnerSettings,
    Terms,
    checked,
)

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Home = Annotated[Path, typer.Option(help="The agent's own folder: wallet, journal, private files.")]
Rpc = Annotated[str, typer.Option(help="URL of a node.", envvar="HOLDFAST_RPC")]
DeploymentFile = Annotated[
    Path, typer.Option(help="The file that `brownie run deploy` wrote.", envvar="HOLDFAST_DEPLOYMENT")
]
Store = Annotated[Path, typer.Option(help="Folder of the object store.", envvar="HOLDFAST_STORE")]
PasswordFile = Annotated[
    Path | None, typer.Option(help="File with the wallet's password; else HOLDFAST_PASSWORD.")
]
Deposit = Annotated[int, typer.Option(help="Wei to pay in when it registers.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say only what goes wrong.")]

Assemble = Callable[[launch.AgentContext], launch.Parts]

RPC = "http://127.0.0.1:8545"
DEPLOYMENT = Path("build/deployment/ganache-cli.json")
STORE = Path("build/store")


@app.command("data-owner")
def data_owner(
    home: Home,
    table: Annotated[str, typer.Option(help="A CSV file with a header row, or a built-in table.")],
    cloud_owner: Annotated[list[str], typer.Option(help="Address of a cloud owner; once for each.")],
    target: Annotated[str | None, typer.Option(help="The target's column; by default the last.")] = None,
    subsets: Annotated[int, typer.Option(help="How many subsets (m).")] = 4,
    replicas: Annotated[int, typer.Option(help="Replicas of each subset (n).")] = 3,
    per_round: Annotated[int | None, typer.Option(help="Subsets a round draws (k); by default half.")] = None,
    seed: Annotated[int, typer.Option(help="Of the partition and the split.")] = 0,
    max_quorum: Annotated[
        int, typer.Option(help="Most agreeing replicas that a model owner may ask for; 0: a strict majority.")
    ] = 0,
    secrecy: Annotated[
        str, typer.Option(help="Least that a plan keeps from a model owner: dataset, round or none.")
    ] = "dataset",
    terms: Annotated[Path | None, typer.Option(help="JSON file of prices, bonds and windows.")] = None,
    rpc: Rpc = RPC,
    deployment: DeploymentFile = DEPLOYMENT,
    store: Store = STORE,
    password_file: PasswordFile = None,
    opening_deposit: Deposit = 0,
    quiet: Quiet = False,
) -> None:
    """Offer a dataset: split it, hand out replicas, approve couples, open seeds."""
    settings = checked(
        DataOwnerSettings,
        **_common(home, rpc, deployment, store, password_file, opening_deposit),
        table=table,
        target=target,
        subsets=subsets,
        replicas=replicas,
        subsets_per_round=per_round,
        seed=seed,
        max_quorum=max_quorum,
        secrecy=secrecy,
        cloud_owners=tuple(map(_address, cloud_owner)),
        terms=_terms(terms),
    )
    _run("data owner", settings, lambda member: launch.data_owner(settings, member), quiet)


@app.command("cloud-owner")
def cloud_owner(
    home: Home,
    max_bond_jobs: Annotated[
        int, typer.Option(help="Refuse a replica whose bond is more than so many jobs pay.")
    ] = MAX_BOND_JOBS,
    rpc: Rpc = RPC,
    deployment: DeploymentFile = DEPLOYMENT,
    store: Store = STORE,
    password_file: PasswordFile = None,
    opening_deposit: Deposit = 0,
    quiet: Quiet = False,
) -> None:
    """Hold replicas, train when drawn, be paid."""
    settings = checked(
        CloudOwnerSettings,
        **_common(home, rpc, deployment, store, password_file, opening_deposit),
        max_bond_jobs=max_bond_jobs,
    )
    _run("cloud owner", settings, lambda member: launch.cloud_owner(settings, member), quiet)


@app.command("model-owner")
def model_owner(
    home: Home,
    samples: Annotated[Path, typer.Option(help="The samples that the data owner exposed.")],
    model: Annotated[str | None, typer.Option(help=f"One of {', '.join(FAMILIES)}.")] = None,
    rounds: Annotated[int, typer.Option(help="Rounds of training.")] = 8,
    seed: Annotated[int, typer.Option(help="Of a network's initial weights.")] = 0,
    plan: Annotated[Path | None, typer.Option(help="A training plan of your own (JSON).")] = None,
    dataset: Annotated[str | None, typer.Option(help="Id of a dataset; by default the first.")] = None,
    quorum: Annotated[int, typer.Option(help="Reports that must agree; 0: a strict majority.")] = 0,
    spare_rounds: Annotated[int, typer.Option(help="Rounds paid for in case some are void.")] = 1,
    number: Annotated[int, typer.Option(help="Which of this wallet's models it is.")] = 1,
    rpc: Rpc = RPC,
    deployment: DeploymentFile = DEPLOYMENT,
    store: Store = STORE,
    password_file: PasswordFile = None,
    opening_deposit: Deposit = 0,
    quiet: Quiet = False,
) -> None:
    """Train a model: pay, start rounds, settle, aggregate, stop."""
    settings = checked(
        ModelOwnerSettings,
        **_common(home, rpc, deployment, store, password_file, opening_deposit),
        samples=samples,
        model=model,
        rounds=rounds,
        seed=seed,
        plan=plan,
        dataset=dataset,
        quorum=quorum,
        spare_rounds=spare_rounds,
        number=number,
    )
    _run("model owner", settings, lambda member: launch.model_owner(settings, member), quiet)


@app.command()
def audit(
    rpc: Rpc = RPC,
    deployment: DeploymentFile = DEPLOYMENT,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Rebuild the market from its events alone and compare it with the contract."""
    audited = audit_deployment(MarketClient.connect(rpc, Deployment.load(deployment)))
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
        print(json.dumps(told, indent=2))
    else:
        _tell(audited, findings)
    raise typer.Exit(0 if audited.ok else 1)


@app.command()
def wallet(home: Home, password_file: PasswordFile = None) -> None:
    """Make a wallet in an agent's home."""
    made = Wallet.create(home / "wallet.json", _password(password_file))
    print(made.address)


@app.command()
def withdraw(
    home: Home,
    amount: Annotated[int | None, typer.Option(help="Wei; by default all that is free.")] = None,
    rpc: Rpc = RPC,
    deployment: DeploymentFile = DEPLOYMENT,
    store: Store = STORE,
    password_file: PasswordFile = None,
) -> None:
    """Take coins out of the market."""
    settings = checked(AgentSettings, **_common(home, rpc, deployment, store, password_file, 0))
    member = launch.enrol(settings, launch.unlock(settings))
    print(f"{launch.take_out(settings, member, amount)} wei withdrawn")


@app.command()
def retire(
    home: Home,
    instance: Annotated[list[str], typer.Option(help="Id of a cloud instance, hexadecimal; once for each.")],
    rpc: Rpc = RPC,
    deployment: DeploymentFile = DEPLOYMENT,
    store: Store = STORE,
    password_file: PasswordFile = None,
) -> None:
    """Leave the pool with some instances; their bonds are held until no round needs them."""
    settings = checked(AgentSettings, **_common(home, rpc, deployment, store, password_file, 0))
    instances = [_instance(text) for text in instance]
    launch.retire(settings, launch.enrol(settings, launch.unlock(settings)), instances)
    print(f"{len(instances)} instances retiring")


def main(arguments: list[str] | None = None) -> None:
    """Runs a command; a wrong input is one line on stderr."""
    try:
        app(arguments)
    except BadInput as problem:
        print(problem, file=sys.stderr)
        raise SystemExit(2) from None
    except HoldfastError as problem:
        print(problem, file=sys.stderr)
        raise SystemExit(1) from None


def _run(name: str, settings: AgentSettings, assemble: Assemble, quiet: bool) -> None:
    launch.log_to_stderr(name, verbose=not quiet)
    member = launch.enrol(settings, launch.unlock(settings))
    role, worker = assemble(member)
    with launch.stopped_by_signals() as stop:
        launch.run(settings, member, role, worker, stop)


def _common(
    home: Path, rpc: str, deployment: Path, store: Path, password_file: Path | None, opening_deposit: int
) -> dict[str, object]:
    return {
        "home": home,
        "rpc": rpc,
        "deployment": deployment,
        "store": store,
        "password": SecretStr(_password(password_file)),
        "opening_deposit": opening_deposit,
    }


def _password(file: Path | None) -> str:
    if file is None:
        return os.environ.get("HOLDFAST_PASSWORD", "")
    try:
        return file.read_text().rstrip("\n")
    except OSError as problem:
        raise BadInput(f"password file {file}: {problem.strerror}: name a file that can be read") from None


def _terms(file: Path | None) -> Terms:
    if file is None:
        return Terms()
    try:
        fields = json.loads(file.read_bytes())
    except (OSError, ValueError) as problem:
        raise BadInput(f"terms {file}: {problem}: name a JSON file of terms") from None
    if not isinstance(fields, dict):
        raise BadInput(f"terms {file}: not a JSON object: name a JSON file of terms")
    return checked(Terms, **fields)


def _address(text: str) -> Address:
    if not is_address(text):
        raise BadInput(f"{text!r} is no address: give 0x and 40 hexadecimal digits")
    return Address(to_checksum_address(text))


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
        print(f"{member}  {role:12} {done}")
    for finding in findings:
        print(f"FINDING  {finding}")
    conserved = "add" if audited.conserved else "DO NOT add"
    print(f"block {audited.block.number}: {len(audited.history)} events, {len(findings)} findings; ", end="")
    print(f"balances, escrows and bonds {conserved} up to what the contract holds")
    if audited.forced:
        print(f"forced coins: {audited.forced} wei")
