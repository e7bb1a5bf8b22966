"""A cloud owner's work: what it accepts, what it flags, and what it waits for.

Rules: A39, A77, A30, A33, A34, V15.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agents.core.enums import FlagReason
from agents.core.errors import ObjectDamaged, StopAgent, StoreFault, StoreUnavailable
from agents.core.ids import instance_id
from agents.demo.cheats import LazyWorker
from agents.learning.data.canonical import digest
from agents.learning.integers.weights import TrainedModel
from agents.learning.plans.limits import Limits
from agents.roles.results import Flagged, Forgotten, OpenedPackage, RefusedPackage
from agents.roles.tasks.cloud_owner import ForgetKeys, ForgetReplica, TrainModel
from agents.roles.tasks.data_owner import ReviewPlan
from agents.vault.packages import fetch_sealed, open_location, put_sealed, put_shared, seal_location
from agents.vault.sealing import Sealed
from agents.vault.store import ObjectId
from agents.workers.base import package_context, result_context, weights_context
from agents.workers.cloud_owner import CloudOwnerWorker
from testing.ciphertexts import mask_keys
from testing.families import initial_weights, train
from testing.workers import (
    CI,
    DS,
    NO_POINT,
    PATIENCE,
    STORE_FAULTS,
    TC,
    FaultyStore,
    Place,
    a_description,
    a_plan,
    a_subset,
    done,
    key_of,
    opening,
    trained,
)

PLAN, SUBSET = a_plan(), a_subset()
MO_KEY = key_of("model owner")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, "cloud owner", FaultyStore())


@pytest.fixture
def worker(place: Place) -> CloudOwnerWorker:
    return CloudOwnerWorker(place.tools)


# --- packages ---


def package(place: Place, data: bytes = SUBSET.to_bytes(), subset: int = 3, reader: str = "") -> bytes:
    """A data package's sealed location."""
    key = key_of(reader) if reader else place.key
    return put_sealed(place.store, data, key.public_key, package_context(DS, subset)).blob


def where(place: Place, sealed_location: bytes) -> bytes:
    """The id of the object that a sealed location leads to."""
    return open_location(Sealed(sealed_location), place.key).digest


def test_it_keeps_what_it_opened(place: Place, worker: CloudOwnerWorker) -> None:
    task = opening(place.store, package(place))
    assert worker.perform(task) == OpenedPackage(digest=SUBSET.digest(), rows=20)
    place.store.objects.clear()
    assert place.tools.home.read(f"subsets/{CI:x}") == SUBSET.to_bytes()


@pytest.mark.parametrize(("how", "fault"), STORE_FAULTS.items())
def test_it_waits_for_a_package_that_the_store_does_not_deliver_and_then_refuses_it(
    place: Place, worker: CloudOwnerWorker, how: str, fault: type[StoreFault]
) -> None:
    task = opening(place.store, package(place))
    place.hurt(where(place, task.sealed_location), how)
    for second in (0, PATIENCE):
        place.now = second
        with pytest.raises(fault):
            worker.perform(task)
    place.now = PATIENCE + 1
    result = worker.perform(task)
    assert isinstance(result, RefusedPackage)
    assert result.problem


@pytest.mark.parametrize("how", STORE_FAULTS)
def test_a_package_that_comes_within_its_patience_is_opened(
    place: Place, worker: CloudOwnerWorker, how: str
) -> None:
    task = opening(place.store, package(place))
    location = where(place, task.sealed_location)
    sealed = place.store.objects[ObjectId(location)]
    place.hurt(location, how)
    with pytest.raises(StoreFault):
        worker.perform(task)
    place.mend(sealed)
    assert isinstance(worker.perform(task), OpenedPackage)


@pytest.mark.parametrize("what", ["reader", "context", "index", "bytes", "location"])
def test_it_has_a_problem_with_a_package_that_is_not_its_own(
    place: Place, worker: CloudOwnerWorker, what: str
) -> None:
    made: dict[str, Callable[[], bytes]] = {
        "reader": lambda: package(place, reader="another cloud owner"),
        "context": lambda: package(place, subset=2),
        "index": lambda: package(place, data=a_subset(index=2).to_bytes()),
        "bytes": lambda: package(place, data=b"no subset"),
        "location": lambda: b"no sealed location",
    }
    result = worker.perform(opening(place.store, made[what]()))
    assert isinstance(result, RefusedPackage)
    assert result.problem
    assert place.tools.home.read(f"subsets/{CI:x}") is None


