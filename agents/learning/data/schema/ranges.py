"""The public ranges of a schema, as noise that protects people needs them."""

from __future__ import annotations

from agents.core.errors import BadData
from agents.learning.data.schema.document import Schema
from agents.learning.data.schema.kinds import CategoryColumn, ClassTarget

Range = tuple[float, float]


def ranges(schema: Schema) -> tuple[dict[str, Range], Range | None]:
    """The least and largest value of each column of numbers, and of a target that is one.

    Raises:
        BadData: the schema does not say that they are public, or has none for a column.
    """
    if not schema.public:
        raise BadData("the schema's ranges are not public: look that they are, and set public to true")
    found: dict[str, Range] = {}
    for column in schema.columns:
        if not isinstance(column, CategoryColumn):
            found[column.name] = _of(column.name, column.range)
    target = schema.target
    return found, None if isinstance(target, ClassTarget) else _of(target.name, target.range)


def _of(name: str, given: Range | None) -> Range:
    if given is None:
        raise BadData(f"the schema has no range for column {name!r}: name what is public of it")
    return given
