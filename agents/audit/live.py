"""An audit against a live market: every event since its deployment, and every view at the same block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from agents.audit.replay import Audit, audit
from agents.chain import views
from agents.chain.client import BlockRef, MarketClient
from agents.chain.views import View
from agents.core.assets import Couple, Dataset, Instance
from agents.core.enums import CouplePhase, InstanceStatus, JobStatus, Role
from agents.core.events import Logged
from agents.core.hashing import commitment
from agents.core.ids import Address, dataset_of, short
from agents.core.market import Market
from agents.readmodel.accounts import BalanceSheet

_BLOCKS_A_REQUEST = 2_000
_GONE = (InstanceStatus.RETIRED, InstanceStatus.REFUSED, InstanceStatus.REJECTED)


@dataclass(frozen=True)
class Audited:
    """What an audit of a deployment found.

    Attributes:
        block: the state that was compared is the one after it.
        history: every event up to that block.
        differences: where the rebuilt market and the contract's views differ.
        contract_balance: the coins that the contract holds, in wei.
    """

    block: BlockRef
    history: tuple[Logged, ...]
    audit: Audit
    differences: tuple[str, ...]
    contract_balance: int

    @property
    def balance_sheet(self) -> BalanceSheet:
        """What balances, escrows and bonds add up to, beside what the contract holds."""
        return self.audit.projections.balance_sheet(self.contract_balance)

    @property
    def conserved(self) -> bool:
        """Whether the contract holds at least what balances, escrows and bonds add up to."""
        return self.balance_sheet.conserved

    @property
    def forced(self) -> int:
        """Coins that the contract holds beyond that, in wei: who forces them upon it can break nothing."""
        return self.balance_sheet.forced

    @property
    def ok(self) -> bool:
        """Whether the market kept its rules and says what its events say."""
        return self.audit.ok and not self.differences and self.conserved


def audit_deployment(client: MarketClient) -> Audited:
    """Reads and checks the whole market.

    Raises:
        NodeUnavailable: the node did not answer.
    """
    head = client.head()
    history = tuple(_history(client, head.number))
    result = audit(history, client.read(views.receipt_domain(), head.number))
    found = tuple(differences(result.market, client, head))
    return Audited(head, history, result, found, client.coins(head.number))


def _history(client: MarketClient, last: int) -> Iterator[Logged]:
    for first in range(client.deployment.block, last + 1, _BLOCKS_A_REQUEST):
        yield from client.logs(first, min(first + _BLOCKS_A_REQUEST - 1, last))


def differences(
    market: Market, client: MarketClient, block: BlockRef, member: Address | None = None
) -> Iterator[str]:
    """Where the contract's own views after `block` differ from the rebuilt market.

    Args:
        market: rebuilt from the events up to the block.
        client: asks.
        block: as of which.
        member: whom it has to concern; by default everything is compared.
    """
    now = block.timestamp
    expected = list(views_of(member, market, now) if member else expected_views(market, now))
    answers: Sequence[Any] = client.read_all([view for _, view, _ in expected], block.number)
    for (what, view, ours), theirs in zip(expected, answers, strict=True):
        if ours != theirs:
            yield f"{what}: {view.function} says {theirs}, the events say {ours}"


Expected = tuple[str, View[Any], object]
"""What the view is about, the view, and its answer."""


def expected_views(market: Market, now: int) -> Iterator[Expected]:
    """Every view of the market that ``market`` is a mirror of, with what it must answer at ``now``."""
    yield from _of_members(market)
    for dataset in market.datasets.values():
        yield from _of_dataset(market, dataset)
    for instance in market.instances.values():
        yield _name(instance), views.cloud_instance(instance.id), _instance(instance)
    for couple in market.couples.values():
        yield from _of_couple(market, couple, now)


def views_of(member: Address, market: Market, now: int) -> Iterator[Expected]:
    """As `expected_views`, for what a member has coins in or decides on, and what is not over."""
    registered = market.members.get(member)
    yield member, views.role_of(member), registered.role if registered else Role.NONE
    yield member, views.balance_of(member), market.balances.get(member, 0)
    offered = {ds for ds, dataset in market.datasets.items() if dataset.owner == member}
    held = {dataset_of(instance.id) for instance in market.instances_at(member)}
    for ds in offered:
        yield from _of_dataset(market, market.datasets[ds])
    for instance in market.instances.values():
        own = instance.cloud_owner == member or dataset_of(instance.id) in offered
        if own and instance.status not in _GONE:
            yield _name(instance), views.cloud_instance(instance.id), _instance(instance)
    for couple in market.couples.values():
        own = couple.model_owner == member or couple.ds in offered | held
        if own and not couple.phase.is_over:
            yield from _of_couple(market, couple, now)


def _of_members(market: Market) -> Iterator[Expected]:
    for account, balance in market.balances.items():
        yield account, views.balance_of(account), balance
    for member in market.members.values():
        yield member.address, views.role_of(member.address), member.role


def _of_dataset(market: Market, dataset: Dataset) -> Iterator[Expected]:
    name = short(dataset.id)
    pool = views.Pool(dataset.pool_version, market.covered(dataset.id))
    yield name, views.dataset_terms(dataset.id), dataset.terms
    yield name, views.dataset_pool(dataset.id), pool
    for index, subset in enumerate(dataset.subsets):
        yield f"{name} subset {index}", views.instances_of(dataset.id, index), tuple(subset.places)


def _of_couple(market: Market, couple: Couple, now: int) -> Iterator[Expected]:
    phase = market.phase_of(couple, now)
    training = couple.phase is CouplePhase.TRAINING
    yield (
        short(couple.id),
        views.train_couple(couple.id),
        views.TrainCouple(
            couple.ds,
            couple.mod,
            phase,
            couple.round,
            couple.max_rounds,
            couple.rem,
            couple.flags_left,
            couple.quorum,
            couple.pool_version,
            couple.deadline,
            couple.window_ends_at,
            couple.escrow,
            couple.mo_tip,
            couple.do_tip,
            couple.drawn_this_epoch,
            couple.pending if training else 0,
        ),
    )
    for instance in market.instances.values():
        if instance.id >> 32 == couple.ds >> 32:
            yield _name(instance), views.train_job(couple.id, instance.id), _job(couple, instance)


def _job(couple: Couple, instance: Instance) -> views.TrainJob:
    round_, status = couple.job_status(instance.id)
    report = couple.rounds[round_].reports.get(instance.id) if round_ else None
    kept = commitment(report.hash, report.nonce) if report and status is not JobStatus.MISSED else bytes(27)
    return views.TrainJob(kept, round_, status)


def _instance(instance: Instance) -> views.CloudInstance:
    return views.CloudInstance(
        instance.cloud_owner,
        instance.status,
        instance.since,
        instance.verified_at,
        instance.left_at,
        instance.bond,
    )


def _name(instance: Instance) -> str:
    return short(instance.id)
