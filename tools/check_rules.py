"""Every rule of docs/specification.md has a test, and every rule that a test cites exists.

A test file cites rules in its branch tree or module docstring, in a line such as ``Rules: S4, S5``; a line
that ends with a comma goes on in the next. One line for each fault, and exit code 1 if there is any.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

RULE = re.compile(r"^- \*\*([A-Z]\d+)\*\* ", re.MULTILINE)
NAME = re.compile(r"[A-Z]\d+")
CITATION = re.compile(r"^(?:# )?Rules: ((?:.*,\n(?:# )?)*.*)", re.MULTILINE)


def main() -> None:
    """Tells the faults of this project on stderr and exits with 1 if there are any."""
    faults = list(faults_of(ROOT / "docs" / "specification.md", ROOT / "tests"))
    if faults:
        sys.exit("\n".join(faults))


def faults_of(specification: Path, tests: Path) -> Iterator[str]:
    """What is wrong between a specification and a folder of tests."""
    rules = RULE.findall(specification.read_text())
    for rule in sorted({rule for rule in rules if rules.count(rule) > 1}):
        yield f"{specification.name}: {rule} is there twice"
    cited: set[str] = set()
    for file in sorted(tests.rglob("test_*.py")):
        for rule in citations(file.read_text()):
            cited.add(rule)
            if rule not in rules:
                yield f"{file.relative_to(tests.parent)}: cites {rule}, which is no rule"
    for rule in rules:
        if rule not in cited:
            yield f"{specification.name}: {rule} is cited by no test"


def citations(source: str) -> list[str]:
    """The rules that a test file cites."""
    return [name for line in CITATION.findall(source) for name in NAME.findall(line)]


if __name__ == "__main__":
    main()
