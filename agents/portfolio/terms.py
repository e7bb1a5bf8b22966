"""The terms of a dataset, as its owner writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from agents.core.amounts import ETHER, Wei
from agents.core.errors import BadInput
from agents.core.events import DatasetTerms
from agents.portfolio.checking import Checked, checked, validated

_MAX_WINDOW = 2**24 - 1
_MAX_AMOUNT = 2**96 - 1


class Terms(Checked):
    """The terms of a dataset that do not follow from its shape; see ``IDistribution.DatasetTerms``.

    The defaults: a cheat loses ten times what a job pays; an instance can afford four misses; a data owner
    that withholds a seed loses what ten rounds would have paid it.
    """

    round_price: Wei = Field(default=ETHER // 100, ge=0, le=_MAX_AMOUNT)
    job_price: Wei = Field(default=ETHER // 1000, ge=0, le=_MAX_AMOUNT)
    instance_bond: Wei = Field(default=ETHER // 100, ge=0, le=_MAX_AMOUNT)
    miss_penalty: Wei = Field(default=ETHER // 400, ge=0, le=_MAX_AMOUNT)
    couple_bond: Wei = Field(default=ETHER // 10, ge=0, le=_MAX_AMOUNT)
    answer_window_seconds: int = Field(default=24 * 3600, ge=1, le=_MAX_WINDOW)
    draw_window_seconds: int = Field(default=3600, ge=1, le=_MAX_WINDOW)
    report_window_seconds: int = Field(default=6 * 3600, ge=1, le=_MAX_WINDOW)
    settle_window_seconds: int = Field(default=6 * 3600, ge=1, le=_MAX_WINDOW)
    couple_window_seconds: int = Field(default=30 * 24 * 3600, ge=1, le=2**32 - 1)
    offer_seconds: int = Field(default=365 * 24 * 3600, ge=1, le=2**39)

    @model_validator(mode="after")
    def _bond_covers(self) -> Self:
        if self.instance_bond < max(self.job_price, self.miss_penalty):
            raise ValueError("instance_bond must cover job_price and miss_penalty")
        return self

    def of(self, subsets: int, subsets_per_round: int, replicas: int) -> DatasetTerms:
        """The whole terms; `ends_at` counts from when the dataset is made."""
        fields = self.model_dump(exclude={"offer_seconds"})
        return DatasetTerms(subsets, subsets_per_round, replicas, **fields, ends_at=self.offer_seconds)


def read_terms_of(fields: Mapping[str, object]) -> Terms:
    """Terms of which some may be given, as a kit has them.

    Raises:
        BadInput: they are none.
    """
    return validated(Terms, fields, lambda name: f"terms: {name}")


def read_terms(given: object) -> object:
    """Terms that a JSON file holds; what is no name of a file is left as it is.

    Raises:
        BadInput: one line: it cannot be read, or what is wrong with it.
    """
    if not isinstance(given, str | Path):
        return given
    try:
        return checked(Terms, **_json_object(Path(given)))
    except BadInput as problem:
        raise BadInput(f"terms {given}: {problem}") from None


def _json_object(file: Path) -> dict[str, object]:
    try:
        fields = json.loads(file.read_bytes())
    except OSError as problem:
        raise BadInput(f"{problem.strerror}: name a JSON file of terms") from None
    except (ValueError, RecursionError) as problem:
        raise BadInput(f"{problem}: name a JSON file of terms") from None
    if not isinstance(fields, dict):
        raise BadInput("not a JSON object: name a JSON file of terms")
    return fields
