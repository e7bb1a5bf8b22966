"""The market's events, each once, in order, and all of them, whatever happens to us, the node or the chain.

The truth is what a node lists of the blocks after a cursor that is stored together with the events. Lists
may be short, heads go up and down, servers be of different minds: so every block is joined to the one before
it, every log to its block, and what a block may hold and did not come is a gap, beyond which nothing is
delivered. What is deep is read a second time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from agents.chain.archive import KEPT, Archive
from agents.chain.blocks import BlockRef, Header, ListedLog, RawLog
from agents.chain.branch import MOST_HEADERS, Branch, fork_below
from agents.chain.catch_up import CatchUp
from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.evidence import Evidence, Means
from agents.chain.gap import Gap
from agents.chain.home_view import keep_abi
from agents.chain.second_reading import DEPTH, SecondReading
from agents.chain.snapshots import Snapshots
from agents.chain.spans import SpanReader
from agents.chain.stillness import Stillness
from agents.core.errors import BadLog, NodeUnavailable
from agents.core.events import Logged
from agents.core.market import Market

log = logging.getLogger(__name__)

TRUST_SECONDS = 600.0
"""For how long nothing is read again on somebody's word, after everything was."""

STRIDE_SECONDS = 300.0
"""How often the blocks are read, many at once, in which nothing changed."""

FAR = 128
"""Blocks: who is farther behind reads spans of logs, and headers only from half of it on."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one poll brought.

    Attributes:
        events: new ones, in order.
        rolled_back: what was delivered is no longer so: blocks were taken back, or a gap was mended. Forget
            everything and `EventStream.replay`. Such a batch has no events.
        upto: the events up to this block are delivered, all of them.
        behind: blocks that can be read and are not yet: poll again before deciding anything.
        gap: blocks that are there and cannot be had whole: decisions are as of `upto`.
    """

    events: tuple[Logged, ...]
    rolled_back: bool
    upto: BlockRef
    behind: int
    gap: int = 0


