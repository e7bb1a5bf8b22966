"""What the chain shows against a member, and whether that is the proof of a planted cheat."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from agents.core.ids import Address, CoupleId, InstanceId
from agents.demo.outcome import Cheat, Participant


class Fault(StrEnum):
    """How a member broke the rules, by the word of the market."""

    REJECTED = "data receipt rejected"
    FAULTY = "training receipt faulty"
    MISSED = "no answer when drawn"
    WITHHELD = "seed withheld"


_PROOF: dict[str, Fault] = {
    Cheat.COPIES_DATA_RECEIPT: Fault.REJECTED,
    Cheat.MAKES_MODEL_UP: Fault.FAULTY,
    Cheat.COPIES_TRAINING_RECEIPT: Fault.FAULTY,
    Cheat.FALLS_SILENT: Fault.MISSED,
}
"""The fault that each planted cheat must be found to have; any fault will do for a cheat that is not here."""


@dataclass(frozen=True)
class ReceiptRecord:
    """A receipt as published, beside the one that its maker would have made of the settled digest.

    Attributes:
        hash, nonce: as the event has them, 32 bytes each.
        digest, recomputed: 32 bytes each; None of a data receipt, whose digest stays secret.
        opens: whether the two receipts are the same; None if only the data owner can tell.
        copied_from: who published the same hash before.
    """

    hash: bytes
    nonce: bytes
    digest: bytes | None = None
    recomputed: bytes | None = None
    opens: bool | None = None
    copied_from: Address | None = None


@dataclass(frozen=True)
class Finding:
    """One fault of one member.

    Attributes:
        event: which says so; it is in `transaction`, a hash of 32 bytes, in `block`.
        lost: wei.
        agreeing, asked: replicas of this subset in this round: whose receipts open to the digest, and all.
        told: the same in words.
    """

    member: Address
    fault: Fault
    event: str
    transaction: bytes
    block: int
    lost: int
    told: str
    tc: CoupleId | None = None
    ci: InstanceId | None = None
    subset: int | None = None
    round: int | None = None
    receipt: ReceiptRecord | None = None
    agreeing: int = 0
    asked: int = 0


def proofs(party: Participant, all_findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that show the cheat which a party was planted with; none if it was not caught."""
    wanted = _PROOF.get(party.cheat)
    mine = (found for found in all_findings if found.member == party.address)
    return tuple(found for found in mine if wanted is None or found.fault is wanted)
