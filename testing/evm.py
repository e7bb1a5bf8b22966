"""The market itself on an EVM in this process: takes calls and answers as `testing.fake_market` does.

    market = Evm()
    market.send(alice, calls.register(Role.DATA_OWNER, key, 1_000))
    market.now += 60

The chain and the market's address are those of `FakeMarket`: receipts made for the one open at the other.
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
from testing.backend import MARKET, START
from testing.compiler import compiled_contract
from testing.local_evm import DEPLOYER, LocalEvm, RevertedError, fresh_evm

SOURCE = "contracts/Marketplace.sol"
_SLOT = re.compile(r"(?<![0-9a-fx])(\d+): StorageSlot \{ \w+: \d+, present_value: (\d+)")


def bytecode() -> bytes:
    """What deploys the market, compiled as in production."""
    return compiled_contract(SOURCE).code


def abi() -> Sequence[Entry]:
    """The market's interface."""
    return compiled_contract(SOURCE).abi


@cache
def codec() -> Codec:
    """What encodes its calls and decodes its answers."""
    return Codec(abi())


class Evm(LocalEvm):
    """One market on one chain.

    `gas_used` is what a receipt would say right after `cool`; later calls find warm what was touched before.

    Args:
        code: what deploys it, if it is another one than the market as it is.
    """

    def __init__(self, code: bytes | None = None, now: int = START) -> None:
        super().__init__(now)
        self._codec = codec()
        self._storage: dict[int, int] = {}
        self._requests: dict[View[Any], bytes] = {}
        deployed = self.deploy(code or bytecode())
        assert deployed == MARKET, deployed

    def cool(self) -> None:
        """Moves chain and market into a new EVM, where a call finds all as a transaction does.

        The EVM tells its state as text alone, and only that part which was touched.
        """
        for slot, value in _SLOT.findall(self._evm.journal_str):
            self._storage[int(slot)] = int(value)
        cold = fresh_evm()
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
            self._ask(sender, self._codec.call(call), call.value)
        except Refused:
            self.height -= 1
            raise
        return [self._event(log) for log in self.logs]

    def view(self, function: str, *arguments: object, hint: object = None) -> Any:
        """What a view of the market returns now, as the type ``hint`` says."""
        view: View[Any] = View(function, arguments, hint)
        return self.answer(view, self.ask(view))

    def ask(self, view: View[Any]) -> bytes:
        """What a view of the market returns now, as it comes: dear to decode, cheap to compare."""
        request = self._requests.get(view)
        if request is None:
            request = self._requests[view] = self._codec.request(view.function, view.arguments)
        return self._ask(DEPLOYER, request, 0)

    def answer(self, view: View[Any], data: bytes) -> Any:
        """What ``data`` that `ask` returned say."""
        return self._codec.result(view.function, data, view.hint)

    def encode(self, call: Call) -> bytes:
        """A call as it is put into a `multicall`."""
        return self._codec.call(call)

    def force(self, amount: int) -> None:
        """Puts coins into the market without a call, as a contract that destroys itself can."""
        self._evm.set_balance(MARKET, self.balance(MARKET) + amount)

    def _ask(self, sender: Address, data: bytes, value: int) -> bytes:
        try:
            return self.execute(sender, MARKET, data, value)
        except RevertedError as reverted:
            raise self._refusal(reverted.reason) from None

    def _refusal(self, reason: bytes) -> Refused:
        return self._codec.refusal(reason)

    def _event(self, log: pyrevm.Log) -> MarketEvent:
        topics, data = log.data
        return self._codec.event(topics, data)
