"""What several roles do alike: register, pay in, prove, derive."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import ParamSpec

from agents.core.assets import Couple, Instance, Report
from agents.core.calls import deposit, register
from agents.core.enums import Role
from agents.core.errors import in_one_line
from agents.core.hashing import data_receipt, seed_chain, training_receipt
from agents.core.ids import Address, CoupleId, InstanceId, dataset_of, subset_of
from agents.core.market import Market
from agents.roles.acts import NO_DEADLINE, Act, Identity, Send, Situation, Task, Unaffordable

log = logging.getLogger(__name__)
P = ParamSpec("P")


def for_asset(asset: str, decide: Callable[P, Iterable[Act]], *args: P.args, **kwargs: P.kwargs) -> list[Act]:
    """What is due for one asset of several. A decision that fails is told once, and stops no other's."""
    try:
        return list(decide(*args, **kwargs))
    except Exception as error:  # noqa: BLE001  # a mistake of ours, which one asset must pay for, not all
        _tell_once(asset, in_one_line(error))
        return []


@lru_cache(maxsize=1024)
def _tell_once(asset: str, problem: str) -> None:
    log.error("%s is left alone: %s", asset, problem)


def registration(identity: Identity, role: Role, opening_deposit: int, market: Market) -> list[Send]:
    """What a stranger has to do first; nothing for a member."""
    if identity.address in market.members:
        return []
    return [Send(register(role, identity.encryption_key, opening_deposit))]


def funded(identity: Identity, situation: Situation, acts: Iterable[Act]) -> list[Act]:
    """The same acts, in the order in which they should be done, and what they lock is paid in.

    What locks nothing comes first; then a deposit of what the free balance lacks, and what it is for. What is
    due first is first in each. What the coins do not suffice for is left out, and said at the end.
    """
    ordered = sorted(acts, key=_deadline)
    free = situation.market.balances[identity.address]
    locking = [act for act in ordered if _locks(act)]
    affordable, left_out = _afforded(identity.address, locking, free + situation.coins)
    return [
        *(act for act in ordered if not _locks(act)),
        *_paid_in(affordable, free),
        *affordable,
        *left_out,
    ]


def _afforded(member: Address, acts: Iterable[Act], coins: int) -> tuple[list[Send], list[Unaffordable]]:
    """What so many wei suffice for, one after the other, and what they do not."""
    affordable: list[Send] = []
    left_out: list[Unaffordable] = []
    for act in acts:
        if isinstance(act, Send) and act.locks <= coins:
            affordable.append(act)
            coins -= act.locks
        elif isinstance(act, Send):
            left_out.append(Unaffordable(act, member, coins))
    return affordable, left_out


def _paid_in(sends: list[Send], free: int) -> list[Send]:
    """The deposit that they need, as urgent as they are; none if the free balance is enough."""
    lacking = sum(send.locks for send in sends) - free
    if not sends or lacking <= 0:
        return []
    first = sends[0]
    return [Send(deposit(lacking), deadline=first.deadline, window=first.window)]


def _locks(act: Act) -> bool:
    return isinstance(act, Send) and act.locks > 0


def _deadline(act: Act) -> int:
    return act.deadline if isinstance(act, Send | Task) else NO_DEADLINE


def seed_link(identity: Identity, tc: CoupleId, max_rounds: int, round_: int) -> bytes:
    """The link of the member's own seed chain for a round; its tip for round 0.

    A chain is of one market and of one length: links that are opened elsewhere, or of a couple of the same id
    that the chain took back, tell nothing of its draws.
    """
    return _links(identity.secret(b"holdfast/seed/%x/%d" % (tc, max_rounds)), max_rounds)[round_]


_links = lru_cache(maxsize=64)(seed_chain)
"""The longest chain takes seconds, and each decision asks for a link."""


def final_salt(identity: Identity, tc: CoupleId) -> bytes:
    """What hides a couple's final hash, 32 bytes: with it and the weights anybody can check the hash."""
    return identity.secret(b"holdfast/final-model/%x" % tc)


def opens_to(identity: Identity, instance: Instance, digest: bytes) -> bool:
    """Whether the data receipt of `instance` opens to `digest`."""
    ds, subset = dataset_of(instance.id), subset_of(instance.id)
    owner, nonce = instance.cloud_owner, instance.nonce
    return instance.data_hash == data_receipt(identity.receipt_domain, ds, subset, owner, digest, nonce)


def report_opens_to(identity: Identity, couple: Couple, report: Report, digest: bytes) -> bool:
    """Whether a training receipt of the open round opens to `digest`."""
    return report.hash == training_receipt(
        identity.receipt_domain, couple.id, couple.round, report.ci, report.cloud_owner, digest, report.nonce
    )


def has_quorum(identity: Identity, market: Market, couple: Couple, subset: int, digest: bytes) -> bool:
    """Whether enough reports of a pending subset open to `digest` for the market to settle it."""
    reports = market.reports_of(couple, subset)
    agreeing = sum(report_opens_to(identity, couple, report, digest) for report in reports)
    return agreeing >= market.quorum_of(couple, subset)


def is_pending(couple: Couple, subset: int) -> bool:
    """Whether a subset was drawn in the open round and is neither settled nor void."""
    return bool(couple.pending >> subset & 1)


def data_nonce(identity: Identity, ci: InstanceId) -> bytes:
    """The nonce of the member's own data receipt."""
    return identity.secret(b"holdfast/nonce/data/%x" % ci)


def training_nonce(identity: Identity, tc: CoupleId, round_: int, ci: InstanceId) -> bytes:
    """The nonce of the member's own training receipt."""
    return identity.secret(b"holdfast/nonce/training/%x/%d/%x" % (tc, round_, ci))


def seconds_into_answer_window(situation: Situation, couple: Couple) -> tuple[int, int]:
    """How long a request has waited for its answer, and how long it may."""
    window = situation.market.dataset_of(couple).terms.answer_window_seconds
    return situation.now - (couple.deadline - window), window
