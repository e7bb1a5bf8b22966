"""Answers a question of halmos: by bits if that is soon done, and else by integers.

    python integers.py QUESTION.smt2

The market's money is sums of numbers far below a word's size. A solver that works on bits sees adders in
that, and may not come to an end; as sums of integers it is a matter of a second. It is the other way round
where there is a counterexample. The translation to integers is cvc5's own and exact: whatever could exceed a
word is taken modulo 2^256.

Run by the Python of .venv-analysis, which has nothing of the project.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cvc5  # type: ignore[import-not-found]

YICES = Path(sys.executable).with_name("yices-smt2"), "--smt2-model-format", "--bvconst-in-decimal"
SECONDS = 1
"""Of bits."""
OPTIONS = {"produce-models": "true", "solve-bv-as-int": "iand", "iand-mode": "bitwise"}


def by_bits(question: str) -> str | None:
    """What yices answers, if it is soon done."""
    try:
        return subprocess.run([*YICES, question], capture_output=True, text=True, timeout=SECONDS).stdout
    except subprocess.TimeoutExpired:
        return None


def by_integers(question: str) -> None:
    """Prints what cvc5 answers to each command of the question."""
    solver = cvc5.Solver()
    for name, value in OPTIONS.items():
        solver.setOption(name, value)
    parser = cvc5.InputParser(solver)
    text = Path(question).read_text().replace("(set-logic QF_AUFBV)", "(set-logic ALL)")
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, question)
    symbols = parser.getSymbolManager()
    while not (command := parser.nextCommand()).isNull():
        sys.stdout.write(command.invoke(solver, symbols))


def main(question: str) -> None:
    """Prints the answer."""
    answer = by_bits(question)
    if answer and answer.startswith(("sat", "unsat")):
        sys.stdout.write(answer)
    else:
        by_integers(question)


if __name__ == "__main__":
    main(sys.argv[1])
