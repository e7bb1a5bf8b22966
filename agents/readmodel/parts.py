"""In what a member has a part: its replicas, its couples."""

from __future__ import annotations

from collections.abc import Iterator

from agents.core.assets import Couple, Instance
from agents.core.enums import InstanceStatus
from agents.core.ids import Address, dataset_of
from agents.core.market import Market

HELD = (InstanceStatus.FREE, InstanceStatus.JOINED, InstanceStatus.VERIFIED, InstanceStatus.RETIRING)
"""Of an instance that concerns its cloud owner still."""


def replicas_of(market: Market, member: Address) -> Iterator[Instance]:
    """All instances that a member holds as a cloud owner, or has given out as a data owner."""
    for instance in market.instances.values():
        if member in (instance.cloud_owner, market.datasets[dataset_of(instance.id)].owner):
            yield instance


def couples_of(market: Market, member: Address) -> Iterator[Couple]:
    """All couples that a member trains with, lets train, or trains for."""
    held = {dataset_of(one.id) for one in market.instances_at(member) if one.status in HELD}
    for couple in market.couples.values():
        mine = member in (couple.model_owner, market.dataset_of(couple).owner)
        if mine or couple.ds in held:
            yield couple
