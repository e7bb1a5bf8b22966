"""Weights of a model, and the result of a training job, with their canonical bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from hashlib import shake_256
from math import isqrt

import numpy as np

from agents.core.errors import BadObject
from agents.learning.data.canonical import digest, pack, unpack
from agents.learning.data.samples import Int64Array
from agents.learning.integers.fixed import RANGE_BITS
from agents.learning.plans.encrypted import EncryptedNetworkPlan
from agents.learning.plans.plan import NetworkPlan, Plan

MAX_SAMPLES = 2**22
"""Rows of one result; with 256 results of 24-bit weights the weighted sum still fits int64."""


@dataclass(frozen=True, eq=False)
class Weights:
    """A model's weights, exact.

    Attributes:
        tensors: name to int64 matrix; the last row of each matrix is the intercept.
        bits: the unit of every entry is 2^-bits.
    """

    tensors: Mapping[str, Int64Array]
    bits: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Weights) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]  # arrays inside

    def to_bytes(self) -> bytes:
        """Canonical bytes."""
        return pack(self.tensors, {"kind": "weights", "bits": self.bits})

    def digest(self) -> bytes:
        """SHA-256 of the canonical bytes: the model hash on chain."""
        return digest(self.to_bytes())

    @classmethod
    def from_bytes(cls, data: bytes, plan: Plan) -> Weights:
        """Read the weights of this plan's model.

        Raises:
            BadObject: not canonical, or not of this plan.
        """
        tensors, facts = unpack(data, "the weights")
        if facts != {"kind": "weights", "bits": plan.weight_bits}:
            raise BadObject("the weights: of another kind or scale than the plan's")
        return cls(_checked(tensors, plan), plan.weight_bits)


@dataclass(frozen=True)
class TrainedModel:
    """What a cloud owner's training gives: the same bytes at every honest replica of a subset.

    Attributes:
        weights: after the local steps.
        samples: rows of the subset.
    """

    weights: Weights
    samples: int

    def to_bytes(self) -> bytes:
        """Canonical bytes; their digest is what the cloud owners agree on."""
        facts: dict[str, int | str | bool] = {
            "kind": "result",
            "bits": self.weights.bits,
            "samples": self.samples,
        }
        return pack(self.weights.tensors, facts)

    def digest(self) -> bytes:
        """SHA-256 of the canonical bytes."""
        return digest(self.to_bytes())

    @classmethod
    def from_bytes(cls, data: bytes, plan: Plan) -> TrainedModel:
        """Read a result of this plan.

        Raises:
            BadObject: not canonical, or not of this plan.
        """
        tensors, facts = unpack(data, "the result")
        samples = facts.get("samples")
        if (
            facts != {"kind": "result", "bits": plan.weight_bits, "samples": samples}
            or type(samples) is not int
        ):
            raise BadObject("the result: of another kind or scale than the plan's")
        if not 1 <= samples <= MAX_SAMPLES:
            raise BadObject(f"the result: {samples} samples")
        return cls(Weights(_checked(tensors, plan), plan.weight_bits), samples)


def shapes(plan: Plan) -> dict[str, tuple[int, int]]:
    """The name and shape of each of the model's matrices; the last row of each is the intercept."""
    if isinstance(plan, NetworkPlan | EncryptedNetworkPlan):
        return {"hidden": (plan.features + 1, plan.hidden), "output": (plan.hidden + 1, plan.outputs)}
    if plan.family == "encrypted-features":
        return {"output": (plan.hidden + 1, plan.outputs)}
    return {"output": (plan.features + 1, plan.outputs)}


def initial_weights(plan: Plan) -> Weights:
    """The weights before the first round: zeros, and for a network a uniform draw, of He's width for ReLU.

    Inputs of squares are drawn narrower, so that the squares are small at first; a regression's output
    layer starts at zero. The draw is SHAKE-256 of the plan's seed, whose stream no library can change.
    """
    tensors = {name: np.zeros(shape, dtype=np.int64) for name, shape in shapes(plan).items()}
    if isinstance(plan, NetworkPlan | EncryptedNetworkPlan):
        square = isinstance(plan, EncryptedNetworkPlan) or plan.activation == "square"
        tensors["hidden"][:-1] = _uniform(plan, "hidden", Fraction(6, plan.features * (8 if square else 1)))
        if plan.classes:
            tensors["output"][:-1] = _uniform(plan, "output", Fraction(6, plan.hidden))
    return Weights(tensors, plan.weight_bits)


def _uniform(plan: NetworkPlan | EncryptedNetworkPlan, name: str, width_squared: Fraction) -> Int64Array:
    """Whole numbers drawn evenly up to the root of `width_squared`; no intercept row."""
    rows, columns = shapes(plan)[name]
    width = isqrt(int(width_squared * 4**plan.weight_bits))
    stream = shake_256(f"holdfast initial weights {plan.seed} {name}".encode()).digest(
        4 * (rows - 1) * columns
    )
    uniform = np.frombuffer(stream, dtype="<u4").astype(np.int64).reshape(rows - 1, columns)
    drawn: Int64Array = (uniform * (2 * width + 1) >> 32) - width
    return drawn


def _checked(tensors: Mapping[str, object], plan: Plan) -> dict[str, Int64Array]:
    expected = shapes(plan)
    if set(tensors) != set(expected):
        raise BadObject(f"tensors {sorted(tensors)} where the plan has {sorted(expected)}")
    limit = 2 ** (plan.weight_bits + RANGE_BITS)
    checked: dict[str, Int64Array] = {}
    for name, shape in expected.items():
        array = tensors[name]
        if not isinstance(array, np.ndarray) or array.dtype != np.int64 or array.shape != shape:
            raise BadObject(f"tensor {name!r} is not int64 of shape {shape}")
        if array.max() > limit or array.min() < -limit:
            raise BadObject(f"tensor {name!r} has an entry over the limit of 2^{RANGE_BITS}")
        checked[name] = array
    return checked
