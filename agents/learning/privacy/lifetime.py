"""What may still be shown of some people, by all that was shown of them before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction

from agents.core.errors import BadInput
from agents.learning.privacy.accounting import epsilon_of, rho_for
from agents.learning.privacy.levels import Secrecy
from agents.learning.privacy.maps import ShownMap
from agents.learning.privacy.rule_of_thumb import EPSILONS

LIFETIME_EPSILON = 4
"""By default, of a table."""

_OTHERS = "if these are other people, say so with --new-people"


@dataclass(frozen=True)
class Spent:
    """What one offer at level private took of its people's lifetime.

    Attributes:
        epsilon: of the offer. `rho`: the same in the unit that adds up.
        digits: delta is 10^-digits.
        lifetime: epsilon that was promised to these people for all offers together.
    """

    epsilon: int
    rho: Fraction
    digits: int
    lifetime: int = LIFETIME_EPSILON

    def to_json(self) -> str:
        """What `from_json` reads."""
        return json.dumps({**asdict(self), "rho": str(self.rho)})

    @classmethod
    def from_json(cls, text: str) -> Spent:
        """What was kept."""
        facts = json.loads(text)
        return cls(**{**facts, "rho": Fraction(facts["rho"])})


@dataclass(frozen=True)
class Lifetime:
    """The budget of some people, over all offers of theirs.

    Attributes:
        epsilon: for all offers together: the least that any of them promised.
        digits: delta is 10^-digits: the least of all offers.
        spent: by each offer.
    """

    epsilon: int
    digits: int
    spent: tuple[Spent, ...] = ()

    @property
    def budget(self) -> Fraction:
        """Rho for all offers together."""
        return rho_for(self.epsilon, 10.0**-self.digits)

    @property
    def rho_spent(self) -> Fraction:
        """Rho of all offers so far."""
        return sum((one.rho for one in self.spent), Fraction(0))

    @property
    def left(self) -> Fraction:
        """Rho that is left; 0 if there is none."""
        return max(Fraction(0), self.budget - self.rho_spent)

    @property
    def epsilon_spent(self) -> float:
        """What all offers so far come to."""
        return epsilon_of(float(self.rho_spent), 10.0**-self.digits) if self.rho_spent else 0.0

    @property
    def largest(self) -> int:
        """The largest epsilon that another offer may have; 0 if there is none."""
        of_each = {epsilon: rho_for(epsilon, 10.0**-self.digits) for epsilon in EPSILONS}
        return max((epsilon for epsilon, rho in of_each.items() if rho <= self.left), default=0)

    def another(self) -> int:
        """See `largest`.

        Raises:
            BadInput: nothing is left.
        """
        if not self.largest:
            raise BadInput(
                f"nothing is left: the people in this table were promised epsilon {self.epsilon} for life, "
                f"and {self.epsilon_spent:.2f} of it is spent. Leave what is offered as it is: couples cost "
                f"nothing more; offer other people's rows; {_OTHERS}"
            )
        return self.largest


def check_levels(level: Secrecy, before: Sequence[Secrecy], difference: int | None, least: int) -> None:
    """Whether some people's rows may be offered at a level, after what was offered of them.

    Args:
        level: of the new offer.
        before: levels of the offers of the same people.
        difference: in how many rows it differs from the one of these that is most like it; None if there is
            none with the same columns and at a level with exact sums.
        least: in so many rows it has to differ, unless in none.

    Raises:
        BadInput: one promise would break another.
    """
    if level == "private":
        exact = next((other for other in before if other != "private"), None)
        if exact is not None:
            raise BadInput(
                f"the people in this table were offered at level {exact} before, whose sums are exact: no "
                f"noise takes that back. Offer other people's rows; {_OTHERS}"
            )
    elif "private" in before:
        raise BadInput(
            f"the people in this table were promised noise for life (level private): exact sums at level "
            f"{level} would break that. Offer them at level private; {_OTHERS}"
        )
    elif level != "none" and difference is not None and 0 < difference < least:
        raise BadInput(
            f"this table differs in {difference} rows from one that was offered before, and the difference "
            f"of their sums would show these: offer the same table, or one that differs in {least} rows at "
            f"least; {_OTHERS}"
        )


def map_to_json(shown: ShownMap) -> str:
    """What `map_from_json` reads."""
    return json.dumps(asdict(shown))


def map_from_json(text: str) -> ShownMap:
    """What was kept."""
    return ShownMap(**json.loads(text))
