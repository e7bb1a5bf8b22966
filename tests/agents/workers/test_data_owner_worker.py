"""A data owner's work: packages that only their readers open, and plans that it lets pass.

Rules: A20, A23, E14, E15, E16, N10, N11, P12, P15, P42, P44,
P45, P46.
"""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from agents.core.errors import (
    BadData,
    BadInput,
    CannotSplit,
    ObjectDamaged,
    ObjectMissing,
    StopAgent,
    StoreFault,
    StoreUnavailable,
)
from agents.core.events import DatasetTerms
from agents.core.ids import Address
from agents.demo.ranges import policy_of
from agents.learning.data import exposed
from agents.learning.data.canonical import digest
from agents.learning.data.description import parse_description
from agents.learning.data.mask_keys import MaskKeys, public_half
from agents.learning.data.prepare import partition
from agents.learning.data.samples import PredictionTask
from agents.learning.data.schema.document import parse_schema
from agents.learning.data.subset import Subset
from agents.learning.data.tables import load_table
from agents.learning.families.registry import default_plan
from agents.learning.plans.base import Server
from agents.learning.plans.noise import Noise
from agents.learning.privacy.levels import Secrecy
from agents.learning.privacy.offer import offer
from agents.learning.privacy.policy import PrivacyPolicy
from agents.roles.results import PackedReplica, RefusedKey, parse_result
from agents.roles.tasks.cloud_owner import OpenPackage
from agents.roles.tasks.data_owner import PackReplica, ReviewPlan, SplitData
from agents.storage.files import Home
from agents.vault.packages import fetch_sealed
from agents.vault.sealing import Sealed
from agents.vault.store import ObjectId
from agents.workers.base import package_context
from agents.workers.data_owner import EXPOSED_FILE, SCHEMA_FILE, DataOwnerWorker
from agents.workers.standing import DESCRIPTION_FILE, PROMISE_FILE
from testing.csv_lines import schema_of
from testing.fake_market import TERMS
from testing.workers import (
    DS,
    NO_POINT,
    STORE_FAULTS,
    TC,
    FaultyStore,
    Place,
    a_plan,
    an_encrypted_plan,
    done,
    key_of,
)
from testing.world import address_of

Sums = Literal["dataset", "round"]

READERS = ("cloud owner 0", "cloud owner 1")
CASES = Path(__file__).parents[1] / "learning" / "tables" / "cases"


def derive(purpose: bytes) -> bytes:
    return sha256(b"a secret for " + purpose).digest()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, "data owner", FaultyStore(), now=5_000)


def worker(
    place: Place,
    table: str | Path = "wine",
    subsets: int = 4,
    terms: DatasetTerms = TERMS,
    target: str | None = None,
    secrecy: Secrecy = "none",
    privacy: PrivacyPolicy | None = None,
) -> DataOwnerWorker:
    level = secrecy if privacy is None else "private"
    return DataOwnerWorker(place.tools, table, target, subsets, 0, terms, derive, level, privacy)


SPLITTING = SplitData(DS)


def packing(index: int, name: str) -> PackReplica:
    """A reader's replica of a subset."""
    return PackReplica(DS, index, address_of(name), key_of(name).public_key.encoded)


def opened(place: Place, work: DataOwnerWorker) -> dict[tuple[int, Address], Subset]:
    """What each reader finds in its packages."""
    done(work, SPLITTING)
    found = {}
    for index in range(work.subsets):
        for name in READERS:
            packed = done(work, packing(index, name))
            assert isinstance(packed, PackedReplica)
            location = Sealed(packed.sealed_location)
            data = fetch_sealed(place.store, location, key_of(name), package_context(DS, index))
            found[index, address_of(name)] = Subset.from_bytes(data)
    return found


# --- packing ---


def test_each_replica_of_a_subset_is_the_same_and_only_its_own(place: Place) -> None:
    packages = opened(place, worker(place))
    split = done(worker(place), SPLITTING)
    assert len(packages) == 8
    for (index, _), subset in packages.items():
        assert subset.index == index
        assert subset.digest() == split.digests[index]
    assert len({subset.secret for subset in packages.values()}) == 4


def keys_in(packages: dict[tuple[int, Address], Subset]) -> dict[int, MaskKeys]:
    """The mask keys of each subset."""
    return {index: subset.keys for (index, _), subset in packages.items() if subset.keys is not None}


