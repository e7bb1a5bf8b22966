"""Sources of the market that remember what was run.

Every statement and every condition gets a mark, by the places that the compiler's syntax tree gives. A mark
is a bit in storage; as a revert would undo it, every `revert` of the sources hands the marks over behind its
reason. Nothing else changes: the reasons, the events and the state are those of the market as it is.

A condition is what `if`, `for`, `while` and `?:` decide by, and each operand of `&&` and `||`. Its two
outcomes are its branches. The checks that the compiler adds (overflow, decoding, bounds) are not counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

Node = dict[str, Any]

MARKS_AT = 0xC0FE << 240
"""The first of the slots with marks. No mapping's slot lies near."""
TRAILER = b"the marks stand before this word"
"""Ends a reason that has marks behind it."""
_RECORDER = "Recorder.sol"
_RECORDER_SOURCE = """// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

function hit(uint256 mark) {
    assembly {
        let slot := add(@AT@, shr(8, mark))
        sstore(slot, or(sload(slot), shl(and(mark, 255), 1)))
    }
}

function seen(uint256 mark, bool outcome) returns (bool) {
    hit(outcome ? mark + 1 : mark);
    return outcome;
}

function refuse(bytes memory reason) view {
    assembly {
        let size := mload(reason)
        let end := add(add(reason, 32), size)
        for { let word := 0 } lt(word, @WORDS@) { word := add(word, 1) } {
            mstore(end, sload(add(@AT@, word)))
            end := add(end, 32)
        }
        mstore(end, @TRAILER@)
        revert(add(reason, 32), add(size, @SIZE@))
    }
}
"""


@dataclass(frozen=True, order=True)
class Point:
    """A statement, or one outcome of a condition.

    Attributes:
        line: from 1. `column` likewise.
        text: the first line of its source.
        outcome: none for a statement.
    """

    file: str
    line: int
    column: int
    text: str
    outcome: bool | None = None

    def __str__(self) -> str:
        what = "is never run" if self.outcome is None else f"is never {str(self.outcome).lower()}"
        return f"{self.file}:{self.line}:{self.column}: {self.text} {what}"


@dataclass(frozen=True)
class Instrumented:
    """Sources by path, the recorder's included; the points are in the order of their marks."""

    sources: dict[str, str]
    points: tuple[Point, ...]

    @property
    def words(self) -> int:
        """How many slots the marks take."""
        return _words(self.points)


def instrument(sources: dict[str, str], trees: dict[str, Node]) -> Instrumented:
    """Marks every statement and condition.

    Args:
        sources: by path.
        trees: the compiler's syntax tree of each.
    """
    points: list[Point] = []
    marked = {
        path: _FileMarker(path, source.encode(), points).marked(trees[path])
        for path, source in sources.items()
    }
    return Instrumented(marked | {_RECORDER: _recorder(_words(points))}, tuple(points))


def _recorder(words: int) -> str:
    source = _RECORDER_SOURCE
    trailer = f"0x{TRAILER.hex()}"
    for name, value in (("AT", MARKS_AT), ("WORDS", words), ("SIZE", 32 * words + 32), ("TRAILER", trailer)):
        source = source.replace(f"@{name}@", str(value))
    return source


