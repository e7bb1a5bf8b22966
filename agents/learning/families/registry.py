"""All families there are. A new one is a file of its own and a line here.

Nothing else knows which families exist: plans are read, made and trained through this module.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Literal, Union

from pydantic import Field, TypeAdapter, ValidationError

from agents.core.errors import BadPlan
from agents.learning.data.samples import PredictionTask
from agents.learning.families.affine import PlainLinear, PlainLogistic, PlainRidge
from agents.learning.families.encrypted_cubic import EncryptedCubic
from agents.learning.families.encrypted_features import FeaturesFamily
from agents.learning.families.encrypted_linear import EncryptedLinear, EncryptedLogistic, EncryptedRidge
from agents.learning.families.encrypted_network import EncryptedNetwork
from agents.learning.families.moments import MomentsFamily
from agents.learning.families.network import PlainNetwork
from agents.learning.family import Family
from agents.learning.plans.base import Plan
from agents.learning.plans.defaults import MOST_ROUNDS, SETTLED
from agents.learning.plans.encrypted import ExactPlan
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits

FAMILIES: dict[str, type[Family]] = {
    family.name(): family
    for family in (
        PlainLinear,
        PlainRidge,
        PlainLogistic,
        PlainNetwork,
        EncryptedLinear,
        EncryptedRidge,
        EncryptedLogistic,
        FeaturesFamily,
        EncryptedCubic,
        EncryptedNetwork,
        MomentsFamily,
    )
}
"""By the name that plans call them."""

KEPT = 8

Balance = Literal["data", "even"]


@lru_cache(maxsize=KEPT)
def family_of(plan: Plan, limits: Limits = DEFAULT_LIMITS) -> Family:
    """The family of a plan: the same object as long as it is among the latest, with what it has worked out.

    Raises:
        BadPlan: no family trains such plans, or its numbers could overflow, or leave too little noise budget.
    """
    for family in FAMILIES.values():
        if family.schema is type(plan):
            return family(plan, limits)
    raise BadPlan(f"plan: this agent cannot train {type(plan).__name__} on ciphertexts")


def default_plan(
    task: PredictionTask,
    n_classes: int,
    d: int,
    model: str | None = None,
    rounds: int | None = 8,
    seed: int = 0,
    rows: int | None = None,
    balance: Balance = "data",
) -> Plan:
    """A plan for data of this form.

    Args:
        task: classification or regression.
        n_classes: number of classes; not used for a regression.
        d: number of features.
        model: a family of `FAMILIES`; by default encrypted-logistic for a classification, encrypted-ridge
            for a regression.
        rounds: how many; without a number, until the model has settled, `MOST_ROUNDS` at most.
        seed: of what the family draws at random.
        rows: of the dataset, if they are known: a family may fit its size to them.
        balance: how frequent classes are taken to be: ``even`` finds rare ones that ``data`` passes over.

    Raises:
        BadPlan: no such family, or none for such data.
    """
    classify = task is PredictionTask.CLASSIFICATION
    name = model or (EncryptedLogistic if classify else EncryptedRidge).name()
    if name not in FAMILIES:
        raise BadPlan(f"no model {name!r}: choose one of {', '.join(FAMILIES)}")
    family = FAMILIES[name]
    plan = family.default_plan(d, n_classes if classify else 0, rounds or MOST_ROUNDS, seed)
    if rounds is None:
        plan = plan.model_copy(update={"stop": plan.stop.model_copy(update={"settled": SETTLED})})
    if balance == "even":
        if not isinstance(plan, ExactPlan) or not classify:
            raise BadPlan(f"balance even is for classes and exact encrypted families, not for {name}")
        plan = plan.model_copy(update={"readout": "balanced"})
    return plan if rows is None else family.fitted(plan, rows)


def parse_plan(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Plan:
    """Reads and checks a plan.

    Raises:
        BadPlan: one line: unknown or missing fields, wrong types, a step size over its bound, a size over
            `limits`.
    """
    if len(data) > limits.plan_bytes:
        raise BadPlan(f"the plan has {len(data)} bytes; this agent reads at most {limits.plan_bytes}")
    try:
        plan = _any_plan().validate_json(data)
    except ValidationError as error:
        raise BadPlan(_one_line(error)) from error
    limits.check(plan)
    return plan


def plan_schema() -> dict[str, Any]:
    """The JSON schema of a plan."""
    return _any_plan().json_schema()


def _any_plan() -> TypeAdapter[Plan]:
    return _one_of(tuple(family.schema for family in FAMILIES.values()))


@lru_cache(maxsize=1)
def _one_of(schemas: tuple[type[Plan], ...]) -> TypeAdapter[Plan]:
    """What reads a plan of any of these kinds, told apart by `family`."""
    union: Any = Union[schemas]  # noqa: UP007  # its members are known when it runs
    return TypeAdapter(Annotated[union, Field(discriminator="family")])


def _one_line(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(step) for step in first["loc"] if step not in FAMILIES)
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    message = first["msg"].removeprefix("Value error, ").splitlines()[0]
    return f"plan: {where + ': ' if where else ''}{message}{more}"