class EventStream:
    """The events of one market.

    Args:
        client: reads the chain.
        database: holds events and cursor.
        confirmations: blocks that must lie on top of a block before its events are delivered.
        means: what proves that the events of a block are complete; see `Evidence`.
        clock: seconds that only grow.

    Raises:
        BadInput: the database is of another market, or of another chain.
        NodeUnavailable: the node did not answer. So may `poll`.
        StorageFailed: the database cannot be read or written. So may every method.
    """

    def __init__(
        self,
        client: MarketClient,
        database: ChainDatabase,
        confirmations: int = 0,
        means: Means = "auto",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        client.claim(database)
        keep_abi(database, client.deployment.abi)
        self._client = client
        self._confirmations = confirmations
        self._archive = Archive(database)
        reader = SpanReader(client.market_logs, self._archive.spans(), self._archive.keep_span)
        self._reader = reader
        self._branch = Branch(client)
        self._evidence = Evidence(client.node, client.market_logs, reader, client.codec.topics, means)
        self._catch_up = CatchUp(client, reader)
        self._second = SecondReading(client, self._archive, reader, clock)
        self._gap = Gap(clock)
        self._snapshots = Snapshots(database)
        self._stillness = Stillness(client.node, client.deployment.market)
        self._stride_at = clock() + STRIDE_SECONDS
        self._read = self._archive.cursor() or self._begin()
        self._mended = self._supplied = 0
        self._near = False
        self._learnt = False
        self._clock = clock
        self._trusted_until = clock()

    @property
    def repaired(self) -> int:
        """How many events were found, or found wrong, after they should have been delivered."""
        return self._second.repaired + self._supplied

    def replay(self, after: int = -1) -> Iterator[Logged]:
        """All events delivered so far, or those of the blocks after one, from the database alone."""
        for log_ in self._archive.logs(after):
            with suppress(BadLog):  # this was told when it came
                yield self._client.decode(log_)

    def mirror(self) -> Market:
        """The market as of all events delivered so far: from the last snapshot, and what came after it."""
        market, after = self._snapshots.latest()
        for logged in self.replay(after):
            market.apply(logged)
            self._snapshots.played(1)
        return market

    def keep(self, market: Market) -> None:
        """Keeps the market as of all events delivered so far, if enough came since it was kept."""
        if self._snapshots.is_due:
            self._snapshots.keep(market, self._read.number)

    def poll(self, *, resting: bool = False) -> Batch:
        """Reads on: one step's worth of blocks at most, never beyond the head.

        Args:
            resting: nothing is due, so that blocks need not be read in which the market's state did not
                change. They are told as read, and are so later, many at once.

        Raises:
            NodeUnavailable: nothing can be read now; poll again later. What came so far is kept.
            WrongNetwork: this is another chain, e.g. a development node that was started anew.
            StopAgent: the chain took back more than can be followed.
        """
        self._client.node.begin()
        if not self._archive.whole:
            return self._read_again()
        if self._near and self._second.is_due(self._read.number) and self._mend():
            return Batch((), True, self._read, 1)
        head = self._client.last_header()
        last = head.number - self._confirmations
        if resting and last > self._read.number and (same := self._unchanged(head, last)):
            return Batch((), False, same, 0)
        self._near = last <= self._read.number + FAR
        if last <= self._read.number:
            self._require_ours(head)
            return self._batch((), last)
        return self._follow(head, last) if self._near else self._leap(last)

    def doubt(self, logged: Logged) -> bool:
        """Notes that an event does not fit those before it, so some may be missing: all is read again.

        Returns:
            Whether it is: not for an event of which this was said before. Then the chain has it so.
        """
        if not self._archive.note_misfit(logged.block, logged.index):
            return False
        name = type(logged.event).__name__
        log.warning(
            "block %d, log %d: %s does not fit what was read before it", logged.block, logged.index, name
        )
        self._read_all_again()
        return True

    def distrust(self) -> None:
        """Has everything read again before more is delivered: what is here is not what the market says.

        That is done once in ten minutes: if nothing comes of it, nothing does so soon.
        """
        if self._clock() >= self._trusted_until:
            self._trusted_until = self._clock() + TRUST_SECONDS
            self._read_all_again()

    def supply(self, block: int, events: Sequence[ListedLog]) -> bool:
        """Adds events of a block that were not read, and that the receipt of a transaction of ours shows.

        Whoever does not see what it did would do it again.

        Returns:
            Whether some were lacking. Then all is to be taken from `replay`.

        Raises:
            NodeUnavailable: the node did not answer.
        """
        read = {(one.block.hash, one.index) for one in self._archive.logs_between(block, block)}
        lacking = [one for one in events if one.place not in read]
        if block > self._read.number or not lacking:
            return False
        of_chain = self._client.require_block(block)
        if any(one.hash != of_chain.hash for one in lacking):
            return False  # a branch that died: the transaction is looked for anew
        self._archive.verify(self._archive.verified, [one.at(of_chain) for one in lacking])
        self._supplied += len(lacking)
        log.warning("block %d: the receipt of our transaction has events that the list lacked", block)
        return True

    def _read_all_again(self) -> None:
        self._archive.distrust(self._client.anchor.number - 1)

    # --- while nothing is due ---

    def _unchanged(self, head: Header, last: int) -> BlockRef | None:
        """The last block to read, if the market's state after it is that of the last block read."""
        tip = head if last == head.number else self._client.header(last)
        if tip is None or not self._stillness.holds(self._read, tip):
            return None
        end = last - DEPTH
        if self._clock() < self._stride_at or end <= self._read.number:
            return tip.ref
        self._stride_at = self._clock() + STRIDE_SECONDS
        logs, upto = self._reader.read(self._read.number + 1, end)
        if logs:
            self._stillness.forget()
            return None
        self._store([], [self._client.require_block(upto)])
        self._stillness.moved(self._read)
        return tip.ref

    # --- near the head ---

    def _follow(self, head: Header, last: int) -> Batch:
        """Block by block, each the child of the one before, each with all its events."""
        self._learn()
        if not self._branch.grow(self._read, head, last):
            return self._fall_back(last)
        headers = self._branch.headers
        whole = self._evidence.complete(headers)
        more = whole == len(headers) == MOST_HEADERS
        self._gap.note(headers[whole] if whole < len(headers) else None, self._client.node)
        events = self._take(headers[:whole])
        return self._batch(events, last, more=more)

    def _take(self, headers: Sequence[Header]) -> tuple[Logged, ...]:
        logs = [log.at(header.ref) for header in headers for log in self._evidence.of(header)]
        if headers:
            self._store(logs, [header.ref for header in headers])
            self._branch.drop(len(headers))
        return tuple(self._client.readable(logs))

    def _learn(self) -> None:
        """The last log that is stored shows whether the chain's blooms serve: asked for once."""
        last = None if self._learnt else self._archive.last_log()
        self._learnt = True
        header = self._client.header(last.block.number) if last else None
        if last and header and header.hash == last.block.hash:
            self._evidence.learn(header, last.topics)

    # --- far from it ---

    def _leap(self, last: int) -> Batch:
        """A span of logs at once; the last blocks are left for `_follow`."""
        still = self._client.header(self._read.number)
        if still is not None and still.hash != self._read.hash:
            return self._fall_back(last)
        logs, end = self._catch_up.read(self._read.number + 1, last - FAR // 2)
        self._store(logs, [end])
        return self._batch(tuple(self._client.readable(logs)), last, more=True)

    # --- what is not as it was read ---

    def _fall_back(self, last: int) -> Batch:
        fork = fork_below(self._client, self._archive, self._read)
        log.warning("the chain took back blocks %d to %d", fork.number + 1, self._read.number)
        lost = self._archive.fall_back(fork)
        self._read = fork
        return self._batch((), last, rolled_back=lost > 0, more=True)

    def _require_ours(self, head: Header) -> None:
        """A head that is lower is that of a late server, unless the chain is another one."""
        kept = max(self._client.anchor.number, self._read.number - KEPT)
        if head.number < kept or self._archive.hash_at(head.number) not in (None, head.hash):
            self._client.require_same_chain()

    def _mend(self) -> int:
        """Reads deep blocks again; that can wait if the node has trouble with it."""
        try:
            return self._second.step(self._read.number - DEPTH)
        except NodeUnavailable as problem:
            log.info("%s; the second reading waits", problem)
            return 0

    def _read_again(self) -> Batch:
        """Everything, before anything is decided: after a doubt, or in a database that was read only once."""
        last = self._read.number
        if self._archive.verified < last:
            self._mended += self._second.step(last)
        if self._archive.verified < last:
            return Batch((), False, self._read, last - self._archive.verified)
        self._archive.trust(max(self._client.anchor.number - 1, last - DEPTH))
        mended, self._mended = self._mended, 0
        return Batch((), mended > 0, self._read, 1)

    # --- the cursor ---

    def _begin(self) -> BlockRef:
        """Starts before the market's own block, which is stored as the last to fall back to."""
        anchor = self._client.header(self._client.anchor.number)
        before = self._client.require_block(self._client.anchor.number - 1)
        if anchor is None or anchor.parent != before.hash:
            raise NodeUnavailable("servers of the node are not of one mind about the market's first block")
        self._archive.begin(self._client.anchor, before)
        return before

    def _store(self, logs: Sequence[RawLog], blocks: Sequence[BlockRef]) -> None:
        self._archive.append(logs, blocks)
        self._snapshots.played(len(logs))
        self._read = blocks[-1]

    def _batch(
        self, events: tuple[Logged, ...], last: int, *, rolled_back: bool = False, more: bool = False
    ) -> Batch:
        left = max(0, last - self._read.number)
        return Batch(events, rolled_back, self._read, left if more else 0, 0 if more else left)
