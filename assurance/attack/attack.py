"""What an attack is: who tries to break which claim, what came of it, and what may come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np

Figure = float | int | str


@dataclass(frozen=True)
class Stage:
    """Where attacks are played.

    Attributes:
        folder: for the homes of agents.
        seed: of divisions, secrets and guesses.
        table: a built-in one.
        quick: with few tries, as the tests play.
    """

    folder: Path
    seed: int = 0
    table: str = "breast-cancer"
    quick: bool = False

    def on(self, table: str) -> Stage:
        """The same on another table."""
        return replace(self, table=table)

    def tries(self, full: int, quick: int) -> int:
        """How often something is done."""
        return quick if self.quick else full

    def secret(self, purpose: str) -> bytes:
        """32 bytes that stand for somebody's secret."""
        return sha256(b"attack %d: %b" % (self.seed, purpose.encode())).digest()

    def rng(self, purpose: str) -> np.random.Generator:
        """Guesses, the same in each run."""
        return np.random.default_rng(np.frombuffer(self.secret(purpose), dtype=np.uint32))


@dataclass(frozen=True)
class Found:
    """What came of an attack.

    Attributes:
        recovered: figures by name: rows, map entries, AUC, how often a guess was right.
        most: by the same names, what the claim allows; what is not named here is told and not judged.
    """

    recovered: Mapping[str, Figure]
    most: Mapping[str, float]

    @property
    def holds(self) -> bool:
        """Whether nothing is over what the claim allows."""
        return all(float(self.recovered[name]) <= bound for name, bound in self.most.items())


@dataclass(frozen=True)
class Attack:
    """One attack.

    Attributes:
        name: of its kind, and after slashes of the family and the level that it is played against.
        who: plays it.
        against: whom or what.
        claim: the sentence of docs/privacy.md that it tries to break; or that admits what it gets.
        play: does it.
    """

    name: str
    who: str
    against: str
    claim: str
    play: Callable[[Stage], Found]


@dataclass(frozen=True)
class Played:
    """An attack that was played, and the seconds that it took."""

    attack: Attack
    found: Found
    seconds: float

    def told(self) -> dict[str, object]:
        """For the report."""
        attack, found = self.attack, self.found
        return {
            "name": attack.name,
            "who": attack.who,
            "against": attack.against,
            "claim": attack.claim,
            "recovered": dict(found.recovered),
            "expected": {name: {"at most": bound} for name, bound in found.most.items()},
            "holds": found.holds,
            "seconds": round(self.seconds, 2),
        }
