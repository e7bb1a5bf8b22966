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
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import zstandard
from tenseal import sealapi

from agents.core.errors import BadObject, BadPlan
from agents.learning.data.canonical import Array, Facts, pack, unpack
from agents.learning.data.samples import FloatArray, Int64Array
from agents.learning.he.randomness import Stream
from agents.learning.plans.encrypted import Encryption

Residues = npt.NDArray[np.uint64]
Ciphertext: TypeAlias = sealapi.Ciphertext
Plaintext: TypeAlias = sealapi.Plaintext
SecretKey: TypeAlias = sealapi.SecretKey
GaloisKeys: TypeAlias = sealapi.GaloisKeys
RelinKeys: TypeAlias = sealapi.RelinKeys
BatchEncoder: TypeAlias = sealapi.BatchEncoder

_HEADER = struct.Struct("<HBBBBHQ")
"""SEAL's header: magic, its own size, version 4.3, compression (0: none), reserved, size in all."""
_CIPHERTEXT = struct.Struct("<4QBQQQdQ")
"""Parameters' id, NTT form, polynomials, degree, primes, scale, correction factor."""
_PLAINTEXT = struct.Struct("<4QQd")
"""Parameters' id (zeros but in NTT form), coefficients, scale."""
_MAGIC, _MAJOR, _MINOR, _PLAIN, _ZSTANDARD = 0xA15E, 4, 3, 0, 2
_NO_ID = (0, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class Content:
    """All that a ciphertext is.

    Attributes:
        residues: (polynomials, primes, degree) uint64, each below its prime.
        ntt: whether they are values (number-theoretic transform) rather than coefficients.
        scale: of CKKS; 1 otherwise.
    """

    residues: Residues
    ntt: bool
    scale: float = 1.0


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
    def ids(self) -> dict[int, tuple[int, int, int, int]]:
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
        return struct.pack("<4Q", *self.ids[len(self.all_primes)]).hex()

    # --- ciphertexts ---

    def load(self, content: Content) -> Ciphertext:
        """SEAL's ciphertext of this content."""
        return _load(Ciphertext(), self.seal, self._ciphertext_payload(content))

    def content(self, ciphertext: Ciphertext) -> Content:
        """What is in SEAL's ciphertext; the array may be written to."""
        data = _save(ciphertext)
        *_, ntt, size, degree, primes, scale, _correction = _CIPHERTEXT.unpack_from(data)
        residues = np.frombuffer(data, dtype="<u8", offset=_CIPHERTEXT.size + _HEADER.size + 8)
        return Content(residues.reshape(size, primes, degree).copy(), bool(ntt), scale)

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

    def empty(self) -> Content:
        """Zeros: not an encryption, but something to add to."""
        return Content(np.zeros((2, len(self.primes), self.degree), dtype=np.uint64), ntt=False)

    # --- plaintexts ---

    def plaintext(self, coefficients: Int64Array) -> Plaintext:
        """BFV: a plaintext of up to degree whole coefficients, taken modulo the plaintext modulus."""
        values = np.mod(coefficients, self.plain_modulus).astype("<u8")
        payload = _PLAINTEXT.pack(*_NO_ID, values.size, 1.0) + _array(values)
        return _load(Plaintext(), self.seal, payload)

    def coefficients(self, plaintext: Plaintext) -> Int64Array:
        """BFV: (degree,) int64 coefficients of a plaintext, between minus and plus half its modulus."""
        found = np.frombuffer(_save(plaintext), dtype="<u8", offset=_PLAINTEXT.size + _HEADER.size + 8)
        values = np.zeros(self.degree, dtype=np.int64)
        values[: found.size] = found
        return np.where(values > self.plain_modulus // 2, values - self.plain_modulus, values)

    def values_plaintext(self, values: Residues, scale: float = 1.0) -> Plaintext:
        """A plaintext in NTT form from its (primes, degree) values."""
        payload = _PLAINTEXT.pack(*self.ids[len(values)], values.size, scale) + _array(values)
        return _load(Plaintext(), self.seal, payload)

    def multiplier(self, coefficients: Int64Array, primes: int, scale: float = 1.0) -> Plaintext:
        """A plaintext in NTT form of small whole coefficients, to multiply ciphertexts of so many primes by.

        Args:
            coefficients: (degree,) int64; for BFV below half its plaintext modulus in magnitude.
            primes: how many the ciphertext has left.
            scale: of CKKS.
        """
        if self.plain_modulus:
            plaintext = self.plaintext(coefficients)
            self.evaluator.transform_to_ntt_inplace(plaintext, list(self.ids[primes]))
            return plaintext
        one = np.zeros((primes, self.degree), dtype=np.uint64)
        one[:, 0] = 1  # SEAL transforms ciphertexts, and none without a second polynomial
        carrier = Content(np.stack([self.residues(coefficients, primes), one]), ntt=False)
        return self.values_plaintext(self.transformed(carrier, ntt=True).residues[0], scale)

    def residues(self, coefficients: Int64Array, primes: int) -> Residues:
        """(primes, degree) residues of whole coefficients."""
        return np.stack([np.mod(coefficients, prime) for prime in self.all_primes[:primes]]).astype(np.uint64)

    def constant(self, value: int, primes: int, scale: float) -> Plaintext:
        """CKKS: a plaintext that has a whole number in all slots."""
        rows = [np.full(self.degree, value % prime, dtype=np.uint64) for prime in self.all_primes[:primes]]
        return self.values_plaintext(np.stack(rows), scale)

    def decode(self, plaintext: Plaintext) -> FloatArray:
        """CKKS: (degree / 2,) float64 values of the slots; not the same bits on every machine."""
        return np.array(sealapi.CKKSEncoder(self.seal).decode_double(plaintext))

    # --- keys ---

    def new_secret_key(self) -> Residues:
        """(all primes, degree) values of a fresh ternary secret, from the operating system's randomness."""
        data = _save(sealapi.KeyGenerator(self.seal).secret_key())
        values = np.frombuffer(data, dtype="<u8", offset=_PLAINTEXT.size + _HEADER.size + 8)
        return values.reshape(len(self.all_primes), self.degree).copy()

    def new_zero(self, secret: Residues) -> Residues:
        """(1, primes, degree) values of a fresh encryption of zero, to be published: its first polynomial.

        Results are re-randomised with it. The second one is `common`: a model owner that chose that as well
        could choose one that hides nothing.
        """
        common, primes = self.common, len(self.primes)
        product = self.load(Content(np.stack([common, common]), ntt=True))
        self.evaluator.multiply_plain_inplace(product, self.values_plaintext(secret[:primes]))
        errors = self.residues(Stream(os.urandom(32), b"zero").small(self.degree), primes)
        values = self.transformed(Content(np.stack([errors, errors]), ntt=False), ntt=True).residues[0]
        moduli = np.array(self.primes, dtype=np.uint64)[:, None]
        first: Residues = (values + moduli - self.content(product).residues[0]) % moduli
        return first[None]

    def zero(self, published: Residues) -> Ciphertext:
        """The encryption of zero, in NTT form, of a published first polynomial, with as many primes."""
        second = self.common[None, : published.shape[1]]
        return self.load(Content(np.concatenate([published, second]), ntt=True))

    @cached_property
    def common(self) -> Residues:
        """(primes, degree) values that nobody chose: they come from the name of the parameters alone."""
        return Stream(b"holdfast", b"common", self.fingerprint.encode()).residues(self.primes, self.degree)

    def encrypt(self, secret: Residues, plaintext: Plaintext) -> Content:
        """A fresh encryption under the secret key, from the operating system's randomness."""
        ciphertext = Ciphertext()
        sealapi.Encryptor(self.seal, self.secret_key(secret)).encrypt_symmetric(plaintext, ciphertext)
        return self.content(ciphertext)

    def decrypt(self, secret: Residues, content: Content) -> Plaintext:
        """The plaintext of a ciphertext."""
        plaintext = Plaintext()
        sealapi.Decryptor(self.seal, self.secret_key(secret)).decrypt(self.load(content), plaintext)
        return plaintext

    def secret_key(self, values: Residues) -> SecretKey:
        """SEAL's secret key of these values."""
        payload = _PLAINTEXT.pack(*self.ids[len(self.all_primes)], values.size, 1.0) + _array(values)
        return _load(SecretKey(), self.seal, payload)

    def new_switching_keys(self, secret: Residues, elements: tuple[int, ...]) -> dict[int, Residues]:
        """Fresh keys for a ring's automorphisms, or for relinearisation.

        Args:
            secret: values of the secret key.
            elements: Galois elements, 3^step modulo twice the degree; or 0 for relinearisation.

        Returns:
            Element to (all primes - 1, 2, all primes, degree) values.
        """
        generator = sealapi.KeyGenerator(self.seal, self.secret_key(secret))
        found: dict[int, Residues] = {}
        galois = sorted(set(elements) - {0})
        if galois:
            keys = GaloisKeys()
            generator.create_galois_keys(galois, keys)
            found |= {element: self._switching_key(keys.key(element)) for element in galois}
        if 0 in elements:
            relin = RelinKeys()
            generator.create_relin_keys(relin)
            found[0] = self._switching_key(relin.data()[0])
        return found

    def galois_keys(self, keys: Mapping[int, Residues]) -> GaloisKeys:
        """SEAL's Galois keys of these elements."""
        return _load(GaloisKeys(), self.seal, self._keys_payload({(e - 1) // 2: keys[e] for e in keys}))

    def relin_keys(self, key: Residues) -> RelinKeys:
        """SEAL's relinearisation keys."""
        return _load(RelinKeys(), self.seal, self._keys_payload({0: key}))

    # --- canonical bytes ---

    def to_bytes(self, kind: str, tensors: Mapping[str, Residues], facts: Facts) -> bytes:
        """Canonical bytes of residues: their parameters, what they are, and every number in full.

        Args:
            kind: what they are.
            tensors: name to residues, the primes in the second axis from last.
            facts: more that is to be kept.
        """
        signed: dict[str, Array] = {name: array.view(np.int64) for name, array in tensors.items()}
        return pack(signed, {**facts, "kind": kind, "parameters": self.fingerprint})

    def from_bytes(self, data: bytes, kind: str, what: str) -> tuple[dict[str, Residues], dict[str, object]]:
        """Reads residues.

        Args:
            data: as `to_bytes` made them.
            kind: what they must be.
            what: named in errors.

        Raises:
            BadObject: not canonical, of another kind or of other parameters, or a residue that is not below
                its prime.
        """
        tensors, facts = unpack(data, what)
        if facts.pop("kind", None) != kind or facts.pop("parameters", None) != self.fingerprint:
            raise BadObject(f"{what}: of another kind, or of other encryption parameters, than the plan's")
        found: dict[str, Residues] = {}
        for name, array in tensors.items():
            if array.dtype != np.int64 or array.ndim < 3 or array.shape[-1] != self.degree:
                raise BadObject(f"{what}: {name!r} is not residues of degree {self.degree}")
            if array.shape[-2] not in self.ids:
                raise BadObject(f"{what}: {name!r} has {array.shape[-2]} primes")
            residues = array.view(np.uint64)
            primes = np.array(self.all_primes[: array.shape[-2]], dtype=np.uint64)
            if (residues >= primes[:, None]).any():
                raise BadObject(f"{what}: {name!r} has a residue that is not below its prime")
            found[name] = residues
        return found, facts

    # --- SEAL's own format ---

    def _ciphertext_payload(self, content: Content) -> bytes:
        size, primes, degree = content.residues.shape
        head = _CIPHERTEXT.pack(*self.ids[primes], content.ntt, size, degree, primes, content.scale, 1)
        return head + _array(content.residues)

    def _switching_key(self, parts: list[Any]) -> Residues:
        return np.stack([self.content(part.data()).residues for part in parts])

    def _keys_payload(self, keys: Mapping[int, Residues]) -> bytes:
        """SEAL keeps a list with a place for every key there could be."""
        out = [struct.pack("<5Q", *self.ids[len(self.all_primes)], max(keys) + 1)]
        for place in range(max(keys) + 1):
            parts = keys.get(place, ())
            out.append(struct.pack("<Q", len(parts)))
            out += [_framed(self._ciphertext_payload(Content(part, ntt=True))) for part in parts]
        return b"".join(out)


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


def _framed(payload: bytes) -> bytes:
    size = _HEADER.size + len(payload)
    return _HEADER.pack(_MAGIC, _HEADER.size, _MAJOR, _MINOR, _PLAIN, 0, size) + payload


def _array(values: Residues) -> bytes:
    return _framed(struct.pack("<Q", values.size) + np.ascontiguousarray(values, dtype="<u8").tobytes())


def _save(thing: Any) -> bytes:
    """The payload of one of SEAL's objects."""
    file = os.memfd_create("seal")
    try:
        thing.save(f"/proc/self/fd/{file}")
        data = os.pread(file, os.fstat(file).st_size, 0)
    finally:
        os.close(file)
    compression, payload = _HEADER.unpack_from(data)[4], data[_HEADER.size :]
    if compression == _ZSTANDARD:
        return zstandard.ZstdDecompressor().decompressobj().decompress(payload)
    if compression != _PLAIN:
        raise RuntimeError(f"SEAL wrote with compression {compression}")
    return payload


def _load(thing: Any, context: Any, payload: bytes) -> Any:
    """Fills one of SEAL's objects; SEAL checks it against the context."""
    file = os.memfd_create("seal")
    try:
        with os.fdopen(os.dup(file), "wb") as writer:
            writer.write(_framed(payload))
        thing.load(context, f"/proc/self/fd/{file}")
    finally:
        os.close(file)
    return thing
