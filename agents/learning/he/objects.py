"""The objects that the two sides hand each other, read once: encrypted weights, and results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from agents.core.errors import BadObject
from agents.learning.family import Cohort
from agents.learning.he.ring import Content


@dataclass(frozen=True, eq=False)
class EncryptedWeights:
    """A model's weights, encrypted.

    Attributes:
        ciphertexts: in NTT form.
        digest: SHA-256 of their canonical bytes; all randomness of a result is derived from it.
    """

    ciphertexts: tuple[Content, ...]
    digest: bytes


@dataclass(frozen=True, eq=False)
class EncryptedResult:
    """What a cloud owner's job gives.

    Attributes:
        ciphertexts: masked: they decrypt to nothing but in a whole cohort's sum.
        cohort: whose sum it is a part of.
        member: the subset's index.
    """

    ciphertexts: tuple[Content, ...]
    cohort: Cohort
    member: int


class PartOfSum(Protocol):
    """A result that says of itself whose it is, and of which cohort."""

    @property
    def cohort(self) -> Cohort:
        """Whose sum it is a part of."""

    @property
    def member(self) -> int:
        """The subset's index."""


def check_whole(results: Sequence[PartOfSum]) -> None:
    """Checks that results are those of all members of one cohort, once each.

    Raises:
        BadObject: otherwise.
    """
    cohorts = {(result.cohort.label, result.cohort.members) for result in results}
    if len(cohorts) != 1 or sorted(result.member for result in results) != list(results[0].cohort.members):
        raise BadObject("the results are not those of one whole cohort: they add up to nothing")
