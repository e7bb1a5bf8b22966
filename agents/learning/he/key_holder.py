"""The side of the key holder, the model owner: it makes keys, encrypts weights and decrypts sums of results.

Nothing that a cloud owner runs is here, and nothing here touches a subset's rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from agents.core.errors import BadObject
from agents.learning.he.keys import KeyForm, new_keys
from agents.learning.he.objects import EncryptedResult, check_whole
from agents.learning.he.ring import Content, Residues, RlweSecretKey, total
from agents.learning.he.seal import Context, Plaintext
from agents.learning.integers.update import Update
from agents.learning.integers.weights import Weights


class Packing(Protocol):
    """How a family's weights lie in plaintexts, and the sum of its results in others."""

    def pack(self, weights: Weights) -> list[Plaintext]:
        """The plaintexts to be encrypted.

        Raises:
            BadPlan: the weights are outside the range that the family's circuit is made for.
        """

    def unpack(self, sums: Sequence[Plaintext], results: int) -> Update:
        """The sum of so many results.

        Args:
            sums: a plaintext for each of a result's ciphertexts.
            results: how many were added up.

        Raises:
            BadObject: see `check_rows`.
        """


def check_rows(rows: int, most: int) -> None:
    """Checks the number of rows that a sum carries: masks that do not cancel leave anything there.

    Raises:
        BadObject: none, or more rows than there can be.
    """
    if not 1 <= rows <= most:
        raise BadObject("the sum of the results does not decrypt: they are not of these keys and weights")


@dataclass(frozen=True)
class KeyHolder:
    """Keys, encryption and decryption of one family.

    Attributes:
        context: of the plan's parameters.
        keys: that are published.
        packing: of weights and sums.
    """

    context: Context
    keys: KeyForm
    packing: Packing

    def new_keys(self) -> tuple[RlweSecretKey, Mapping[str, Residues]]:
        """Fresh keys: the secret one, and those to be published by name."""
        return new_keys(self.context, self.keys)

    def encrypt(self, secret: RlweSecretKey, weights: Weights) -> list[Content]:
        """A fresh encryption of the weights, in NTT form.

        Raises:
            BadPlan: the weights are outside the range that the family's circuit is made for.
        """
        contents = (self.context.encrypt(secret, plaintext) for plaintext in self.packing.pack(weights))
        return [self.context.transformed(content, ntt=True) for content in contents]

    def decrypt(self, secret: RlweSecretKey, results: Sequence[EncryptedResult]) -> Update:
        """The sum of one cohort's results.

        Raises:
            BadObject: they are not a whole cohort's, or not of these keys and of one set of weights.
        """
        check_whole(results)
        sums = [self._sum(secret, parts) for parts in zip(*(r.ciphertexts for r in results), strict=True)]
        return self.packing.unpack(sums, len(results))

    def _sum(self, secret: RlweSecretKey, parts: Sequence[Content]) -> Plaintext:
        if len({content.scale for content in parts}) != 1:
            raise BadObject("the results are of several scales: no sum of them decrypts")
        return self.context.decrypt(secret, total(parts, self.context.all_primes))
