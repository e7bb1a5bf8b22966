"""Mutants: the contracts with one small fault each, as a programmer makes them.

The faults are made on the compiler's syntax tree, by the usual operators (those of Gambit and slither-mutate,
whose tools edit lines by their text: a condition of several parts comes out as no Solidity, and literals
within functions are left alone). Of the relational ones only the three of each are made that are not implied
by others (Kaminski, Ammann, Offutt 2013), so that the score is not raised by what is easily killed; and no
fault is made that cannot be one, as `> 0` for `!= 0` where nothing is negative.

    relational    a > b      a >= b, a != b, false
    condition     if (a)     if (true), if (false)
    logical       a && b     a || b, a, b
    arithmetic    a + b      a - b, a, b
    bitwise       a << b     a >> b, a;  ~a to a
    step          ++a        --a;  a += b to a -= b, a = b
    literal       7          6, 8;  type(uint8).max to one less
    member        Role.X     the values before and after it;  dataset.a to its next field of the same type
    swap          f(a, b)    f(b, a), if both are of one type
    deletion      f();       nothing;  uint256 a = b; to uint256 a;
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Any

Node = Mapping[str, Any]

_RELATIONAL = {
    ">": (">=", "!="),
    "<": ("<=", "!="),
    ">=": (">", "=="),
    "<=": ("<", "=="),
    "==": ("<=", ">="),
    "!=": ("<", ">"),
}
_CONSTANT = {">": "false", "<": "false", ">=": "true", "<=": "true", "==": "false", "!=": "true"}
_LOGICAL = {"&&": "||", "||": "&&"}
_ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*"}
_BITWISE = {"<<": (">>",), ">>": ("<<",), "&": ("|", "^"), "|": ("&", "^"), "^": ("|", "&")}
_STEPS = {"++": "--", "--": "++"}
_ASSIGNED = {
    "+=": ("-=", "="),
    "-=": ("+=", "="),
    "|=": ("&=", "="),
    "&=": ("|=", "="),
    "^=": ("|=", "="),
    ">>=": ("<<=", "="),
    "<<=": (">>=", "="),
}
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, order=True)
class MutantKey:
    """Where a fault is, in words: file, function, its lines before and after."""

    file: str
    function: str
    line: str
    becomes: str


@dataclass(frozen=True)
class Mutant:
    """One fault.

    Attributes:
        source: of the whole file, with the fault.
        line: of the fault's first character, from 1.
        function: in which it is; empty for a constant.
        before: the lines that the fault touches, on one line.
        after: the same with the fault.
    """

    file: str
    operator: str
    line: int
    function: str
    before: str
    after: str
    source: str

    @property
    def key(self) -> MutantKey:
        """What tells it from the others even if lines move."""
        return MutantKey(self.file, self.function, self.before, self.after)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.operator}\n  - {self.before}\n  + {self.after}"


def mutants(sources: Mapping[str, str], trees: Mapping[str, Node]) -> Iterator[Mutant]:
    """All mutants of these files, each only once, in the order of their places.

    Args:
        sources: by path.
        trees: the compiler's syntax trees of at least these files; enums and structs of the others are known.
    """
    known = _Declarations(trees.values())
    for file, source in sources.items():
        yield from _FileMutator(file, source, known).mutants(trees[file])


def plain(source: str) -> str:
    """A source without comments and spacing: what may change and leaves every mutant what it is."""
    return " ".join(_COMMENT.sub(" ", source).split())


def fingerprint(sources: Mapping[str, str]) -> str:
    """Of sources by path, whatever their comments say."""
    told = sha256()
    for path in sorted(sources):
        told.update(f"{path}\n{plain(sources[path])}\n".encode())
    return told.hexdigest()


class _Declarations:
    """The values of enums, and which fields of a struct can stand for each other."""

    def __init__(self, trees: Iterable[Node]) -> None:
        self.neighbours: dict[int, list[str]] = {}
        self.first: set[int] = set()
        self.sibling: dict[int, str] = {}
        for tree in trees:
            for node in _nodes(tree):
                if node["nodeType"] == "EnumDefinition":
                    names = [member["name"] for member in node["members"]]
                    self.first.add(node["members"][0]["id"])
                    for at, member in enumerate(node["members"]):
                        self.neighbours[member["id"]] = names[max(0, at - 1) : at] + names[at + 1 : at + 2]
                elif node["nodeType"] == "StructDefinition":
                    self._struct(node["members"])

    def _struct(self, fields: list[Node]) -> None:
        for at, one in enumerate(fields):
            others = fields[at + 1 :] + fields[:at]
            alike = (other["name"] for other in others if _type(other) == _type(one))
            self.sibling[one["id"]] = next(alike, "")


class _FileMutator:
    """One file; `_Name` of a node's type makes the faults of such a node."""

    def __init__(self, path: str, source: str, known: _Declarations) -> None:
        self._path, self._source, self._known = path, source.encode(), known
        self._found: list[tuple[int, int, str, str]] = []
        self._functions: list[tuple[tuple[int, int], str]] = []
        self._spared: set[int] = set()
        self._counting: set[int] = set()

    def mutants(self, tree: Node) -> Iterator[Mutant]:
        for node in _nodes(tree):
            visit = getattr(self, f"_{node['nodeType']}", None)
            if visit is not None:
                visit(node)
        seen = {plain(self._source.decode())}
        for start, end, operator, text in sorted(self._found):
            changed = (self._source[:start] + text.encode() + self._source[end:]).decode()
            if plain(changed) not in seen:
                seen.add(plain(changed))
                yield self._mutant(start, end, operator, text, changed)

    def _mutant(self, start: int, end: int, operator: str, text: str, changed: str) -> Mutant:
        first = self._source.rfind(b"\n", 0, start) + 1
        last = self._source.find(b"\n", end)
        before = self._source[first:last].decode()
        after = (self._source[first:start] + text.encode() + self._source[end:last]).decode()
        line = self._source.count(b"\n", 0, start) + 1
        function = next((name for (opened, closed), name in self._functions if opened <= start < closed), "")
        return Mutant(self._path, operator, line, function, plain(before), plain(after), changed)

    # --- expressions ---

    def _BinaryOperation(self, node: Node) -> None:
        operator, left, right = node["operator"], node["leftExpression"], node["rightExpression"]
        if operator in _RELATIONAL:
            for other in self._others(node):
                self._operator(node, "relational", other)
            self._whole(node, "relational", _CONSTANT[operator])
        elif operator in _LOGICAL:
            self._operator(node, "logical", _LOGICAL[operator])
            self._whole(node, "logical", self._text(left))
            self._whole(node, "logical", self._text(right))
        elif operator in _ARITHMETIC:
            self._operator(node, "arithmetic", _ARITHMETIC[operator])
            self._whole(node, "arithmetic", self._text(left))
            if operator in "+*":
                self._whole(node, "arithmetic", self._text(right))
        elif operator in _BITWISE:
            for other in _BITWISE[operator]:
                self._operator(node, "bitwise", other)
            self._whole(node, "bitwise", self._text(left))
            if operator in "&|^":
                self._whole(node, "bitwise", self._text(right))

    def _UnaryOperation(self, node: Node) -> None:
        operator, operand = node["operator"], node["subExpression"]
        if operator in _STEPS:
            text = self._text(node)
            self._whole(node, "step", text.replace(operator, _STEPS[operator]))
        elif operator in ("~", "!"):
            self._whole(node, "bitwise" if operator == "~" else "logical", self._text(operand))

    def _Assignment(self, node: Node) -> None:
        for other in _ASSIGNED.get(node["operator"], ()):
            self._operator(node, "step", other, ("leftHandSide", "rightHandSide"))

    def _Literal(self, node: Node) -> None:
        if node["kind"] == "string":
            self._whole(node, "literal", '""')
        elif node["kind"] == "number":
            value = int(node["value"].replace("_", ""), 0)
            for other in (value - 1, value + 1) if value else (1,):
                digits = len(node["value"]) - 2
                is_hex = node["value"].startswith("0x")
                self._whole(node, "literal", f"0x{other:0{digits}x}" if is_hex else str(other))

    def _MemberAccess(self, node: Node) -> None:
        declaration = node.get("referencedDeclaration", -1)
        if node["memberName"] == "max" and self._text(node).startswith("type("):
            self._whole(node, "literal", f"({self._text(node)} - 1)")
        for other in self._known.neighbours.get(declaration, ()):
            self._whole(node, "member", f"{self._text(node['expression'])}.{other}")
        if sibling := self._known.sibling.get(declaration):
            self._whole(node, "member", f"{self._text(node['expression'])}.{sibling}")

    def _FunctionCall(self, node: Node) -> None:
        self._swap(node["arguments"], any_type=self._text(node).startswith("abi.encode("))

    def _TupleExpression(self, node: Node) -> None:
        if all(node["components"]):
            self._swap(node["components"])

    def _Conditional(self, node: Node) -> None:
        self._condition(node["condition"])

    # --- statements ---

    def _FunctionDefinition(self, node: Node) -> None:
        self._functions.append((_span(node), node["name"]))

    def _IfStatement(self, node: Node) -> None:
        """Its one `revert` is not deleted: that comes to the same as a condition that is false."""
        self._condition(node["condition"])
        body = node["trueBody"]
        if body["nodeType"] == "Block" and len(body["statements"]) == 1:
            body = body["statements"][0]
        if not node.get("falseBody"):
            self._spared.add(body["id"])

    def _WhileStatement(self, node: Node) -> None:
        self._condition(node["condition"])

    def _ForStatement(self, node: Node) -> None:
        """Of one that counts up to a bound `<` and `!=` mean the same."""
        self._condition(node["condition"])
        self._counting.add(node["condition"]["id"])

    def _ExpressionStatement(self, node: Node) -> None:
        start, end = _span(node)
        semicolon = re.compile(rb"\s*;").match(self._source, end)
        if semicolon and node["id"] not in self._spared:  # the step of a loop has none
            self._add(start, semicolon.end(), "deletion", "{}")

    _EmitStatement = _Return = _Continue = _RevertStatement = _ExpressionStatement

    def _VariableDeclarationStatement(self, node: Node) -> None:
        value = node.get("initialValue")
        if value and not self._is_least(value) and len(node["declarations"]) == 1:
            _, declared = _span(node["declarations"][0])
            self._add(declared, _span(node["initialValue"])[1], "deletion", "")

    # --- faults ---

    def _others(self, node: Node) -> Iterator[str]:
        """The relations to put in the place of one; beside the least or largest number some mean the same."""
        operator, right = node["operator"], node["rightExpression"]
        same = set()
        if self._is_least(right):
            same = {("!=", ">"), (">", "!="), ("==", "<=")}
        elif right.get("memberName") == "max":
            same = {("!=", "<"), ("<", "!="), ("==", ">=")}
        elif node["id"] in self._counting:
            same = {("<", "!=")}
        for other in _RELATIONAL[operator]:
            if (operator, other) not in same and _type(right) != "bool":
                yield other

    def _is_least(self, node: Node) -> bool:
        """Whether it is 0, or the first value of an enum; all numbers of the market are unsigned."""
        if node["nodeType"] == "Literal":
            return bool(node["value"] == "0")
        return node.get("referencedDeclaration") in self._known.first

    def _condition(self, node: Node) -> None:
        self._whole(node, "condition", "true")
        self._whole(node, "condition", "false")

    def _swap(self, parts: list[Node], any_type: bool = False) -> None:
        for one, other in pairwise(parts):
            if any_type or _type(one) == _type(other):
                (start, middle), (again, end) = _span(one), _span(other)
                between = self._source[middle:again].decode()
                self._add(start, end, "swap", self._text(other) + between + self._text(one))

    def _operator(
        self,
        node: Node,
        operator: str,
        other: str,
        sides: tuple[str, str] = ("leftExpression", "rightExpression"),
    ) -> None:
        after, before = _span(node[sides[0]])[1], _span(node[sides[1]])[0]
        at = self._source.index(node["operator"].encode(), after, before)
        self._add(at, at + len(node["operator"]), operator, other)

    def _whole(self, node: Node, operator: str, text: str) -> None:
        self._add(*_span(node), operator, text)

    def _add(self, start: int, end: int, operator: str, text: str) -> None:
        self._found.append((start, end, operator, text))

    def _text(self, node: Node) -> str:
        start, end = _span(node)
        return self._source[start:end].decode()


def _nodes(tree: object) -> Iterator[Node]:
    """The nodes of a syntax tree, parents first; not what is within types."""
    if isinstance(tree, Mapping):
        if tree.get("nodeType") == "ArrayTypeName":
            return
        if "nodeType" in tree:
            yield tree
        for child in tree.values():
            yield from _nodes(child)
    elif isinstance(tree, list):
        for child in tree:
            yield from _nodes(child)


def _type(node: Node) -> str:
    """Its type's name, wherever the value lies."""
    name: str = node["typeDescriptions"].get("typeString") or ""
    return re.sub(r" (memory|storage|calldata|ref|pointer|slice)\b", "", name)


def _span(node: Node) -> tuple[int, int]:
    start, length, _ = map(int, node["src"].split(":"))
    return start, start + length
