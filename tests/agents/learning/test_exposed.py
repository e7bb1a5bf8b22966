"""The file of samples that a data owner exposes to a model owner.

Rules: A17.
"""

from __future__ import annotations

import numpy as np
import pytest

from agents.core.errors import BadData
from agents.learning.data import exposed
from agents.learning.data.canonical import Array, pack
from agents.learning.data.samples import FEATURE_LIMIT, TARGET_LIMIT, Samples
from agents.learning.data.subset import Subset
from tests.agents.learning.conftest import SamplesMaker

ASK = ": ask the data owner for the file again"


@pytest.mark.parametrize("classes", [0, 2, 5])
def test_samples_survive_their_bytes(make_samples: SamplesMaker, classes: int) -> None:
    samples = make_samples(classes=classes)
    data = exposed.to_bytes(samples)
    read = exposed.from_bytes(data)
    assert read.classes == classes
    assert read.task is samples.task
    assert read.features.dtype == read.target.dtype == np.int32
    assert (read.features == samples.features).all()
    assert (read.target == samples.target).all()
    assert exposed.to_bytes(read) == data


def test_there_may_be_no_rows_at_all(make_samples: SamplesMaker) -> None:
    """As where people's rows are protected by noise."""
    read = exposed.from_bytes(exposed.to_bytes(make_samples().take(np.array([], dtype=np.int64))))
    assert (len(read), read.features.shape, read.classes) == (0, (0, 3), 2)


def test_the_bytes_do_not_depend_on_how_arrays_lie_in_memory(make_samples: SamplesMaker) -> None:
    samples = make_samples()
    sliced = Samples(np.asfortranarray(samples.features), samples.target[::-1][::-1], samples.classes)
    assert exposed.to_bytes(sliced) == exposed.to_bytes(samples)


def refused(data: bytes) -> str:
    """The one line with which a file is refused, without its end."""
    with pytest.raises(BadData) as problem:
        exposed.from_bytes(data)
    line = str(problem.value)
    assert line.isprintable()
    assert line.startswith("the samples: ")
    assert line.endswith(ASK)
    return line.removeprefix("the samples: ").removesuffix(ASK)


@pytest.mark.parametrize("data", [b"", b"\x00" * 8, b"features,target\n1,2\n", b"\xff" * 100])
def test_refuses_what_is_no_file_of_samples(data: bytes) -> None:
    assert refused(data) == "not a Holdfast tensor file"


def test_refuses_a_damaged_file(make_samples: SamplesMaker) -> None:
    data = exposed.to_bytes(make_samples())
    assert refused(data[:-1]) == "not a Holdfast tensor file"
    length = int.from_bytes(data[:8], "little")
    padded = (length + 8).to_bytes(8, "little") + data[8 : 8 + length] + b" " * 8 + data[8 + length :]
    assert refused(padded) == "not in canonical form"


def packed(samples: Samples, facts: dict[str, int | str | bool], **more: Array) -> bytes:
    """A canonical file with other facts or other arrays."""
    return pack({"features": samples.features, "target": samples.target, **more}, facts)


FACTS: dict[str, int | str | bool] = {"kind": "samples", "classes": 2}


@pytest.mark.parametrize(
    "facts",
    [
        {"kind": "subset", "classes": 2},
        {"classes": 2},
        {"kind": "samples"},
        {"kind": "samples", "classes": "2"},
        {"kind": "samples", "classes": True},
    ],
)
def test_refuses_other_facts(make_samples: SamplesMaker, facts: dict[str, int | str | bool]) -> None:
    assert refused(packed(make_samples(), facts)) == "an object of another kind"


def test_refuses_other_arrays(make_samples: SamplesMaker, subset: Subset) -> None:
    samples = make_samples()
    assert refused(packed(samples, FACTS, extra=samples.target)) == "an object of another kind"
    assert refused(pack({"features": samples.features}, FACTS)) == "an object of another kind"
    assert refused(subset.to_bytes()) == "an object of another kind"


@pytest.mark.parametrize("name", ["features", "target"])
def test_refuses_other_integers(make_samples: SamplesMaker, name: str) -> None:
    samples = make_samples()
    wide = {name: getattr(samples, name).astype(np.int64)}
    assert refused(packed(samples, FACTS, **wide)) == "not in int32"


@pytest.mark.parametrize(
    ("features", "target", "classes", "why"),
    [
        ([[1, 2], [3, 4]], [0, 1, 1], 2, "features (2, 2) and target (3,) do not fit"),
        ([1, 2], [0, 1], 2, "features (2,) and target (2,) do not fit"),
        ([[1, 2]], [[0]], 2, "features (1, 2) and target (1, 1) do not fit"),
        (np.empty((0, 0)), [], 2, "features (0, 0) and target (0,) do not fit"),
        ([[FEATURE_LIMIT + 1]], [0], 2, f"a feature is over {FEATURE_LIMIT}"),
        ([[-(2**31)]], [0], 2, f"a feature is over {FEATURE_LIMIT}"),
        ([[1]], [2], 2, "a target outside 0..1"),
        ([[1]], [-1], 2, "a target outside 0..1"),
        ([[1]], [0], 1, "a target outside 0..0"),
        ([[1]], [0], -1, "a target outside 0..-2"),
        ([[1]], [TARGET_LIMIT + 1], 0, f"a target outside -{TARGET_LIMIT}..{TARGET_LIMIT}"),
    ],
)
def test_refuses_samples_that_cannot_be(features: object, target: object, classes: int, why: str) -> None:
    samples = Samples(np.array(features, np.int32), np.array(target, np.int32), classes)
    assert refused(exposed.to_bytes(samples)) == why
