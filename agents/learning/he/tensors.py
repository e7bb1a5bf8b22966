"""Canonical bytes of residues: their parameters, what they are, and every number in full."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from agents.core.errors import BadObject
from agents.learning.data.canonical import Array, Facts, pack, unpack
from agents.learning.he.ring import Residues, column
from agents.learning.he.seal import Context


def pack_residues(context: Context, kind: str, tensors: Mapping[str, Residues], facts: Facts) -> bytes:
    """The canonical bytes.

    Args:
        context: of the parameters.
        kind: what they are.
        tensors: name to residues, (..., primes, degree) uint64.
        facts: more that is to be kept.
    """
    signed: dict[str, Array] = {name: array.view(np.int64) for name, array in tensors.items()}
    return pack(signed, {**facts, "kind": kind, "parameters": context.fingerprint})


def unpack_residues(
    context: Context, data: bytes, kind: str, what: str
) -> tuple[dict[str, Residues], dict[str, object]]:
    """The residues, (..., primes, degree) uint64 by name, and the facts that were kept with them.

    Args:
        context: of the parameters.
        data: as `pack_residues` made them.
        kind: what they must be.
        what: named in errors.

    Raises:
        BadObject: not canonical, of another kind or of other parameters, or a residue that is not below its
            prime.
    """
    tensors, facts = unpack(data, what)
    if facts.pop("kind", None) != kind or facts.pop("parameters", None) != context.fingerprint:
        raise BadObject(f"{what}: of another kind, or of other encryption parameters, than the plan's")
    return {name: _residues(context, name, array, what) for name, array in tensors.items()}, facts


def check_shapes(tensors: Mapping[str, Residues], shapes: Mapping[str, tuple[int, ...]], what: str) -> None:
    """Checks names and shapes of residues.

    Raises:
        BadObject: others than expected.
    """
    found = {name: residues.shape for name, residues in tensors.items()}
    if found != dict(shapes):
        raise BadObject(f"{what}: {found} where the plan has {dict(shapes)}")


def _residues(context: Context, name: str, array: Array, what: str) -> Residues:
    if array.dtype != np.int64 or array.ndim < 3 or array.shape[-1] != context.degree:
        raise BadObject(f"{what}: {name!r} is not residues of degree {context.degree}")
    if array.shape[-2] not in context.ids:
        raise BadObject(f"{what}: {name!r} has {array.shape[-2]} primes")
    residues = array.view(np.uint64)
    if (residues >= column(context.all_primes[: array.shape[-2]])).any():
        raise BadObject(f"{what}: {name!r} has a residue that is not below its prime")
    return residues
