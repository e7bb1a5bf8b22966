"""Plays every strategy of every role on the market and tells what it pays beside honest play.

    python -m assurance.economics --help

Amounts are given in wei and told in thousandths of a coin a round. With several seeds the table has means,
the least and the most gain of any seed, and with how many seeds the verdict is the same. Then it searches
all coalitions with fewer than half of each subset's replicas, and plays the best of each on the market.
Prints both and writes report.json, coalitions.json and economics.svg to build/economics. Exit code 2 and one
line if a flag cannot be used.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agents.core.amounts import ETHER
from agents.core.errors import BadInput
from agents.demo.scenario import Scenario
from assurance.economics import theory
from assurance.economics.coalitions import tables
from assurance.economics.coalitions.search import REPLICAS, Finding, searched
from assurance.economics.coalitions.stage import play_out
from assurance.economics.departures import DEPARTURES, DepartureResult, Verdict, measure
from assurance.economics.figure import draw
from assurance.economics.setting import Setting
from testing.command_line import FlagParser, one_line_if_wrong, write_report
from testing.compiler import ROOT

FOLDER = ROOT / "build" / "economics"
MILLI = ETHER // 1000
COLOURS = {Verdict.WORSE: "green", Verdict.EQUAL: "yellow", Verdict.PAYS: "red"}

AMOUNTS = {
    "job-price": ("job_price", "paid for an accepted report"),
    "round-price": ("round_price", "the data owner's"),
    "bond": ("instance_bond", "of an instance"),
    "miss-penalty": ("miss_penalty", "for silence"),
    "couple-bond": ("couple_bond", "the data owner's"),
    "training-cost": ("training_cost", "of one job"),
    "gas-price": ("gas_price", "a unit of gas"),
    "result-value": ("result_value", "of a subset's result to the model owner"),
}
COUNTS = {
    "replicas": ("replicas", "of a subset (n)"),
    "subsets": ("subsets", "of the dataset (m)"),
    "per-round": ("subsets_per_round", "subsets that a round draws (k)"),
    "rounds": ("rounds", "of the couple"),
}
SHARES = {
    "dishonest": ("dishonest", "chance that another cloud owner lies, in league with all that do"),
    "detection": ("settled", "chance that a subset is settled, so that a lie in it costs anything"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs it; a wrong flag is one line on stderr."""
    with one_line_if_wrong():
        flags = _parser().parse_args(arguments)
        setting = _setting(flags)
        if not 1 <= flags.seeds <= 100:
            raise BadInput(f"seeds is {flags.seeds}: choose 1 to 100")
        if flags.replicas not in (None, 3) and flags.replicas < 5:
            raise BadInput(f"replicas is {flags.replicas}: the plays need 3 or 5 and more")
        if flags.coalitions_up_to not in REPLICAS:
            most = f"{REPLICAS[0]} to {REPLICAS[-1]}"
            raise BadInput(f"coalitions-up-to is {flags.coalitions_up_to}: choose {most}")
    results = [measure(one, setting, range(flags.seeds)) for one in DEPARTURES]
    report = {
        "setting": asdict(setting) | {"terms": setting.terms.model_dump()},
        "bounds": _bounds(setting),
        "plays": [_told(result) for result in results],
    }
    write_report(report, flags.folder / "report.json")
    draw(setting, flags.folder / "economics.svg")
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 170)
    console.print(_table(results))
    for name, bound in _bounds(setting).items():
        console.print(f"{name}: {_milli(Fraction(bound))}")
    findings = list(searched(setting, range(REPLICAS[0], flags.coalitions_up_to + 1)))
    confirmed = _confirmed(setting, findings)
    coalitions = {"confirmed_on_the_market": confirmed, "rows": [tables.told(found) for found in findings]}
    write_report(coalitions, flags.folder / "coalitions.json")
    console.print(tables.table(findings))
    console.print(f"{len(findings)} searches; {confirmed} best plays, each as on the market")


def _confirmed(setting: Setting, findings: Sequence[Finding]) -> int:
    """Plays what was found on the market; returns how many rounds that were."""
    plays = {(play.quorum, play.words) for found in findings for play in found.best.values()}
    for quorum, words in sorted(plays):
        play_out(setting.but(quorum=quorum), words)
    return len(plays)


def _parser() -> argparse.ArgumentParser:
    parser = FlagParser(prog="python -m assurance.economics", description="What each role's strategies pay.")
    for kind, group in ((int, AMOUNTS), (int, COUNTS), (float, SHARES)):
        for flag, (name, text) in group.items():
            unit = "wei, " if group is AMOUNTS else ""
            parser.add_argument(f"--{flag}", dest=name, type=kind, help=unit + text)
    parser.add_argument("--demo", action="store_true", help="start from the demo's terms")
    parser.add_argument("--seeds", type=int, default=1, help="games of each play, with other draws (1)")
    parser.add_argument(
        "--coalitions-up-to", type=int, default=REPLICAS[-1], help="replicas of a subset, from 3 on (7)"
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for the report")
    return parser


def _setting(flags: argparse.Namespace) -> Setting:
    fields = [name for group in (AMOUNTS, COUNTS, SHARES) for name, _ in group.values()]
    changes = {name: getattr(flags, name) for name in fields if getattr(flags, name) is not None}
    start = Setting(terms=Scenario().terms) if flags.demo else Setting()
    return start.but(**changes)


def _bounds(setting: Setting) -> dict[str, int]:
    return {
        "highest training cost": theory.highest_cost(setting),
        "least miss penalty": theory.least_penalty(setting),
        "least instance bond": theory.least_bond(setting),
    }


def _told(result: DepartureResult) -> dict[str, object]:
    griefing = result.griefing
    return {
        "role": result.departure.role,
        "play": result.departure.name,
        "verdict": result.verdict,
        "why": result.departure.why,
        "payoff_a_round": float(result.payoff),
        "honest_a_round": float(result.honest),
        "gain_a_round": float(result.gain),
        "gain_a_round_by_seed": [float(gain) for gain in result.gains],
        "seeds_of_this_verdict": result.agreeing,
        "others_a_round": {who: float(change) for who, change in result.others.items()},
        "griefing_factor": None if griefing is None else float(griefing),
    }


def _table(results: Sequence[DepartureResult]) -> Table:
    table = Table(title="thousandths of a coin a round; DO, MO, CO: what the others have more than else")
    for column in ("who", "departs from honest play", "verdict"):
        table.add_column(column)
    seeds = len(results[0].gains)
    spread = ("least", "most", "alike") if seeds > 1 else ()
    for column in ("payoff", "honest", "gain", *spread, "DO", "MO", "CO", "griefing"):
        table.add_column(column, justify="right")
    for result in results:
        colour = COLOURS[result.verdict]
        ends = (_milli(min(result.gains)), _milli(max(result.gains)), f"{result.agreeing}/{seeds}")
        table.add_row(
            result.departure.role,
            result.departure.name,
            f"[{colour}]{result.verdict}[/]",
            *map(_milli, (result.payoff, result.honest, result.gain)),
            *ends[: len(spread)],
            *map(_milli, result.others.values()),
            "" if result.griefing is None else f"{float(result.griefing):.2f}",
        )
    return table


def _milli(wei: Fraction) -> str:
    return f"{float(wei / MILLI):.3f}"


if __name__ == "__main__":
    main()