@pytest.mark.parametrize("limits", [Limits(rows=19), Limits(features=2)])
def test_it_refuses_a_package_that_it_could_not_train_on(place: Place, limits: Limits) -> None:
    """Before it locks its bond."""
    small = CloudOwnerWorker(place.tools, limits)
    refused = small.perform(opening(place.store, package(place)))
    assert isinstance(refused, RefusedPackage)
    assert refused.problem == (
        "the subset has 20 rows of 3 features; this agent trains on at most "
        f"{limits.rows} of {limits.features}"
    )
    assert place.tools.home.read(f"subsets/{CI:x}") is None


def test_it_tells_which_subset_it_got_instead(place: Place, worker: CloudOwnerWorker) -> None:
    location = package(place, data=a_subset(index=2).to_bytes())
    assert worker.perform(opening(place.store, location)) == RefusedPackage(
        problem="the package holds subset 2, not 3"
    )


@pytest.mark.parametrize("what", ["another dataset's", "none", "a bad key", "another hash"])
def test_it_refuses_a_package_whose_keys_are_not_those_of_the_description(
    place: Place, worker: CloudOwnerWorker, what: str
) -> None:
    """One asset is refused in one line; the agent goes on."""
    good, task = a_description(), opening(place.store, package(place))
    if what == "another dataset's":
        task = opening(place.store, package(place), a_description(5))
    elif what == "none":
        task = opening(place.store, package(place, data=replace(SUBSET, keys=None).to_bytes()))
    elif what == "a bad key":
        spoilt = good.replace(mask_keys(2, 4).public[2].hex().encode(), b"00" * 32)
        task = opening(place.store, package(place), spoilt)
    else:
        task = replace(task, metadata_hash=bytes(32))
    result = worker.perform(task)
    assert isinstance(result, RefusedPackage)
    assert "mask key" in result.problem or "does not match its hash" in result.problem
    assert "\n" not in result.problem
    assert place.tools.home.read(f"subsets/{CI:x}") is None


def test_it_waits_for_the_description_too(place: Place, worker: CloudOwnerWorker) -> None:
    task = opening(place.store, package(place))
    description = place.store.objects[ObjectId(task.metadata_location)]
    place.lose(task.metadata_location)
    with pytest.raises(StoreFault):
        worker.perform(task)
    place.now = PATIENCE + 1
    assert isinstance(worker.perform(task), RefusedPackage)
    place.now = PATIENCE
    place.mend(description)
    assert isinstance(worker.perform(task), OpenedPackage)


def test_a_location_that_leads_to_no_object_id_is_a_problem(place: Place, worker: CloudOwnerWorker) -> None:
    other = put_sealed(place.store, b"", place.key.public_key)
    sealed = Sealed(place.store.get(open_location(other, place.key)))
    assert "object id" in worker.perform(opening(place.store, sealed.blob)).refusal


# --- training ---


def training(place: Place, worker: CloudOwnerWorker) -> TrainModel:
    """A job for which all is there."""
    worker.perform(opening(place.store, package(place)))
    weights = initial_weights(PLAN)
    shared = put_shared(place.store, weights.to_bytes(), [place.key.public_key], weights_context(TC, 1))
    plan = place.store.put(PLAN.canonical_bytes())
    return TrainModel(
        TC,
        CI,
        1,
        0b1010,
        4,
        PLAN.digest(),
        plan.digest,
        weights.digest(),
        shared.digest,
        MO_KEY.public_key.encoded,
        PATIENCE,
    )


def reweighed(task: TrainModel, place: Place, data: bytes, round_: int = 1, reader: str = "") -> TrainModel:
    """The job with other weights."""
    key = key_of(reader) if reader else place.key
    shared = put_shared(place.store, data, [key.public_key], weights_context(TC, round_))
    return replace(task, model_location=shared.digest)


