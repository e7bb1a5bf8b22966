"""A node in memory behind web3's seam: blocks, logs, a pool of transactions, re-orgs, and all that fails.

It knows nothing of the market: what a call answers and what reverts is up to the test.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import rlp
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from testing.events_as_logs import Log

GWEI = 10**9
RICH = 10**21
GETH: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "node_errors.json").read_text())["geth"]


@dataclass(frozen=True)
class Pooled:
    """A transaction that the node has accepted."""

    hash: str
    sender: str
    nonce: int
    data: bytes
    value: int
    to: str
    max_fee: int
    tip: int
    gas: int = 30_000_000


@dataclass
class StubBlock:
    """A block; `failed` holds the hashes of those of its transactions that reverted or ran out of gas."""

    number: int
    hash: str
    timestamp: int
    logs: list[Log]
    transactions: list[Pooled]
    failed: set[str] = field(default_factory=set)


hashed = cache(keccak)


def bloom(market: str, logs: Sequence[Log]) -> bytes:
    """After the yellow paper (4.3.1) alone: bit 0 is the last byte's lowest."""
    bits = bytearray(256)
    for log in logs:
        for item in (bytes.fromhex(market[2:]), *log.topics):
            digest = hashed(item)
            for place in (0, 2, 4):
                bit = (digest[place] << 8 | digest[place + 1]) & 2047
                bits[255 - bit // 8] |= 1 << bit % 8
    return bytes(bits)


class NodeError(Exception):
    """Becomes the response's error object."""


@dataclass
class StubNode:
    """What a test sets, and what it may look at.

    Attributes:
        market: the address that has a contract.
        answer: what eth_call returns for its data.
        revert: what a transaction's or a call's data revert with; None if they do not.
        lost_requests: requests that do not arrive, by method: how many.
        lost_answers: requests that arrive and whose answer does not.
        errors: JSON-RPC errors to answer with, by method, each once.
        most_blocks: for which eth_getLogs answers at once.
        automine: mine a transaction as soon as it comes.
        received: every raw transaction that came.
        gas: what every call is estimated to take; `takes`: what a transaction takes in truth, by its data.
        filled: the gas that others use in each block.
        altered: what becomes of the results of a method.
        lacking: methods that this kind of node does not have.
        says: how this kind of node objects to a transaction, by the reason.
        replaces: whether its pool takes another transaction of the same nonce.
        without_old_counts: whether it keeps of the state what the last block left alone.
        lag: blocks at the end that it does not show to whoever asks for a nonce.
        receipt_lag: the same for a receipt.
        blooms: whether headers have them; else all bits are zero.
        receipts: whether eth_getBlockReceipts is known. A block with logs must have a transaction then.
    """

    market: str
    answer: Callable[[bytes], bytes] = lambda _: b""
    revert: Callable[[bytes], bytes | None] = lambda _: None
    base_fee: int = GWEI
    gas: int = 50_000
    gas_limit: int = 30_000_000
    chain_id: int = 1337
    code: str = "0x60"
    most_blocks: int = 10**9
    automine: bool = True
    takes: Callable[[bytes], int] | None = None
    filled: int = 0
    altered: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    lacking: set[str] = field(default_factory=set)
    says: dict[str, dict[str, Any]] = field(default_factory=lambda: dict(GETH))
    replaces: bool = True
    without_old_counts: bool = False
    lag: int = 0
    receipt_lag: int = 0
    balances: defaultdict[str, int] = field(default_factory=lambda: defaultdict(lambda: RICH))
    lost_requests: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    lost_answers: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    errors: defaultdict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    asked: list[tuple[str, Any]] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)
    pool: list[Pooled] = field(default_factory=list)
    before: dict[str, Callable[[], object]] = field(default_factory=dict)
    blooms: bool = True
    proofs: str = "by hash"
    state_roots: bool = False
    receipts: bool = False
    blocks: list[StubBlock] = field(default_factory=list)
    salt: int = 0

    def __post_init__(self) -> None:
        self.mine()
        self.mine()

    # --- what a test does ---

    @property
    def head(self) -> StubBlock:
        return self.blocks[-1]

    def mine(self, *logs: Log, seconds: int = 2) -> StubBlock:
        """Adds a block with these logs and with what the pool can give."""
        number = len(self.blocks)
        parent = self.blocks[-1] if self.blocks else None
        parent_hash = parent.hash if parent else "genesis"
        timestamp = parent.timestamp + seconds if parent else 1_700_000_000
        hash_ = "0x" + keccak(text=f"{parent_hash}/{number}/{self.salt}").hex()
        block = StubBlock(number, hash_, timestamp, list(logs), [])
        self.blocks.append(block)
        for pooled in sorted(self.pool, key=lambda one: (one.nonce, -one.tip)):
            fits = pooled.nonce == self.nonce(pooled.sender) and pooled.max_fee >= self.base_fee
            if fits:
                block.transactions.append(pooled)
                if self.revert(pooled.data) is not None or self._used(pooled) == pooled.gas:
                    block.failed.add(pooled.hash)
        mined = {(pooled.sender, pooled.nonce) for pooled in block.transactions}
        self.pool = [pooled for pooled in self.pool if (pooled.sender, pooled.nonce) not in mined]
        return block

    def take_back(self, depth: int, *, forget: bool = True) -> None:
        """Removes the last blocks; what is mined next is on another branch.

        Args:
            depth: how many.
            forget: the transactions in them too; otherwise the pool has them again.
        """
        removed = self.blocks[-depth:]
        del self.blocks[-depth:]
        if not forget:
            self.pool += [pooled for block in removed for pooled in block.transactions]
        self.salt += 1

    def nonce(self, sender: str, lag: int = 0) -> int:
        shown = self.blocks[: len(self.blocks) - lag]
        return sum(pooled.sender == sender for block in shown for pooled in block.transactions)

    def _used(self, pooled: Pooled) -> int:
        return min(pooled.gas, self.gas if self.takes is None else self.takes(pooled.data))

    # --- web3's seam ---

    def make_request(self, method: str, params: Any) -> dict[str, Any]:
        self.asked.append((method, params))
        self.before.pop(method, lambda: None)()
        if self.lost_requests[method] > 0:
            self.lost_requests[method] -= 1
            raise ConnectionError(f"http://user:password@secret/{method}")
        if self.errors[method]:
            return {"jsonrpc": "2.0", "id": 1, "error": self.errors[method].pop(0)}
        try:
            if method in self.lacking:
                self._lacks(method)()
            result = getattr(self, "_" + method, self._lacks(method))(*params)
            result = self.altered.get(method, lambda same: same)(result)
        except NodeError as error:
            return {"jsonrpc": "2.0", "id": 1, "error": error.args[0]}
        if self.lost_answers[method] > 0:
            self.lost_answers[method] -= 1
            raise TimeoutError
        return {"jsonrpc": "2.0", "id": 1, "result": result}

    @staticmethod
    def _lacks(method: str) -> Callable[..., Any]:
        def refuse(*_: object) -> None:
            raise NodeError({"code": -32601, "message": f"the method {method} is not available"})

        return refuse

    def _eth_chainId(self) -> str:
        return hex(self.chain_id)

    def _eth_getCode(self, address: str, _tag: str) -> str:
        return self.code if address == self.market else "0x"

    def _eth_getBalance(self, address: str, _tag: str) -> str:
        return hex(self.balances[address])

    def _eth_getBlockByNumber(self, tag: str, full: bool) -> dict[str, Any] | None:
        number = len(self.blocks) - 1 if tag == "latest" else int(tag, 16)
        if number >= len(self.blocks):
            return None
        block = self.blocks[number]
        whole = {"transactions": [_whole(pooled) for pooled in block.transactions]} if full else {}
        return self._shown(block) | whole

    def _eth_getProof(self, address: str, keys: list[str], place: Any) -> dict[str, Any]:
        """Every event changes the storage; by hash or by number."""
        assert (address, keys) == (self.market, [])
        if (self.proofs == "by number" and isinstance(place, dict)) or not self.proofs:
            raise NodeError({"code": -32602, "message": "no such parameters"})
        upto = self._place(place["blockHash"] if isinstance(place, dict) else place)
        events = [log for block in self.blocks[: upto + 1] for log in block.logs]
        root = keccak(text=repr(events)) if self.proofs != "zero" else bytes(32)
        return {"storageHash": "0x" + root.hex()}

    def _place(self, block: str) -> int:
        for number, one in enumerate(self.blocks):
            if block in (one.hash, hex(number)):
                return number
        raise NodeError({"code": -32000, "message": "unknown block"})

    def _eth_getBlockByHash(self, hash_: str, _full: bool) -> dict[str, Any] | None:
        return next((self._shown(block) for block in self.blocks if block.hash == hash_), None)

    def _shown(self, block: StubBlock) -> dict[str, Any]:
        return {
            "number": hex(block.number),
            "hash": block.hash,
            "parentHash": self.blocks[block.number - 1].hash if block.number else "0x" + bytes(32).hex(),
            "timestamp": hex(block.timestamp),
            "logsBloom": "0x" + (bloom(self.market, block.logs) if self.blooms else bytes(256)).hex(),
            "transactions": [pooled.hash for pooled in block.transactions],
            **({"stateRoot": self._state(block.number)} if self.state_roots else {}),
            "baseFeePerGas": hex(self.base_fee),
            "gasLimit": hex(self.gas_limit),
            "gasUsed": hex(self.filled + sum(map(self._used, block.transactions))),
        }

    def _state(self, number: int) -> str:
        events = [(block.number, len(block.logs)) for block in self.blocks[: number + 1] if block.logs]
        return "0x" + keccak(text=repr(events)).hex()

    def _eth_blockNumber(self) -> str:
        return hex(self.head.number)

    def _eth_getLogs(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        if "blockHash" in query:
            listed = [block for block in self.blocks if block.hash == query["blockHash"]]
        else:
            listed = self._range(int(query["fromBlock"], 16), int(query["toBlock"], 16))
        shown = [self.listed(block, index) for block in listed for index in range(len(block.logs))]
        topics = query.get("topics", [None])
        return [log for log in shown[::-1] if topics[0] in (None, log["topics"][0])]  # order is not promised

    def _range(self, first: int, last: int) -> list[StubBlock]:
        if last >= len(self.blocks):
            raise NodeError({"code": -32602, "message": "BlockOutOfRangeError"})
        if last - first >= self.most_blocks:
            raise NodeError({"code": -32005, "message": "query returned more than 10000 results"})
        return self.blocks[first : last + 1]

    def listed(self, block: StubBlock, index: int) -> dict[str, Any]:
        """A log as it shows it."""
        log = block.logs[index]
        return {
            "address": self.market,
            "blockNumber": hex(block.number),
            "blockHash": block.hash,
            "logIndex": hex(index),
            "transactionHash": "0x" + keccak(text=block.hash).hex(),
            "topics": ["0x" + topic.hex() for topic in log.topics],
            "data": "0x" + log.data.hex(),
        }

    def _eth_getBlockReceipts(self, hash_: str) -> list[dict[str, Any]] | None:
        """A receipt for each transaction; all logs of a block are in the first."""
        if not self.receipts:
            self._lacks("eth_getBlockReceipts")()
        for block in self.blocks:
            if block.hash == hash_:
                logs = [self.listed(block, index) for index in range(len(block.logs))]
                parts = [logs, *([] for _ in block.transactions[1:])] if block.transactions else []
                return [{"blockHash": hash_, "logs": part} for part in parts]
        return None

    def _eth_call(self, request: dict[str, str], _tag: str) -> str:
        self._maybe_revert(request["data"])
        return "0x" + self.answer(bytes.fromhex(request["data"][2:])).hex()

    def _eth_estimateGas(self, request: dict[str, str]) -> str:
        self._maybe_revert(request["data"])
        return hex(self.gas)

    def _maybe_revert(self, data: str) -> None:
        reason = self.revert(bytes.fromhex(data[2:]))
        if reason is not None:
            raise NodeError({"code": 3, "message": "execution reverted", "data": "0x" + reason.hex()})

    def _eth_maxPriorityFeePerGas(self) -> str:
        return hex(GWEI)

    def _eth_gasPrice(self) -> str:
        return hex(self.base_fee + GWEI)

    def _eth_feeHistory(self, count: str, _newest: str, _percentiles: list[int]) -> dict[str, Any]:
        blocks = self.blocks[-int(count, 16) :]
        tips = [sorted(pooled.tip for pooled in block.transactions) for block in blocks]
        return {
            "gasUsedRatio": [0.1 if paid else 0 for paid in tips],
            "reward": [[hex(paid[len(paid) // 2]) if paid else "0x0"] for paid in tips],
        }

    def _eth_getTransactionCount(self, address: str, tag: str) -> str:
        if tag == "latest":
            return hex(self.nonce(address, self.lag))
        if self.without_old_counts:
            raise NodeError({"code": -32000, "message": "missing trie node"})
        return hex(self.nonce(address, max(0, len(self.blocks) - 1 - int(tag, 16))))

    def _eth_getTransactionByHash(self, hash_: str) -> dict[str, Any] | None:
        for pooled in self.pool:
            if pooled.hash == hash_:
                return _whole(pooled) | {"blockNumber": None, "blockHash": None}
        for block in self.blocks:
            for pooled in block.transactions:
                if pooled.hash == hash_:
                    place = {"blockNumber": hex(block.number), "blockHash": block.hash}
                    return _whole(pooled) | place | {"gasPrice": hex(self.base_fee + pooled.tip)}
        return None

    def _eth_sendRawTransaction(self, raw: str) -> str:
        data = bytes.fromhex(raw[2:])
        self.received.append(data)
        pooled = _pooled(data)
        known = [*self.pool, *(one for block in self.blocks for one in block.transactions)]
        if pooled.hash in (one.hash for one in known):
            self._object("known")
        if pooled.nonce < self.nonce(pooled.sender):
            self._object("nonce too low")
        if pooled.value + pooled.gas * pooled.max_fee > self.balances[pooled.sender]:
            self._object("lacks coins")
        same = [one for one in self.pool if (one.sender, one.nonce) == (pooled.sender, pooled.nonce)]
        if same and not (self.replaces and all(_outbids(pooled, one) for one in same)):
            self._object("not replaced")
        self.pool.append(pooled)
        if self.automine:
            self.mine()
        return pooled.hash

    def _object(self, reason: str) -> None:
        if reason in self.says:
            raise NodeError(self.says[reason])

    def _eth_getTransactionReceipt(self, hash_: str) -> dict[str, Any] | None:
        for block in self.blocks[: len(self.blocks) - self.receipt_lag]:
            for place, pooled in enumerate(block.transactions):
                if pooled.hash == hash_:
                    count = len(block.logs) if place == 0 else 0  # as `eth_getBlockReceipts` has it
                    return {
                        "logs": [self.listed(block, index) for index in range(count)],
                        "transactionHash": hash_,
                        "blockNumber": hex(block.number),
                        "blockHash": block.hash,
                        "gasUsed": hex(self._used(pooled)),
                        "effectiveGasPrice": hex(self.base_fee + pooled.tip),
                        "status": "0x0" if hash_ in block.failed else "0x1",
                    }
        return None


def _whole(pooled: Pooled) -> dict[str, Any]:
    return {
        "hash": pooled.hash,
        "from": pooled.sender.lower(),
        "nonce": hex(pooled.nonce),
        "gasPrice": hex(pooled.max_fee),
    }


def _outbids(new: Pooled, old: Pooled) -> bool:
    """geth's rule: a tenth more of both."""
    return 10 * new.max_fee >= 11 * old.max_fee and 10 * new.tip >= 11 * old.tip


def _pooled(raw: bytes) -> Pooled:
    if raw[0] >= 0xC0:  # a list: a transaction of before EIP-2718
        return _legacy(raw)
    fields = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    return Pooled(
        "0x" + keccak(raw).hex(),
        Account.recover_transaction(raw),
        fields["nonce"],
        bytes(fields["data"]),
        fields["value"],
        "0x" + bytes(fields["to"]).hex(),
        fields["maxFeePerGas"],
        fields["maxPriorityFeePerGas"],
        fields["gas"],
    )


def _legacy(raw: bytes) -> Pooled:
    nonce, price, gas, to, value, data, *_ = rlp.decode(raw)
    return Pooled(
        "0x" + keccak(raw).hex(),
        Account.recover_transaction(raw),
        int.from_bytes(nonce, "big"),
        data,
        int.from_bytes(value, "big"),
        "0x" + to.hex(),
        int.from_bytes(price, "big"),
        int.from_bytes(price, "big"),
        int.from_bytes(gas, "big"),
    )
