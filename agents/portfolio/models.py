"""What a model owner's home has of a model."""

from __future__ import annotations

from pathlib import Path

from agents.core.errors import BadInput, BadObject
from agents.learning.families.registry import parse_plan
from agents.learning.integers.weights import Weights
from agents.learning.plans.base import Plan
from agents.portfolio.entries import ModelEntry
from agents.portfolio.files import FOLDERS
from agents.storage.files import read
from agents.workers.model_owner import PLAN_FILE


def latest_weights(home: Path, name: str) -> tuple[int, Path]:
    """The number of the last round of which there are weights, and their file.

    Raises:
        BadInput: there are none.
    """
    states = (home / FOLDERS[ModelEntry] / name).glob("states/*/*.weights")
    rounds = sorted((int(path.stem), path) for path in states)
    if not rounds:
        raise BadInput(f"{home} has no trained model {name!r}: name a model owner's home, and a model of it")
    return rounds[-1]


def trained(home: Path, name: str) -> tuple[Plan, Weights]:
    """Plan and weights of a model's last round.

    Raises:
        BadInput: there are none, or they are damaged.
    """
    _, path = latest_weights(home, name)
    plan_file = home / FOLDERS[ModelEntry] / name / PLAN_FILE
    data, weights = read(plan_file), read(path)
    if data is None or weights is None:
        raise BadInput(f"{plan_file} is gone: restore it from a backup")
    plan = parse_plan(data)
    try:
        return plan, Weights.from_bytes(weights, plan)
    except BadObject as bad:
        raise BadInput(f"{path}: {bad}") from bad
