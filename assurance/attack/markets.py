"""Whole lives on a market in memory, with agents of which some follow no rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agents.core.hashing import receipt_domain
from agents.learning.data.canonical import digest
from agents.learning.data.subset import Subset
from agents.learning.family import KeyPair
from agents.learning.plans.base import Plan
from agents.roles.acts import Task
from agents.roles.results import DraftedPlan, PublishedWeights, TaskResult
from agents.roles.tasks.model_owner import DraftPlan, PublishWeights
from agents.vault.keys import PublicKey
from agents.vault.packages import put_shared
from agents.workers.base import Tools, Worker, weights_context
from agents.workers.model_owner import PLAN_FILE
from testing.backend import CHAIN_ID, MARKET
from testing.fake_market import FakeMarket
from testing.world import Agent, World


class OtherMarket(FakeMarket):
    """The same contract, deployed on another chain."""

    domain = receipt_domain(CHAIN_ID + 1, MARKET)


@dataclass(frozen=True)
class MadeElsewhere:
    """A model owner's worker that publishes a plan and weights as it has them.

    Attributes:
        honest: does all else.
        tools: its own.
        plan: names the keys.
        keys: of the plan.
        published: the encrypted weights, in every round.
        rounds: that it starts.
    """

    honest: Worker
    tools: Tools
    plan: Plan
    keys: KeyPair
    published: bytes
    rounds: int = 2

    def perform(self, task: Task[TaskResult]) -> TaskResult:
        """See `Worker`."""
        if isinstance(task, DraftPlan):
            return self._draft()
        if isinstance(task, PublishWeights):
            return self._publish(task)
        return self.honest.perform(task)

    def _draft(self) -> DraftedPlan:
        document = self.plan.canonical_bytes()
        self.tools.store.put(self.keys.public)
        self.tools.home.write(PLAN_FILE, document)
        location = self.tools.store.put(document).digest
        name = str(self.plan.model_dump()["family"])
        return DraftedPlan(
            model_type=name, hash=digest(document), location=location, rounds=self.rounds, sums="dataset"
        )

    def _publish(self, task: PublishWeights) -> PublishedWeights:
        context = weights_context(task.tc, task.round + 1)
        readers = [PublicKey(key) for key in task.readers]
        location = put_shared(self.tools.store, self.published, readers, context).digest if readers else b""
        return PublishedWeights(
            hash=digest(self.published),
            location=location,
            model=bytes(32),
            score=0.0,
            stop=task.round >= self.rounds,
            summed=0,
            missing=(),
        )


def with_worker(agent: Agent, worker: Worker) -> None:
    """Begins an agent anew with another worker."""
    agent.journal.close()
    agent.worker = worker
    agent.start()


def held(world: World) -> tuple[Subset, ...]:
    """The subsets, as the first cloud owner has them in its home."""
    home = world.folder / "cloud owner 0" / "subsets"
    found = (Subset.from_bytes(path.read_bytes()) for path in home.iterdir())
    return tuple(sorted(found, key=lambda subset: subset.index))


def results_of(world: World) -> dict[int, bytes]:
    """The settled results by subset, as the model owner has them in its home."""
    home, found = world.folder / "model owner" / "results", {}
    for record in world.couple.rounds.values():
        for subset, settled in record.digests.items():
            found[subset] = (home / settled.hex()).read_bytes()
    return found


def opened_seeds(world: World) -> Iterator[bytes]:
    """The links of seed chains that were opened."""
    for logged in world.chain.history:
        for name in ("mo_seed", "do_seed"):
            seed = getattr(logged.event, name, None)
            if seed:
                yield seed


def fresh(folder: Path, name: str) -> Path:
    """A folder for a life that is not there yet."""
    numbers = (folder / f"{name} {number}" for number in range(10_000))
    found = next(path for path in numbers if not path.exists())
    found.mkdir(parents=True)
    return found
