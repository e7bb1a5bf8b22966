"""Nothing in the project speaks but agents/output, and nothing else says how logs look.

So text that others wrote can only be shown where it is escaped. What draws on a screen with `rich` is, in
agents/, the demo and `status --watch` alone, which escape each line.

Rules: A64.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FOLDERS = ("agents", "scripts", "testing", "assurance", "benchmarks")

TALKERS = {
    "print",
    "input",
    "echo",
    "secho",
    "prompt",
    "confirm",
    "getpass",
    "print_exc",
    "print_exception",
    "pprint",
}
STREAMS = {"stdout", "stderr", "__stdout__", "__stderr__"}
LOGS = {
    *(
        "basicConfig",
        "dictConfig",
        "fileConfig",
        "addHandler",
        "setFormatter",
        "captureWarnings",
        "lastResort",
    ),
    *("Formatter", "StreamHandler", "FileHandler", "showwarning"),
}
ALLOWED = {
    "agents/output/terminal.py": {"print", "stdout", "stderr", "getpass"},
    "agents/output/logs.py": LOGS
    - {"dictConfig", "fileConfig", "addHandler", "captureWarnings", "FileHandler"},
    "agents/storage/log_file.py": {
        "FileHandler",
        "lastResort",
        "setFormatter",
    },  # a file, which only agents/storage writes
    "agents/demo/screen.py": {"rich", "print"},
    "agents/output/live.py": {"rich"},
    "assurance/proofs/integers.py": {"stdout"},  # between two solvers
}


def spoken(source: str) -> Iterator[str]:
    """What in a module writes to a terminal or says how a log looks."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield from _call(node)
        elif isinstance(node, ast.Attribute):
            on = node.value.id if isinstance(node.value, ast.Name) else ""
            if (on == "sys" and node.attr in STREAMS) or node.attr in LOGS:
                yield node.attr
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "rich")
        elif isinstance(node, ast.ImportFrom):
            module = (node.module or "").split(".")[0]
            names = {alias.name for alias in node.names}
            yield from sorted(names & {"sys": STREAMS, "logging": LOGS, "typer": TALKERS}.get(module, set()))
            if module == "rich":
                yield "rich"


def _call(call: ast.Call) -> Iterator[str]:
    function = call.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    if name in TALKERS:
        yield name
    elif name in ("exit", "SystemExit") and any(map(_is_text, call.args)):
        yield f"{name} with words"


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "str"
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def modules() -> list[str]:
    return sorted(
        file.relative_to(ROOT).as_posix() for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")
    )


@pytest.mark.parametrize("module", modules())
def test_a_module_speaks_through_the_one_mouth(module: str) -> None:
    found = set(spoken((ROOT / module).read_text()))
    if not module.startswith("agents/"):  # consoles of the development, for what it measured
        found -= {"rich"}
        if "rich" in (ROOT / module).read_text():
            found -= {"print", "stdout"}
    assert found <= ALLOWED.get(module, set())


def test_nothing_is_allowed_that_is_not_done() -> None:
    for module, names in ALLOWED.items():
        assert names <= set(spoken((ROOT / module).read_text())), module


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("print(1)", ["print"]),
        ("sys.stdout.write('a')", ["stdout"]),
        ("x(file=sys.stderr)", ["stderr"]),
        ("from sys import stderr", ["stderr"]),
        ("typer.echo('a')", ["echo"]),
        ("from typer import secho", ["secho"]),
        ("console.print('a')", ["print"]),
        ("from rich.console import Console", ["rich"]),
        ("import rich.console", ["rich.console"]),
        ("traceback.print_exc()", ["print_exc"]),
        ("getpass.getpass()", ["getpass"]),
        ("logging.basicConfig(level=1)", ["basicConfig"]),
        ("log.addHandler(one)", ["addHandler"]),
        ("from logging import StreamHandler", ["StreamHandler"]),
        ("class A(logging.Formatter): ...", ["Formatter"]),
        ("sys.exit(f'{problem}')", ["exit with words"]),
        ("sys.exit(str(problem))", ["exit with words"]),
        ("raise SystemExit('no')", ["SystemExit with words"]),
        ("raise SystemExit(1)", []),
        ("log.warning('a')", []),
        ("axis.set_major_formatter(FuncFormatter(f))", []),
        ("say('a')", []),
    ],
)
def test_a_mouth_is_noticed(source: str, found: list[str]) -> None:
    assert list(spoken(source)) == found
