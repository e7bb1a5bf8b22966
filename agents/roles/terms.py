"""Terms that make a cheat free, or honest work not worth its risk; docs/economics.md derives the bounds."""

from __future__ import annotations

from collections.abc import Iterator

from agents.core.events import DatasetTerms


def weaknesses(terms: DatasetTerms) -> Iterator[str]:
    """What terms do not deter, a line each; nothing if honest play is everybody's best."""
    if terms.max_replicas < 3:
        yield f"replicas is {terms.max_replicas}: below 3 no lie can be proved, choose 3 or more"
    if terms.job_price == 0:
        yield "job_price is 0: training pays nobody, choose more than it costs"
    if terms.miss_penalty == 0 or terms.miss_penalty < terms.job_price:
        yield (
            f"miss_penalty is {terms.miss_penalty}: silence costs less than a job pays, "
            f"choose {max(terms.job_price, 1)} or more"
        )
    if terms.instance_bond < 2 * terms.job_price:
        yield (
            f"instance_bond is {terms.instance_bond}: next to nothing of it goes to who proves a lie, "
            f"choose {2 * terms.job_price} or more"
        )
    if terms.couple_bond == 0 or terms.couple_bond < terms.round_price:
        yield (
            f"couple_bond is {terms.couple_bond}: a withheld seed costs less than a round pays, "
            f"choose {max(terms.round_price, 1)} or more"
        )
