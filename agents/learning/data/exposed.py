"""The samples that a data owner exposes to a model owner (II-C), as a file."""

from __future__ import annotations

import numpy as np

from agents.core.errors import BadData, BadObject
from agents.learning.data.canonical import pack, unpack
from agents.learning.data.samples import Samples
from agents.learning.data.subset import check


def to_bytes(samples: Samples) -> bytes:
    """Canonical bytes of quantised samples."""
    tensors = {"features": samples.features, "target": samples.target}
    return pack(tensors, {"kind": "samples", "classes": samples.classes})


def from_bytes(data: bytes) -> Samples:
    """Reads samples.

    Raises:
        BadData: not a file that `to_bytes` made.
    """
    try:
        tensors, facts = unpack(data, "the samples")
    except BadObject as error:
        raise BadData(f"{error}: ask the data owner for the file again") from error
    classes = facts.get("classes")
    if set(tensors) != {"features", "target"} or facts.get("kind") != "samples" or type(classes) is not int:
        raise BadData("the samples: an object of another kind: ask the data owner for the file again")
    if any(array.dtype != np.int32 for array in tensors.values()):
        raise BadData("the samples: not in int32: ask the data owner for the file again")
    samples = Samples(np.asarray(tensors["features"]), np.asarray(tensors["target"]), classes)
    try:
        check(samples, "the samples", least=0)  # whose rows have noise exposes none
    except BadObject as error:
        raise BadData(f"{error}: ask the data owner for the file again") from error
    return samples
