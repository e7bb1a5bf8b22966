"""Train couples brought where a test wants them, and what their parties do there.

couple = couple_in(CouplePhase.TRAINING, dataset, rounds=5, quorum=2)
couple.report(ci)
couple.report(liar, FORGED)
couple.settle(subset)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

from agents.core.enums import CouplePhase, FlagReason, JobStatus
from agents.core.events import JobReported
from agents.core.hashing import chain_link, set_bits, training_receipt
from agents.core.ids import CoupleId, InstanceId, subset_of
from testing.contracts import clock
from testing.contracts.chain import chain
from testing.contracts.logs import event
from testing.contracts.market import LOCATION, SEALED_LOCATION, Dataset, Market, commit

MO_SECRET = sha256(b"the model owner's secret").digest()
DO_SECRET = sha256(b"the data owner's secret").digest()
WEIGHTS = sha256(b"weights").digest()
FORGED = sha256(b"another model").digest()
ZERO = bytes(32)

Report = tuple[int, bytes, bytes]


def mo_link(rounds: int, round_: int) -> bytes:
    """The MO's seed for a round of a couple of so many; its tip for round 0."""
    return chain_link(MO_SECRET, rounds, round_)


def do_link(rounds: int, round_: int) -> bytes:
    """The DO's seed for a round of a couple of so many; its tip for round 0."""
    return chain_link(DO_SECRET, rounds, round_)


def request(dataset: Dataset, rounds: int = 2, quorum: int = 0) -> Couple:
    """The MO asks to train its model on a dataset."""
    market = dataset.market
    terms = (market.mod, dataset.ds, rounds, mo_link(rounds, 0), quorum)
    tx = market.contract.requestTC(*terms, {"from": market.model_owner})
    return Couple(dataset, event(tx).tc, rounds)


def couple_in(phase: CouplePhase, dataset: Dataset, rounds: int = 2, quorum: int = 0) -> Couple:
    """A couple in this phase: in round 1 from Drawing on, with every job reported from Settling on."""
    if phase is CouplePhase.NONE:
        return Couple(dataset, CoupleId(0), rounds)
    couple = request(dataset, rounds, quorum)
    couple.bring_to(phase)
    return couple


