"""Canonical bytes of named integer arrays: safetensors with its freedoms taken away.

Three traps of the format are closed: it writes an array that is not C-contiguous in the wrong order without
a word, it writes metadata keys in random order, and it accepts several byte strings for one content. Here
arrays are C-contiguous and little-endian, metadata is one key, and reading refuses every byte string other
than the one that writing gives.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from agents.core.errors import BadObject

Array = npt.NDArray[np.int32] | npt.NDArray[np.int64]
Facts = Mapping[str, int | str | bool]

_FACTS = "holdfast"
_TYPES = (np.dtype("<i4"), np.dtype("<i8"))


def pack(tensors: Mapping[str, Array], facts: Facts) -> bytes:
    """The canonical bytes of int32 and int64 arrays with a few facts about them.

    Raises:
        ValueError: an array that is not int32 or int64.
    """
    laid_out: dict[str, npt.NDArray[np.generic]] = {}
    for name in sorted(tensors):
        array = tensors[name]
        if array.dtype.newbyteorder("<") not in _TYPES:
            raise ValueError(f"tensor {name!r} is {array.dtype}, not int32 or int64")
        laid_out[name] = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return save(laid_out, {_FACTS: json.dumps(dict(facts), sort_keys=True, separators=(",", ":"))})


def unpack(data: bytes, what: str) -> tuple[dict[str, Array], dict[str, object]]:
    """Arrays and facts of canonical bytes.

    Args:
        data: as `pack` made them.
        what: named in the error, e.g. ``"the weights"``.

    Raises:
        BadObject: not safetensors, not ours, or not canonical.
    """
    try:
        tensors = load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        facts = json.loads(header["__metadata__"][_FACTS])
        canonical = pack(tensors, facts) == data
    except (SafetensorError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise BadObject(f"{what}: not a Holdfast tensor file") from error
    if not canonical:
        raise BadObject(f"{what}: not in canonical form")
    return tensors, facts


def digest(data: bytes) -> bytes:
    """SHA-256 of canonical bytes: the digest behind the receipts."""
    return hashlib.sha256(data).digest()
