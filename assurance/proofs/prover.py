"""Runs halmos, one proof at a time, and judges what it says.

halmos says PASS also where it cut a path short, or left one that it could not follow. Here that is no proof.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from assurance.proofs.proof import Proof, ProofOutcome, ProofResult, Solver
from testing.compiler import ROOT

BIN = ROOT / ".venv-analysis" / "bin"
INTEGERS = Path(__file__).with_name("integers.py")
_COMMANDS: dict[Solver, list[str | Path]] = {
    Solver.INTEGERS: [BIN / "python", INTEGERS],
    Solver.BITS: [BIN / "yices-smt2", "--smt2-model-format", "--bvconst-in-decimal"],
}
_COMPLAINT = re.compile(r"^(?:WARNING|ERROR)\s+(.*(?:\n[ \t]+.*)*)", re.MULTILINE)
_ASKED = re.compile(r"paths involving assertion violations: (\d+) / \d+")
_COUNTEREXAMPLE, _PASS = 1, 0


def prove(proof: Proof, folder: Path, limit: int, *, early: bool = False) -> ProofResult:
    """Tries a proof.

    Args:
        proof: of the contracts in the folder.
        folder: what `lay_out` wrote.
        limit: seconds that it may take.
        early: to stop at the first counterexample.
    """
    folder = folder.resolve()
    told = folder / f"{proof.name}.json"
    told.unlink(missing_ok=True)
    begun = time.monotonic()
    output = _run(
        [*_command(proof, folder, told, limit), *(["--early-exit"] if early else [])], folder, limit
    )
    seconds = round(time.monotonic() - begun, 1)
    (folder / f"{proof.name}.log").write_text(output or "")
    if output is None:
        return ProofResult(ProofOutcome.TIMEOUT, 0, seconds, f"no answer within {limit} s")
    if not told.exists():
        return ProofResult(ProofOutcome.INCOMPLETE, 0, seconds, f"halmos failed: {_last_line(output)}")
    return judge(proof, json.loads(told.read_text()), output, seconds)


def judge(proof: Proof, told: dict[str, Any], output: str, seconds: float) -> ProofResult:
    """What halmos's report and what it printed come to.

    Every path must end well, or have been shown to be none that can be taken, or be that of an argument that
    does not fit; and one at least must end well.
    """
    tests = [test for tests in told["test_results"].values() for test in tests]
    test = next((test for test in tests if test["name"].partition("(")[0] == proof.function), None)
    if test is None:
        return ProofResult(ProofOutcome.INCOMPLETE, 0, seconds, f"it was not run: {_last_line(output)}")
    paths, well, stuck = test["num_paths"]
    complaints = [" ".join(complaint.split()) for complaint in _COMPLAINT.findall(output)]
    asked = _ASKED.search(output)
    reverted = paths - well - stuck - (int(asked[1]) if asked else 0) - proof.narrow
    if test["exitcode"] == _COUNTEREXAMPLE:
        return ProofResult(ProofOutcome.REFUTED, paths, seconds, _example(test))
    why = ""
    if complaints:
        why = complaints[0]
    elif test["exitcode"] != _PASS:
        why = f"halmos ended with {test['exitcode']}"
    elif test["num_bounded_loops"]:
        why = "a loop was cut short"
    elif well == 0:
        why = "no path ends well"
    elif reverted > 0 or stuck:
        why = f"{max(reverted, 0) + stuck} paths end before the proof does"
    return ProofResult(ProofOutcome.INCOMPLETE if why else ProofOutcome.PROVED, paths, seconds, why)


def _example(test: dict[str, Any]) -> str:
    """The counterexample's values, by argument."""
    for found in test["models"]:
        values = sorted((one["variable_name"], one["value"]) for one in found["model"].values())
        return ", ".join(f"{name} = {value:#x}" for name, value in values) or "any values"
    return "not told"


def _command(proof: Proof, folder: Path, told: Path, limit: int) -> list[str | Path]:
    return [
        BIN / "halmos",
        *("--root", folder),
        *("--contract", proof.contract),
        *("--match-test", rf"^{proof.function}\("),
        *("--json-output", told),
        *("--solver-command", shlex.join(str(part) for part in _COMMANDS[proof.solver])),
        *("--solver-timeout-assertion", f"{limit}s"),
        *("--solver-threads", "1"),
        *("--solver-timeout-branching", "1s"),  # so that no branch is followed that cannot be taken
        *("--panic-error-codes", "*"),  # an overflow in the proof is a fault of the proof
        "--no-status",
        "--verbose",
    ]


def _run(command: list[str | Path], folder: Path, limit: int) -> str | None:
    """What a program prints; nothing if it takes too long."""
    environment = os.environ | {
        "HOME": str(ROOT / ".home"),
        "PATH": f"{_stand_in(folder)}:{BIN}:{os.environ['PATH']}",
        "COLUMNS": "1000",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env=environment,
        start_new_session=True,
    ) as process:
        try:
            return process.communicate(timeout=limit)[0]
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def _stand_in(folder: Path) -> Path:
    """A folder with a program that halmos takes for Foundry's."""
    program = folder / "bin" / "forge"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        part = program.with_suffix(f".{os.getpid()}")
        part.write_text("#!/bin/sh\nexit 0\n")
        part.chmod(0o755)
        part.replace(program)
    return program.parent


def _last_line(output: str) -> str:
    return next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "it said nothing")
