"""A long stretch of blocks, read by spans of logs rather than header by header."""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.chain.blocks import Header, ListedLog, RawLog
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

    def read(self, first: int, last: int) -> tuple[list[RawLog], list[Header]]:
        """The logs from block ``first`` on, and the headers of their blocks and of the last block read.

        Raises:
            NodeUnavailable: the node did not answer, and what came is kept for the next time; or the chain
                changed.
        """
        span = self._span
        if span is None or span.first != first:
            listed, upto = self._reader.read(first, last)
            span = self._span = _Span(first, upto, listed)
        for number in sorted({*(log.number for log in span.listed), span.upto} - set(span.headers)):
            span.headers[number] = self._header(number)
        self._span = None
        return [_joined(log, span.headers[log.number]) for log in span.listed], list(span.headers.values())

    def _header(self, number: int) -> Header:
        found = self._client.header(number)
        if found is None:
            raise NodeUnavailable(f"the node has no block {number} (yet, or any more)")
        return found


def _joined(log: ListedLog, header: Header) -> RawLog:
    if log.hash != header.hash:
        raise NodeUnavailable("the chain changed while it was read")
    return log.at(header.ref)
