"""A model owner's work with an encrypted plan: its keys, and sums that it learns from when they are whole.

Rules: E1, E2, E3, E7, E8, E9, E13, E28.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from agents.core.errors import BadInput, BadPlan, ObjectMissing, StopAgent
from agents.core.hashing import training_receipt
from agents.learning.data import exposed
from agents.learning.data.canonical import digest
from agents.learning.evaluate import score
from agents.learning.families.encrypted_linear import EncryptedLogisticPlan
from agents.learning.families.registry import parse_plan
from agents.learning.family import Cohort
from agents.learning.integers.aggregate import ServerState, strategy_of
from agents.learning.integers.update import Update
from agents.learning.integers.weights import Weights
from agents.roles.results import AgreedResult, PublishedWeights
from agents.roles.tasks.model_owner import CollectResults, DraftPlan, PublishWeights, ReportRef, SettledRef
from agents.storage.files import Home
from agents.vault.keys import SecretKey
from agents.vault.packages import fetch_shared, open_location, put_sealed
from agents.vault.sealing import Sealed
from agents.vault.store import ObjectId
from agents.workers.base import cohort_of, result_context, weights_context
from agents.workers.model_owner import ModelOwnerWorker
from agents.workers.own_keys import PUBLIC_FILE, SECRET_FILE
from agents.workers.states import should_stop
from testing.fake_family import FakeFamily
from testing.fake_market import FakeMarket
from testing.families import initial_state
from testing.workers import (
    DS,
    PATIENCE,
    TC,
    FaultyStore,
    Place,
    a_description,
    a_subset,
    an_encrypted_plan,
    done,
    key_of,
    replica,
    some_samples,
)

pytestmark = pytest.mark.usefixtures("fake_family")

SAMPLES = some_samples(rows=40, seed=9)
READER = key_of("cloud owner 1")
DOMAIN = FakeMarket.domain
SUBSETS = {index: a_subset(index, seed=index) for index in range(4)}
DESCRIPTION = a_description(level="round")


@dataclass
class Study:
    """A model owner with a plan, and what cloud owners answer it."""

    place: Place
    plan: EncryptedLogisticPlan

    def __post_init__(self) -> None:
        (self.place.folder / "samples").write_bytes(exposed.to_bytes(SAMPLES))
        (self.place.folder / "own.json").write_bytes(self.plan.canonical_bytes())
        self.drafted = done(self.worker, self.drafting)
        self.made: list[PublishedWeights] = []
        self.settled: list[SettledRef] = []

    @property
    def worker(self) -> ModelOwnerWorker:
        """A new process each time: what it knows is in its home."""
        folder = self.place.folder
        return ModelOwnerWorker(self.place.tools, folder / "samples", DOMAIN, plan_file=folder / "own.json")

    @property
    def drafting(self) -> DraftPlan:
        location = self.place.store.put(DESCRIPTION).digest
        return DraftPlan(DS, digest(DESCRIPTION), location)

    @property
    def published(self) -> EncryptedLogisticPlan:
        """The plan as everybody reads it."""
        document = self.place.store.get(ObjectId(self.drafted.location))
        plan = parse_plan(document)
        assert isinstance(plan, EncryptedLogisticPlan)
        return plan

    def publish(
        self, *drawn: int, settled: Sequence[int] | None = None, lost: Sequence[int] = ()
    ) -> PublishedWeights:
        """The next round: these subsets are drawn and, unless said otherwise, settled."""
        task = self.task(*drawn, settled=settled, lost=lost)
        return self.perform(task)

    def perform(self, task: PublishWeights) -> PublishedWeights:
        self.made.append(done(self.worker, task))
        return self.made[-1]

    def task(
        self, *drawn: int, settled: Sequence[int] | None = None, lost: Sequence[int] = ()
    ) -> PublishWeights:
        round_ = len(self.made)
        if round_:
            given = self.given(self.made[-1], round_)
            fresh = not self.made[-2:-1] or self.made[-2].hash != self.made[-1].hash
            self.settled = [] if fresh else self.settled
            word = sum(1 << subset for subset in drawn)
            for subset in drawn if settled is None else settled:
                self.settled.append(self.result(subset, round_, given, word, lost=subset in lost))
        word = sum(1 << subset for subset in drawn)
        keys = (READER.public_key.encoded,)
        return PublishWeights(TC, round_, 4, word, tuple(self.settled), keys, PATIENCE, bytes(32))

    def given(self, published: PublishedWeights, round_: int) -> bytes:
        """What the cloud owners read."""
        location = ObjectId(published.location)
        data = fetch_shared(self.place.store, location, READER, weights_context(TC, round_))
        assert digest(data) == published.hash
        return data

    def result(self, subset: int, round_: int, given: bytes, word: int, *, lost: bool = False) -> SettledRef:
        """A replica trains and reports."""
        plan = self.published
        public = self.place.store.get(ObjectId(bytes.fromhex(plan.encryption.keys)))
        cohort = cohort_of(FakeFamily(plan), DOMAIN, TC, round_, digest(given), word, 4)
        made = FakeFamily(plan).train(public, given, SUBSETS[subset], cohort)
        return self.report(subset, round_, made, lost=lost)

    def report(self, subset: int, round_: int, made: bytes, *, lost: bool = False) -> SettledRef:
        ci, co = replica(1, subset)
        nonce = sha256(b"nonce").digest()
        receipt = training_receipt(DOMAIN, TC, round_, ci, co, digest(made), nonce)
        context = result_context(TC, round_, ci)
        sealed = put_sealed(self.place.store, made, self.place.key.public_key, context)
        if lost:
            self.place.lose(open_location(sealed, self.place.key).digest)
        return SettledRef(round_, subset, digest(made), (ReportRef(ci, co, receipt, nonce, sealed.blob),))


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(Place(tmp_path, "model owner", FaultyStore()), an_encrypted_plan())


@pytest.fixture
def by_round(tmp_path: Path) -> Study:
    return Study(Place(tmp_path, "model owner", FaultyStore()), an_encrypted_plan(sums="round"))


def after(*updates: Sequence[int]) -> ServerState:
    """The state that the same training in the clear comes to."""
    plan = an_encrypted_plan()
    family, state = FakeFamily(plan), initial_state(plan)
    for subsets in updates:
        parts = [family.local_update(state.weights, SUBSETS[subset].samples) for subset in subsets]
        change = {name: np.sum([part.change[name] for part in parts], axis=0) for name in parts[0].change}
        update = Update(change, sum(part.samples for part in parts))
        state = strategy_of(plan).aggregate(state, update)
    return state


def model(*updates: Sequence[int]) -> bytes:
    return after(*updates).weights.digest()


# --- keys ---


def test_it_publishes_its_keys_and_names_them_in_its_plan(study: Study) -> None:
    plan, home = study.published, study.place.tools.home
    public = study.place.store.get(ObjectId(bytes.fromhex(plan.encryption.keys)))
    assert public == home.read(PUBLIC_FILE)
    assert plan.with_keys("") == study.plan
    assert (study.drafted.model_type, study.drafted.sums) == ("encrypted-logistic", "dataset")


def test_its_secret_part_is_nowhere_to_be_read(study: Study) -> None:
    secret = study.place.tools.home.read(PUBLIC_FILE).removeprefix(b"public ")  # type: ignore[union-attr]
    kept = study.place.tools.home.read(SECRET_FILE)
    assert kept is not None
    assert secret not in kept
    files = [path for path in study.place.tools.home.folder.rglob("*") if path.name != PUBLIC_FILE]
    assert not any(secret in path.read_bytes() for path in files if path.is_file())


def test_it_makes_keys_once(study: Study) -> None:
    assert study.worker.perform(study.drafting) == study.drafted


@pytest.mark.parametrize("file", [PUBLIC_FILE, SECRET_FILE])
def test_a_crash_before_the_plan_leaves_no_half_of_a_key(tmp_path: Path, file: str) -> None:
    study = Study(Place(tmp_path, "model owner", FaultyStore()), an_encrypted_plan())
    study.place.tools.home.path(file).unlink()
    study.drafted = done(study.worker, study.drafting)
    study.publish()
    study.publish(0, 1)
    assert study.publish(2, 3).model == model(range(4))


def test_its_owners_plan_need_name_no_keys_and_gets_none_of_anothers(study: Study) -> None:
    own = study.place.folder / "own.json"
    own.write_bytes(study.plan.with_keys("ab" * 32).canonical_bytes())
    assert study.worker.perform(study.drafting) == study.drafted


def test_a_plan_that_was_changed_before_it_was_published_gets_keys_of_its_own(study: Study) -> None:
    own = study.place.folder / "own.json"
    own.write_bytes(study.plan.model_copy(update={"rounds": 6}).canonical_bytes())
    first = study.published.encryption.keys
    study.drafted = done(study.worker, study.drafting)
    assert study.published.encryption.keys != first
    assert study.publish().summed == 0


@pytest.mark.parametrize("file", [PUBLIC_FILE, SECRET_FILE])
def test_it_stops_if_its_keys_are_gone(study: Study, file: str) -> None:
    study.place.tools.home.path(file).unlink()
    with pytest.raises(StopAgent, match="gone or damaged: restore it from a backup"):
        study.publish()


def test_it_stops_if_its_keys_are_damaged(study: Study) -> None:
    study.place.tools.home.write(SECRET_FILE, b"damaged")
    with pytest.raises(StopAgent, match="gone or damaged"):
        study.publish()


def test_nobody_else_opens_its_keys(study: Study) -> None:
    tools = replace(study.place.tools, key=SecretKey.generate())
    with pytest.raises(StopAgent, match="gone or damaged"):
        replace(study.worker, tools=tools).perform(study.task())


def test_keys_that_no_store_takes_stop_it_before_it_pays(tmp_path: Path) -> None:
    place = Place(tmp_path, "model owner", FaultyStore(max_object_bytes=len(DESCRIPTION)))
    with pytest.raises(BadInput, match="this store takes at most"):
        Study(place, an_encrypted_plan())


# --- sums over the dataset ---


def test_it_gives_the_same_weights_out_until_every_subset_has_answered(study: Study) -> None:
    first = study.publish()
    half = study.publish(0, 2)
    assert (half.hash, half.model, half.summed) == (first.hash, first.model, 0)
    assert half.location != first.location, "an envelope for the next round"
    whole = study.publish(1, 3)
    assert (whole.model, whole.summed) == (model(range(4)), 4)
    assert whole.hash != half.hash
    assert whole.score == score(study.plan, after(range(4)).weights, SAMPLES)


def test_it_learns_the_same_as_in_the_clear(study: Study) -> None:
    study.publish()
    made = [study.publish(*drawn) for drawn in [(0, 1), (2, 3), (1, 2), (0, 3)]]
    assert [published.summed for published in made] == [0, 4, 0, 4]
    assert made[-1].model == model(range(4), range(4))


def test_a_void_subset_adds_its_part_when_it_is_drawn_again(study: Study) -> None:
    study.publish()
    study.publish(0, 1, settled=[0])
    assert study.publish(2, 3).summed == 0
    published = study.publish(0, 1)  # 0 once more: the same bytes
    assert (published.model, published.summed) == (model(range(4)), 4)


def test_a_result_that_cannot_be_had_is_waited_for_and_then_drawn_again(study: Study) -> None:
    study.publish()
    task = study.task(0, 1, lost=[1])
    for second in (0, PATIENCE):
        study.place.now = second
        with pytest.raises(ObjectMissing):
            study.worker.perform(task)
    study.place.now = PATIENCE + 1
    published = study.perform(task)
    assert (published.summed, published.missing) == (0, (1,))
    study.place.now = 0
    published = study.publish(2, 3)  # what was lost before is not waited for any more
    assert (published.summed, published.missing) == (0, ())
    assert study.publish(1, 2).model == model(range(4))


def test_a_void_round_changes_nothing(study: Study) -> None:
    first = study.publish()
    published = study.publish(0, 1, settled=[])
    assert (published.hash, published.stop) == (first.hash, False)


def test_a_sum_with_a_false_part_in_it_teaches_nothing(
    study: Study, caplog: pytest.LogCaptureFixture
) -> None:
    """A majority vouched for it: the weights stay, and are encrypted anew for another sum."""
    first = study.publish()
    study.publish(0, 1)
    published = study.perform(spoilt(study))
    assert (published.model, published.summed) == (first.model, 0)
    assert published.hash != first.hash
    assert "round 2 teaches nothing" in caplog.text
    study.settled = []
    study.publish(0, 1)
    assert study.publish(2, 3).model == model(range(4))


def spoilt(study: Study) -> PublishWeights:
    """Round 2, in which a majority vouches for a false result of subset 3, so that no mask cancels."""
    task = study.task(2, 3)
    plan, given = study.published, study.given(study.made[-1], 2)
    public = study.place.store.get(ObjectId(bytes.fromhex(plan.encryption.keys)))
    other = Cohort(b"another sum", (0, 1, 2, 3))
    false = study.report(3, 2, FakeFamily(plan).train(public, given, SUBSETS[3], other))
    return replace(task, settled=(*task.settled[:-1], false))


def test_a_refused_last_sum_ends_the_training_as_an_accepted_one_does(tmp_path: Path) -> None:
    """Who spoilt it must not see whether it was refused: that would tell a bit of the weights each time."""
    ends = []
    for name in ("accepted", "refused"):
        folder = tmp_path / name
        folder.mkdir()
        study = Study(Place(folder, "model owner", FaultyStore()), an_encrypted_plan(rounds=2))
        study.publish()
        study.publish(0, 1)
        ends.append(study.perform(spoilt(study)) if name == "refused" else study.publish(2, 3))
    assert [end.stop for end in ends] == [True, True]
    assert [end.summed for end in ends] == [4, 0]


def test_a_refused_sum_uses_patience_up_as_one_without_a_better_score(tmp_path: Path) -> None:
    study = Study(Place(tmp_path, "model owner", FaultyStore()), an_encrypted_plan(rounds=9, patience=1))
    study.publish()
    study.publish(0, 1)
    assert not study.perform(spoilt(study)).stop, "the first sum has nothing to be better than"
    study.settled = []
    study.publish(0, 1)
    task = study.task(2, 3)
    assert study.perform(replace(task, settled=spoilt_again(study, task))).stop


def spoilt_again(study: Study, task: PublishWeights) -> tuple[SettledRef, ...]:
    """What was settled, the last result with another label."""
    plan, given = study.published, study.given(study.made[-1], task.round)
    public = study.place.store.get(ObjectId(bytes.fromhex(plan.encryption.keys)))
    other = FakeFamily(plan).train(public, given, SUBSETS[3], Cohort(b"another sum", (0, 1, 2, 3)))
    return (*task.settled[:-1], study.report(3, task.round, other))


def test_a_sum_whose_weights_cannot_be_published_teaches_nothing(
    study: Study, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A false result can drive the weights out of the family's range: the agent goes on with the old ones."""
    first = study.publish()

    def check_weights(self: FakeFamily, weights: Weights) -> None:
        raise BadPlan("the weights can give scores up to 31.0")

    monkeypatch.setattr(FakeFamily, "check_weights", check_weights)
    study.publish(0, 1)
    published = study.publish(2, 3)
    assert (published.model, published.summed, published.stop) == (first.model, 0, False)
    assert published.hash != first.hash
    assert "round 2 teaches nothing: the weights can give scores" in caplog.text


