"""The market itself on an EVM in this process: takes calls and answers as `testing.fake_market` does.

    market = Evm(bytecode(), abi())
    market.send(alice, calls.register(Role.DATA_OWNER, key, 1_000))
    market.now += 60

No node, no signatures, no blocks to wait for: some three thousand calls a second. The chain and the market's
address are those of `FakeMarket`, so that receipts made for the one open at the other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import pyrevm

from agents.chain.codec import Codec, Entry
from agents.chain.views import View
from agents.core.calls import Call
from agents.core.errors import Refused
from agents.core.events import MarketEvent
from agents.core.ids import Address
from testing.compiler import compiled
from testing.fake_distribution import START

CHAIN_ID = 31_337
DEPLOYER = Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
MARKET = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
"""Where the deployer's first contract comes to be."""

GAS_LIMIT = 30_000_000
PURSE = 10**30
"""What every caller has, in wei, before it deposits any."""

_REVERT = re.compile(r"Revert \{ gas_used: (\d+), output: 0x([0-9a-f]*) \}")
_SOURCE = "contracts/Marketplace.sol"


_SLOT = re.compile(r"(?<![0-9a-fx])(\d+): StorageSlot \{ \w+: \d+, present_value: (\d+)")


class HaltedError(AssertionError):
    """The call did not revert but broke off: out of gas, or an invalid instruction."""


@cache
def _product() -> dict[str, Any]:
    product: dict[str, Any] = compiled(_SOURCE, "abi", "evm.bytecode.object")["contracts"][_SOURCE][
        "Marketplace"
    ]
    return product


def bytecode() -> bytes:
    """What deploys the market, compiled as in production."""
    return bytes.fromhex(_product()["evm"]["bytecode"]["object"])


def abi() -> Sequence[Entry]:
    """The market's interface."""
    entries: Sequence[Entry] = _product()["abi"]
    return entries


class Evm:
    """One market on one chain of the Shanghai rules.

    Attributes:
        now: the next block's timestamp, in seconds.
        height: of the last block.
        gas_used: by the last call of `send`, refused or not, with what a transaction costs before it runs.
            Right after `cool` a receipt would say so; later calls find warm what was touched before.
    """

    def __init__(self, code: bytes, interface: Sequence[Entry], now: int = START) -> None:
        self.now = now
        self.height = 0
        self.gas_used = 0
        self._codec = Codec(interface)
        self._evm = _fresh()
        self._storage: dict[int, int] = {}
        self._known: set[Address] = set()
        self._requests: dict[View[Any], bytes] = {}
        self._fund(DEPLOYER)
        deployed = self._evm.deploy(DEPLOYER, code, gas=GAS_LIMIT)
        assert deployed == MARKET.lower(), deployed

    def cool(self) -> None:
        """Moves chain and market into a new EVM, where a call finds all as a transaction does.

        The EVM never ends a transaction: what was read or written once stays warm, and cheaper. It tells its
        state as text alone, and only that part which was touched.
        """
        for slot, value in _SLOT.findall(self._evm.journal_str):
            self._storage[int(slot)] = int(value)
        cold = _fresh()
        for account in (MARKET, *self._known):
            info = self._evm.basic(account)
            cold.insert_account_info(account, info)
        for slot, value in self._storage.items():
            if value:
                before = cold.snapshot()
                cold.insert_account_storage(MARKET, slot, value)
                cold.revert(before)  # forgets that the account was looked up, which would warm the next slot
        self._evm = cold

    def send(self, sender: Address, call: Call) -> list[MarketEvent]:
        """Mines a call; returns its events.

        Raises:
            Refused: with the error and the arguments that the contract gives.
        """
        self.height += 1
        try:
            self._execute(sender, self._codec.call(call), call.value)
        except Refused:
            self.height -= 1
            raise
        return [self._event(log) for log in self._result.logs]

    def view(self, function: str, *arguments: object, hint: object = None) -> Any:
        """What a view of the market returns now, as the type ``hint`` says."""
        view: View[Any] = View(function, arguments, hint)
        return self.answer(view, self.ask(view))

    def ask(self, view: View[Any]) -> bytes:
        """What a view of the market returns now, as it comes: dear to decode, cheap to compare."""
        request = self._requests.get(view)
        if request is None:
            request = self._requests[view] = self._codec.request(view.function, view.arguments)
        return self._execute(DEPLOYER, request, 0)

    def answer(self, view: View[Any], data: bytes) -> Any:
        """What ``data`` that `ask` returned say."""
        return self._codec.result(view.function, data, view.hint)

    def encode(self, call: Call) -> bytes:
        """A call as it is put into a `multicall`."""
        return self._codec.call(call)

    def force(self, amount: int) -> None:
        """Puts coins into the market without a call, as a contract that destroys itself can."""
        self._evm.set_balance(MARKET, self.balance(MARKET) + amount)

    def balance(self, account: Address) -> int:
        """The coins of ``account`` on the chain, in wei."""
        balance: int = self._evm.get_balance(account)
        return balance

    def _execute(self, sender: Address, data: bytes, value: int) -> bytes:
        self._fund(sender)
        self._evm.set_block_env(pyrevm.BlockEnv(number=self.height, timestamp=self.now, gas_limit=GAS_LIMIT))
        try:
            answer: bytes = self._evm.message_call(sender, MARKET, data, value, GAS_LIMIT)
        except RuntimeError as failure:
            revert = _REVERT.search(str(failure))
            if revert is None:
                raise HaltedError(str(failure)) from failure
            self.gas_used = int(revert[1])
            raise self._refusal(bytes.fromhex(revert[2])) from None
        self.gas_used = self._result.gas_used
        return answer

    def _refusal(self, reason: bytes) -> Refused:
        return self._codec.refusal(reason)

    @property
    def _result(self) -> pyrevm.ExecutionResult:
        result = self._evm.result
        assert result is not None
        return result

    def _fund(self, account: Address) -> None:
        if account not in self._known:
            self._known.add(account)
            self._evm.set_balance(account, PURSE)

    def _event(self, log: pyrevm.Log) -> MarketEvent:
        topics, data = log.data
        event = self._codec.event(topics, data)
        assert event is not None, "the market's own events can be read"
        return event


def _fresh() -> pyrevm.EVM:
    settings = pyrevm.CfgEnv(chain_id=CHAIN_ID, limit_contract_code_size=2**20)
    return pyrevm.EVM(pyrevm.Env(settings), gas_limit=GAS_LIMIT, spec_id="SHANGHAI")
