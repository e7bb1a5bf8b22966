"""The levels: which plans they allow, and what may be offered of people after what was offered before.

Rules: N15, N16, N18, N19.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from agents.core.errors import BadInput, BadObject
from agents.learning.data.description import Description, parse_description
from agents.learning.data.samples import PredictionTask
from agents.learning.families.encrypted_features import MOST_HIDDEN, EncryptedFeaturesPlan
from agents.learning.families.registry import default_plan, family_of
from agents.learning.plans.base import Plan
from agents.learning.plans.noise import Noise
from agents.learning.privacy.accounting import epsilon_of, rho_for
from agents.learning.privacy.levels import GUARANTEES, LEARNS, LEVELS, Secrecy, keeps_less
from agents.learning.privacy.lifetime import Lifetime, Spent, check_levels, map_from_json, map_to_json
from agents.learning.privacy.maps import ShownMap, least_difference, too_many_numbers
from agents.learning.privacy.review import objection
from testing.ciphertexts import mask_keys
from testing.privacy import offered

CLASSES = PredictionTask.CLASSIFICATION
MASK_KEYS = tuple(key.hex() for key in mask_keys(0, 4).public)


def described(level: Secrecy, rows: int = 370, features: int = 30) -> Description:
    return Description(
        task=CLASSES, features=features, classes=2, rows=rows, level=level, mask_keys=MASK_KEYS
    )


def plan_of(family: str, **changes: object) -> Plan:
    return default_plan(CLASSES, 2, 30, family).model_copy(update=changes)


def test_levels_are_in_order_and_each_says_what_holds() -> None:
    assert LEVELS == ("none", "round", "dataset", "private")
    assert keeps_less("none", "round")
    assert not keeps_less("private", "dataset")
    assert GUARANTEES.keys() == LEARNS.keys() == set(LEVELS)
    assert "Who knows all rows but one has that one" in GUARANTEES["dataset"]


@pytest.mark.parametrize(
    ("family", "changes", "allowed"),
    [
        ("encrypted-logistic", {}, ("none", "round", "dataset")),
        ("encrypted-logistic", {"sums": "round"}, ("none", "round")),
        ("encrypted-features", {}, ("none",)),
        ("encrypted-cubic", {}, ("none",)),
        ("encrypted-network", {}, ("none",)),
        ("logistic", {}, ("none",)),
        ("moments", {}, ()),
    ],
)
def test_which_plans_a_level_without_noise_allows(
    family: str, changes: dict[str, object], allowed: tuple[Secrecy, ...]
) -> None:
    plan = plan_of(family, **changes)
    found = tuple(level for level in LEVELS[:3] if not objection(family_of(plan), described(level)))
    assert found == allowed


def test_few_random_features_of_a_long_table_are_allowed_at_dataset() -> None:
    family = family_of(plan_of("encrypted-features", hidden=29))
    assert objection(family, described("dataset")) == ""
    assert objection(family, described("dataset", rows=359)).endswith(
        "its 29 random features are more than a twelfth of 359 rows"
    )


@pytest.mark.parametrize("rows", [30, 114, 369, 370, 5_000, 50_000])
def test_a_default_plan_of_random_features_is_as_wide_as_is_let_through(rows: int) -> None:
    """It was made for a tenth of the rows when a twelfth were let through: each data owner declined it."""
    plan = default_plan(CLASSES, 2, 30, "encrypted-features", rows=rows)
    assert isinstance(plan, EncryptedFeaturesPlan)
    dataset = described("dataset", rows=rows)
    assert objection(family_of(plan), dataset) == ""
    wider = plan.model_copy(update={"hidden": plan.hidden + 1, "probes": 0})
    assert bool(objection(family_of(wider), dataset)) == (plan.hidden < MOST_HIDDEN)


def test_a_plan_with_exact_results_is_none_for_a_dataset_with_noise() -> None:
    made, plan = offered("breast-cancer")
    dataset = Description(
        task=CLASSES,
        features=30,
        classes=2,
        rows=455,
        level="private",
        mask_keys=MASK_KEYS,
        guarantee=made.guarantee,
    )
    assert objection(family_of(plan), dataset) == ""
    other = plan.with_noise(Noise(mode="dealt", variance=2))
    assert "asks for other noise: at level private" in objection(family_of(other), dataset)
    assert "asks for exact results: at level private" in objection(family_of(plan_of("linear")), dataset)
    assert "30 features and 2 classes, the dataset has 31 and 2" in objection(
        family_of(plan), described("dataset", features=31)
    )


@pytest.mark.parametrize("level", ["private", "some", None])
def test_a_description_has_a_level_and_private_ones_a_guarantee(level: str | None) -> None:
    data = described("dataset").model_dump_json(exclude_none=True)
    told = data.replace('"level":"dataset"', f'"level":"{level}"' if level else '"rows":370')
    with pytest.raises(BadObject, match="level"):
        parse_description(told.encode())


# --- maps ---


def test_plans_that_show_the_same_share_a_map_and_others_do_not() -> None:
    shown = family_of(plan_of("encrypted-logistic")).shown_map
    assert shown == family_of(plan_of("encrypted-logistic", rounds=3)).shown_map
    assert shown is not None
    assert (shown.width, shown.outputs, shown.hidden, shown.numbers) == (31, 2, 0, 558)
    for other in (
        plan_of("encrypted-logistic", clip=4),
        plan_of("encrypted-logistic", local_steps=3),
        plan_of("encrypted-ridge"),
        plan_of("encrypted-features", hidden=30),
    ):
        assert family_of(other).shown_map != shown
    one, two = (plan_of("encrypted-features", hidden=9, seed=seed) for seed in (1, 2))
    assert family_of(one).shown_map != family_of(two).shown_map
    assert family_of(plan_of("logistic")).shown_map is None
    assert family_of(plan_of("encrypted-cubic")).shown_map is None


def test_all_maps_count_together_and_seeds_too() -> None:
    """370 rows of 30 columns: 30 random features, intercepts included, and 2775 numbers."""
    maps = [ShownMap(str(seed), 15, 2, 14) for seed in range(3)]
    assert too_many_numbers(370, 30, maps[0]) == too_many_numbers(370, 30, maps[1], maps[:1]) == ""
    assert too_many_numbers(370, 30, maps[2], maps[:2]) == (
        "its 14 random features and those of earlier plans are more than a twelfth of 370 rows"
    )
    assert too_many_numbers(370, 30, maps[1], maps[:2]) == "", "it was shown before"
    columns = [ShownMap(f"clip {clip}", 31, 2) for clip in range(6)]
    assert too_many_numbers(370, 30, columns[3], columns[:3]) == ""
    assert too_many_numbers(370, 30, columns[5], columns[:5]) == (
        "its map and those of earlier plans have more than a quarter as many numbers as 370 rows"
    )
    assert too_many_numbers(10, 30, columns[0]) == "", "sums over the dataset are what the level shows"
    assert "its map has more than" in too_many_numbers(10_000, 1, ShownMap("wide", 800, 2, 799))
    assert map_from_json(map_to_json(maps[0])) == maps[0]


# --- what people were promised ---


def test_offers_add_up_to_a_lifetime() -> None:
    rho = {epsilon: rho_for(epsilon, 1e-5) for epsilon in (1, 2, 4)}
    life = Lifetime(4, 5)
    assert (life.largest, life.left, life.epsilon_spent) == (4, rho[4], 0.0)
    life = replace(life, spent=(Spent(2, rho[2], 5),) * 3)
    assert life.largest == 1
    assert life.epsilon_spent == pytest.approx(epsilon_of(float(3 * rho[2]), 1e-5))
    life = replace(life, spent=(*life.spent, Spent(1, rho[1], 5), Spent(1, rho[1], 5)))
    assert life.left == max(Fraction(0), rho[4] - 3 * rho[2] - 2 * rho[1])
    assert life.largest == 0
    with pytest.raises(BadInput) as refused:
        life.another()
    assert str(refused.value) == (
        f"nothing is left: the people in this table were promised epsilon 4 for life, and "
        f"{life.epsilon_spent:.2f} of it is spent. Leave what is offered as it is: couples cost nothing "
        "more; offer other people's rows; if these are other people, say so with --new-people"
    )


def test_an_offer_of_a_longer_table_counts_at_its_delta() -> None:
    spent = Spent(4, rho_for(4, 1e-5), 5)
    assert Lifetime(4, 7, (spent,)).left == 0
    assert Lifetime(8, 7, (spent,)).largest == 4
    assert Spent.from_json(spent.to_json()) == spent


@pytest.mark.parametrize(
    ("level", "before", "difference", "problem"),
    [
        ("private", [], None, ""),
        ("private", ["private", "private"], None, ""),
        ("private", ["private", "round"], None, "were offered at level round before, whose sums are exact"),
        ("dataset", ["private"], None, "were promised noise for life"),
        ("none", ["private"], 3, "were promised noise for life"),
        ("dataset", ["dataset"], 0, ""),
        ("dataset", ["dataset"], 1, "differs in 1 rows from one that was offered before"),
        ("round", ["dataset"], 74, "or one that differs in 75 rows at least"),
        ("dataset", ["dataset"], 75, ""),
        ("none", ["none"], 1, ""),
        ("dataset", ["none"], None, ""),
    ],
)
def test_no_promise_breaks_another(
    level: Secrecy, before: list[Secrecy], difference: int | None, problem: str
) -> None:
    least = least_difference(30, 2)
    assert least == 75
    if not problem:
        check_levels(level, before, difference, least)
        return
    with pytest.raises(BadInput, match=problem) as refused:
        check_levels(level, before, difference, least)
    assert str(refused.value).endswith("say so with --new-people")
