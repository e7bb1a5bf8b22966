"""Moves gone wrong: the wrong sender, and arguments that are stale, altered, left out, doubled or extreme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

from agents.core.calls import Call
from agents.core.ids import Address
from agents.core.market import Market
from assurance.stateful.participants import Participants
from testing.evm import abi

Parameter = Mapping[str, Any]

_TOPS = {"uint40": 2**39}
"""A time of which a play waits for the end; with the last that fits, its clock would not."""


class Nonsense:
    """Spoils moves, with what there is in the market."""

    def __init__(self, market: Market, participants: Participants, rng: Random) -> None:
        self.market, self.participants, self.rng = market, participants, rng

    def spoil(self, sender: Address, call: Call) -> tuple[Address, Call]:
        """The move with one thing wrong, or with none: some changes come to nothing."""
        parameters = _parameters()[call.function]
        if not parameters or self.rng.random() < 0.3:
            return self.rng.choice(self.participants.everybody), call
        place = self.rng.randrange(len(parameters))
        arguments = list(call.arguments)
        arguments[place] = self._spoil(parameters[place], arguments[place])
        return sender, replace(call, arguments=tuple(arguments))

    def _spoil(self, parameter: Parameter, value: Any) -> Any:
        kind: str = parameter["type"]
        if parameter["internalType"].startswith("enum"):
            return self.rng.randrange(5)
        if kind.endswith("[]"):
            element = {**parameter, "type": kind[:-2]}
            return self._spoil_list(element, list(value))
        match kind:
            case "tuple":
                changed, place = list(value), self.rng.randrange(len(value))
                changed[place] = self._spoil(parameter["components"][place], value[place])
                return tuple(changed)
            case "bytes32":
                return self._word()
            case "bytes":
                return self.rng.choice((b"", value[:-1], value + b"\0"))
            case "string":
                return self.rng.choice(("", value * 9))
            case "bool":
                return not value
            case "address":
                return self.rng.choice(self.participants.everybody)
        return self._number(_TOPS.get(kind) or 2 ** int(kind.removeprefix("uint")) - 1, value)

    def _spoil_list(self, element: Parameter, value: list[Any]) -> list[Any]:
        if not value:
            return value
        place = self.rng.randrange(len(value))
        match self.rng.randrange(5):
            case 0:
                del value[place]
            case 1:
                value.append(value[place])
            case 2:
                value.reverse()
            case 3:
                value.clear()
            case 4:
                value[place] = self._spoil(element, value[place])
        return value

    def _number(self, top: int, value: int) -> int:
        """The least, the most, the next, and of an id: somebody else's."""
        near: list[int] = [0, 1, value - 1, value + 1, value // 2, top]
        if top == 2**256 - 1:
            market = self.market
            near += [*market.couples, *market.datasets, *market.models, *market.instances]
            near += [value ^ 1 << bit for bit in (0, 16, 32, 80, 100)]
        return min(max(0, self.rng.choice(near)), top)

    def _word(self) -> bytes:
        """Nothing, something else, or what somebody has committed to or shown."""
        shown = [bytes(32), self.rng.randbytes(32)]
        for couple in self.market.couples.values():
            shown += [couple.mo_tip, couple.do_tip]
            for report in couple.current.reports.values() if couple.round else ():
                shown += [report.hash, report.nonce]
        return self.rng.choice(shown)


@cache
def _parameters() -> dict[str, Sequence[Parameter]]:
    return {entry["name"]: entry["inputs"] for entry in abi() if entry["type"] == "function"}
