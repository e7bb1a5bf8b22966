"""The read model as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum, StrEnum

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def jsonable(value: object) -> Json:
    """Anything of the read model, ready for `json.dumps`.

    Dataclasses become objects, bytes hexadecimal and enums names; ids, which have 256 bits, are hexadecimal
    too, as the command line takes them; a float that is no number becomes null.

    Raises:
        TypeError: there is no JSON for it.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _field(f.name, getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [jsonable(item) for item in value]
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    raise TypeError(f"no JSON for {value!r}")


_IDS = ("tc", "ci", "ds", "asset")


def _field(name: str, value: object) -> Json:
    return hex(value) if name in _IDS and isinstance(value, int) else jsonable(value)


def json_text(value: object) -> str:
    """A document for programs: ASCII, so that no text in it does anything to who looks at it.

    Raises:
        ValueError: a float in it is no number.
    """
    text = json.dumps(value, indent=2, allow_nan=False)
    return text.replace("\x7f", r"\u007f")  # the one control character that it leaves as it is
