"""What each member deletes of its own objects, and when: by the market alone.

Rules: V20.
"""

from __future__ import annotations

from agents.core import calls
from agents.core.enums import CouplePhase as Phase
from agents.core.enums import InstanceStatus
from agents.core.ids import InstanceId
from agents.roles.acts import Situation
from agents.roles.results import (
    DraftedPlan,
    Flagged,
    Forgotten,
    PackedReplica,
    PublishedWeights,
    SplitDataset,
    TaskResult,
)
from agents.roles.retention import of_cloud_owner, of_data_owner, of_member, of_model_owner
from agents.roles.tasks.cloud_owner import job_key
from agents.roles.tasks.model_owner import weights_key
from agents.roles.tasks.objects import ForgetObjects
from testing.script import Script
from testing.world import WORLD_TERMS

KEEP = 1_000
DONE: TaskResult = Forgotten()  # of what kind a result is does not matter where it only has to be there
WEIGHTS = PublishedWeights(hash=b"", location=b"", model=b"", score=0.0, stop=False, summed=0, missing=())


def forgotten(script: Script, who: str, results: dict[str, TaskResult], now: int) -> list[str]:
    """What a member deletes."""
    situation = Situation(script.market, results, now)
    rule = {"co": of_cloud_owner, "mo": of_model_owner}.get(who)
    address = script.cos[0].address if who == "co" else script.mo.address
    acts = of_data_owner(situation, script.ds, KEEP) if rule is None else rule(situation, address, KEEP)
    tasks = [act for act in acts if isinstance(act, ForgetObjects)]
    again = {task.key: DONE for task in tasks} | results
    done = Situation(script.market, again, now)
    left = of_data_owner(done, script.ds, KEEP) if rule is None else rule(done, address, KEEP)
    assert not list(left), "what is deleted is not deleted again"
    return [task.purpose for task in tasks]


def report_everything(script: Script) -> dict[str, TaskResult]:
    """What a cloud owner's journal holds of the open round: a job of each kind of result."""
    cis = [ci for subset in script.drawn for ci in script.cis(subset)]
    return {job_key(script.tc, script.couple.round, ci): _flagged() for ci in cis}


def _flagged() -> TaskResult:
    return Flagged.model_construct()


def published(script: Script, *rounds: int) -> dict[str, TaskResult]:
    return {weights_key(script.tc, round_): WEIGHTS for round_ in rounds}


# --- a cloud owner's results ---


def test_results_go_when_the_round_is_closed_and_other_weights_are_out() -> None:
    script = Script().bring_to(Phase.TRAINING)
    results = report_everything(script)
    script.report_all()
    script.settle_all()
    closed = script.couple.current.closed_at
    late = closed + script.terms.settle_window_seconds + KEEP
    assert forgotten(script, "co", results, late + 1) == [], "a sum may go on with them"
    script.start()
    script.couple.rounds[2].model_hash = b"other weights"
    assert forgotten(script, "co", results, late) == []
    assert forgotten(script, "co", results, late + 1) == [f"job/{script.tc:x}/1"]


def test_results_for_the_same_weights_stay() -> None:
    script = Script().bring_to(Phase.TRAINING)
    results = report_everything(script)
    script.report_all()
    script.settle_all()
    script.start()
    script.couple.rounds[2].model_hash = script.couple.rounds[1].model_hash
    assert forgotten(script, "co", results, script.now + 10**6) == []


def test_results_go_with_the_couple() -> None:
    script = Script().bring_to(Phase.TRAINING)
    results = report_everything(script)
    script.report_all()
    script.settle_all()
    script.complete()
    ended = script.couple.ended_at
    assert ended == script.now
    assert forgotten(script, "co", results, ended + KEEP) == []
    assert forgotten(script, "co", results, ended + KEEP + 1) == [f"job/{script.tc:x}/1"]
    assert forgotten(script, "co", {}, ended + KEEP + 1) == [], "it put nothing"


# --- a model owner's weights, plan and keys ---


