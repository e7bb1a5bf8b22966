"""Programs that are built here from their sources, pinned by a go.mod and go.sum of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from benchmarks.nodes.network import ROOT
from benchmarks.profile import Skipped

TOOLS = ROOT / ".bench"
RECIPES = Path(__file__).parent
BUILD_SECONDS = 1_800
_KAIA = "github.com/kaiachain/kaia/cmd/kcn"


def kaia() -> Path:
    """The consensus node of Kaia, built on first use: some minutes.

    Raises:
        Skipped: there is no Go, or it could not be built.
    """
    program = TOOLS / "bin" / "kcn"
    stamp = TOOLS / "bin" / "kcn.go.sum"
    recipe = RECIPES / "kaia"
    if program.exists() and stamp.exists() and stamp.read_bytes() == (recipe / "go.sum").read_bytes():
        return program
    go = shutil.which("go")
    if go is None:
        raise Skipped("validators are built with Go 1.26 or newer and a C compiler: install them")
    program.parent.mkdir(parents=True, exist_ok=True)
    # newer Go forbids what this client's profiler links to, unless told otherwise
    command = [go, "build", "-mod=readonly", "-ldflags=-checklinkname=0", "-o", str(program), _KAIA]
    run = subprocess.run(
        command,
        cwd=recipe,
        env={**os.environ, **_go_homes()},
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if run.returncode != 0:
        lines = run.stderr.strip().splitlines()
        raise Skipped(
            f"the validators' client could not be built: {lines[-1] if lines else 'no reason given'}"
        )
    stamp.write_bytes((recipe / "go.sum").read_bytes())
    return program


def _go_homes() -> dict[str, str]:
    """All that Go keeps stays inside this folder."""
    home = TOOLS / "go"
    return {"GOPATH": str(home), "GOMODCACHE": str(home / "pkg" / "mod"), "GOCACHE": str(home / "cache")} | {
        "GOFLAGS": "-modcacherw"
    }
