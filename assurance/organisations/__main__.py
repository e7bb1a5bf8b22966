"""Plays three organisations on three hosts, and whoever convenes them; `make organisations`.

    python -m assurance.organisations

Writes build/organisations/report.json. Exit code 1 if something was not as it should be, and 2 if what
it needs cannot be had here.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
import time
from typing import Any

from rich.console import Console

from agents.core.errors import HoldfastError
from agents.core.escaping import printable
from assurance.organisations.play import Play
from benchmarks.profile import Skipped
from testing.compiler import ROOT

FOLDER = ROOT / "build" / "organisations"
CRASH_POINTS = ROOT / "snapshots" / "crash-points.txt"


def main() -> None:
    """Plays, and writes the report."""
    console, begun = Console(soft_wrap=True), time.monotonic()

    def say(line: str) -> None:
        console.print(f"{time.monotonic() - begun:6.0f} s  {printable(line)}", markup=False, highlight=False)

    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that networks and programs are taken down
    play, failure = Play(FOLDER, say), ""
    try:
        play.perform()
    except Skipped as problem:
        console.print(f"cannot be played here: {problem}", markup=False)
        sys.exit(2)
    except (AssertionError, HoldfastError) as problem:
        failure = str(problem)
    report = told(play.found, failure, time.monotonic() - begun)
    (FOLDER / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    say(f"{'all well' if report['ok'] else f'FAILED: {failure}'}: {FOLDER / 'report.json'}")
    sys.exit(0 if report["ok"] else 1)


def told(found: dict[str, Any], failure: str, seconds: float) -> dict[str, Any]:
    """The report."""
    audit, ledger = found.get("audit", {"ok": False}), found.get("ledger", {"conserved": False})
    healed = found.get("healed", 0)
    points = len(CRASH_POINTS.read_text().splitlines()) if CRASH_POINTS.exists() else 0
    ok = not failure and audit["ok"] and ledger["conserved"] and healed > 0
    return {
        "ok": ok,
        "failure": failure,
        "crash_points": points,
        "healed": healed,
        "audit": audit,
        "ledger": ledger,
        "seconds": round(seconds, 1),
        **{name: value for name, value in found.items() if name not in ("audit", "ledger", "healed")},
    }


if __name__ == "__main__":
    main()
