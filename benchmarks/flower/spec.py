"""What is trained, and the files that both peers read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from agents.demo.collect import DividedData
from agents.demo.run import DemoRun
from agents.demo.scenario import HONEST, DemoMember, Scenario
from agents.learning.data import exposed
from agents.learning.evaluate import score
from agents.learning.families.registry import default_plan
from agents.learning.integers.weights import Weights
from agents.learning.plans.base import Plan
from agents.portfolio.terms import Terms
from agents.workers.states import state_file

JOB_FILE, PLAN_FILE = "job.json", "plan.json"


class HonestScenario(Scenario):
    """Nobody cheats, and nobody is hurried: the windows are those of a real market."""

    @property
    def cloud_owners(self) -> tuple[DemoMember, ...]:
        """All of them honest."""
        return tuple(replace(member, conduct=HONEST) for member in super().cloud_owners)

    @property
    def terms(self) -> Terms:
        """As they are by default."""
        return Terms()


@dataclass(frozen=True)
class FlowerJob:
    """What is trained, and how fast the market's chain and agents go.

    Attributes:
        replicas: of each subset, on the market. With one, as at Flower, nobody checks anybody.
        block_time: seconds between blocks.
        poll_seconds: between an agent's looks at the chain.
    """

    replicas: int = 1
    block_time: float = 0.02
    poll_seconds: float = 0.05
    data: str = "breast-cancer"
    model: str = "logistic"
    subsets: int = 4
    rounds: int = 8
    seed: int = 0

    @property
    def drawn(self) -> int:
        """Subsets a round."""
        return (self.subsets + 1) // 2

    @property
    def scenario(self) -> HonestScenario:
        """Who plays it on the market."""
        return HonestScenario(
            data=self.data,
            subsets=self.subsets,
            replicas=self.replicas,
            rounds=self.rounds,
            model=self.model,
            seed=self.seed,
            network="anvil",
        )

    @property
    def name(self) -> str:
        """What is written beside its figures."""
        return f"replicas_{self.replicas}" + ("_blocks_of_1_s" if self.block_time == 1 else "")

    @classmethod
    def load(cls, folder: Path) -> FlowerJob:
        """The job that `prepare` wrote."""
        told = json.loads((folder / JOB_FILE).read_text())
        del told["drawn"]
        return cls(**told)


def prepare(job: FlowerJob, folder: Path) -> Plan:
    """Writes what both read: job, plan, the subsets as the data owner cuts them, the exposed samples.

    Each round's results make new weights, as they do at Flower.
    """
    divided = DividedData.of(job.scenario)
    train = divided.prepared.train
    plan = default_plan(divided.table.task, train.classes, train.features.shape[1], job.model, job.rounds)
    (folder / JOB_FILE).write_text(json.dumps({**asdict(job), "drawn": job.drawn}))
    plan = plan.model_copy(update={"sums": "round"})
    (folder / PLAN_FILE).write_bytes(plan.canonical_bytes())
    (folder / "validation.samples").write_bytes(exposed.to_bytes(divided.prepared.validation))
    for index, samples in enumerate(divided.subsets):
        (folder / f"subset-{index}.samples").write_bytes(exposed.to_bytes(samples))
    return plan


def scores_of(job: FlowerJob, plan: Plan, folder: Path) -> Iterator[float]:
    """The model owner's weights on the exposed samples: before round 1 and after each round."""
    demo = DemoRun(job.scenario, folder, rpc="", deployment=folder)
    home = demo.model_folder
    samples = exposed.from_bytes((folder / "validation.samples").read_bytes())
    for round_ in range(job.rounds + 1):
        data = (home / state_file(demo.tc, round_, "weights")).read_bytes()
        yield score(plan, Weights.from_bytes(data, plan), samples)
