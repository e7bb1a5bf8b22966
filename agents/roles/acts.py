"""What roles decide: transactions to send and work to do, and what they decide on.

A role is a pure function ``decide(Situation) -> list[Act]``. It asks for all that is due in this situation,
again and again until the situation changes: there are no handlers to run twice and no steps to lose, so an
agent that is killed anywhere and started again goes on where it was.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar, cast

from agents.core.calls import Call
from agents.core.derivation import on_market
from agents.core.errors import HoldfastError
from agents.core.ids import Address, CoupleId
from agents.core.market import Market
from agents.roles.policy import Breach
from agents.roles.results import (
    TaskResult,
)

R = TypeVar("R", bound=TaskResult)
R_co = TypeVar("R_co", bound=TaskResult, covariant=True)


@dataclass(frozen=True)
class Identity:
    """A member's own keys.

    Attributes:
        encryption_key: public, 64 bytes, as registered.
        derive: 32 secret bytes for a purpose, always the same: seeds and nonces need no other memory. On all
            markets the same, too.
        receipt_domain: of the market it acts in, 32 bytes.
    """

    address: Address
    encryption_key: bytes
    derive: Callable[[bytes], bytes] = field(repr=False)
    receipt_domain: bytes

    def secret(self, purpose: bytes) -> bytes:
        """32 secret bytes for a purpose on this market: what is shown of them here is of no use elsewhere."""
        return self.derive(on_market(self.receipt_domain, purpose))


NO_DEADLINE = 2**63
"""Of an act that may be done at any time."""

ANY_COINS = 2**256 - 1
"""More wei than there are."""


@dataclass(frozen=True)
class Send:
    """Send this transaction. Two with the same call are equal, whatever is known of their deadline.

    Attributes:
        locks: wei that it moves out of the sender's free balance.
        deadline: in seconds: after this the market does not take it any more.
        window: for how many seconds before that it does.
    """

    call: Call
    locks: int = 0
    deadline: int = field(default=NO_DEADLINE, kw_only=True, compare=False)
    window: int = field(default=0, kw_only=True, compare=False)

    @property
    def urgent_from(self) -> int:
        """When the last quarter of its window begins: from then on it may cost more."""
        return self.deadline - self.window // 4


class LeftUndone(ABC):
    """What would be due, and is not done: whoever runs the agent is told, once for as long as it is so."""

    @property
    @abstractmethod
    def key(self) -> str:
        """Names what is told of."""

    @property
    @abstractmethod
    def words(self) -> str:
        """What is left undone, why, and what to do about it."""


@dataclass(frozen=True)
class Unaffordable(LeftUndone):
    """A transaction for which the member has not the coins that it locks.

    Attributes:
        member: whose coins they would be.
        has: wei that the member has for it, in the market and in its wallet.
    """

    send: Send
    member: Address
    has: int

    @property
    def key(self) -> str:
        """The function and the asset."""
        return f"{self.send.call.function}/{self.send.call.arguments[0]}"

    @property
    def words(self) -> str:
        """That coins would help."""
        return (
            f"{self.send.call.function} waits: it locks {self.send.locks} wei, and {self.member} has "
            f"{self.has} for it: send it coins"
        )


@dataclass(frozen=True)
class AgainstPolicy(LeftUndone):
    """What a counterparty wants, and the policy does not allow.

    Attributes:
        asset: of the market.
        breach: which line of the policy, and why.
    """

    asset: str
    breach: Breach

    @property
    def key(self) -> str:
        """The asset and the line."""
        return f"{self.asset}/{self.breach.line}"

    @property
    def words(self) -> str:
        """What the policy says."""
        return f"{self.asset} is left alone, by policy: {self.breach}"


@dataclass(frozen=True)
class Declined(LeftUndone):
    """A couple whose data owner does not want it."""

    couple: str

    @property
    def key(self) -> str:
        """The couple."""
        return f"declined/{self.couple}"

    @property
    def words(self) -> str:
        """That its data owner knows why."""
        return f"{self.couple} was declined: its data owner's log says why; ask under another name"


@dataclass(frozen=True)
class Unnameable(LeftUndone):
    """A cloud owner that its data owner lists, and that cannot be given a replica."""

    cloud_owner: Address
    why: str

    @property
    def key(self) -> str:
        """The cloud owner."""
        return self.cloud_owner

    @property
    def words(self) -> str:
        """That another one is needed."""
        return f"{self.cloud_owner} gets no replica: {self.why}: name another cloud owner"


@dataclass(frozen=True)
class Task(ABC, Generic[R_co]):
    """Work off the chain. Its result is kept under `key`, and it is asked for until there is one.

    Attributes:
        deadline: in seconds: when the transaction that needs the result is due. What is due first is done
            first.
        entry: of the datasets or models that a member has, the one with whose files it works, by its name.
    """

    deadline: int = field(default=NO_DEADLINE, kw_only=True)
    entry: str = field(default="", kw_only=True, compare=False)

    @property
    @abstractmethod
    def key(self) -> str:
        """Names the result; its first part says of which kind it is."""

    @property
    def couple(self) -> CoupleId | None:
        """Whose keys and plan it works with; who did the last task of that couple has them at hand."""
        return None

    def given_up(self, error: HoldfastError, now: float) -> R_co | None:
        """What a task comes to that failed and is not tried again; None as long as it is.

        Args:
            error: of the last attempt.
            now: in seconds.
        """
        del error, now
        return None


@dataclass(frozen=True)
class Note:
    """Write this into the journal: what is decided on it is not done before it is on the disk.

    Attributes:
        key: under which it is kept; the first that is noted under it stands.
    """

    key: str
    result: TaskResult


Act = Send | Task[TaskResult] | LeftUndone | Note


@dataclass(frozen=True)
class Situation:
    """All that a decision may depend on.

    Attributes:
        market: the mirror, up to the last event seen.
        results: of finished tasks, by `Task.key`.
        now: the time of the last block that was read whole, in seconds.
        coins: wei in the member's wallet that can be paid into the market.
    """

    market: Market
    results: Mapping[str, TaskResult]
    now: int
    coins: int = ANY_COINS

    def result(self, task: Task[R]) -> R | None:
        """What a task came to; None as long as it is not done."""
        return cast("R | None", self.results.get(task.key))  # `parse_result` reads each key as its kind


class Party(Protocol):
    """A party of the market."""

    @property
    def identity(self) -> Identity:
        """Whose decisions these are."""

    def decide(self, situation: Situation) -> list[Act]:
        """All that is due now, in the order in which it should be done."""

    def awaits(self, situation: Situation) -> str:
        """For what of others it waits, in words; empty if for nothing, or if it is not long."""
