"""Which cloud owners a data owner names for a subset: those it began with, and others when these are lost.

Good is a replica in the pool that has not missed twice in a row; coming is one that may still join. A subset
with fewer of both than it should have gets the next cloud owner of its list. Who left it is not asked again
soon, and who was found to have lied about this dataset never.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from agents.core.assets import Dataset, Instance
from agents.core.enums import InstanceStatus, JobStatus, Role
from agents.core.ids import Address, InstanceId, dataset_of, replica_of, subset_of
from agents.core.market import Market

DAY = 24 * 3600
MOST_NAMED = 255
"""Of a subset, ever: the contract counts its replicas in a byte."""
LAST_RESORT = 32
"""So many of these are for a subset that has lost its majority."""

_COMING = (InstanceStatus.FREE, InstanceStatus.JOINED)
_LEFT = (InstanceStatus.RETIRING, InstanceStatus.RETIRED)
_UNWILLING = (InstanceStatus.REFUSED, InstanceStatus.REJECTED, *_COMING, *_LEFT)


@dataclass(frozen=True)
class HealingRules:
    """How far healing goes.

    Attributes:
        replicas: that each subset should have.
        a_day: how many are named for a subset in a day, beyond those that it began with.
        cooldown: seconds before a cloud owner that is lost to a subset is asked for it again.
    """

    replicas: int
    a_day: int = 4
    cooldown: int = 7 * DAY


@dataclass(frozen=True)
class Ward:
    """One dataset whose subsets are looked after.

    Attributes:
        now: the chain's time, in seconds.
        owners: for each subset, all cloud owners in the order in which they are asked.
        unusable: those that cannot be given anything.
    """

    market: Market
    dataset: Dataset
    rules: HealingRules
    owners: tuple[tuple[Address, ...], ...]
    now: int
    unusable: frozenset[Address] = frozenset()

    def lacks(self, subset: int) -> int:
        """How many replicas a subset should have and has not."""
        here = self._here(subset)
        alive = sum(self._is_good(one) or self._is_coming(one) for one in here)
        return max(0, self.rules.replicas - alive)

    def overdue(self, subset: int) -> Iterator[InstanceId]:
        """The replicas that hold a place in a subset that lacks some, and may be let go of."""
        if self.lacks(subset):
            for one in self._here(subset):
                in_time = self.now <= self.market.releasable_after(one)
                if one.status in (*_COMING, InstanceStatus.RETIRING) and not in_time:
                    yield one.id

    def next_owners(self, subset: int) -> list[Address]:
        """Who is to be named for a subset now, beyond those that it began with."""
        wanted = min(self.lacks(subset), self._may_still_be_named(subset))
        if not wanted:
            return []
        load = self._load()
        able = (one for one in self.owners[subset] if self._is_able(subset, one, load.get(one, 0)))
        return [owner for owner, _ in zip(able, range(wanted), strict=False)]

    # --- who is there ---

    def _here(self, subset: int) -> list[Instance]:
        return [self.market.instances[ci] for ci in self.dataset.subsets[subset].places]

    def _ever(self) -> Iterator[Instance]:
        return (one for one in self.market.instances.values() if dataset_of(one.id) == self.dataset.id)

    def _is_coming(self, one: Instance) -> bool:
        return one.status in _COMING and self.now <= one.since + self.dataset.terms.answer_window_seconds

    def _is_good(self, one: Instance) -> bool:
        return one.status is InstanceStatus.VERIFIED and not self._missed_twice(one)

    def _missed_twice(self, one: Instance) -> bool:
        """Whether its last two verdicts in some couple were misses."""
        for couple in self.market.couples.values():
            if couple.ds == self.dataset.id and not couple.phase.is_over:
                judged = [
                    record.verdicts[one.id][0]
                    for record in couple.rounds.values()
                    if one.id in record.verdicts
                ]
                if judged[-2:] == [JobStatus.MISSED] * 2:
                    return True
        return False

    # --- who may come ---

    def _may_still_be_named(self, subset: int) -> int:
        """How many: for places, for this day, and ever."""
        places = self.dataset.subsets[subset]
        free = self.dataset.terms.max_replicas - len(places.places)
        since = self.now - DAY
        today = sum(
            subset_of(one.id) == subset and replica_of(one.id) > self.rules.replicas and one.since > since
            for one in self._ever()
        )
        good = sum(map(self._is_good, self._here(subset)))
        kept = LAST_RESORT if 2 * good > self.rules.replicas else 0
        return max(0, min(free, self.rules.a_day - today, MOST_NAMED - kept - places.named))

    def _load(self) -> dict[Address, int]:
        """Of how many subsets each cloud owner holds a place."""
        load: dict[Address, int] = {}
        for subset in range(len(self.dataset.subsets)):
            for one in self._here(subset):
                load[one.cloud_owner] = load.get(one.cloud_owner, 0) + 1
        return load

    def _is_able(self, subset: int, owner: Address, load: int) -> bool:
        """Whether a cloud owner may be asked for a subset."""
        if self.market.role_of(owner) is not Role.CLOUD_OWNER or owner in self.unusable:
            return False
        owners, subsets = len(self.owners[subset]), len(self.dataset.subsets)
        if load > ceil(subsets * self.rules.replicas / owners):
            return False
        its = [one for one in self._ever() if one.cloud_owner == owner]
        if any(one.id in self.dataset.subsets[subset].places for one in its):
            return False
        before = [one for one in its if subset_of(one.id) == subset and one.status in _UNWILLING]
        if any(self.now <= one.since + self.rules.cooldown for one in before):
            return False
        return not any(self._lied(one) for one in its)

    def _lied(self, one: Instance) -> bool:
        """Whether a job of a replica was ever found false."""
        return any(
            record.verdicts.get(one.id, (JobStatus.IDLE, 0))[0] is JobStatus.FAULTY
            for couple in self.market.couples.values()
            if couple.ds == self.dataset.id
            for record in couple.rounds.values()
        )


def bare_since(market: Market, dataset: Dataset) -> int | None:
    """Since when some subset has nobody in the pool, in seconds; None if each has somebody."""
    bare = [index for index in range(dataset.terms.subsets) if not market.pool_of(dataset.id, index)]
    if not bare:
        return None
    left = (
        one.since
        for one in market.instances.values()
        if dataset_of(one.id) == dataset.id and subset_of(one.id) in bare and one.status in _LEFT
    )
    return max(left, default=0)
