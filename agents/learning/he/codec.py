"""Canonical bytes of the objects of one plan: what is read is checked once, and typed from then on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agents.core.errors import BadObject, BadPlan
from agents.learning.data.canonical import digest
from agents.learning.he.cohorts import cohort_facts, read_cohort
from agents.learning.he.keys import KeyForm, PublicKeys, load_keys
from agents.learning.he.objects import EncryptedResult, EncryptedWeights
from agents.learning.he.recent import Latest, Recent
from agents.learning.he.ring import Content, Residues, RlweSecretKey
from agents.learning.he.seal import Context
from agents.learning.he.tensors import check_shapes, pack_residues, unpack_residues


@dataclass(frozen=True)
class ObjectForm:
    """What the objects of a plan consist of.

    Attributes:
        keys: that are published.
        inputs: leading axes of the encrypted weights: none for one ciphertext, (n,) for n of them.
        results: ciphertexts of a result.
        result_primes: that these have left.
        scale: of the encrypted weights; 1 but in CKKS.
        result_scales: whether a result says the scale of each ciphertext, and is in NTT form: CKKS.
    """

    keys: KeyForm
    inputs: tuple[int, ...]
    results: int
    result_primes: int
    scale: float = 1.0
    result_scales: bool = False


class ObjectCodec:
    """Canonical bytes of a plan's keys, encrypted weights and results.

    Args:
        context: of the plan's parameters.
        form: of the objects.
        keys: hexadecimal SHA-256 of the published keys, as the plan names it.
    """

    def __init__(self, context: Context, form: ObjectForm, keys: str) -> None:
        self._context, self.form, self._keys = context, form, keys
        self._names: Latest[bytes] = Latest()
        self._loaded: Recent[PublicKeys] = Recent(1)

    # --- keys ---

    def write_secret(self, secret: RlweSecretKey) -> bytes:
        """The bytes of a secret key."""
        return pack_residues(self._context, "secret key", {"secret": secret.values[None]}, {})

    def secret(self, data: bytes) -> RlweSecretKey:
        """A secret key.

        Raises:
            BadObject: not canonical, or of other parameters.
        """
        tensors, _ = unpack_residues(self._context, data, "secret key", "the secret key")
        return RlweSecretKey(tensors["secret"].reshape(-1, self._context.degree))

    def write_public(self, published: Mapping[str, Residues]) -> bytes:
        """The bytes of keys to be published."""
        return pack_residues(self._context, "public keys", published, {})

    def public(self, data: bytes) -> PublicKeys:
        """The published keys: loaded once, and the same bytes object, which is long, is hashed once.

        Raises:
            BadPlan: not those that the plan names.
            BadObject: not canonical, or not of this plan.
        """
        name = self._names.get(data, digest)
        if name.hex() != self._keys:
            raise BadPlan("the published keys are not those that the plan names")
        return self._loaded.get(name, lambda: self._load(data))

    def _load(self, data: bytes) -> PublicKeys:
        what, context, form = "the published keys", self._context, self.form.keys
        tensors, facts = unpack_residues(context, data, "public keys", what)
        check_shapes(tensors, form.shapes(context), what)
        if facts:
            raise BadObject(f"{what}: not in the form of this plan's")
        return load_keys(context, form, tensors)

    # --- weights ---

    def write_weights(self, ciphertexts: Sequence[Content]) -> bytes:
        """The bytes of encrypted weights in NTT form."""
        stacked = np.stack([content.residues for content in ciphertexts])
        shaped = stacked.reshape(*self.form.inputs, *stacked.shape[1:])
        return pack_residues(self._context, "encrypted weights", {"weights": shaped}, {})

    def weights(self, data: bytes) -> EncryptedWeights:
        """Encrypted weights.

        Raises:
            BadObject: not canonical, or not of this plan.
        """
        what, one = "the encrypted weights", (2, len(self._context.primes), self._context.degree)
        tensors, facts = unpack_residues(self._context, data, "encrypted weights", what)
        check_shapes(tensors, {"weights": (*self.form.inputs, *one)}, what)
        parts = tensors["weights"].reshape(-1, *one)
        if facts or not all(part[1].any() for part in parts):
            raise BadObject(f"{what}: not in the form of this plan's")
        contents = tuple(Content(part, ntt=True, scale=self.form.scale) for part in parts)
        return EncryptedWeights(contents, digest(data))

    # --- results ---

    def write_result(self, result: EncryptedResult) -> bytes:
        """The bytes of a result."""
        facts = cohort_facts(result.cohort, result.member)
        if self.form.result_scales:
            facts["scales"] = " ".join(content.scale.hex() for content in result.ciphertexts)
        stacked = np.stack([content.residues for content in result.ciphertexts])
        return pack_residues(self._context, "encrypted result", {"result": stacked}, facts)

    def result(self, data: bytes) -> EncryptedResult:
        """A result.

        Raises:
            BadObject: not canonical, or not of this plan.
        """
        what, form = "the encrypted result", self.form
        tensors, facts = unpack_residues(self._context, data, "encrypted result", what)
        shape = (form.results, 2, form.result_primes, self._context.degree)
        check_shapes(tensors, {"result": shape}, what)
        scales = [1.0] * form.results
        if form.result_scales:
            scales = _scales(facts.pop("scales", None), form.results, what)
        cohort, member = read_cohort(facts, what)
        parts = zip(tensors["result"], scales, strict=True)
        contents = tuple(Content(part, ntt=form.result_scales, scale=scale) for part, scale in parts)
        return EncryptedResult(contents, cohort, member)


def _scales(value: object, count: int, what: str) -> list[float]:
    """The scales of a result's ciphertexts, as `write_result` writes them."""
    try:
        scales = [float.fromhex(scale) for scale in str(value).split(" ")]
    except (ValueError, OverflowError) as error:
        raise BadObject(f"{what}: says nothing of its scales") from error
    if len(scales) != count or not all(1.0 <= scale < 2.0**60 for scale in scales):
        raise BadObject(f"{what}: {len(scales)} scales, or one out of range")
    if " ".join(scale.hex() for scale in scales) != value:
        raise BadObject(f"{what}: its scales are not in canonical form")
    return scales
