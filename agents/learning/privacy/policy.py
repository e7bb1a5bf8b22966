"""What a data owner asks for whose rows noise is to protect, and what it promises to the people in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field, ValidationError

from agents.core.errors import BadInput
from agents.learning.data.samples import FloatArray
from agents.learning.data.tables import Table
from agents.learning.plans.document import Document
from agents.learning.plans.noise import Mode, Noise
from agents.learning.plans.rational import PositiveRational


def _ascending(values: tuple[float, float]) -> tuple[float, float]:
    if not values[0] < values[1]:
        raise ValueError(f"a range goes up: {values[0]} to {values[1]} does not")
    return values


Finite = Annotated[float, Field(allow_inf_nan=False)]
Range = Annotated[tuple[Finite, Finite], AfterValidator(_ascending)]
"""The least and the largest value, known to everybody beforehand; what is outside is cut."""


class PrivacyPolicy(Document):
    """A data owner's settings, a JSON file.

    Nothing of it may be read off the rows: ranges are those of the scale or the device, or what is known
    anyway. A column that is made of a category, ``column=category``, has the range 0 to 1 unless named.
    """

    columns: dict[str, Range] = Field(description="range of each column, by name")
    target: Range | None = Field(default=None, description="range of the target of a regression")
    epsilon: Literal[1, 2, 4] | None = Field(
        default=None, description="of this offer; by default the least that the table affords"
    )
    noise: Mode = Field(default="dealt", description="who adds the noise")
    colluding: int = Field(default=0, ge=0, le=255, description="`shared`: subsets that may collude")
    rows_of_a_person: int = Field(default=1, ge=1, description="the most rows of one person")

    def ranges(self, table: Table) -> tuple[FloatArray, FloatArray]:
        """(d,) least and largest values of the table's columns.

        Raises:
            BadInput: a column without a range, or a range without a column.
        """
        missing = [name for name in table.feature_names if name not in self.columns and "=" not in name]
        unknown = sorted(set(self.columns) - set(table.feature_names))
        if missing or unknown:
            what = "no range for column" if missing else "a range, but no column"
            raise BadInput(f"{table.name}: {what} {_listed(missing or unknown)}: name what is public of each")
        low, high = zip(*(self.columns.get(name, (0.0, 1.0)) for name in table.feature_names), strict=True)
        return np.array(low), np.array(high)

    def target_range(self, table: Table) -> tuple[float, float]:
        """The range of a regression's target.

        Raises:
            BadInput: none is named.
        """
        if self.target is None:
            raise BadInput(f"{table.name}: the target is a number: name its public range as `target`")
        return self.target


def read_policy(file: Path) -> PrivacyPolicy:
    """A data owner's settings, of a JSON file.

    Raises:
        BadInput: it cannot be read, or is none.
    """
    try:
        return PrivacyPolicy.model_validate_json(file.read_bytes())
    except OSError as problem:
        raise BadInput(f"privacy {file}: {problem}: name a JSON file of ranges") from None
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        raise BadInput(f"privacy {file}: {where + ': ' if where else ''}{message}") from None


class Guarantee(Document):
    """What a dataset's description says of its noise: public, and all that a model owner needs of it.

    Nobody's row changes what all model owners together can see by more than epsilon and delta allow. A value
    x of a column is used as v = 2 (x - low) / (high - low) - 1, cut at -1 and 1, and then as
    (v - centre) / scale; centre and scale are in units of 2^-12 and come from sums with noise.
    """

    epsilon: int
    delta_digits: int = Field(description="delta is 10^-delta_digits")
    rho: PositiveRational = Field(
        description="the budget of all releases together, and of the held-out moments of other rows as well"
    )
    rows_of_a_person: int
    noise: Noise
    held_out: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the held-out moments, where they are in the store"
    )
    low: tuple[Finite, ...]
    high: tuple[Finite, ...]
    centre: tuple[int, ...]
    scale: tuple[int, ...]
    target: Range | None = None

    @property
    def columns(self) -> int:
        """How many columns it is for; -1 if it is not for the same number throughout."""
        sizes = {len(each) for each in (self.low, self.high, self.centre, self.scale)}
        return sizes.pop() if len(sizes) == 1 else -1


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(map(repr, names[:3])) + more
