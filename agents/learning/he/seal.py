"""The one place that touches the encryption library: Microsoft SEAL, through TenSEAL's `sealapi`.

SEAL gives and takes objects only as files, compressed on the way out. Here a ciphertext is its content: an
array of residues, which numpy can add to and which has one byte string. Files are anonymous and in memory
(Linux), so no name can clash between processes or threads, and no secret reaches a disk.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np

from agents.core.deferred import DeferredKind, DeferredModule
from agents.core.errors import BadObject, BadPlan
from agents.learning.data.samples import FloatArray, Int64Array
from agents.learning.he import seal_format
from agents.learning.he.ring import Content, Residues, RlweSecretKey
from agents.learning.he.seal_format import ParametersId
from agents.learning.plans.encrypted import Encryption

if TYPE_CHECKING:
    from tenseal import sealapi

    Ciphertext: TypeAlias = sealapi.Ciphertext
    Plaintext: TypeAlias = sealapi.Plaintext
    GaloisKeys: TypeAlias = sealapi.GaloisKeys
    RelinKeys: TypeAlias = sealapi.RelinKeys
    Kind = TypeVar(
        "Kind",
        sealapi.Ciphertext,
        sealapi.Plaintext,
        sealapi.SecretKey,
        sealapi.GaloisKeys,
        sealapi.RelinKeys,
    )
else:  # not before something is encrypted: an agent that waits has no use for it
    sealapi = DeferredModule("tenseal.sealapi")
    Ciphertext = DeferredKind(sealapi, "Ciphertext")
    Plaintext = DeferredKind(sealapi, "Plaintext")
    GaloisKeys = DeferredKind(sealapi, "GaloisKeys")
    RelinKeys = DeferredKind(sealapi, "RelinKeys")

RELINEARISATION = 0
"""Stands among Galois elements, which are odd, for the keys that make three polynomials two."""


class Context:
    """Parameters of a scheme, checked by SEAL to give 128-bit security.

    Safe to share between threads.

    Args:
        scheme: "BFV" or "CKKS".
        encryption: of the plan.
        plain_modulus: of BFV.

    Raises:
        BadPlan: SEAL refuses the parameters.
    """

    def __init__(self, scheme: str, encryption: Encryption, plain_modulus: int = 0) -> None:
        self.scheme, self.degree, self.plain_modulus = scheme, encryption.degree, plain_modulus
        try:
            parameters = sealapi.EncryptionParameters(getattr(sealapi.SCHEME_TYPE, scheme))
            parameters.set_poly_modulus_degree(encryption.degree)
            parameters.set_coeff_modulus(
                sealapi.CoeffModulus.Create(encryption.degree, list(encryption.primes))
            )
            if plain_modulus:
                parameters.set_plain_modulus(sealapi.Modulus(plain_modulus))
            self.seal = sealapi.SEALContext(parameters, True, sealapi.SEC_LEVEL_TYPE.TC128)
        except (ValueError, RuntimeError) as error:
            raise BadPlan(f"plan: encryption: {error}") from error
        if not self.seal.parameters_set():
            raise BadPlan(f"plan: encryption: {self.seal.parameters_error_message()}")
        self.all_primes: tuple[int, ...] = tuple(prime.value() for prime in parameters.coeff_modulus())
        self.evaluator = sealapi.Evaluator(self.seal)

    @cached_property
    def ids(self) -> dict[int, ParametersId]:
        """SEAL's id of the parameters with so many primes left; all of them: those of the keys."""
        found, data = {len(self.all_primes): tuple(self.seal.key_parms_id())}, self.seal.first_context_data()
        while data is not None:
            found[len(data.parms().coeff_modulus())] = tuple(data.parms_id())
            data = data.next_context_data()
        return found

    @property
    def primes(self) -> tuple[int, ...]:
        """Of a fresh ciphertext: all but the keys' own."""
        return self.all_primes[:-1]

    @cached_property
    def fingerprint(self) -> str:
        """Names scheme, degree, primes and plaintext modulus: SEAL's id of the keys' parameters."""
        return struct.pack("<4Q", *self._keys_id).hex()

    @property
    def _keys_id(self) -> ParametersId:
        return self.ids[len(self.all_primes)]

    # --- ciphertexts ---

    def load(self, content: Content) -> Ciphertext:
        """SEAL's ciphertext of this content."""
        parameters = self.ids[content.residues.shape[1]]
        return self._load(Ciphertext(), seal_format.ciphertext_payload(content, parameters))

    def content(self, ciphertext: Ciphertext) -> Content:
        """What is in SEAL's ciphertext; the array may be written to."""
        return seal_format.read_ciphertext(_save(ciphertext))

    def transformed(self, content: Content, *, ntt: bool) -> Content:
        """The same polynomials as values (`ntt`) or as coefficients."""
        if content.ntt == ntt:
            return content
        ciphertext = self.load(content)
        if ntt:
            self.evaluator.transform_to_ntt_inplace(ciphertext)
        else:
            self.evaluator.transform_from_ntt_inplace(ciphertext)
        return self.content(ciphertext)

    # --- plaintexts ---

    def plaintext(self, coefficients: Int64Array) -> Plaintext:
        """BFV: a plaintext of up to degree whole coefficients, taken modulo the plaintext modulus."""
        values = np.mod(coefficients, self.plain_modulus).astype("<u8")
        return self._load(Plaintext(), seal_format.plaintext_payload(values))

    def coefficients(self, plaintext: Plaintext) -> Int64Array:
        """BFV: (degree,) int64 coefficients of a plaintext, between minus and plus half its modulus."""
        found = seal_format.read_plaintext(_save(plaintext))
        values = np.zeros(self.degree, dtype=np.int64)
        values[: found.size] = found
        return np.where(values > self.plain_modulus // 2, values - self.plain_modulus, values)

    @cached_property
    def _batches(self) -> sealapi.BatchEncoder:
        return sealapi.BatchEncoder(self.seal)

    def batched(self, slots: Int64Array) -> Plaintext:
        """BFV, for a modulus of `batching_modulus`: a plaintext of (degree,) whole numbers in its slots."""
        plaintext = Plaintext()
        self._batches.encode(slots.tolist(), plaintext)
        return plaintext

    def slots(self, plaintext: Plaintext) -> Int64Array:
        """BFV: (degree,) int64 slots of a plaintext, between minus and plus half its modulus."""
        return np.array(self._batches.decode_int64(plaintext), dtype=np.int64)

    def values_plaintext(self, values: Residues, scale: float = 1.0) -> Plaintext:
        """A plaintext in NTT form from its (primes, degree) values."""
        payload = seal_format.plaintext_payload(values, self.ids[len(values)], scale)
        return self._load(Plaintext(), payload)

    def transform_plaintext(self, plaintext: Plaintext, primes: int) -> Plaintext:
        """BFV: the same plaintext, now in NTT form, to multiply ciphertexts of so many primes by."""
        self.evaluator.transform_to_ntt_inplace(plaintext, list(self.ids[primes]))
        return plaintext

    def decode(self, plaintext: Plaintext) -> FloatArray:
        """CKKS: (degree / 2,) float64 values of the slots; not the same bits on every machine."""
        return np.array(sealapi.CKKSEncoder(self.seal).decode_double(plaintext))

    # --- keys ---

    def new_secret_key(self) -> RlweSecretKey:
        """A fresh ternary secret, from the operating system's randomness."""
        values = seal_format.read_plaintext(_save(sealapi.KeyGenerator(self.seal).secret_key()))
        return RlweSecretKey(values.reshape(len(self.all_primes), self.degree).copy())

    def encrypt(self, secret: RlweSecretKey, plaintext: Plaintext) -> Content:
        """A fresh encryption under the secret key, from the operating system's randomness."""
        ciphertext = Ciphertext()
        sealapi.Encryptor(self.seal, self._secret(secret)).encrypt_symmetric(plaintext, ciphertext)
        return self.content(ciphertext)

    def decrypt(self, secret: RlweSecretKey, content: Content) -> Plaintext:
        """The plaintext of a ciphertext."""
        plaintext = Plaintext()
        sealapi.Decryptor(self.seal, self._secret(secret)).decrypt(self.load(content), plaintext)
        return plaintext

    def new_switching_keys(self, secret: RlweSecretKey, elements: tuple[int, ...]) -> dict[int, Residues]:
        """Fresh keys for a ring's automorphisms, or for relinearisation.

        Args:
            secret: of the model owner.
            elements: Galois elements, 3^step modulo twice the degree; or RELINEARISATION.

        Returns:
            Element to (all primes - 1, 2, all primes, degree) values.
        """
        generator = sealapi.KeyGenerator(self.seal, self._secret(secret))
        found: dict[int, Residues] = {}
        galois = sorted(set(elements) - {RELINEARISATION})
        if galois:
            keys = GaloisKeys()
            generator.create_galois_keys(galois, keys)
            found |= {element: self._stacked(keys.key(element)) for element in galois}
        if RELINEARISATION in elements:
            relin = RelinKeys()
            generator.create_relin_keys(relin)
            found[RELINEARISATION] = self._stacked(relin.data()[0])
        return found

    def galois_keys(self, keys: Mapping[int, Residues]) -> GaloisKeys:
        """SEAL's Galois keys of these elements; of none, keys that rotate nothing."""
        if not keys:
            return GaloisKeys()
        indices = {(element - 1) // 2: keys[element] for element in keys}
        return self._load(GaloisKeys(), seal_format.keys_payload(indices, self._keys_id))

    def relin_keys(self, key: Residues) -> RelinKeys:
        """SEAL's relinearisation keys."""
        return self._load(RelinKeys(), seal_format.keys_payload({0: key}, self._keys_id))

    def _secret(self, secret: RlweSecretKey) -> sealapi.SecretKey:
        payload = seal_format.plaintext_payload(secret.values, self._keys_id)
        return self._load(sealapi.SecretKey(), payload)

    def _stacked(self, parts: list[sealapi.KeyPart]) -> Residues:
        return np.stack([self.content(part.data()).residues for part in parts])

    def _load(self, thing: Kind, payload: bytes) -> Kind:
        """Fills one of SEAL's objects; SEAL checks it against the context."""
        file = os.memfd_create("seal")
        try:
            with os.fdopen(os.dup(file), "wb") as writer:
                writer.write(seal_format.framed(payload))
            thing.load(self.seal, f"/proc/self/fd/{file}")
        finally:
            os.close(file)
        return thing


def batching_modulus(encryption: Encryption) -> int:
    """A plaintext modulus with which plaintexts have slots: a prime of so many bits.

    Raises:
        BadPlan: there is none for this degree.
    """
    try:
        return int(sealapi.PlainModulus.Batching(encryption.degree, encryption.plain_bits).value())
    except (ValueError, RuntimeError) as error:
        raise BadPlan(
            f"plan: encryption: plain_bits {encryption.plain_bits} are too few for slots at degree"
            f" {encryption.degree}"
        ) from error


@contextmanager
def refusing() -> Iterator[None]:
    """Turns SEAL's refusal to compute with what another party made into ours.

    Raises:
        BadObject: e.g. keys of zeros, whose products would hide nothing.
    """
    try:
        yield
    except (RuntimeError, ValueError) as error:
        raise BadObject(
            f"the encrypted weights and the published keys are of no use together: {error}"
        ) from error


def _save(thing: sealapi.Saved) -> bytes:
    """The payload of one of SEAL's objects."""
    file = os.memfd_create("seal")
    try:
        thing.save(f"/proc/self/fd/{file}")
        data = os.pread(file, os.fstat(file).st_size, 0)
    finally:
        os.close(file)
    return seal_format.unframed(data)
