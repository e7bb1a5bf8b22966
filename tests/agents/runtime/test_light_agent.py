"""What the process of an agent loads: it decides and waits, and what its workers compute with is theirs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agents.core.deferred import DeferredKind, DeferredModule

HEAVY = ("jinja2", "matplotlib", "pandas", "pyarrow", "pg8000", "scipy", "sklearn", "tenseal")
MODULES = ("agents.cli", "agents.runtime.launch", "agents.workers.data_owner", "agents.workers.model_owner")


@pytest.mark.parametrize("module", MODULES)
def test_libraries_of_workers_are_not_loaded_by_the_agent(module: str) -> None:
    look = f"import sys, {module}; print(*sorted({set(HEAVY)!r} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert told.stdout.split() == []


def test_a_deferred_module_is_imported_when_something_of_it_is_used() -> None:
    fractions = DeferredModule("fractions")
    make = DeferredKind(fractions, "Fraction")
    assert "Fraction" not in vars(fractions)
    assert make(1, 2) == fractions.Fraction("1/2")
    assert "Fraction" in vars(fractions), "and asked of the system once"


def test_what_a_deferred_module_has_not_is_said_as_by_the_module() -> None:
    with pytest.raises(AttributeError, match="fractions"):
        _ = DeferredModule("fractions").Friction
