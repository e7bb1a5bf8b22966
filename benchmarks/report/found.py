"""What the parts of a run found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Found = Mapping[str, Any]
"""By part; a part, or a chain of it, that could not be measured says why under ``skipped`` or ``failed``."""


def measured(found: Found, part: str) -> dict[str, Any]:
    """What of a part was measured, by chain."""
    return {
        name: one
        for name, one in found.get(part, {}).items()
        if isinstance(one, dict) and not one.keys() & {"skipped", "failed"}
    }
