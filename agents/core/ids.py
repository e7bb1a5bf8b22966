"""Identifiers, as ``contracts/libraries/Ids.sol`` makes them.

An id is its owner, its kind and a serial number; an instance's has a subset and a replica as well.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NewType

Address = NewType("Address", str)
"""A checksummed 20-byte address, ``0x`` and 40 hex digits."""
DatasetId = NewType("DatasetId", int)
InstanceId = NewType("InstanceId", int)
ModelId = NewType("ModelId", int)
CoupleId = NewType("CoupleId", int)

ENTRY_NAME = r"^[a-z][a-z0-9-]{0,31}$"
"""What a member may call its datasets and models."""

_OWNER_SHIFT, _KIND_SHIFT, _SERIAL_SHIFT, _SUBSET_SHIFT = 96, 80, 32, 16
_SERIAL_MASK, _INDEX_MASK, _KIND_MASK = 2**48 - 1, 2**16 - 1, 2**16 - 1


class Kind(IntEnum):
    """What an id names; an instance's id has its dataset's kind and a replica number."""

    DATASET = 1
    MODEL = 2
    COUPLE = 3


def asset_id(owner: Address, kind: Kind, serial: int) -> int:
    """The id of an owner's `serial`-th asset of a kind.

    Raises:
        ValueError: the serial is not in 1..2^48-1.
    """
    if not 1 <= serial <= _SERIAL_MASK:
        raise ValueError(f"serial {serial} is not in 1..2^48-1")
    return int(owner, 16) << _OWNER_SHIFT | kind << _KIND_SHIFT | serial << _SERIAL_SHIFT


def dataset_id(owner: Address, serial: int) -> DatasetId:
    """The id of a data owner's `serial`-th dataset."""
    return DatasetId(asset_id(owner, Kind.DATASET, serial))


def model_id(owner: Address, serial: int) -> ModelId:
    """The id of a model owner's `serial`-th model."""
    return ModelId(asset_id(owner, Kind.MODEL, serial))


def couple_id(owner: Address, serial: int) -> CoupleId:
    """The id of a model owner's `serial`-th train couple."""
    return CoupleId(asset_id(owner, Kind.COUPLE, serial))


def instance_id(ds: DatasetId, subset: int, replica: int) -> InstanceId:
    """The id of one replica (1..255) of one subset (0..255)."""
    return InstanceId(ds | subset << _SUBSET_SHIFT | replica)


def owner_bytes(asset: int) -> bytes:
    """The 20 bytes of the owner's address."""
    return (asset >> _OWNER_SHIFT).to_bytes(20, "big")


def kind_of(asset: int) -> Kind:
    """What the id names."""
    return Kind(asset >> _KIND_SHIFT & _KIND_MASK)


def serial_of(asset: int) -> int:
    """Which of its owner's things of this kind it is, from 1."""
    return asset >> _SERIAL_SHIFT & _SERIAL_MASK


def dataset_of(ci: InstanceId) -> DatasetId:
    """The dataset of an instance."""
    return DatasetId(ci >> _SERIAL_SHIFT << _SERIAL_SHIFT)


def subset_of(ci: InstanceId) -> int:
    """The subset of an instance."""
    return ci >> _SUBSET_SHIFT & _INDEX_MASK


def replica_of(ci: InstanceId) -> int:
    """The replica number of an instance."""
    return ci & _INDEX_MASK


def short(asset: int) -> str:
    """For people: ``70997970/ds1``, and for an instance ``70997970/ds1/s2r3``."""
    name = {Kind.DATASET: "ds", Kind.MODEL: "mod", Kind.COUPLE: "tc"}[kind_of(asset)]
    text = f"{owner_bytes(asset).hex()[:8]}/{name}{serial_of(asset)}"
    ci = InstanceId(asset)
    return f"{text}/s{subset_of(ci)}r{replica_of(ci)}" if replica_of(ci) else text
