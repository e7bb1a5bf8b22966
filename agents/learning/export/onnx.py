"""A trained model as a graph of ONNX: for each family whose scores are products of rows and weights."""

from __future__ import annotations

import numpy as np

from agents.core.errors import BadPlan
from agents.learning.data.samples import FEATURE_BITS, FEATURE_LIMIT
from agents.learning.data.scaling import Standardiser
from agents.learning.data.schema.document import Schema
from agents.learning.export.document import TrainedDocument
from agents.learning.export.graph import DOUBLES, WHOLE, Graph
from agents.learning.families.affine import PlainAffine
from agents.learning.families.encrypted_features import EncryptedFeaturesPlan, FeaturesFamily
from agents.learning.families.encrypted_linear import LinearFamily
from agents.learning.families.random_features import DEVIATION, MEAN, SPREAD, RandomFeatures
from agents.learning.families.registry import family_of
from agents.learning.plans.base import DescentPlan


def to_onnx(model: TrainedDocument) -> bytes:
    """The model's graph; all of it is in doubles, and gives the agents' own scores bit for bit.

    Its input are (rows, features) doubles: with a schema the table's numbers, a column for each feature
    in its order and NaN where one is missing; without one, standardised features. Its outputs are ``scores``,
    and ``class`` (a number) or ``value``.

    Raises:
        BadPlan: the family's scores are no such products.
        BadData: the schema is of another table.
    """
    plan, family = model.plan, family_of(model.plan)
    model.check()
    if not isinstance(plan, DescentPlan) or not isinstance(
        family, PlainAffine | LinearFamily | FeaturesFamily
    ):
        raise BadPlan(f"models of {family.name()} have no ONNX form here: use `holdfast predict`")
    graph = Graph(family.name(), plan.features)
    rows = _features(graph, model.schema)
    if isinstance(plan, EncryptedFeaturesPlan):
        rows = _random_features(graph, rows, plan)
    product = graph.node("MatMul", _design(graph, rows, plan.clip), _weights(graph, model))
    unit = graph.constant(2.0 ** -(FEATURE_BITS + plan.weight_bits))
    graph.node("Mul", product, unit, output="scores")
    outputs: dict[str, tuple[int, int | None]] = {"scores": (DOUBLES, plan.outputs)}
    if plan.classes:
        graph.node("ArgMax", "scores", output="class", axis=1, keepdims=0)
        outputs["class"] = (WHOLE, None)
    else:
        _value(graph, model.schema)
        outputs["value"] = (DOUBLES, None)
    classes = () if model.schema is None else model.schema.classes
    names = {f"class {number}": name for number, name in enumerate(classes)}
    return graph.to_bytes(outputs, {"family": family.name(), **names})


def _weights(graph: Graph, model: TrainedDocument) -> str:
    return graph.constant(model.weights.tensors["output"].astype(np.float64))


def _features(graph: Graph, schema: Schema | None) -> str:
    """(rows, features) whole numbers in units of 2^-FEATURE_BITS."""
    given = "features"
    if schema is not None:
        said = Standardiser.of(schema)
        fill, low, high, centre, scale = map(
            graph.constant, (said.median, said.low, said.high, said.mean, said.deviation)
        )
        known = graph.node("Where", graph.node("IsNaN", given), fill, given)
        cut = graph.node("Min", graph.node("Max", known, low), high)
        given = graph.node("Div", graph.node("Sub", cut, centre), scale)
    grid = graph.node("Round", graph.node("Mul", given, graph.constant(2.0**FEATURE_BITS)))
    limit = float(FEATURE_LIMIT)
    return graph.node("Clip", grid, graph.constant(-limit), graph.constant(limit))


def _design(graph: Graph, rows: str, clip: int) -> str:
    """See `design_matrix`: rows cut to a norm, and the intercept's column."""
    limit = graph.constant(float(clip << FEATURE_BITS))
    axis = graph.constant(np.array([1], dtype=np.int64))
    norm = graph.node("Sqrt", graph.node("ReduceSum", graph.node("Mul", rows, rows), axis, keepdims=1))
    shrunk = graph.node("Div", graph.node("Mul", rows, limit), graph.node("Max", norm, graph.constant(1.0)))
    cut = graph.node("Mul", graph.node("Sign", shrunk), graph.node("Floor", graph.node("Abs", shrunk)))
    whole = graph.node("Where", graph.node("Greater", norm, limit), cut, rows)
    zero = graph.node("Mul", norm, graph.constant(0.0))
    ones = graph.node("Add", zero, graph.constant(2.0**FEATURE_BITS))
    return graph.node("Concat", whole, ones, axis=1)


def _random_features(graph: Graph, rows: str, plan: EncryptedFeaturesPlan) -> str:
    """See `RandomFeatures.rows`."""
    drawn = RandomFeatures(plan.features, plan.hidden, plan.seed, plan.clip)
    weights, offsets = drawn.combinations
    sums = graph.node("MatMul", rows, graph.constant(weights))
    positive = graph.node("Max", graph.node("Add", sums, graph.constant(offsets)), graph.constant(0.0))
    scaled = graph.node("Div", positive, graph.constant(DEVIATION * float(np.sqrt(plan.features))))
    centred = graph.node("Sub", scaled, graph.constant(MEAN * 2.0**FEATURE_BITS))
    return graph.node("Round", graph.node("Div", centred, graph.constant(SPREAD)))


def _value(graph: Graph, schema: Schema | None) -> None:
    """The number itself, or deviations of the target where nothing is known of it."""
    column = graph.node("Squeeze", "scores", graph.constant(np.array([1], dtype=np.int64)))
    centre, scale = (0.0, 1.0) if schema is None else schema.unit
    scaled = graph.node("Mul", column, graph.constant(scale))
    graph.node("Add", scaled, graph.constant(centre), output="value")
