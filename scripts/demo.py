"""The whole market on this machine: `make demo`, or `python scripts/demo.py --help`.

Starts a fresh local chain, deploys the market with scripts/deploy.py, and lets one data owner, a cloud owner
for each replica (some of them cheats) and one model owner train a model. Ends with build/demo/report.html.
"""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

import tools.brownie_home  # noqa: F401 -- it has to be there before Brownie is
from agents.core.errors import BadInput, HoldfastError, StopAgent
from agents.core.escaping import printable
from agents.demo.collect import DividedData, collect
from agents.demo.report import write_report
from agents.demo.report.page import JSON_NAME, PAGE_NAME
from agents.demo.run import FUEL, HOMES, LOGS, STORE, DemoRun, play, withdraw_all
from agents.demo.scenario import Scenario
from agents.demo.screen import Screen
from agents.learning.data.samples import PredictionTask
from agents.learning.data.schema.departures import Departed
from agents.learning.data.schema.document import read_schema
from agents.learning.families.registry import FAMILIES, Balance
from agents.learning.privacy.levels import LEVELS, Secrecy
from agents.output.heartbeat import Heartbeat
from agents.output.logs import escape_what_is_left, log_to_stderr
from agents.output.terminal import complain
from agents.portfolio.known import JOURNAL_FILE
from agents.storage.locks import alone
from scripts.local_chain import KINDS, ROOT, LocalChain, connect_brownie, local_chain

FOLDER = ROOT / "build" / "demo"

READING = "agents.learning.data.loading"
"""The log that tells how far the reading of a large table is; the module itself is imported with a file."""

_DEPLOYMENTS = {f"{kind.network}.json" for kind in KINDS.values()}
"""The first file of any run."""

_LEFT = {HOMES, LOGS, STORE, JSON_NAME, PAGE_NAME, *_DEPLOYMENTS}