def test_every_subset_has_a_mask_key_of_its_own_whose_public_half_is_described(place: Place) -> None:
    keys = keys_in(opened(place, worker(place)))
    described = parse_description(place.tools.home.read(DESCRIPTION_FILE) or b"").public_keys
    assert [keys[index].public for index in range(4)] == [described] * 4
    assert [public_half(keys[index].private) for index in range(4)] == list(described)
    assert len({one.private for one in keys.values()}) == 4
    assert keys[1].private not in b"".join(place.store.objects.values())


def secrets_of(place: Place, work: DataOwnerWorker) -> set[bytes]:
    """All that its replicas share with nobody."""
    packages = opened(place, work)
    return {one.private for one in keys_in(packages).values()} | {one.secret for one in packages.values()}


def test_secrets_are_of_one_market_one_table_and_one_division(place: Place) -> None:
    """The same wallet and dataset id elsewhere, or of other rows: no mask of the one is one of the other."""
    elsewhere = replace(place.tools, domain=bytes(32))
    others = [
        worker(place),
        replace(worker(place), tools=elsewhere),
        replace(worker(place), seed=1),
        worker(place, subsets=5),
    ]
    found = [secrets_of(place, other) for other in others]
    assert [len(secrets) for secrets in found] == [8, 8, 8, 10]
    assert len(set().union(*found)) == 34
    assert secrets_of(place, worker(place)) == found[0]


def test_so_are_those_of_a_table_that_is_offered_with_noise(place: Place) -> None:
    """With one mask for two tables that differ in a row, the difference of their parts would be left."""
    policy = policy_of(load_table("wine"), noise="shared", epsilon=4)
    offers = [worker(place, privacy=policy), replace(worker(place, privacy=policy), seed=1, new_people=True)]
    first, second = (secrets_of(place, one) for one in offers)
    assert len(first | second) == 16


def test_the_subsets_are_the_training_rows_once_each_with_skew(place: Place) -> None:
    one_each = {index: subset for (index, _), subset in opened(place, worker(place)).items()}
    rows = [row.tobytes() for subset in one_each.values() for row in subset.samples.features]
    train = partition(load_table("wine"), 0).train
    assert sorted(rows) == sorted(row.tobytes() for row in train.features)
    assert all(len(np.unique(subset.samples.target)) < 3 for subset in one_each.values())


