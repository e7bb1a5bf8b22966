"""The market's transactions as the chain has them: who called what, and for how much gas."""

from __future__ import annotations

from dataclasses import dataclass

from agents.core.ids import Address


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction to the market.

    Attributes:
        hash: 32 bytes.
        block: number of its block.
        functions: what it called: one name, or those inside a multicall, in order; a selector where the ABI
            lacks it.
        gas_used: in gas.
        succeeded: False if it was reverted.
    """

    hash: bytes
    block: int
    sender: Address
    functions: tuple[str, ...]
    gas_used: int
    succeeded: bool
