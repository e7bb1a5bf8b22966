"""A model owner's keys: a secret one, and those that it publishes for cloud owners to compute with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agents.learning.he.ring import Residues, RlweSecretKey
from agents.learning.he.seal import RELINEARISATION, Ciphertext, Context, GaloisKeys, RelinKeys
from agents.learning.he.zero import load_zero, new_zero


@dataclass(frozen=True)
class KeyForm:
    """Which keys a family publishes.

    Attributes:
        zero_primes: of the encryption of zero: as many as a result has when it is re-randomised.
        switching: name of each key-switching key to its Galois element, or to RELINEARISATION.
    """

    zero_primes: int
    switching: Mapping[str, int]

    def shapes(self, context: Context) -> dict[str, tuple[int, ...]]:
        """Name to shape of the residues of published keys."""
        primes, degree = len(context.primes), context.degree
        key = (primes, 2, primes + 1, degree)
        return {"zero": (1, self.zero_primes, degree)} | dict.fromkeys(self.switching, key)


@dataclass(frozen=True, eq=False)
class PublicKeys:
    """Published keys, loaded to compute with.

    Attributes:
        zero: an encryption of zero, in NTT form.
        relin: to make three polynomials two; of use if the family relinearises.
        galois: to rotate slots; of use if the family rotates.
    """

    zero: Ciphertext
    relin: RelinKeys
    galois: GaloisKeys


def new_keys(context: Context, form: KeyForm) -> tuple[RlweSecretKey, dict[str, Residues]]:
    """A fresh secret key, and by name the residues of those to be published."""
    secret = context.new_secret_key()
    public = {"zero": new_zero(context, secret)[:, : form.zero_primes]}
    switching = context.new_switching_keys(secret, tuple(form.switching.values()))
    return secret, public | {name: switching[element] for name, element in form.switching.items()}


def load_keys(context: Context, form: KeyForm, published: Mapping[str, Residues]) -> PublicKeys:
    """Published keys.

    Args:
        context: of the parameters.
        form: of the family's keys.
        published: by name, of the form's shapes.
    """
    relin, galois = RelinKeys(), {}
    for name, element in form.switching.items():
        if element == RELINEARISATION:
            relin = context.relin_keys(published[name])
        else:
            galois[element] = published[name]
    return PublicKeys(load_zero(context, published["zero"]), relin, context.galois_keys(galois))
