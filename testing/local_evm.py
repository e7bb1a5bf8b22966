"""An EVM of the Shanghai rules in this process: no node, no signatures, no blocks to wait for.

It takes some three thousand calls a second. It never ends a transaction: what was read or written once stays
warm, and costs less gas from then on (`testing.evm.Evm.cool`).
"""

from __future__ import annotations

import re

import pyrevm
from eth_utils.address import to_checksum_address

from agents.core.ids import Address
from testing.backend import CHAIN_ID, START

DEPLOYER = Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
GAS_LIMIT = 30_000_000
PURSE = 10**30
"""What every caller has, in wei, before it spends any."""

_REVERT = re.compile(r"Revert \{ gas_used: (\d+), output: 0x([0-9a-f]*) \}")


class HaltedError(AssertionError):
    """The call did not revert but broke off: out of gas, or an invalid instruction."""


class RevertedError(Exception):
    """The call reverted.

    Attributes:
        reason: the data that it gave.
    """

    def __init__(self, reason: bytes) -> None:
        super().__init__(reason.hex())
        self.reason = reason


class LocalEvm:
    """One chain.

    Attributes:
        now: the next block's timestamp, in seconds.
        height: of the last block.
        gas_used: by the last call, reverted or not, with what a transaction costs before it runs.
    """

    def __init__(self, now: int = START) -> None:
        self.now = now
        self.height = 0
        self.gas_used = 0
        self._evm = fresh_evm()
        self._known: set[Address] = set()

    def deploy(self, code: bytes, sender: Address = DEPLOYER, value: int = 0) -> Address:
        """Runs code that makes a contract; returns where that is."""
        self._prepare(sender)
        return Address(to_checksum_address(self._evm.deploy(sender, code, value, GAS_LIMIT)))

    def execute(self, sender: Address, to: Address, data: bytes, value: int = 0) -> bytes:
        """What a call returns. What it changed stays, also if it was sent as a question.

        Raises:
            RevertedError: with the data that the contract gives.
            HaltedError: it broke off.
        """
        self._prepare(sender)
        try:
            answer: bytes = self._evm.message_call(sender, to, data, value, GAS_LIMIT)
        except RuntimeError as failure:
            revert = _REVERT.search(str(failure))
            if revert is None:
                raise HaltedError(str(failure)) from failure
            self.gas_used = int(revert[1])
            raise RevertedError(bytes.fromhex(revert[2])) from None
        self.gas_used = self._result.gas_used
        return answer

    @property
    def logs(self) -> list[pyrevm.Log]:
        """What the last call logged, if it did not revert."""
        return self._result.logs

    def fund(self, account: Address) -> None:
        """Makes an account rich, unless it is already; whoever calls is."""
        if account not in self._known:
            self._known.add(account)
            self._evm.set_balance(account, PURSE)

    def snapshot(self) -> pyrevm.JournalCheckpoint:
        """What to hand to `revert`."""
        return self._evm.snapshot()

    def revert(self, to: pyrevm.JournalCheckpoint) -> None:
        """Undoes what was done since a snapshot, on the chain; who was rich before it has to be."""
        self._evm.revert(to)

    def balance(self, account: Address) -> int:
        """The coins of ``account`` on the chain, in wei."""
        balance: int = self._evm.get_balance(account)
        return balance

    def _prepare(self, sender: Address) -> None:
        self.fund(sender)
        self._evm.set_block_env(pyrevm.BlockEnv(number=self.height, timestamp=self.now, gas_limit=GAS_LIMIT))

    @property
    def _result(self) -> pyrevm.ExecutionResult:
        result = self._evm.result
        assert result is not None
        return result


def fresh_evm() -> pyrevm.EVM:
    """An empty one."""
    settings = pyrevm.CfgEnv(chain_id=CHAIN_ID, limit_contract_code_size=2**20)
    return pyrevm.EVM(pyrevm.Env(settings), gas_limit=GAS_LIMIT, spec_id="SHANGHAI")