# --- sums over a round ---


def test_it_learns_from_each_rounds_sum(by_round: Study) -> None:
    by_round.publish()
    assert by_round.publish(0, 2).model == model([0, 2])
    published = by_round.publish(1, 3)
    assert (published.model, published.summed) == (model([0, 2], [1, 3]), 2)


def test_a_round_with_a_void_subset_is_run_again_with_the_same_weights(by_round: Study) -> None:
    first = by_round.publish()
    published = by_round.publish(0, 2, settled=[0])
    assert (published.hash, published.summed) == (first.hash, 0)
    assert by_round.publish(1, 3).model == model([1, 3])


# --- what the collecting checks ---


def test_it_collects_what_has_the_form_of_a_result(study: Study) -> None:
    study.publish()
    ref = study.result(0, 1, study.given(study.made[0], 1), 0b11)
    task = CollectResults(TC, 1, 0, ref.reports, 1, PATIENCE)
    assert study.worker.perform(task) == AgreedResult(digest=ref.digest, agreeing=1)
    garbage = study.report(0, 1, b"garbage")
    with pytest.raises(ObjectMissing):
        study.worker.perform(replace(task, reports=garbage.reports))


# --- crashes and the end ---


def test_it_can_be_cut_off_anywhere_and_do_the_same_again(study: Study) -> None:
    study.publish()
    study.publish(0, 1)
    task = study.task(2, 3)
    home = study.place.tools.home.folder
    before = {path for path in home.rglob("*") if path.is_file()}
    whole = done(study.worker, task)
    notes = set((home / "stored").iterdir())  # of what it has put: they change nothing of it
    order = sorted(
        (path for path in home.rglob("*") if path.is_file() and path not in before | notes),
        key=lambda path: path.stat().st_mtime_ns,
    )
    kept = {path: path.read_bytes() for path in order}
    assert len(kept) == 5  # two results, velocity, weights, and what is published of them
    for number in range(len(order)):
        for path in order[number:]:
            path.unlink()
        again = done(study.worker, task)
        assert (again.model, again.summed) == (whole.model, 4)
        if number == len(order) - 1:
            order[-1].write_bytes(kept[order[-1]])
    assert done(study.worker, task).hash == whole.hash, "what was encrypted is not encrypted again"


