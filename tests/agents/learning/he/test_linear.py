"""Exact training on ciphertexts: the model owner decrypts bit for bit what the rows give in the clear.

Rules: E19, E23.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from agents.core.errors import BadObject, BadPlan
from agents.learning.data.canonical import pack, unpack
from agents.learning.data.samples import Samples
from agents.learning.data.subset import Subset
from agents.learning.evaluate import score
from agents.learning.families.affine import LinearPlan, RidgePlan
from agents.learning.families.registry import family_of
from agents.learning.family import Cohort, KeyPair
from agents.learning.he.bfv.family import ExactFamily
from agents.learning.integers.affine_map import local_map
from agents.learning.integers.aggregate import strategy_of
from agents.learning.integers.update import Update
from agents.learning.integers.weights import MAX_SAMPLES, Weights
from agents.learning.plans.base import Server, Stop
from agents.learning.plans.encrypted import Encryption, ExactPlan
from agents.learning.plans.limits import Limits
from agents.learning.simulate import draws, simulate
from testing.ciphertexts import mask_keys, seed_of
from testing.families import encrypted_family, initial_state, local_steps
from testing.market_of_ciphertexts import EncryptedCouple, couple_of, naming, some_weights
from tests.agents.learning.conftest import SamplesMaker
from tests.agents.learning.he.conftest import make_plan

FAMILIES = ("encrypted-linear", "encrypted-ridge", "encrypted-logistic")


@pytest.fixture(scope="module")
def keys() -> KeyPair:
    return family_of(plan_of()).keys()


def plan_of(family: str = "encrypted-ridge", **changes: Any) -> Any:
    extra = {"l2": Fraction(1, 100)} if family != "encrypted-linear" else {}
    return make_plan(family, **({"features": 3, "weight_bits": 16} | extra | changes))


@pytest.fixture
def couple(keys: KeyPair, make_samples: SamplesMaker) -> EncryptedCouple:
    return couple_of(plan_of(), [make_samples(rows, seed=rows) for rows in (40, 55, 31)], keys)


@pytest.mark.parametrize(
    ("family", "classes"), [(f, c) for f in FAMILIES for c in (0, 2, 5) if c or f != "encrypted-logistic"]
)
def test_the_sum_is_that_of_the_integers_in_the_clear(
    keys: KeyPair, make_samples: SamplesMaker, family: str, classes: int
) -> None:
    samples = [make_samples(rows, classes=classes, seed=rows) for rows in (40, 55, 31)]
    plan = plan_of(family, classes=classes)
    couple = couple_of(plan, samples, keys)
    weights = some_weights(plan, largest=32)
    found = couple.family.decrypt(keys, couple.results(couple.family.encrypt(keys, weights))[::-1])
    expected = Update.total([couple.family.local_update(weights, rows) for rows in samples])
    assert found.samples == expected.samples == 126
    assert found.fraction_bits == expected.fraction_bits == 16
    assert np.array_equal(found.change["output"], expected.change["output"])


def test_a_model_of_several_blocks(keys: KeyPair, make_samples: SamplesMaker) -> None:
    plan = plan_of(features=50, classes=10)
    samples = [make_samples(60, features=50, classes=10, seed=seed) for seed in (1, 2)]
    samples[0].features[:, :40] = 0
    couple = couple_of(plan, samples, keys)
    family = couple.family
    assert isinstance(family, ExactFamily)
    assert family.circuit.layout.blocks == 4
    weights = some_weights(plan)
    found = family.decrypt(keys, couple.results(family.encrypt(keys, weights)))
    expected = Update.total([family.local_update(weights, rows) for rows in samples])
    assert np.array_equal(found.change["output"], expected.change["output"])


def test_a_block_of_zeros_is_a_result_as_well(keys: KeyPair, make_samples: SamplesMaker) -> None:
    """Columns of zeros do not move linear weights; here they fill a whole block."""
    plan = plan_of("encrypted-linear", features=50, classes=10)
    samples = [make_samples(60, features=50, classes=10, seed=seed) for seed in (1, 2)]
    samples[0].features[:, :40] = 0
    couple = couple_of(plan, samples, keys)
    family = couple.family
    assert isinstance(family, ExactFamily)
    assert None in family.cloud.encoded(family.model.steps(samples[0])).factors
    weights = some_weights(plan)
    found = family.decrypt(keys, couple.results(family.encrypt(keys, weights)))
    expected = Update.total([family.local_update(weights, rows) for rows in samples])
    assert np.array_equal(found.change["output"], expected.change["output"])


@pytest.mark.parametrize("classes", [0, 3])
def test_the_map_is_that_of_the_plain_family(make_samples: SamplesMaker, classes: int) -> None:
    """Residuals are not cut on ciphertexts, and rounding differs: a few units of a weight at most."""
    samples = make_samples(50, classes=classes)
    plan = plan_of(classes=classes, weight_bits=20)
    of_ciphertexts = {"family", "encryption", "sums", "fraction_bits", "probes", "readout"}
    plain = RidgePlan(**plan.model_dump(exclude=of_ciphertexts))
    weights = some_weights(plan)
    trained = local_steps(plain, weights, samples).tensors["output"]
    update = family_of(plan).local_update(weights, samples)
    change = update.change["output"] / (2.0**update.fraction_bits * len(samples))
    assert np.abs(weights.tensors["output"] + change - trained).max() < 8


def test_logistic_steps_by_hand() -> None:
    """One row of class 1, x = 1: the sigmoid of 0 is 1/2, so one step moves by step * 1/2 either way."""
    plan = plan_of(
        "encrypted-logistic", features=1, local_steps=1, step=Fraction(1, 32), l2=Fraction(0), clip=5
    )
    samples = Samples(np.array([[256]], np.int32), np.array([1], np.int32), 2)
    update = family_of(plan).local_update(Weights({"output": np.zeros((2, 2), np.int64)}, 16), samples)
    moved = 2**16 * 2**16 // 64
    assert update.change["output"].tolist() == [[-moved, moved], [-moved, moved]]


def test_a_whole_training_is_the_simulated_one(keys: KeyPair, make_samples: SamplesMaker) -> None:
    samples = [make_samples(rows, seed=rows) for rows in (40, 55, 31, 44)]
    server = Server(strategy="fedavgm", step=Fraction(3, 2), momentum=Fraction(1, 3))
    plan = plan_of("encrypted-logistic", rounds=8, server=server)
    couple = couple_of(plan, samples, keys)
    strategy, state = strategy_of(plan), initial_state(plan)
    encrypted, waiting, moved = couple.family.encrypt(keys, state.weights), dict[int, bytes](), 0
    for chosen, simulated in zip(
        draws(4, 2, 8, seed=5),
        simulate(plan, samples, 2, seed=5),
        strict=True,
    ):
        cohort = couple.cohort(b"couple 1")
        for index in chosen:
            waiting[index] = couple.family.train(keys.public, encrypted, couple.subsets[index], cohort)
        if len(waiting) == 4:
            state = strategy.aggregate(state, couple.family.decrypt(keys, list(waiting.values())))
            encrypted, waiting, moved = couple.family.encrypt(keys, state.weights), {}, moved + 1
        assert state.weights == simulated.weights
    assert moved == 4
    assert score(plan, state.weights, samples[0]) > 0.8


def test_a_solved_training_is_the_simulated_one_and_sends_no_model(
    keys: KeyPair, make_samples: SamplesMaker
) -> None:
    samples = [make_samples(rows, seed=rows) for rows in (40, 55, 31, 44)]
    solved = {"local_steps": 1, "server": Server(strategy="span"), "probes": 1, "readout": "discriminant"}
    plan = plan_of("encrypted-logistic", rounds=8, fraction_bits=18, **solved)
    couple, sent = couple_of(plan, samples, keys), list[bytes]()
    family, state = couple.family, couple.family.initial_state()
    *_, simulated = simulate(plan, samples, 2, seed=5)
    for number in range(4):
        sent.append(state.asked.to_bytes())
        encrypted = family.encrypt(keys, state.asked)
        cohort = couple.cohort(b"couple %d" % number)
        results = [family.train(keys.public, encrypted, subset, cohort) for subset in couple.subsets]
        state = family.aggregate(state, family.decrypt(keys, results))
        assert state.weights.to_bytes() not in sent
    assert state.weights == simulated.weights
    assert score(plan, state.weights, samples[0]) > 0.8


def test_sums_over_a_round_move_in_every_round(make_samples: SamplesMaker) -> None:
    samples = [make_samples(rows, seed=rows) for rows in (40, 55)]
    states = [list(simulate(plan_of(sums=s), samples, 1, seed=0)) for s in ("round", "dataset")]
    moves = [[a.weights != b.weights for a, b in pairwise(run)] for run in states]
    assert moves == [[True] * 5, [True, False] * 2 + [True]]


def test_local_update_of_a_plain_plan(make_samples: SamplesMaker) -> None:
    samples = make_samples()
    plan = LinearPlan(
        features=3,
        classes=2,
        local_steps=2,
        step=Fraction(1, 17),
        clip=4,
        rounds=1,
        stop=Stop(metric="accuracy"),
    )
    weights = initial_state(plan).weights
    update = family_of(plan).local_update(weights, samples)
    trained = local_steps(plan, weights, samples)
    assert np.array_equal(update.change["output"], trained.tensors["output"] * len(samples))


# --- what a job refuses ---


def test_replicas_agree_and_jobs_differ(couple: EncryptedCouple, keys: KeyPair) -> None:
    family, plan = couple.family, couple.family.plan
    encrypted = family.encrypt(keys, some_weights(plan))
    first = couple.results(encrypted)
    other_replica = type(family)(plan)
    assert other_replica.train(keys.public, encrypted, couple.subsets[1], couple.cohort()) == first[1]
    assert family.encrypt(keys, some_weights(plan)) != encrypted
    assert couple.results(encrypted, couple.cohort(b"other"))[1] != first[1]


def test_keys_that_the_plan_does_not_name_are_refused(couple: EncryptedCouple, keys: KeyPair) -> None:
    encrypted = couple.family.encrypt(keys, some_weights(couple.family.plan))
    other = couple.family.keys()
    with pytest.raises(BadPlan, match="not those that the plan names"):
        couple.family.train(other.public, encrypted, couple.subsets[0], couple.cohort())


def test_data_of_another_form_are_refused(
    couple: EncryptedCouple, keys: KeyPair, make_samples: SamplesMaker
) -> None:
    encrypted = couple.family.encrypt(keys, some_weights(couple.family.plan))
    subset = Subset(0, make_samples(features=4), seed_of("secret 0"), mask_keys(0, 3))
    with pytest.raises(BadPlan, match="the plan is for 3 features"):
        couple.family.train(keys.public, encrypted, subset, couple.cohort())
    for use in (couple.family.local_update, couple.family.scores):
        with pytest.raises(BadPlan, match="the plan is for 3 features"):
            use(some_weights(couple.family.plan), subset.samples)


def test_a_sum_that_would_overflow_is_refused_by_its_size(keys: KeyPair, make_samples: SamplesMaker) -> None:
    """The same rows and weights: a few subsets fit, as many as there can be do not."""
    plan = plan_of(weight_bits=24, fraction_bits=21)
    family = encrypted_family(naming(plan, keys))
    encrypted = family.encrypt(keys, some_weights(plan))
    samples = make_samples(60)
    for subsets, fits in ((3, True), (256, False)):
        subset = Subset(0, samples, seed_of("secret 0"), mask_keys(0, subsets))
        cohort = Cohort(b"label", tuple(range(subsets)))
        if fits:
            assert family.train(keys.public, encrypted, subset, cohort)
        else:
            with pytest.raises(BadPlan, match=r"the sum over 256 subsets could reach 2\^[56]\d\.\d"):
                family.train(keys.public, encrypted, subset, cohort)


def test_more_rows_overflow_as_well(keys: KeyPair, make_samples: SamplesMaker) -> None:
    family = family_of(plan_of(weight_bits=24, fraction_bits=24))
    assert family.local_update(some_weights(family.plan), make_samples(2)).samples == 2
    with pytest.raises(BadPlan, match="the sum over 1 subsets could reach"):
        family.local_update(some_weights(family.plan), make_samples(4000))


def test_more_rows_than_the_limits_are_refused(make_samples: SamplesMaker) -> None:
    family = family_of(plan_of(), Limits(rows=10))
    with pytest.raises(BadPlan, match="11 rows; this agent trains on 1 to 10"):
        family.local_update(some_weights(family.plan), make_samples(11))


def test_noise_that_the_flood_would_not_hide_is_refused(make_samples: SamplesMaker) -> None:
    encryption = Encryption(degree=8192, primes=(60, 60, 30, 60), plain_bits=59)
    plan = plan_of(encryption=encryption)
    couple = couple_of(plan, [make_samples(40), make_samples(41)])
    encrypted = couple.family.encrypt(couple.keys, some_weights(plan))
    with pytest.raises(
        BadPlan, match=r"the noise has up to 2[789] bits, the flood that is to hide it 7[0-9]"
    ):
        couple.results(encrypted)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch": 10}, "batch: training on ciphertexts takes all rows"),
        ({"features": 800, "classes": 10}, "800 features times 10 columns do not fit degree 8192"),
        ({"features": 1025}, "an output has 1026 weights; this agent trains at most 1025 exactly"),
        ({"weight_bits": 24, "encryption": {"plain_bits": 40}}, r"the sum over 1 subsets could reach 2\^45"),
        ({"encryption": {"plain_bits": 15}}, "plain_bits is 15: at least 16"),
        ({"encryption": {"scale_bits": 30}}, "scale_bits is for approximate families"),
        ({"encryption": {"primes": (60, 58, 60)}}, "leave no noise budget for plaintexts of 59 bits"),
        ({"encryption": {"primes": (60, 60)}}, "leave no noise budget"),
        ({"encryption": {"degree": 4096, "primes": (36, 36, 37)}}, "plan: encryption: "),
    ],
)
def test_plans_that_cannot_work_are_refused(changes: dict[str, Any], message: str) -> None:
    encryption = {"degree": 8192, "primes": (60, 60, 58, 40), "plain_bits": 59} | changes.get(
        "encryption", {}
    )
    with pytest.raises(BadPlan, match=message):
        family_of(plan_of(**(changes | {"encryption": Encryption(**encryption)})))


def test_local_steps_that_leave_int64_are_refused() -> None:
    samples = Samples(np.full((1, 1), 1024, np.int32), np.array([8 << 16], np.int32), 0)
    plan = plan_of("encrypted-linear", features=1, classes=0, weight_bits=24, fraction_bits=24)
    huge = samples.take(np.zeros(200_000, np.int64))
    with pytest.raises(BadPlan, match="the local steps leave int64: take fewer weight_bits"):
        family_of(plan).local_update(some_weights(plan), huge)


def test_rows_that_nobody_cut_to_the_norm_are_refused_when_they_diverge(make_samples: SamplesMaker) -> None:
    samples = make_samples(10)
    with pytest.raises(BadPlan, match="the local steps leave what is exact: an integer product could reach"):
        local_map(plan_of(local_steps=100), np.full((10, 4), 2.0**14), samples)


def test_only_known_plans_have_a_family() -> None:
    class OtherPlan(ExactPlan):
        family: str = "other"

    with pytest.raises(BadPlan, match="cannot train OtherPlan on ciphertexts"):
        family_of(OtherPlan(**plan_of().model_dump(exclude={"family", "l2"})))


# --- forms ---


def test_forms_are_checked(couple: EncryptedCouple, keys: KeyPair) -> None:
    family = couple.family
    encrypted = family.encrypt(keys, some_weights(family.plan))
    result = couple.results(encrypted)[0]
    family.check_published(encrypted)
    family.check_result(result)
    with pytest.raises(BadObject, match="the encrypted weights"):
        family.check_published(result)
    with pytest.raises(BadObject, match="the encrypted result"):
        family.check_result(encrypted)


def changed(data: bytes, *, drop: str = "", **facts: object) -> bytes:
    tensors, found = unpack(data, "the test's")
    kept = {name: value for name, value in (found | facts).items() if name != drop}
    return pack(tensors, kept)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "facts",
    [
        {"drop": "label"},
        {"drop": "member"},
        {"members": "0 1 x"},
        {"members": "0  1"},
        {"label": "zz"},
        {"label": "AB"},
        {"member": "1"},
        {"member": 7},
        {"more": 1},
    ],
)
def test_a_result_says_whose_it_is_in_one_form(
    couple: EncryptedCouple, keys: KeyPair, facts: dict[str, object]
) -> None:
    result = couple.results(couple.family.encrypt(keys, some_weights(couple.family.plan)))[0]
    with pytest.raises(BadObject, match=r"its cohort is not in canonical form|says nothing of its cohort"):
        couple.family.check_result(changed(result, **facts))  # type: ignore[arg-type]


def test_weights_whose_second_polynomial_is_zero_are_refused(couple: EncryptedCouple, keys: KeyPair) -> None:
    """They would hide nothing, and SEAL refuses to compute with them."""
    tensors, facts = unpack(couple.family.encrypt(keys, some_weights(couple.family.plan)), "the test's")
    tensors["weights"][1] = 0
    with pytest.raises(BadObject, match="not in the form of this plan's"):
        couple.family.check_published(pack(tensors, facts))  # type: ignore[arg-type]


def test_keys_of_another_form_are_refused(couple: EncryptedCouple, keys: KeyPair) -> None:
    encrypted = couple.family.encrypt(keys, some_weights(couple.family.plan))
    tensors, facts = unpack(keys.public, "the test's")
    both = {"zero": np.concatenate([tensors["zero"], tensors["zero"]])}
    for odd, said, message in [
        (both, facts, "where the plan has"),
        (tensors | {"more": tensors["zero"]}, facts, "where the plan has"),
        (tensors, facts | {"more": 1}, "not in the form"),
    ]:
        public = pack(odd, said)  # type: ignore[arg-type]
        bad = couple_of(couple.family.plan, [s.samples for s in couple.subsets], KeyPair(keys.secret, public))
        with pytest.raises(BadObject, match=message):
            bad.results(encrypted)


# --- sums ---


def test_only_a_whole_cohort_of_one_label_decrypts(couple: EncryptedCouple, keys: KeyPair) -> None:
    family = couple.family
    encrypted = family.encrypt(keys, some_weights(family.plan))
    results, others = couple.results(encrypted), couple.results(encrypted, couple.cohort(b"other"))
    for part in ([], results[:2], [*results, results[0]], [results[0], results[1], others[2]]):
        with pytest.raises(BadObject, match="not those of one whole cohort"):
            family.decrypt(keys, part)


def test_results_for_other_weights_do_not_decrypt(couple: EncryptedCouple, keys: KeyPair) -> None:
    """Their masks are others, and do not cancel: the number of rows comes out absurd."""
    family = couple.family
    first, second = (couple.results(family.encrypt(keys, some_weights(family.plan))) for _ in range(2))
    with pytest.raises(BadObject, match="does not decrypt"):
        family.decrypt(keys, [first[0], first[1], second[2]])
    assert family.decrypt(keys, first).samples < 3 * MAX_SAMPLES


def test_the_secret_key_is_not_shown(keys: KeyPair) -> None:
    assert "secret" not in repr(keys)
