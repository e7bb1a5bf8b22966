"""What the trials came to, and the explanations of survivors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import unified_diff
from typing import Any

import yaml
from rich.table import Table

from assurance.mutation.mutants import Mutant, MutantKey
from assurance.mutation.trial import Fate, TrialResult

GOAL = 95
"""The least score, in percent."""

Trial = tuple[Mutant, TrialResult]


class ExplanationError(Exception):
    """The file of explanations is not one."""


def explained(text: str) -> dict[MutantKey, str]:
    """The explanations of survivors: a list of `why` and `mutants`, these with the fields of a `MutantKey`.

    Raises:
        ExplanationError: a field is missing, or a mutant is explained twice.
    """
    found: dict[MutantKey, str] = {}
    for entry in yaml.safe_load(text) or []:
        try:
            why = " ".join(entry["why"].split())
            keys = [MutantKey(**fields) for fields in entry["mutants"]]
        except (KeyError, TypeError, AttributeError) as error:
            raise ExplanationError(f"an explanation lacks a field, or has one too many: {error}") from None
        for key in keys:
            if key in found or not why:
                raise ExplanationError(f"explained twice, or without a reason: {key}")
            found[key] = why
    return found


def report_of(
    trials: Sequence[Trial], sources: Mapping[str, str], why: Mapping[MutantKey, str]
) -> dict[str, Any]:
    """All figures, ready for JSON; the score is in percent."""
    survivors = [mutant for mutant, result in trials if result.outcome is Fate.SURVIVED]
    return {
        **_figures(trials),
        "unexplained": sum(mutant.key not in why for mutant in survivors),
        "operators": _by(trials, lambda mutant: mutant.operator),
        "files": _by(trials, lambda mutant: mutant.file),
        "killers": dict(Counter(result.killer for _, result in trials if result.killer).most_common()),
        "survivors": [
            {
                "file": mutant.file,
                "line": mutant.line,
                "function": mutant.function,
                "operator": mutant.operator,
                "before": mutant.before,
                "after": mutant.after,
                "diff": diff(mutant, sources[mutant.file]),
                "explanation": why.get(mutant.key),
            }
            for mutant in survivors
        ],
    }


def faults_of(trials: Sequence[Trial], why: Mapping[MutantKey, str]) -> Iterator[str]:
    """Survivors that nobody explains, explanations of what does not survive, and a score that is too low."""
    survivors = {mutant.key for mutant, result in trials if result.outcome is Fate.SURVIVED}
    files = {mutant.file for mutant, _ in trials}
    for mutant, result in trials:
        if result.outcome is Fate.SURVIVED and mutant.key not in why:
            yield f"survives, not explained: {mutant}"
    for key in sorted(why.keys() - survivors):
        if key.file in files:
            yield f"explained, does not survive: {key.file}: {key.becomes}"
    score = _figures(trials)["score"]
    if score < GOAL:
        yield f"the score is {score} %, less than {GOAL}"


def table(report: Mapping[str, Any]) -> Table:
    """Operators, then files."""
    columns = ("killed", "survived", "score", "equivalent", "duplicate", "invalid")
    shown = Table("", *columns)
    for group in ("operators", "files"):
        for name, figures in report[group].items():
            shown.add_row(name, *(str(figures[column]) for column in columns))
        shown.add_section()
    return shown


def diff(mutant: Mutant, source: str) -> str:
    """The fault as a patch."""
    lines = unified_diff(
        source.splitlines(), mutant.source.splitlines(), mutant.file, mutant.file, n=1, lineterm=""
    )
    return "\n".join(lines)


def _by(trials: Iterable[Trial], name: Any) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[Trial]] = {}
    for mutant, result in trials:
        groups.setdefault(name(mutant), []).append((mutant, result))
    return {group: _figures(some) for group, some in sorted(groups.items())}


def _figures(trials: Iterable[Trial]) -> dict[str, Any]:
    count = Counter(result.outcome for _, result in trials)
    killed, survived = count[Fate.KILLED], count[Fate.SURVIVED]
    tried = killed + survived
    return {
        "killed": killed,
        "survived": survived,
        "score": int(10_000 * killed / tried) / 100 if tried else 100.0,
        "equivalent": count[Fate.EQUIVALENT],
        "duplicate": count[Fate.DUPLICATE],
        "invalid": count[Fate.INVALID],
    }
