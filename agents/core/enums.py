"""The contract's enums, value for value (``tests/agents/core/test_mirror.py`` compares them)."""

from __future__ import annotations

from enum import IntEnum


class Role(IntEnum):
    """What a member does in the market."""

    NONE = 0
    DATA_OWNER = 1
    CLOUD_OWNER = 2
    MODEL_OWNER = 3


class InstanceStatus(IntEnum):
    """Where a cloud instance stands."""

    NONE = 0
    FREE = 1
    JOINED = 2
    VERIFIED = 3
    RETIRING = 4
    RETIRED = 5
    REFUSED = 6
    REJECTED = 7


class CouplePhase(IntEnum):
    """Where a train couple stands as of now; some phases come with time alone."""

    NONE = 0
    REQUESTED = 1
    LAPSED = 2
    APPROVED = 3
    ENDED = 4
    DRAWING = 5
    WITHHELD = 6
    TRAINING = 7
    SETTLING = 8
    OVERDUE = 9
    DECLINED = 10
    CANCELLED = 11
    ABORTED = 12
    COMPLETED = 13

    @property
    def is_over(self) -> bool:
        """Whether nothing can come after it."""
        return self in (self.DECLINED, self.CANCELLED, self.ABORTED, self.COMPLETED)


class JobStatus(IntEnum):
    """Where a train job stands."""

    IDLE = 0
    REPORTED = 1
    FLAGGED = 2
    ACCEPTED = 3
    FAULTY = 4
    MISSED = 5
    VOID = 6


class FlagReason(IntEnum):
    """Why a cloud owner cannot train."""

    WEIGHTS_UNAVAILABLE = 0
    WEIGHTS_MISMATCH = 1
    PLAN_UNAVAILABLE = 2
    PLAN_MISMATCH = 3
    PLAN_REFUSED = 4
