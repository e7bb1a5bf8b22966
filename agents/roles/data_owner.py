"""The data owner: hands out replicas, checks receipts, approves couples by its policy, opens its seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from agents.core.assets import Couple
from agents.core.calls import close_round, draw_round, expire_tc
from agents.core.enums import CouplePhase, Role
from agents.core.hashing import set_bits
from agents.core.ids import Address, CoupleId, DatasetId, dataset_id
from agents.core.market import Market
from agents.roles import awaiting, upkeep
from agents.roles.acts import Act, Identity, Send, Situation
from agents.roles.common import for_asset, funded, registration, seed_link
from agents.roles.distribution import Distribution
from agents.roles.policy import DataOwnerPolicy, Dealings, Stakes
from agents.roles.portfolio import OfferedDataset
from agents.roles.requests import Requests
from agents.roles.retention import KEEP_SECONDS, of_data_owner


@dataclass(frozen=True)
class DataOwner:
    """A data owner with all its datasets.

    Seeds, which have a bond at stake, and what ends a couple are due on every dataset of the wallet, whether
    it is still offered or not.

    Attributes:
        offered: its datasets, as they are wanted now.
        policy: whom it lets train: its limits hold over all of them.
        opening_deposit: wei that it pays in when it registers; it pays in more when a bond needs it.
        taken: serials of the wallet's datasets that have a name.
        decided: by hand: whether a couple is wanted.
        store_keep_seconds: how long its objects stay in the store after they are done with.
        looks_after: whether it puts again what the store has lost.
    """

    identity: Identity
    offered: tuple[OfferedDataset, ...]
    policy: DataOwnerPolicy
    opening_deposit: int = 0
    taken: frozenset[int] = frozenset()
    decided: Mapping[CoupleId, bool] = field(default_factory=dict)
    store_keep_seconds: int = KEEP_SECONDS
    looks_after: bool = False

    def decide(self, situation: Situation) -> list[Act]:
        """All that is due now: seeds first, a bond is at stake."""
        market = situation.market
        first = registration(self.identity, Role.DATA_OWNER, self.opening_deposit, market)
        if first:
            return list(first)
        acts: list[Act] = []
        dealings = self.dealings(market)
        for number, couple in enumerate(self._couples(market), 1):
            of_it = dealings[couple.ds]
            acts += for_asset(f"couple {couple.id:x}", self._couple, situation, couple, of_it, number)
        for offered in self.offered:
            one = Distribution(self.identity, offered, self.taken)
            acts += for_asset(f"dataset {offered.name}", one.acts, situation)
        for dataset in market.datasets.values():
            if dataset.owner == self.identity.address:
                acts += self._objects(situation, dataset.id)
        return funded(self.identity, situation, acts)

    def _objects(self, situation: Situation, ds: DatasetId) -> Iterator[Act]:
        """What is due of a dataset's objects in the store."""
        yield from for_asset("old packages", of_data_owner, situation, ds, self.store_keep_seconds)
        if self.looks_after:
            yield from for_asset("own packages", upkeep.of_data_owner, situation, ds)

    def awaits(self, situation: Situation) -> str:
        """See `Party`."""
        market = situation.market
        if any(not market.phase_of(couple, situation.now).is_over for couple in self._couples(market)):
            return ""
        return "; ".join(filter(None, (self._lacks(market, offered) for offered in self.offered)))

    def _lacks(self, market: Market, offered: OfferedDataset) -> str:
        """For what a dataset waits."""
        ds = dataset_id(self.identity.address, offered.serial) if offered.serial else None
        if offered.state == "gone" or ds is None or ds not in market.datasets:
            return ""
        return (
            awaiting.for_members(market, chain.from_iterable(offered.cloud_owners))
            or awaiting.for_replicas(market, market.datasets[ds])
            or (f"model owners to ask for dataset {ds:x}" if offered.state == "offered" else "")
        )

    def _couples(self, market: Market) -> list[Couple]:
        """On its datasets."""
        known = (couple for couple in market.couples.values() if couple.ds in market.datasets)
        return [couple for couple in known if market.dataset_of(couple).owner == self.identity.address]

    def dealings(self, market: Market) -> dict[DatasetId, Dealings]:
        """By dataset, the couples that it ever approved; its couple bonds count over all of them."""
        mine = self._couples(market)
        stakes = Stakes.of(self.policy, ((c.model_owner, market.couple_bond_of(c)) for c in mine))
        approved: dict[DatasetId, Counter[Address]] = {couple.ds: Counter() for couple in mine}
        for couple in mine:
            approved[couple.ds][couple.model_owner] += couple.phase not in _NEVER_APPROVED
        return {ds: Dealings(stakes, numbers) for ds, numbers in approved.items()}

    # --- couples ---

    def _couple(self, situation: Situation, couple: Couple, dealings: Dealings, number: int) -> Iterator[Act]:
        phase = situation.market.phase_of(couple, situation.now)
        if phase is CouplePhase.REQUESTED:
            for requests in self.requests(couple.ds):
                yield from requests.acts(situation, couple, dealings, number)
        elif phase is CouplePhase.DRAWING:
            link = seed_link(self.identity, couple.id, couple.max_rounds, couple.round)
            window = situation.market.dataset_of(couple).terms.draw_window_seconds
            yield Send(draw_round(couple.id, link), deadline=couple.deadline, window=window)
        elif situation.now > couple.window_ends_at:
            yield from self._finish(couple, phase)

    def requests(self, ds: DatasetId) -> Iterator[Requests]:
        """Those for a dataset, if it is one that takes any or declines them."""
        for offered in self.offered:
            mine = bool(offered.serial) and dataset_id(self.identity.address, offered.serial) == ds
            if mine and offered.state != "gone":
                yield Requests(self.identity, self.policy, offered, self.decided)

    def _finish(self, couple: Couple, phase: CouplePhase) -> Iterator[Act]:
        """What a model owner that is gone leaves undone holds the data owner's bond."""
        if phase is CouplePhase.OVERDUE:
            yield Send(close_round(couple.id, set_bits(couple.pending)))
        elif phase is CouplePhase.ENDED:
            yield Send(expire_tc(couple.id))


_NEVER_APPROVED = (CouplePhase.REQUESTED, CouplePhase.DECLINED, CouplePhase.CANCELLED)