def test_it_trains_and_seals_the_result_to_the_model_owner(place: Place, worker: CloudOwnerWorker) -> None:
    result = trained(worker, training(place, worker))
    expected = train(PLAN, initial_weights(PLAN), SUBSET)
    assert result.digest == expected.digest()
    location = Sealed(result.sealed_location)
    data = fetch_sealed(place.store, location, MO_KEY, result_context(TC, 1, CI))
    assert TrainedModel.from_bytes(data, PLAN) == expected


def test_every_honest_replica_gets_the_same_digest(place: Place, worker: CloudOwnerWorker) -> None:
    task = training(place, worker)
    again = trained(CloudOwnerWorker(place.tools), task)
    assert again.digest == trained(worker, task).digest


def test_a_lazy_replica_gets_another(place: Place, worker: CloudOwnerWorker) -> None:
    task = training(place, worker)
    assert trained(LazyWorker(place.tools), task).digest != trained(worker, task).digest


@pytest.mark.parametrize(("how", "fault"), STORE_FAULTS.items())
@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("plan_location", FlagReason.PLAN_UNAVAILABLE),
        ("model_location", FlagReason.WEIGHTS_UNAVAILABLE),
    ],
)
def test_what_the_store_does_not_deliver_is_waited_for_and_then_unavailable(
    place: Place,
    worker: CloudOwnerWorker,
    location: str,
    reason: FlagReason,
    how: str,
    fault: type[StoreFault],
) -> None:
    """Other bytes too: they are the store's fault, and not the model owner's, and may be put right."""
    task = training(place, worker)
    honest = place.store.objects[ObjectId(getattr(task, location))]
    place.hurt(getattr(task, location), how)
    for second in (0, PATIENCE):
        place.now = second
        with pytest.raises(fault):
            worker.perform(task)
    place.now = PATIENCE + 1
    assert flagged(worker, task) is reason
    place.now = PATIENCE
    place.mend(honest)
    trained(worker, task)


def test_a_result_that_the_store_does_not_take_is_tried_again(place: Place, worker: CloudOwnerWorker) -> None:
    """When its patience is over the supervisor flags it."""
    task = training(place, worker)
    place.store.is_full = True
    with pytest.raises(StoreUnavailable, match="No space left on device"):
        worker.perform(task)
    place.store.is_full = False
    trained(worker, task)


def flagged(worker: CloudOwnerWorker, task: TrainModel) -> FlagReason:
    """The flag that a job is answered with; its reason is told."""
    result = done(worker, task)
    assert isinstance(result, Flagged)
    assert result.why
    return result.flag


def test_it_flags_a_plan_that_is_not_what_its_hash_says(place: Place, worker: CloudOwnerWorker) -> None:
    task = training(place, worker)
    other = place.store.put(a_plan(rounds=9).canonical_bytes())
    assert flagged(worker, replace(task, plan_location=other.digest)) is FlagReason.PLAN_MISMATCH
    assert flagged(worker, replace(task, plan_location=b"no id")) is FlagReason.PLAN_MISMATCH


@pytest.mark.parametrize(
    "document",
    [
        b"no plan",
        PLAN.canonical_bytes().replace(b"{", b"{ ", 1),
        PLAN.canonical_bytes().replace(b'"clip":4', b'"clip":5'),
        a_plan(features=4).canonical_bytes(),
    ],
    ids=["no plan", "not canonical", "a step that diverges", "for other data"],
)
def test_it_refuses_a_plan_that_is_no_good(place: Place, worker: CloudOwnerWorker, document: bytes) -> None:
    task = training(place, worker)
    location = place.store.put(document)
    task = replace(task, plan_hash=digest(document), plan_location=location.digest)
    if b'"features":4' in document:
        weights = initial_weights(a_plan(features=4))
        task = reweighed(replace(task, model_hash=weights.digest()), place, weights.to_bytes())
    assert flagged(worker, task) is FlagReason.PLAN_REFUSED


@pytest.mark.parametrize("limits", [Limits(local_steps=3), Limits(rows=19)])
def test_it_refuses_a_plan_over_its_limits(place: Place, worker: CloudOwnerWorker, limits: Limits) -> None:
    task = training(place, worker)
    assert flagged(CloudOwnerWorker(place.tools, limits), task) is FlagReason.PLAN_REFUSED


def test_it_refuses_to_work_for_a_key_that_nobody_can_seal_to(place: Place, worker: CloudOwnerWorker) -> None:
    task = replace(training(place, worker), model_owner_key=NO_POINT)
    assert flagged(worker, task) is FlagReason.PLAN_REFUSED


