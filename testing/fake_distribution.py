"""The first chapters of the market's rules in memory; see `testing.fake_market`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eth_utils.address import to_checksum_address

from agents.core import events as e
from agents.core.assets import Dataset, Instance
from agents.core.calls import Call
from agents.core.enums import InstanceStatus, Role
from agents.core.errors import Refused
from agents.core.ids import Address, DatasetId, InstanceId, dataset_id, dataset_of, instance_id, owner_bytes
from agents.core.market import Market
from testing.backend import Backend

MAX_HOLDINGS = 2**96 - 1
S = InstanceStatus
_PAYABLE = ("createDO", "createCO", "createMO", "deposit")


class FakeDistribution(Backend):
    """The chapters up to the distribution of data; every call that is not refused is a block."""

    def send(self, sender: Address, call: Call) -> list[e.MarketEvent]:
        return self.send_all(sender, [call])

    def send_all(self, sender: Address, bundle: Sequence[Call]) -> list[e.MarketEvent]:
        """As `send`, for calls that are one transaction, all or none."""
        before = len(self.history)
        self.sender = sender
        self.height += 1
        try:
            for call in bundle:
                value = (call.value,) if call.function in _PAYABLE else ()
                getattr(self, call.function)(*call.arguments, *value)
        except Refused:
            self.height -= 1
            if len(self.history) > before:
                del self.history[before:]
                self.mirror = Market(self.history)
            raise
        return [logged.event for logged in self.history[before:]]

    # --- Ledger, Members ---

    def deposit(self, value: int) -> None:
        holdings = self.mirror.total() + value
        require(holdings <= MAX_HOLDINGS, "Ledger_Full", holdings, MAX_HOLDINGS)
        self.emit(e.Deposited(self.sender, value))

    def withdraw(self, amount: int) -> None:
        self.lock(amount)
        self.emit(e.Withdrawn(self.sender, amount))

    def createDO(self, key: bytes, value: int) -> None:
        self._register(Role.DATA_OWNER, key, value)

    def createCO(self, key: bytes, value: int) -> None:
        self._register(Role.CLOUD_OWNER, key, value)

    def createMO(self, key: bytes, value: int) -> None:
        self._register(Role.MODEL_OWNER, key, value)

    def _register(self, role: Role, key: bytes, value: int) -> None:
        known = self._role(self.sender)
        require(not known, "Members_AlreadyRegistered", self.sender, known)
        require(len(key) == 64, "Members_BadEncryptionKey", len(key))
        self.emit(e.MemberCreated(self.sender, role, key))
        if value:
            self.deposit(value)

    # --- Distribution ---

    def createDS(self, terms: tuple[int, ...], metadata_hash: bytes, metadata_location: bytes) -> None:
        self.require_role(self.sender, Role.DATA_OWNER)
        t = e.DatasetTerms(*terms)
        shape = (t.subsets, t.subsets_per_round, t.max_replicas)
        fits = 1 <= t.subsets_per_round <= t.subsets <= 256 and 1 <= t.max_replicas <= 16
        require(fits, "Distribution_BadShape", *shape)
        require(all(terms[8:13]), "Distribution_ZeroWindow")
        bonds = (t.instance_bond, t.job_price, t.miss_penalty)
        require(t.instance_bond >= max(bonds), "Distribution_BondTooSmall", *bonds)
        require(t.ends_at > self.now, "Distribution_Ended", t.ends_at, self.now)
        serial = 1 + sum(ds.owner == self.sender for ds in self.mirror.datasets.values())
        ds = dataset_id(self.sender, serial)
        self.emit(e.DatasetCreated(ds, self.sender, t, metadata_hash, metadata_location))

    def createCI(
        self, ds: DatasetId, subsets: list[int], owners: list[Address], locations: list[bytes]
    ) -> None:
        dataset = self.dataset(ds)
        self._require_owner(ds, dataset.owner)
        require(self.now <= dataset.terms.ends_at, "Distribution_Ended", dataset.terms.ends_at, self.now)
        require(len(subsets) == len(owners) == len(locations), "Distribution_LengthMismatch")
        for index, owner, location in zip(subsets, owners, locations, strict=True):
            require(index < dataset.terms.subsets, "Distribution_NoSubset", ds, index, dataset.terms.subsets)
            self.require_role(owner, Role.CLOUD_OWNER)
            subset = dataset.subsets[index]
            occupied = len(subset.places)
            require(occupied < dataset.terms.max_replicas, "Distribution_SubsetFull", ds, index, occupied)
            require(subset.named < 255, "Distribution_ReplicasExhausted", ds, index)
            for ci in subset.places:
                named = self.mirror.instances[ci].cloud_owner
                require(named != owner, "Distribution_AlreadyNamed", ci, owner)
            self.emit(e.InstanceCreated(instance_id(ds, index, subset.named + 1), owner, location))

    def joinCI(self, ci: InstanceId, data_hash: bytes, nonce: bytes) -> None:
        instance = self._instance(ci, S.FREE)
        self._require_owner(ci, instance.cloud_owner)
        self._require_in_time(instance)
        self.lock(self.mirror.datasets[dataset_of(ci)].terms.instance_bond)
        self.emit(e.InstanceJoined(ci, self.sender, data_hash, nonce))

    def refuseCI(self, ci: InstanceId) -> None:
        self._require_owner(ci, self._instance(ci, S.FREE).cloud_owner)
        self.emit(e.InstanceRefused(ci, self.sender))

    def verifyCI(self, cis: list[InstanceId], oks: list[bool]) -> None:
        require(len(cis) == len(oks), "Distribution_LengthMismatch")
        for ci, ok in zip(cis, oks, strict=True):
            instance = self._instance(ci, S.JOINED)
            self._require_owner(ci, _owner(ci))
            self._require_in_time(instance)
            self.emit((e.InstanceVerified if ok else e.InstanceRejected)(ci, self.sender))

    def retireCI(self, ci: InstanceId) -> None:
        instance = self.mirror.instances.get(ci)
        if instance is None or self.sender != instance.cloud_owner:
            self._require_owner(ci, _owner(ci))
        status = instance.status if instance else S.NONE
        require(status in (S.FREE, S.JOINED, S.VERIFIED), "Distribution_WrongStatus", ci, status)
        if status is S.VERIFIED:
            self.emit(e.InstanceRetiring(ci, self.sender))
        else:
            self._retire(ci)

    def releaseCI(self, ci: InstanceId) -> None:
        instance = self.mirror.instances.get(ci)
        status = instance.status if instance else S.NONE
        leavable = (S.FREE, S.JOINED, S.VERIFIED, S.RETIRING)
        require(instance is not None and status in leavable, "Distribution_WrongStatus", ci, status)
        opens_after = self.mirror.releasable_after(self.mirror.instances[ci])
        require(self.now > opens_after, "Distribution_TooEarly", ci, opens_after, self.now)
        if status is S.VERIFIED:
            self.emit(e.InstanceRetiring(ci, self.sender))
        self._retire(ci)

    def _retire(self, ci: InstanceId) -> None:
        self.emit(e.InstanceRetired(ci, self.sender, self.mirror.instances[ci].bond))

    # --- checks ---

    def count(self, assets: Any, owner: str) -> int:
        return sum(getattr(asset, owner) == self.sender for asset in assets)

    def lock(self, amount: int) -> None:
        balance = self.mirror.balances[self.sender]
        require(amount <= balance, "Ledger_InsufficientBalance", self.sender, amount, balance)

    def _role(self, member: Address) -> Role:
        return self.mirror.members[member].role if member in self.mirror.members else Role.NONE

    def require_role(self, member: Address, required: Role) -> None:
        role = self._role(member)
        require(role is required, "Members_WrongRole", member, role, required)

    def _require_owner(self, asset: int, owner: Address) -> None:
        require(self.sender == owner, "Distribution_NotOwner", asset, self.sender, owner)

    def _require_in_time(self, instance: Instance) -> None:
        terms = self.mirror.datasets[dataset_of(instance.id)].terms
        deadline = instance.since + terms.answer_window_seconds
        require(self.now <= deadline, "Distribution_TooLate", instance.id, deadline, self.now)

    def dataset(self, ds: DatasetId) -> Dataset:
        require(ds in self.mirror.datasets, "Distribution_NoDataset", ds)
        return self.mirror.datasets[ds]

    def _instance(self, ci: InstanceId, status: InstanceStatus) -> Instance:
        known = self.mirror.instances[ci].status if ci in self.mirror.instances else S.NONE
        require(known is status, "Distribution_WrongStatus", ci, known)
        return self.mirror.instances[ci]


def require(holds: bool, error: str, *arguments: object) -> None:
    """Refuses the call unless `holds`."""
    if not holds:
        raise Refused(error, arguments)


def _owner(asset: int) -> Address:
    return Address(to_checksum_address(owner_bytes(asset)))
