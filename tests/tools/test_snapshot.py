"""The committed gas figures: two parts, each written and compared without the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testing.snapshot import assert_committed

SNAPSHOT = {"deposit": 5, "growth.draw": 7}


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    path = tmp_path / "gas.json"
    path.write_text(json.dumps(SNAPSHOT))
    return path


def test_each_part_is_compared_alone(snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOLDFAST_GAS", raising=False)
    assert_committed({"deposit": 5}, path=snapshot)
    assert_committed({"growth.draw": 7}, growth=True, path=snapshot)


@pytest.mark.parametrize("measured", [{"growth.draw": 8}, {}, {"growth.draw": 7, "growth.close": 1}])
def test_a_change_is_told(snapshot: Path, monkeypatch: pytest.MonkeyPatch, measured: dict[str, int]) -> None:
    monkeypatch.delenv("HOLDFAST_GAS", raising=False)
    with pytest.raises(AssertionError, match=r"growth\.(draw|close): "):
        assert_committed(measured, growth=True, path=snapshot)


def test_each_part_is_written_alone(snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_GAS", "write")
    assert_committed({"growth.close": 1}, growth=True, path=snapshot)
    assert_committed({"withdraw": 2}, path=snapshot)
    assert list(json.loads(snapshot.read_text()).items()) == [("withdraw", 2), ("growth.close", 1)]
