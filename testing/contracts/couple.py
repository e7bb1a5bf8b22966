"""Train couples on the chain brought where a test wants them, and what their parties do there.

couple = couple_in(CouplePhase.TRAINING, dataset, rounds=5, quorum=2)
couple.report(ci)
couple.report(liar, FORGED)
couple.settle(subset)
"""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from typing import Any

from agents.core.calls import Call
from agents.core.enums import CouplePhase, JobStatus
from agents.core.events import JobReported
from agents.core.hashing import chain_link, training_receipt
from agents.core.ids import CoupleId, InstanceId
from testing.contracts import clock
from testing.contracts.chain import chain
from testing.contracts.logs import event
from testing.contracts.market import LOCATION, SEALED_LOCATION, LiveDataset, commit
from testing.couple_steps import FORGED, CoupleStanding, CoupleSteps, LaidReport

__all__ = [
    "FORGED",
    "WEIGHTS",
    "ZERO",
    "LaidReport",
    "LiveCouple",
    "couple_in",
    "do_link",
    "mo_link",
    "request",
]

MO_SECRET = sha256(b"the model owner's secret").digest()
DO_SECRET = sha256(b"the data owner's secret").digest()
WEIGHTS = sha256(b"weights").digest()
ZERO = bytes(32)


def mo_link(rounds: int, round_: int) -> bytes:
    """The MO's seed for a round of a couple of so many; its tip for round 0."""
    return chain_link(MO_SECRET, rounds, round_)


def do_link(rounds: int, round_: int) -> bytes:
    """The DO's seed for a round of a couple of so many; its tip for round 0."""
    return chain_link(DO_SECRET, rounds, round_)


def request(dataset: LiveDataset, rounds: int = 2, quorum: int = 0) -> LiveCouple:
    """The MO asks to train its model on a dataset."""
    market = dataset.market
    terms = (market.mod, dataset.ds, rounds, mo_link(rounds, 0), quorum)
    tx = market.contract.requestTC(*terms, {"from": market.model_owner})
    return LiveCouple(dataset, event(tx).tc, rounds)


def couple_in(phase: CouplePhase, dataset: LiveDataset, rounds: int = 2, quorum: int = 0) -> LiveCouple:
    """A couple in this phase: in round 1 from Drawing on, with every job reported from Settling on."""
    if phase is CouplePhase.NONE:
        return LiveCouple(dataset, CoupleId(0), rounds)
    couple = request(dataset, rounds, quorum)
    couple.go_to(phase)
    return couple


class LiveCouple(CoupleSteps[Any, Any]):
    """A train couple on the chain; what its parties know of it is what the contract's views say."""

    weights, location, result_location = WEIGHTS, LOCATION, SEALED_LOCATION

    def __init__(self, dataset: LiveDataset, tc: CoupleId, rounds: int) -> None:
        self.dataset, self.tc, self.rounds = dataset, tc, rounds
        self.market = market = dataset.market
        self.do, self.mo, self.stranger = market.data_owner, market.model_owner, market.stranger

    # --- what the chain knows ---

    @property
    def facts(self) -> Any:
        """The couple as the market knows it, by field name."""
        return self.market.contract.trainCouple(self.tc)

    @property
    def phase(self) -> CouplePhase:
        """Where it stands in the latest block's second."""
        return CouplePhase(self.market.contract.phaseOf(self.tc))

    @property
    def standing(self) -> CoupleStanding:
        facts = self.facts
        deadline = int(facts["deadline"])
        return CoupleStanding(
            int(facts["round"]),
            int(facts["pending"]),
            deadline,
            deadline + self.dataset.terms.settle_window_seconds,
            int(facts["windowEndsAt"]),
        )

    def job(self, ci: InstanceId) -> Any:
        """A train job as the market knows it, by field name."""
        return self.market.contract.trainJob(self.tc, ci)

    def status(self, ci: InstanceId) -> JobStatus:
        """Where a train job stands."""
        return JobStatus(self.job(ci)["status"])

    def reports(self, subset: int = 0) -> list[LaidReport]:
        """As logged, in the order of places."""
        made = {
            said.ci: (said.ci, said.hash, said.nonce)
            for said in chain().history(self.market.contract)
            if isinstance(said, JobReported) and (said.tc, said.round) == (self.tc, self.round)
        }
        return [made[ci] for ci in self.dataset.instances(subset) if ci in made]

    # --- how its parties act ---

    def send(self, sender: Any, call: Call) -> Any:
        return getattr(self.market.contract, call.function)(*call.arguments, {"from": sender})

    @property
    def now(self) -> int:
        return clock.now()

    def wait_until(self, second: int) -> None:
        clock.travel_to(second)

    def owner(self, ci: InstanceId) -> Any:
        return self.dataset.owner_of(ci)

    def assigned(self, subset: int) -> list[InstanceId]:
        return self.dataset.instances(subset)

    def mo_link(self, round_: int) -> bytes:
        return mo_link(self.rounds, round_)

    def do_link(self, round_: int) -> bytes:
        return do_link(self.rounds, round_)

    def model_digest(self, subset: int = 0, round_: int | None = None) -> bytes:
        round_ = self.round if round_ is None else round_
        return sha256(b"model %d %d %d" % (self.tc, round_, subset)).digest()

    def receipt_for(self, ci: InstanceId, round_: int, digest: bytes) -> tuple[bytes, bytes]:
        owner = self.owner(ci).address
        receipt = partial(training_receipt, self.market.domain, self.tc, round_, ci, owner, digest)
        return commit(f"job {self.tc} {round_} {ci}", receipt)

    # --- several steps ---

    def finish_round(self) -> None:
        """Ends a round in Training, all being honest."""
        self.report_all()
        self.settle_all()

    def void_round(self) -> None:
        """Ends a round in Training by flags: one more than half."""
        instances = (ci for subset in self.pending for ci in self.dataset.instances(subset))
        for ci, _ in zip(instances, range(self.facts["flagsLeft"] + 1), strict=False):
            self.flag(ci)
        self.close()
