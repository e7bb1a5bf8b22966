"""One life of a market: parties that do what a test says, on the rules in memory or on another backend.

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
from agents.core.enums import Role
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
from testing.backend import TERMS, Backend
from testing.couple_steps import FORGED, CoupleStanding, CoupleSteps, LaidReport
from testing.fake_market import FakeMarket
from testing.world import address_of

__all__ = ["FORGED", "LOCATION", "METADATA", "PLAN", "Script", "data_digest", "identity"]

BALANCE = 1_000_000
LOCATION = sha256(b"an object").digest()
METADATA, PLAN = sha256(b"a description").digest(), sha256(b"a plan").digest()


def identity(name: str) -> Identity:
    """A member by name; the same name has the same keys."""

    def derive(purpose: bytes) -> bytes:
        return sha256(name.encode() + b"'s secret for " + purpose).digest()

    key = SecretKey.from_seed(derive(b"encryption")).public_key.encoded
    return Identity(address_of(name), key, derive, FakeMarket.domain)


class Script(CoupleSteps[Identity, list[MarketEvent]]):
    """One dataset of one data owner, and one couple that one model owner asks for.

    Args:
        replicas: as many cloud owners; the i-th of `cos` holds the i-th replica of every subset.
        balance: what each member pays in, in wei.
        terms: of the dataset, where they are not `TERMS`.

    Attributes:
        chain: what all calls go to; set it to play on another backend than the rules in memory.
    """

    weights = location = result_location = LOCATION

    def __init__(
        self,
        replicas: int = 3,
        rounds: int = 2,
        quorum: int = 0,
        balance: int = BALANCE,
        **terms: int,
    ) -> None:
        self.chain: Backend = FakeMarket()
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

    def instance(self, ci: InstanceId) -> Instance:
        return self.market.instances[ci]

    def coins(self, member: Identity) -> int:
        return self.market.balances[member.address]

    def decide(
        self, party: Party, results: dict[str, TaskResult] | None = None, now: int | None = None
    ) -> list[Act]:
        """What a role makes of this; asked again it says the same."""
        situation = Situation(self.market, results or {}, self.now if now is None else now)
        acts = party.decide(situation)
        assert party.decide(situation) == acts
        return acts

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
        self.send(self.mo, calls.request_tc(self.mod, self.ds, self.rounds, self.mo_link(0), self.quorum))

    def play_round(self, *words: str) -> None:
        """Starts, draws and answers."""
        self.start()
        self.draw()
        self.answer(*words)

    def close(self, *subsets: int, by: Identity | None = None) -> list[MarketEvent]:
        """Voids these subsets, by default all, a flagged-out round at once, another when it is Overdue."""
        if self.phase is not Phase.OVERDUE:
            self.outlive_settlement()
        return super().close(*subsets, by=by)

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
        self.go_to(phase)
        assert self.phase is phase
        return self

    # --- as the steps of a couple want to know it ---

    def send(self, sender: Identity, call: Call) -> list[MarketEvent]:
        return self.chain.send(sender.address, call)

    def wait_until(self, second: int) -> None:
        self.now = second

    def owner(self, ci: InstanceId) -> Identity:
        address = self.instance(ci).cloud_owner
        return next(co for co in self.cos if co.address == address)

    def assigned(self, subset: int) -> list[InstanceId]:
        return [instance.id for instance in self.market.assigned(self.couple, subset)]

    def reports(self, subset: int = 0) -> list[LaidReport]:
        made = self.market.reports_of(self.couple, subset)
        return [(report.ci, report.hash, report.nonce) for report in made]

    @property
    def standing(self) -> CoupleStanding:
        couple = self.couple
        settle_deadline = self.market.settle_deadline(couple)
        return CoupleStanding(
            couple.round, couple.pending, couple.deadline, settle_deadline, couple.window_ends_at
        )

    def mo_link(self, round_: int) -> bytes:
        return seed_link(self.mo, self.tc, self.rounds, round_)

    def do_link(self, round_: int) -> bytes:
        return seed_link(self.do, self.tc, self.rounds, round_)

    def model_digest(self, subset: int = 0, round_: int | None = None) -> bytes:
        return sha256(b"model %d %d" % (subset, round_ or self.round)).digest()

    def receipt_for(self, ci: InstanceId, round_: int, digest: bytes) -> tuple[bytes, bytes]:
        nonce, owner = sha256(b"nonce %d %d" % (round_, ci)).digest(), self.owner(ci).address
        return training_receipt(self.chain.domain, self.tc, round_, ci, owner, digest, nonce), nonce


def data_digest(subset: int) -> bytes:
    """What every replica of a subset holds."""
    return sha256(b"subset %d" % subset).digest()
