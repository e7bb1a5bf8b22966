"""Parties that do what a test says, on a market in memory: histories without agents.

script = Script(replicas=3, subsets=4, subsets_per_round=2)
script.bring_to(CouplePhase.TRAINING)
script.report(script.cis(script.drawn[0])[0])
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256

from agents.core import calls
from agents.core.assets import Couple, Dataset, Instance
from agents.core.calls import Call
from agents.core.enums import CouplePhase as Phase
from agents.core.enums import FlagReason, Role
from agents.core.events import DatasetTerms, MarketEvent
from agents.core.hashing import data_receipt, set_bits, training_receipt
from agents.core.ids import (
    CoupleId,
    DatasetId,
    InstanceId,
    ModelId,
    couple_id,
    dataset_id,
    dataset_of,
    model_id,
    subset_of,
)
from agents.core.market import Market
from agents.roles.acts import Act, Identity, Party, Situation
from agents.roles.common import seed_link
from agents.roles.results import TaskResult
from agents.vault.keys import SecretKey
from testing.fake_market import TERMS, FakeMarket
from testing.world import address_of

BALANCE = 1_000_000
LOCATION = sha256(b"an object").digest()
METADATA, PLAN = sha256(b"a description").digest(), sha256(b"a plan").digest()
FORGED = sha256(b"another model").digest()


def identity(name: str) -> Identity:
    """A member by name; the same name has the same keys."""

    def derive(purpose: bytes) -> bytes:
        return sha256(name.encode() + b"'s secret for " + purpose).digest()

    key = SecretKey.from_seed(derive(b"encryption")).public_key.encoded
    return Identity(address_of(name), key, derive, FakeMarket.domain)


class Script:
    """One dataset of one data owner, and one couple that one model owner asks for.

    Attributes:
        cos: the cloud owners; the i-th holds the i-th replica of every subset.
    """

    def __init__(
        self, replicas: int = 3, rounds: int = 2, quorum: int = 0, balance: int = BALANCE, **terms: int
    ) -> None:
        self.chain = FakeMarket()
        self.terms: DatasetTerms = replace(TERMS, **{"max_replicas": replicas, **terms})
        self.rounds, self.quorum, self.balance = rounds, quorum, balance
        self.do, self.mo = identity("data owner"), identity("model owner")
        self.stranger = identity("stranger")
        self.cos = [identity(f"cloud owner {number}") for number in range(replicas)]
        self.ds: DatasetId = dataset_id(self.do.address, 1)
        self.mod: ModelId = model_id(self.mo.address, 1)
        self.tc: CoupleId = couple_id(self.mo.address, 1)

    # --- what there is ---

    @property
    def market(self) -> Market:
        return self.chain.mirror

    @property
    def now(self) -> int:
        return self.chain.now

    @now.setter
    def now(self, second: int) -> None:
        self.chain.now = second

    @property
    def dataset(self) -> Dataset:
        return self.market.datasets[self.ds]

    @property
    def couple(self) -> Couple:
        return self.market.couples[self.tc]

    @property
    def phase(self) -> Phase:
        return self.market.phase_of(self.couple, self.now)

    @property
    def drawn(self) -> tuple[int, ...]:
        return set_bits(self.couple.current.drawn)

    def cis(self, subset: int = 0) -> list[InstanceId]:
        return list(self.dataset.subsets[subset].places)

    def summoned(self, subset: int) -> list[InstanceId]:
        """Those who are asked to train in the open round."""
        return [instance.id for instance in self.market.summoned(self.couple, subset)]

    def instance(self, ci: InstanceId) -> Instance:
        return self.market.instances[ci]

    def coins(self, member: Identity) -> int:
        return self.market.balances[member.address]

    def owner(self, ci: InstanceId) -> Identity:
        address = self.instance(ci).cloud_owner
        return next(co for co in self.cos if co.address == address)

    def decide(
        self, party: Party, results: dict[str, TaskResult] | None = None, now: int | None = None
    ) -> list[Act]:
        """What a role makes of this; asked again it says the same."""
        situation = Situation(self.market, results or {}, self.now if now is None else now)
        acts = party.decide(situation)
        assert party.decide(situation) == acts
        return acts

    def send(self, sender: Identity, call: Call) -> list[MarketEvent]:
        return self.chain.send(sender.address, call)

    # --- distribution ---

    def register(self, balance: int | None = None) -> None:
        balance = self.balance if balance is None else balance
        for role, member in (
            (Role.DATA_OWNER, self.do),
            *((Role.CLOUD_OWNER, co) for co in self.cos),
            (Role.MODEL_OWNER, self.mo),
        ):
            self.send(member, calls.register(role, member.encryption_key, balance))
        self.send(self.mo, calls.create_mod("linear", PLAN, LOCATION))

    def offer(self) -> None:
        self.send(self.do, calls.create_ds(self.terms, METADATA, LOCATION))

    def name(self, *cos: Identity, subsets: Iterable[int] | None = None) -> None:
        """Names these COs, by default all, for a replica of these subsets, by default all."""
        indices = range(self.terms.subsets) if subsets is None else subsets
        places = [(index, co.address) for index in indices for co in (cos or self.cos)]
        named, owners = zip(*places, strict=True)
        self.send(self.do, calls.create_ci(self.ds, named, owners, [LOCATION] * len(places)))

    def join(self, ci: InstanceId, digest: bytes | None = None) -> None:
        receipt, nonce = self.data_receipt(ci, digest)
        self.send(self.owner(ci), calls.join_ci(ci, receipt, nonce))

    def data_receipt(self, ci: InstanceId, digest: bytes | None = None) -> tuple[bytes, bytes]:
        subset, owner = subset_of(ci), self.owner(ci).address
        nonce = sha256(b"data nonce %d" % ci).digest()
        digest = data_digest(subset) if digest is None else digest
        return data_receipt(self.chain.domain, dataset_of(ci), subset, owner, digest, nonce), nonce

    def verify(self, *cis: InstanceId, ok: bool = True) -> None:
        self.send(self.do, calls.verify_ci(cis, [ok] * len(cis)))

    def fill_pool(self) -> None:
        """Every replica joins and is verified."""
        for subset in range(self.terms.subsets):
            for ci in self.cis(subset):
                self.join(ci)
            self.verify(*self.cis(subset))

    # --- training ---

    def request(self) -> None:
        tip = seed_link(self.mo, self.tc, self.rounds, 0)
        self.send(self.mo, calls.request_tc(self.mod, self.ds, self.rounds, tip, self.quorum))

    def approve(self) -> None:
        self.send(self.do, calls.approve_tc(self.tc, seed_link(self.do, self.tc, self.rounds, 0)))

    def start(self, weights: bytes = LOCATION) -> None:
        link = seed_link(self.mo, self.tc, self.rounds, self.couple.round + 1)
        self.send(self.mo, calls.start_round(self.tc, link, weights, LOCATION))

    def draw(self) -> None:
        link = seed_link(self.do, self.tc, self.rounds, self.couple.round)
        self.send(self.do, calls.draw_round(self.tc, link))

    def model_digest(self, subset: int, round_: int | None = None) -> bytes:
        """What an honest CO gets by training on a subset."""
        return sha256(b"model %d %d" % (subset, round_ or self.couple.round)).digest()

    def receipt(self, ci: InstanceId, digest: bytes | None = None) -> tuple[bytes, bytes]:
        round_ = self.couple.round
        digest = self.model_digest(subset_of(ci)) if digest is None else digest
        nonce = sha256(b"nonce %d %d" % (round_, ci)).digest()
        owner = self.owner(ci).address
        return training_receipt(self.chain.domain, self.tc, round_, ci, owner, digest, nonce), nonce

    def report(self, ci: InstanceId, digest: bytes | None = None) -> None:
        receipt, nonce = self.receipt(ci, digest)
        call = calls.update_tj(self.tc, ci, self.couple.round, receipt, nonce, LOCATION)
        self.send(self.owner(ci), call)

    def flag(self, ci: InstanceId) -> None:
        reason = FlagReason.WEIGHTS_UNAVAILABLE
        self.send(self.owner(ci), calls.flag_tj(self.tc, ci, self.couple.round, reason))

    def play_round(self, *letters: str) -> None:
        """Starts, draws and answers: for each drawn subset a letter for each instance that is asked.

        A reports what it should, F another model, G flags, M stays silent: then the report deadline passes.
        """
        self.start()
        self.draw()
        self.answer(*letters)

    def answer(self, *letters: str) -> None:
        for subset, word in zip(self.drawn, letters, strict=True):
            for ci, letter in zip(self.summoned(subset), word, strict=True):
                if letter in "AF":
                    self.report(ci, FORGED if letter == "F" else None)
                elif letter == "G":
                    self.flag(ci)
        if "M" in "".join(letters) and self.couple.phase is Phase.TRAINING:
            self.now = self.couple.deadline + 1

    def settle(self, subset: int, digest: bytes | None = None, by: Identity | None = None) -> None:
        digest = self.model_digest(subset) if digest is None else digest
        reports = self.market.reports_of(self.couple, subset)
        self.send(by or self.mo, calls.settle_round(self.tc, subset, digest, reports))

    def settle_all(self) -> None:
        for subset in set_bits(self.couple.pending):
            self.settle(subset)

    def close(self) -> None:
        """Voids all that is pending, a flagged-out round at once, another when it is Overdue."""
        if self.phase is not Phase.OVERDUE:
            self.now = self.market.settle_deadline(self.couple) + 1
        self.send(self.stranger, calls.close_round(self.tc, set_bits(self.couple.pending)))

    # --- the road ---

    def open(self) -> Script:
        """All replicas are in the pool."""
        self.register()
        self.offer()
        self.name()
        self.fill_pool()
        return self

    def bring_to(self, phase: Phase) -> Script:
        """Opens the market and goes to this phase of the first round, everybody answering."""
        self.open()
        self.request()
        if phase is Phase.LAPSED:
            self.now = self.couple.deadline + 1
        if phase in (Phase.REQUESTED, Phase.LAPSED):
            return self
        self.approve()
        if phase is Phase.ENDED:
            self.now = self.couple.window_ends_at + 1
        if phase in (Phase.APPROVED, Phase.ENDED):
            return self
        self.start()
        if phase is Phase.WITHHELD:
            self.now = self.couple.deadline + 1
        if phase in (Phase.DRAWING, Phase.WITHHELD):
            return self
        self.draw()
        if phase is Phase.TRAINING:
            return self
        self.answer(*("A" * len(self.summoned(subset)) for subset in self.drawn))
        if phase is Phase.OVERDUE:
            self.now = self.market.settle_deadline(self.couple) + 1
        assert self.phase is phase
        return self


def data_digest(subset: int) -> bytes:
    """What every replica of a subset holds."""
    return sha256(b"subset %d" % subset).digest()
