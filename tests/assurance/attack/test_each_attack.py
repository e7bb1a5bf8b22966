"""Each kind of attack in short: it gets what it can, and no more than its claim says.

Rules: E9, E14, E15, E18, E20, E21, N1, N8, N9, N10, N11, N12.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from assurance.attack import replicas
from assurance.attack.attack import Found, Stage
from assurance.attack.registry import attack_named


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("attacks"), table="wine", quick=True)


def played(stage: Stage, name: str) -> Found:
    return attack_named(name).play(stage)


@pytest.mark.parametrize(
    "name",
    [
        "single-result/encrypted-ridge/dataset",
        "single-result/encrypted-logistic/private",
        "single-result/moments/private",
        "crafted-rows/encrypted-cubic/dataset",
        "crafted-rows/encrypted-network/private",
        "map-of-a-subset/encrypted-logistic/dataset",
        "membership-of-many-features/dataset",
        "uniform-results/encrypted-logistic/dataset",
        "uniform-results/moments-dealt/private",
        "uniform-results/moments-shared/private",
        "which-of-two/moments/private",
        "which-of-two-by-summary/moments/private",
        "row-from-the-summary/moments/private",
        "asked-again/moments/private",
        "offered-again/moments/private",
        "noise-guessed/moments/private",
        "noise-taken-away/moments-dealt/private",
        "noise-taken-away/moments-shared/private",
        "noise-taken-away/moments-own/private",
        "crafted-weights/moments/private",
        "less-noise/moments/private",
        "rows-that-move/private",
        "exposed-rows/private",
        "exposed-rows/dataset",
        "owners-and-another/encrypted-logistic/dataset",
        "ciphertext-as-model/encrypted-ridge/dataset",
        "store-and-chain/encrypted-logistic/dataset",
        "store-and-chain/moments/private",
        "receipt-guessed/encrypted-logistic/dataset",
        "final-hash/encrypted-logistic/dataset",
        "reaction/encrypted-logistic/dataset",
        "two-deployments/encrypted-logistic/dataset",
        "draws-of-two-deployments",
    ],
)
def test_a_claim_holds(stage: Stage, name: str) -> None:
    found = played(stage, name)
    assert found.most, "there is nothing that it may not get"
    assert found.holds, found.recovered


@pytest.mark.parametrize(
    ("name", "got", "of"),
    [
        ("single-result/encrypted-logistic/round", "numbers", "of"),
        ("single-result/logistic/none", "numbers", "of"),
        ("pooled-map/encrypted-logistic/dataset", "factors", "of factors"),
        ("pooled-map/encrypted-ridge/dataset", "offsets", "of offsets"),
        ("all-rows-but-one/encrypted-linear/dataset", "columns within 1/256 of a deviation", "of columns"),
        ("offered-again/encrypted-logistic/dataset", "columns within 1/256 of a deviation", "of columns"),
        ("map-of-features/encrypted-features/dataset", "entries", "of entries"),
        ("all-but-one/encrypted-linear/dataset", "numbers", "of numbers"),
        ("all-but-two/encrypted-ridge/dataset", "numbers of the sum of two", "of numbers"),
        ("owners-together/encrypted-logistic/dataset", "numbers", "of numbers"),
    ],
)
def test_an_attack_gets_all_that_its_claim_admits(stage: Stage, name: str, got: str, of: str) -> None:
    """So that one that gets nothing elsewhere is not merely clumsy."""
    found = played(stage, name).recovered
    assert found[got] == found[of] != 0


@pytest.mark.parametrize("name", ["owner-trains/encrypted-logistic/dataset", "weights-read/logistic/none"])
def test_who_may_have_the_model_has_it(stage: Stage, name: str) -> None:
    assert set(played(stage, name).recovered.values()) == {1}


def test_crafted_slots_give_single_rows(stage: Stage) -> None:
    found = played(stage, "crafted-rows/encrypted-cubic/none").recovered
    assert found["rows"] == found["in the slot"] != 0


def test_random_features_and_columns_tell_members_alike(stage: Stage) -> None:
    found = played(stage, "membership/breast-cancer/dataset").recovered
    assert 20 <= int(found["random features"]) <= 30
    assert 0.45 < float(found["AUC of features"]) < 0.65


def test_too_many_random_features_tell_who_is_in(stage: Stage) -> None:
    found = played(stage, "membership-of-many-features/dataset").recovered
    assert float(found["AUC at 0.75"]) > 0.8


@pytest.mark.parametrize(
    ("name", "figure", "of"),
    [
        ("final-hash/encrypted-logistic/dataset", "wrong tables confirmed", 0),
        ("reaction/encrypted-logistic/dataset", "of signs", 2),
        ("two-deployments/encrypted-logistic/dataset", "of numbers", 238),
    ],
)
def test_lives_on_markets_are_played_to_their_end(stage: Stage, name: str, figure: str, of: int) -> None:
    found = played(stage, name)
    assert found.recovered[figure] == of
    assert set(found.most) <= set(found.recovered)


def test_one_other_byte_on_a_machine_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = iter([["moments-own:aa:bb", "moments-dealt:cc:dd"], ["moments-own:aa:bc", "moments-dealt:cc:dd"]])
    monkeypatch.setattr(replicas, "words", lambda *_: next(told))
    stage = Stage(tmp_path_factory.mktemp("machines"), quick=True)
    assert played(stage, "replicas/moments-own/private").recovered["results with other bytes"] == 1
    assert played(stage, "replicas/moments-dealt/private").holds


def test_a_claim_is_broken_by_more_than_it_allows(tmp_path: Path) -> None:
    assert Found({"rows": 1, "of": 9}, {"rows": 1.0}).holds
    assert not Found({"rows": 2}, {"rows": 1.0}).holds
    assert Found({"rows": 2}, {}).holds
    assert Stage(tmp_path).tries(9, 1) == 9
