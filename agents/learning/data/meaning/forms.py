"""How the cells of a column are written: what a reader decides once for all of them, or a schema says."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from agents.learning.plans.document import Document

DateForm = Literal[
    "year, month, day",
    "day.month.year",
    "month/day/year",
    "day/month/year",
    "day, month's name, year",
    "month's name, day, year",
    "year and month",
    "hours and minutes",
    "yyyymmdd",
]
"""Days are counted from 1970 on, hours from midnight."""


class NumberForm(Document):
    """How numbers are written; by default as programs do, -1.5e3.

    Limits (<0.1), other minus signs and brackets for negative amounts are understood in any form.
    """

    thousands: Literal["", ",", ".", " ", "'"] = Field(default="", description="stands between groups")
    decimal: Literal[".", ",", ".,"] = Field(default=".", description="stands before decimals")
    units: tuple[str, ...] = Field(default=(), description="%, a currency, kg: may stand beside a number")
    bare_factor: Literal[1, 100] = Field(
        default=1, description="of a number without the % that others have: 100 where it is a share of 1"
    )

    @model_validator(mode="after")
    def _marks_differ(self) -> NumberForm:
        if self.thousands and (self.thousands == self.decimal or len(self.decimal) > 1):
            raise ValueError(f"{self.thousands!r} between thousands and {self.decimal!r} before decimals")
        if self.bare_factor != 1 and "%" not in self.units:
            raise ValueError("bare_factor is for columns whose units have '%'")
        return self


PLAIN = NumberForm()
