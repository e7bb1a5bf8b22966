"""A long stretch of blocks, read by spans of logs rather than header by header."""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.chain.blocks import BlockRef, Header, ListedLog, RawLog
from agents.chain.client import MarketClient
from agents.chain.spans import SpanReader
from agents.core.errors import NodeUnavailable


@dataclass
class _Span:
    """Logs that came, and the headers of their blocks, one after the other."""

    first: int
    upto: int
    listed: list[ListedLog]
    headers: dict[int, Header] = field(default_factory=dict)


class CatchUp:
    """Reads far from the head, where every server has all. What came of a span is kept until it is whole."""

    def __init__(self, client: MarketClient, reader: SpanReader) -> None:
        self._client = client
        self._reader = reader
        self._span: _Span | None = None

    def read(self, first: int, last: int) -> tuple[list[RawLog], BlockRef]:
        """The logs from block ``first`` on, and the last block read.

        The headers of their blocks are asked for only where the node does not tell times with the logs.

        Raises:
            NodeUnavailable: the node did not answer, and what came is kept for the next time; or the chain
                changed.
        """
        span = self._span
        if span is None or span.first != first:
            listed, upto = self._reader.read(first, last)
            span = self._span = _Span(first, upto, listed)
        timeless = {log.number for log in span.listed if log.timestamp is None}
        for number in sorted({*timeless, span.upto} - set(span.headers)):
            span.headers[number] = self._header(number)
        self._span = None
        blocks = {number: header.ref for number, header in span.headers.items()}
        return [_joined(log, blocks) for log in span.listed], span.headers[span.upto].ref

    def _header(self, number: int) -> Header:
        found = self._client.header(number)
        if found is None:
            raise NodeUnavailable(f"the node has no block {number} (yet, or any more)")
        return found


def _joined(log: ListedLog, blocks: dict[int, BlockRef]) -> RawLog:
    """The log in its block, of which all that was told must be the same."""
    block = blocks.get(log.number) or BlockRef(log.number, log.hash, log.timestamp or 0)
    if log.hash != blocks.setdefault(log.number, block).hash:
        raise NodeUnavailable("the chain changed while it was read")
    return log.at(block)