@dataclass(frozen=True)
class Couple:
    """A train couple on the chain. Who acts is by default who may."""

    dataset: Dataset
    tc: CoupleId
    rounds: int

    @property
    def market(self) -> Market:
        """The market it is in."""
        return self.dataset.market

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
    def round(self) -> int:
        """The last round started."""
        return int(self.facts["round"])

    @property
    def pending(self) -> tuple[int, ...]:
        """The subsets drawn and not settled or void yet."""
        return set_bits(int(self.facts["pending"]))

    @property
    def deadline(self) -> int:
        """Of the party that is waited for; in Training the COs'."""
        return int(self.facts["deadline"])

    @property
    def settle_deadline(self) -> int:
        """The last second in which the open round can be settled."""
        return self.deadline + self.dataset.terms.settle_window_seconds

    def job(self, ci: InstanceId) -> Any:
        """A train job as the market knows it, by field name."""
        return self.market.contract.trainJob(self.tc, ci)

    def status(self, ci: InstanceId) -> JobStatus:
        """Where a train job stands."""
        return JobStatus(self.job(ci)["status"])

    def reports(self, subset: int = 0) -> list[Report]:
        """This round's reports of a subset, as a settlement wants them: as logged, in the order of places."""
        made = {
            said.ci: (said.ci, said.hash, said.nonce)
            for said in chain().history(self.market.contract)
            if isinstance(said, JobReported) and (said.tc, said.round) == (self.tc, self.round)
        }
        return [made[ci] for ci in self.dataset.instances(subset) if ci in made]

    # --- the data owner ---

    def approve(self, by: Any = None) -> Any:
        return self._send("approveTC", self.tc, do_link(self.rounds, 0), by=by or self.market.data_owner)

    def decline(self, by: Any = None) -> Any:
        return self._send("declineTC", self.tc, by=by or self.market.data_owner)

    def draw(self, link: bytes | None = None, by: Any = None) -> Any:
        link = do_link(self.rounds, self.round) if link is None else link
        return self._send("drawRound", self.tc, link, by=by or self.market.data_owner)

    # --- the model owner ---

    def cancel(self, by: Any = None) -> Any:
        return self._send("cancelTC", self.tc, by=by or self.market.model_owner)

    def start(self, link: bytes | None = None, by: Any = None) -> Any:
        link = mo_link(self.rounds, self.round + 1) if link is None else link
        return self._send("startRound", self.tc, link, WEIGHTS, LOCATION, by=by or self.market.model_owner)

    def complete(self, final_model_hash: bytes = WEIGHTS, by: Any = None) -> Any:
        return self._send("completeTC", self.tc, final_model_hash, by=by or self.market.model_owner)

    # --- the cloud owners ---

    def digest(self, subset: int = 0, round_: int | None = None) -> bytes:
        """What an honest CO gets by training on a subset in a round, this one by default."""
        round_ = self.round if round_ is None else round_
        return sha256(b"model %d %d %d" % (self.tc, round_, subset)).digest()

    def receipt(self, ci: InstanceId, digest: bytes | None = None, round_: int | None = None) -> Report:
        """The report of an instance for a digest, by default of what it should have trained."""
        round_ = self.round if round_ is None else round_
        digest = self.digest(subset_of(ci), round_) if digest is None else digest
        owner = self.dataset.owner_of(ci).address
        receipt = partial(training_receipt, self.market.domain, self.tc, round_, ci, owner, digest)
        return ci, *commit(f"job {self.tc} {round_} {ci}", receipt)

    def report(
        self, ci: InstanceId, digest: bytes | None = None, *, by: Any = None, round_: int | None = None
    ) -> Any:
        """An instance's CO reports a digest, by default of what it should have trained."""
        round_ = self.round if round_ is None else round_
        _, hash_, nonce = self.receipt(ci, digest, round_)
        return self.report_raw(ci, hash_, nonce, by=by, round_=round_)

    def report_raw(
        self, ci: InstanceId, hash_: bytes, nonce: bytes, *, by: Any = None, round_: int | None = None
    ) -> Any:
        """An instance's CO reports just this."""
        round_ = self.round if round_ is None else round_
        owner = by or self.dataset.owner_of(ci)
        return self._send("updateTJ", self.tc, ci, round_, hash_, nonce, SEALED_LOCATION, by=owner)

    def flag(
        self,
        ci: InstanceId,
        reason: FlagReason = FlagReason.WEIGHTS_UNAVAILABLE,
        *,
        by: Any = None,
        round_: int | None = None,
    ) -> Any:
        round_ = self.round if round_ is None else round_
        return self._send("flagTJ", self.tc, ci, round_, reason, by=by or self.dataset.owner_of(ci))

    def report_all(self, *, but: InstanceId | None = None) -> None:
        """Every instance of the drawn subsets reports what it should."""
        for subset in self.pending:
            for ci in self.dataset.instances(subset):
                if ci != but:
                    self.report(ci)

    def play(self, *scripts: str) -> None:
        """Plays a round until reporting is closed: for each pending subset a script, a letter an instance.

        A reports what it should, F another model, G flags, M stays silent: then the report deadline passes.
        """
        part: dict[str, Callable[[InstanceId], Any]] = {
            "A": self.report,
            "F": partial(self.report, digest=FORGED),
            "G": self.flag,
            "M": _stay_silent,
        }
        for subset, script in zip(self.pending, scripts, strict=True):
            for ci, letter in zip(self.dataset.instances(subset), script, strict=True):
                part[letter](ci)
        if "M" in "".join(scripts):
            self.outlive_reporting()

    # --- anyone ---

    def settle(
        self,
        subset: int = 0,
        digest: bytes | None = None,
        reports: Iterable[Report] | None = None,
        by: Any = None,
    ) -> Any:
        """Opens a subset's digest, by default the honest one, over all its reports."""
        digest = self.digest(subset) if digest is None else digest
        table = self.reports(subset) if reports is None else list(reports)
        return self._send("settleRound", self.tc, subset, digest, table, by=by or self.market.model_owner)

    def close(self, *subsets: int, by: Any = None) -> Any:
        """Voids these subsets, by default all that are pending."""
        chosen = list(subsets or self.pending)
        return self._send("closeRound", self.tc, chosen, by=by or self.market.stranger)

    def expire_request(self, by: Any = None) -> Any:
        return self._send("expireRequest", self.tc, by=by or self.market.stranger)

    def expire_draw(self, by: Any = None) -> Any:
        return self._send("expireDraw", self.tc, by=by or self.market.stranger)

    def expire(self, by: Any = None) -> Any:
        return self._send("expireTC", self.tc, by=by or self.market.stranger)

    # --- the road ---

    def bring_to(self, phase: CouplePhase) -> None:
        """Goes from Requested to `phase`, every party doing its part or staying silent."""
        if phase in ROAD:
            before, step = ROAD[phase]
            self.bring_to(before)
            step(self)

    def finish_round(self) -> None:
        """Ends a round in Training, all being honest."""
        subsets = self.pending
        self.report_all()
        for subset in subsets:
            self.settle(subset)

    def void_round(self) -> None:
        """Ends a round in Training by flags: one more than half."""
        instances = (ci for subset in self.pending for ci in self.dataset.instances(subset))
        for ci, _ in zip(instances, range(self.facts["flagsLeft"] + 1), strict=False):
            self.flag(ci)
        self.close()

    def outlive(self, field: str) -> None:
        """Lets the time named by a field of the couple pass by a second."""
        clock.travel_to(self.facts[field] + 1)

    def outlive_reporting(self) -> None:
        """Lets the open round's report deadline pass, if it has not."""
        if clock.now() <= self.deadline:
            self.outlive("deadline")

    def outlive_settlement(self) -> None:
        """Lets the open round's settle deadline pass, if it has not."""
        if clock.now() <= self.settle_deadline:
            clock.travel_to(self.settle_deadline + 1)

    def _send(self, function: str, *arguments: Any, by: Any) -> Any:
        return getattr(self.market.contract, function)(*arguments, {"from": by})


