"""Accounts, contracts and transactions on an EVM in this process, with the manners of Brownie's.

Only what the tests of contracts use is there. Each transaction is a block of its own, a second after the last
unless the test says when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.abi import collapse_if_tuple, function_abi_to_4byte_selector
from eth_utils.address import to_checksum_address

from agents.chain.codec import Entry
from agents.core.events import MarketEvent
from agents.core.ids import Address
from testing import evm
from testing.backend import CHAIN_ID
from testing.local_evm import LocalEvm, RevertedError

ACCOUNTS = 20
Log = tuple[Address, Sequence[bytes], bytes]
"""Who logged it, topics and data."""


class Reverted(Exception):  # noqa: N818  # Brownie's, too, is no ...Error by its last word
    """A transaction or a call reverted.

    Attributes:
        refusal: the error and what it carries.
    """

    def __init__(self, reason: bytes) -> None:
        self.refusal = evm.codec().refusal(reason)
        super().__init__(str(self.refusal))

    @property
    def revert_msg(self) -> str:
        """As Brownie renders it."""
        return f"{self.refusal.error}: {', '.join(map(str, self.refusal.arguments))}"


class Account(str):
    """An address that can send, and has coins."""

    chain: EvmChain

    def __new__(cls, address: str, chain: EvmChain) -> Account:
        account = super().__new__(cls, to_checksum_address(address))
        account.chain = chain
        return account

    @property
    def address(self) -> Address:
        return Address(str(self))

    def balance(self) -> int:
        """Its coins on the chain, in wei."""
        return self.chain.evm.balance(self.address)

    def transfer(self, to: Any = None, amount: int = 0, data: str = "0x") -> Transaction:
        """Sends coins, and a call; to nobody creates a contract."""
        return self.chain.transact(self.address, to and _address(to), bytes.fromhex(data[2:]), amount)


class Struct(tuple[Any, ...]):
    """Several values that have names."""

    names: tuple[str, ...]

    def __new__(cls, names: Sequence[str], values: Sequence[Any]) -> Struct:
        struct = super().__new__(cls, values)
        struct.names = tuple(names)
        return struct

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(self.names.index(key) if isinstance(key, str) else key)

    def dict(self) -> dict[str, Any]:
        """The values by name."""
        return dict(zip(self.names, self, strict=True))


@dataclass(frozen=True)
class Transaction:
    """One that was mined."""

    timestamp: int
    gas_used: int
    logs: Sequence[Log]
    return_value: Any
    contract_address: Address | None = None
    gas_price: int = 0
    status: int = 1

    @property
    def events(self) -> list[MarketEvent]:
        """What it logged, in order."""
        return [evm.codec().event(topics, data) for _, topics, data in self.logs]


class Contract:
    """A deployed contract; its functions are attributes."""

    def __init__(self, chain: EvmChain, address: Address, abi: Sequence[Entry]) -> None:
        self.chain, self.address, self.abi = chain, address, abi
        self._functions = {entry["name"]: entry for entry in abi if entry["type"] == "function"}

    def __getattr__(self, name: str) -> Function:
        if name not in self._functions:
            raise AttributeError(name)
        return Function(self, self._functions[name])

    def balance(self) -> int:
        """Its coins on the chain, in wei."""
        return self.chain.evm.balance(self.address)


class Function:
    """A function of a contract: a view answers, any other is sent as a transaction."""

    def __init__(self, contract: Contract, entry: Entry) -> None:
        self._contract, self._chain, self._entry = contract, contract.chain, entry

    def __call__(self, *arguments: Any) -> Any:
        """The last argument of a transaction says who sends it: ``{"from": account, "value": wei}``."""
        if self._entry["stateMutability"] in ("view", "pure"):
            return self.call(*arguments)
        *inputs, options = arguments
        return self._chain.transact(
            _address(options["from"]),
            self._contract.address,
            self._encoded(inputs),
            options.get("value", 0),
            self._decoded,
        )

    def call(self, *arguments: Any) -> Any:
        """What it returns now; nothing changes."""
        return self._decoded(self._chain.ask(self._contract.address, self._encoded(arguments)))

    def encode_input(self, *arguments: Any) -> str:
        """The data of a call, as hex digits."""
        return "0x" + self._encoded(arguments).hex()

    def decode_output(self, data: bytes) -> Any:
        """What an answer says."""
        return self._decoded(data)

    def _encoded(self, arguments: Sequence[Any]) -> bytes:
        selector = bytes(function_abi_to_4byte_selector(self._entry))  # type: ignore[arg-type]
        kinds = _kinds(self._entry["inputs"])
        return selector + encode(kinds, [*map(_plain, kinds, arguments)])

    def _decoded(self, data: bytes) -> Any:
        outputs = self._entry["outputs"]
        values = [*map(_named, outputs, decode(_kinds(outputs), data))]
        if len(outputs) == 1:
            return values[0]
        return Struct([output["name"] for output in outputs], values) if outputs else None


class EvmChain:
    """A chain on which contracts are deployed and called.

    Attributes:
        accounts: rich ones.
        reverted: what is raised by what reverts.
    """

    id = CHAIN_ID
    reverted: type[Exception] = Reverted

    def __init__(self) -> None:
        self.evm = LocalEvm()
        self.accounts = [
            Account("0x" + sha256(b"account %d" % number).hexdigest()[:40], self)
            for number in range(ACCOUNTS)
        ]
        self._logs: list[Log] = []
        self._next: int | None = None
        for account in self.accounts:
            self.evm.fund(account.address)

    def account(self, address: str) -> Account:
        """The account of an address."""
        return Account(address, self)

    def deploy_market(self) -> Contract:
        """From the first account."""
        return self.deploy(evm.bytecode(), evm.abi())

    def deploy(self, code: bytes, abi: Sequence[Entry], value: int = 0) -> Contract:
        """From the first account; the constructor takes no arguments."""
        made = self.transact(self.accounts[0].address, None, code, value).contract_address
        assert made is not None
        return Contract(self, made, abi)

    # --- sending and asking ---

    def transact(
        self,
        sender: Address,
        to: Address | None,
        data: bytes,
        value: int,
        decoded: Callable[[bytes], Any] = bytes,
    ) -> Transaction:
        """Mines a transaction.

        Raises:
            Reverted: with the contract's error; no block is mined.
        """
        before = self.evm.now
        self.evm.now, self._next = self._next or before + 1, None
        self.evm.height += 1
        try:
            created = self.evm.deploy(data, sender, value) if to is None else None
            answer = b"" if to is None else self.evm.execute(sender, to, data, value)
        except RevertedError as reverted:
            self.evm.height -= 1
            self.evm.now = before
            raise Reverted(reverted.reason) from None
        logs = [(Address(to_checksum_address(log.address)), *log.data) for log in self.evm.logs]
        self._logs += logs
        return Transaction(self.evm.now, self.evm.gas_used, logs, answer and decoded(answer), created)

    def ask(self, to: Address, data: bytes) -> bytes:
        """What a call returns in the latest block's second; nothing changes."""
        before = self.evm.snapshot()
        try:
            return self.evm.execute(self.accounts[0].address, to, data)
        except RevertedError as reverted:
            raise Reverted(reverted.reason) from None
        finally:
            self.evm.revert(before)

    def events(self, transaction: Transaction) -> list[MarketEvent]:
        """All events of a transaction, in order."""
        return transaction.events

    def history(self, contract: Contract) -> list[MarketEvent]:
        """All that a market has logged."""
        return [evm.codec().event(topics, data) for by, topics, data in self._logs if by == contract.address]

    # --- time ---

    def now(self) -> int:
        """The latest block's timestamp, in seconds."""
        return self.evm.now

    def travel_to(self, timestamp: int) -> None:
        """Mines an empty block in exactly this second."""
        assert timestamp >= self.evm.now
        self.evm.now = timestamp
        self.evm.height += 1

    def at(self, timestamp: int, act: Callable[[], Any]) -> Any:
        """Runs one transaction in exactly this second."""
        assert timestamp > self.evm.now
        self._next = timestamp
        result = act()
        assert self.evm.now == timestamp
        return result

    # --- undoing ---

    def isolation(self, _: object, scope: str) -> Iterator[None]:
        """Undoes what is done while it is suspended."""
        del scope
        before, now, height, logs = self.evm.snapshot(), self.evm.now, self.evm.height, len(self._logs)
        yield
        self.evm.revert(before)
        self.evm.now, self.evm.height = now, height
        del self._logs[logs:]


def _address(account: Any) -> Address:
    return Address(to_checksum_address(getattr(account, "address", account)))


def _kinds(parameters: Sequence[Entry]) -> list[str]:
    return [collapse_if_tuple(dict(parameter)) for parameter in parameters]


def _plain(kind: str, value: Any) -> Any:
    """An argument as its encoder wants it: accounts and contracts are addresses, ids may be bytes."""
    if kind.endswith("[]"):
        return [_plain(kind.removesuffix("[]"), item) for item in value]
    if kind == "address":
        return _address(value)
    if kind.startswith("bytes") and isinstance(value, str):
        return bytes.fromhex(value[2:])
    return int.from_bytes(value, "big") if kind == "uint256" and isinstance(value, bytes) else value


def _named(output: Entry, value: Any) -> Any:
    """A returned value, with the names of its fields if it is a struct."""
    if output["type"] == "address":
        return to_checksum_address(value)
    if output["type"] != "tuple":
        return value
    fields: Sequence[Mapping[str, Any]] = output["components"]
    return Struct([field["name"] for field in fields], [*map(_named, fields, value)])
