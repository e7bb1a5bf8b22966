"""How a data owner brings one dataset among cloud owners: split, publish, pack, name, verify."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from agents.core.assets import Dataset
from agents.core.calls import create_ci, create_ds, release_ci, verify_ci
from agents.core.enums import InstanceStatus, Role
from agents.core.ids import Address, DatasetId, InstanceId, dataset_id, dataset_of, subset_of
from agents.core.market import Market
from agents.roles.acts import NO_DEADLINE, Act, Identity, Send, Situation, Unnameable
from agents.roles.common import opens_to
from agents.roles.healing import HealingRules, Ward
from agents.roles.portfolio import OfferedDataset, bind, datasets_of, next_serial
from agents.roles.results import BoundEntry, PackedReplica, RefusedKey, SplitDataset
from agents.roles.tasks.data_owner import PackReplica, SplitData

_REPLICAS_A_CALL = 32
_ROLES = {Role.DATA_OWNER: "data owner", Role.MODEL_OWNER: "model owner"}


@dataclass(frozen=True)
class Distribution:
    """One dataset of a data owner.

    Attributes:
        offered: as it is wanted.
        taken: serials of the wallet's datasets that have a name.
    """

    identity: Identity
    offered: OfferedDataset
    taken: frozenset[int] = frozenset()

    @property
    def ds(self) -> DatasetId:
        """The dataset's id, known before it exists."""
        return dataset_id(self.identity.address, self.offered.serial)

    def acts(self, situation: Situation) -> Iterator[Act]:
        """What is due now."""
        if not self.offered.serial:
            yield from self._bind(situation)
            return
        market, split = situation.market, situation.result(self._split(self.ds))
        there, gone = self.ds in market.datasets, self.offered.state == "gone"
        if split is None:
            yield from () if there and gone else (self._split(self.ds),)
            return
        if not there:
            # the market numbers datasets in the order in which they come: each waits for the one before
            if datasets_of(market, self.identity.address) + 1 != self.offered.serial:
                return
            yield Send(create_ds(split.terms, split.metadata_hash, split.metadata_location))
        if not gone:
            yield from self._name(situation)
        if there and not gone:
            yield from self._verify(situation, market.datasets[self.ds], split)
            yield from self._heal(situation, market.datasets[self.ds])

    def _split(self, ds: DatasetId) -> SplitData:
        return SplitData(ds, self.offered.version, entry=self.offered.name)

    # --- which of the wallet's datasets it is ---

    def _bind(self, situation: Situation) -> Iterator[Act]:
        """The name gets a serial once its table is split, so that what cannot be split takes none.

        Where the journal was lost, one that is on the market already is found by its description.
        """
        if self.offered.state != "offered":
            return
        market, address = situation.market, self.identity.address
        made = datasets_of(market, address)
        nameless = [serial for serial in range(1, made + 1) if serial not in self.taken]
        for serial in (*nameless, next_serial(made, self.taken)):
            ds = dataset_id(address, serial)
            split = situation.result(self._split(ds))
            if split is None:
                yield self._split(ds)
                return
            there = market.datasets.get(ds)
            if there is None or there.metadata_hash == split.metadata_hash:
                bound = BoundEntry(name=self.offered.name, facts=self.offered.facts)
                yield bind("dataset", serial, bound)
                return

    # --- naming ---

    def _name(self, situation: Situation) -> Iterator[Act]:
        """Each cloud owner is packed for and named by itself: none of them keeps the others waiting."""
        yield from self._unnameable(situation)
        yield from self._named(situation, self._still_to_name(situation.market))

    def _named(self, situation: Situation, tasks: Iterable[PackReplica]) -> Iterator[Act]:
        """Those that are packed for."""
        ready: list[tuple[PackReplica, PackedReplica]] = []
        for task in tasks:
            packed = situation.result(task)
            if packed is None:
                yield task
            elif isinstance(packed, PackedReplica):
                ready.append((task, packed))
        for start in range(0, len(ready), _REPLICAS_A_CALL):
            some = ready[start : start + _REPLICAS_A_CALL]
            yield Send(
                create_ci(
                    self.ds,
                    [task.subset for task, _ in some],
                    [task.cloud_owner for task, _ in some],
                    [packed.sealed_location for _, packed in some],
                )
            )

    def _still_to_name(self, market: Market) -> Iterator[PackReplica]:
        """The replicas of those that are cloud owners, and were never named for them."""
        for subset, cloud_owner in self._unnamed(market):
            if market.role_of(cloud_owner) is Role.CLOUD_OWNER:
                yield self._pack(market, subset, cloud_owner)

    def _pack(self, market: Market, subset: int, cloud_owner: Address) -> PackReplica:
        key = market.members[cloud_owner].encryption_key
        return PackReplica(self.ds, subset, cloud_owner, key, entry=self.offered.name)

    def _unnamed(self, market: Market) -> Iterator[tuple[int, Address]]:
        """Those to whom a subset is dealt, as far as it never had so many replicas."""
        done = {(subset, market.instances[ci].cloud_owner) for subset, ci in _ever_named(market, self.ds)}
        dataset = market.datasets.get(self.ds)
        for subset, owners in enumerate(self.offered.cloud_owners):
            left = len(owners) - (dataset.subsets[subset].named if dataset else 0)
            new = (owner for owner in owners if (subset, owner) not in done)
            yield from ((subset, owner) for owner, _ in zip(new, range(max(0, left)), strict=False))

    # --- healing ---

    def _heal(self, situation: Situation, dataset: Dataset) -> Iterator[Act]:
        """Another cloud owner for each replica that is lost, once all that it began with were named."""
        market, offered = situation.market, self.offered
        if not offered.spares:
            return
        rules = HealingRules(offered.replicas, offered.a_day, offered.cooldown)
        ward = Ward(market, dataset, rules, offered.spares, situation.now, self._unusable(situation))
        begun = {subset for subset, owner in self._unnamed(market) if owner not in ward.unusable}
        tasks = []
        for subset in range(min(len(offered.spares), dataset.terms.subsets)):
            if subset in begun:
                continue
            yield from map(Send, map(release_ci, ward.overdue(subset)))
            tasks += [self._pack(market, subset, owner) for owner in ward.next_owners(subset)]
        yield from self._named(situation, tasks)

    def _unusable(self, situation: Situation) -> frozenset[Address]:
        """Of those that it may ask, who registered as something else, or with a key that is none."""
        market = situation.market
        owners = dict.fromkeys(chain.from_iterable(self.offered.spares))
        of_other_roles = (o for o in owners if market.role_of(o) not in (Role.NONE, Role.CLOUD_OWNER))
        refused = (
            owner
            for owner in owners
            if market.role_of(owner) is Role.CLOUD_OWNER
            for subset in range(len(self.offered.spares))
            if isinstance(situation.result(self._pack(market, subset, owner)), RefusedKey)
        )
        return frozenset((*of_other_roles, *refused))

    def _unnameable(self, situation: Situation) -> Iterator[Act]:
        """Of whom nothing is to be hoped, each once."""
        market = situation.market
        problems = {
            owner: f"it registered as a {_ROLES[role]}"
            for _, owner in self._unnamed(market)
            if (role := market.role_of(owner)) not in (Role.NONE, Role.CLOUD_OWNER)
        }
        for task in self._still_to_name(market):
            packed = situation.result(task)
            if isinstance(packed, RefusedKey):
                problems[task.cloud_owner] = packed.problem
        yield from (Unnameable(owner, problem) for owner, problem in problems.items())

    def may_yet_be_named(self, situation: Situation) -> bool:
        """Whether somebody is still to be named, or to register."""
        market = situation.market
        hopeful = any(market.role_of(owner) is Role.NONE for _, owner in self._unnamed(market))
        tasks = self._still_to_name(market)
        return hopeful or any(not isinstance(situation.result(task), RefusedKey) for task in tasks)

    # --- verifying ---

    def _verify(self, situation: Situation, dataset: Dataset, split: SplitDataset) -> Iterator[Act]:
        market, window = situation.market, dataset.terms.answer_window_seconds
        cis, ok, first = [], [], NO_DEADLINE
        for index, subset in enumerate(dataset.subsets):
            for ci in subset.places:
                instance = market.instances[ci]
                if instance.status is InstanceStatus.JOINED and situation.now <= instance.since + window:
                    cis.append(ci)
                    ok.append(opens_to(self.identity, instance, split.digests[index]))
                    first = min(first, instance.since + window)
        if cis:
            yield Send(verify_ci(cis, ok), deadline=first, window=window)


def unanswered(market: Market, dataset: Dataset) -> bool:
    """Whether a replica that was named is neither in the pool nor out of question."""
    places: Iterable[InstanceId] = (ci for subset in dataset.subsets for ci in subset.places)
    waiting = (InstanceStatus.FREE, InstanceStatus.JOINED)
    return any(market.instances[ci].status in waiting for ci in places)


def _ever_named(market: Market, ds: DatasetId) -> Iterator[tuple[int, InstanceId]]:
    for ci in market.instances:
        if dataset_of(ci) == ds:
            yield subset_of(ci), ci
