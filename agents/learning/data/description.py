"""What the public may know of a dataset: its form, no name and no datum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agents.core.errors import BadObject
from agents.core.ids import ENTRY_NAME
from agents.learning.data.mask_keys import check_public
from agents.learning.data.prepare import Prepared
from agents.learning.data.samples import PredictionTask
from agents.learning.data.schema.document import Schema
from agents.learning.data.split import MAX_SUBSETS
from agents.learning.data.tables import Table
from agents.learning.privacy.levels import Secrecy
from agents.learning.privacy.policy import Guarantee

Count = Annotated[int, Field(ge=1)]
HexKey = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Description(BaseModel):
    """A dataset's public description, a JSON document in the object store.

    Attributes:
        features: columns. `rows`: of all subsets together.
        classes: 0 for a regression.
        level: what its data owner promises.
        mask_keys: the public half of each subset's mask key, hexadecimal, in the order of the subsets.
        guarantee: at level private, the figures of the promise.
        schema_hash: SHA-256 of the schema, hexadecimal: with one hash columns mean the same.
        largest: rows of the largest subset.
        name: how its owner calls it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    task: PredictionTask
    features: Count
    classes: int = Field(ge=0)
    rows: Count
    level: Secrecy
    mask_keys: tuple[HexKey, ...] = Field(min_length=1, max_length=MAX_SUBSETS)
    guarantee: Guarantee | None = None
    schema_hash: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    largest: Count | None = None
    name: str | None = Field(default=None, pattern=ENTRY_NAME)

    @model_validator(mode="after")
    def _is_sound(self) -> Description:
        if self.classes == 1 or (self.task is PredictionTask.CLASSIFICATION) != bool(self.classes):
            raise ValueError(f"a {self.task.value} with {self.classes} classes")
        if (self.level == "private") != (self.guarantee is not None):
            raise ValueError("level private goes with a guarantee, and only with one")
        if self.guarantee is not None and self.guarantee.columns != self.features:
            raise ValueError(f"a guarantee for other columns than the {self.features} there are")
        if (self.largest or 0) > self.rows:
            raise ValueError(f"a subset of {self.largest} rows, of {self.rows} in all")
        check_public(self.public_keys)
        return self

    @property
    def public_keys(self) -> tuple[bytes, ...]:
        """The mask keys as bytes."""
        return tuple(map(bytes.fromhex, self.mask_keys))

    @property
    def most_rows(self) -> int:
        """Rows that a subset has at most."""
        return self.largest or self.rows


def describe(
    table: Table,
    prepared: Prepared,
    level: Secrecy,
    public_keys: Sequence[bytes],
    guarantee: Guarantee | None = None,
    *,
    schema: Schema | None = None,
    largest: int | None = None,
) -> Description:
    """The description of a table's training rows, and of the keys that hide what comes of them.

    Args:
        table: that they are from.
        prepared: they.
        level: what is promised.
        public_keys: the public halves of the subsets' mask keys.
        guarantee: at level private.
        schema: if the description is to hold its hash.
        largest: rows of the largest subset.
    """
    features = int(prepared.train.features.shape[1])
    return Description(
        task=table.task,
        features=features,
        classes=prepared.train.classes,
        rows=len(prepared.train),
        level=level,
        mask_keys=tuple(key.hex() for key in public_keys),
        guarantee=guarantee,
        schema_hash=None if schema is None else schema.digest().hex(),
        largest=largest,
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
