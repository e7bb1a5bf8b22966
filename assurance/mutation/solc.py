"""The compiler, loaded once for many compilations: some two seconds for the whole market.

The market is compiled without optimizer and not via IR, which takes a twentieth of the time; and without
the hash of its sources, so that two markets that do the same the same way are the same bytes.
"""

from __future__ import annotations

import json
import subprocess
from types import TracebackType
from typing import Any, Self

from testing.compiler import ROOT, project_settings

MARKET, LIBRARIES = "contracts/Marketplace.sol", "tests/contracts/harness/Libraries.sol"
_CONTRACTS = {MARKET: "Marketplace", LIBRARIES: "Libraries"}
_RESTART = 200
"""Compilations after which the compiler is loaded anew: it never gives memory back."""


class InvalidError(Exception):
    """The sources do not compile."""


class Solc:
    """A compiler that waits for tasks, all about the sources as they were when it was made; to be closed."""

    def __init__(self) -> None:
        files = [*sorted((ROOT / "contracts").rglob("*.sol")), ROOT / LIBRARIES]
        self._sources = {file.relative_to(ROOT).as_posix(): file.read_text() for file in files}
        self._process: subprocess.Popen[bytes] | None = None
        self._done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the compiler's process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def trees(self) -> dict[str, Any]:
        """The syntax trees of the project's own sources, by path."""
        answer = self._ask({}, {"*": {"": ["ast"]}}, False)
        return {path: one["ast"] for path, one in answer["sources"].items() if path.startswith("contracts/")}

    def bytecode(self, path: str, changed: dict[str, str] | None = None, optimized: bool = False) -> bytes:
        """What deploys the contract in ``path``.

        Args:
            changed: sources by path that take the place of those in the tree.
            optimized: as far as the optimizer goes without the detour via IR.

        Raises:
            InvalidError: the sources do not compile.
        """
        name = _CONTRACTS[path]
        answer = self._ask(changed or {}, {path: {name: ["evm.bytecode.object"]}}, optimized)
        return bytes.fromhex(answer["contracts"][path][name]["evm"]["bytecode"]["object"])

    def _ask(self, changed: dict[str, str], outputs: dict[str, Any], optimized: bool) -> dict[str, Any]:
        settings = project_settings() | {
            "viaIR": False,
            "optimizer": {"enabled": optimized, "runs": 200},
            "metadata": {"appendCBOR": False, "bytecodeHash": "none"},
            "outputSelection": outputs,
        }
        contents = {path: {"content": content} for path, content in (self._sources | changed).items()}
        answer = self._answer({"language": "Solidity", "sources": contents, "settings": settings})
        faults = [fault["message"] for fault in answer.get("errors", []) if fault["severity"] == "error"]
        if faults:
            raise InvalidError(faults[0])
        return answer

    def _answer(self, task: dict[str, Any]) -> dict[str, Any]:
        if self._done % _RESTART == 0:
            self.close()
        self._done += 1
        if self._process is None:
            command = [str(ROOT / "tools" / "solc"), "--standard-json-lines"]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(task).encode() + b"\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer
