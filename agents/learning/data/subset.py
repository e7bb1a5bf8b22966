"""A data subset as its replicas hold it (II-B): byte-identical, with a secret of its own."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from agents.core.errors import BadObject
from agents.learning.data.canonical import Array, digest, pack, unpack
from agents.learning.data.mask_keys import KEY_BYTES, MaskKeys, public_half
from agents.learning.data.samples import FEATURE_LIMIT, TARGET_LIMIT, Samples
from agents.learning.data.split import MAX_SUBSETS

SECRET_BYTES = 32
RELEASE_BYTES = 32


@dataclass(frozen=True)
class SubsetNoise:
    """What a subset's replicas add to what they release of their rows, and to nothing else.

    Attributes:
        release: 32 bytes that name what it is for: the map of the rows, the noise and the number of subsets.
        secret: its numbers, little-endian words of 64 bits, or the key of 32 bytes that they are drawn from.
    """

    release: bytes
    secret: bytes = field(repr=False)


@dataclass(frozen=True)
class Subset:
    """One skewed slice of a dataset.

    Attributes:
        index: 0..m-1.
        samples: its rows.
        secret: 32 random bytes, the same at every replica. They make the digest hiding: whoever guesses the
            rows cannot check the guess against the digest. They are not shown.
        keys: of which masks are made that hide a result and cancel in the sum: the private half is the
            replicas' alone, and the data owner's. None where nothing is to be masked.
        noise: of a dataset whose sums have noise.
    """

    index: int
    samples: Samples
    secret: bytes = field(repr=False)
    keys: MaskKeys | None = None
    noise: SubsetNoise | None = None

    def to_bytes(self) -> bytes:
        """Canonical bytes."""
        secret = np.frombuffer(self.secret, dtype="<i4")
        tensors: dict[str, Array] = {
            "features": self.samples.features,
            "target": self.samples.target,
            "secret": secret,
            "keys": np.frombuffer(_key_bytes(self.keys), dtype="<i4"),
        }
        if self.noise is not None:
            tensors["noise"] = np.frombuffer(self.noise.release + self.noise.secret, dtype="<i4")
        return pack(tensors, {"kind": "subset", "index": self.index, "classes": self.samples.classes})

    def digest(self) -> bytes:
        """SHA-256 of the canonical bytes: what the data receipts of all replicas open to."""
        return digest(self.to_bytes())

    @classmethod
    def from_bytes(cls, data: bytes) -> Subset:
        """Read a subset.

        Raises:
            BadObject: not canonical, or its numbers are out of range.
        """
        tensors, facts = unpack(data, "the subset")
        if set(tensors) - {"noise"} != {"features", "target", "secret", "keys"} or any(
            a.dtype != np.int32 for a in tensors.values()
        ):
            raise BadObject("the subset: not features, target, secret and keys in int32")
        index, classes = facts.get("index"), facts.get("classes")
        if set(facts) != {"kind", "index", "classes"} or facts["kind"] != "subset":
            raise BadObject("the subset: an object of another kind")
        if type(index) is not int or type(classes) is not int or not 0 <= index < MAX_SUBSETS:
            raise BadObject(f"the subset: index {index!r}, classes {classes!r}")
        secret = tensors["secret"].astype("<i4").tobytes()
        if len(secret) != SECRET_BYTES:
            raise BadObject(f"the subset: its secret has {len(secret)} bytes, not {SECRET_BYTES}")
        keys = _keys(tensors["keys"].astype("<i4").tobytes(), index)
        samples = Samples(
            np.asarray(tensors["features"], dtype=np.int32),
            np.asarray(tensors["target"], dtype=np.int32),
            classes,
        )
        check(samples, "the subset")
        noise = _noise(tensors["noise"].astype("<i4").tobytes()) if "noise" in tensors else None
        return cls(index, samples, secret, keys, noise)


def _key_bytes(keys: MaskKeys | None) -> bytes:
    return b"" if keys is None else keys.private + b"".join(keys.public)


def _keys(data: bytes, index: int) -> MaskKeys | None:
    """The keys of a subset: its private half, and the public ones, of which it has its own."""
    if not data:
        return None
    private, *public = (data[at : at + KEY_BYTES] for at in range(0, len(data), KEY_BYTES))
    if len(data) % KEY_BYTES or len(public) > MAX_SUBSETS or index >= len(public):
        raise BadObject(f"the subset: {len(data)} bytes of mask keys")
    if public_half(private) != public[index]:
        raise BadObject("the subset: the halves of its mask key do not fit together")
    return MaskKeys(private, tuple(public))


def _noise(data: bytes) -> SubsetNoise:
    """The noise of a subset."""
    if len(data) < RELEASE_BYTES + SECRET_BYTES:
        raise BadObject(f"the subset: {len(data)} bytes of noise")
    return SubsetNoise(data[:RELEASE_BYTES], data[RELEASE_BYTES:])


def check(samples: Samples, what: str, least: int = 1) -> None:
    """Checks shapes and ranges of samples that somebody else quantised.

    Args:
        samples: of any shapes.
        what: begins the message, e.g. ``the subset``.
        least: rows that there must be.

    Raises:
        BadObject: they do not fit together, or a number is out of its range.
    """
    features, target, classes = samples.features, samples.target, samples.classes
    fit = features.ndim == 2 and target.ndim == 1 and features.shape[0] == target.shape[0]
    if not fit or features.shape[0] < least or not features.shape[1]:
        raise BadObject(f"{what}: features {features.shape} and target {target.shape} do not fit")
    if features.max(initial=0) > FEATURE_LIMIT or features.min(initial=0) < -FEATURE_LIMIT:
        raise BadObject(f"{what}: a feature is over {FEATURE_LIMIT}")
    low, high = (0, classes - 1) if classes else (-TARGET_LIMIT, TARGET_LIMIT)
    if classes < 0 or classes == 1 or target.min(initial=low) < low or target.max(initial=low) > high:
        raise BadObject(f"{what}: a target outside {low}..{high}")