def test_a_sum_that_is_begun_is_finished_with_spare_rounds(tmp_path: Path) -> None:
    study = Study(Place(tmp_path, "model owner", FaultyStore()), an_encrypted_plan(rounds=3))
    study.publish()
    assert [study.publish(*drawn).stop for drawn in [(0, 1), (2, 3), (0, 1), (2, 3)]] == [
        False,
        False,
        False,  # the plan's three rounds are over, half of a sum is there
        True,
    ]


@pytest.mark.parametrize(
    ("rounds", "scores", "begun", "stops"),
    [
        (7, [0.5], True, False),
        (8, [0.5], True, False),
        (8, [0.5], False, True),
        (4, [0.5, 0.5], False, True),  # patience counts new weights, not rounds
        (4, [0.5], False, False),
        (2, [0.95], False, True),
        (1, [], True, False),
    ],
)
def test_it_stops_by_its_plan(rounds: int, scores: list[float], begun: bool, stops: bool) -> None:
    plan = an_encrypted_plan(patience=1, target="9/10")
    assert should_stop(plan, rounds, scores, begun=begun) is stops


def test_a_home_is_enough(study: Study) -> None:
    """Another process with the same home and wallet goes on."""
    study.publish()
    study.publish(0, 1)
    tools = replace(study.place.tools, home=Home(study.place.tools.home.folder))
    published = done(replace(study.worker, tools=tools), study.task(2, 3))
    assert published.model == model(range(4))
    assert Sealed(study.place.tools.home.read(SECRET_FILE) or b"").blob
