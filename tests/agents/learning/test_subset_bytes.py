"""The bytes of a data subset.

Rules: P17.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents.core.errors import BadObject
from agents.learning.data.canonical import pack
from agents.learning.data.mask_keys import MaskKeys
from agents.learning.data.samples import Samples
from agents.learning.data.subset import Subset
from testing.ciphertexts import mask_keys
from tests.agents.learning.conftest import SamplesMaker


def test_a_subset_survives_its_bytes(subset: Subset) -> None:
    read = Subset.from_bytes(subset.to_bytes())
    assert read.to_bytes() == subset.to_bytes()
    assert (read.index, read.secret, read.samples.classes) == (3, subset.secret, 2)
    assert (read.samples.features == subset.samples.features).all()


def test_the_digest_depends_on_rows_index_secret_and_mask_keys(
    subset: Subset, make_samples: SamplesMaker
) -> None:
    others = [
        replace(subset, index=4),
        replace(subset, secret=bytes(32)),
        replace(subset, samples=make_samples(seed=1)),
        replace(subset, keys=mask_keys(3, 5)),
    ]
    assert len({subset.digest(), *(other.digest() for other in others)}) == 5


def test_the_secrets_are_not_shown(subset: Subset) -> None:
    keyed = replace(subset, keys=mask_keys(3, 4))
    assert "secret" not in repr(keyed)
    assert "private" not in repr(keyed)


def test_mask_keys_survive_their_bytes(subset: Subset) -> None:
    keyed = replace(subset, keys=mask_keys(3, 256))
    assert Subset.from_bytes(keyed.to_bytes()).keys == keyed.keys


def test_a_regression_subset_survives_its_bytes(make_samples: SamplesMaker) -> None:
    subset = Subset(0, make_samples(classes=0), bytes(32))
    assert Subset.from_bytes(subset.to_bytes()).samples.classes == 0


def broken(features: object = ((1, 2), (3, 4)), target: object = (0, 1), classes: int = 2) -> Samples:
    return Samples(np.array(features, dtype=np.int32), np.array(target, dtype=np.int32), classes)


@pytest.mark.parametrize(
    ("subset", "message"),
    [
        (Subset(256, broken(), bytes(32)), "index 256"),
        (Subset(-1, broken(), bytes(32)), "index -1"),
        (Subset(0, broken(), bytes(28)), "its secret has 28 bytes, not 32"),
        (Subset(0, broken(features=[1, 2]), bytes(32)), "do not fit"),
        (Subset(0, broken(target=[0, 1, 1]), bytes(32)), "do not fit"),
        (Subset(0, broken(features=np.empty((0, 2)), target=[]), bytes(32)), "do not fit"),
        (Subset(0, broken(features=[[1025, 2], [3, 4]]), bytes(32)), "a feature is over 1024"),
        (Subset(0, broken(features=[[1, 2], [3, -(2**31)]]), bytes(32)), "a feature is over 1024"),
        (Subset(0, broken(target=[0, 2]), bytes(32)), r"a target outside 0\.\.1"),
        (Subset(0, broken(target=[0, -1]), bytes(32)), r"a target outside 0\.\.1"),
        (Subset(0, broken(classes=1, target=[0, 0]), bytes(32)), "a target outside"),
        (Subset(0, broken(classes=0, target=[0, 2**20]), bytes(32)), r"a target outside -524288\.\.524288"),
    ],
)
def test_reading_refuses_broken_subsets(subset: Subset, message: str) -> None:
    with pytest.raises(BadObject, match=f"^the subset: .*{message}"):
        Subset.from_bytes(subset.to_bytes())


def test_reading_refuses_another_kind(subset: Subset) -> None:
    arrays = {"features": subset.samples.features, "target": subset.samples.target}
    secret = np.zeros(8, np.int32)
    with pytest.raises(BadObject, match="not features, target, secret and keys in int32"):
        Subset.from_bytes(pack(arrays, {"kind": "subset", "index": 0, "classes": 2}))
    with pytest.raises(BadObject, match="not features, target, secret and keys in int32"):
        Subset.from_bytes(pack({**arrays, "secret": secret.astype(np.int64)}, {}))
    whole = {**arrays, "secret": secret, "keys": np.zeros(0, np.int32)}
    with pytest.raises(BadObject, match="an object of another kind"):
        Subset.from_bytes(pack(whole, {"kind": "weights", "index": 0, "classes": 2}))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (MaskKeys(bytes(32), (bytes(31), bytes(32), bytes(32), bytes(29))), "156 bytes of mask keys"),
        (mask_keys(0, 3), "128 bytes of mask keys"),  # none for subset 3 itself
        (MaskKeys(bytes(32), (bytes(32),) * 257), "bytes of mask keys"),
        (replace(mask_keys(3, 5), private=bytes(32)), "do not fit together"),
    ],
    ids=["no whole keys", "not this dataset's", "too many subsets", "another's half"],
)
def test_reading_refuses_mask_keys_that_do_not_fit(subset: Subset, keys: MaskKeys, message: str) -> None:
    with pytest.raises(BadObject, match=message):
        Subset.from_bytes(replace(subset, keys=keys).to_bytes())
