"""What the parties of a train couple do: one account of it for the model in memory, an EVM and a node.

Every step is honest, and taken by who may, unless it is told otherwise.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from operator import methodcaller
from typing import Any, Generic, TypeVar

from agents.core import calls
from agents.core.calls import Call
from agents.core.enums import CouplePhase as Phase
from agents.core.enums import FlagReason
from agents.core.hashing import set_bits
from agents.core.ids import CoupleId, InstanceId, subset_of

Member = TypeVar("Member")
"""Who sends: an identity, or an account of a chain."""
Answer = TypeVar("Answer")
"""What sending gives: events, or a transaction."""

LaidReport = tuple[InstanceId, bytes, bytes]
"""A report as a settlement lays it before the market: instance, receipt and nonce."""

FORGED = sha256(b"another model").digest()


@dataclass(frozen=True)
class CoupleStanding:
    """Where a couple stands.

    Attributes:
        round: the last one started.
        pending: the subsets drawn and not settled or void yet, as a word.
        deadline: of the party that is waited for, in seconds; in Training the COs'.
        settle_deadline: the last second in which the open round can be settled.
        window_ends_at: the last second in which a round can be started.
    """

    round: int
    pending: int
    deadline: int
    settle_deadline: int
    window_ends_at: int


class CoupleSteps(ABC, Generic[Member, Answer]):
    """A couple and what its parties do.

    Attributes:
        tc: its id.
        rounds: for how many it is asked.
        do: the data owner. `mo` is the model owner, `stranger` is no member.
        weights: the digest that the MO publishes for every round, and `location` where they lie.
        result_location: where each CO puts what it trained.
    """

    tc: CoupleId
    rounds: int
    do: Member
    mo: Member
    stranger: Member
    weights: bytes
    location: bytes
    result_location: bytes

    # --- what is known where it is played ---

    @abstractmethod
    def send(self, sender: Member, call: Call) -> Answer:
        """Has a member make a call."""

    @property
    @abstractmethod
    def now(self) -> int:
        """The second in which things happen."""

    @abstractmethod
    def wait_until(self, second: int) -> None:
        """Lets time pass; what follows happens in this second or later."""

    @property
    @abstractmethod
    def standing(self) -> CoupleStanding:
        """Where the couple stands now."""

    @abstractmethod
    def owner(self, ci: InstanceId) -> Member:
        """The CO of an instance."""

    @abstractmethod
    def assigned(self, subset: int) -> Sequence[InstanceId]:
        """The instances that are asked to train a drawn subset."""

    @abstractmethod
    def reports(self, subset: int = 0) -> Sequence[LaidReport]:
        """Those of the open round, as a settlement lays them."""

    @abstractmethod
    def mo_link(self, round_: int) -> bytes:
        """The MO's seed for a round; its tip for round 0."""

    @abstractmethod
    def do_link(self, round_: int) -> bytes:
        """The DO's seed for a round; its tip for round 0."""

    @abstractmethod
    def model_digest(self, subset: int = 0, round_: int | None = None) -> bytes:
        """What an honest CO gets by training on a subset in a round, this one by default."""

    @abstractmethod
    def receipt_for(self, ci: InstanceId, round_: int, digest: bytes) -> tuple[bytes, bytes]:
        """An instance's receipt of a digest, and its nonce."""

    @property
    def round(self) -> int:
        return self.standing.round

    @property
    def pending(self) -> tuple[int, ...]:
        return set_bits(self.standing.pending)

    @property
    def deadline(self) -> int:
        return self.standing.deadline

    @property
    def settle_deadline(self) -> int:
        return self.standing.settle_deadline

    def receipt(
        self, ci: InstanceId, digest: bytes | None = None, round_: int | None = None
    ) -> tuple[bytes, bytes]:
        """An instance's receipt and nonce, by default of what it should have trained in this round."""
        round_ = self.round if round_ is None else round_
        digest = self.model_digest(subset_of(ci), round_) if digest is None else digest
        return self.receipt_for(ci, round_, digest)

    # --- the data owner ---

    def approve(self, by: Member | None = None) -> Answer:
        return self.send(by or self.do, calls.approve_tc(self.tc, self.do_link(0)))

    def decline(self, by: Member | None = None) -> Answer:
        return self.send(by or self.do, calls.decline_tc(self.tc))

    def draw(self, link: bytes | None = None, by: Member | None = None) -> Answer:
        link = self.do_link(self.round) if link is None else link
        return self.send(by or self.do, calls.draw_round(self.tc, link))

    # --- the model owner ---

    def cancel(self, by: Member | None = None) -> Answer:
        return self.send(by or self.mo, calls.cancel_tc(self.tc))

    def start(
        self, link: bytes | None = None, by: Member | None = None, weights: bytes | None = None
    ) -> Answer:
        link = self.mo_link(self.round + 1) if link is None else link
        weights = self.weights if weights is None else weights
        return self.send(by or self.mo, calls.start_round(self.tc, link, weights, self.location))

    def complete(self, final_model_hash: bytes | None = None, by: Member | None = None) -> Answer:
        final = self.weights if final_model_hash is None else final_model_hash
        return self.send(by or self.mo, calls.complete_tc(self.tc, final))

    # --- the cloud owners ---

    def report(
        self,
        ci: InstanceId,
        digest: bytes | None = None,
        *,
        by: Member | None = None,
        round_: int | None = None,
    ) -> Answer:
        """An instance's CO reports a digest, by default of what it should have trained."""
        return self.report_raw(ci, *self.receipt(ci, digest, round_), by=by, round_=round_)

    def report_raw(
        self,
        ci: InstanceId,
        receipt: bytes,
        nonce: bytes,
        *,
        by: Member | None = None,
        round_: int | None = None,
    ) -> Answer:
        """An instance's CO reports just this."""
        round_ = self.round if round_ is None else round_
        call = calls.update_tj(self.tc, ci, round_, receipt, nonce, self.result_location)
        return self.send(by or self.owner(ci), call)

    def flag(
        self,
        ci: InstanceId,
        reason: FlagReason = FlagReason.WEIGHTS_UNAVAILABLE,
        *,
        by: Member | None = None,
        round_: int | None = None,
    ) -> Answer:
        round_ = self.round if round_ is None else round_
        return self.send(by or self.owner(ci), calls.flag_tj(self.tc, ci, round_, reason))

    def report_all(self, *, but: InstanceId | None = None) -> None:
        """Every instance of the drawn subsets reports what it should."""
        for subset in self.pending:
            for ci in self.assigned(subset):
                if ci != but:
                    self.report(ci)

    def answer(self, *words: str) -> None:
        """Answers a round: for each pending subset a word, with a letter for each instance.

        A reports what it should, F another model, G flags, M stays silent: then the report deadline passes.
        """
        act: dict[str, Callable[[InstanceId], Any]] = {
            "A": self.report,
            "F": partial(self.report, digest=FORGED),
            "G": self.flag,
            "M": lambda _: None,
        }
        for subset, word in zip(self.pending, words, strict=True):
            for ci, letter in zip(self.assigned(subset), word, strict=True):
                act[letter](ci)
        if "M" in "".join(words):
            self.outlive_reporting()

    def outlive_reporting(self) -> None:
        """Lets the open round's report deadline pass, if it has not."""
        self.outlive("deadline")

    def outlive_settlement(self) -> None:
        """Lets the open round's settle deadline pass, if it has not."""
        self.outlive("settle_deadline")

    # --- anyone ---

    def settle(
        self,
        subset: int = 0,
        digest: bytes | None = None,
        reports: Iterable[LaidReport] | None = None,
        by: Member | None = None,
    ) -> Answer:
        """Opens a subset's digest, by default the honest one, over all its reports."""
        digest = self.model_digest(subset) if digest is None else digest
        laid = list(self.reports(subset) if reports is None else reports)
        return self.send(by or self.mo, Call("settleRound", (self.tc, subset, digest, laid)))

    def close(self, *subsets: int, by: Member | None = None) -> Answer:
        """Voids these subsets, by default all that are pending."""
        return self.send(by or self.stranger, calls.close_round(self.tc, subsets or self.pending))

    def expire_request(self, by: Member | None = None) -> Answer:
        return self.send(by or self.stranger, calls.expire_request(self.tc))

    def expire_draw(self, by: Member | None = None) -> Answer:
        return self.send(by or self.stranger, calls.expire_draw(self.tc))

    def expire(self, by: Member | None = None) -> Answer:
        return self.send(by or self.stranger, calls.expire_tc(self.tc))

    # --- the road ---

    def go_to(self, phase: Phase) -> None:
        """Goes from Requested to a phase of the first round, every party doing its part or staying silent."""
        if phase in _ROAD:
            before, step = _ROAD[phase]
            self.go_to(before)
            step(self)

    def settle_all(self) -> None:
        """Settles every pending subset."""
        for subset in self.pending:
            self.settle(subset)

    def outlive(self, deadline: str) -> None:
        """Lets the second that a field of `CoupleStanding` names pass, if it has not."""
        last: int = getattr(self.standing, deadline)
        if self.now <= last:
            self.wait_until(last + 1)


_ROAD: dict[Phase, tuple[Phase, Callable[[Any], Any]]] = {
    Phase.LAPSED: (Phase.REQUESTED, methodcaller("outlive", "deadline")),
    Phase.APPROVED: (Phase.REQUESTED, methodcaller("approve")),
    Phase.ENDED: (Phase.APPROVED, methodcaller("outlive", "window_ends_at")),
    Phase.DRAWING: (Phase.APPROVED, methodcaller("start")),
    Phase.WITHHELD: (Phase.DRAWING, methodcaller("outlive", "deadline")),
    Phase.TRAINING: (Phase.DRAWING, methodcaller("draw")),
    Phase.SETTLING: (Phase.TRAINING, methodcaller("report_all")),
    Phase.OVERDUE: (Phase.SETTLING, methodcaller("outlive_settlement")),
    Phase.DECLINED: (Phase.REQUESTED, methodcaller("decline")),
    Phase.CANCELLED: (Phase.REQUESTED, methodcaller("cancel")),
    Phase.ABORTED: (Phase.WITHHELD, methodcaller("expire_draw")),
    Phase.COMPLETED: (Phase.APPROVED, methodcaller("complete")),
}
"""From where a phase is reached, and by which step."""
