"""A trained model as one small JSON document: its plan, its weights, and how cells become features."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.core.errors import BadData, BadObject, BadPlan
from agents.learning.data.samples import Int32Array, Samples
from agents.learning.data.schema.document import Schema, parse_schema
from agents.learning.evaluate import forecast
from agents.learning.families.registry import parse_plan
from agents.learning.integers.weights import Weights
from agents.learning.judgement import Forecast
from agents.learning.plans.base import Plan

_VERSION = 1


@dataclass(frozen=True)
class TrainedDocument:
    """A model that can be used.

    Attributes:
        schema: of the table that it was trained on; without it no table can be read.
    """

    plan: Plan
    weights: Weights
    schema: Schema | None = None

    def to_bytes(self) -> bytes:
        """The document: sorted keys, ASCII."""
        told: dict[str, Any] = {
            "holdfast_model": _VERSION,
            "plan": self.plan.model_dump(mode="json"),
            "weights": {name: matrix.tolist() for name, matrix in self.weights.tensors.items()},
        }
        if self.schema is not None:
            told["schema"] = json.loads(self.schema.canonical_bytes())
        return json.dumps(told, sort_keys=True).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> TrainedDocument:
        """Reads a document.

        Raises:
            BadData: it is none, or its weights are not its plan's.
        """
        try:
            told = json.loads(data)
            if told["holdfast_model"] != _VERSION:
                raise ValueError(f"version {told['holdfast_model']!r}")
            plan = parse_plan(json.dumps(told["plan"]).encode())
            tensors = {
                name: np.array(matrix, dtype=np.int64).reshape(plan.shapes[name])
                for name, matrix in dict(told["weights"]).items()
            }
            weights = Weights.from_bytes(Weights(tensors, plan.weight_bits).to_bytes(), plan)
            given = told.get("schema")
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError, BadPlan, BadObject) as error:
            raise BadData(f"no model that `holdfast model export` wrote ({error})") from error
        schema = None if given is None else parse_schema(json.dumps(given).encode(), "the model's schema")
        return cls(plan, weights, schema)

    def check(self) -> None:
        """Checks that model and schema are of one table.

        Raises:
            BadData: they are not.
        """
        known = self.schema
        found = None if known is None else (len(known.features), len(known.classes))
        if found is not None and found != (self.plan.features, self.plan.classes):
            raise BadData(
                f"the schema is of {found[0]} features and {found[1]} classes, the model of "
                f"{self.plan.features} and {self.plan.classes}: give that of the dataset it was trained on"
            )

    def known(self) -> Schema:
        """How its table's cells became features.

        Raises:
            BadData: nobody has said so, or it was another table.
        """
        if self.schema is None:
            raise BadData("the model has no schema: export it with --schema, from the data owner")
        self.check()
        return self.schema

    def forecast(self, features: Int32Array) -> Forecast:
        """What the model says of (n, d) features, bit for bit as the agents' own scores."""
        samples = Samples(features, np.zeros(len(features), dtype=np.int32), self.plan.classes)
        return forecast(self.plan, self.weights, samples)