def test_what_was_done_to_the_table_is_told_to_its_owner_alone(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = tmp_path / "visits.csv"
    rows = [f"{'1,234' if i == 7 else i * 7 % 13},{i % 12},{10**9 if i == 9 else i % 5}" for i in range(120)]
    rows[7] = '"1,234",7,2'
    table.write_text("dose,visits,age\n" + "\n".join(rows))
    owner = replace(worker(place, table, target="visits"), task=PredictionTask.REGRESSION)
    with caplog.at_level("INFO"):
        split = done(owner, SPLITTING)
    assert caplog.messages[:2] == [
        "column 'dose': 1 cell with thousands ('1,234' is 1234)",
        "column 'age': 1 cell far from all others (as 1000000000) cut, and left out of mean and deviation",
    ]
    told = parse_description(place.store.get(ObjectId(split.metadata_location)))
    assert told.model_dump(exclude_none=True) == {
        "task": PredictionTask.REGRESSION,
        "features": 2,
        "classes": 0,
        "rows": told.rows,
        "largest": told.largest,
        "schema_hash": told.schema_hash,
        "mask_keys": told.mask_keys,
        "level": "none",
    }


def test_it_exposes_the_validation_rows(place: Place) -> None:
    worker(place).perform(SPLITTING)
    samples = exposed.from_bytes(place.tools.home.read(EXPOSED_FILE) or b"")
    expected = partition(load_table("wine"), 0).validation
    np.testing.assert_array_equal(samples.features, expected.features)
    np.testing.assert_array_equal(samples.target, expected.target)


def test_the_description_tells_the_form_and_nothing_else(place: Place) -> None:
    packed = done(worker(place), SPLITTING)
    data = next(
        data
        for object_id, data in place.store.objects.items()
        if object_id.digest == packed.metadata_location
    )
    assert digest(data) == packed.metadata_hash
    description = parse_description(data)
    train = partition(load_table("wine"), 0).train
    assert description.task is PredictionTask.CLASSIFICATION
    assert (description.features, description.classes, description.rows) == (13, 3, len(train))
    assert b"wine" not in data


def test_the_description_names_the_schema_and_the_largest_subset(place: Place) -> None:
    """The schema is that of the training rows, with a salt that only its owner can make."""
    packed = done(worker(place), SPLITTING)
    description = parse_description(place.store.get(ObjectId(packed.metadata_location)))
    schema = parse_schema(place.tools.home.read(SCHEMA_FILE) or b"")
    assert description.schema_hash == schema.digest().hex()
    made = schema_of("wine")
    assert schema == made.model_copy(update={"salt": derive(b"holdfast/schema-salt").hex()})
    subsets = [Subset.from_bytes(place.tools.home.read(f"split/{DS:x}/{i}") or b"") for i in range(4)]
    assert description.largest == max(len(subset.samples) for subset in subsets) == description.most_rows


def test_a_schema_that_was_given_is_named_as_it_is(place: Place, tmp_path: Path) -> None:
    table = CASES / "dates.csv"
    plain = done(worker(place, table, target="state"), SPLITTING)
    made = schema_of(table, "state")
    given = done(replace(worker(place, table), table_schema=made), SPLITTING)
    assert given.digests == plain.digests, "the same subsets, to the bit"
    description = parse_description(place.store.get(ObjectId(given.metadata_location)))
    assert description.schema_hash == made.digest().hex()
    assert parse_schema(place.tools.home.read(SCHEMA_FILE) or b"") == made


def test_where_a_table_departs_from_its_schema_is_told_in_a_line_each(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    schema = schema_of(CASES / "dates.csv", "state")
    age = schema.columns[0].model_copy(update={"range": (30.0, 85.0)})
    narrow = schema.model_copy(update={"columns": (age, *schema.columns[1:])})
    with pytest.raises(
        BadData, match=r"dates\.csv departs from its schema: row \d+, column 'age': .* more\)$"
    ):
        replace(worker(place, CASES / "dates.csv"), table_schema=narrow).perform(SPLITTING)
    assert len(caplog.messages) > 1
    assert all(line.endswith("is outside 30 to 85") for line in caplog.messages)


def test_of_a_dataset_with_noise_only_a_schema_that_was_given_is_named(place: Place) -> None:
    privacy = policy_of(load_table("wine"))
    alone = done(worker(place, privacy=privacy), SPLITTING)
    description = parse_description(place.store.get(ObjectId(alone.metadata_location)))
    assert (description.schema_hash, description.largest) == (None, None)
    assert description.most_rows == description.rows
    assert place.tools.home.read(SCHEMA_FILE) is None


def test_rows_of_one_group_are_in_one_subset(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    table = CASES / "same-patient-four-times.csv"
    owner = replace(worker(place, table, target="state"), group="patient_id")
    with caplog.at_level("INFO"):
        done(owner, SPLITTING)
    assert caplog.messages[0] == "column 'patient_id': 30 groups, of 4 rows each on average, stay together"
    sizes = [
        len(Subset.from_bytes(place.tools.home.read(f"split/{DS:x}/{i}") or b"").samples) for i in range(4)
    ]
    assert all(size % 4 == 0 for size in sizes)


def test_with_noise_groups_are_dealt_apart_and_their_owner_is_told(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = tmp_path / "visits.csv"
    rows = (f"p{i // 2},{i * 7 % 13}.5,{'ab'[i // 2 % 2]}" for i in range(4000))
    table.write_text("who,u,y\n" + "\n".join(rows))
    privacy = PrivacyPolicy(columns={"u": (0.0, 13.0)}, rows_of_a_person=2)
    with caplog.at_level("INFO"):
        done(replace(worker(place, table, privacy=privacy), group="who"), SPLITTING)
    told = "with noise rows are divided by place alone: those of one group are in all parts"
    assert told in caplog.messages


def test_a_column_may_be_kept(place: Place) -> None:
    owner = replace(worker(place, CASES / "index-with-gaps.csv", target="state"), keep=("column 1",))
    packed = done(owner, SPLITTING)
    description = parse_description(place.store.get(ObjectId(packed.metadata_location)))
    assert description.features == 3


def test_the_offers_end_counts_from_now(place: Place) -> None:
    assert done(worker(place), SPLITTING).terms.ends_at == 5_000 + TERMS.ends_at


def test_packing_again_gives_the_same_subsets(place: Place) -> None:
    first = done(worker(place), SPLITTING)
    second = done(worker(place), SPLITTING)
    assert first.digests == second.digests
    assert first.metadata_hash == second.metadata_hash


def test_a_result_can_be_kept_as_json(place: Place) -> None:
    packed = done(worker(place), SPLITTING)
    assert parse_result(SPLITTING.key, json.dumps(packed.to_json())) == packed


def test_two_classes_can_be_packed(place: Place) -> None:
    """Each subset then holds one class: no split of two classes can avoid it."""
    subsets = opened(place, worker(place, "breast-cancer")).values()
    assert all(len(np.unique(subset.samples.target)) == 1 for subset in subsets)


def test_a_table_of_its_own_with_a_number_to_learn(place: Place, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = ["size,rooms,price", *(f"{a:.3f},{b:.3f},{3 * a + b:.3f}" for a, b in rng.normal(size=(120, 2)))]
    table = tmp_path / "houses.csv"
    table.write_text("\n".join(lines))
    packed = done(worker(place, table, target="price"), SPLITTING)
    assert len(packed.digests) == 4


def test_says_what_is_wrong_with_the_table(place: Place) -> None:
    with pytest.raises(BadData, match=r"no file nowhere\.csv"):
        worker(place, "nowhere.csv").perform(SPLITTING)
    with pytest.raises(CannotSplit, match="2 subsets are too few"):
        worker(place, subsets=2).perform(SPLITTING)


def test_says_which_key_nobody_can_seal_to(place: Place) -> None:
    refused = done(worker(place), PackReplica(DS, 0, address_of("somebody"), NO_POINT))
    assert isinstance(refused, RefusedKey)
    assert refused.refusal.startswith("it registered ")


def test_a_replica_is_packed_of_what_is_kept_though_the_table_is_gone(place: Place, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = tmp_path / "houses.csv"
    table.write_text(
        "\n".join(["size,price", *(f"{a:.3f},{2 * a + b:.3f}" for a, b in rng.normal(size=(120, 2)))])
    )
    work = worker(place, table)
    done(work, SPLITTING)
    table.unlink()
    assert isinstance(done(work, packing(0, READERS[0])), PackedReplica)


def test_stops_if_a_subset_that_it_keeps_is_gone(place: Place) -> None:
    with pytest.raises(StopAgent, match="is gone: restore it from a backup"):
        worker(place).perform(packing(0, READERS[0]))


def test_a_package_that_the_store_does_not_take_is_tried_again_and_leaves_nothing(place: Place) -> None:
    """Each replica is packed by itself: no other is put again, and a nearly full store is not filled up."""
    work = worker(place)
    done(work, SPLITTING)
    before = len(place.store.objects)
    place.store.is_full = True
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match="No space left on device"):
            work.perform(packing(0, READERS[0]))
    assert len(place.store.objects) == before
    place.store.is_full = False
    assert isinstance(done(work, packing(0, READERS[0])), PackedReplica)
    assert len(place.store.objects) == before + 1


# --- plans ---

GOOD = a_plan(features=13, classes=3)


def review(
    place: Place,
    document: bytes,
    plan_hash: bytes | None = None,
    secrecy: Secrecy = "none",
    terms: DatasetTerms = TERMS,
) -> str:
    """What the data owner has against a plan, once it has packed."""
    work = worker(place, secrecy=secrecy, terms=terms)
    work.perform(SPLITTING)
    location = place.store.put(document)
    return done(work, ReviewPlan(TC, plan_hash or digest(document), location.digest)).problem


def test_it_declines_a_plan_without_room_for_its_largest_subset(place: Place) -> None:
    cubic = default_plan(PredictionTask.CLASSIFICATION, 3, 13, "encrypted-cubic").with_keys("")
    small = cubic.model_copy(update={"rows": 16})
    keys = place.store.put(b"keys").digest.hex()
    assert review(place, small.with_keys(keys).canonical_bytes()).startswith(
        "the plan has room for 16 rows, the largest subset has "
    )


def test_it_declines_a_plan_whose_jobs_its_report_window_is_too_short_for(place: Place) -> None:
    hurried = replace(TERMS, report_window_seconds=2)
    assert review(place, a_plan(13, 3).canonical_bytes(), terms=hurried).endswith(
        "and the report window is 2 s: a window of 3 s is needed"
    )


def test_it_has_nothing_against_a_good_plan(place: Place) -> None:
    assert review(place, GOOD.canonical_bytes()) == ""


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (b"no plan", "plan: "),
        (GOOD.canonical_bytes() + b" ", "canonical"),
        (a_plan(features=12, classes=3).canonical_bytes(), "12 features and 3 classes"),
        (a_plan(features=13, classes=2).canonical_bytes(), "13 features and 2 classes"),
        (a_plan(features=16_385, classes=3).canonical_bytes(), "at most 16384"),
    ],
)
def test_it_says_what_it_has_against_a_plan(place: Place, document: bytes, problem: str) -> None:
    assert problem in review(place, document)


def test_it_is_against_a_plan_that_is_not_what_its_hash_says(place: Place) -> None:
    assert "hash" in review(place, GOOD.canonical_bytes(), plan_hash=bytes(32))


def test_it_is_against_a_plan_that_is_nowhere(place: Place) -> None:
    assert done(worker(place), ReviewPlan(TC, GOOD.digest(), b"no id")).problem


@pytest.mark.parametrize(("how", "fault"), STORE_FAULTS.items())
def test_it_waits_for_a_plan_that_the_store_does_not_deliver(
    place: Place, how: str, fault: type[StoreFault]
) -> None:
    """Other bytes may be put right; a request that nobody answers lapses, which costs nobody anything."""
    work, location = worker(place), place.store.put(GOOD.canonical_bytes())
    work.perform(SPLITTING)
    place.hurt(location.digest, how)
    task = ReviewPlan(TC, GOOD.digest(), location.digest)
    with pytest.raises(fault):
        work.perform(task)
    place.mend(GOOD.canonical_bytes())
    assert done(work, task).problem == ""


@pytest.mark.parametrize("name", [DESCRIPTION_FILE, PROMISE_FILE])
def test_it_stops_if_what_it_promised_is_gone(place: Place, name: str) -> None:
    work, location = worker(place, secrecy="dataset"), place.store.put(encrypted())
    place.store.put(KEYS)
    work.perform(SPLITTING)
    place.tools.home.path(name).unlink()
    with pytest.raises(StopAgent, match=f"{name} is gone: restore it from a backup"):
        work.perform(ReviewPlan(TC, digest(encrypted()), location.digest))


# --- encrypted plans ---

KEYS = b"public keys"


def encrypted(sums: Sums = "dataset", keys: bytes = KEYS) -> bytes:
    plan = an_encrypted_plan(sums=sums, features=13, classes=3)
    return plan.with_keys(digest(keys).hex() if keys else "").canonical_bytes()


@pytest.mark.usefixtures("fake_family")
@pytest.mark.parametrize(
    ("document", "secrecy", "problem"),
    [
        (encrypted(), "dataset", ""),
        (encrypted("round"), "dataset", "sums over the subsets of a round: only sums over all subsets are"),
        (GOOD.canonical_bytes(), "dataset", "each subset's result in plain text: only sums over all subsets"),
        (encrypted(), "round", ""),
        (encrypted("round"), "round", ""),
        (GOOD.canonical_bytes(), "round", "in plain text: only sums over the subsets of a round are"),
        (encrypted(), "none", ""),
        (encrypted("round"), "none", ""),
        (GOOD.canonical_bytes(), "none", ""),
        (encrypted(keys=b""), "none", "encryption.keys is empty"),
    ],
)
def test_its_policy_says_what_a_model_owner_may_see(
    place: Place, document: bytes, secrecy: Secrecy, problem: str
) -> None:
    place.store.put(KEYS)
    found = review(place, document, secrecy=secrecy, terms=replace(TERMS, subsets=4, subsets_per_round=2))
    assert problem in found
    assert bool(problem) == bool(found)
    assert "\n" not in found


@pytest.mark.usefixtures("fake_family")
@pytest.mark.parametrize(("per_round", "fits"), [(1, False), (2, True), (3, False), (4, True)])
def test_it_wants_no_sum_over_one_subset(place: Place, per_round: int, fits: bool) -> None:
    """Of four subsets three and then the last one would be drawn."""
    place.store.put(KEYS)
    terms = replace(TERMS, subsets=4, subsets_per_round=per_round)
    problem = review(place, encrypted("round"), secrecy="round", terms=terms)
    assert ("draw one subset alone" in problem) is not fits
    assert "draw one subset alone" not in review(place, encrypted(), secrecy="round", terms=terms)


@pytest.mark.usefixtures("fake_family")
def test_it_wants_to_see_the_keys_that_a_plan_names(place: Place) -> None:
    with pytest.raises(ObjectMissing):
        review(place, encrypted())
    place.spoil(place.store.put(KEYS).digest)
    with pytest.raises(ObjectDamaged):
        review(place, encrypted())
    place.mend(KEYS)
    assert review(place, encrypted()) == ""


def a_family_s(kind: str, **changes: object) -> bytes:
    """A default plan of a family, with keys that are there."""
    plan = default_plan(PredictionTask.CLASSIFICATION, 3, 13, kind).with_keys(digest(KEYS).hex())
    return plan.model_copy(update=changes).canonical_bytes()


@pytest.mark.parametrize("secrecy", ["dataset", "round"])
@pytest.mark.parametrize(
    ("document", "why"),
    [
        (a_family_s("encrypted-cubic"), "its gradients are not linear in the weights"),
        (a_family_s("encrypted-features"), "its 400 random features are more than a twelfth of 114 rows"),
        (a_family_s("encrypted-features", hidden=9), "its 9 random features are more than a twelfth of 114"),
        (a_family_s("encrypted-features", hidden=8), ""),
        (a_family_s("encrypted-logistic"), ""),
    ],
    ids=["cubic", "400 features", "9 features", "8 features", "linear"],
)
def test_it_shows_no_sum_that_can_give_single_rows(
    place: Place, document: bytes, why: str, secrecy: Secrecy
) -> None:
    """Nobody can check what a model owner encrypts, so its rules are not asked."""
    place.store.put(KEYS)
    problem = review(place, document, secrecy=secrecy)
    start = (
        "a model owner who breaks the rules can have single rows of this plan's sums, which only level"
        " none allows: "
    )
    assert problem.startswith(start + why if why else "")
    assert bool(problem) == bool(why)
    assert review(place, document, secrecy="none") == ""


def test_it_is_against_a_plan_that_its_family_cannot_train(place: Place) -> None:
    """Its primes are too small for its plaintexts."""
    plan = an_encrypted_plan(features=13, classes=3)
    small = plan.encryption.model_copy(update={"primes": (30, 30)})
    document = plan.model_copy(update={"encryption": small}).with_keys(digest(KEYS).hex()).canonical_bytes()
    assert "noise budget" in review(place, document)


# --- noise ---

NOISY = policy_of(load_table("wine"), epsilon=4)


def with_noise(**changes: object) -> bytes:
    """A plan of moments for what `NOISY` makes of the table."""
    made = offer(load_table("wine"), NOISY, 4, 0, derive)
    plan = default_plan(PredictionTask.CLASSIFICATION, 3, 13, "moments").with_noise(made.guarantee.noise)
    return plan.model_copy(update=changes).canonical_bytes()


def test_with_noise_each_package_has_its_own_and_no_row_is_exposed(place: Place) -> None:
    packages = opened(place, worker(place, privacy=NOISY))
    noise = {index: subset.noise for (index, _), subset in packages.items()}
    assert len({given.secret for given in noise.values() if given is not None}) == 4
    assert sorted(len(subset.samples) for subset in packages.values()) == [35] * 4 + [36] * 4
    assert len(exposed.from_bytes(place.tools.home.read(EXPOSED_FILE) or b"")) == 0
    description = parse_description(place.tools.home.read(DESCRIPTION_FILE) or b"")
    assert description.guarantee == offer(load_table("wine"), NOISY, 4, 0, derive).guarantee


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (with_noise(), ""),
        (with_noise(loss="logistic", rounds=3), ""),
        (with_noise(noise=Noise(mode="dealt", variance=2)), "the plan asks for other noise"),
        (with_noise(noise=Noise(mode="own", variance=2**60)), "the plan asks for other noise"),
        (GOOD.canonical_bytes(), "the plan asks for exact results: at level private the dataset is shown"),
    ],
)
def test_it_declines_all_that_its_budget_has_not_paid(place: Place, document: bytes, problem: str) -> None:
    work = worker(place, privacy=NOISY)
    work.perform(SPLITTING)
    location = place.store.put(document)
    found = done(work, ReviewPlan(TC, digest(document), location.digest)).problem
    assert found.startswith(problem)
    assert bool(found) == bool(problem)


def test_without_noise_of_its_own_it_declines_plans_of_moments(place: Place) -> None:
    assert review(place, with_noise()) == (
        "the plan's sums come with noise, the dataset's do not: it is offered at level none,"
        " choose another model"
    )


# --- people ---


def epsilon_of(place: Place, work: DataOwnerWorker) -> int:
    """What an offer promises."""
    work.perform(SPLITTING)
    guarantee = parse_description(place.tools.home.read(DESCRIPTION_FILE) or b"").guarantee
    assert guarantee is not None
    return guarantee.epsilon


def test_offers_draw_what_is_left_of_a_lifetime(place: Place) -> None:
    """Another division is another release of the same people: 4 of 4 is spent by 2, 2, 2, and once 1."""
    table = load_table("breast-cancer")
    found = [
        epsilon_of(
            place, replace(worker(place, "breast-cancer", privacy=policy_of(table, epsilon=asked)), seed=seed)
        )
        for seed, asked in enumerate((2, 2, 2, 1))
    ]
    assert found == [2, 2, 2, 1]
    more = replace(worker(place, "breast-cancer", privacy=policy_of(table)), seed=4)
    with pytest.raises(
        BadInput, match="nothing is left: the people in this table were promised epsilon 4 for"
    ):
        more.perform(SPLITTING)
    assert epsilon_of(place, replace(more, new_people=True)) == 4
    with pytest.raises(BadInput, match="were promised epsilon 4 for life"):
        replace(more, seed=5, lifetime_epsilon=16).perform(SPLITTING)


def test_people_may_be_promised_a_longer_lifetime_from_the_first(place: Place) -> None:
    policy = policy_of(load_table("diabetes"), epsilon=4)
    first = replace(worker(place, "diabetes", privacy=policy), lifetime_epsilon=8)
    assert [epsilon_of(place, replace(first, seed=seed)) for seed in range(3)] == [4, 4, 4]
    with pytest.raises(BadInput, match="epsilon 4 is asked for, and 2 is the most that is left"):
        replace(first, seed=3).perform(SPLITTING)


def test_where_too_little_is_left_to_learn_from_it_says_so(place: Place) -> None:
    """Wine affords epsilon 4 and nothing less, and after 2 there is no 4."""
    first = worker(place, privacy=policy_of(load_table("wine"), epsilon=2))
    assert epsilon_of(place, first) == 2
    with pytest.raises(BadInput) as refused:
        replace(first, seed=1, privacy=policy_of(load_table("wine"))).perform(SPLITTING)
    assert str(refused.value) == (
        "142 rows of 13 columns: epsilon 2 is all that is left of these people's lifetime, and the noise"
        " would be larger than what is to be learnt. Take fewer columns, or offer the rows of more people"
    )


def test_it_takes_the_largest_epsilon_that_is_left(place: Place) -> None:
    table = load_table("diabetes")
    first = worker(place, "diabetes", privacy=policy_of(table, epsilon=2))
    assert epsilon_of(place, first) == 2
    assert epsilon_of(place, replace(first, privacy=policy_of(table), seed=1)) == 2
    asked = replace(first, privacy=policy_of(table, epsilon=4), seed=2)
    with pytest.raises(BadInput, match="epsilon 4 is asked for, and 2 is the most that is left"):
        asked.perform(SPLITTING)


def test_a_restart_spends_nothing_and_another_market_shares_the_ledger(place: Place, tmp_path: Path) -> None:
    shared = tmp_path / "ledger" / "people.sqlite"
    first = replace(worker(place, privacy=NOISY), ledger=shared)
    split = done(first, SPLITTING)
    assert done(first, SPLITTING) == split
    elsewhere = Place(tmp_path, "at another market", FaultyStore(), now=9_000)
    same = replace(worker(elsewhere, privacy=NOISY), ledger=shared)
    assert done(same, SPLITTING).metadata_hash == split.metadata_hash, "the same noise is no other release"
    other = replace(same, derive=lambda purpose: sha256(b"another wallet" + purpose).digest())
    with pytest.raises(BadInput, match="nothing is left"):
        other.perform(SPLITTING)


def test_it_spends_before_it_shows_and_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It dies between the two: started again it goes on with what was spent."""
    work = worker(place, privacy=NOISY)
    monkeypatch.setattr(Home, "write", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        work.perform(SPLITTING)
    assert not place.store.objects
    monkeypatch.undo()
    with pytest.raises(BadInput, match="nothing is left"):
        replace(work, seed=1).perform(SPLITTING)
    assert epsilon_of(place, work) == 4


def test_what_cannot_be_offered_costs_nothing(place: Place) -> None:
    with pytest.raises(CannotSplit):
        worker(place, subsets=100, privacy=NOISY).perform(SPLITTING)
    with pytest.raises(BadInput, match="needs the public ranges of the columns: name them with --privacy"):
        replace(worker(place), secrecy="private").perform(SPLITTING)
    assert epsilon_of(place, worker(place, privacy=NOISY)) == 4


def test_a_column_of_persons_is_not_learnt_from_and_bounds_their_rows(place: Place, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = tmp_path / "visits.csv"
    rows = (
        f"p{row // 2},{a:.3f},{b:.3f},{int(a + b > 0)}"
        for row, (a, b) in enumerate(rng.normal(size=(400, 2)))
    )
    table.write_text("\n".join(["person,a,b,y", *rows]))
    policy = PrivacyPolicy(columns={"a": (-4.0, 4.0), "b": (-4.0, 4.0)})
    work = replace(worker(place, table, privacy=policy), group="person")
    with pytest.raises(BadInput, match='a person has 2 rows: say "rows_of_a_person": 2 in'):
        work.perform(SPLITTING)
    twice = policy.model_copy(update={"rows_of_a_person": 2})
    done(replace(work, privacy=twice), SPLITTING)
    description = parse_description(place.tools.home.read(DESCRIPTION_FILE) or b"")
    assert (description.features, description.rows) == (2, 320)


def test_a_plan_is_declined_that_shows_too_much_beside_others(place: Place) -> None:
    """114 rows of 13 columns: two maps of all columns are 294 of 370 numbers, a third would be 441."""
    place.store.put(KEYS)
    work = worker(place, secrecy="dataset")
    work.perform(SPLITTING)
    found = []
    for changes in ({}, {"rounds": 3}, {"clip": 2}, {"clip": 3}, {"clip": 2}):
        document = a_family_s("encrypted-logistic", **changes)
        location = place.store.put(document)
        found.append(done(work, ReviewPlan(TC, digest(document), location.digest)).problem)
    assert [bool(problem) for problem in found] == [False, False, False, True, False]
    assert found[3] == (
        "these people were shown enough: its map and those of earlier plans have more than a quarter as many"
        " numbers as 114 rows, and a model owner could tell rows apart"
    )


def test_sums_over_rounds_count_for_each_subset(place: Place) -> None:
    """Of the columns alone they are what the level shows; another map beside them is too much."""
    place.store.put(KEYS)
    work = worker(place, secrecy="round", terms=replace(TERMS, subsets=4, subsets_per_round=2))
    work.perform(SPLITTING)
    found = []
    round_ = {"sums": "round", "server": Server(), "probes": 0, "readout": "outputs"}
    for changes in (round_, {**round_, "rounds": 3}, {}, {**round_, "clip": 2}):
        document = a_family_s("encrypted-logistic", **changes)
        location = place.store.put(document)
        found.append(done(work, ReviewPlan(TC, digest(document), location.digest)).problem)
    assert [bool(problem) for problem in found] == [False, False, True, True]


def test_it_does_no_other_work(place: Place) -> None:
    with pytest.raises(StopAgent, match="OpenPackage"):
        worker(place).perform(OpenPackage(0, b"", 0, b"", b""))  # type: ignore[arg-type]
