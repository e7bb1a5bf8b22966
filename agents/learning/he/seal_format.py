"""SEAL's own format of ciphertexts, plaintexts and keys, in bytes: its only way in and out.

Source: `Serialization`, `Ciphertext::save`, `Plaintext::save` and `KSwitchKeys::save` of SEAL 4.1.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import zstandard

from agents.learning.he.ring import Content, Residues

ParametersId: TypeAlias = tuple[int, ...]
"""Four words that name a scheme's parameters with so many primes left."""

NO_ID: ParametersId = (0, 0, 0, 0)
"""Of BFV plaintexts that are coefficients."""

HEADER = struct.Struct("<HBBBBHQ")
"""Magic, the header's own size, version 4.3, compression (0: none), reserved, size in all."""
_CIPHERTEXT = struct.Struct("<4QBQQQdQ")
"""Parameters' id, NTT form, polynomials, degree, primes, scale, correction factor."""
_PLAINTEXT = struct.Struct("<4QQd")
"""Parameters' id (zeros but in NTT form), coefficients, scale."""
_MAGIC, _MAJOR, _MINOR, _PLAIN, _ZSTANDARD = 0xA15E, 4, 3, 0, 2
_BEFORE_ARRAY = HEADER.size + 8
"""An array is a file within the file: a header, the number of words, the words."""


def framed(payload: bytes) -> bytes:
    """A payload behind SEAL's header, not compressed."""
    size = HEADER.size + len(payload)
    return HEADER.pack(_MAGIC, HEADER.size, _MAJOR, _MINOR, _PLAIN, 0, size) + payload


def unframed(data: bytes) -> bytes:
    """The payload of what SEAL wrote.

    Raises:
        RuntimeError: a compression that this build of SEAL does not use.
    """
    compression, payload = HEADER.unpack_from(data)[4], data[HEADER.size :]
    if compression == _ZSTANDARD:
        return zstandard.ZstdDecompressor().decompressobj().decompress(payload)
    if compression != _PLAIN:
        raise RuntimeError(f"SEAL wrote with compression {compression}")
    return payload


def ciphertext_payload(content: Content, parameters: ParametersId) -> bytes:
    """A ciphertext of (polynomials, primes, degree) residues under the parameters of so many primes."""
    size, primes, degree = content.residues.shape
    head = _CIPHERTEXT.pack(*parameters, content.ntt, size, degree, primes, content.scale, 1)
    return head + _array(content.residues)


def read_ciphertext(payload: bytes) -> Content:
    """What is in a ciphertext; the array may be written to."""
    *_, ntt, size, degree, primes, scale, _correction = _CIPHERTEXT.unpack_from(payload)
    residues = np.frombuffer(payload, dtype="<u8", offset=_CIPHERTEXT.size + _BEFORE_ARRAY)
    return Content(residues.reshape(size, primes, degree).copy(), bool(ntt), scale)


def plaintext_payload(values: Residues, parameters: ParametersId = NO_ID, scale: float = 1.0) -> bytes:
    """A plaintext, or a secret key, of uint64 values of any shape."""
    return _PLAINTEXT.pack(*parameters, values.size, scale) + _array(values)


def read_plaintext(payload: bytes) -> Residues:
    """(n,) uint64 values of a plaintext or a secret key; read-only."""
    return np.frombuffer(payload, dtype="<u8", offset=_PLAINTEXT.size + _BEFORE_ARRAY)


def keys_payload(keys: Mapping[int, Residues], parameters: ParametersId) -> bytes:
    """Key-switching keys.

    Args:
        keys: index in SEAL's list, which has an entry for every key there could be, to
            (all primes - 1, 2, all primes, degree) values.
        parameters: of all primes.
    """
    out = [struct.pack("<5Q", *parameters, max(keys) + 1)]
    for index in range(max(keys) + 1):
        parts = keys.get(index, ())
        out.append(struct.pack("<Q", len(parts)))
        out += [framed(ciphertext_payload(Content(part, ntt=True), parameters)) for part in parts]
    return b"".join(out)


def _array(values: Residues) -> bytes:
    return framed(struct.pack("<Q", values.size) + np.ascontiguousarray(values, dtype="<u8").tobytes())
