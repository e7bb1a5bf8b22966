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
from agents.learning.plans.base import Plan

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


def uniform(
    name: str, shape: tuple[int, int], width_squared: Fraction, weight_bits: int, seed: int
) -> Int64Array:
    """Weights to begin with, drawn evenly between plus and minus the root of `width_squared`.

    The draw is SHAKE-256 of the seed and the name, a stream that no library can change.

    Args:
        name: of the matrix.
        shape: (rows, columns) of what is drawn.
        width_squared: in real units.
        weight_bits: the unit of a weight is 2^-weight_bits.
        seed: of the plan.

    Returns:
        (rows, columns) int64.
    """
    rows, columns = shape
    width = isqrt(int(width_squared * 4**weight_bits))
    stream = shake_256(f"holdfast initial weights {seed} {name}".encode()).digest(4 * rows * columns)
    drawn = np.frombuffer(stream, dtype="<u4").astype(np.int64).reshape(rows, columns)
    spread: Int64Array = (drawn * (2 * width + 1) >> 32) - width
    return spread


def _checked(tensors: Mapping[str, object], plan: Plan) -> dict[str, Int64Array]:
    expected = plan.shapes
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
