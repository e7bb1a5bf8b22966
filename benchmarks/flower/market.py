"""The same job on the market: real agents, each a process of its own, the real contract on Anvil.

    python -m benchmarks.flower.market FOLDER

It reads ``job.json`` of the folder and writes ``holdfast.json``.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from agents.chain.node import Node
from agents.core.errors import Refused
from agents.core.market import Market
from agents.demo.run import FUEL, DemoRun, play, withdraw_all
from benchmarks.flower.spec import PLAN_FILE, FlowerJob
from scripts.local_chain import local_chain
from testing.node_market import deploy, mined


def main(folder: Path) -> None:
    """One run, and what it took."""
    taken = run(FlowerJob.load(folder), folder)
    (folder / "holdfast.json").write_text(json.dumps(asdict(taken)))


@dataclass(frozen=True)
class Run:
    """What a run took, in seconds.

    Attributes:
        job: from the start of the members' processes until all have withdrawn: registration, split, sealing,
            verification, request, every round with its verdicts and payments, completion.
        training: of these, from the request to the completion.
        chain: before that, until the node is up, the market deployed, and each member has coins for gas.
    """

    job: float
    training: float
    chain: float


def run(job: FlowerJob, folder: Path) -> Run:
    """One run on a fresh chain.

    Raises:
        HoldfastError: it did not come to its end.
    """
    started = time.monotonic()
    with _fresh_run(job, folder) as demo:
        begun = time.monotonic()
        seen: dict[str, float] = {}

        def note(event: object, market: Market) -> None:
            del market
            seen.setdefault(type(event).__name__, time.monotonic())

        play(demo, note)
        withdraw_all(demo)
        ended = time.monotonic()
    return Run(
        job=ended - begun,
        training=seen["CoupleCompleted"] - seen["CoupleRequested"],
        chain=begun - started,
    )


@contextmanager
def _fresh_run(job: FlowerJob, folder: Path) -> Iterator[DemoRun]:
    """A fresh chain with a market on it, and coins for everybody."""
    with local_chain("anvil", block_time=job.block_time) as chain:
        node = Node.connect(chain.url, 10, lambda reason: Refused(str(reason)))
        deployment = folder / "market.json"
        deploy(node).save(deployment)
        scenario = replace(job.scenario, plan=folder / PLAN_FILE)
        demo = DemoRun(scenario, folder, chain.url, deployment, job.poll_seconds, "fork")
        banker = node.ask("eth_accounts")[0]
        for member in demo.scenario.everybody:
            amount = hex(FUEL + demo.opening_deposit(member))
            mined(node, {"from": banker, "to": demo.address(member), "value": amount})
        yield demo


if __name__ == "__main__":
    main(Path(sys.argv[1]))
