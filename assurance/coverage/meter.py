"""Markets that remember what was run of their sources.

meter = CoverageMeter()
market = meter.market()  # a testing.evm.Evm
...
meter.reached  # the points that were run in any of its markets
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from agents.core.calls import Call
from agents.core.errors import Refused
from agents.core.events import MarketEvent
from agents.core.ids import Address
from assurance.coverage.instrument import MARKS_AT, TRAILER, Instrumented, Point, instrument
from testing.backend import MARKET
from testing.compiler import ROOT, compiled, compiled_sources
from testing.evm import SOURCE, Evm


class InstrumentedEvm(Evm):
    """A market of instrumented sources. The market as it is gets every call as well, and answers the same."""

    def __init__(self, code: bytes, words: int) -> None:
        super().__init__(code)
        self._words = words
        self._refused_marks = [0] * words
        self._plain = Evm()

    def send(self, sender: Address, call: Call) -> list[MarketEvent]:
        ours = super().send
        events: list[MarketEvent] = self._agreed(
            lambda: ours(sender, call), lambda: self._plain.send(sender, call)
        )
        return events

    def view(self, function: str, *arguments: object, hint: object = None) -> Any:
        ours = super().view
        return self._agreed(
            lambda: ours(function, *arguments, hint=hint),
            lambda: self._plain.view(function, *arguments, hint=hint),
        )

    def _agreed(self, ours: Callable[[], Any], plain: Callable[[], Any]) -> Any:
        self._plain.now = self.now
        answer, expected = _answer(ours), _answer(plain)
        if str(answer) != str(expected):
            raise AssertionError(f"instrumented: {answer}; as it is: {expected}")
        if isinstance(answer, Refused):
            raise answer
        return answer

    @property
    def marks(self) -> list[int]:
        """The numbers of the points that were run."""
        stored = [self._evm.storage(MARKET, MARKS_AT + word) for word in range(self._words)]
        merged = [mark | refused for mark, refused in zip(stored, self._refused_marks, strict=True)]
        return [256 * word + bit for word, mark in enumerate(merged) for bit in range(256) if mark >> bit & 1]

    def _refusal(self, reason: bytes) -> Refused:
        if not reason.endswith(TRAILER):  # of an imported source, or of a check that the compiler adds
            return super()._refusal(reason)
        reason = reason.removesuffix(TRAILER)
        marks_at = len(reason) - 32 * self._words
        for word in range(self._words):
            place = marks_at + 32 * word
            self._refused_marks[word] |= int.from_bytes(reason[place : place + 32], "big")
        return super()._refusal(reason[:marks_at])


class CoverageMeter:
    """Makes metered markets and gathers what was run in them."""

    def __init__(self) -> None:
        self._markets: list[InstrumentedEvm] = []

    @cached_property
    def instrumented(self) -> Instrumented:
        """The sources of contracts/."""
        trees = {
            path: source["ast"]
            for path, source in compiled(SOURCE, "abi", "evm.bytecode.object")["sources"].items()
            if path.startswith("contracts/")
        }
        return instrument({path: (ROOT / path).read_text() for path in trees}, trees)

    @cached_property
    def bytecode(self) -> bytes:
        """What deploys a metered market; not optimized, which takes less time than it saves."""
        product = compiled_sources(
            self.instrumented.sources,
            [ROOT / "package-lock.json"],
            "evm.bytecode.object",
            viaIR=False,
            optimizer={"enabled": False},
        )
        return bytes.fromhex(product["contracts"][SOURCE]["Marketplace"]["evm"]["bytecode"]["object"])

    def market(self) -> InstrumentedEvm:
        """A new market on a chain of its own."""
        market = InstrumentedEvm(self.bytecode, self.instrumented.words)
        self._markets.append(market)
        return market

    @property
    def reached(self) -> set[Point]:
        """All that was run in any of the markets."""
        points = self.instrumented.points
        return {points[mark] for market in self._markets for mark in market.marks}


def _answer(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Refused as refusal:
        return refusal
