"""The node that Brownie is connected to, for tests of contracts that Brownie runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from brownie import Contract, Marketplace, accounts, chain, history, web3
from brownie.exceptions import VirtualMachineError

from agents.chain.codec import Codec, Entry
from agents.core.events import EVENTS, DatasetTerms, MarketEvent
from testing.node_market import set_next_second

ATTEMPTS = 20


class BrownieChain:
    """As `testing.contracts.in_process.EvmChain`, with Brownie's own accounts, contracts and transactions."""

    reverted: type[Exception] = VirtualMachineError
    accounts = accounts

    @property
    def id(self) -> int:
        """The chain's id."""
        return int(chain.id)

    def account(self, address: str) -> Any:
        """The account of an address."""
        return accounts.at(address)

    def deploy_market(self) -> Any:
        """From the first account."""
        return accounts[0].deploy(Marketplace)

    def deploy(self, code: bytes, abi: Sequence[Entry], value: int = 0) -> Any:
        """From the first account; the constructor takes no arguments."""
        tx = accounts[0].transfer(data=code.hex(), amount=value, silent=True)
        return Contract.from_abi("Harness", tx.contract_address, abi)

    def events(self, transaction: Any) -> list[MarketEvent]:
        """All events of a transaction, in order."""
        return [EVENTS[event.name](*map(_plain, event[0].values())) for event in transaction.events]

    def history(self, contract: Any) -> list[MarketEvent]:
        """All that a market has logged."""
        codec = Codec(contract.abi)
        logs = web3.eth.get_logs({"address": contract.address, "fromBlock": 0})
        return [codec.event([bytes(topic) for topic in log["topics"]], bytes(log["data"])) for log in logs]

    # --- time ---

    def now(self) -> int:
        """The latest block's timestamp, in seconds."""
        return int(chain[-1].timestamp)

    def travel_to(self, timestamp: int) -> None:
        """Mines an empty block in exactly this second; what follows happens in it or later."""
        set_next_second(_request, self.now(), timestamp)
        _request("evm_mine", timestamp)
        assert self.now() == timestamp

    def at(self, timestamp: int, act: Callable[[], Any]) -> Any:
        """Runs one transaction in exactly this second.

        A node's clock goes on while the transaction is under way. If that took it past the second, what
        happened is undone and tried again.
        """
        for _ in range(ATTEMPTS):
            snapshot = _request("evm_snapshot")
            set_next_second(_request, self.now(), timestamp)
            try:
                result = act()
            except VirtualMachineError:
                if self.now() == timestamp:
                    raise
            else:
                if self.now() == timestamp:
                    return result
            _request("evm_revert", snapshot)
            history.clear()  # else Brownie waits for the nonces of the undone
        raise AssertionError(f"no block in second {timestamp} after {ATTEMPTS} attempts")

    # --- undoing ---

    def isolation(self, request: Any, scope: str) -> Iterator[None]:
        """Undoes what is done while it is suspended."""
        request.getfixturevalue("module_isolation" if scope == "module" else "fn_isolation")
        yield


def _request(method: str, *parameters: object) -> Any:
    answer = web3.provider.make_request(method, list(parameters))
    assert "result" in answer, f"{method}: {answer}"
    return answer["result"]


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return bytes(value)  # Brownie's hex strings compare with hex strings only
    return DatasetTerms(*value) if isinstance(value, tuple) else value
