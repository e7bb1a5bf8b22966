"""Which logs the last blocks have, and proof that these are all.

A node lists logs by an index that may be late, or asks a server that is: then a list is short, and nothing
says so. A block's header does: its bloom may hold an event of ours. The block is then asked for by its hash,
and all its logs, or its receipts, must account for the whole of the bloom: so one of two events of a kind is
missed as well. Of a node that shows neither an event of each kind must come that may be there. Where blooms
serve for nothing receipts do, or two nodes must agree.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

from agents.chain.answers import NodeRefused
from agents.chain.blocks import Header, ListedLog, in_order
from agents.chain.blooms import OurBloom, bloom_of
from agents.chain.market_logs import MarketLogs
from agents.chain.node import Node
from agents.chain.spans import SpanReader
from agents.core.errors import NodeUnavailable

log = logging.getLogger(__name__)

Means = Literal["auto", "bloom", "receipts", "two-nodes"]


class Evidence:
    """The logs of blocks whose headers are known. What came of a block is kept while it is asked about.

    Args:
        node: is asked.
        logs: the market's.
        reader: lists them by number.
        topics: see `OurBloom`.
        means: what proves that logs are complete; ``auto`` finds out.
    """

    def __init__(
        self, node: Node, logs: MarketLogs, reader: SpanReader, topics: Sequence[bytes], means: Means = "auto"
    ) -> None:
        self._node = node
        self._logs = logs
        self._reader = reader
        self._ours = OurBloom(logs.address, topics)
        self._means = means
        self._blooms_serve = means in ("auto", "bloom")
        self._blooms_served = False
        self._found: defaultdict[bytes, dict[int, ListedLog]] = defaultdict(dict)
        self._proven: set[bytes] = set()
        self._warned = False

    def complete(self, headers: Sequence[Header]) -> int:
        """How many of these blocks, from the first on, have all their logs here.

        Raises:
            NodeUnavailable: the node did not answer, and not even the first of them has.
        """
        self._keep_only({header.hash for header in headers})
        try:
            self._gather([header for header in headers if header.hash not in self._proven])
        except NodeUnavailable:
            if headers and headers[0].hash not in self._proven:
                raise
        return next(
            (count for count, header in enumerate(headers) if header.hash not in self._proven), len(headers)
        )

    def of(self, header: Header) -> list[ListedLog]:
        """The market's logs of a block, as far as they came."""
        return in_order(self._found[header.hash].values())

    def learn(self, header: Header, topics: Iterable[bytes]) -> None:
        """A block has an event of ours, with these topics, for sure: it shows whether blooms serve."""
        if header.bloom is not None and self._ours.served(header.bloom, topics):
            self._blooms_served = True
        else:
            self._give_up_blooms()

    def _keep_only(self, blocks: set[bytes]) -> None:
        """Others are stored by now, or not the chain's."""
        self._proven &= blocks
        for block in self._found.keys() - blocks:
            del self._found[block]

    # --- blooms ---

    def _gather(self, headers: Sequence[Header]) -> None:
        if headers and self._blooms_serve:
            self._by_blooms(headers)
        if not self._blooms_serve:
            self._without_blooms([header for header in headers if header.hash not in self._proven])

    def _by_blooms(self, headers: Sequence[Header]) -> None:
        if headers and not self._blooms_served:
            self._list(headers)
        for header in headers:
            if self._lacks(header, ()) and not self._look_into(header):
                return
            if self._blooms_serve:
                self._proven.add(header.hash)

    def _lacks(self, header: Header, logs: Iterable[ListedLog]) -> bool:
        """Whether a block may hold an event of ours of a kind that is not among these."""
        if header.bloom is None:
            self._give_up_blooms()
            return True
        return self._ours.unexplained(header.bloom, logs)

    def _list(self, headers: Sequence[Header]) -> None:
        known = {header.hash: header for header in headers}
        first, last = headers[0].number, headers[-1].number
        while first <= last:
            listed, upto = self._reader.read(first, last)
            for one in listed:
                if one.hash in known:  # else of another branch
                    self._add(known[one.hash], [one])
            first = upto + 1

    def _look_into(self, header: Header) -> bool:
        """Whether all logs of one block are here, by its hash."""
        bloom = header.bloom or 0
        found = self._all_of(header)
        if found is not None and self._accounts_for(bloom, found):
            return header.bloom is not None
        receipts = self._logs.of_receipts(header)
        if receipts is None:
            return found is None and self._shows_each_kind(header)
        self._add(header, receipts)
        if not self._accounts_for(bloom, receipts):
            self._give_up_blooms()
        return True

    def _all_of(self, header: Header) -> list[ListedLog] | None:
        """What the node shows of all logs of a block; None if it does not list them."""
        try:
            found = self._logs.of_hash(header.hash)
        except NodeRefused:
            return None
        self._add(header, found)
        return found

    def _shows_each_kind(self, header: Header) -> bool:
        """Whether the list of our logs has all kinds that may be in a block: of one kind some may lack."""
        self._list([header])
        return not self._lacks(header, self._found[header.hash].values())

    @staticmethod
    def _accounts_for(bloom: int, logs: Sequence[ListedLog]) -> bool:
        """Whether logs set every bit; more is no harm: some chains have logs that no bloom holds."""
        return not bloom & ~bloom_of(logs)

    def _add(self, header: Header, logs: Iterable[ListedLog]) -> None:
        for one in logs:
            if one.address == self._logs.address:
                self._found[header.hash][one.index] = one
                self.learn(header, one.topics)

    def _give_up_blooms(self) -> None:
        if self._blooms_serve and self._means == "auto":
            self._blooms_serve = False
            log.warning("blooms of this chain say nothing of logs: receipts do, or a second node")

    # --- where blooms serve for nothing ---

    def _without_blooms(self, headers: Sequence[Header]) -> None:
        for number, header in enumerate(headers):
            receipts = self._logs.of_receipts(header) if self._means != "two-nodes" else None
            if receipts is None:
                return self._by_agreement(headers[number:])
            self._add(header, receipts)
            self._proven.add(header.hash)
        return None

    def _by_agreement(self, headers: Sequence[Header]) -> None:
        if self._means == "receipts" or not headers:
            return
        self._list(headers)
        if not self._node.several:
            self._warn()
            self._proven.update(header.hash for header in headers)
            return
        others = self._logs.between(headers[0].number, headers[-1].number, self._node.ask_another)
        for header in headers:
            before = set(self._found[header.hash].values())
            theirs = {one for one in others if one.hash == header.hash}
            self._add(header, theirs)
            if before == theirs:
                self._proven.add(header.hash)

    def _warn(self) -> None:
        if not self._warned:
            log.warning("one node without blooms and receipts: the last blocks are taken at its word")
        self._warned = True
