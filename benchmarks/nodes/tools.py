"""Programs that are built here from their sources, pinned by a go.mod and go.sum of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from benchmarks.nodes.network import ROOT
from benchmarks.profile import Skipped

TOOLS = ROOT / ".bench"
RECIPE = Path(__file__).parent / "kaia"
PROGRAM, STAMP = TOOLS / "bin" / "kcn", TOOLS / "bin" / "kcn.go.sum"
BUILD_SECONDS = 1_800
_KAIA = "github.com/kaiachain/kaia/cmd/kcn"


def is_built() -> bool:
    """Whether the validators' client is there, and of this recipe."""
    return PROGRAM.exists() and STAMP.exists() and STAMP.read_bytes() == (RECIPE / "go.sum").read_bytes()


def kaia() -> Path:
    """The consensus node of Kaia, built on first use: some minutes.

    Raises:
        Skipped: there is no Go, or it could not be built.
    """
    if is_built():
        return PROGRAM
    go = shutil.which("go")
    if go is None:
        raise Skipped("validators are built with Go 1.26 or newer and a C compiler: install them")
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    # newer Go forbids what this client's profiler links to, unless told otherwise
    command = [go, "build", "-mod=readonly", "-ldflags=-checklinkname=0", "-o", str(PROGRAM), _KAIA]
    try:
        run = subprocess.run(
            command,
            cwd=RECIPE,
            env={**os.environ, **_go_homes()},
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Skipped(f"the validators' client was not built within {BUILD_SECONDS} s: try again") from None
    if run.returncode != 0:
        lines = run.stderr.strip().splitlines()
        raise Skipped(
            f"the validators' client could not be built: {lines[-1] if lines else 'no reason given'}"
        )
    STAMP.write_bytes((RECIPE / "go.sum").read_bytes())
    return PROGRAM


def _go_homes() -> dict[str, str]:
    """All that Go keeps stays inside this folder."""
    home = TOOLS / "go"
    return {"GOPATH": str(home), "GOMODCACHE": str(home / "pkg" / "mod"), "GOCACHE": str(home / "cache")} | {
        "GOFLAGS": "-modcacherw"
    }
