"""Lets a market of eight agents train behind nodes that misbehave; `make chaos`.

    python -m assurance.chaos --mixtures 12 --seed 1
    python -m assurance.chaos --only "one log twice" --network ganache

Each life begins on a market of its own and ends when the couple is over. Then the faults stop, and what each
agent has is compared with the chain, and with a life without faults. Prints a line a life, and
keeps build/chaos/report.json up to date. Exit code 1 if any did not come through.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from agents.core.escaping import printable
from agents.output.logs import escape_what_is_left
from assurance.chaos.market import ChaosMarket, Lived
from assurance.chaos.node import RealNode
from assurance.chaos.plans import FAULTS, UNDISTURBED, Plan, alone, mixture
from assurance.chaos.proxy import Proxy, proxied
from assurance.chaos.verdict import Verdict, judge
from scripts.local_chain import local_chain
from testing.compiler import ROOT

REPORT = ROOT / "build" / "chaos" / "report.json"
NETWORKS = ("anvil", "ganache")


def main() -> None:
    """Plays all that is asked for."""
    console = Console(soft_wrap=True)
    arguments = _parser().parse_args()
    escape_what_is_left()
    logging.getLogger("agents").setLevel(logging.CRITICAL)
    logging.getLogger("assurance").setLevel(logging.CRITICAL)
    begun = time.monotonic()
    verdicts: list[Verdict] = []
    report = told(verdicts, arguments.seed, 0.0)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    for network in arguments.network or NETWORKS:
        for verdict in _play(network, list(_plans(arguments))):
            verdicts.append(verdict)
            console.print(printable(verdict.line), markup=False, style="green" if verdict.survived else "red")
            report = told(verdicts, arguments.seed, time.monotonic() - begun)
            REPORT.write_text(json.dumps(report, indent=2) + "\n")
    console.print(
        f"{report['survived']} of {report['lives']} lives came through, {report['events_lost']} events lost, "
        f"{report['paid_twice']} paid twice, {report['agents_died']} agents died"
    )
    sys.exit(0 if report["survived"] == report["lives"] else 1)


def told(verdicts: Sequence[Verdict], seed: int, seconds: float) -> dict[str, object]:
    """The report."""
    return {
        "faults": len({verdict.plan.name for verdict in verdicts if not verdict.is_mixture}),
        "mixtures": sum(verdict.is_mixture for verdict in verdicts),
        "lives": len(verdicts),
        "survived": sum(verdict.survived for verdict in verdicts),
        "events_lost": sum(verdict.events_lost for verdict in verdicts),
        "paid_twice": sum(verdict.paid_twice for verdict in verdicts),
        "agents_died": sum(verdict.agents_died for verdict in verdicts),
        "seed": seed,
        "seconds": round(seconds, 1),
        "by_fault": [verdict.told() for verdict in verdicts if not verdict.is_mixture],
        "by_mixture": [verdict.told() for verdict in verdicts if verdict.is_mixture],
    }


def _plans(arguments: argparse.Namespace) -> Iterator[Plan]:
    if arguments.only is None:
        yield from alone(arguments.seed)
        yield from (mixture(arguments.seed + number) for number in range(arguments.mixtures))
    elif arguments.only.isdecimal():
        yield mixture(int(arguments.only))
    else:
        yield from (plan for plan in alone(arguments.seed) if arguments.only in plan.name)


def _play(network: str, plans: Sequence[Plan]) -> Iterator[Verdict]:
    with local_chain(network) as chain, proxied(chain.url) as proxy:
        node = RealNode(chain.url, network)
        node.take_blocks_in_hand()
        undisturbed = _life(node, proxy, UNDISTURBED)
        for plan in plans:
            yield judge(network, plan, _life(node, proxy, plan), undisturbed)


def _life(node: RealNode, proxy: Proxy, plan: Plan) -> Lived:
    with tempfile.TemporaryDirectory() as folder:
        return ChaosMarket(node, proxy, Path(folder)).live(plan)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m assurance.chaos", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--network", action="append", choices=NETWORKS, help="by default both")
    parser.add_argument("--mixtures", type=int, default=12, help="how many, beside each fault alone")
    parser.add_argument("--seed", type=int, default=1, help="of the faults, and of the first mixture")
    names = "; ".join(FAULTS).replace("%", "%%")
    parser.add_argument("--only", help=f"a part of a fault's name, or a mixture's seed: {names}")
    return parser


if __name__ == "__main__":
    main()
