"""Plans of training on encrypted weights: what any plan has, and the parameters of the encryption."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from agents.learning.plans.base import DescentPlan
from agents.learning.plans.document import Document

MODULUS_BITS = {4096: 109, 8192: 218, 16384: 438, 32768: 881}
"""The largest modulus of 128-bit security for each ring degree, in bits: homomorphicencryption.org's table of
ternary secrets against classical attackers."""


class Encryption(Document):
    """Parameters of the scheme; which ones a family can use, its class says."""

    degree: int = Field(description="of the ring: 4096, 8192, 16384 or 32768")
    primes: tuple[int, ...] = Field(description="bits of the primes of the modulus, the key's prime last")
    plain_bits: int = Field(default=0, ge=0, le=60, description="BFV: bits of the plaintext modulus")
    scale_bits: int = Field(default=0, ge=0, le=58, description="CKKS: bits of the weights' scale")
    keys: str = Field(
        default="",
        pattern=r"^([0-9a-f]{64})?$",
        description="SHA-256 of the published keys, hexadecimal: where they are in the object store",
    )

    @property
    def scheme(self) -> Literal["BFV", "CKKS"]:
        """Which scheme the parameters are for."""
        return "CKKS" if self.scale_bits else "BFV"

    @model_validator(mode="after")
    def _is_safe(self) -> Encryption:
        most = MODULUS_BITS.get(self.degree)
        if most is None:
            raise ValueError(f"degree {self.degree}: choose one of {', '.join(map(str, MODULUS_BITS))}")
        if len(self.primes) < 2 or not all(20 <= bits <= 60 for bits in self.primes):
            raise ValueError("primes are at least two, of 20 to 60 bits each")
        if sum(self.primes) > most:
            raise ValueError(
                f"{sum(self.primes)} bits of primes at degree {self.degree}: over {most}, "
                "less than 128-bit security"
            )
        return self


class EncryptedPlan(DescentPlan):
    """A plan of encrypted training."""

    encryption: Encryption
    sums: Literal["dataset", "round"] = Field(
        default="dataset",
        description="what the model owner sees: sums over all subsets, or over those of a round",
    )

    @property
    def keys_named(self) -> str:
        """See `Plan.keys_named`."""
        return self.encryption.keys

    def with_keys(self, digest: str) -> Self:
        """See `Plan.with_keys`; none with an empty digest."""
        return self.model_copy(update={"encryption": self.encryption.model_copy(update={"keys": digest})})


class ExactPlan(EncryptedPlan):
    """A plan whose result on ciphertexts is bit for bit that of the same integers in the clear."""

    fraction_bits: int = Field(
        default=16, ge=0, le=24, description="the factors of the weights have the unit 2^-fraction_bits"
    )
    probes: int = Field(
        default=0, ge=0, le=1024, description="columns that a sum multiplies besides the outputs"
    )
    readout: Literal["outputs", "discriminant", "balanced"] = Field(
        default="outputs",
        description="scores of classes: the outputs themselves, or linear discriminants of them, for classes "
        "as frequent as in the data or all alike",
    )
    slope: ClassVar[Fraction] = Fraction(1)
    centre: ClassVar[Fraction] = Fraction(0)
    """What is predicted of a score z is centre + slope z."""

    @property
    def columns(self) -> int:
        """Of the encrypted weights."""
        return self.outputs + self.probes

    def _check_strategy(self) -> None:
        if self.solves and (self.local_steps != 1 or self.sums != "dataset"):
            raise ValueError('strategy "span" takes one local step and sums over the dataset')
        if not self.solves and (self.probes or self.readout != "outputs"):
            raise ValueError('probes and readout go with strategy "span" only')
        if self.readout != "outputs" and not self.classes:
            raise ValueError("readout is for classes")


class ApproximatePlan(EncryptedPlan):
    """A plan for CKKS: one output tells two classes apart."""

    rows: int = Field(ge=1, description="there is room for subsets of so many rows")

    @property
    def outputs(self) -> int:
        """One for each of three classes or more, otherwise one number."""
        return self.classes if self.classes > 2 else 1
