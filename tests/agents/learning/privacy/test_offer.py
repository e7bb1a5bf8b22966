"""A table offered with noise: what leaves its owner hangs on no row, but for what the noise covers.

Rules: N3, N5, N10, N11.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from agents.core.errors import BadInput, BadObject, CannotSplit
from agents.demo.ranges import outward, policy_of
from agents.learning.data.description import describe, parse_description
from agents.learning.data.samples import TARGET_BITS
from agents.learning.data.tables import Table, load_table
from agents.learning.privacy.accounting import Account, Release
from agents.learning.privacy.offer import divided, offer, scaled, standardised
from agents.learning.privacy.policy import PrivacyPolicy
from agents.learning.privacy.sensitivity import moments_squared
from agents.learning.privacy.summary import Summary
from testing.ciphertexts import mask_keys
from testing.privacy import offered

WINE = load_table("wine")


def derive(purpose: bytes) -> bytes:
    return hashlib.sha256(b"a secret for " + purpose).digest()


def changed(table: Table, row: int) -> Table:
    """The table with another row, of another class, in the place of one."""
    features, target = table.features.copy(), table.target.copy()
    features[row] = table.features.max(axis=0)
    target[row] = (target[row] + 1) % 3
    return replace(table, features=features, target=target)


def test_another_row_moves_no_other_row() -> None:
    """Each row is in the same subset, at the same place, whatever another one is."""
    row = int(divided(178, 0)[0][17])
    one, other = (offer(table, policy_of(WINE), 4, 0, derive) for table in (WINE, changed(WINE, row)))
    assert [part.tolist() for part in one.parts] == [part.tolist() for part in other.parts]
    differ = np.flatnonzero(one.prepared.train.target != other.prepared.train.target)
    assert differ.tolist() == [17]
    assert len(one.prepared.validation) == 0
    assert len(one.prepared.train) + len(one.prepared.test) == 178


def test_subsets_are_as_equal_as_can_be() -> None:
    made, _ = offered("wine", subsets=5)
    assert [part.size for part in made.parts] == [29, 29, 28, 28, 28]
    with pytest.raises(CannotSplit, match="72 subsets are too many for 142 rows: use 71 or fewer"):
        offered("wine", subsets=72)


def test_somebody_has_to_be_honest() -> None:
    with pytest.raises(BadInput, match="colluding is 4: of 4 subsets one at least must be honest"):
        offered("wine", noise="shared", colluding=4)


def test_a_description_is_of_one_number_of_columns() -> None:
    made, _ = offered("wine")
    data = (
        describe(WINE, made.prepared, "private", mask_keys(0, 4).public, made.guarantee)
        .model_dump_json(exclude_none=True)
        .encode()
    )
    assert parse_description(data).guarantee == made.guarantee
    for field in ("low", "scale"):
        spoilt = json.loads(data)
        spoilt["guarantee"][field].pop()
        with pytest.raises(BadObject, match="a guarantee for other columns than the 13 there are"):
            parse_description(json.dumps(spoilt).encode())


@pytest.mark.parametrize("table", ["wine", "diabetes", "breast-cancer"])
def test_both_releases_are_paid_from_one_budget(table: str) -> None:
    made, plan = offered(table, epsilon=4)
    guarantee, squared = made.guarantee, moments_squared(plan.classes)
    moments = Release("the moments", squared, guarantee.noise.variance)
    account = Account(guarantee.rho).after(moments)
    assert float(account.spent / guarantee.rho) == pytest.approx(0.85, rel=1e-6)


def test_people_with_more_rows_get_more_noise() -> None:
    table = load_table("diabetes")
    many = offer(table, policy_of(table, epsilon=4, rows_of_a_person=2), 4, 0, derive)
    usual = offer(table, policy_of(table, epsilon=4), 4, 0, derive)
    assert many.guarantee.noise.variance == pytest.approx(4 * usual.guarantee.noise.variance)
    assert (many.guarantee.rows_of_a_person, usual.guarantee.rows_of_a_person) == (2, 1)


def test_a_table_that_is_too_small_is_not_offered() -> None:
    few = replace(WINE, features=WINE.features[::3], target=WINE.target[::3])
    with pytest.raises(BadInput, match="48 rows of 13 columns: at epsilon 4 the noise would be larger"):
        offer(few, policy_of(WINE), 4, 0, derive)


def test_the_centre_and_scale_come_near_the_tables_own() -> None:
    """Of many rows: the noise is small beside them."""
    rng = np.random.default_rng(0)
    features = np.column_stack([rng.normal(3, 1, 20_000), rng.normal(-20, 5, 20_000)])
    table = replace(WINE, features=features, target=rng.integers(0, 3, 20_000), feature_names=("a", "b"))
    policy = PrivacyPolicy(columns={"a": (-2.0, 8.0), "b": (-50.0, 50.0)})
    guarantee = offer(table, policy, 4, 0, derive).guarantee
    centre, scale = np.array(guarantee.centre) / 2**12, np.array(guarantee.scale) / 2**12
    assert np.allclose(centre, [0.0, -0.4], atol=0.01)
    assert np.allclose(scale, [0.2, 0.1], atol=0.01)
    assert (guarantee.epsilon, guarantee.delta_digits) == (1, 7)


def test_noise_of_the_summary_stays_within_what_can_be() -> None:
    noisy = np.array([9 * 2**24, -9 * 2**24, 0, 5, -(2**24), 10 * 2**24], dtype=np.int64)
    summary = Summary.of(noisy, 2, 4 * 2**40)
    assert summary.centre == (2**12, -(2**12), 0)
    assert summary.scale == (1024, 1024, 2**12)


def test_values_are_cut_to_their_range_and_gaps_take_its_middle() -> None:
    columns = scaled(np.array([[np.nan, 5.0], [0.0, 99.0]]), np.array([0.0, 0.0]), np.array([10.0, 10.0]))
    assert columns.tolist() == [[0, 0], [-4096, 4096]]
    assert standardised(columns, Summary((0, 2048), (4096, 512))).tolist() == [[0, -1024], [-256, 1024]]


def test_a_targets_range_is_minus_one_to_one() -> None:
    made, plan = offered("diabetes", epsilon=4)
    target = made.prepared.train.target
    assert plan.classes == 0
    assert np.abs(target).max() <= 1 << TARGET_BITS
    assert made.guarantee.target == outward(25.0, 346.0) == (20.0, 400.0)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"columns": {}}, "wine: no range for column 'alcohol', 'malic_acid', 'ash' and 10 more"),
        ({"columns": dict(policy_of(WINE).columns) | {"age": (0, 9)}}, "wine: a range, but no column 'age'"),
    ],
)
def test_ranges_that_do_not_fit_the_table(policy: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        offer(WINE, PrivacyPolicy.model_validate(policy, strict=False), 4, 0, derive)


def test_categories_need_no_range_and_numbers_need_a_target() -> None:
    table = replace(WINE, feature_names=("colour=red", *WINE.feature_names[1:]))
    named = {name: limits for name, limits in policy_of(WINE).columns.items() if name != "alcohol"}
    low, high = PrivacyPolicy(columns=named).ranges(table)
    assert (low[0], high[0]) == (0.0, 1.0)
    diabetes = load_table("diabetes")
    policy = policy_of(diabetes).model_copy(update={"target": None})
    with pytest.raises(BadInput, match="diabetes: the target is a number: name its public range as `target`"):
        offer(diabetes, policy, 4, 0, derive)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ('{"columns": {"a": [1, 1]}}', "a range goes up: 1.0 to 1.0 does not"),
        ('{"columns": {"a": [0, 1]}, "epsilon": 8}', "Input should be 1, 2 or 4"),
        ('{"columns": {"a": [0, Infinity]}}', "finite number"),
        ('{"column": {}}', "Field required"),
    ],
)
def test_policies_that_are_none(document: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PrivacyPolicy.model_validate_json(document)
