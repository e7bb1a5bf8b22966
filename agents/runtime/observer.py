"""Who is told what an agent does, and must not hold it up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agents.chain.blocks import BlockRef
from agents.core.events import Logged
from agents.core.market import Market
from agents.roles.acts import Act

if TYPE_CHECKING:
    from agents.chain.intents import Outcome


@dataclass(frozen=True)
class Turn:
    """One turn of the loop.

    Attributes:
        upto: the last block read; `gap`: blocks after it that cannot be had whole.
        acts: what is due, and what is left undone.
        awaited: for what of others it waits, in words.
        running: the keys of the tasks under way.
        trouble: why nothing could be done; empty if all was as it should be.
        resting: until the next turn it looks seldom.
    """

    market: Market
    upto: BlockRef
    gap: int = 0
    acts: Sequence[Act] = ()
    awaited: str = ""
    running: Sequence[str] = ()
    trouble: Mapping[str, str] = field(default_factory=dict)
    resting: bool = False


class Observer:
    """Is told, and takes no notice."""

    def read(self, events: Sequence[Logged], *, rolled_back: bool) -> None:
        """Events came, or what came before is taken back."""

    def moved(self, outcome: Outcome) -> None:
        """A transaction moved."""

    def began(self, task: str, kind: str) -> None:
        """A task was started, by its key and its kind."""

    def ended(self, task: str, kind: str, result: str) -> None:
        """A task came to an end: done, failed or given up."""

    def turned(self, turn: Turn) -> None:
        """The loop turned."""

    def failed(self, trouble: str) -> None:
        """The loop turned, and the chain could not be read."""
