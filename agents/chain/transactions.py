"""What a sender asks the node: nonces, gas, fees, receipts."""

from __future__ import annotations

from dataclasses import dataclass

from agents.chain.answers import NodeRefused, from_hex, to_hex
from agents.chain.client import MarketClient
from agents.core.errors import Refused, WrongNetwork
from agents.core.ids import Address

BASE_FEE_GROWTH = 2  # what EIP-1559 allows in six full blocks
GAS_MARGIN_PERCENT = 25  # other members' transactions come in between estimate and block


@dataclass(frozen=True, slots=True)
class TransactionReceipt:
    """A mined transaction.

    Attributes:
        transaction: its hash, 32 bytes.
        block: number of the block that holds it.
        fee: what the gas cost, in wei.
        succeeded: False if it reverted: then it cost its gas and did nothing else.
    """

    transaction: bytes
    block: int
    gas_used: int
    fee: int
    succeeded: bool


@dataclass(frozen=True, slots=True)
class Fees:
    """What to offer for a unit of gas, in wei: at most `maximum`, of which the block's maker gets `tip`."""

    maximum: int
    tip: int


@dataclass(frozen=True, slots=True)
class BlockGas:
    """A block's number, its gas limit, and what a unit of gas costs in it, in wei."""

    number: int
    limit: int
    base_fee: int


@dataclass(frozen=True, slots=True)
class Payload:
    """What a transaction says, whatever its nonce and fees; `gas` is its limit."""

    to: Address
    data: bytes
    value: int
    gas: int


class Transactions:
    """The node's view of one account's transactions.

    Raises:
        NodeUnavailable: the node did not answer. So may every method.
    """

    def __init__(self, client: MarketClient, account: Address) -> None:
        self._client = client
        self._node = client.node
        self._account = account

    def require_same_chain(self) -> None:
        """See `MarketClient.require_same_chain`."""
        self._client.require_same_chain()

    def nonce(self) -> int:
        """How many transactions of the account are in blocks."""
        return int(self._node.ask("eth_getTransactionCount", self._account, "latest"), 16)

    def balance(self) -> int:
        """The account's coins, in wei."""
        return int(self._node.ask("eth_getBalance", self._account, "latest"), 16)

    def last_block(self) -> BlockGas:
        """What the last block says of gas.

        Raises:
            WrongNetwork: the chain is older than EIP-1559.
        """
        block = self._node.ask("eth_getBlockByNumber", "latest", False)
        if "baseFeePerGas" not in block:
            raise WrongNetwork("the chain does not know EIP-1559 fees: use one that is past London")
        return BlockGas(*(int(block[key], 16) for key in ("number", "gasLimit", "baseFeePerGas")))

    def fees(self, base_fee: int) -> Fees:
        """What to offer now."""
        tip = int(self._node.ask("eth_maxPriorityFeePerGas"), 16)
        return Fees(BASE_FEE_GROWTH * base_fee + tip, tip)

    def gas_for(self, to: Address, data: bytes, value: int, limit: int) -> int:
        """The gas to allow, a margin included; at most ``limit``.

        Raises:
            Refused: the transaction would revert.
            NodeRefused: it would not fit in a block.
        """
        request = {"from": self._account, "to": to, "data": to_hex(data), "value": hex(value)}
        estimate = int(self._node.ask("eth_estimateGas", request), 16)
        if estimate > limit:
            raise NodeRefused(f"a transaction of {estimate} gas does not fit in a block of {limit}")
        return min(estimate + estimate * GAS_MARGIN_PERCENT // 100, limit)

    def broadcast(self, raw: bytes) -> str:
        """Hands a signed transaction to the node.

        Returns:
            The node's objection; empty if it has none. An objection proves nothing: nodes object to what they
            know already, and some to what they have mined but what reverted. The receipt tells.
        """
        try:
            self._node.ask("eth_sendRawTransaction", to_hex(raw))
        except (NodeRefused, Refused) as objection:
            return str(objection)
        return ""

    def receipt(self, transaction: bytes) -> TransactionReceipt | None:
        """The receipt, or None while the transaction is in no block."""
        answer = self._node.ask("eth_getTransactionReceipt", to_hex(transaction))
        if answer is None or answer["blockNumber"] is None:
            return None
        gas_used, price = int(answer["gasUsed"], 16), int(answer["effectiveGasPrice"], 16)
        return TransactionReceipt(
            from_hex(answer["transactionHash"]),
            int(answer["blockNumber"], 16),
            gas_used,
            gas_used * price,
            int(answer["status"], 16) == 1,
        )

    def refusal(self, payload: Payload, block: int) -> Refused:
        """Why a transaction reverted in a block.

        The same call after that block says it, unless the market had moved on by the block's end.
        """
        request = {
            "from": self._account,
            "to": payload.to,
            "data": to_hex(payload.data),
            "value": hex(payload.value),
            "gas": hex(payload.gas),
        }
        try:
            self._node.ask("eth_call", request, hex(block))
        except Refused as refusal:
            return refusal
        except NodeRefused:
            pass  # out of gas, or a balance that is too small by now
        return Refused("")
