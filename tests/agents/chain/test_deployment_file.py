"""The artefact that deploying leaves.

Rules: A17.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.chain.deployment import Deployment
from agents.core.errors import BadInput
from testing.full_disk import full_disk


def test_reads_what_it_wrote(deployment: Deployment, tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "market.json"
    deployment.save(path)
    deployment.save(path)
    assert Deployment.load(path) == deployment
    assert [entry.name for entry in path.parent.iterdir()] == ["market.json"]


def test_says_where_none_is(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no deployment at .*missing\.json .*: deploy the market"):
        Deployment.load(tmp_path / "missing.json")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"chain_id": "1337"}, "chain_id: "),
        ({"abi": "none"}, "abi: "),
        ({"market": "0x5fbdb2315678afecb367f032d93f642f64180aa3"}, "market: no checksummed address"),
        ({"market": "0x1"}, "market: no checksummed address"),
        ({"block": 0}, "block: "),
    ],
)
def test_says_what_is_wrong_with_one(
    change: dict[str, Any], complaint: str, deployment: Deployment, tmp_path: Path
) -> None:
    path = tmp_path / "market.json"
    deployment.save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(BadInput, match=rf"market\.json is not a deployment \({complaint}") as caught:
        Deployment.load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{}", "[]", "not JSON"])
def test_refuses_another_file(text: str, tmp_path: Path) -> None:
    path = tmp_path / "market.json"
    path.write_text(text)
    with pytest.raises(BadInput, match="is not a deployment"):
        Deployment.load(path)


def test_says_that_it_cannot_be_written(deployment: Deployment, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        deployment.save(tmp_path / "file" / "market.json")


def test_a_full_disk_leaves_the_old_one(deployment: Deployment, tmp_path: Path) -> None:
    path = tmp_path / "market.json"
    deployment.save(path)
    with full_disk(tmp_path), pytest.raises(BadInput) as refused:
        replace(deployment, block=7).save(path)
    assert str(refused.value) == f"the deployment {path} cannot be written: No space left on device"
    assert Deployment.load(path) == deployment
    assert [entry.name for entry in tmp_path.iterdir()] == ["market.json"]
