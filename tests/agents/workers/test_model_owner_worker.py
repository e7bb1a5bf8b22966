"""A model owner's work: plans, results that a quorum vouches for, weights, and when to stop.

Rules: A40, A41, A42, A43, A44, N20.
"""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from agents.core.errors import BadObject, BadPlan, ObjectMissing, StopAgent, StoreFault, StoreUnavailable
from agents.core.hashing import training_receipt
from agents.core.ids import owner_bytes
from agents.learning.data import exposed
from agents.learning.data.canonical import digest
from agents.learning.data.description import describe
from agents.learning.data.subset import Subset
from agents.learning.data.tables import load_table
from agents.learning.evaluate import score
from agents.learning.families.registry import family_of, parse_plan
from agents.learning.integers.aggregate import ServerState
from agents.learning.integers.update import Update
from agents.learning.integers.weights import TrainedModel, Weights
from agents.learning.plans.defaults import MOST_ROUNDS
from agents.learning.privacy.held_out import HeldOut
from agents.roles.results import AgreedResult, DraftedPlan, LearntName, PublishedWeights
from agents.roles.tasks.cloud_owner import OpenPackage
from agents.roles.tasks.model_owner import (
    CollectResults,
    DraftPlan,
    LearnName,
    PublishWeights,
    ReportRef,
    SettledRef,
)
from agents.vault.packages import fetch_shared, open_location, put_sealed
from agents.vault.sealing import Sealed
from agents.vault.store import MemoryStore, ObjectId
from agents.workers.base import result_context, weights_context
from agents.workers.model_owner import HELD_OUT_FILE, ModelOwnerWorker
from agents.workers.states import should_stop, state_file
from testing.ciphertexts import mask_keys
from testing.fake_market import FakeMarket
from testing.families import initial_state, initial_weights, train
from testing.privacy import offered
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
    replica,
    some_samples,
)

PLAN = a_plan()
SAMPLES = some_samples(rows=40, seed=9)
READERS = tuple(key_of(name).public_key.encoded for name in ("cloud owner 1", "cloud owner 2"))
DOMAIN = FakeMarket.domain
SALT = bytes(range(32))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path, "model owner", FaultyStore())
    (tmp_path / "samples").write_bytes(exposed.to_bytes(SAMPLES))
    return place


@pytest.fixture
def worker(place: Place) -> ModelOwnerWorker:
    """With `PLAN` drafted."""
    place.tools.home.write("plan.json", PLAN.canonical_bytes())
    return a_worker(place)


def a_worker(place: Place, **changes: object) -> ModelOwnerWorker:
    work = ModelOwnerWorker(place.tools, place.folder / "samples", DOMAIN)
    return replace(work, **changes)  # type: ignore[arg-type]


# --- the plan ---

FORM = json.loads(a_description())


def drafting(place: Place, form: object = FORM) -> DraftPlan:
    """A dataset with this description."""
    data = form if isinstance(form, bytes) else json.dumps(form).encode()
    return DraftPlan(DS, digest(data), place.store.put(data).digest)


def published_plan(place: Place, drafted: DraftedPlan) -> bytes:
    return place.store.get(ObjectId(drafted.location))


def test_it_drafts_a_default_plan_for_the_datas_form(place: Place) -> None:
    drafted = done(a_worker(place, model="logistic", rounds=5), drafting(place))
    document = published_plan(place, drafted)
    plan = parse_plan(document)
    assert (family_of(plan).name(), plan.features, plan.classes, plan.rounds) == ("logistic", 3, 2, 5)
    assert drafted == DraftedPlan(
        model_type="logistic", hash=plan.digest(), location=digest(document), rounds=5, sums="dataset"
    )
    assert place.tools.home.read("plan.json") == document


def test_it_drafts_the_family_that_it_was_told(place: Place) -> None:
    form = {**FORM, "task": "regression", "classes": 0}
    assert done(a_worker(place), drafting(place, form)).model_type == "encrypted-ridge"
    assert done(a_worker(place), drafting(place)).model_type == "encrypted-logistic"
    assert done(a_worker(place, model="ridge"), drafting(place, form)).model_type == "ridge"
    assert done(a_worker(place, model="network", seed=3), drafting(place, form)).model_type == "network"
    with pytest.raises(BadObject, match="no model 'forest'"):
        a_worker(place, model="forest").perform(drafting(place, form))