def test_it_refuses_a_plan_whose_results_no_store_takes(place: Place, worker: CloudOwnerWorker) -> None:
    task = training(place, worker)
    place.store._max_object_bytes = 100
    assert flagged(worker, task) is FlagReason.PLAN_REFUSED


@pytest.mark.parametrize("what", ["other", "round", "reader", "bytes", "plan", "location"])
def test_it_flags_weights_that_are_not_what_their_hash_says(
    place: Place, worker: CloudOwnerWorker, what: str
) -> None:
    task = training(place, worker)
    weights = initial_weights(PLAN).to_bytes()
    trained = train(PLAN, initial_weights(PLAN), SUBSET).weights.to_bytes()
    match what:
        case "other":
            task = reweighed(task, place, trained)
        case "round":
            task = reweighed(task, place, weights, round_=2)
        case "reader":
            task = reweighed(task, place, weights, reader="another cloud owner")
        case "bytes":
            task = reweighed(task, place, b"no weights")
        case "plan":
            task = reweighed(task, place, initial_weights(a_plan(features=4)).to_bytes())
        case _:
            task = replace(task, model_location=b"no id")
    assert flagged(worker, task) is FlagReason.WEIGHTS_MISMATCH


def test_it_stops_if_its_data_are_gone(place: Place, worker: CloudOwnerWorker) -> None:
    task = training(place, worker)
    place.tools.home.path(f"subsets/{CI:x}").unlink()
    with pytest.raises(StopAgent, match="restore it from a backup"):
        worker.perform(task)


def test_it_stops_if_its_data_are_damaged(place: Place, worker: CloudOwnerWorker) -> None:
    task = training(place, worker)
    place.tools.home.write(f"subsets/{CI:x}", SUBSET.to_bytes()[:-1])
    with pytest.raises(StopAgent, match="restore it from a backup"):
        worker.perform(task)


def test_it_does_no_other_work(worker: CloudOwnerWorker) -> None:
    with pytest.raises(StopAgent, match="ReviewPlan"):
        worker.perform(ReviewPlan(TC, b"", b""))


def test_a_job_is_bound_to_its_instance(place: Place, worker: CloudOwnerWorker) -> None:
    """A second replica of the same owner has its own data and its own result."""
    task = training(place, worker)
    other = instance_id(DS, 3, 2)
    with pytest.raises(StopAgent):
        worker.perform(replace(task, ci=other))


def test_locations_of_results_do_not_tell_where_they_are(place: Place, worker: CloudOwnerWorker) -> None:
    sealed = trained(worker, training(place, worker)).sealed_location
    assert not any(object_id.digest in sealed for object_id in place.store.objects)
    assert seal_location(ObjectId(bytes(32)), MO_KEY.public_key).blob != sealed


# --- sizes, and what it forgets ---


def test_it_reads_no_object_that_is_larger_than_its_policy_allows(place: Place) -> None:
    """2 MiB where one is allowed: like any package that cannot be had it is refused in time."""
    small = CloudOwnerWorker(place.tools, max_package_mb=1)
    task = opening(place.store, package(place, bytes(2 << 20)))
    place.now = PATIENCE
    with pytest.raises(ObjectDamaged, match=f"larger than the limit of {1 << 20} bytes"):
        small.perform(task)
    place.now += 1
    refused = small.perform(task)
    assert isinstance(refused, RefusedPackage)
    assert "larger than the limit" in refused.problem


def test_it_deletes_rows_and_keys_that_it_is_done_with(place: Place) -> None:
    work, home = CloudOwnerWorker(place.tools), place.tools.home
    kept = [f"subsets/{CI + 1:x}", f"keys/{TC + 1:x}"]
    for file in (f"subsets/{CI:x}", f"keys/{TC:x}", *kept):
        home.write(file, b"bytes")
    for _ in range(2):
        assert work.perform(ForgetReplica(CI)) == Forgotten()
        assert work.perform(ForgetKeys(TC)) == Forgotten()
    assert [home.read(f"subsets/{CI:x}"), home.read(f"keys/{TC:x}")] == [None, None]
    assert [home.read(file) for file in kept] == [b"bytes"] * 2
