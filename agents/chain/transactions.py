"""What the node knows of one account's transactions: its nonce and coins, blocks, gas, fees, receipts.

A node's answer may lack anything. What is not there is not known, which is never an error of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.chain.answers import HASH_BYTES, NodeRefused, data, field, many, quantity, to_hex
from agents.chain.blocks import ListedLog, block_ref, listed_logs
from agents.chain.client import MarketClient
from agents.core.errors import NodeUnavailable, Refused
from agents.core.ids import Address

FEE_BLOCKS = 10  # whose tips are looked at
SEARCHED_BLOCKS = 32  # for a transaction of which only the nonce is known


@dataclass(frozen=True, slots=True)
class TransactionReceipt:
    """A mined transaction.

    Attributes:
        transaction: its hash, 32 bytes.
        block: number of the block that holds it; `block_hash`: its hash, 32 bytes.
        fee: what the gas cost, in wei; `fee_is_estimated`: the node did not say it.
        succeeded: False if it reverted: then it cost its gas and did nothing else.
        events: the market's logs in it; none if the node does not show them.
    """

    transaction: bytes
    block: int
    block_hash: bytes
    gas_used: int
    fee: int
    succeeded: bool
    fee_is_estimated: bool = False
    events: tuple[ListedLog, ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """The last block.

    Attributes:
        timestamp: in seconds.
        gas_limit: of all its transactions; `gas_used`: by them.
        base_fee: what a unit of gas costs in it, in wei; None if it does not say.
    """

    number: int
    hash: bytes
    timestamp: int
    gas_limit: int
    gas_used: int
    base_fee: int | None

    def has_room_for(self, gas: int) -> bool:
        """Whether it could have held a transaction of so much gas."""
        return self.gas_used + gas <= self.gas_limit


@dataclass(frozen=True, slots=True)
class Look:
    """The chain, looked at once.

    Attributes:
        head: its last block.
        count: how many transactions of the account are in blocks.
        now: seconds of a clock that only grows.
    """

    head: Head
    count: int
    now: float


@dataclass(frozen=True, slots=True)
class Payload:
    """What a transaction says, whatever its nonce and fees; `gas` is its limit."""

    to: Address
    data: bytes
    value: int
    gas: int


@dataclass(frozen=True, slots=True)
class Known:
    """A transaction that the node has, with or without a receipt.

    Attributes:
        block: number of the block that holds it, and `block_hash`; None while it is in none.
        gas_price: what a unit of gas cost, in wei; None if the node does not say.
    """

    block: int | None
    block_hash: bytes | None
    gas_price: int | None


class Transactions:
    """The node's view of one account's transactions.

    Raises:
        NodeUnavailable: the node did not answer, or not as a node does. So may every method.
    """

    def __init__(self, client: MarketClient, account: Address) -> None:
        self._client = client
        self._account = account

    def require_same_chain(self) -> None:
        """See `MarketClient.require_same_chain`."""
        self._client.require_same_chain()

    # --- the account ---

    def nonce(self) -> int:
        """How many transactions of the account are in blocks."""
        return quantity(self._ask("eth_getTransactionCount", self._account, "latest"))

    def nonce_at(self, block: int) -> int:
        """How many there were up to a block; 0 if the node does not keep that."""
        try:
            return quantity(self._ask("eth_getTransactionCount", self._account, hex(block)))
        except (NodeRefused, Refused):
            return 0

    def balance(self) -> int:
        """The account's coins, in wei."""
        return quantity(self._ask("eth_getBalance", self._account, "latest"))

    # --- blocks ---

    def head(self) -> Head:
        """The last block."""
        answer = self._ask("eth_getBlockByNumber", "latest", False)
        ref = block_ref(answer)
        limit, used = quantity(field(answer, "gasLimit")), _optional(answer, "gasUsed") or 0
        return Head(ref.number, ref.hash, ref.timestamp, limit, used, _optional(answer, "baseFeePerGas"))

    def block_hash(self, number: int) -> bytes | None:
        """The hash of the block of this number; None if the node has none."""
        block = self._client.block(number)
        return None if block is None else block.hash

    # --- fees ---

    def usual_tip(self) -> int | None:
        """The median tip of the last blocks that held transactions; None if the node cannot say."""
        try:
            answer = self._ask("eth_feeHistory", hex(FEE_BLOCKS), "latest", [50])
            used, rewards = many(field(answer, "gasUsedRatio")), many(field(answer, "reward"))
            paid = sorted(quantity(tips[0]) for ratio, tips in zip(used, rewards, strict=True) if ratio > 0)
        except (NodeUnavailable, Refused, TypeError, ValueError, LookupError):
            return None
        return paid[len(paid) // 2] if paid else None

    def suggested_tip(self) -> int | None:
        """The tip that the node suggests; None if it does not."""
        return self._optionally("eth_maxPriorityFeePerGas")

    def gas_price(self) -> int | None:
        """The price of gas that the node suggests, base fee included; None if it does not."""
        return self._optionally("eth_gasPrice")

    # --- sending ---

    def estimate(self, to: Address, data: bytes, value: int) -> int:
        """The gas that a transaction takes.

        Raises:
            Refused: it would revert.
            NodeRefused: the node will not say.
        """
        return quantity(self._ask("eth_estimateGas", self._request(to, data, value)))

    def broadcast(self, raw: bytes) -> str | None:
        """Hands a signed transaction to the node.

        Returns:
            The node's objection, empty if it has none; None if it did not answer. Neither proves anything:
            nodes object to what they know already, and some to what they have mined but what reverted. The
            receipt tells.
        """
        try:
            self._ask("eth_sendRawTransaction", to_hex(raw))
        except (NodeRefused, Refused) as objection:
            return str(objection)
        except NodeUnavailable:
            return None
        return ""

    def receipt(self, transaction: bytes, maximum: int) -> TransactionReceipt | None:
        """The receipt; None while the transaction is in no block, or the node shows half of a receipt.

        Args:
            transaction: its hash.
            maximum: the price of gas, in wei, that is assumed if the node tells no other.
        """
        answer = self._ask("eth_getTransactionReceipt", to_hex(transaction))
        return None if answer is None else self._receipt(transaction, answer, maximum)

    def receipt_elsewhere(self, transaction: bytes, maximum: int) -> TransactionReceipt | None:
        """The same, of another URL than the one that serves; None if there is no other."""
        try:
            answer = self._client.node.ask_another("eth_getTransactionReceipt", to_hex(transaction))
        except NodeUnavailable:
            return None
        return None if answer is None else self._receipt(transaction, answer, maximum)

    def known(self, transaction: bytes) -> Known | None:
        """What the node has of a transaction, or None."""
        answer = self._ask("eth_getTransactionByHash", to_hex(transaction))
        if answer is None:
            return None
        price = _optional(answer, "gasPrice")
        try:
            block, block_hash = quantity(field(answer, "blockNumber")), _hash(answer, "blockHash")
        except NodeUnavailable:
            return Known(None, None, price)
        return Known(block, block_hash, price)

    def refusal(self, payload: Payload, block: int) -> Refused:
        """Why a transaction reverted in a block.

        The same call after that block says it, unless the market had moved on by the block's end.
        """
        request = {**self._request(payload.to, payload.data, payload.value), "gas": hex(payload.gas)}
        try:
            self._ask("eth_call", request, hex(block))
        except Refused as refusal:
            return refusal
        except NodeUnavailable:
            pass  # out of gas, or a balance that is too small by now, or no answer: it is only a reason
        return Refused("")

    def mined_with(self, nonce: int, head: Head) -> bytes | None:
        """The hash of the account's transaction of this nonce, if it is in one of the last blocks."""
        for number in range(head.number, max(-1, head.number - SEARCHED_BLOCKS), -1):
            block = self._ask("eth_getBlockByNumber", hex(number), True)
            entries = block.get("transactions") if isinstance(block, Mapping) else None
            for entry in entries if isinstance(entries, list) else ():
                if self._is_ours(entry) and _optional(entry, "nonce") == nonce:
                    return _hash(entry, "hash")
        return None

    def _is_ours(self, entry: object) -> bool:
        return isinstance(entry, Mapping) and str(entry.get("from")).lower() == self._account.lower()

    def _receipt(self, transaction: bytes, answer: object, maximum: int) -> TransactionReceipt | None:
        try:
            block, block_hash = quantity(field(answer, "blockNumber")), _hash(answer, "blockHash")
            gas_used, status = quantity(field(answer, "gasUsed")), quantity(field(answer, "status"))
            if _hash(answer, "transactionHash") != transaction or status not in (0, 1):
                return None
        except NodeUnavailable:
            return None
        price = _optional(answer, "effectiveGasPrice")
        fee = gas_used * (self._paid_price(transaction, maximum) if price is None else price)
        return TransactionReceipt(
            *(transaction, block, block_hash, gas_used, fee, status == 1),
            fee_is_estimated=price is None,
            events=self._events(answer, block_hash),
        )

    def _events(self, answer: object, block: bytes) -> tuple[ListedLog, ...]:
        try:
            logs = listed_logs(field(answer, "logs"))
        except NodeUnavailable:
            return ()
        market = self._client.market_logs.address
        return tuple(log for log in logs if (log.address, log.hash) == (market, block))

    def _paid_price(self, transaction: bytes, maximum: int) -> int:
        """What a unit of gas cost, by the transaction itself."""
        try:
            known = self.known(transaction)
        except NodeUnavailable:
            return maximum
        return maximum if known is None or known.gas_price is None else known.gas_price

    def _request(self, to: Address, data: bytes, value: int) -> dict[str, str]:
        return {"from": self._account, "to": to, "data": to_hex(data), "value": hex(value)}

    def _optionally(self, method: str) -> int | None:
        try:
            return quantity(self._ask(method))
        except (NodeUnavailable, Refused):
            return None

    def _ask(self, method: str, *params: object) -> Any:
        return self._client.node.ask(method, *params)


def _optional(answer: object, name: str) -> int | None:
    """A number that an answer may lack."""
    try:
        return quantity(field(answer, name))
    except NodeUnavailable:
        return None


def _hash(answer: object, name: str) -> bytes:
    return data(field(answer, name), HASH_BYTES)
