"""When each member looks whether its own objects are still in the store.

Rules: V21.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from agents.core.enums import CouplePhase as Phase
from agents.roles import upkeep
from agents.roles.acts import Act, Situation
from agents.roles.cloud_owner import CloudOwner
from agents.roles.data_owner import DataOwner
from agents.roles.model_owner import ModelOwner
from agents.roles.results import DraftedPlan, LookedAfter, TaskResult
from agents.roles.tasks.cloud_owner import job_key
from agents.roles.tasks.model_owner import weights_key
from agents.roles.tasks.objects import LookAfter
from testing.policies import HOLDS, LETS_TRAIN, TRAINS
from testing.portfolios import one_dataset, one_model
from testing.script import Script


def looked_after(acts: Iterable[Act]) -> list[LookAfter]:
    return [act for act in acts if isinstance(act, LookAfter)]


def planned(script: Script) -> dict[str, TaskResult]:
    location = script.market.models[script.mod].plan_location
    plan = DraftedPlan(model_type="linear", hash=b"", location=location, rounds=1, sums="")
    return {f"plan/{script.ds:x}": plan, "plan/7": plan.model_copy(update={"location": b"other"})}


def test_a_plan_is_looked_after_at_half_of_the_answer_window() -> None:
    script = Script().bring_to(Phase.REQUESTED)
    half = script.couple.deadline - script.terms.answer_window_seconds // 2
    results = planned(script)

    def due(now: int, known: dict[str, TaskResult]) -> list[LookAfter]:
        return looked_after(upkeep.of_model_owner(Situation(script.market, known, now), script.mo.address))

    assert due(half, results) == []
    (task,) = due(half + 1, results)
    assert task.purposes == (f"plan/{script.ds:x}",)
    assert due(half + 1, results | {task.key: LookedAfter(again=0, lost=0)}) == [], "once"
    assert not looked_after(
        upkeep.of_model_owner(Situation(script.market, results, half + 1), script.do.address)
    )


def test_weights_and_plan_are_looked_after_at_half_of_the_report_window() -> None:
    script = Script().bring_to(Phase.TRAINING)
    half = script.couple.deadline - script.terms.report_window_seconds // 2
    for now, count in ((half, 0), (half + 1, 1)):
        situation = Situation(script.market, planned(script), now)
        tasks = looked_after(upkeep.of_model_owner(situation, script.mo.address))
        assert len(tasks) == count
    assert tasks[0].purposes == (weights_key(script.tc, 0), f"plan/{script.ds:x}")


def test_results_are_looked_after_in_the_model_owners_half() -> None:
    script = Script(replicas=1).bring_to(Phase.SETTLING)
    (co,) = {report.cloud_owner for report in script.couple.current.reports.values()}
    quarter = script.couple.deadline + script.terms.settle_window_seconds // 4
    for now, count in ((quarter, 0), (quarter + 1, 1)):
        tasks = looked_after(upkeep.of_cloud_owner(Situation(script.market, {}, now), co))
        assert len(tasks) == count
    assert tasks[0].purposes == tuple(job_key(script.tc, 1, ci) for ci in script.couple.current.reports)
    assert not looked_after(upkeep.of_cloud_owner(Situation(script.market, {}, now), script.mo.address))


def test_packages_are_looked_after_at_half_of_the_answer_window() -> None:
    script = Script(replicas=1)
    script.register()
    script.offer()
    script.name(subsets=[0])
    (ci,) = script.cis()
    half = script.instance(ci).since + script.terms.answer_window_seconds // 2
    late = script.instance(ci).since + script.terms.answer_window_seconds + 1
    for now, count in ((half, 0), (late, 0), (half + 1, 1)):
        tasks = looked_after(upkeep.of_data_owner(Situation(script.market, {}, now), script.ds))
        assert len(tasks) == count
    package = f"replica/{script.ds:x}/0/{script.owner(ci).address}"
    assert tasks[0].purposes == (package, f"split/{script.ds:x}")


def test_a_role_looks_after_its_objects_where_the_store_is_elsewhere() -> None:
    """In a folder it has no copies to put again."""
    asked = Script().bring_to(Phase.REQUESTED)
    late = asked.couple.deadline - 1
    owner = ModelOwner(asked.mo, one_model(), TRAINS)
    assert not looked_after(asked.decide(owner, planned(asked), late))
    assert looked_after(asked.decide(replace(owner, looks_after=True), planned(asked), late))
    settling = Script().bring_to(Phase.SETTLING)
    late = settling.couple.deadline + settling.terms.settle_window_seconds
    cloud = CloudOwner(settling.cos[0], HOLDS, looks_after=True)
    assert looked_after(settling.decide(cloud, {}, late))
    named = Script()
    named.register()
    named.offer()
    named.name()
    late = named.now + named.terms.answer_window_seconds
    data = DataOwner(named.do, one_dataset(((named.cos[0].address,),)), LETS_TRAIN, looks_after=True)
    assert looked_after(named.decide(data, {}, late))