def test_weights_go_when_their_round_is_closed() -> None:
    script = Script().bring_to(Phase.TRAINING)
    results = published(script, 0)
    assert forgotten(script, "mo", results, script.now + 10**6) == []
    script.report_all()
    script.settle_all()
    late = script.couple.current.closed_at + script.terms.settle_window_seconds + KEEP
    assert forgotten(script, "mo", results, late) == []
    assert forgotten(script, "mo", results, late + 1) == [weights_key(script.tc, 0)]


def test_plan_and_keys_go_with_the_last_couple_that_has_them() -> None:
    script = Script().bring_to(Phase.REQUESTED)
    location = script.market.models[script.mod].plan_location
    plan = DraftedPlan(model_type="linear", hash=b"", location=location, rounds=1, sums="")
    other = plan.model_copy(update={"location": b"nobody asked for it"})
    results: dict[str, TaskResult] = {f"plan/{script.ds:x}": plan, "plan/1": other, **published(script, 0)}
    assert forgotten(script, "mo", results, script.now + 10**6) == []
    script.send(script.do, calls.decline_tc(script.tc))
    late = script.couple.ended_at + KEEP
    assert forgotten(script, "mo", results, late) == []
    assert forgotten(script, "mo", results, late + 1) == [f"weights/{script.tc:x}", f"plan/{script.ds:x}"]


# --- a data owner's packages and description ---


def package(script: Script, ci: InstanceId) -> str:
    return f"replica/{script.ds:x}/0/{script.owner(ci).address}"


def test_a_package_goes_when_its_instance_is_over() -> None:
    script = Script(replicas=2).open()
    first, second = script.cis()
    results: dict[str, TaskResult] = {
        package(script, ci): PackedReplica(sealed_location=b"") for ci in (first, second)
    }
    assert forgotten(script, "do", results, script.now + KEEP + 1) == []
    script.send(script.owner(first), calls.retire_ci(first))
    script.wait_until(script.now + script.terms.unbonding_seconds + 1)
    script.send(script.owner(first), calls.release_ci(first))
    assert script.instance(first).status is InstanceStatus.RETIRED
    assert forgotten(script, "do", results, script.now + KEEP) == []
    assert forgotten(script, "do", results, script.now + KEEP + 1) == [package(script, first)]
    assert forgotten(script, "do", {}, script.now + KEEP + 1) == []


def test_a_package_that_nobody_takes_up_goes_too() -> None:
    script = Script()
    script.register()
    script.offer()
    script.name()
    (ci,) = script.cis()[:1]
    results: dict[str, TaskResult] = {package(script, ci): PackedReplica(sealed_location=b"")}
    late = script.now + script.terms.answer_window_seconds + KEEP
    assert forgotten(script, "do", results, late) == []
    assert forgotten(script, "do", results, late + 1) == [package(script, ci)]


def test_the_description_goes_with_the_dataset_and_its_last_couple() -> None:
    script = Script().bring_to(Phase.REQUESTED)
    split = SplitDataset(terms=WORLD_TERMS, metadata_hash=b"", metadata_location=b"", digests=())
    results: dict[str, TaskResult] = {f"split/{script.ds:x}": split}
    late = script.dataset.terms.ends_at + KEEP
    assert forgotten(script, "do", results, late + 1) == [], "a couple is not over"
    script.send(script.do, calls.decline_tc(script.tc))
    assert forgotten(script, "do", results, late) == []
    assert forgotten(script, "do", results, late + 1) == [f"split/{script.ds:x}"]


def test_nothing_goes_of_a_dataset_that_is_not_there() -> None:
    script = Script()
    script.register()
    assert forgotten(script, "do", {}, 10**9) == []


def test_by_hand_it_is_the_same_whatever_the_role() -> None:
    script = Script().bring_to(Phase.REQUESTED)
    script.send(script.do, calls.decline_tc(script.tc))
    situation = Situation(script.market, published(script, 0), script.now + KEEP + 1)
    assert list(of_member(situation, script.mo.address, KEEP)) == [ForgetObjects(f"weights/{script.tc:x}")]
    gone = Situation(script.market, {}, script.dataset.terms.ends_at + KEEP + 1)
    assert list(of_member(gone, script.do.address, KEEP)) == [ForgetObjects(f"split/{script.ds:x}")]
