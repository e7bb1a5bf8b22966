"""Every test that docs/threat-model.md names exists, and every test of tests/adversarial is named there.

A test is named as `test_griefing.py::test_forced_coins_change_nothing`, with as much of the path before the
file as tells it from others. An attack is a row of a table whose last column is `test`: it names at least
one, and the assumptions that it rests on. An assumption is a row that begins with its name, as `**H1**`; an
attack rests on each. One line for each fault, and exit code 1 if there is any.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")
ASSUMED = re.compile(r"^\| \*\*(H\d+)\*\* ", re.MULTILINE)
CITED = re.compile(r"\bH\d+\b")

Test = tuple[Path, str]


def main() -> None:
    """Tells the faults of this project on stderr and exits with 1 if there are any."""
    faults = list(faults_of(ROOT / "docs" / "threat-model.md", ROOT / "tests"))
    if faults:
        sys.exit("\n".join(faults))


def faults_of(model: Path, tests: Path) -> Iterator[str]:
    """What is wrong between a threat model and a folder of tests."""
    text = model.read_text()
    known = {file: names_in(file) for file in sorted(tests.rglob("test_*.py"))}
    named: set[Test] = set()
    for place, name in dict.fromkeys(NAMED.findall(text)):
        files = [file for file in known if file.as_posix().endswith(f"/{place}")]
        named |= {(file, name) for file in files}
        if len(files) != 1:
            yield f"{model.name}: {place} is {len(files)} files"
        elif name not in known[files[0]]:
            yield f"{model.name}: {place} has no {name}"
    for file, names in known.items():
        if file.is_relative_to(tests / "adversarial"):
            for name in names:
                if (file, name) not in named:
                    yield f"{file.relative_to(tests.parent)}: {name} is not in {model.name}"
    yield from _faults_of_rows(model.name, text)


def names_in(file: Path) -> list[str]:
    """The names of a file's tests, in its order."""
    return [
        node.name
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


def attacks(text: str) -> Iterator[str]:
    """The rows of the tables whose last column is `test`."""
    within = False
    for line in text.splitlines():
        if not line.startswith("|"):
            within = False
        elif line.endswith("| test |"):
            within = True
        elif within and not line.startswith("|---"):
            yield line


def _faults_of_rows(name: str, text: str) -> Iterator[str]:
    assumed, rested_on = ASSUMED.findall(text), set[str]()
    for row in attacks(text):
        cited = set(CITED.findall(row))
        rested_on |= cited
        first = row.split("|")[1].strip()
        if not NAMED.search(row):
            yield f"{name}: no test for: {first}"
        for missing in sorted(cited - set(assumed)):
            yield f"{name}: {missing} is not assumed, but by: {first}"
    for assumption in assumed:
        if assumption not in rested_on:
            yield f"{name}: no attack rests on {assumption}"


if __name__ == "__main__":
    main()
