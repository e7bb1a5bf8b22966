"""Headers above the last block read, each the child of the one before it; and where a chain has forked."""

from __future__ import annotations

from agents.chain.archive import KEPT, Archive
from agents.chain.blocks import BlockRef, Header
from agents.chain.client import MarketClient
from agents.core.errors import NodeUnavailable, StopAgent

MOST_HEADERS = 60
"""How many headers one step reads."""


class Branch:
    """The blocks that are known and not read yet. What a step has got of them is kept for the next."""

    def __init__(self, client: MarketClient) -> None:
        self._client = client
        self.headers: list[Header] = []

    def grow(self, read: BlockRef, head: Header, last: int) -> bool:
        """Adds headers, as many as one step reads.

        Args:
            read: the block up to which all is read.
            head: the last block's header, which need not be asked for again.
            last: the last block to read.

        Returns:
            Whether the first of them is the child of ``read``; if not, none is kept.

        Raises:
            NodeUnavailable: the node did not answer, and there is none. What is there is worth going on with.
        """
        if self._contradict(read, head):
            self.headers.clear()
        while len(self.headers) < MOST_HEADERS:
            tip = self.headers[-1].ref if self.headers else read
            if tip.number >= last:
                break
            try:
                child = head if head.number == tip.number + 1 else self._client.header(tip.number + 1)
            except NodeUnavailable:
                if not self.headers:
                    raise
                break
            if child is None:
                break  # whoever answered has not come so far
            if child.parent != tip.hash:
                return self._still_stands(tip)
            self.headers.append(child)
        return True

    def drop(self, count: int) -> None:
        """The first of them were read."""
        del self.headers[:count]

    def _contradict(self, read: BlockRef, head: Header) -> bool:
        """Whether what is kept is not, or not any more, the chain between these two."""
        first = self.headers[0] if self.headers else None
        same = (header.hash == head.hash for header in self.headers if header.number == head.number)
        return first is not None and not (first.parent == read.hash and all(same))

    def _still_stands(self, tip: BlockRef) -> bool:
        """What to make of a block that is not the child of the last one known."""
        if not self.headers:
            return False
        again = self._client.header(tip.number)
        if again is not None and again.hash != tip.hash:
            self.headers.pop()
        return True


def fork_below(client: MarketClient, archive: Archive, read: BlockRef) -> BlockRef:
    """The last block that we share with a chain that is longer than what we read and does not go on from it.

    Every block of that chain down to it is seen, each the parent of the one above: a server that is late, or
    of another mind for one answer, is no re-org.

    Raises:
        NodeUnavailable: the chain is not otherwise after all, or the node did not answer.
        WrongNetwork: it is another chain.
        StopAgent: more is taken back than is kept.
    """
    above = client.header(read.number + 1)
    lowest = max(client.anchor.number - 1, read.number - KEPT)
    for number in range(read.number, lowest - 1, -1):
        below = client.header(number)
        if above is None or below is None or above.parent != below.hash:
            raise NodeUnavailable(f"servers of the node are not of one mind about block {number}")
        if below.hash == archive.hash_at(number):
            if number == read.number:
                raise NodeUnavailable("servers of the node were not of one mind about the last block")
            return below.ref
        above = below
    client.require_same_chain()
    if above != client.header(lowest) or lowest < client.anchor.number:
        raise NodeUnavailable("servers of the node are not of one mind about all of the last blocks")
    raise StopAgent(
        f"the chain took back more than {KEPT} blocks: if that is right, remove the chain's database, when "
        "no transaction is open, and start again"
    )
