"""Work on a member's own objects in the store, whatever its role."""

from __future__ import annotations

from dataclasses import dataclass

from agents.core.errors import HoldfastError, StoreLost
from agents.roles.acts import Task
from agents.roles.results import Forgotten, LookedAfter, TaskResult


@dataclass(frozen=True)
class ForgetObjects(Task[Forgotten]):
    """Delete what this member has put in the object store for some task, or for all whose keys begin so."""

    purpose: str

    @property
    def key(self) -> str:
        """Names the result."""
        return f"done-with/{self.purpose}"


@dataclass(frozen=True)
class LookAfter(Task[LookedAfter]):
    """See whether what this member has put for some tasks is still in the store; put it again if not.

    Attributes:
        about: names the occasion.
        purposes: the keys of the tasks.
    """

    about: str
    purposes: tuple[str, ...]

    @property
    def key(self) -> str:
        """Names the result."""
        return f"looked-after/{self.about}"


def patience_of(task: Task[TaskResult], until: int, error: HoldfastError) -> int:
    """Where the store lacks this member's own objects, too, half of what is left is for mending that."""
    return (until + task.deadline) // 2 if isinstance(error, StoreLost) else until
