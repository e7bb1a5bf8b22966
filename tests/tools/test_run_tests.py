"""The runner of all tests: each in one of three parts, and one exit code."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools import run_tests

NODE = "import pytest\npytestmark = pytest.mark." + "node\n"
FORKS = NODE.replace("node", "forks")
PYTEST = [sys.executable, "-m", "pytest", "-p", "no:pytest-brownie"]


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four test files, one of which wants a node and one forks, and two cores."""
    (tmp_path / "tests" / "inner").mkdir(parents=True)
    for name, source in (
        ("test_a.py", ""),
        ("inner/test_b.py", NODE),
        ("inner/test_c.py", ""),
        ("inner/test_d.py", FORKS),
    ):
        (tmp_path / "tests" / name).write_text(source)
    monkeypatch.setattr(run_tests, "ROOT", tmp_path)
    monkeypatch.setattr("os.cpu_count", lambda: 2)


def test_a_folder_is_run_in_three_parts_one_of_them_on_all_cores() -> None:
    on_node, others, forking = run_tests.commands(["tests"], ["-x"], "ganache")
    assert on_node == ["brownie", "test", "tests/inner/test_b.py", "--network", "ganache-cli", "-x"]
    processes = ["--numprocesses=2", "--dist=loadfile", "--no-loadscope-reorder"]
    ignored = ["--ignore=tests/inner/test_b.py", "--ignore=tests/inner/test_d.py"]
    assert others == [*PYTEST, *processes, "tests", *ignored, "-x"]
    assert forking == [*PYTEST, "tests/inner/test_d.py", "-x"]


def test_a_file_is_run_in_its_part_alone() -> None:
    for path in ("tests/inner/test_b.py", "tests/inner/test_b.py::test_it"):
        brownie = ["brownie", "test", path, "--network", "anvil"]
        assert run_tests.commands([path], [], "anvil") == (brownie, [], [])
    for path in ("tests/test_a.py", "tests/test_a.py::test_it", "tests/test_none.py"):
        assert run_tests.commands([path], [], "anvil") == ([], [*PYTEST, path], [])


def test_every_file_is_in_one_part() -> None:
    on_node, others, forking = run_tests.commands(["tests/test_a.py", "tests/inner"], [], "anvil")
    assert on_node[2:3] == ["tests/inner/test_b.py"]
    ignored = ["--ignore=tests/inner/test_b.py", "--ignore=tests/inner/test_d.py"]
    assert others[-4:] == ["tests/test_a.py", "tests/inner", *ignored]
    assert forking[-1] == "tests/inner/test_d.py"


def test_arguments_come_after_two_dashes() -> None:
    assert run_tests.split(["tests", "--", "-k", "a -- b"]) == (["tests"], ["-k", "a -- b"])
    assert run_tests.split(["tests", "more"]) == (["tests", "more"], [])


@pytest.mark.parametrize(
    ("codes", "together"),
    [((0, 0), 0), ((0, 5), 0), ((5,), 5), ((5, 5), 5), ((0, 1), 1), ((2, 1), 2), ((5, 4), 4), ((), 5)],
)
def test_all_must_pass_and_some_must_run(codes: tuple[int, ...], together: int) -> None:
    assert run_tests.outcome(codes) == together


@pytest.mark.parametrize("installed", [True, False])
def test_takes_anvil_where_it_is_installed(tmp_path: Path, installed: bool) -> None:
    if installed:
        (tmp_path / "node_modules" / ".bin").mkdir(parents=True)
        (tmp_path / "node_modules" / ".bin" / "anvil").touch()
    assert run_tests.default_network() == ("anvil" if installed else "ganache")