def main(
    data: Annotated[
        str, typer.Option(help="A table's file, a database, or a built-in table.")
    ] = "breast-cancer",
    target: Annotated[str | None, typer.Option(help="The target's column; by default the last.")] = None,
    task: Annotated[
        PredictionTask | None, typer.Option(help="What the target is; else its looks decide.")
    ] = None,
    query: Annotated[str | None, typer.Option(help="A SELECT, where data is a database's address.")] = None,
    merge_rare: Annotated[int | None, typer.Option(help="Classes of fewer rows become one.")] = None,
    group: Annotated[str | None, typer.Option(help="Column that says whose row it is.")] = None,
    keep: Annotated[list[str] | None, typer.Option(help="Column to keep, whatever it looks like.")] = None,
    schema: Annotated[Path | None, typer.Option(help="JSON file that says what the columns are.")] = None,
    subsets: Annotated[int, typer.Option(help="Subsets of the dataset (m).")] = 4,
    replicas: Annotated[int, typer.Option(help="Replicas of each subset (n).")] = 3,
    rounds: Annotated[
        int | None, typer.Option(help="Rounds of training; by default until it has settled.")
    ] = None,
    model: Annotated[str | None, typer.Option(help=f"One of {', '.join(FAMILIES)}.")] = None,
    balance: Annotated[
        Balance, typer.Option(help="Classes as frequent as in the data, or all alike: data or even.")
    ] = "data",
    seed: Annotated[int, typer.Option(help="The same seed gives the same run.")] = 0,
    network: Annotated[str, typer.Option(help="ganache or anvil.")] = "ganache",
    secrecy: Annotated[
        str | None, typer.Option(help=f"What the data owner promises: {', '.join(reversed(LEVELS))}.")
    ] = None,
    privacy: Annotated[
        Path | None, typer.Option(help="At level private: JSON file of public ranges; else the table's own.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="For the report; the last run there is removed.")] = FOLDER,
) -> None:
    """A dataset becomes a trained, settled, paid model."""
    escape_what_is_left()
    log_to_stderr("demo", "warning")
    logging.getLogger(READING).setLevel(logging.INFO)
    try:
        known = None if schema is None else read_schema(schema)
        perform(
            Scenario(
                *(data, target, subsets, replicas, rounds, model, seed, network, task, merge_rare, query),
                group=group,
                keep=tuple(keep or ()),
                schema=known,
                level=_level(secrecy),
                privacy=privacy,
                balance=balance,
            ),
            folder,
        )
    except HoldfastError as problem:
        for line in problem.lines if isinstance(problem, Departed) else (problem,):
            complain(line)
        raise SystemExit(2 if isinstance(problem, BadInput) else 1) from None


def perform(scenario: Scenario, folder: Path = FOLDER) -> None:
    """Plays a scenario and writes its report.

    Raises:
        BadInput: the data or a flag cannot be used.
        HoldfastError: it could not be played to its end.
    """
    console = Console(highlight=False)
    with Heartbeat(partial(_say_quietly, console)) as heart:
        _perform(scenario, folder, console, heart)


def _perform(scenario: Scenario, folder: Path, console: Console, heart: Heartbeat) -> None:
    started_at = int(time.time())
    heart.follow(lambda: "reading and dividing the table")
    divided = DividedData.of(scenario)
    scenario = replace(scenario, work_seconds=divided.work_seconds)
    for note in divided.notes:
        console.print(f"[dim]{escape(printable(note))}[/]", soft_wrap=True)
    old = _last_run(folder)
    with alone(lock_of(folder)) as ours:
        if not ours:
            raise BadInput(f"another demo writes to {folder}: name another folder (FOLDER=build/another)")
        heart.begin(f"starting a chain ({scenario.network})")
        with local_chain(scenario.network, block_time=1) as chain:
            _remove(old)
            heart.begin("compiling and deploying the market")
            demo = DemoRun(scenario, folder, chain.url, _deploy(scenario, chain, folder))
            begun = time.monotonic()
            journal = demo.home(scenario.model_owner) / JOURNAL_FILE
            heart.begin(f"starting {len(scenario.everybody)} agents")
            with Screen(console, demo.names, demo.tc, journal, heart) as screen:
                play(demo, screen.tell, screen.say)
            heart.begin("everybody takes out what is free")
            withdraw_all(demo)
            heart.begin("comparing with training in one place, and auditing")
            outcome = collect(demo, divided, started_at, time.monotonic() - begun)
        heart.begin("writing the report")
        write_report(outcome, folder)
    _conclude(console, folder)


def _say_quietly(console: Console, words: str) -> None:
    console.print(f"[dim]{escape(printable(words))}[/]", soft_wrap=True)


def lock_of(folder: Path) -> Path:
    """Whoever plays in a folder holds this."""
    return ROOT / "build" / f".demo-{sha256(str(folder.resolve()).encode()).hexdigest()[:16]}"


def _level(name: str | None) -> Secrecy | None:
    found = next((level for level in LEVELS if level == name), None)
    if name is not None and found is None:
        raise BadInput(f"secrecy is {name!r}: choose one of {', '.join(reversed(LEVELS))}")
    return found


def _last_run(folder: Path) -> list[Path]:
    """What the last run left in a folder, whether it came to its end or not.

    Raises:
        BadInput: the folder has something else in it, or is a file.
    """
    if not folder.exists():
        return []
    if not folder.is_dir():
        raise BadInput(f"{folder} is a file: name a folder")
    left = list(folder.iterdir())
    names = {path.name for path in left}
    if names and (names - _LEFT or not names & _DEPLOYMENTS):
        raise BadInput(f"{folder} holds something else than a demo: name another folder, or an empty one")
    return left


def _remove(old: list[Path]) -> None:
    for path in old:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _conclude(console: Console, folder: Path) -> None:
    """The few figures that decide whether it went well.

    Raises:
        StopAgent: nothing was learnt.
    """
    told = json.loads((folder / JSON_NAME).read_text())
    accuracy, cheats, promise = told["accuracy"], told["cheats"], told["promise"]
    for line in promise["standing"] if promise else ():
        console.print(f"[dim]{escape(printable(line))}[/]", soft_wrap=True)
    for warning in warnings_of(accuracy):
        console.print(f"[bold yellow]{escape(printable(warning))}[/]", soft_wrap=True)
    console.print(
        f"\n{accuracy['metric']} [bold]{accuracy['market']:.3f}[/] on rows that nobody saw "
        f"(centralised {accuracy['centralised']:.3f}, "
        f"best single subset {accuracy['best_single_subset']:.3f})\n"
        f"cheats caught [bold]{cheats['caught']} of {cheats['planted']}[/], "
        f"honest members slashed: {told['honest_slashed']}\n"
        f"audit {'ok' if told['audit']['ok'] else '[bold red]FAILED[/]'}, "
        f"ledger {'conserved' if told['ledger']['conserved'] else '[bold red]NOT CONSERVED[/]'}\n"
        f"{told['transactions']} transactions, {told['gas']['total']:,} gas, {told['seconds']:.0f} s\n"
        f"report: {escape(printable(folder / PAGE_NAME))}",
        soft_wrap=True,
    )
    if not accuracy["updates"]:
        raise StopAgent(
            f"nothing was learnt: no round made new weights, {told['honest_slashed']} honest members were "
            f"slashed; {folder / LOGS} tells why"
        )


def warnings_of(accuracy: Mapping[str, Any]) -> Iterator[str]:
    """What a reader of the score alone would miss."""
    if accuracy["settled"] is False:
        yield "NOT SETTLED: the rounds were over while the model still moved"
    if accuracy["one_class_to_everybody"] is not None:
        yield f"the model says {accuracy['one_class_to_everybody']!r} to everybody: see AUC in the report"
    if accuracy["better_family"]:
        better = accuracy["better_family"]
        yield f"{better['family']} would do better: {better['score']:.3f} where this has {better['own']:.3f}"


def _deploy(scenario: Scenario, chain: LocalChain, folder: Path) -> Path:
    """Deploys the market and gives every member coins; Brownie is not needed after that."""
    from brownie import accounts, network, project, run

    with alone(ROOT / "build" / ".brownie", wait=True):  # it writes what it compiles into build/
        holdfast = project.load(str(ROOT), "Holdfast")
        holdfast.load_config()
        connect_brownie(chain)
        deployment: Path = run("scripts/deploy.py", "deploy", (folder,), project=holdfast)
    demo = DemoRun(scenario, folder, chain.url, deployment)
    for member in scenario.everybody:
        amount = FUEL + demo.opening_deposit(member)
        accounts[0].transfer(demo.address(member), amount, silent=True)
    network.disconnect()
    return deployment


if __name__ == "__main__":
    typer.run(main)
