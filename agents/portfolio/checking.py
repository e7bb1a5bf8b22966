"""Values that people write, checked: what is wrong is one line that names its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from agents.core.errors import BadInput


class Checked(BaseModel):
    """Settings, or what a file of theirs says."""

    model_config = ConfigDict(frozen=True, extra="forbid")


S = TypeVar("S", bound=Checked)


@dataclass(frozen=True)
class Flag:
    """How a setting's option is called if not as the setting is; `name` is None where there is no option."""

    name: str | None


def checked(kind: type[S], /, **values: object) -> S:
    """Settings of a kind.

    Raises:
        BadInput: one line: which setting is wrong and why.
    """
    return validated(kind, values)


def validated(kind: type[S], values: Mapping[str, object], place: Callable[[str], str] = str) -> S:
    """Settings of a kind, by their names.

    Args:
        kind: of settings.
        values: what was given for each.
        place: where a setting was given, as the message names it.

    Raises:
        BadInput: one line: which setting is wrong and why.
    """
    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        setting, *inside = [part for part in first["loc"] if isinstance(part, str) and part != "[key]"] or [
            ""
        ]
        where = " ".join([place(setting), *inside]) + ": " if setting else ""
        raise BadInput(where + first["msg"].removeprefix("Value error, ")) from None
