"""The data before a run, and when it is over what happened, from the chain and the model owner's home."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from math import ceil
from statistics import mean

import numpy as np

from agents.audit.live import Audited, audit_deployment
from agents.chain.mined import transactions
from agents.chain.wallet import Wallet
from agents.core.errors import BadInput, BadPlan, CannotSplit
from agents.demo.outcome import DemoOutcome, Participant, Promised, Scores
from agents.demo.ranges import policy_of, ranges_of
from agents.demo.run import DemoRun
from agents.demo.scenario import Scenario
from agents.demo.work import work_of
from agents.learning import evaluate
from agents.learning.data.canonical import digest
from agents.learning.data.prepare import Prepared, partition, strata_of
from agents.learning.data.samples import Int64Array, PredictionTask, Samples
from agents.learning.data.tables import Table, load_table
from agents.learning.families.registry import default_plan, family_of, parse_plan
from agents.learning.integers.weights import Weights
from agents.learning.judgement import judge, reliability
from agents.learning.plans.base import Plan
from agents.learning.plans.limits import DEFAULT_LIMITS
from agents.learning.plans.noise import Noise
from agents.learning.privacy.levels import GUARANTEES, LEARNS, Secrecy
from agents.learning.privacy.lifetime import LIFETIME_EPSILON
from agents.learning.privacy.offer import Offer, offer
from agents.learning.privacy.policy import Guarantee
from agents.learning.privacy.review import objection
from agents.learning.privacy.trial import try_out
from agents.learning.work import check_rows, job_seconds, window_of
from agents.storage.people import LEDGER_FILE
from agents.workers.data_owner import cut, told_of
from agents.workers.model_owner import PLAN_FILE
from agents.workers.standing import standing_of
from agents.workers.states import salt_file, state_file

MOST_WINDOW = 900
"""Seconds of a report window that the demo can wait for, round after round."""

_HARDLY_ANY = Noise(mode="own", variance=2)
"""Noise whose penalty is none: yardsticks are without noise."""

_DIVISIONS = 5
"""Of a table, to say what level private would score."""


@dataclass(frozen=True)
class DividedData:
    """A scenario's data as the data owner will divide them, test rows included.

    Attributes:
        rows: the training rows of each subset.
        work_seconds: in which a round's jobs are done on this machine, with whatever else it is at.
    """

    table: Table
    prepared: Prepared
    rows: list[Int64Array]
    work_seconds: int = 0

    @classmethod
    def of(cls, scenario: Scenario) -> DividedData:
        """Reads and divides the scenario's data.

        Raises:
            BadData, CannotSplit: the data cannot be used so.
            BadPlan: there is no such model, or not for such a target or so many columns.
        """
        table = load_table(
            scenario.data,
            scenario.target,
            scenario.task,
            scenario.merge_rare,
            scenario.query,
            group=scenario.group,
            keep=scenario.keep,
            schema=scenario.schema,
        )
        made = offered(scenario, table) if scenario.secrecy == "private" else None
        prepared = partition(table, scenario.seed) if made is None else made.prepared
        features, classes = prepared.train.features.shape[1], prepared.train.classes
        plan = default_plan(
            table.task,
            classes,
            features,
            scenario.planned,
            scenario.rounds,
            rows=len(prepared.train),
            balance=scenario.balance,
        )
        DEFAULT_LIMITS.check(plan)
        if made is not None and plan.noise_named is not None:
            plan = plan.with_noise(made.guarantee.noise)
        guarantee = None if made is None else made.guarantee
        described = _Offered(features, classes, len(prepared.train), scenario.secrecy, guarantee)
        problem = objection(family_of(plan), described)
        if problem:
            raise BadPlan(f"{problem}: choose another MODEL, or another SECRECY")
        rows = cut(table, prepared, scenario.subsets, scenario.seed) if made is None else list(made.parts)
        largest = max(map(len, rows))
        check_rows(plan, largest, len(prepared.train))
        seconds = job_seconds(plan, largest)
        needed = window_of(seconds, _at_once(scenario.jobs))
        if needed > MOST_WINDOW:
            raise BadPlan(
                f"a job takes about {seconds:.2g} s for {largest} rows of {features} features, so that a "
                f"round's jobs on this machine need a report window of {needed} s, and the demo waits for at "
                f"most {MOST_WINDOW}: choose another model, or fewer columns or replicas"
            )
        return cls(table, prepared, rows, needed)

    @property
    def notes(self) -> tuple[str, ...]:
        """A line for each thing that was done to the data."""
        return (
            *self.table.notes,
            *self.prepared.notes,
            *told_of(self.table, self.prepared, self.rows),
        )

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


@dataclass(frozen=True)
class _Offered:
    """What a plan is reviewed against."""

    features: int
    classes: int
    rows: int
    level: Secrecy
    guarantee: Guarantee | None


def _at_once(jobs: int) -> int:
    """How many share a core with each other and with what the machine is at already."""
    return ceil((jobs + os.getloadavg()[0]) / len(os.sched_getaffinity(0)))


def offered(scenario: Scenario, table: Table) -> Offer:
    """The table as the scenario's data owner offers it at level private.

    Raises:
        BadInput: it is too small for noise, or has columns without ranges.
        CannotSplit: too few rows for so many subsets.
    """
    derive = Wallet.from_key(scenario.data_owner.secret).derive
    policy = ranges_of(scenario) if scenario.secrecy == "private" else policy_of(table)
    return offer(table, policy, scenario.subsets, scenario.seed, derive)


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
    home, folder = demo.home(demo.scenario.model_owner), demo.model_folder
    plan = parse_plan((folder / PLAN_FILE).read_bytes())
    mined = tuple(transactions(client, client.deployment.block + 1, audited.block.number))
    couple = audited.audit.market.couples[demo.tc]
    cloud_owners = [demo.home(member) for member in demo.scenario.cloud_owners]
    promised = promised_of(demo, divided.table)
    work = work_of(plan, couple.id, couple.round, home, folder, cloud_owners, divided.prepared.test)
    final_weights = digest((folder / state_file(couple.id, couple.round, "weights")).read_bytes())
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
        final_weights=final_weights,
        final_salt=bytes.fromhex((folder / salt_file(couple.id)).read_text()),
        promised=promised,
    )


def promised_of(demo: DemoRun, table: Table) -> Promised:
    """What the data owner promised, as its own status has it, and what level private would give."""
    standing = standing_of(
        demo.dataset_folder, demo.home(demo.scenario.data_owner) / LEDGER_FILE, LIFETIME_EPSILON
    )
    level, given, trial = standing.dataset.level, standing.dataset.guarantee, standing.trial
    score, epsilon, why = trial.noisy, given.epsilon if given else None, ""
    if given is None:
        try:
            score, epsilon = _private_would(demo.scenario, table)
        except (BadInput, CannotSplit) as problem:
            why = str(problem)
    return Promised(
        level=level,
        guarantee=GUARANTEES[level],
        learns=LEARNS[level],
        standing=tuple(standing.lines()),
        epsilon=given.epsilon if given else None,
        delta_digits=given.delta_digits if given else None,
        epsilon_spent=standing.lifetime.epsilon_spent if given else None,
        epsilon_left=standing.lifetime.largest if given else None,
        exposed_rows=trial.exposed_rows,
        exposed_score=trial.exposed,
        all_rows_score=trial.everything,
        private_epsilon=epsilon,
        private_score=score,
        private_refused=why,
        ranges_from_rows=level == "private" and demo.scenario.privacy is None,
    )


def _private_would(scenario: Scenario, table: Table) -> tuple[float, int]:
    """What level private would score, in the mean of a few divisions and draws, and its epsilon.

    Raises:
        BadInput, CannotSplit: it would give nothing.
    """
    made = [offered(replace(scenario, seed=seed), table) for seed in range(_DIVISIONS)]
    noisy = [try_out(one.prepared, one.guarantee.noise, one.noise).noisy for one in made]
    return mean(score for score in noisy if score is not None), made[0].guarantee.epsilon


def _scores(
    demo: DemoRun,
    plan: Plan,
    divided: DividedData,
    audited: Audited,
    updates: tuple[int, ...],
    settled: bool | None,
) -> Scores:
    folder = demo.model_folder
    train, test = divided.prepared.train, divided.prepared.test
    rounds = audited.audit.market.couples[demo.tc].round

    def after(round_: int) -> float:
        data = (folder / state_file(demo.tc, round_, "weights")).read_bytes()
        return evaluate.score(plan, Weights.from_bytes(data, plan), test)

    last = Weights.from_bytes((folder / state_file(demo.tc, rounds, "weights")).read_bytes(), plan)
    said = evaluate.forecast(plan, last, test)
    exact = plan if plan.noise_named is None else plan.with_noise(_HARDLY_ANY)
    centralised = evaluate.centralised(exact, train, test)
    single = evaluate.best_single_subset(exact, divided.subsets, test)
    outside = evaluate.outside(exact, train, test)
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
    learnt = ("data", "query", "target", "task", "merge_rare", "group", "secrecy", "privacy")
    played = ("subsets", "replicas", "rounds", "model", "balance", "seed", "network")
    values = {name: getattr(scenario, name) for name in (*learnt, *played)}
    return {
        name: str(value.value if isinstance(value, PredictionTask) else value)
        for name, value in values.items()
        if value is not None
    }
