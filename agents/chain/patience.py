"""How long each thing about a transaction may take before something is done about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """What an agent's sender waits for, and for how long. The clock is one that only grows.

    Attributes:
        resend_seconds: until the same bytes are sent again: pools forget.
        stuck_blocks: with room for it that may pass a transaction by before more is offered.
        late_seconds: for which a used nonce may be without a receipt, and ...
        late_blocks: ... blocks, before it is believed to be somebody else's.
        late_without_blocks: seconds after which that is believed on a chain that makes no blocks.
        balance_seconds: until the wallet's coins are looked at again.
    """

    resend_seconds: float = 30.0
    stuck_blocks: int = 5
    late_seconds: float = 60.0
    late_blocks: int = 12
    late_without_blocks: float = 600.0
    balance_seconds: float = 60.0
