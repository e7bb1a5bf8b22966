"""The cloud owner: holds replicas, trains when drawn, reports, and sees to it that it is paid."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agents.core.assets import Couple, Dataset, Instance
from agents.core.calls import (
    Call,
    close_round,
    flag_tj,
    join_ci,
    refuse_ci,
    release_ci,
    retire_ci,
    settle_round,
    update_tj,
)
from agents.core.enums import CouplePhase, FlagReason, InstanceStatus, Role
from agents.core.hashing import data_receipt, training_receipt
from agents.core.ids import DatasetId, dataset_of, subset_of
from agents.core.market import Market
from agents.roles import upkeep
from agents.roles.acts import Act, AgainstPolicy, Identity, Send, Situation
from agents.roles.common import (
    data_nonce,
    for_asset,
    funded,
    has_quorum,
    is_pending,
    opens_to,
    registration,
    training_nonce,
)
from agents.roles.policy import Breach, CloudOwnerPolicy, Dealings, Stakes, over
from agents.roles.results import Flagged, OpenedPackage, RefusedPackage, TrainingResult
from agents.roles.retention import KEEP_SECONDS, of_cloud_owner
from agents.roles.tasks.cloud_owner import (
    ForgetKeys,
    ForgetReplica,
    OpenPackage,
    TrainModel,
    job_key,
    package_key,
)


@dataclass(frozen=True)
class CloudOwner:
    """An honest cloud owner.

    Attributes:
        policy: whose replicas it holds, and on which terms.
        opening_deposit: wei that it pays in when it registers; it pays in more when a bond needs it.
        store_keep_seconds: how long its objects stay in the store after they are done with.
        looks_after: whether it puts again what the store has lost.
    """

    identity: Identity
    policy: CloudOwnerPolicy
    opening_deposit: int = 0
    store_keep_seconds: int = KEEP_SECONDS
    looks_after: bool = False

    def decide(self, situation: Situation) -> list[Act]:
        """All that is due now: answers first, they have deadlines."""
        market = situation.market
        first = registration(self.identity, Role.CLOUD_OWNER, self.opening_deposit, market)
        if first:
            return list(first)
        mine = list(market.instances_at(self.identity.address))
        held: defaultdict[DatasetId, list[Instance]] = defaultdict(list)
        for instance in mine:
            held[dataset_of(instance.id)].append(instance)
        acts: list[Act] = []
        for couple in market.couples.values():
            instances = held.get(couple.ds, [])
            acts += for_asset(f"couple {couple.id:x}", self._rounds, situation, couple, instances)
        dealings = self._dealings(market, mine)
        for instance in mine:
            acts += for_asset(f"instance {instance.id:x}", self._replica, situation, instance, dealings)
        keep = self.store_keep_seconds
        acts += for_asset("old results", of_cloud_owner, situation, self.identity.address, keep)
        if self.looks_after:
            acts += for_asset("own results", upkeep.of_cloud_owner, situation, self.identity.address)
        return funded(self.identity, situation, acts)

    def awaits(self, situation: Situation) -> str:
        """See `Party`."""
        market = situation.market
        held = [i for i in market.instances_at(self.identity.address) if i.status in _BONDED]
        if not held:
            return "a data owner that its policy allows to name it"
        of = {dataset_of(instance.id) for instance in held}
        couples = (couple for couple in market.couples.values() if couple.ds in of)
        if all(market.phase_of(couple, situation.now).is_over for couple in couples):
            return f"model owners: it holds {len(held)} replicas, and nobody trains on them now"
        return ""

    def _dealings(self, market: Market, instances: Iterable[Instance]) -> Dealings:
        """The replicas that it holds, of datasets that there are."""
        held = (i for i in instances if i.status in _BONDED and dataset_of(i.id) in market.datasets)
        bonds = [(market.datasets[dataset_of(i.id)].owner, i.bond) for i in held]
        return Dealings(Stakes.of(self.policy, bonds), Counter(owner for owner, _ in bonds))

    # --- holding data ---

    def _replica(self, situation: Situation, instance: Instance, dealings: Dealings) -> Iterator[Act]:
        market, status = situation.market, instance.status
        late = situation.now > market.releasable_after(instance)
        if status in _BONDED and late:
            yield Send(release_ci(instance.id))
        elif status is InstanceStatus.FREE and not late:
            yield from self._named(situation, instance, dealings)
        elif status in (InstanceStatus.JOINED, InstanceStatus.VERIFIED):
            if self._is_outvoted(situation, instance, _pool_around(market, instance)):
                yield Send(retire_ci(instance.id))
        elif status is not InstanceStatus.RETIRING:
            yield from self._forget(situation, instance)

    def _forget(self, situation: Situation, instance: Instance) -> Iterator[Act]:
        """The rows of an instance that is over."""
        task = ForgetReplica(instance.id)
        opened = isinstance(situation.results.get(package_key(instance.id)), OpenedPackage)
        if opened and situation.result(task) is None:
            yield task

    def _named(self, situation: Situation, instance: Instance, dealings: Dealings) -> Iterator[Act]:
        """Whoever names it without being asked for it is not answered: that would cost gas each time."""
        dataset = situation.market.datasets[dataset_of(instance.id)]
        breach = next(self._breaches(dataset, dealings), None)
        if breach:
            yield AgainstPolicy(f"instance {instance.id:x}", breach)
            return
        dealings.agree(dataset.owner, dataset.terms.instance_bond)
        yield from self._receive(situation, instance)

    def _breaches(self, dataset: Dataset, dealings: Dealings) -> Iterator[Breach]:
        owner, terms = dataset.owner, dataset.terms
        policy = self.policy.toward(owner)
        yield from policy.on_member(owner)
        yield from policy.on_terms(terms)
        with_it, in_all = dealings.numbers[owner], dealings.numbers.total()
        yield from over("max_instances_each", with_it, policy.max_instances_each, "of this data owner's")
        yield from over("max_instances", in_all, policy.max_instances, "replicas")
        yield from dealings.stakes.on_lock(owner, terms.instance_bond)

    def _receive(self, situation: Situation, instance: Instance) -> Iterator[Act]:
        dataset = situation.market.datasets[dataset_of(instance.id)]
        terms = dataset.terms
        patience = instance.since + terms.answer_window_seconds * 3 // 4
        deadline = instance.since + terms.answer_window_seconds
        task = OpenPackage(
            instance.id,
            instance.sealed_location,
            patience,
            dataset.metadata_hash,
            dataset.metadata_location,
            deadline=deadline,
        )
        package = situation.result(task)
        if package is None:
            yield task
        elif isinstance(package, RefusedPackage) or self._is_outvoted(
            situation, instance, _pool_around(situation.market, instance)
        ):
            yield Send(refuse_ci(instance.id))
        else:
            yield self._join(situation.market, instance, package.digest)

    def _join(self, market: Market, instance: Instance, digest: bytes) -> Send:
        ds, subset, co = dataset_of(instance.id), subset_of(instance.id), self.identity.address
        nonce, terms = data_nonce(self.identity, instance.id), market.datasets[ds].terms
        receipt = data_receipt(self.identity.receipt_domain, ds, subset, co, digest, nonce)
        window = terms.answer_window_seconds
        return Send(
            join_ci(instance.id, receipt, nonce),
            terms.instance_bond,
            deadline=instance.since + window,
            window=window,
        )

    def _is_outvoted(self, situation: Situation, instance: Instance, among: Iterable[Instance]) -> bool:
        """The paper's cross-check (II-D): of these replicas and its own, are most unlike its own?

        Whoever is not in the majority would be slashed for honest work, so it neither stays nor trains.
        """
        package = situation.results.get(package_key(instance.id))
        if not isinstance(package, OpenedPackage):
            return False
        siblings = [other for other in among if other.id != instance.id]
        agreeing = 1 + sum(opens_to(self.identity, other, package.digest) for other in siblings)
        return 2 * agreeing <= 1 + len(siblings)

    # --- training ---

    def _rounds(self, situation: Situation, couple: Couple, instances: list[Instance]) -> Iterator[Act]:
        phase = situation.market.phase_of(couple, situation.now)
        if phase in _ENDED:
            yield from self._forget_keys(situation, couple, instances)
            return
        for instance in instances:
            drawn = is_pending(couple, subset_of(instance.id)) and instance.was_in_pool(couple.pool_version)
            if not drawn:
                continue
            if phase is CouplePhase.TRAINING and not couple.current.answered(instance.id):
                yield from self._answer(situation, couple, instance)
            elif phase is CouplePhase.SETTLING:
                yield from self._settle(situation, couple, instance)
            elif phase is CouplePhase.OVERDUE:
                yield from self._close(situation, couple, instance)

    def _forget_keys(self, situation: Situation, couple: Couple, instances: list[Instance]) -> Iterator[Act]:
        """The keys of a couple in which it trained."""
        task = ForgetKeys(couple.id)
        if situation.result(task) is None and any(
            record.answered(instance.id) for record in couple.rounds.values() for instance in instances
        ):
            yield task

    def _answer(self, situation: Situation, couple: Couple, instance: Instance) -> Iterator[Act]:
        market = situation.market
        model, record = market.models[couple.mod], couple.current
        window = market.dataset_of(couple).terms.report_window_seconds
        if self._is_outvoted(situation, instance, market.assigned(couple, subset_of(instance.id))):
            flag = flag_tj(couple.id, instance.id, couple.round, FlagReason.PLAN_REFUSED)
            yield Send(flag, deadline=couple.deadline, window=window)
            return
        task = TrainModel(
            couple.id,
            instance.id,
            couple.round,
            record.drawn,
            market.dataset_of(couple).terms.subsets,
            model.plan_hash,
            model.plan_location,
            record.model_hash,
            record.model_location,
            market.members[couple.model_owner].encryption_key,
            couple.deadline - window // 4,
            deadline=couple.deadline,
        )
        result = situation.result(task)
        if result is None:
            yield task
        elif isinstance(result, Flagged):
            flag = flag_tj(couple.id, instance.id, couple.round, result.flag)
            yield Send(flag, deadline=couple.deadline, window=window)
        else:
            yield Send(self._report(couple, instance, result), deadline=couple.deadline, window=window)

    def _report(self, couple: Couple, instance: Instance, result: TrainingResult) -> Call:
        nonce = training_nonce(self.identity, couple.id, couple.round, instance.id)
        receipt = training_receipt(
            self.identity.receipt_domain,
            couple.id,
            couple.round,
            instance.id,
            self.identity.address,
            result.digest,
            nonce,
        )
        return update_tj(couple.id, instance.id, couple.round, receipt, nonce, result.sealed_location)

    # --- being paid ---

    def _settle(self, situation: Situation, couple: Couple, instance: Instance) -> Iterator[Act]:
        """Half of the settle window is the model owner's; then whoever trained opens the digest itself."""
        market, subset = situation.market, subset_of(instance.id)
        window = market.dataset_of(couple).terms.settle_window_seconds
        result = situation.results.get(job_key(couple.id, couple.round, instance.id))
        if not isinstance(result, TrainingResult) or situation.now <= couple.deadline + window // 2:
            return
        if has_quorum(self.identity, market, couple, subset, result.digest):
            settle = settle_round(couple.id, subset, result.digest, market.reports_of(couple, subset))
            yield Send(settle, deadline=couple.deadline + window, window=window)

    def _close(self, situation: Situation, couple: Couple, instance: Instance) -> Iterator[Act]:
        """Closing may pay who reported; half of a settle window is the model owner's."""
        market, subset = situation.market, subset_of(instance.id)
        half = market.dataset_of(couple).terms.settle_window_seconds // 2
        paid = instance.id in couple.current.reports and market.pays_who_reported(couple, subset)
        if paid and situation.now > market.overdue_since(couple) + half:
            yield Send(close_round(couple.id, [subset]))


_ENDED = (CouplePhase.COMPLETED, CouplePhase.ABORTED)
_BONDED = (InstanceStatus.JOINED, InstanceStatus.VERIFIED, InstanceStatus.RETIRING)


def _pool_around(market: Market, instance: Instance) -> list[Instance]:
    """The replicas of its subset that the data owner vouches for."""
    return market.pool_of(dataset_of(instance.id), subset_of(instance.id))