def _stay_silent(_: InstanceId) -> None:
    pass


ROAD: dict[CouplePhase, tuple[CouplePhase, Callable[[Couple], Any]]] = {
    CouplePhase.LAPSED: (CouplePhase.REQUESTED, partial(Couple.outlive, field="deadline")),
    CouplePhase.APPROVED: (CouplePhase.REQUESTED, Couple.approve),
    CouplePhase.ENDED: (CouplePhase.APPROVED, partial(Couple.outlive, field="windowEndsAt")),
    CouplePhase.DRAWING: (CouplePhase.APPROVED, Couple.start),
    CouplePhase.WITHHELD: (CouplePhase.DRAWING, partial(Couple.outlive, field="deadline")),
    CouplePhase.TRAINING: (CouplePhase.DRAWING, Couple.draw),
    CouplePhase.SETTLING: (CouplePhase.TRAINING, Couple.report_all),
    CouplePhase.OVERDUE: (CouplePhase.SETTLING, Couple.outlive_settlement),
    CouplePhase.DECLINED: (CouplePhase.REQUESTED, Couple.decline),
    CouplePhase.CANCELLED: (CouplePhase.REQUESTED, Couple.cancel),
    CouplePhase.ABORTED: (CouplePhase.WITHHELD, Couple.expire_draw),
    CouplePhase.COMPLETED: (CouplePhase.APPROVED, Couple.complete),
}
