"""Canonical bytes of tensors, weights and results.

Rules: P21, P22, P25.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save

from agents.core.errors import BadObject
from agents.learning.data.canonical import Facts, digest, pack, unpack
from agents.learning.integers.weights import TrainedModel, Weights
from testing.families import initial_weights
from tests.agents.learning.conftest import PlanMaker

FACTS: Facts = {"kind": "weights", "bits": 20}


def test_memory_layout_does_not_change_the_bytes() -> None:
    table = np.arange(12, dtype=np.int64).reshape(3, 4)
    same = pack({"w": np.asfortranarray(table)}, FACTS)
    assert same == pack({"w": table}, FACTS)
    assert pack({"w": table.astype(">i8")}, FACTS) == same
    assert pack({"w": np.repeat(table, 2, axis=1)[:, ::2]}, FACTS) == same
    assert (unpack(same, "it")[0]["w"] == table).all()


def test_the_order_of_names_and_facts_does_not_change_the_bytes() -> None:
    a, b = np.zeros(2, np.int32), np.ones(3, np.int64)
    assert pack({"a": a, "b": b}, {"x": 1, "y": 2}) == pack({"b": b, "a": a}, {"y": 2, "x": 1})


def test_the_bytes_are_the_expected_ones() -> None:
    found = pack({"w": np.array([[1, -2]], dtype=np.int64)}, FACTS)
    header = json.loads(found[8 : 8 + int.from_bytes(found[:8], "little")])
    assert header["w"] == {"dtype": "I64", "shape": [1, 2], "data_offsets": [0, 16]}
    assert header["__metadata__"] == {"holdfast": '{"bits":20,"kind":"weights"}'}
    assert found[-16:] == (1).to_bytes(8, "little") + (-2).to_bytes(8, "little", signed=True)
    assert digest(found).hex() == "4fb0a06aade915840f62e59b3a9053a36b2ef0339fc7750a79ff3a11a076b5ab"


def test_packing_refuses_floats() -> None:
    with pytest.raises(ValueError, match="tensor 'w' is float64, not int32 or int64"):
        pack({"w": np.zeros(2)}, FACTS)  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a tensor file",
        b"\xff" * 100,
        save({"w": np.zeros(2, np.int64)}),
        save({"w": np.zeros(2, np.int64)}, {"holdfast": "{"}),
        save({"w": np.zeros(2, np.int64)}, {"holdfast": "[1]"}),
        save({"w": np.zeros(2)}, {"holdfast": "{}"}),
    ],
)
def test_reading_refuses_what_is_not_ours(data: bytes) -> None:
    with pytest.raises(BadObject, match=r"^the thing: not a Holdfast tensor file$"):
        unpack(data, "the thing")


def test_reading_refuses_another_spelling_of_the_same_content() -> None:
    other = save({"w": np.zeros(2, np.int64)}, {"holdfast": '{ "bits": 20 }'})
    with pytest.raises(BadObject, match=r"^the thing: not in canonical form$"):
        unpack(other, "the thing")


@pytest.mark.parametrize("family", ["ridge", "network"])
def test_weights_and_results_survive_their_bytes(make_plan: PlanMaker, family: str) -> None:
    plan = make_plan(family)
    weights = initial_weights(plan)
    result = TrainedModel(weights, 17)
    assert Weights.from_bytes(weights.to_bytes(), plan) == weights
    assert TrainedModel.from_bytes(result.to_bytes(), plan) == result
    assert result.digest() == digest(result.to_bytes())
    assert weights.digest() == digest(weights.to_bytes())
    assert weights != 0


def with_entry(value: int) -> Weights:
    matrix = np.zeros((4, 2), dtype=np.int64)
    matrix[0, 0] = value
    return Weights({"output": matrix}, 20)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (Weights({"output": np.zeros((4, 2), np.int64)}, 21), "the weights: of another kind or scale"),
        (
            Weights({"other": np.zeros((4, 2), np.int64)}, 20),
            r"tensors \['other'\] where the plan has \['output'\]",
        ),
        (
            Weights({"output": np.zeros((2, 4), np.int64)}, 20),
            r"tensor 'output' is not int64 of shape \(4, 2\)",
        ),
        (with_entry(2**25 + 1), r"tensor 'output' has an entry over the limit of 2\^5"),
        (with_entry(-(2**63)), r"tensor 'output' has an entry over the limit of 2\^5"),
    ],
)
def test_reading_refuses_weights_of_another_plan(
    make_plan: PlanMaker, weights: Weights, message: str
) -> None:
    with pytest.raises(BadObject, match=message):
        Weights.from_bytes(weights.to_bytes(), make_plan())


def test_reading_refuses_int32_weights(make_plan: PlanMaker) -> None:
    data = pack({"output": np.zeros((4, 2), np.int32)}, FACTS)
    with pytest.raises(BadObject, match="is not int64 of shape"):
        Weights.from_bytes(data, make_plan())


@pytest.mark.parametrize("samples", [0, 2**22 + 1, -1])
def test_reading_refuses_a_result_of_absurdly_many_samples(make_plan: PlanMaker, samples: int) -> None:
    result = TrainedModel(initial_weights(make_plan()), samples)
    with pytest.raises(BadObject, match=rf"^the result: {samples} samples$"):
        TrainedModel.from_bytes(result.to_bytes(), make_plan())


@pytest.mark.parametrize(
    "facts", [{"samples": True}, {"samples": 3, "more": 1}, {"kind": "weights", "samples": 3}]
)
def test_reading_refuses_a_result_with_other_facts(
    make_plan: PlanMaker, facts: dict[str, int | str | bool]
) -> None:
    tensors = initial_weights(make_plan()).tensors
    with pytest.raises(BadObject, match=r"^the result: of another kind or scale"):
        TrainedModel.from_bytes(pack(tensors, {"kind": "result", "bits": 20, **facts}), make_plan())


def test_initial_weights_are_zeros_but_for_a_network(make_plan: PlanMaker) -> None:
    assert not initial_weights(make_plan("logistic")).tensors["output"].any()
    network = initial_weights(make_plan("network")).tensors
    assert network["hidden"][:-1].any(axis=0).all()
    assert not network["hidden"][-1].any()
    assert network["output"][:-1].any()
    assert not initial_weights(make_plan("network", classes=0)).tensors["output"].any()


def test_initial_weights_follow_the_seed(make_plan: PlanMaker) -> None:
    assert initial_weights(make_plan("network")) == initial_weights(make_plan("network"))
    assert initial_weights(make_plan("network")) != initial_weights(make_plan("network", seed=2))


def test_squares_start_from_narrower_weights(make_plan: PlanMaker) -> None:
    wide = np.abs(initial_weights(make_plan("network", hidden=500)).tensors["hidden"]).max()
    narrow = np.abs(
        initial_weights(make_plan("network", hidden=500, activation="square")).tensors["hidden"]
    ).max()
    assert 2.6 < wide / narrow < 3.1
