"""A sender, the node that it talks to and the time, and somebody who wants things of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.fees import FeeLimits
from agents.chain.intents import Intent, IntentState, Outcome
from agents.chain.patience import Patience
from agents.chain.sender import Sender
from agents.chain.wallet import Wallet
from agents.core import calls
from agents.core.calls import Call
from tests.agents.chain.stub_node import StubNode

if TYPE_CHECKING:
    from tests.agents.chain.conftest import Clock

MULTICALL = keccak(text="multicall(bytes[])")[:4]
NO_BALANCE = keccak(text="Ledger_InsufficientBalance(address,uint256,uint256)")[:4] + encode(
    ["address", "uint256", "uint256"], ["0x" + "11" * 20, 2, 1]
)


def retire(number: int) -> Call:
    """A call that can be told from others by its number, up to 255."""
    return calls.retire_ci(number)  # type: ignore[arg-type]


def numbers(data: bytes) -> list[int]:
    """The last bytes of the calls in a transaction: of `retire` its number, of a transfer nothing."""
    if data[:4] != MULTICALL:
        return [data[-1]] if data else []
    (parts,) = decode(["bytes[]"], data[4:])
    return [part[-1] for part in parts]


def faulty(*bad: int) -> Callable[[bytes], bytes | None]:
    """Reverts what holds one of these calls."""
    return lambda data: NO_BALANCE if set(numbers(data)) & set(bad) else None


@dataclass
class Desk:
    """What a test sends by.

    Attributes:
        told: all outcomes so far.
    """

    node: StubNode
    client: MarketClient
    wallet: Wallet
    clock: Clock
    database: ChainDatabase
    limits: FeeLimits = field(default_factory=FeeLimits)
    patience: Patience = field(default_factory=Patience)
    told: list[Outcome] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sender = self.new_sender()

    def new_sender(self) -> Sender:
        """As another process on the same database makes it."""
        return Sender(self.client, self.wallet, self.database, self.limits, self.patience, self.clock)

    def restart(self, path: Path | None = None) -> None:
        """Another process; on a file, if the database is one."""
        if path is not None:
            self.database = ChainDatabase(path)
        self.sender = self.new_sender()

    def advance(self) -> list[Outcome]:
        outcomes = list(self.sender.advance())
        self.told += outcomes
        return outcomes

    def submit(self, *wanted: Call | Intent) -> list[Outcome]:
        outcomes = list(self.sender.submit([w if isinstance(w, Intent) else Intent(w) for w in wanted]))
        self.told += outcomes
        return outcomes

    def step(self, *wanted: Call | Intent, seconds: float = 1) -> list[Outcome]:
        """One step of a runner: what is under way is moved, then what is wanted is given."""
        self.clock.now += seconds
        return [*self.advance(), *self.submit(*wanted)]

    def steps(self, count: int, *wanted: Call | Intent, mine: bool = True) -> None:
        """Several, with a block after each."""
        for _ in range(count):
            self.step(*wanted)
            if mine:
                self.node.mine()

    def send(self, *wanted: Call) -> list[Outcome]:
        """Until nothing of it is left, on a node that mines at once: what became of each."""
        final: dict[str, Outcome] = {}
        for _ in range(100):
            self.clock.now += 1
            final |= {outcome.key: outcome for outcome in self.advance()}
            left = [call for call in wanted if Intent(call).key not in final]
            if not left:
                return [final[Intent(call).key] for call in wanted]
            refused = [o for o in self.submit(*left) if o.state is not IntentState.SENT]
            final |= {outcome.key: outcome for outcome in refused}
        raise AssertionError("it never ends")

    @property
    def state(self) -> dict[str, str]:
        """How far each intent is."""
        return {key: state.value for key, state in self.sender.states.items()}

    @property
    def mined(self) -> list[list[int]]:
        """The numbers in each transaction of the chain, in order."""
        return [numbers(pooled.data) for block in self.node.blocks for pooled in block.transactions]

    @property
    def offers(self) -> list[tuple[int, int, int]]:
        """Nonce, maximum and tip of all in the pool."""
        return [(pooled.nonce, pooled.max_fee, pooled.tip) for pooled in self.node.pool]


def done(outcomes: Iterable[Outcome]) -> list[tuple[str, str]]:
    """Function and state of each."""
    return [(outcome.function, outcome.state.value) for outcome in outcomes]
