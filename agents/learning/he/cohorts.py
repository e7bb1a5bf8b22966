"""What a result says of itself, the same in all families: whose it is, and of which cohort."""

from __future__ import annotations

from collections.abc import Mapping

from agents.core.errors import BadObject
from agents.learning.family import Cohort


def cohort_facts(cohort: Cohort, member: int) -> dict[str, int | str | bool]:
    """The facts of a result."""
    return {"label": cohort.label.hex(), "members": " ".join(map(str, cohort.members)), "member": member}


def read_cohort(facts: Mapping[str, object], what: str) -> tuple[Cohort, int]:
    """The cohort of a result, and whose it is.

    Args:
        facts: of a result, those of its family taken away.
        what: named in the error.

    Raises:
        BadObject: not as `cohort_facts` makes them, or the member is none.
    """
    try:
        cohort = Cohort(bytes.fromhex(str(facts["label"])), tuple(map(int, str(facts["members"]).split(" "))))
        member = int(str(facts["member"]))
    except (KeyError, ValueError) as error:
        raise BadObject(f"{what}: says nothing of its cohort") from error
    if facts != cohort_facts(cohort, member) or member not in cohort.members:
        raise BadObject(f"{what}: its cohort is not in canonical form")
    return cohort, member
