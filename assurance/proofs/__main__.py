"""Proves the contract's rules of money, draws and seed chains for all values at once; `make prove`.

    python -m assurance.proofs --jobs 2 --only LedgerProofs

Prints what is proved and within which bounds, and writes build/prove/report.json. Faults are planted in
copies of the contracts, too, and each must be refuted: the proofs can fail. Exit code 1 if anything is not
proved, or a planted fault not caught; 2 and one line if a flag cannot be used.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.progress import TimeElapsedColumn
from rich.table import Column, Table

from agents.core.errors import BadInput
from assurance.proofs.build import UNOPTIMIZED, compile_, lay_out, sources
from assurance.proofs.planted import FAULTS, FaultError, PlantedFault
from assurance.proofs.proof import NatSpecError, Proof, ProofOutcome, ProofResult, proofs
from assurance.proofs.prover import BIN, prove
from testing.command_line import FlagParser, one_line_if_wrong, processes, write_report
from testing.compiler import ROOT

FOLDER = ROOT / "build" / "prove"
REPORT = FOLDER / "report.json"

Tried = tuple[Proof | PlantedFault, ProofResult]


def main(arguments: Sequence[str] | None = None) -> None:
    """Tries all proofs and tells."""
    begun = time.monotonic()
    console = Console(soft_wrap=True, highlight=False)
    with one_line_if_wrong(NatSpecError, FaultError):
        flags = _parser().parse_args(arguments)
        if flags.jobs < 1 or flags.limit < 1:
            raise BadInput("--jobs and --limit are at least 1")
        if not (BIN / "halmos").exists():
            raise BadInput("halmos is not installed: `make prove` installs it, in .venv-analysis")
        with console.status("compiling"):
            answer = compile_(sources())
        chosen = choose(list(proofs(answer)), flags.only)
        faults = choose_faults(chosen)
    shutil.rmtree(FOLDER, ignore_errors=True)
    lay_out(answer, FOLDER / "market")
    tried = dict(_tried([] if flags.planted else chosen, faults, flags.jobs, flags.limit))
    report = report_of(tried, round(time.monotonic() - begun, 1))
    write_report(report, REPORT)
    tell(report, console)
    if report["failed"] or report["caught"] != report["planted"]:
        sys.exit(1)


def choose(known: Sequence[Proof], only: str | None) -> list[Proof]:
    """The proofs of this name, or of a contract of this name; all if there is none.

    Raises:
        BadInput: there are none such.
    """
    chosen = [proof for proof in known if only in (None, proof.name, proof.contract)]
    if not chosen:
        contracts = dict.fromkeys(proof.contract for proof in known)
        raise BadInput(
            f"only is {only}: choose one of {', '.join(contracts)}, or of their proofs, as {known[0].name}"
        )
    return chosen


def choose_faults(chosen: Iterable[Proof]) -> list[PlantedFault]:
    """The faults that these proofs must notice.

    Raises:
        FaultError: one cannot be planted.
    """
    names = {proof.name for proof in chosen}
    faults = [fault for fault in FAULTS if fault.proof in names]
    for fault in faults:
        fault.source()
    return faults


def report_of(tried: dict[Proof | PlantedFault, ProofResult], seconds: float) -> dict[str, Any]:
    """All figures, ready for JSON."""
    of_proofs = [(one, result) for one, result in tried.items() if isinstance(one, Proof)]
    of_faults = [(one, result) for one, result in tried.items() if isinstance(one, PlantedFault)]
    proved = sum(result.outcome is ProofOutcome.PROVED for _, result in of_proofs)
    return {
        "proved": proved,
        "failed": len(of_proofs) - proved,
        "planted": len(of_faults),
        "caught": sum(result.outcome is ProofOutcome.REFUTED for _, result in of_faults),
        "seconds": seconds,
        "proofs": [{"name": one.name} | asdict(one) | asdict(result) for one, result in of_proofs],
        "faults": [asdict(one) | asdict(result) for one, result in of_faults],
    }


def tell(report: dict[str, Any], console: Console) -> None:
    """What is proved, what is not, and the figures last."""
    table = Table(Column("proof", overflow="fold"), "bounds", "paths", "s", "outcome")
    for one in report["proofs"]:
        table.add_row(
            one["name"], one["bounds"], f"{one['paths']:,}", f"{one['seconds']:.0f}", one["outcome"]
        )
    for one in report["faults"]:
        outcome = "caught" if one["outcome"] is ProofOutcome.REFUTED else "not caught"
        table.add_row(one["proof"], f"planted: {one['name']}", "", f"{one['seconds']:.0f}", outcome)
    console.print(table)
    for one in report["proofs"]:
        if one["outcome"] is not ProofOutcome.PROVED:
            console.print(f"{one['name']}: {one['outcome']}, {one['why']}", markup=False)
    for one in report["faults"]:
        if one["outcome"] is not ProofOutcome.REFUTED:
            console.print(
                f"not caught: {one['name']}: {one['proof']} is {one['outcome']}, {one['why']}", markup=False
            )
    console.print(
        f"{report['proved']} proved, {report['failed']} failed; {report['caught']} of {report['planted']} "
        f"planted faults caught; {report['seconds']:.0f} s"
    )


def _tried(chosen: Sequence[Proof], faults: Sequence[PlantedFault], jobs: int, limit: int) -> Iterator[Tried]:
    """Every proof and every fault with its result, in their order."""
    total = len(chosen) + len(faults)
    with processes("proving", jobs, total, column=TimeElapsedColumn) as (pool, show):
        running: dict[Future[ProofResult], Proof | PlantedFault] = {
            **{pool.submit(prove, proof, FOLDER / "market", limit): proof for proof in chosen},
            **{pool.submit(_refute, fault, limit): fault for fault in faults},
        }
        for done in as_completed(running):
            done.result()
            show(advance=1, description=f"last {running[done].name}")
    for future, one in running.items():
        yield one, future.result()


def _refute(fault: PlantedFault, limit: int) -> ProofResult:
    """What becomes of a fault's proof where the contracts have the fault."""
    answer = compile_({fault.file: fault.source(), **sources([fault.contract])}, **UNOPTIMIZED)
    folder = FOLDER / "planted" / f"{FAULTS.index(fault)}"
    lay_out(answer, folder)
    proof = next(one for one in proofs(answer) if one.name == fault.proof)
    return prove(proof, folder, limit, early=True)


def _parser() -> argparse.ArgumentParser:
    parser = FlagParser(
        prog="python -m assurance.proofs", description="proves the contract's rules for all values at once"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="proofs at a time")
    parser.add_argument("--only", metavar="NAME", help="a contract of proofs, or one of its proofs")
    parser.add_argument("--limit", type=int, default=300, metavar="SECONDS", help="that a proof may take")
    parser.add_argument("--planted", action="store_true", help="plant the faults alone")
    return parser


if __name__ == "__main__":
    main()
