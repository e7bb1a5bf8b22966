"""What is installed: agents need what they import and no more; what is promised stands one way everywhere."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from scripts.local_chain import ROOT
from tools.check_wheels import PROMISES

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
DRAWING = (ROOT / "agents" / "demo", ROOT / "agents" / "report")
OWNERS = packages_distributions()
"""The packages of others that have a module; asked once, as all of them are looked through."""
BROUGHT = {"markupsafe": "jinja2", "pydantic-core": "pydantic"}
"""Packages that another one has of its own, in its version."""


def names(pins: list[str]) -> set[str]:
    return {pin.split("==")[0] for pin in pins}


@pytest.mark.parametrize("extra", [None, *EXTRAS])
def test_all_is_pinned_and_the_lock_has_the_same_pins(extra: str | None) -> None:
    pins = EXTRAS[extra] if extra else PROJECT["dependencies"]
    lock = set(re.findall(r"^(\S+==\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    assert set(pins) <= lock


def test_agents_import_what_is_installed_with_them() -> None:
    for file in (ROOT / "agents").rglob("*.py"):
        draws = any(file.is_relative_to(folder) for folder in DRAWING)
        allowed = names(PROJECT["dependencies"]) | (names(EXTRAS["report"]) if draws else set())
        assert set(packages_of(file)) <= allowed, file


def test_no_agent_imports_what_only_a_checkout_has() -> None:
    ours = {path.name for path in ROOT.iterdir() if path.is_dir()} - {"agents"}
    for file in (ROOT / "agents").rglob("*.py"):
        assert not ours & set(modules_of(file)), file


def packages_of(file: Path) -> Iterator[str]:
    """The packages of others that a module imports."""
    for module in modules_of(file):
        if module != "agents" and module not in sys.stdlib_module_names:
            package = OWNERS[module][0].lower().replace("_", "-")
            yield BROUGHT.get(package, package)


def modules_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


# --- the versions of Python ---


AGENTS, DEVELOPMENT = PROMISES


def test_agents_are_installed_on_the_versions_that_are_promised() -> None:
    first, *_, last = AGENTS.versions
    after = f"3.{int(last.split('.')[1]) + 1}"
    assert PROJECT["requires-python"] == f">={first},<{after}"
    assert f"Python {first} to {last}" in (ROOT / "README.md").read_text()


def test_development_begins_on_the_versions_that_are_promised() -> None:
    said = " or ".join(DEVELOPMENT.versions)
    assert f"Python {said}" in (ROOT / "README.md").read_text()
    preflight = (ROOT / "tools" / "preflight").read_text()
    assert preflight.count(f"Python {said} is needed") == 2
    (bounds,) = re.findall(r"\((3, \d+)\) <= sys.version_info\[:2\] <= \((3, \d+)\)", preflight)
    assert [bound.replace(", ", ".") for bound in bounds] == list(DEVELOPMENT.versions)
