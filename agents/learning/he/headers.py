"""What results say of themselves, the same in all families: whose they are, and of which cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agents.core.errors import BadObject
from agents.learning.family import Cohort
from agents.learning.he.seal import Residues


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


def check_whole(found: Sequence[tuple[Cohort, int]]) -> None:
    """Checks that results are those of all members of one cohort, once each.

    Raises:
        BadObject: otherwise.
    """
    cohorts = {(cohort.label, cohort.members) for cohort, _ in found}
    if len(cohorts) != 1 or sorted(member for _, member in found) != list(found[0][0].members):
        raise BadObject("the results are not those of one whole cohort: no sum of them decrypts")


def check_shapes(tensors: Mapping[str, Residues], shapes: Mapping[str, tuple[int, ...]], what: str) -> None:
    """Checks names and shapes of residues.

    Raises:
        BadObject: others than expected.
    """
    found = {name: residues.shape for name, residues in tensors.items()}
    if found != dict(shapes):
        raise BadObject(f"{what}: {found} where the plan has {dict(shapes)}")
