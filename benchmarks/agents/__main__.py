"""Measures what an agent needs, prints it, and writes ``build/bench/agents.json``."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from agents.output.terminal import say
from benchmarks.agents.crowd import crowd
from benchmarks.agents.history import history
from benchmarks.agents.rest import MEASURED_SECONDS, SETTLE_SECONDS, rest
from benchmarks.machine import machine
from benchmarks.profile import Json
from benchmarks.site import compiled
from scripts.local_chain import ROOT
from testing.command_line import FlagParser

FOLDER = ROOT / "build" / "bench"
LOGS = 100_000
EVM = "shanghai"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures; the load first, as nothing else is under way then."""
    parser = FlagParser(prog="python -m benchmarks.agents", description="measures what an agent needs")
    parser.add_argument("--logs", type=int, default=LOGS, help="of the long history")
    parser.add_argument("--seconds", type=int, default=MEASURED_SECONDS, help="to count requests for")
    parser.add_argument("--settle", type=int, default=SETTLE_SECONDS, help="to wait before that")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for the report")
    flags = parser.parse_args(arguments)
    report: dict[str, Json] = {"machine": machine(), "load": crowd()}
    with tempfile.TemporaryDirectory() as folder:
        report["history"] = history(compiled(EVM)["abi"], flags.logs, Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        report["rest"] = rest(Path(folder), flags.seconds, flags.settle)
    flags.folder.mkdir(parents=True, exist_ok=True)
    (flags.folder / "agents.json").write_text(json.dumps(report, indent=2) + "\n")
    for name in ("rest", "history", "load"):
        say(f"{name}: {json.dumps(report[name])}")


if __name__ == "__main__":
    main()
