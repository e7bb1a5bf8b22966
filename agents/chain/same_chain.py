"""Whether a URL is of the deployment's chain: its id, the block of the deployment, and the contract."""

from __future__ import annotations

from agents.chain.answers import quantity
from agents.chain.blocks import BlockRef, block_ref
from agents.chain.deployment import Deployment
from agents.chain.endpoint import Endpoint
from agents.core.errors import NodeUnavailable, WrongNetwork

LOOKS = 3
"""At a URL that seems to be of another chain: one wrong server among those behind it does not make it so."""

LATE = 5
"""Blocks by which a node may lack the one in which the market was deployed."""


class SameChain:
    """What the URLs of one node have to show.

    Args:
        alone: whether there is no other URL: then what is short is the chain, else it may be the node.

    Attributes:
        anchor: the block in which the market was deployed, once a URL has shown it.
    """

    def __init__(self, deployment: Deployment, *, alone: bool) -> None:
        self.anchor: BlockRef | None = None
        self._deployment = deployment
        self._alone = alone

    def require(self, endpoint: Endpoint) -> None:
        """Makes sure that a URL is of the chain of which the first was.

        Raises:
            WrongNetwork: it is not.
            NodeUnavailable: it did not answer, or is a node that has not come so far yet.
        """
        for _ in range(LOOKS - 1):
            try:
                return self._look_at(endpoint)
            except WrongNetwork:
                continue
        return self._look_at(endpoint)

    def _look_at(self, endpoint: Endpoint) -> None:
        self._require_id(quantity(endpoint.ask("eth_chainId")))
        anchor = self._anchor_in(endpoint)
        if endpoint.ask("eth_getCode", self._deployment.market, "latest") in ("0x", "0x0"):
            raise WrongNetwork(
                f"there is no contract at {self._deployment.market}: "
                "if the chain was started anew, deploy again"
            )
        self.anchor = anchor

    def _require_id(self, chain_id: int) -> None:
        if chain_id != self._deployment.chain_id:
            raise WrongNetwork(
                f"the node is of chain {chain_id}, the deployment of chain {self._deployment.chain_id}: "
                "use the node or the deployment that goes with the other"
            )

    def _anchor_in(self, endpoint: Endpoint) -> BlockRef:
        number = self._deployment.block
        answer = endpoint.ask("eth_getBlockByNumber", hex(number), False)
        if answer is None:
            if not self._alone or quantity(endpoint.ask("eth_blockNumber")) >= number - LATE:
                raise NodeUnavailable(f"the node has not come to block {number} yet")
            raise WrongNetwork(
                f"the chain has no block {number}, in which the market was deployed: "
                "if it was started anew, deploy again"
            )
        anchor = block_ref(answer)
        if anchor != (self.anchor or anchor):
            raise WrongNetwork(
                "the chain has lost the block in which the market was deployed: it was started anew, or is "
                "another one; deploy again and begin with new databases"
            )
        return anchor
