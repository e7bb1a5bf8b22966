"""Ids, against the vectors.

Rules: D6, R10.
"""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from agents.core import ids
from agents.core.ids import Kind
from testing.vectors import number, vectors

OWNER = ids.Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
MAKERS = {Kind.DATASET: ids.dataset_id, Kind.MODEL: ids.model_id, Kind.COUPLE: ids.couple_id}


@pytest.mark.parametrize("vector", vectors("ids"))
def test_an_id_names_owner_kind_and_serial(vector: dict[str, Any]) -> None:
    kind, serial, asset = Kind(vector["kind"]), vector["serial"], number(vector["id"])
    assert MAKERS[kind](ids.Address(to_checksum_address(vector["owner"])), serial) == asset
    assert (ids.owner_bytes(asset), ids.kind_of(asset), ids.serial_of(asset)) == (
        vector["owner"],
        kind,
        serial,
    )


@pytest.mark.parametrize("vector", vectors("instances"))
def test_an_instances_id_is_its_datasets_with_subset_and_replica(vector: dict[str, Any]) -> None:
    ds, ci = ids.DatasetId(number(vector["ds"])), ids.InstanceId(number(vector["ci"]))
    assert ids.instance_id(ds, vector["subset"], vector["replica"]) == ci
    assert ids.dataset_of(ci) == ds
    assert (ids.subset_of(ci), ids.replica_of(ci)) == (vector["subset"], vector["replica"])
    assert (ids.owner_bytes(ci), ids.kind_of(ci), ids.serial_of(ci)) == (
        ids.owner_bytes(ds),
        Kind.DATASET,
        ids.serial_of(ds),
    )


def test_a_dataset_has_neither_subset_nor_replica() -> None:
    ds = ids.dataset_id(OWNER, 1)
    assert ids.replica_of(ids.InstanceId(ds)) == ids.subset_of(ids.InstanceId(ds)) == 0


@pytest.mark.parametrize("make", MAKERS.values())
@pytest.mark.parametrize("serial", [-1, 0, 2**48])
def test_refuses_a_serial_outside_its_field(make: Any, serial: int) -> None:
    with pytest.raises(ValueError, match=f"serial {serial} is not in"):
        make(OWNER, serial)


def test_an_id_of_no_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="is not a valid Kind"):
        ids.kind_of(0)


def test_short_names_for_people() -> None:
    ds = ids.dataset_id(OWNER, 3)
    assert ids.short(ds) == "70997970/ds3"
    assert ids.short(ids.model_id(OWNER, 1)) == "70997970/mod1"
    assert ids.short(ids.couple_id(OWNER, 12)) == "70997970/tc12"
    assert ids.short(ids.instance_id(ds, 0, 1)) == "70997970/ds3/s0r1"
    assert ids.short(ids.instance_id(ds, 255, 255)) == "70997970/ds3/s255r255"
