"""Events as the contract logs them: the codec's opposite, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from agents.core.events import MarketEvent


@dataclass(frozen=True)
class Log:
    """What the contract writes: topics of 32 bytes, and data."""

    topics: tuple[bytes, ...]
    data: bytes


def as_log(abi: Sequence[dict[str, Any]], event: MarketEvent) -> Log:
    """The log of an event, written after the ABI specification alone."""
    name = type(event).__name__
    (entry,) = [entry for entry in abi if entry["type"] == "event" and entry["name"] == name]
    types = [_type(parameter) for parameter in entry["inputs"]]
    topics = [keccak(text=f"{name}({','.join(types)})")]
    plain_types, plain_values = [], []
    for parameter, type_, value in zip(entry["inputs"], types, astuple(event), strict=True):
        if parameter["indexed"]:
            topics.append(encode([type_], [value]))
        else:
            plain_types.append(type_)
            plain_values.append(value)
    return Log(tuple(topics), encode(plain_types, plain_values))


def _type(parameter: dict[str, Any]) -> str:
    if parameter["type"] != "tuple":
        return str(parameter["type"])
    return f"({','.join(map(_type, parameter['components']))})"
