"""Which noise is in the sums of a dataset: its data owner says it, a plan repeats it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from agents.learning.plans.document import Document

Mode = Literal["dealt", "shared", "own"]
"""Who adds the noise. `dealt`: the data owner draws it once for the sum over the dataset, and gives each
subset a share that looks uniform. `shared`: each subset draws its part. `own`: each draws all of it."""


class Noise(Document):
    """Noise of one variance, and who adds it.

    Whole numbers, so that nobody has to work out a root or a logarithm to agree on them.
    """

    mode: Mode
    variance: int = Field(
        ge=2, le=2**80, multiple_of=2, description="of the sum; `own`: of each subset; in the moments' unit"
    )
    colluding: int = Field(
        default=0,
        ge=0,
        le=255,
        description="`shared`: subsets whose part of the noise may be known to others",
    )

    @model_validator(mode="after")
    def _is_sound(self) -> Noise:
        if self.colluding and self.mode != "shared":
            raise ValueError('colluding goes with mode "shared" only')
        return self

    def of_subset(self, subsets: int) -> int:
        """The variance of what each of so many subsets draws itself; 0 if it is dealt to them."""
        if self.mode == "dealt":
            return 0
        if self.mode == "own":
            return self.variance
        halves = 2 * max(1, subsets - self.colluding)
        return 2 * -(-self.variance // halves)

    def of_sum(self, subsets: int) -> int:
        """The variance of the sum over so many subsets."""
        return subsets * self.of_subset(subsets) or self.variance
