"""One part of the benchmarks by itself: `python -m benchmarks.postgres --full`."""

from __future__ import annotations

import argparse
from pathlib import Path

from agents.output.terminal import complain, say_json
from benchmarks.profile import FULL, SHORT, Measure, Skipped

FOLDER = Path(__file__).resolve().parent.parent / "build" / "bench"


def alone(name: str, measure: Measure) -> None:
    """Measures a part, and prints what it found as JSON.

    Exit code 1 and one line if it cannot be measured here.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}")
    parser.add_argument("--full", action="store_true", help="as for the committed results")
    parser.add_argument("--folder", type=Path, default=FOLDER / name, help="for its files")
    flags = parser.parse_args()
    flags.folder.mkdir(parents=True, exist_ok=True)
    try:
        found = measure(FULL if flags.full else SHORT, flags.folder, complain)
    except Skipped as reason:
        complain(reason)
        raise SystemExit(1) from None
    say_json(dict(found))
