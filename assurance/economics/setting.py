"""What a game is played for: the terms, and what work, gas and results are worth to those who play."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

from agents.core.amounts import ETHER, GWEI
from agents.core.errors import BadInput
from agents.core.events import DatasetTerms
from agents.portfolio.checking import checked
from agents.portfolio.terms import Terms
from testing.backend import START

DEPOSIT = 10**24
"""What each member pays in before all begins, in wei."""


@dataclass(frozen=True)
class Setting:
    """One market; amounts in wei.

    Attributes:
        terms: prices, bonds and windows.
        training_cost: what a cloud owner spends on training once.
        gas_price: wei a unit of gas.
        result_value: what the result of one subset is worth to a model owner.
        max_quorum: the data owner's policy, as in `agents.roles.policy.DataOwnerPolicy`.
        dishonest: the chance that another cloud owner lies, in league with all that do.
        settled: the chance that anybody settles a subset: a lie costs nothing where nobody does.
    """

    terms: Terms = field(default_factory=Terms)
    training_cost: int = ETHER // 10_000
    gas_price: int = GWEI
    result_value: int = ETHER * 16 // 1000
    subsets: int = 4
    subsets_per_round: int = 2
    replicas: int = 3
    rounds: int = 4
    quorum: int = 0
    max_quorum: int = 0
    dishonest: float = 0.0
    settled: float = 1.0

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("training cost", self.training_cost, 0, ETHER * 10**6),
            ("gas price", self.gas_price, 0, ETHER),
            ("result value", self.result_value, 0, ETHER * 10**6),
            ("replicas", self.replicas, 1, 16),
            ("subsets", self.subsets, 1, 16),
            ("subsets a round", self.subsets_per_round, 1, self.subsets),
            ("rounds", self.rounds, 1, 100),
            ("dishonest share", self.dishonest, 0, 1),
            ("chance of settlement", self.settled, 0, 1),
            ("escrow", self.rounds * self.dataset_terms.escrow_per_round, 0, DEPOSIT),
            ("couple bond", self.terms.couple_bond, 0, DEPOSIT),
            ("bond", self.terms.instance_bond, 0, DEPOSIT),
        ):
            if not least <= value <= most:
                raise BadInput(f"{name} is {value}: choose {least} to {most}")

    def but(self, **changes: int | float) -> Self:
        """The same with these terms or other fields changed.

        Raises:
            BadInput: one line that says what does not fit.
        """
        own = {name: changes.pop(name) for name in tuple(changes) if name in self.__dataclass_fields__}
        terms = checked(Terms, **(self.terms.model_dump() | changes))
        return replace(self, terms=terms, **own)  # type: ignore[arg-type]

    @property
    def dataset_terms(self) -> DatasetTerms:
        """What the data owner offers."""
        terms = self.terms.of(self.subsets, self.subsets_per_round, self.replicas)
        return replace(terms, ends_at=START + terms.ends_at)