def test_it_looks_for_another_dataset_if_a_subset_is_too_large_for_the_plan(place: Place) -> None:
    form = FORM | {"rows": 5000, "largest": 1596}
    with pytest.raises(
        BadObject, match="the plan has room for 256 rows, the largest subset has 1596: take about"
    ):
        a_worker(place, model="encrypted-cubic").perform(drafting(place, form))


def test_it_looks_for_another_dataset_if_jobs_cannot_be_done_in_time(place: Place) -> None:
    wide = FORM | {"features": 751}
    task = replace(drafting(place, wide), report_window_seconds=14)
    with pytest.raises(
        BadObject, match="the report window is 14 s: a window of 16 s is needed: choose another"
    ):
        a_worker(place).perform(task)
    assert done(a_worker(place, model="logistic"), task).model_type == "logistic"


def test_it_looks_for_a_datasets_name_among_what_its_owner_put(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a bucket each member has a prefix of its own."""
    task, asked = drafting(place), list[bytes]()

    def by(store: MemoryStore, author: bytes) -> MemoryStore:
        asked.append(author)
        return store

    monkeypatch.setattr(MemoryStore, "by", by)
    wanted = LearnName(task.ds, task.metadata_hash, task.metadata_location)
    assert isinstance(a_worker(place).perform(wanted), LearntName)
    assert asked == [owner_bytes(task.ds)]


def test_it_takes_a_plan_of_its_owners(place: Place) -> None:
    own = place.folder / "own.json"
    own.write_bytes(json.dumps(json.loads(PLAN.canonical_bytes()), indent=2).encode())
    drafted = done(a_worker(place, plan_file=own), drafting(place))
    assert published_plan(place, drafted) == PLAN.canonical_bytes()
    assert drafted.rounds == 3


def test_it_says_what_is_wrong_with_its_owners_plan(place: Place) -> None:
    """What it is not fit for is the dataset's matter, and ends nobody: whoever offers one could end all."""
    own = place.folder / "own.json"
    work = a_worker(place, plan_file=own)
    with pytest.raises(ObjectMissing, match="not there"):
        work.perform(drafting(place))
    own.write_bytes(a_plan(features=4).canonical_bytes())
    with pytest.raises(BadObject, match="4 features and 2 classes, the dataset has 3 and 2: change the plan"):
        work.perform(drafting(place))
    own.write_bytes(b"{}")
    with pytest.raises(BadPlan):
        work.perform(drafting(place))


@pytest.mark.parametrize(("how", "fault"), STORE_FAULTS.items())
def test_it_waits_for_a_description_that_the_store_does_not_deliver(
    place: Place, how: str, fault: type[StoreFault]
) -> None:
    task = drafting(place)
    place.hurt(task.metadata_location, how)
    with pytest.raises(fault):
        a_worker(place).perform(task)
    place.mend(json.dumps(FORM).encode())
    assert done(a_worker(place), task).rounds == MOST_ROUNDS


def test_a_full_store_holds_up_a_plan_and_the_weights_and_changes_neither(place: Place) -> None:
    task, worker = drafting(place), a_worker(place)
    place.store.is_full = True
    with pytest.raises(StoreUnavailable, match="No space left on device"):
        worker.perform(task)
    place.store.is_full = False
    assert digest(published_plan(place, drafted := done(worker, task))) == drafted.hash
    place.store.is_full = True
    with pytest.raises(StoreUnavailable, match="No space left on device"):
        worker.perform(publishing())
    place.store.is_full = False
    first = done(worker, publishing())
    assert first.hash == done(worker, publishing()).hash


def test_it_wants_no_dataset_whose_description_is_not_what_its_hash_says(place: Place) -> None:
    task = replace(drafting(place), metadata_hash=bytes(32))
    with pytest.raises(BadObject, match="choose another dataset"):
        a_worker(place).perform(task)


@pytest.mark.parametrize(
    "form",
    [
        b"no JSON",
        b"[" * 100_000,
        [],
        {},
        {**FORM, "task": "divination"},
        {**FORM, "features": 0},
        {**FORM, "features": "3"},
        {**FORM, "classes": -1},
        {**FORM, "classes": 1},
        {**FORM, "classes": 0},
        {**FORM, "task": "regression"},
        {**FORM, "rows": 2.5},
        {**FORM, "owner": "somebody"},
        {**FORM, "mask_keys": []},
        {**FORM, "mask_keys": ["00" * 32]},
        {**FORM, "mask_keys": ["ab" * 31]},
    ],
)
def test_it_wants_no_dataset_whose_description_is_no_good(place: Place, form: object) -> None:
    with pytest.raises(BadObject, match="choose another dataset"):
        a_worker(place).perform(drafting(place, form))


def test_it_wants_no_dataset_that_its_default_model_is_too_small_for(place: Place) -> None:
    task = drafting(place, {**FORM, "features": 20_000})
    with pytest.raises(BadObject, match=r"20001 weights.*: choose another dataset, model or plan"):
        a_worker(place).perform(task)
    with pytest.raises(BadObject, match="20001 weights"):
        a_worker(place, model="encrypted-logistic").perform(task)


def offering_noise(place: Place, held_out: bytes | None = None) -> tuple[DraftPlan, str]:
    """A dataset at level private, and where its held-out moments are, or something else in their place."""
    made, _ = offered("wine", epsilon=4)
    data = made.held_out.to_bytes() if held_out is None else held_out
    guarantee = made.guarantee.model_copy(update={"held_out": digest(data).hex()})
    keys = mask_keys(0, 4).public
    described = describe(load_table("wine"), made.prepared, "private", keys, guarantee)
    place.store.put(data)
    return drafting(place, described.model_dump_json(exclude_none=True).encode()), guarantee.held_out


def test_of_a_dataset_with_noise_it_keeps_what_its_model_is_judged_by(place: Place) -> None:
    task, _ = offering_noise(place)
    assert done(a_worker(place), task).model_type == "moments"
    kept = HeldOut.from_bytes(place.tools.home.read(HELD_OUT_FILE) or b"", 13, 3)
    assert kept.rows == 36


def test_it_asks_for_no_dataset_whose_held_out_moments_are_none(place: Place) -> None:
    made, _ = offered("diabetes", epsilon=4)
    for data in (b"no moments", made.held_out.to_bytes()):
        with pytest.raises(BadObject):
            a_worker(place).perform(offering_noise(place, data)[0])
    assert place.tools.home.read("plan.json") is None


@pytest.mark.parametrize(("how", "fault"), STORE_FAULTS.items())
def test_it_waits_for_held_out_moments_that_the_store_does_not_deliver(
    place: Place, how: str, fault: type[StoreFault]
) -> None:
    task, where = offering_noise(place)
    place.hurt(bytes.fromhex(where), how)
    with pytest.raises(fault):
        a_worker(place).perform(task)


# --- results ---


def honest(seed: int = 0) -> TrainedModel:
    """What training on a subset gives."""
    return train(PLAN, initial_weights(PLAN), a_subset(seed=seed))


def report(
    place: Place,
    number: int,
    result: TrainedModel | None = None,
    blob: bytes | None = None,
    round_: int = 1,
) -> ReportRef:
    """A replica's report of a result; the object that it leads to may be another."""
    ci, co = replica(number)
    result = honest() if result is None else result
    data = result.to_bytes() if blob is None else blob
    nonce = sha256(b"nonce %d" % number).digest()
    receipt = training_receipt(DOMAIN, TC, round_, ci, co, result.digest(), nonce)
    sealed = put_sealed(place.store, data, place.key.public_key, result_context(TC, round_, ci))
    return ReportRef(ci, co, receipt, nonce, sealed.blob)


def lose(place: Place, ref: ReportRef, how: str = "lost") -> None:
    """The store no longer delivers the result."""
    place.hurt(open_location(Sealed(ref.sealed_location), place.key).digest, how)


def collecting(*refs: ReportRef, quorum: int = 2) -> CollectResults:
    return CollectResults(TC, 1, 3, refs, quorum, PATIENCE)


def test_it_finds_the_digest_that_a_quorum_opens_to(place: Place, worker: ModelOwnerWorker) -> None:
    refs = [report(place, number) for number in (1, 2, 3)]
    assert worker.perform(collecting(*refs)) == AgreedResult(digest=honest().digest(), agreeing=3)


@pytest.mark.parametrize("first", ["garbage", "lost", "spoilt", "denied", "unsealed", "other plan"])
def test_one_replica_that_can_be_fetched_will_do(place: Place, worker: ModelOwnerWorker, first: str) -> None:
    blob = {
        "garbage": b"garbage",
        "other plan": train(
            a_plan(rounds=9, classes=3), initial_weights(a_plan(rounds=9, classes=3)), _three_classes()
        ).to_bytes(),
    }.get(first)
    bad, good = report(place, 1, blob=blob), report(place, 2)
    if first in STORE_FAULTS:
        lose(place, bad, first)
    elif first == "unsealed":
        bad = replace(bad, sealed_location=b"nowhere")
    # the first one's receipt is right all the same: it trained, and then uploaded something else
    assert worker.perform(collecting(bad, good)) == AgreedResult(digest=honest().digest(), agreeing=2)


def _three_classes() -> Subset:
    subset = a_subset()
    return replace(subset, samples=replace(subset.samples, classes=3))


def test_a_minoritys_result_is_not_taken(place: Place, worker: ModelOwnerWorker) -> None:
    refs = [report(place, 1, honest(seed=5)), report(place, 2), report(place, 3)]
    assert worker.perform(collecting(*refs)) == AgreedResult(digest=honest().digest(), agreeing=2)


def test_a_result_uploaded_for_another_job_is_not_taken(place: Place, worker: ModelOwnerWorker) -> None:
    refs = [report(place, 1, round_=2), report(place, 2, round_=2)]
    place.now = PATIENCE + 1
    assert worker.perform(collecting(*refs)) == AgreedResult(digest=b"", agreeing=0)


@pytest.mark.parametrize("why", ["lost", "spoilt", "denied", "no quorum", "nobody"])
def test_it_waits_for_results_and_then_does_without(place: Place, worker: ModelOwnerWorker, why: str) -> None:
    refs = [] if why == "nobody" else [report(place, 1), report(place, 2, honest(seed=5))]
    if why in STORE_FAULTS:
        refs = [report(place, 1), report(place, 2)]
        for ref in refs:
            lose(place, ref, why)
    task = collecting(*refs)
    for second in (0, PATIENCE):
        place.now = second
        with pytest.raises(ObjectMissing, match="no result of subset 3 that 2 receipts open to"):
            worker.perform(task)
    place.now = PATIENCE + 1
    assert worker.perform(task) == AgreedResult(digest=b"", agreeing=0)


# --- weights ---


def publishing(
    round_: int = 0,
    settled: tuple[SettledRef, ...] = (),
    readers: tuple[bytes, ...] = READERS,
) -> PublishWeights:
    return PublishWeights(TC, round_, 4, 0b1100 if round_ else 0, settled, readers, PATIENCE, SALT)


def fetched(place: Place, published: PublishedWeights, round_: int, reader: str = "cloud owner 1") -> Weights:
    """The weights as a cloud owner reads them."""
    location = ObjectId(published.location)
    data = fetch_shared(place.store, location, key_of(reader), weights_context(TC, round_))
    return Weights.from_bytes(data, PLAN)


def test_it_begins_with_the_initial_weights(place: Place, worker: ModelOwnerWorker) -> None:
    published = done(worker, publishing())
    weights = initial_weights(PLAN)
    assert published.hash == weights.digest()
    assert (published.stop, published.missing) == (False, ())
    assert published.score == score(PLAN, weights, SAMPLES)
    for reader in ("cloud owner 1", "cloud owner 2"):
        assert fetched(place, published, 1, reader) == weights


def test_weights_that_nobody_reads_are_published_nowhere(place: Place, worker: ModelOwnerWorker) -> None:
    for readers in ((), (NO_POINT,)):
        published = done(worker, publishing(readers=readers))
        assert published.location == b""
        assert published.hash == initial_weights(PLAN).digest()


def test_a_key_that_nobody_can_seal_to_does_not_stop_the_others(
    place: Place, worker: ModelOwnerWorker
) -> None:
    published = done(worker, publishing(readers=(NO_POINT, *READERS)))
    assert fetched(place, published, 1) == initial_weights(PLAN)


def settle(place: Place, worker: ModelOwnerWorker, round_: int = 1) -> tuple[SettledRef, ...]:
    """A subset's results, collected."""
    refs = tuple(report(place, number, round_=round_) for number in (1, 2))
    worker.perform(replace(collecting(*refs), round=round_))
    return (SettledRef(round_, 3, honest().digest(), refs),)


def aggregated(*results: TrainedModel) -> ServerState:
    """The state after a first round."""
    state = initial_state(PLAN)
    return family_of(PLAN).aggregate(state, Update.of(state.weights, results))


def test_it_aggregates_what_was_settled(place: Place, worker: ModelOwnerWorker) -> None:
    worker.perform(publishing())
    settled = settle(place, worker)
    published = done(worker, publishing(1, settled))
    expected = aggregated(honest()).weights
    assert published.hash == expected.digest()
    assert fetched(place, published, 2) == expected
    assert published.score == score(PLAN, expected, SAMPLES)
    assert published.missing == ()


def test_it_needs_the_store_no_more_for_what_it_collected(place: Place, worker: ModelOwnerWorker) -> None:
    worker.perform(publishing())
    settled = settle(place, worker)
    place.store.objects.clear()
    assert done(worker, publishing(1, settled)).hash == aggregated(honest()).weights.digest()


def test_it_fetches_what_another_settled(place: Place, worker: ModelOwnerWorker) -> None:
    worker.perform(publishing())
    garbage, good = report(place, 1, blob=b"garbage"), report(place, 2)
    published = done(worker, publishing(1, (SettledRef(1, 3, honest().digest(), (garbage, good)),)))
    assert published.hash == aggregated(honest()).weights.digest()


@pytest.mark.parametrize("how", STORE_FAULTS)
def test_it_waits_for_a_settled_result_and_then_does_without(
    place: Place, worker: ModelOwnerWorker, how: str
) -> None:
    worker.perform(publishing())
    lost = report(place, 1)
    lose(place, lost, how)
    other = honest(seed=5)
    found = SettledRef(1, 2, other.digest(), (report(place, 2, other),))
    task = publishing(1, (found, SettledRef(1, 3, honest().digest(), (lost,))))
    for second in (0, PATIENCE):
        place.now = second
        with pytest.raises(ObjectMissing, match=honest().digest().hex()):
            worker.perform(task)
    place.now = PATIENCE + 1
    published = done(worker, task)
    assert published.missing == (3,)
    assert published.hash == aggregated(other).weights.digest()


def test_a_round_of_which_nothing_is_left_changes_nothing(place: Place, worker: ModelOwnerWorker) -> None:
    first = done(worker, publishing())
    lost = report(place, 1)
    lose(place, lost)
    place.now = PATIENCE + 1
    published = done(worker, publishing(1, (SettledRef(1, 3, honest().digest(), (lost,)),)))
    assert (published.hash, published.missing) == (first.hash, (3,))


def test_a_void_round_changes_nothing_and_the_next_goes_on_from_there(
    place: Place, worker: ModelOwnerWorker
) -> None:
    first = done(worker, publishing())
    assert done(worker, publishing(1)).hash == first.hash
    settled = settle(place, worker, round_=2)
    published = done(worker, publishing(2, settled))
    assert published.hash == aggregated(honest()).weights.digest()


def test_it_can_be_cut_off_anywhere_and_do_the_same_again(place: Place, worker: ModelOwnerWorker) -> None:
    worker.perform(publishing())
    settled = settle(place, worker)
    whole = done(worker, publishing(1, settled))
    kept = {path: path.read_bytes() for path in place.tools.home.folder.rglob("*") if path.is_file()}
    files = [state_file(TC, 1, "velocity"), state_file(TC, 1, "weights"), f"states/{TC:x}/scores.json"]
    for number in range(len(files)):
        for path in files[number:]:
            place.tools.home.path(path).unlink()
        again = done(a_worker(place), publishing(1, settled))
        same = {"hash", "score", "stop", "missing"}
        assert again.model_dump(include=same) == whole.model_dump(include=same)
        assert {path: path.read_bytes() for path in kept} == kept


def test_it_waits_for_the_samples_that_it_was_promised(place: Place, worker: ModelOwnerWorker) -> None:
    (place.folder / "samples").unlink()
    with pytest.raises(ObjectMissing, match="samples is not there"):
        worker.perform(publishing())


def test_it_waits_for_better_samples_than_these(place: Place, worker: ModelOwnerWorker) -> None:
    (place.folder / "samples").write_bytes(b"no samples")
    with pytest.raises(BadObject, match=r"samples: .*ask the data owner for the file again"):
        worker.perform(publishing())


@pytest.mark.parametrize("damage", [None, b"{}"])
def test_it_stops_if_its_plan_is_gone_or_damaged(
    place: Place, worker: ModelOwnerWorker, damage: bytes | None
) -> None:
    hurt(place, "plan.json", damage)
    with pytest.raises(StopAgent, match=r"plan\.json is gone or damaged: restore it from a backup"):
        worker.perform(publishing())


@pytest.mark.parametrize("damage", [None, b"no weights"])
@pytest.mark.parametrize("part", ["weights", "velocity"])
def test_it_stops_if_its_weights_are_gone_or_damaged(
    place: Place, worker: ModelOwnerWorker, part: str, damage: bytes | None
) -> None:
    worker.perform(publishing())
    hurt(place, state_file(TC, 0, part), damage)
    with pytest.raises(StopAgent, match=f"0.{part} is gone or damaged: restore it from a backup"):
        worker.perform(publishing(1))


def test_it_stops_if_what_it_published_is_gone(place: Place, worker: ModelOwnerWorker) -> None:
    worker.perform(publishing())
    hurt(place, state_file(TC, 0, "published"), None)
    with pytest.raises(StopAgent, match=r"0\.published is gone or damaged: restore it from a backup"):
        worker.perform(publishing(1))


def hurt(place: Place, file: str, damage: bytes | None) -> None:
    """A file of its home is gone, or holds this."""
    place.tools.home.path(file).unlink()
    if damage is not None:
        place.tools.home.write(file, damage)


def test_it_does_no_other_work(worker: ModelOwnerWorker) -> None:
    with pytest.raises(StopAgent, match="OpenPackage"):
        worker.perform(OpenPackage(CI, b"", 0, b"", b""))


# --- when to stop ---


@pytest.mark.parametrize(
    ("stop", "scores", "stops"),
    [
        ({}, [], False),
        ({}, [0.5, 0.6], False),
        ({}, [0.5, 0.6, 0.7], True),  # the plan's three rounds
        ({"target": "4/5"}, [0.79], False),
        ({"target": "4/5"}, [0.8], True),
        ({"target": "4/5"}, [0.9, 0.7], False),  # the last score counts
        ({}, [1.0], False),  # a target of 1 means: no target
        ({"patience": 1}, [0.5], False),
        ({"patience": 1}, [0.5, 0.5], True),
        ({"patience": 1}, [0.5, 0.6], False),
        ({"patience": 2}, [0.5, 0.4], False),
    ],
)
def test_it_stops_by_its_plan(stop: dict[str, object], scores: list[float], stops: bool) -> None:
    assert should_stop(a_plan(**stop), len(scores), scores) is stops  # type: ignore[arg-type]


def test_void_rounds_do_not_count_for_the_stop(place: Place, worker: ModelOwnerWorker) -> None:
    worker.perform(publishing())
    stops = []
    for round_ in range(1, 6):
        settled = () if round_ in (2, 4) else settle(place, worker, round_)
        stops.append(done(worker, publishing(round_, settled)).stop)
    assert stops == [False, False, False, False, True]  # three rounds that taught something
