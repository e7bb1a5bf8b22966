"""What there is to prove, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import prod
from typing import Any

PREFIX = "check_"
_WORDS = "uint256", "int256", "bytes32"


class Solver(StrEnum):
    """What answers the questions of a proof.

    BITS takes words as bits: right for masks and shifts. INTEGERS takes them as numbers where that takes too
    long: right for money, which is sums far below a word's size.
    """

    INTEGERS = "integers"
    BITS = "bits"


@dataclass(frozen=True)
class Proof:
    """A function of a contract in this folder.

    Attributes:
        claim: what it shows.
        bounds: what it shows that for.
        narrow: how many of its arguments are narrower than a word. Calls in which one does not fit end
            before the proof begins; that is a path each.
    """

    contract: str
    function: str
    claim: str
    bounds: str
    solver: Solver
    narrow: int

    @property
    def name(self) -> str:
        """Unique among the proofs."""
        return f"{self.contract}.{self.function.removeprefix(PREFIX)}"


class ProofOutcome(StrEnum):
    """How a proof ends. Only PROVED counts as proved.

    REFUTED has a counterexample. INCOMPLETE did not look at everything, or met what it cannot judge. TIMEOUT
    took longer than it may.
    """

    PROVED = "proved"
    REFUTED = "refuted"
    INCOMPLETE = "incomplete"
    TIMEOUT = "timeout"


@dataclass(frozen=True)
class ProofResult:
    """What became of a proof.

    Attributes:
        paths: how many ways through the function there are.
        why: what is missing, or the counterexample; empty if it is proved.
    """

    outcome: ProofOutcome
    paths: int
    seconds: float
    why: str = ""


class NatSpecError(Exception):
    """A proof does not say what it shows, for what, or with which solver."""


def proofs(answer: Mapping[str, Any]) -> Iterator[Proof]:
    """The proofs that a compiler's answer has, by file and in order of their lines.

    Raises:
        NatSpecError: one lacks a notice or a tag.
    """
    for path, contracts in sorted(answer["contracts"].items()):
        places = {node["name"]: node["src"] for node in _functions(answer["sources"][path]["ast"])}
        for contract, made in contracts.items():
            signatures = [sign for sign in made["evm"]["methodIdentifiers"] if sign.startswith(PREFIX)]
            for signature in sorted(signatures, key=lambda sign: _line(places[_name(sign)])):
                yield _proof(contract, signature, made)


def _proof(contract: str, signature: str, made: Mapping[str, Any]) -> Proof:
    function, devdoc, userdoc = _name(signature), made["devdoc"], made["userdoc"]
    inputs = next(entry["inputs"] for entry in made["abi"] if entry.get("name") == function)
    tags = devdoc.get("methods", {}).get(signature, {})
    try:
        return Proof(
            contract,
            function,
            claim=_one_line(userdoc["methods"][signature]["notice"]),
            bounds=_one_line(tags["custom:bounds"]),
            solver=Solver(devdoc["custom:solver"].strip()),
            narrow=sum(_narrow(argument) for argument in inputs),
        )
    except (KeyError, ValueError) as error:
        raise NatSpecError(
            f"{contract}.{function} needs @notice, @custom:bounds, and a @custom:solver that is one of "
            f"{', '.join(Solver)}: {error} is wrong"
        ) from None


def _narrow(argument: Mapping[str, Any]) -> int:
    """How many words of an argument of a fixed size have less than 256 bits."""
    kind, *lengths = argument["type"].replace("]", "").split("[")
    one = sum(_narrow(part) for part in argument["components"]) if kind == "tuple" else kind not in _WORDS
    return prod(map(int, lengths)) * one


def _functions(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for contract in tree["nodes"]:
        for node in contract.get("nodes", []):
            if node["nodeType"] == "FunctionDefinition":
                yield node


def _line(src: str) -> int:
    return int(src.partition(":")[0])


def _name(signature: str) -> str:
    return signature.partition("(")[0]


def _one_line(text: str) -> str:
    return " ".join(text.split())
