"""What the contract's errors say, for people: a sentence for each, made of the error's arguments."""

from __future__ import annotations

from typing import Final

from agents.core.enums import CouplePhase, InstanceStatus, JobStatus, Role
from agents.core.errors import Refused

SENTENCES: Final = {
    "AddressEmptyCode": "{0} is no contract",
    "Distribution_AlreadyNamed": "{1} is named for this subset already",
    "Distribution_BadShape": "{0} subsets, {1} a round and {2} replicas cannot be: 1 to 256 subsets, "
    "no more of them a round, 1 to 16 replicas",
    "Distribution_BondTooSmall": "an instance's bond of {0} wei covers not both a job's price of {1} and a "
    "penalty of {2}",
    "Distribution_Ended": "the dataset's offer ends at {0}, and it is {1} already",
    "Distribution_LengthMismatch": "lists that belong together differ in length",
    "Distribution_NoDataset": "there is no dataset {0:x} on this market",
    "Distribution_NoSubset": "dataset {0:x} has {2} subsets, none with the index {1}",
    "Distribution_NotOwner": "{0:x} is not {1}'s, but {2}'s",
    "Distribution_ReplicasExhausted": "subset {1} of dataset {0:x} has had all instances that there can be",
    "Distribution_SubsetFull": "subset {1} of dataset {0:x} has its {2} replicas already",
    "Distribution_TooEarly": "for instance {0:x} this may be done after {1}, and it is {2}",
    "Distribution_TooLate": "for instance {0:x} this could be done until {1}, and it is {2}",
    "Distribution_WrongStatus": "instance {0:x} is {InstanceStatus}",
    "Distribution_ZeroWindow": "a window has no seconds",
    "FailedCall": "the receiver does not take the coins",
    "InsufficientBalance": "the market has {0} wei, and {1} are needed",
    "Ledger_Full": "the market would hold {0} wei, and can account for {1}",
    "Ledger_InsufficientBalance": "{0} has {2} wei free in the market, and {1} are needed",
    "Members_AlreadyRegistered": "{0} is registered already, as {Role}: another role needs another wallet",
    "Members_BadEncryptionKey": "an encryption key has 64 bytes, not {0}",
    "Members_WrongRole": "the role of {0} is {Role}, and this is another role's to do",
    "SafeCastOverflowedUintDowncast": "{1} has more than {0} bits",
    "Settlement_NoQuorum": "subset {1}: {2} reports agree, and {3} must",
    "Settlement_NotPending": "subset {1} is not drawn, or settled or void already",
    "Settlement_ReportAltered": "the report of instance {1:x} is not the one that was made",
    "Settlement_ReportMissing": "the report of instance {1:x} is missing",
    "Settlement_TooManyReports": "there are {0} reports, and {1} were made",
    "Training_AlreadyAnswered": "the job of instance {1:x} is answered already",
    "Training_BadRequest": "{0} rounds with a quorum of {1} cannot be: at least one round, "
    "and at most {2} reports",
    "Training_DatasetEnds": "the dataset's offer ends at {1}, and the rounds may take until {2}",
    "Training_NotDrawn": "instance {1:x} is not drawn in this round",
    "Training_NotInstanceOwner": "instance {0:x} is {2}'s, not {1}'s",
    "Training_NotParty": "on couple {0:x} this is {2}'s to do, not {1}'s",
    "Training_NotYourModel": "model {0:x} is not one of {1}",
    "Training_SubsetsUncovered": "{1} of the dataset's {2} subsets have a replica",
    "Training_WrongPhase": "couple {0:x} is {CouplePhase}",
    "Training_WrongRound": "round {2} is open, not round {1}",
    "Training_WrongSeed": "this is not the seed that couple {0:x} is committed to",
}
"""By error. ``{0}`` is its first argument; an enum's name stands for the first argument that is of it."""

_ENUMS: Final = {
    "Distribution_WrongStatus": (InstanceStatus, 1),
    "Members_AlreadyRegistered": (Role, 1),
    "Members_WrongRole": (Role, 1),
    "Training_AlreadyAnswered": (JobStatus, 2),
    "Training_WrongPhase": (CouplePhase, 1),
}


def in_words(refused: Refused) -> str:
    """Why the market refused: the sentence, and the error after it for whoever reads the contract.

    An error that is not the contract's, or whose arguments are others, is told as it is.
    """
    sentence = SENTENCES.get(refused.error)
    if sentence is None:
        return str(refused)
    try:
        told = sentence.format(*refused.arguments, **_named(refused))
    except (IndexError, KeyError, ValueError):
        return str(refused)
    return f"{told} ({refused.error})"


def _named(refused: Refused) -> dict[str, str]:
    kind, index = _ENUMS.get(refused.error, (None, 0))
    value = refused.arguments[index] if kind else None
    if kind is None or not isinstance(value, int):
        return {}
    return {kind.__name__: kind(value).name.lower().replace("_", " ")}
