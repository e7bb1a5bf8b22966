"""The data before a run, and when it is over what happened, from the chain and the model owner's home."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.audit.live import Audited, audit_deployment
from agents.chain.mined import transactions
from agents.core.errors import BadPlan
from agents.demo.outcome import DemoOutcome, Participant, Scores
from agents.demo.run import DemoRun
from agents.demo.scenario import Scenario
from agents.demo.work import work_of
from agents.learning import evaluate
from agents.learning.data.prepare import Prepared, partition, strata_of
from agents.learning.data.samples import Int64Array, PredictionTask, Samples
from agents.learning.data.tables import Table, load_table
from agents.learning.families.registry import default_plan, family_of, parse_plan
from agents.learning.integers.weights import Weights
from agents.learning.judgement import judge, reliability
from agents.learning.plans.base import Plan
from agents.learning.plans.limits import DEFAULT_LIMITS
from agents.workers.data_owner import cut
from agents.workers.model_owner import PLAN_FILE, state_file


@dataclass(frozen=True)
class DividedData:
    """A scenario's data as the data owner will divide them, test rows included.

    Attributes:
        rows: the training rows of each subset.
    """

    table: Table
    prepared: Prepared
    rows: list[Int64Array]

    @classmethod
    def of(cls, scenario: Scenario) -> DividedData:
        """Reads and divides the scenario's data.

        Raises:
            BadData, CannotSplit: the data cannot be used so.
            BadPlan: there is no such model, or not for such a target or so many columns.
        """
        table = load_table(scenario.data, scenario.target, scenario.task, scenario.merge_rare, scenario.query)
        prepared = partition(table, scenario.seed)
        features = prepared.train.features.shape[1]
        classes = prepared.train.classes
        plan = default_plan(
            table.task,
            classes,
            features,
            scenario.model,
            scenario.rounds,
            rows=len(prepared.train),
            balance=scenario.balance,
        )
        if plan.noise_named is not None:
            raise BadPlan(f"{scenario.model} is for datasets that are offered with noise: the demo's is not")
        DEFAULT_LIMITS.check(plan)
        family_of(plan)
        return cls(table, prepared, cut(table, prepared, scenario.subsets, scenario.seed))

    @property
    def notes(self) -> tuple[str, ...]:
        """A line for each thing that was done to the data."""
        return (*self.table.notes, *self.prepared.notes)

    @property
    def subsets(self) -> list[Samples]:
        """The samples of each subset."""
        return [self.prepared.train.take(rows) for rows in self.rows]

    @property
    def strata(self) -> tuple[tuple[int, ...], ...]:
        """For each subset, its rows of each class, or of each range of a continuous target."""
        labels = strata_of(self.prepared.train.target, self.table.task)
        kinds = int(labels.max()) + 1
        return tuple(tuple(map(int, np.bincount(labels[rows], minlength=kinds))) for rows in self.rows)

    @property
    def strata_names(self) -> tuple[str, ...]:
        """What the strata are called."""
        ranges = len(self.strata[0])
        return self.table.class_names or tuple(f"range {i + 1} of {ranges}" for i in range(ranges))


def collect(demo: DemoRun, divided: DividedData, started_at: int, seconds: float) -> DemoOutcome:
    """Reads the whole run.

    Args:
        demo: the run.
        divided: what was split, and how.
        started_at: in seconds since the epoch.
        seconds: how long the market was at work.
    """
    client = demo.connect()
    audited = audit_deployment(client)
    home = demo.home(demo.scenario.model_owner)
    plan = parse_plan((home / PLAN_FILE).read_bytes())
    mined = tuple(transactions(client, client.deployment.block + 1, audited.block.number))
    couple = audited.audit.market.couples[demo.tc]
    cloud_owners = [demo.home(member) for member in demo.scenario.cloud_owners]
    work = work_of(plan, couple.id, couple.round, home, cloud_owners, divided.prepared.test)
    return DemoOutcome(
        dataset_name=divided.table.name,
        notes=divided.notes,
        model=family_of(plan).name(),
        network=demo.scenario.network,
        chain_id=client.deployment.chain_id,
        contract=client.deployment.market,
        settings=_told(demo.scenario),
        parties=tuple(_parties(demo)),
        ds=couple.ds,
        tc=couple.id,
        subset_rows=tuple(len(rows) for rows in divided.rows),
        history=audited.history,
        audit=audited.audit,
        differences=audited.differences,
        contract_balance=audited.contract_balance,
        transactions=mined,
        scores=_scores(demo, plan, divided, audited, tuple(work.summed), work.settled),
        started_at=started_at,
        seconds=seconds,
        strata=divided.strata,
        strata_names=divided.strata_names,
        work=work,
    )


def _scores(
    demo: DemoRun,
    plan: Plan,
    divided: DividedData,
    audited: Audited,
    updates: tuple[int, ...],
    settled: bool | None,
) -> Scores:
    home = demo.home(demo.scenario.model_owner)
    train, test = divided.prepared.train, divided.prepared.test
    rounds = audited.audit.market.couples[demo.tc].round

    def after(round_: int) -> float:
        data = (home / state_file(demo.tc, round_, "weights")).read_bytes()
        return evaluate.score(plan, Weights.from_bytes(data, plan), test)

    last = Weights.from_bytes((home / state_file(demo.tc, rounds, "weights")).read_bytes(), plan)
    said = evaluate.forecast(plan, last, test)
    centralised = evaluate.centralised(plan, train, test)
    single = evaluate.best_single_subset(plan, divided.subsets, test)
    outside = evaluate.outside(plan, train, test)
    against = (centralised, single, outside, evaluate.guess(train, test))
    return Scores(
        metric="accuracy" if plan.classes else "R2",
        initial=after(0),
        market=tuple(after(round_) for round_ in range(1, rounds + 1)),
        centralised=centralised.score,
        best_single_subset=single.score,
        outside=(outside.label, outside.score),
        updates=updates,
        judged=(
            judge("the market", said, evaluate.truth_of(test)),
            *(judge(one.label, one.forecast, evaluate.truth_of(test)) for one in against),
        ),
        reliability=() if said.chances is None else tuple(reliability(said.chances, test.target)),
        settled=settled,
        better=evaluate.better_family(plan, train, divided.prepared.validation),
    )


def _parties(demo: DemoRun) -> list[Participant]:
    return [
        Participant(member.name, demo.address(member), member.subset, member.conduct.cheat or "")
        for member in demo.scenario.everybody
    ]


def _told(scenario: Scenario) -> dict[str, str]:
    learnt = ("data", "query", "target", "task", "merge_rare")
    played = ("subsets", "replicas", "rounds", "model", "balance", "seed", "network")
    values = {name: getattr(scenario, name) for name in (*learnt, *played)}
    return {
        name: str(value.value if isinstance(value, PredictionTask) else value)
        for name, value in values.items()
        if value is not None
    }
