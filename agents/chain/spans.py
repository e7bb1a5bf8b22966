"""Long stretches of logs, read by as many blocks a request as a node allows.

What it allows is nowhere said but in its refusals, each provider's in words of its own. So the span is
guessed from the numbers in them (their patterns: ponder's ``getLogsRetryHelper.ts``), else cut to a quarter,
and grown again when requests succeed. It is kept for each URL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from agents.chain.answers import NodeBusy, NodeRefused, NodeShut
from agents.chain.blocks import ListedLog
from agents.chain.market_logs import MarketLogs
from agents.core.errors import NodeUnavailable

FIRST_SPAN = 2_000
MAX_SPAN = 10_000
GROWS_AFTER = 10  # answers in a row

_LATE = re.compile(
    r"unknown block|not found|does not exist|out.?of.?range|beyond|not yet|not available|in the future",
    re.IGNORECASE,
)
_RANGE = re.compile(r"\[\s*(0x[0-9a-f]+|\d+)\s*[,-]\s*(0x[0-9a-f]+|\d+)\s*\]", re.IGNORECASE)
_NUMBER = re.compile(
    r"(?<![\w.])(\d{1,3}(?:[,.]\d{3})+|\d+)(k?)\b(?!\s*(?:results|logs|events|bytes|items|ms|s\b|seconds|MB|KB))",
    re.IGNORECASE,
)


class SpanReader:
    """Reads stretches of the market's logs.

    Args:
        logs: asks the node.
        spans: how many blocks at once, by URL, as was found before.
        keep: is told what is found anew.
    """

    def __init__(
        self,
        logs: MarketLogs,
        spans: dict[str, int] | None = None,
        keep: Callable[[str, int], None] = lambda _url, _blocks: None,
    ) -> None:
        self._logs = logs
        self._spans = spans or {}
        self._keep = keep
        self._succeeded = 0

    @property
    def span(self) -> int:
        """How many blocks the next request is for."""
        return self._spans.get(self._logs.key, FIRST_SPAN)

    def read(self, first: int, last: int) -> tuple[list[ListedLog], int]:
        """The logs from block ``first`` on, in order, and the block up to which they are: at most ``last``.

        Raises:
            NodeUnavailable: the node did not answer, or has not all of these blocks yet.
        """
        while True:
            upto = min(last, first + self.span - 1)
            try:
                found = self._logs.between(first, upto)
            except NodeRefused as refusal:
                if _LATE.search(refusal.said):
                    raise
                if upto == first:
                    return self._logs.of_one_block(first), first
                self._shrink(smaller(refusal.said, first, upto))
            except NodeUnavailable as problem:
                if not isinstance(problem, NodeShut) and not (
                    isinstance(problem, NodeBusy) and not problem.vague
                ):
                    self._shrink(max(1, (upto - first + 1) // 2))  # it may have been too much, or too long
                raise
            else:
                self._grow()
                return found, upto

    def _shrink(self, blocks: int) -> None:
        self._put(blocks)
        self._succeeded = 0

    def _grow(self) -> None:
        self._succeeded += 1
        if self._succeeded % GROWS_AFTER == 0:
            self._put(min(MAX_SPAN, self.span + self.span // 2 + 1))

    def _put(self, blocks: int) -> None:
        if blocks != self.span:
            self._spans[self._logs.key] = blocks
            self._keep(self._logs.key, blocks)


def smaller(refusal: str, first: int, last: int) -> int:
    """How many blocks to ask for after a refusal of those from ``first`` to ``last``: fewer, one at least."""
    asked = last - first + 1
    for start, end in _RANGE.findall(refusal):
        blocks = int(end, 0) - int(start, 0) + 1
        if 0 < blocks < asked:
            return blocks
    told = [blocks for blocks in _numbers(refusal, {first, last, asked, asked - 1}) if 0 < blocks < asked]
    return max(told, default=max(1, asked // 4))


def _numbers(text: str, known: set[int]) -> Iterator[int]:
    """The numbers in a text that may be of blocks; not those that were in the question."""
    for digits, thousand in _NUMBER.findall(text):
        number = int(re.sub(r"[,.]", "", digits)) * (1_000 if thousand else 1)
        if number not in known:
            yield number
