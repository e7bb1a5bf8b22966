"""What becomes of a mutant."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from hashlib import sha256

from assurance.mutation.killers import killer_of, of_libraries, of_market
from assurance.mutation.mutants import Mutant
from assurance.mutation.solc import LIBRARIES, MARKET, InvalidError, Solc


class Fate(StrEnum):
    """How a trial ends. Only the last two count.

    INVALID does not compile. EQUIVALENT compiles to what the contracts compile to, with or without optimizer.
    DUPLICATE compiles to what an earlier mutant compiles to.
    """

    INVALID = "invalid"
    EQUIVALENT = "equivalent"
    DUPLICATE = "duplicate"
    KILLED = "killed"
    SURVIVED = "survived"


@dataclass(frozen=True)
class TrialResult:
    """One mutant's outcome.

    Attributes:
        code: a fingerprint of what it compiles to.
        killer: the test that noticed it.
    """

    outcome: Fate
    code: str = ""
    killer: str = ""


class BaselineError(Exception):
    """The contracts as they are fail a test."""


class MutantTester:
    """Compiles mutants and lets the tests have them, one at a time."""

    def __init__(self) -> None:
        self._solc = Solc()
        self._market = self._solc.bytecode(MARKET)
        self._libraries = self._solc.bytecode(LIBRARIES)
        self._kills: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def check(self) -> None:
        """Lets the tests have the contracts as they are.

        Raises:
            BaselineError: one of them fails.
        """
        killer = killer_of(of_libraries(self._libraries)) or killer_of(of_market(self._market))
        if killer:
            raise BaselineError(f"the contracts as they are fail {killer}")

    def try_(self, mutant: Mutant) -> TrialResult:
        """Tests one mutant until something notices it."""
        changed = {mutant.file: mutant.source}
        of_library = "/libraries/" in mutant.file
        try:
            market = self._solc.bytecode(MARKET, changed)
            libraries = self._solc.bytecode(LIBRARIES, changed) if of_library else self._libraries
        except InvalidError:
            return TrialResult(Fate.INVALID)
        code = sha256(market + libraries).hexdigest()
        killer = None
        if libraries != self._libraries:
            killer = killer_of(of_libraries(libraries))
        if killer is None and market != self._market:
            killer = killer_of(of_market(market, self._kills[mutant.function]))
        if killer is not None:
            self._kills[mutant.function][killer] += 1
            return TrialResult(Fate.KILLED, code, killer)
        same = (market, libraries) == (self._market, self._libraries) or self._same_optimized(changed)
        return TrialResult(Fate.EQUIVALENT if same else Fate.SURVIVED, code)

    def _same_optimized(self, changed: dict[str, str]) -> bool:
        paths = (MARKET, LIBRARIES)
        return self._optimized == [self._solc.bytecode(path, changed, optimized=True) for path in paths]

    @cached_property
    def _optimized(self) -> list[bytes]:
        return [self._solc.bytecode(path, optimized=True) for path in (MARKET, LIBRARIES)]
