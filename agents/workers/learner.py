"""How a model owner learns from results: from each in plain text, or from whole sums of encrypted ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from agents.core.hashing import set_bits
from agents.learning.family import EncryptedFamily, KeyPair
from agents.learning.integers.update import Update
from agents.learning.integers.weights import TrainedModel, Weights
from agents.learning.plans.encrypted import EncryptedPlan
from agents.learning.plans.plan import Plan
from agents.roles.acts import PublishWeights, SettledRef


class Learner(ABC):
    """What a model owner does with results.

    Attributes:
        carries_on: whether a sum that is not whole goes on in the next round.
    """

    carries_on = False

    @abstractmethod
    def check(self, result: bytes) -> None:
        """Checks the form of a result.

        Raises:
            BadObject: not canonical, or not of the plan.
        """

    @abstractmethod
    def publish(self, weights: Weights) -> bytes:
        """What cloud owners are given of the weights; its SHA-256 is the model hash on chain."""

    def counted(self, task: PublishWeights) -> tuple[SettledRef, ...]:
        """The settled results that new weights may be made of: those of the last round."""
        return tuple(ref for ref in task.settled if ref.round == task.round)

    @abstractmethod
    def is_whole(self, task: PublishWeights, found: Mapping[int, bytes]) -> bool:
        """Whether the results found, by subset, make new weights."""

    @abstractmethod
    def update(self, weights: Weights, found: Mapping[int, bytes]) -> Update:
        """What results come to that are whole.

        Raises:
            BadObject: they do not add up to anything: one of them is false.
        """


class PlainLearner(Learner):
    """Learns from each result."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def check(self, result: bytes) -> None:
        """See `Learner.check`."""
        TrainedModel.from_bytes(result, self.plan)

    def publish(self, weights: Weights) -> bytes:
        """The weights themselves."""
        return weights.to_bytes()

    def is_whole(self, task: PublishWeights, found: Mapping[int, bytes]) -> bool:
        """Any result will do."""
        del task
        return bool(found)

    def update(self, weights: Weights, found: Mapping[int, bytes]) -> Update:
        """The sum, made here."""
        return Update.of(weights, [TrainedModel.from_bytes(data, self.plan) for data in found.values()])


class EncryptedLearner(Learner):
    """Learns from nothing but the sum of a whole cohort.

    Args:
        plan: says what is summed.
        family: of the plan.
        keys: reads them; they may be large, and most rounds do without.
    """

    def __init__(self, plan: EncryptedPlan, family: EncryptedFamily, keys: Callable[[], KeyPair]) -> None:
        self.plan, self.family, self.keys = plan, family, keys
        self.carries_on = plan.sums == "dataset"

    def check(self, result: bytes) -> None:
        """See `Learner.check`."""
        self.family.check_result(result)

    def publish(self, weights: Weights) -> bytes:
        """A fresh encryption."""
        return self.family.encrypt(self.keys(), weights)

    def counted(self, task: PublishWeights) -> tuple[SettledRef, ...]:
        """With sums over the dataset, all results for these weights, from whichever round."""
        return task.settled if self.carries_on else super().counted(task)

    def is_whole(self, task: PublishWeights, found: Mapping[int, bytes]) -> bool:
        """Every subset of the cohort has one."""
        wanted = range(task.subsets) if self.carries_on else set_bits(task.drawn)
        return bool(found) and set(found) == set(wanted)

    def update(self, weights: Weights, found: Mapping[int, bytes]) -> Update:
        """The sum, decrypted."""
        del weights
        return self.family.decrypt(self.keys(), list(found.values()))
