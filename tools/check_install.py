"""Checks that `pip install .` into an empty environment gives all that an agent needs, and no more.

The command is run away from this folder. On a local chain a cloud owner registers, pays in and takes out, and
is audited: with the file that deploying leaves, and no more.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from tempfile import TemporaryDirectory

from brownie import accounts, project, run

from agents import __version__
from agents.core.amounts import ETHER
from scripts.local_chain import ROOT, connect_brownie, local_chain

QUIETLY = ("--quiet", "--disable-pip-version-check", "--no-compile")
OF_DEVELOPMENT = {
    "coincurve",
    "eth-brownie",
    "hypothesis",
    "mypy",
    "pyrevm",
    "pytest",
    "ruff",
    "slither-analyzer",
    "vyper",
}


def main() -> None:
    """Exits with what is wrong, if anything is."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        venv.create(folder / "environment", with_pip=True)
        programs = folder / "environment" / "bin"
        _run(programs / "pip", "install", *QUIETLY, ROOT, at=folder)
        _look_at_packages(programs, folder)
        _look_at_command(programs / "holdfast", folder)
        print(_life(programs / "holdfast", folder))


def _look_at_packages(programs: Path, folder: Path) -> None:
    listed = json.loads(_run(programs / "pip", "list", "--format=json", at=folder))
    names = {package["name"].lower() for package in listed}
    if names & OF_DEVELOPMENT:
        sys.exit(f"an agent needs none of {', '.join(sorted(names & OF_DEVELOPMENT))}")
    size = sum(file.lstat().st_size for file in programs.parent.rglob("*"))
    print(f"{len(names)} packages, {size / 2**20:.0f} MiB")


def _look_at_command(holdfast: Path, folder: Path) -> None:
    print(_run(holdfast, "--help", at=folder))
    said = _run(holdfast, "--version", at=folder)
    if said != f"holdfast {__version__}\n":
        sys.exit(f"holdfast --version says {said!r}")


def _life(holdfast: Path, folder: Path) -> str:
    """What an audit says in the end."""
    loaded = project.load(str(ROOT), "Holdfast")
    loaded.load_config()
    home = folder / "bob"
    with local_chain() as chain:
        connect_brownie(chain)
        deployment = run("scripts/deploy.py", "deploy", (folder,), project=loaded)
        address = _run(holdfast, "wallet", "new", "--home", home, at=folder).strip()
        accounts[0].transfer(address, ETHER, silent=True)
        told = {"rpc": chain.url, "deployment": str(deployment), "opening_deposit": 5, "members": "anyone"}
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in told.items()]
        (home / "agent.toml").write_text("".join(lines))
        _register(holdfast, home, folder)
        _run(holdfast, "withdraw", "--home", home, at=folder)
        return _run(holdfast, "audit", "--config", home / "agent.toml", at=folder)


def _register(holdfast: Path, home: Path, folder: Path) -> None:
    """Runs an agent until it has said that it sent something."""
    command: list[str | Path] = [holdfast, "cloud-owner", "run", "--home", home]
    with subprocess.Popen(
        command, cwd=folder, env=_environment(), stderr=subprocess.PIPE, text=True
    ) as agent:
        assert agent.stderr is not None
        said = agent.stderr.readline()
        agent.terminate()
    if agent.returncode != 0:
        sys.exit(f"the agent ended with {agent.returncode}: {said}")


def _run(*command: str | Path, at: Path) -> str:
    """What a program says."""
    done = subprocess.run(command, cwd=at, env=_environment(), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _environment() -> dict[str, str]:
    """This one, with nothing that names this folder's modules or tells agents anything."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "HOLDFAST"))}
    return kept | {"HOLDFAST_PASSWORD": "of a wallet that is thrown away"}


if __name__ == "__main__":
    main()
