"""What is held against a life: the chain, and a life without faults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from assurance.chaos.market import Lived
from assurance.chaos.plans import Plan


@dataclass(frozen=True)
class Verdict:
    """Whether a life came through, and what did not hold.

    Attributes:
        network: the node.
        events_lost: events of the chain that an agent has not, or has otherwise, all agents together.
        paid_twice: agents that paid in more than without faults, and things that were made once too often.
        agents_died: how often an agent ended that nobody told to.
        problems: a line each; none if it came through.
    """

    network: str
    plan: Plan
    lived: Lived
    events_lost: int
    paid_twice: int
    agents_died: int
    problems: tuple[str, ...]

    @property
    def survived(self) -> bool:
        """Whether nothing is held against it."""
        return not self.problems

    @property
    def is_mixture(self) -> bool:
        """Whether it had several faults at once."""
        return " + " in self.plan.name

    @property
    def line(self) -> str:
        """For people."""
        what = "; ".join(self.problems) or "came through"
        return f"{self.network}: {self.plan.name}: {what} ({self.lived.seconds:.0f} s)"

    def told(self) -> dict[str, object]:
        """For the report."""
        return {
            "fault": self.plan.name,
            "network": self.network,
            "seed": self.plan.seed,
            "survived": self.survived,
            "events_lost": self.events_lost,
            "paid_twice": self.paid_twice,
            "agents_died": self.agents_died,
            "problems": self.problems,
            "events_repaired": self.lived.repaired,
            "transactions_reverted": self.lived.reverted,
            "requests": self.lived.requests,
            "reorgs": self.lived.reorgs,
            "seconds": round(self.lived.seconds, 1),
        }


def judge(network: str, plan: Plan, lived: Lived, undisturbed: Lived) -> Verdict:
    """Compares a life with one without faults on the same node."""
    lost = sum(lived.lost.values())
    twice = list(_twice(lived, undisturbed))
    deaths = [f"{name} died: {death}" for name, died in lived.deaths.items() for death in died]
    problems = [
        *sorted(set(deaths)),
        *([f"{lost} events lost"] if lost else []),
        *twice,
        *([] if lived.model == undisturbed.model else [_of_model(lived)]),
        *([] if lived.audit_ok else ["the audit finds something"]),
    ]
    return Verdict(network, plan, lived, lost, len(twice), len(deaths), tuple(problems))


def _twice(lived: Lived, undisturbed: Lived) -> Iterator[str]:
    for name, paid in lived.paid_in.items():
        due = undisturbed.paid_in.get(name, 0)
        if paid > due:
            yield f"{name} paid in {paid}, not {due}"
    for kind, made in lived.made.items():
        if made > undisturbed.made.get(kind, 0):
            yield f"{kind} {made} times"


def _of_model(lived: Lived) -> str:
    return "another model" if lived.model.strip("0") else "no model in time"
