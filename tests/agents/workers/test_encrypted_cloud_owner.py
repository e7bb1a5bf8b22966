"""A cloud owner's work on encrypted weights: whose sum it adds to, what it keeps, what it flags.

Rules: E4, E5, E6, E10, E11, E12.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agents.core.enums import FlagReason
from agents.core.errors import BadPlan, StoreFault
from agents.demo.cheats import LazyWorker
from agents.learning.data.canonical import digest
from agents.learning.data.subset import Subset
from agents.learning.families import registry
from agents.learning.family import KeyPair
from agents.learning.plans.encrypted import EncryptedPlan
from agents.roles.results import Flagged
from agents.roles.tasks.cloud_owner import TrainModel
from agents.vault.packages import fetch_sealed, put_sealed, put_shared
from agents.vault.sealing import Sealed
from agents.workers.base import (
    cohort_of,
    package_context,
    result_context,
    weights_context,
)
from agents.workers.cloud_owner import CloudOwnerWorker
from testing.fake_family import FakeFamily
from testing.fake_market import FakeMarket
from testing.families import initial_weights
from testing.workers import (
    CI,
    DS,
    PATIENCE,
    STORE_FAULTS,
    TC,
    FaultyStore,
    Place,
    a_subset,
    an_encrypted_plan,
    done,
    key_of,
    opening,
    trained,
)

pytestmark = pytest.mark.usefixtures("fake_family")

MO_KEY = key_of("model owner")
DRAWN = 0b1010


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, "cloud owner", FaultyStore())


@pytest.fixture
def worker(place: Place) -> CloudOwnerWorker:
    return CloudOwnerWorker(place.tools)


DOMAIN = FakeMarket.domain
KEYS = KeyPair(b"secret", b"public secret")
UNKEYED = an_encrypted_plan()
PLAN = UNKEYED.with_keys(digest(KEYS.public).hex())
ENCRYPTED = FakeFamily(PLAN).encrypt(KEYS, initial_weights(PLAN))


def training(
    place: Place, plan: EncryptedPlan = PLAN, encrypted: bytes = ENCRYPTED, round_: int = 1
) -> TrainModel:
    """A job for which all is there."""
    give(place, a_subset())
    place.store.put(KEYS.public)
    shared = put_shared(place.store, encrypted, [place.key.public_key], weights_context(TC, round_))
    where = place.store.put(plan.canonical_bytes())
    return TrainModel(
        TC,
        CI,
        round_,
        DRAWN,
        4,
        plan.digest(),
        where.digest,
        digest(encrypted),
        shared.digest,
        MO_KEY.public_key.encoded,
        PATIENCE,
    )


def give(place: Place, subset: Subset) -> None:
    """The cloud owner holds this subset."""
    sealed = put_sealed(place.store, subset.to_bytes(), place.key.public_key, package_context(DS, 3))
    CloudOwnerWorker(place.tools).perform(opening(place.store, sealed.blob))


def flagged(worker: CloudOwnerWorker, task: TrainModel) -> FlagReason:
    """The flag that a job is answered with; its reason is told."""
    result = done(worker, task)
    assert isinstance(result, Flagged)
    assert result.why
    return result.flag


# --- training ---


@pytest.mark.parametrize("sums", ["dataset", "round"])
def test_it_trains_on_what_it_cannot_read(place: Place, worker: CloudOwnerWorker, sums: str) -> None:
    plan = PLAN.model_copy(update={"sums": sums})
    task = training(place, plan)
    result = trained(worker, task)
    cohort = cohort_of(FakeFamily(plan), place.tools.domain, TC, 1, digest(ENCRYPTED), DRAWN, 4)
    expected = FakeFamily(plan).train(KEYS.public, ENCRYPTED, a_subset(), cohort)
    assert result.digest == digest(expected)
    location = Sealed(result.sealed_location)
    assert fetch_sealed(place.store, location, MO_KEY, result_context(TC, 1, CI)) == expected
    sizes = result.keys, result.weights, result.result
    assert sizes == (len(KEYS.public), len(ENCRYPTED), len(expected))


def test_it_tells_how_long_the_step_took(place: Place) -> None:
    ticks = iter([10.0, 12.5])
    worker = CloudOwnerWorker(replace(place.tools, stopwatch=lambda: next(ticks)))
    assert trained(worker, training(place)).seconds == 2.5


def test_over_the_dataset_a_later_round_asks_for_the_same_bytes(
    place: Place, worker: CloudOwnerWorker
) -> None:
    first, later = training(place), training(place, round_=2)
    assert trained(worker, first).digest == trained(worker, replace(later, drawn=0b1001)).digest


def test_a_sum_of_another_market_couple_plan_or_round_is_another() -> None:
    by_round, other = (PLAN.model_copy(update=update) for update in ({"sums": "round"}, {"rounds": 9}))
    cohorts = [
        cohort_of(FakeFamily(PLAN), DOMAIN, TC, 1, digest(ENCRYPTED), DRAWN, 4),
        cohort_of(FakeFamily(PLAN), DOMAIN, TC, 1, digest(b"other weights"), DRAWN, 4),
        cohort_of(FakeFamily(PLAN), bytes(32), TC, 1, digest(ENCRYPTED), DRAWN, 4),
        cohort_of(FakeFamily(other), DOMAIN, TC, 1, digest(ENCRYPTED), DRAWN, 4),
        cohort_of(FakeFamily(PLAN), DOMAIN, TC + 1, 1, digest(ENCRYPTED), DRAWN, 4),  # type: ignore[arg-type]
        cohort_of(FakeFamily(by_round), DOMAIN, TC, 1, digest(ENCRYPTED), DRAWN, 4),
        cohort_of(FakeFamily(by_round), DOMAIN, TC, 2, digest(ENCRYPTED), DRAWN, 4),
    ]
    assert len({cohort.label for cohort in cohorts}) == 7
    assert [cohort.members for cohort in cohorts] == [(0, 1, 2, 3)] * 5 + [(1, 3)] * 2


def test_a_lazy_replica_gets_another_result_of_the_same_form(place: Place, worker: CloudOwnerWorker) -> None:
    task = training(place)
    lazy, honest = trained(LazyWorker(place.tools), task), trained(worker, task)
    assert lazy.digest != honest.digest
    assert lazy.result == honest.result


# --- keys ---


def test_it_fetches_the_keys_once(place: Place, worker: CloudOwnerWorker) -> None:
    task = training(place)
    first = trained(worker, task)
    place.lose(digest(KEYS.public))
    assert trained(CloudOwnerWorker(place.tools), task).digest == first.digest


def test_keys_that_it_kept_badly_are_fetched_again(place: Place, worker: CloudOwnerWorker) -> None:
    task = training(place)
    place.tools.home.write(f"keys/{TC:x}", b"damaged")
    trained(worker, task)
    assert place.tools.home.read(f"keys/{TC:x}") == KEYS.public


@pytest.mark.parametrize(("how", "fault"), STORE_FAULTS.items())
def test_it_waits_for_keys_that_the_store_does_not_deliver_and_then_flags(
    place: Place, worker: CloudOwnerWorker, how: str, fault: type[StoreFault]
) -> None:
    task = training(place)
    place.hurt(digest(KEYS.public), how)
    for second in (0, PATIENCE):
        place.now = second
        with pytest.raises(fault):
            worker.perform(task)
    place.now = PATIENCE + 1
    assert flagged(worker, task) is FlagReason.PLAN_UNAVAILABLE


def test_it_refuses_a_plan_without_keys(place: Place, worker: CloudOwnerWorker) -> None:
    assert flagged(worker, training(place, UNKEYED)) is FlagReason.PLAN_REFUSED


# --- what it refuses ---


def test_it_refuses_parameters_that_are_not_safe(place: Place, worker: CloudOwnerWorker) -> None:
    unsafe = PLAN.canonical_bytes().replace(b'"degree":8192', b'"degree":4096')
    where = place.store.put(unsafe)
    task = replace(training(place), plan_hash=digest(unsafe), plan_location=where.digest)
    assert "128-bit" in worker.perform(task).refusal
    assert flagged(worker, task) is FlagReason.PLAN_REFUSED


def test_it_refuses_what_its_family_cannot_do_before_it_fetches_keys(
    place: Place, worker: CloudOwnerWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: FakeFamily, *_: object) -> None:
        raise BadPlan("the plaintext space is too small")

    task = training(place)
    place.lose(digest(KEYS.public))
    monkeypatch.setattr(FakeFamily, "__init__", refuse)
    registry.family_of.cache_clear()
    assert flagged(worker, task) is FlagReason.PLAN_REFUSED


def test_it_refuses_to_train_without_keys_for_masks(place: Place, worker: CloudOwnerWorker) -> None:
    task = training(place)
    place.tools.home.write(f"subsets/{CI:x}", replace(a_subset(), keys=None).to_bytes())
    assert flagged(worker, task) is FlagReason.PLAN_REFUSED


@pytest.mark.parametrize("what", ["no ciphertext", "other"])
def test_it_flags_weights_that_are_no_good(place: Place, worker: CloudOwnerWorker, what: str) -> None:
    task = training(place, encrypted=b"no weights") if what == "no ciphertext" else training(place)
    if what == "other":
        other = FakeFamily(PLAN).encrypt(KEYS, initial_weights(PLAN))
        shared = put_shared(place.store, other, [place.key.public_key], weights_context(TC, 1))
        task = replace(task, model_location=shared.digest)
    assert flagged(worker, task) is FlagReason.WEIGHTS_MISMATCH
