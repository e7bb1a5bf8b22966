"""What Slither finds in contracts/ is what slither.triage.yaml explains: nothing more, nothing less.

All of its detectors run, the informational ones too. A finding is known by its own words without the places
in them, so that it stays known when lines move. One entry for each fault, and exit code 1 if there is any.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
TRIAGE = ROOT / "slither.triage.yaml"

_PLACE = re.compile(r" \([\w./-]+\.sol#[\d-]+\)")


@dataclass(frozen=True, order=True)
class SlitherFinding:
    """What a detector says.

    Attributes:
        check: the detector's name.
        text: its words without places, a line each.
    """

    check: str
    text: str


class SlitherError(Exception):
    """Slither did not come to an end, or a triage is not one."""


def main() -> None:
    """Tells on stderr what differs between findings and triage, and exits with 1 if anything does."""
    try:
        faults = list(faults_of(found(ROOT), explained(TRIAGE.read_text())))
    except SlitherError as failure:
        faults = [str(failure)]
    if faults:
        sys.exit("\n".join(faults))


def faults_of(findings: dict[SlitherFinding, str], triage: Iterable[SlitherFinding]) -> Iterator[str]:
    """What is found and not explained, or explained and not found.

    Args:
        findings: what was found, each with its text as it was told, places included.
        triage: what is explained.
    """
    known = set(triage)
    for finding in sorted(findings.keys() - known):
        yield f"{finding.check}: found, not explained in {TRIAGE.name}:\n{_indented(findings[finding])}"
    for finding in sorted(known - findings.keys()):
        yield f"{finding.check}: explained in {TRIAGE.name}, no longer found:\n{_indented(finding.text)}"


def found(folder: Path) -> dict[SlitherFinding, str]:
    """What Slither finds in a project's contracts, by its slither.config.json."""
    slither = Path(sys.executable).parent / "slither"
    with TemporaryDirectory() as place:
        answer = Path(place) / "answer.json"
        command = [str(slither), "contracts", "--json", str(answer)]
        # its helper solc-select makes a folder here, otherwise in the user's home
        environment = os.environ | {"VIRTUAL_ENV": sys.prefix}
        run = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        if not answer.exists():
            raise SlitherError(f"slither ends without an answer:\n{_indented(run.stderr)}")
        told = json.loads(answer.read_text())
    if not told["success"]:
        raise SlitherError(f"slither fails:\n{_indented(told['error'])}")
    return read(told)


def read(answer: dict[str, Any]) -> dict[SlitherFinding, str]:
    """The findings of Slither's JSON, each with its text as it was told."""
    results = answer["results"].get("detectors", [])
    return {
        SlitherFinding(result["check"], plain(result["description"])): result["description"]
        for result in results
    }


def plain(description: str) -> str:
    """A finding's words without places and indentation."""
    lines = _PLACE.sub("", description).splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())


def explained(source: str) -> Iterator[SlitherFinding]:
    """The findings of a triage: a list of `check`, `why` and `findings`."""
    for entry in yaml.safe_load(source) or []:
        if not entry.get("why", "").strip():
            raise SlitherError(f"{entry['check']}: explained without a reason")
        for text in entry["findings"]:
            yield SlitherFinding(entry["check"], plain(text))


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines())


if __name__ == "__main__":
    main()
