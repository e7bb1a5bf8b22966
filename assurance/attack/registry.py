"""All attacks there are. A new kind is a file of its own and a line here."""

from __future__ import annotations

from itertools import chain
from typing import Final

from agents.core.errors import BadInput
from assurance.attack import (
    cloud_owners,
    crafted_rows,
    deployments,
    endings,
    exposed_rows,
    masks,
    membership,
    noise,
    noisy_jobs,
    outsiders,
    owners,
    pooled_map,
    replicas,
    single_results,
)
from assurance.attack.attack import Attack

KINDS: Final = (
    single_results,
    crafted_rows,
    pooled_map,
    membership,
    masks,
    noise,
    noisy_jobs,
    exposed_rows,
    owners,
    cloud_owners,
    outsiders,
    endings,
    deployments,
    replicas,
)

ATTACKS: Final[tuple[Attack, ...]] = tuple(chain.from_iterable(kind.attacks() for kind in KINDS))


def chosen(part: str) -> tuple[Attack, ...]:
    """The attacks whose name has this part.

    Raises:
        BadInput: none has.
    """
    found = tuple(attack for attack in ATTACKS if part in attack.name)
    if not found:
        kinds = dict.fromkeys(attack.name.split("/")[0] for attack in ATTACKS)
        raise BadInput(f"no attack's name has {part!r} in it: the kinds are {', '.join(kinds)}")
    return found


def attack_named(name: str) -> Attack:
    """The attack of this name."""
    return next(attack for attack in ATTACKS if attack.name == name)