def _words(points: Sequence[Point]) -> int:
    return -(-len(points) // 256)


@dataclass
class _Edits:
    """Text put around and taken out of spans of a source."""

    source: bytes
    around: list[tuple[int, int, str, str]] = field(default_factory=list)
    without: list[tuple[int, int]] = field(default_factory=list)

    def wrap(self, span: tuple[int, int], before: str, after: str = "") -> None:
        """Of spans that begin or end together the longer one, then the first one, is the outer one."""
        self.around.append((*span, before, after))

    def applied(self) -> str:
        places: list[tuple[tuple[int, int, int, int], int, bytes]] = []
        for number, (start, end, before, after) in enumerate(self.around):
            places.append(((start, 1, -end, number), 0, before.encode()))
            places.append(((end, 0, -start, -number), 0, after.encode()))
        for start, end in self.without:
            places.append(((start, 2, 0, 0), end - start, b""))
        made, at = b"", 0
        for (place, *_), skipped, text in sorted(places):
            made += self.source[at:place] + text
            at = place + skipped
        return (made + self.source[at:]).decode()


class _FileMarker:
    """One source on its way to being marked."""

    def __init__(self, path: str, source: bytes, points: list[Point]) -> None:
        self._path, self._source, self._points = path, source, points
        self._edits = _Edits(source)

    def marked(self, tree: Node) -> str:
        for node in _nodes(tree):
            visit = getattr(self, f"_{node['nodeType']}", None)
            if visit is not None:
                visit(node)
        return self._edits.applied()

    # --- what changes ---

    def _PragmaDirective(self, node: Node) -> None:
        self._edits.wrap(_span(node), "", f' import {{hit, seen, refuse}} from "{_RECORDER}";')

    def _FunctionDefinition(self, node: Node) -> None:
        """Nothing is `view` that writes marks."""
        start = _span(node["parameters"])[1]
        end = _span(node["body"])[0] if node.get("body") else _span(node)[1]
        for word in re.finditer(rb"\b(view|pure)\b", self._source[start:end]):
            self._edits.without.append((start + word.start(), start + word.end()))

    def _Block(self, node: Node) -> None:
        for statement in node["statements"]:
            self._statement(statement)

    _UncheckedBlock = _Block

    def _IfStatement(self, node: Node) -> None:
        self._condition(node["condition"])
        self._body(node["trueBody"])
        if node.get("falseBody"):
            self._body(node["falseBody"])

    def _WhileStatement(self, node: Node) -> None:
        self._condition(node["condition"])
        self._body(node["body"])

    _ForStatement = _WhileStatement

    def _Conditional(self, node: Node) -> None:
        self._condition(node["condition"])

    def _BinaryOperation(self, node: Node) -> None:
        if node["operator"] in ("&&", "||"):
            for side in (node["leftExpression"], node["rightExpression"]):
                if _bare(side).get("operator") not in ("&&", "||"):
                    self._condition(side)

    def _RevertStatement(self, node: Node) -> None:
        call = node["errorCall"]
        assert not call["names"], "named arguments of an error"
        start, end = _span(call)
        opened = _span(call["expression"])[1]
        self._edits.without += [(_span(node)[0], start), (opened, opened + 1)]
        comma = ", " if call["arguments"] else ""
        self._edits.wrap((start, end), "refuse(", ")")
        self._edits.wrap((start, opened), "abi.encodeWithSelector(", f".selector{comma}")

    # --- marks ---

    def _body(self, node: Node) -> None:
        """A body without braces gets some."""
        if node["nodeType"] != "Block":
            self._statement(node)

    def _statement(self, node: Node) -> None:
        if node["nodeType"] not in ("Block", "UncheckedBlock"):
            scoped = node["nodeType"] != "VariableDeclarationStatement"
            start, end = _span(node)
            end = self._after_semicolon(end)
            mark = self._mark(start, end)
            self._edits.wrap((start, end), f"{'{ ' * scoped}hit({mark}); ", " }" * scoped)

    def _condition(self, node: Node) -> None:
        start, end = _span(node)
        mark = self._mark(start, end, False)
        self._mark(start, end, True)
        self._edits.wrap((start, end), f"seen({mark}, ", ")")

    def _mark(self, start: int, end: int, outcome: bool | None = None) -> int:
        line = self._source.count(b"\n", 0, start) + 1
        column = start - self._source.rfind(b"\n", 0, start)
        text = self._source[start:end].decode().splitlines()[0]
        self._points.append(Point(self._path, line, column, text, outcome))
        return len(self._points) - 1

    def _after_semicolon(self, end: int) -> int:
        semicolon = re.compile(rb"\s*;").match(self._source, end)
        return semicolon.end() if semicolon else end


def _nodes(tree: object) -> Iterator[Node]:
    """The nodes of a syntax tree, parents first."""
    if isinstance(tree, dict):
        if "nodeType" in tree:
            yield tree
        for child in tree.values():
            yield from _nodes(child)
    elif isinstance(tree, list):
        for child in tree:
            yield from _nodes(child)


def _bare(node: Node) -> Node:
    """An expression without its parentheses."""
    while node["nodeType"] == "TupleExpression" and len(node["components"]) == 1:
        node = node["components"][0]
    return node


def _span(node: Node) -> tuple[int, int]:
    start, length, _ = map(int, node["src"].split(":"))
    return start, start + length
