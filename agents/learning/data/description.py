"""What the public may know of a dataset: its form, no name and no datum."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agents.core.errors import BadObject
from agents.learning.data.prepare import Prepared
from agents.learning.data.samples import PredictionTask
from agents.learning.data.tables import Table
from agents.learning.privacy.levels import Secrecy
from agents.learning.privacy.policy import Guarantee

Count = Annotated[int, Field(ge=1)]


class Description(BaseModel):
    """A dataset's public description, a JSON document in the object store.

    Attributes:
        features: columns. `rows`: of all subsets together.
        classes: 0 for a regression.
        level: what its data owner promises.
        guarantee: at level private, the figures of the promise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    task: PredictionTask
    features: Count
    classes: int = Field(ge=0)
    rows: Count
    level: Secrecy
    guarantee: Guarantee | None = None

    @model_validator(mode="after")
    def _is_sound(self) -> Description:
        if self.classes == 1 or (self.task is PredictionTask.CLASSIFICATION) != bool(self.classes):
            raise ValueError(f"a {self.task.value} with {self.classes} classes")
        if (self.level == "private") != (self.guarantee is not None):
            raise ValueError("level private goes with a guarantee, and only with one")
        if self.guarantee is not None and self.guarantee.columns != self.features:
            raise ValueError(f"a guarantee for other columns than the {self.features} there are")
        return self


def describe(
    table: Table, prepared: Prepared, level: Secrecy, guarantee: Guarantee | None = None
) -> Description:
    """The description of a table's training rows."""
    features = int(prepared.train.features.shape[1])
    return Description(
        task=table.task,
        features=features,
        classes=prepared.train.classes,
        rows=len(prepared.train),
        level=level,
        guarantee=guarantee,
    )


def parse_description(data: bytes) -> Description:
    """Reads another member's description.

    Raises:
        BadObject: it is none.
    """
    try:
        return Description.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BadObject(
            f"the dataset's description is of no use ({where + ': ' if where else ''}{first['msg']}): "
            "choose another dataset"
        ) from error
