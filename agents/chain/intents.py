"""What is wanted of the chain, and how far it has come."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256

from agents.chain.transactions import TransactionReceipt
from agents.core.calls import Call
from agents.core.errors import Refused

_NAMED_BY = {
    "createDO": 0,
    "createCO": 0,
    "createMO": 0,
    "deposit": 0,
    "joinCI": 1,
    "refuseCI": 1,
    "retireCI": 1,
    "releaseCI": 1,
    "requestTC": 2,
    "approveTC": 1,
    "declineTC": 1,
    "cancelTC": 1,
    "startRound": 2,
    "drawRound": 2,
    "updateTJ": 3,
    "flagTJ": 3,
    "settleRound": 3,
    "completeTC": 1,
    "expireRequest": 1,
    "expireDraw": 1,
    "expireTC": 1,
}
"""How many of a function's first arguments say what it is about: the asset, and the round or its seed.

Of functions that are not here all arguments do.
"""


@dataclass(frozen=True, slots=True)
class Intent:
    """A call that somebody has decided on. The same decision, made again, is the same intent.

    Attributes:
        deadline: chain time, in seconds, after which the market takes it no more.
        urgent_from: chain time from which on it may cost more.
    """

    call: Call
    deadline: float = math.inf
    urgent_from: float = math.inf

    @property
    def key(self) -> str:
        """Names the intent: the function, the asset and the round, and no amounts."""
        function, arguments = self.call.function, self.call.arguments
        named = _NAMED_BY.get(function)
        if named is not None:
            return "/".join([function, *map(_told, arguments[:named])])
        return f"{function}/{sha256(repr(arguments).encode()).hexdigest()[:32]}"


class IntentState(Enum):
    """How far an intent has come.

    Attributes:
        WANTED: it waits for those before it.
        PREPARED: it would be next, and waits for a lower price of gas or for coins.
        SIGNED: it is on the disk, and no node has answered to it.
        SENT: a node has answered; what it said is not believed.
        MINED: a block holds it.
        REFUSED: the market would reject it: it was not sent and cost nothing.
        REVERTED: the market rejected it in a block, and it cost its gas.
    """

    WANTED = "wanted"
    PREPARED = "prepared"
    SIGNED = "signed"
    SENT = "sent"
    MINED = "mined"
    REFUSED = "refused"
    REVERTED = "reverted"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of an intent.

    Attributes:
        key: the intent's.
        state: SENT, MINED, REFUSED or REVERTED.
        receipt: of its transaction, which a bundle's intents share; None if it is in no block.
        refusal: why the market rejected it; None if it did not.
    """

    key: str
    state: IntentState
    receipt: TransactionReceipt | None = None
    refusal: Refused | None = None

    @property
    def function(self) -> str:
        """The name of the function that was called."""
        return function_of(self.key)


def function_of(key: str) -> str:
    """The function in the name of an intent."""
    return key.partition("/")[0]


def functions_of(keys: Sequence[str]) -> list[str]:
    """The functions in the names of intents, each once."""
    return sorted(set(map(function_of, keys)))


def _told(argument: object) -> str:
    if isinstance(argument, bytes):
        return argument.hex()
    return f"{argument:x}" if isinstance(argument, int) else str(argument)
