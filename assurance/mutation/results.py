"""What is known of mutants from earlier runs, so that a run that was broken off goes on.

One line a trial in build/mutate/results.jsonl. A result is known again as long as contracts, mutant and tests
are the same; comments of the contracts may change.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from assurance.mutation.mutants import Mutant, fingerprint
from assurance.mutation.trial import Fate, TrialResult
from testing.compiler import ROOT

RESULTS = ROOT / "build" / "mutate" / "results.jsonl"
SUITE = (
    "agents/chain",
    "agents/core",
    "agents/audit/live.py",
    "tests/contracts/harness/Libraries.sol",
    "tests/contracts/test_libraries.py",
    "assurance/coverage/scenarios.py",
    "assurance/mutation/killers.py",
    "assurance/mutation/solc.py",
    "assurance/stateful",
    "testing",
    "tests/vectors.json",
    "package-lock.json",
)
"""What the tests are made of."""


def suite() -> str:
    """A fingerprint of the tests."""
    told = sha256()
    for path in SUITE:
        place = ROOT / path
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            told.update(file.read_bytes())
    return told.hexdigest()


class Results:
    """Results by mutant.

    Args:
        sources: of the contracts, by path.
        tests: the fingerprint of the tests.
        keep_kills: whether what was killed or never ran stays so, whatever the tests were.
    """

    def __init__(
        self, sources: Mapping[str, str], tests: str, file: Path = RESULTS, keep_kills: bool = False
    ) -> None:
        self._sources, self._tests, self._file = dict(sources), tests, file
        self._known: dict[str, TrialResult] = {}
        for line in file.read_text().splitlines() if file.exists() else ():
            self._read(line, keep_kills)

    def of(self, mutant: Mutant) -> TrialResult | None:
        """What came of it in an earlier run."""
        return self._known.get(self._key(mutant))

    def write(self, mutant: Mutant, result: TrialResult) -> None:
        """Remembers what came of it."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        entry = [self._key(mutant), self._tests, result.outcome, result.code, result.killer]
        with self._file.open("a") as file:
            file.write(json.dumps(entry) + "\n")

    def _key(self, mutant: Mutant) -> str:
        return fingerprint(self._sources | {mutant.file: mutant.source})

    def _read(self, line: str, keep_kills: bool) -> None:
        try:
            key, tests, outcome, code, killer = json.loads(line)
        except ValueError:  # the run was broken off in the middle of the line
            return
        if tests == self._tests or (keep_kills and outcome in (Fate.KILLED, Fate.INVALID)):
            self._known[key] = TrialResult(Fate(outcome), code, killer)


def without_duplicates(results: Iterable[tuple[Mutant, TrialResult]]) -> list[tuple[Mutant, TrialResult]]:
    """The same results; of those that compile to the same, all but the first are duplicates."""
    seen: set[str] = set()
    told = []
    for mutant, result in results:
        if result.outcome in (Fate.KILLED, Fate.SURVIVED):
            if result.code in seen:
                result = TrialResult(Fate.DUPLICATE, result.code)
            seen.add(result.code)
        told.append((mutant, result))
    return told
