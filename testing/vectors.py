"""The test vectors of tests/vectors.json, which tools/make_vectors.py writes."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent.parent / "tests" / "vectors.json"


@cache
def _chapters() -> dict[str, list[dict[str, Any]]]:
    chapters: dict[str, list[dict[str, Any]]] = json.loads(FILE.read_text(), object_hook=_read)
    return chapters


def vectors(chapter: str) -> list[dict[str, Any]]:
    """The vectors of one chapter: hexadecimal fields are bytes, all others as they stand in the file."""
    return _chapters()[chapter]


def number(raw: bytes) -> int:
    """An id or a set of subsets, which the file writes as 32 bytes."""
    return int.from_bytes(raw, "big")


def _read(vector: dict[str, Any]) -> dict[str, Any]:
    return {name: _parse(value) for name, value in vector.items()}


def _parse(value: Any) -> Any:
    if isinstance(value, list):
        return [_parse(item) for item in value]
    return bytes.fromhex(value[2:]) if isinstance(value, str) and value.startswith("0x") else value
