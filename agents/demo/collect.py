"""After the curtain: what happened, from the chain and from the model owner's home."""

from __future__ import annotations

from collections.abc import Sequence

from agents.chain.mined import transactions
from agents.demo.outcome import Outcome, Party, Scores
from agents.demo.scenario import Scenario
from agents.demo.stage import Stage
from agents.learning import evaluate
from agents.learning.plan import Plan, parse_plan
from agents.learning.prepare import Prepared, partition
from agents.learning.samples import Samples
from agents.learning.tables import Table, load_table
from agents.learning.weights import Weights
from agents.runtime.audit import Audited, audit_deployment
from agents.runtime.workbench.data_owner import cut
from agents.runtime.workbench.model_owner import PLAN_FILE, state_file


def prepare(scenario: Scenario) -> tuple[Table, Prepared, list[Samples]]:
    """The table as the data owner will divide it, test rows included.

    Raises:
        BadData, CannotSplit: the data cannot be used so.
    """
    table = load_table(scenario.data, scenario.target)
    prepared = partition(table, scenario.seed)
    return table, prepared, cut(table, prepared, scenario.subsets, scenario.seed)


def collect(
    stage: Stage,
    table: Table,
    prepared: Prepared,
    subsets: Sequence[Samples],
    started_at: int,
    seconds: float,
) -> Outcome:
    """Reads the whole run.

    Args:
        stage: where it was played.
        table: what was split.
        prepared: the same, divided and quantised; as `prepare` gave it.
        subsets: likewise.
        started_at: in seconds since the epoch.
        seconds: how long the market was at work.
    """
    client = stage.connect()
    audited = audit_deployment(client)
    home = stage.home(stage.scenario.model_owner)
    plan = parse_plan((home / PLAN_FILE).read_bytes())
    mined = tuple(transactions(client, client.deployment.block + 1, audited.block.number))
    couple = audited.audit.market.couples[stage.tc]
    return Outcome(
        dataset_name=table.name,
        notes=table.notes,
        model=plan.family,
        network=stage.scenario.network,
        chain_id=client.deployment.chain_id,
        contract=client.deployment.market,
        settings=_told(stage.scenario),
        parties=tuple(_parties(stage)),
        ds=couple.ds,
        tc=couple.id,
        subset_rows=tuple(len(samples) for samples in subsets),
        history=audited.history,
        audit=audited.audit,
        differences=audited.differences,
        contract_balance=audited.contract_balance,
        transactions=mined,
        scores=_scores(stage, plan, prepared, subsets, audited),
        started_at=started_at,
        seconds=seconds,
    )


def _scores(
    stage: Stage, plan: Plan, prepared: Prepared, subsets: Sequence[Samples], audited: Audited
) -> Scores:
    home, test = stage.home(stage.scenario.model_owner), prepared.test
    rounds = audited.audit.market.couples[stage.tc].round

    def after(round_: int) -> float:
        data = (home / state_file(stage.tc, round_, "weights")).read_bytes()
        return evaluate.score(plan, Weights.from_bytes(data, plan), test)

    outside = evaluate.outside(plan, prepared.train, test)
    return Scores(
        metric="accuracy" if plan.classes else "R2",
        initial=after(0),
        market=tuple(after(round_) for round_ in range(1, rounds + 1)),
        centralised=evaluate.centralised(plan, prepared.train, test).score,
        best_single_subset=evaluate.best_single_subset(plan, subsets, test).score,
        outside=(outside.label, outside.score),
    )


def _parties(stage: Stage) -> list[Party]:
    return [
        Party(cast.name, stage.address(cast), cast.subset, cast.part.label)
        for cast in stage.scenario.everybody
    ]


def _told(scenario: Scenario) -> dict[str, str]:
    names = ("data", "target", "subsets", "replicas", "rounds", "model", "seed", "network")
    values = {name: getattr(scenario, name) for name in names}
    return {name: str(value) for name, value in values.items() if value is not None}
