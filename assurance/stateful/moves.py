"""What members may try next: moves that make sense, from what each of them knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from random import Random

from agents.core import calls
from agents.core.assets import Couple, Dataset, Instance, Report
from agents.core.calls import Call
from agents.core.enums import CouplePhase as P
from agents.core.enums import FlagReason, InstanceStatus, Role
from agents.core.events import DatasetTerms
from agents.core.hashing import data_receipt, set_bits
from agents.core.ids import Address, InstanceId, couple_id, dataset_of, subset_of
from agents.core.market import Market
from assurance.stateful.participants import LIE, LINKS, Participants, digest_of, link, report_of, secret
from testing.backend import START
from testing.fake_market import FakeMarket

S = InstanceStatus
KEY, LOCATION, HASH = b"\x04" * 64, b"\x01" * 94, secret("a hash")

Move = tuple[float, Address, Callable[[], Call]]
"""How likely among the others, who sends it, and what, worked out only if it is made."""


class Moves:
    """Every kind of move that somebody has a reason to make.

    Args:
        now: the time of the next block, in seconds.
    """

    def __init__(self, market: Market, participants: Participants, now: int, rng: Random) -> None:
        self.market, self.participants, self.now, self.rng = market, participants, now, rng

    def __iter__(self) -> Iterator[Move]:
        yield from self._of_members()
        for dataset in self.market.datasets.values():
            yield from self._of_dataset(dataset)
        for instance in self.market.instances.values():
            yield from self._of_instance(instance)
        for couple in self.market.couples.values():
            yield from self._of_couple(couple)

    # --- members and their assets ---

    def _of_members(self) -> Iterator[Move]:
        market, members, rng = self.market, self.participants, self.rng
        groups = (
            (members.data_owners, Role.DATA_OWNER),
            (members.cloud_owners, Role.CLOUD_OWNER),
            (members.model_owners, Role.MODEL_OWNER),
        )
        for group, role in groups:
            for member in group:
                coins = rng.choice((0, 1, 10**6, 10**9, 10**9))
                if member not in market.members:
                    yield 4, member, partial(calls.register, role, KEY, coins)
                elif market.balances[member] < 1_000:
                    yield 2, member, partial(calls.deposit, coins)
        anybody = rng.choice(members.everybody)
        yield 0.3, anybody, partial(calls.deposit, rng.choice((0, 1, 10**4)))
        yield 0.3, anybody, partial(calls.withdraw, rng.choice((0, 1, market.balances[anybody])))
        yield from self._offers()

    def _offers(self) -> Iterator[Move]:
        market = self.market
        for member in self.participants.data_owners:
            mine = sum(dataset.owner == member for dataset in market.datasets.values())
            if member in market.members:
                yield 4 if mine == 0 else 0.03, member, self._create_ds
        for member in self.participants.model_owners:
            mine = sum(model.owner == member for model in market.models.values())
            if member in market.members:
                yield 4 if mine == 0 else 0.05, member, partial(calls.create_mod, "logistic", HASH, LOCATION)

    def _create_ds(self) -> Call:
        """Terms of every shape that is allowed; `assurance.stateful.nonsense` makes the others of them."""
        rng = self.rng
        subsets = rng.choice((1, 1, 2, 2, 3, 4, 7, 256))
        job, miss = rng.choice((0, 1, 7, 100)), rng.choice((0, 1, 40, 100))
        window = rng.choice((1, 3_600, 3_600, 10**5, 2**24 - 1))
        terms = DatasetTerms(
            subsets=subsets,
            subsets_per_round=rng.randint(1, min(subsets, 4)),
            max_replicas=rng.choice((1, 2, 3, 3, 4, 5, 16)),
            round_price=rng.choice((0, 1, 1_000)),
            job_price=job,
            instance_bond=max(job, miss) * rng.choice((1, 1, 3)) + rng.choice((0, 0, 1)),
            miss_penalty=miss,
            couple_bond=rng.choice((0, 1, 500)),
            answer_window_seconds=window,
            draw_window_seconds=rng.choice((1, 600, window)),
            report_window_seconds=rng.choice((1, 600, window)),
            settle_window_seconds=rng.choice((1, 600, window)),
            couple_window_seconds=rng.choice((1, 3_600, 10**6, 10**6, 2**32 - 1)),
            ends_at=0,
        )
        lasts = rng.choice((1, _life(terms), *[2 * _life(terms) + 10**6] * 4))
        return calls.create_ds(replace(terms, ends_at=max(self.now, START) + lasts), HASH, LOCATION)

    def _of_dataset(self, dataset: Dataset) -> Iterator[Move]:
        market, rng, ds = self.market, self.rng, dataset.id
        known = [co for co in self.participants.cloud_owners if co in market.members]
        for index in range(min(dataset.terms.subsets, 8)):
            subset = dataset.subsets[index]
            there = {market.instances[ci].cloud_owner for ci in subset.places}
            free = [co for co in known if co not in there]
            room = dataset.terms.max_replicas - len(subset.places)
            if free and room:
                named = rng.sample(free, rng.randint(1, min(room, len(free))))
                places, locations = [index] * len(named), [LOCATION] * len(named)
                weight = 0.02 if self.now > dataset.terms.ends_at else 0.2 if subset.places else 3
                yield weight, dataset.owner, partial(calls.create_ci, ds, places, named, locations)
        ready = dataset.terms.subsets < 9 and market.covered(ds) == dataset.terms.subsets
        fits = self.now + _life(dataset.terms) <= dataset.terms.ends_at
        open_ = sum(c.ds == ds and c.phase <= P.OVERDUE for c in market.couples.values())
        weight = (4 if ready and fits else 0.05) / (1 + 4 * open_)
        for model in market.models.values():
            yield weight, model.owner, partial(self._request, model.owner, model.id, dataset)

    def _request(self, owner: Address, mod: object, dataset: Dataset) -> Call:
        serial = 1 + sum(couple.model_owner == owner for couple in self.market.couples.values())
        rounds = self.rng.choice((1, 2, 3, LINKS, 65_535))
        quorum = self.rng.choice((0, 0, 0, 1, 2, 3, dataset.terms.max_replicas))
        tip = link("MO", couple_id(owner, serial), 0)
        return calls.request_tc(mod, dataset.id, rounds, tip, quorum)  # type: ignore[arg-type]

    # --- instances ---

    def _of_instance(self, instance: Instance) -> Iterator[Move]:
        market, rng, ci, co = self.market, self.rng, instance.id, instance.cloud_owner
        owner = market.datasets[dataset_of(ci)].owner
        late = self.now > market.releasable_after(instance)
        if instance.status is S.FREE:
            yield 0.1 if late else 3, co, partial(_join, ci, co)
            yield 0.1, co, partial(calls.refuse_ci, ci)
        if instance.status is S.JOINED:
            yield 0.1 if late else 3, owner, partial(self._verify, ci)
        if instance.status in (S.FREE, S.JOINED, S.VERIFIED):
            yield 0.05, rng.choice((co, owner)), partial(calls.retire_ci, ci)
        if late:
            yield 0.5, rng.choice(self.participants.everybody), partial(calls.release_ci, ci)

    def _verify(self, ci: InstanceId) -> Call:
        """This one, and any others of its dataset that joined."""
        instances = self.market.instances.values()
        others = [i.id for i in instances if i.status is S.JOINED and i.id >> 32 == ci >> 32 and i.id != ci]
        some = [ci, *self.rng.sample(others, self.rng.randint(0, len(others)))]
        return calls.verify_ci(some, [self.rng.random() < 0.95 for _ in some])

    # --- couples ---

    def _of_couple(self, couple: Couple) -> Iterator[Move]:
        tc, mo, do = couple.id, couple.model_owner, self.market.dataset_of(couple).owner
        anybody = self.rng.choice(self.participants.everybody)
        match self.market.phase_of(couple, self.now):
            case P.REQUESTED:
                yield 5, do, partial(calls.approve_tc, tc, link("DO", tc, 0))
                yield 0.1, do, partial(calls.decline_tc, tc)
                yield 0.1, mo, partial(calls.cancel_tc, tc)
            case P.LAPSED:
                yield 0.5, mo, partial(calls.cancel_tc, tc)
                yield 0.5, anybody, partial(calls.expire_request, tc)
            case P.APPROVED:
                seed = link("MO", tc, couple.round + 1)
                yield (
                    5 if couple.round < LINKS else 0.1,
                    mo,
                    partial(calls.start_round, tc, seed, HASH, LOCATION),
                )
                yield 0.05, mo, partial(calls.complete_tc, tc, HASH)
            case P.ENDED:
                yield 0.2, mo, partial(calls.complete_tc, tc, HASH)
                yield 0.2, anybody, partial(calls.expire_tc, tc)
            case P.DRAWING:
                yield 8, do, partial(calls.draw_round, tc, link("DO", tc, couple.round))
            case P.WITHHELD:
                yield 1, anybody, partial(calls.expire_draw, tc)
            case P.TRAINING:
                yield from self._answers(couple)
            case P.SETTLING:
                yield from self._settlements(couple)
            case P.OVERDUE:
                pending = list(set_bits(couple.pending))
                some = self.rng.sample(pending, self.rng.randint(0, len(pending)))
                yield 3, anybody, partial(calls.close_round, tc, some or pending[:1])

    def _answers(self, couple: Couple) -> Iterator[Move]:
        """Honest cloud owners report what they trained, or flag; liars do anything."""
        for index in set_bits(couple.pending):
            for instance in self.market.assigned(couple, index):
                if couple.current.answered(instance.id):
                    continue
                co, lies = instance.cloud_owner, instance.cloud_owner in self.participants.liars
                flags = 3 if lies else self.rng.choice((0, 0, 0, 4))
                yield 6, co, partial(self._report, couple, instance, False)
                yield flags, co, partial(self._flag, couple, instance)
                if lies:
                    yield 9, co, partial(self._report, couple, instance, True)

    def _flag(self, couple: Couple, instance: Instance) -> Call:
        return calls.flag_tj(couple.id, instance.id, couple.round, self.rng.choice(list(FlagReason)))

    def _report(self, couple: Couple, instance: Instance, lie: bool) -> Call:
        tc, number, ci, co = couple.id, couple.round, instance.id, instance.cloud_owner
        receipt = report_of(tc, number, ci, co, digest_of(tc, number, subset_of(ci)))
        if lie:
            others = list(couple.current.reports.values())
            receipt = report_of(tc, number, ci, co, self.rng.choice((LIE, LIE, secret("a lie", co, number))))
            if others and self.rng.random() < 0.3:
                copied = self.rng.choice(others)
                receipt = copied.hash, copied.nonce
        return calls.update_tj(tc, ci, number, *receipt, LOCATION)

    def _settlements(self, couple: Couple) -> Iterator[Move]:
        """With the digest that most agree on, if they are enough; now and then with another."""
        tc, number = couple.id, couple.round
        for index in set_bits(couple.pending):
            reports = self.market.reports_of(couple, index)
            needed = self.market.quorum_of(couple, index)
            self.rng.shuffle(reports)
            for digest in (digest_of(tc, number, index), LIE):
                weight = 12 if _agreeing(couple, reports, digest) >= needed else 0.1
                settler = self.rng.choice(self.participants.everybody)
                yield weight, settler, partial(calls.settle_round, tc, index, digest, reports)


def _join(ci: InstanceId, co: Address) -> Call:
    ds, subset, nonce = dataset_of(ci), subset_of(ci), secret("data nonce", ci)
    receipt = data_receipt(FakeMarket.domain, ds, subset, co, secret("data", ds, subset), nonce)
    return calls.join_ci(ci, receipt, nonce)


def _agreeing(couple: Couple, reports: list[Report], digest: bytes) -> int:
    expected = [(*report_of(couple.id, couple.round, r.ci, r.cloud_owner, digest), r) for r in reports]
    return sum((receipt, nonce) == (r.hash, r.nonce) for receipt, nonce, r in expected)


def _life(terms: DatasetTerms) -> int:
    """From a couple's request to the end of its last round, in seconds, at most."""
    return terms.answer_window_seconds + terms.couple_window_seconds + terms.unbonding_seconds
