"""An agent is put together from its settings, takes its coins out, and ends when it is told to.

Rules: A13, A14, A16, A17, A29, A99.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak
from pydantic import SecretStr

from agents.chain.access import HttpAccess
from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.history import EventStream
from agents.chain.wallet import Wallet
from agents.core.calls import retire_ci
from agents.core.errors import BadInput, NodeUnavailable, Refused, StopAgent, WrongNetwork
from agents.core.ids import Address, InstanceId
from agents.core.market import Market
from agents.portfolio.known import CHAIN_FILE, JOURNAL_FILE
from agents.portfolio.parties import DatasetPortfolio, ModelPortfolio
from agents.portfolio.workers import DatasetsWorker, ModelsWorker
from agents.roles.acts import Situation
from agents.roles.cloud_owner import CloudOwner
from agents.roles.model_owner import ModelOwner
from agents.roles.policy import CloudOwnerPolicy, ModelOwnerPolicy
from agents.runtime import launch
from agents.runtime.executor import ExecutorLimits
from agents.runtime.process_pool import ProcessPool
from agents.runtime.runner import Runner
from agents.runtime.settings import AgentSettings, CloudOwnerSettings, DataOwnerSettings, ModelOwnerSettings
from agents.runtime.stop import StopSignal
from agents.vault.keys import ENCRYPTION_PURPOSE, SecretKey
from agents.workers.cloud_owner import CloudOwnerWorker
from testing.compiler import compiled
from tests.agents.chain.conftest import INTERFACE, MARKET, MULTICALL
from tests.agents.chain.stub_node import StubNode

DOMAIN = bytes(range(32))
NOTHING = Situation(Market(), {}, 0)
OWNERS = tuple(Address("0x" + digit * 40) for digit in "123")


REACHED: dict[str, Any] = {"node_ca": Path("ca.pem"), "node_proxy": "http://proxy:1"}


class Bank(StubNode):
    """A node whose market knows its receipt domain and what one account has in it."""

    free = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.answer = self._answers
        self.revert = self._reverts

    def _answers(self, data: bytes) -> bytes:
        (parts,) = decode(["bytes[]"], data[4:])
        return encode(["bytes[]"], [[self._view(part) for part in parts]])

    def _view(self, data: bytes) -> bytes:
        if data[:4] == keccak(text="receiptDomain()")[:4]:
            return encode(["bytes32"], [DOMAIN])
        assert data[:4] == keccak(text="balanceOf(address)")[:4]
        paid = [decode(["uint256"], tx.data[4:])[0] for block in self.blocks for tx in block.transactions]
        return encode(["uint256"], [self.free - sum(paid)])

    def _reverts(self, data: bytes) -> bytes | None:
        if data[:4] != keccak(text="withdraw(uint256)")[:4]:
            return None
        (amount,) = decode(["uint256"], data[4:])
        if amount <= self.free:
            return None
        reason = keccak(text="Ledger_InsufficientBalance(address,uint256,uint256)")[:4]
        return reason + encode(["address", "uint256", "uint256"], [MARKET, self.free, amount])


@pytest.fixture
def bank() -> Bank:
    return Bank(MARKET)


@pytest.fixture
def deployment() -> Deployment:
    abi = compiled(INTERFACE, "abi")["contracts"][INTERFACE]["IMarketplace"]["abi"]
    return Deployment(1337, MARKET, 1, [*abi, MULTICALL])


@pytest.fixture
def common(
    tmp_path: Path, bank: Bank, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """What every kind of settings needs; to connect is to connect to the bank."""
    deployment.save(tmp_path / "market.json")
    monkeypatch.setattr(MarketClient, "connect", lambda _rpc, known, *_: MarketClient.over(bank, known))
    return {
        "home": tmp_path / "home",
        "deployment": tmp_path / "market.json",
        "store": tmp_path / "store",
        "opening_deposit": 7,
    }


@pytest.fixture
def settings(common: dict[str, Any]) -> AgentSettings:
    return AgentSettings(**common)


@pytest.fixture
def member(settings: AgentSettings) -> launch.AgentContext:
    return launch.enrol(settings, Wallet.from_key(b"\1" * 32))


# --- keys and connections ---


def test_unlocks_the_wallet_in_the_home_with_the_password(common: dict[str, Any]) -> None:
    made = Wallet.create(common["home"] / "wallet.json", "open sesame", light=True)
    assert launch.unlock(AgentSettings(**common, password=SecretStr("open sesame"))).address == made.address
    with pytest.raises(BadInput, match="the password does not open the wallet"):
        launch.unlock(AgentSettings(**common, password=SecretStr("close sesame")))


def test_needs_a_wallet(common: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"no wallet at .*home/wallet.json"):
        launch.unlock(AgentSettings(**common, password=SecretStr("open sesame")))


def test_a_members_keys_are_its_wallets(member: launch.AgentContext) -> None:
    wallet = member.wallet
    key = SecretKey.from_seed(wallet.derive(ENCRYPTION_PURPOSE))
    identity = member.identity
    assert identity.address == wallet.address
    assert identity.encryption_key == key.public_key.encoded == member.tools.key.public_key.encoded
    assert identity.receipt_domain == DOMAIN
    assert identity.derive(b"a seed") == wallet.derive(b"a seed") != wallet.derive(b"another seed")


def test_a_member_works_in_its_home_and_with_the_store(
    member: launch.AgentContext, settings: AgentSettings
) -> None:
    assert member.tools.home.folder == settings.home
    assert settings.home.is_dir()
    put = member.tools.store.put(b"an object")
    assert list(Path(settings.store).rglob(str(put)))
    member.time.set(1_700_000_000)
    assert member.tools.clock() == 1_700_000_000, "the chain's time"


def test_needs_a_deployment(common: dict[str, Any]) -> None:
    settings = AgentSettings(**common | {"deployment": common["home"] / "none.json"})
    with pytest.raises(BadInput, match="no deployment at"):
        launch.enrol(settings, Wallet.from_key(b"\1" * 32))


def test_waits_for_the_node_as_long_as_it_is_told(
    common: dict[str, Any], bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[tuple[str, ...], float]] = []

    def connect(
        rpc: tuple[str, ...], known: Deployment, timeout_seconds: float, access: HttpAccess
    ) -> MarketClient:
        assert access == HttpAccess(Path("ca.pem"), "http://proxy:1")
        told.append((rpc, timeout_seconds))
        return MarketClient.over(bank, known)

    monkeypatch.setattr(MarketClient, "connect", connect)
    settings = AgentSettings(
        **common, rpc=("http://node:1", "http://other:2"), timeout_seconds=2.5, **REACHED
    )
    launch.enrol(settings, Wallet.from_key(b"\1" * 32))
    assert told == [(("http://node:1", "http://other:2"), 2.5)]


def test_refuses_a_node_of_another_chain(settings: AgentSettings, bank: Bank) -> None:
    bank.chain_id = 1
    with pytest.raises(WrongNetwork, match="the node is of chain 1"):
        launch.enrol(settings, Wallet.from_key(b"\1" * 32))


# --- parts ---


def test_a_data_owner_has_the_settings_parts(common: dict[str, Any], member: launch.AgentContext) -> None:
    settings = DataOwnerSettings(**common, max_couples_each=9, members=OWNERS[:1], max_keys_mb=3)
    party, worker = launch.data_owner(settings, member)
    assert isinstance(party, DatasetPortfolio)
    role, told = party.now(NOTHING)
    assert (role.identity, role.opening_deposit, role.offered, told) == (member.identity, 7, (), [])
    assert role.policy.max_couples_each == 9
    assert worker == DatasetsWorker(member.tools, member.wallet.derive, 3)


def test_a_cloud_owner_has_the_settings_parts(common: dict[str, Any], member: launch.AgentContext) -> None:
    role, worker = launch.cloud_owner(
        CloudOwnerSettings(**common, max_bond_jobs=8, members=OWNERS[:1]), member
    )
    policy = CloudOwnerPolicy(max_bond_jobs=8, members=OWNERS[:1])
    assert role == CloudOwner(member.identity, policy, 7)
    assert worker == CloudOwnerWorker(member.tools)


@pytest.mark.parametrize("kind", ["data_owner", "cloud_owner"])
def test_an_agent_that_deals_with_nobody_says_so(
    common: dict[str, Any], member: launch.AgentContext, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    nobody = ["no members are set, so this agent deals with nobody: name some, or anyone (--members)"]
    make: dict[str, Callable[[tuple[str, ...]], object]] = {
        "data_owner": lambda members: launch.data_owner(DataOwnerSettings(**common, members=members), member),
        "cloud_owner": lambda members: launch.cloud_owner(
            CloudOwnerSettings(**common, members=members), member
        ),
    }
    make[kind](())
    assert caplog.messages == nobody
    make[kind](("anyone",))
    assert caplog.messages == nobody


def test_a_model_owner_has_the_settings_parts(common: dict[str, Any], member: launch.AgentContext) -> None:
    settings = ModelOwnerSettings(**common, members=OWNERS[:1], max_result_mb=3)
    party, worker = launch.model_owner(settings, member)
    assert isinstance(party, ModelPortfolio)
    role, told = party.now(NOTHING)
    policy = ModelOwnerPolicy(members=OWNERS[:1], max_result_mb=3)
    assert (role, told) == (ModelOwner(member.identity, (), policy, 7), [])
    assert worker == ModelsWorker(member.tools, DOMAIN, 3)


@pytest.mark.parametrize("name", ["description.json", "split", "model.number", "plan.json"])
def test_a_home_of_one_thing_is_left_alone(
    common: dict[str, Any], member: launch.AgentContext, name: str
) -> None:
    member.tools.home.write(name, b"1")
    of_data = name in ("description.json", "split")
    made: Callable[[], object] = {
        True: lambda: launch.data_owner(DataOwnerSettings(**common), member),
        False: lambda: launch.model_owner(ModelOwnerSettings(**common), member),
    }[of_data]
    with pytest.raises(BadInput, match="is of a version that had one dataset or model a home"):
        made()
    assert member.tools.home.read(name) == b"1"


# --- running ---


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Runner]:
    """The runners that ran, instead of running them."""
    ran: list[Runner] = []
    monkeypatch.setattr(Runner, "run", lambda runner, _stop: ran.append(runner))
    monkeypatch.setattr(launch, "Sentry", lambda _: SimpleNamespace(leave=str, close=str, listens=False))
    return ran


def test_runs_the_parts_on_the_homes_own_files(
    settings: AgentSettings, common: dict[str, Any], member: launch.AgentContext, runs: list[Runner]
) -> None:
    parts = launch.cloud_owner(CloudOwnerSettings(**common), member)
    launch.run(settings, member, *parts, StopSignal())
    (runner,) = runs
    assert isinstance(runner.executor, ProcessPool)
    assert (runner.role, runner.executor.worker) == parts
    assert not runner.pace.resting
    assert {path.name for path in settings.home.iterdir()} >= {JOURNAL_FILE, CHAIN_FILE}


def test_jobs_may_take_what_the_settings_say(
    common: dict[str, Any], member: launch.AgentContext, runs: list[Runner]
) -> None:
    settings = CloudOwnerSettings(**common, workers=3, job_seconds=60, job_memory_mb=2048)
    launch.run(settings, member, *launch.cloud_owner(settings, member), StopSignal())
    (runner,) = runs
    assert isinstance(runner.executor, ProcessPool)
    assert runner.executor.limits == ExecutorLimits(3, 60, 2048)
    assert runner.job_seconds == 60


def test_events_are_read_as_the_settings_say(
    common: dict[str, Any],
    member: launch.AgentContext,
    runs: list[Runner],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[tuple[object, ...]] = []
    stream = EventStream

    def noted(*arguments: Any) -> Any:
        made.append(arguments[2:])
        return stream(*arguments)

    monkeypatch.setattr(launch, "EventStream", noted)
    settings = CloudOwnerSettings(**common, confirmations=3, evidence="receipts")
    launch.run(settings, member, *launch.cloud_owner(settings, member), StopSignal())
    assert (made, len(runs)) == ([(3, "receipts")], 1)


def test_gives_its_files_free_when_it_ends(
    settings: AgentSettings,
    common: dict[str, Any],
    member: launch.AgentContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(_runner: Runner, _stop: StopSignal) -> None:
        raise StopAgent("the wallet is empty")

    monkeypatch.setattr(Runner, "run", run)
    parts = launch.cloud_owner(CloudOwnerSettings(**common), member)
    for _ in range(2):
        with pytest.raises(StopAgent, match="the wallet is empty"):
            launch.run(settings, member, *parts, StopSignal())


def test_one_process_at_a_time_uses_a_home(
    settings: AgentSettings, common: dict[str, Any], member: launch.AgentContext, runs: list[Runner]
) -> None:
    other = ChainDatabase(settings.home / CHAIN_FILE)
    parts = launch.cloud_owner(CloudOwnerSettings(**common), member)
    with pytest.raises(BadInput, match="another agent uses"):
        launch.run(settings, member, *parts, StopSignal())
    assert runs == []
    other.close()


# --- taking out ---


def withdrawn(bank: Bank) -> list[int]:
    """The amounts of the withdrawals in blocks."""
    return [decode(["uint256"], tx.data[4:])[0] for block in bank.blocks for tx in block.transactions]


def test_takes_out_all_that_is_free(settings: AgentSettings, member: launch.AgentContext, bank: Bank) -> None:
    bank.free = 900
    assert launch.take_out(settings, member) == 900
    assert withdrawn(bank) == [900]
    assert launch.take_out(settings, member) == 0
    assert withdrawn(bank) == [900]


def test_takes_out_an_amount(settings: AgentSettings, member: launch.AgentContext, bank: Bank) -> None:
    bank.free = 900
    assert launch.take_out(settings, member, 5) == 5
    assert withdrawn(bank) == [5]


@pytest.mark.parametrize("amount", [None, 0])
def test_sends_nothing_if_nothing_is_to_be_taken_out(
    settings: AgentSettings, member: launch.AgentContext, bank: Bank, amount: int | None
) -> None:
    assert launch.take_out(settings, member, amount) == 0
    assert bank.received == []


def test_says_why_the_market_refused(
    settings: AgentSettings, member: launch.AgentContext, bank: Bank
) -> None:
    bank.free = 4
    with pytest.raises(Refused, match="Ledger_InsufficientBalance") as refusal:
        launch.take_out(settings, member, 5)
    assert refusal.value.arguments == (MARKET, 4, 5)
    assert bank.received == []
    assert launch.take_out(settings, member) == 4, "the database was given free"


@pytest.mark.parametrize("amount", [-1, 2**256])
def test_refuses_what_is_no_amount(
    settings: AgentSettings, member: launch.AgentContext, bank: Bank, amount: int
) -> None:
    with pytest.raises(BadInput, match=f"^{amount} wei is no amount: name what to withdraw, 0 or more$"):
        launch.take_out(settings, member, amount)
    assert bank.received == []


def test_finishes_first_what_was_left_in_the_outbox(
    settings: AgentSettings, member: launch.AgentContext, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.free, bank.automine = 900, False
    with monkeypatch.context() as impatient:
        impatient.setattr("agents.chain.waiting.TIMEOUT_SECONDS", 0)
        with pytest.raises(NodeUnavailable):
            launch.take_out(settings, member)
    assert withdrawn(bank) == []
    bank.mine()
    assert launch.take_out(settings, member) == 0, "all of it is out already"
    assert withdrawn(bank) == [900]


def test_does_not_take_out_under_a_running_agent(
    settings: AgentSettings, member: launch.AgentContext, bank: Bank
) -> None:
    agent = ChainDatabase(settings.home / CHAIN_FILE)
    with pytest.raises(BadInput, match=r"another agent uses .*: stop it"):
        launch.take_out(settings, member)
    agent.close()


# --- signals ---


@pytest.fixture
def handlers() -> Iterator[list[object]]:
    """The handlers of both signals, as they were before; they are put back in any case."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    yield list(before)
    for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
        signal.signal(number, handler)


def current() -> list[object]:
    return [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_says_stop_and_ends_nothing(number: signal.Signals, handlers: list[object]) -> None:
    with launch.stopped_by_signals() as stop:
        assert not stop.is_set()
        signal.raise_signal(number)
        assert stop.is_set()
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert current() == handlers


@pytest.mark.parametrize("how", ["a second signal", "time"])
def test_a_step_that_does_not_end_is_left(
    how: str, handlers: list[object], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(launch, "STEP_SECONDS", 0.05 if how == "time" else 60.0)
    closed = []
    with launch.stopped_by_signals():
        try:
            signal.raise_signal(signal.SIGTERM)
            if how == "a second signal":
                signal.raise_signal(signal.SIGTERM)
            time.sleep(5)  # a node that hangs
            pytest.fail("it was waited for")
        finally:
            closed.append("all is closed on the way")
    assert closed
    assert caplog.messages == ["ended in the middle of a step, which the next start begins anew"]
    assert current() == handlers


def test_the_old_handlers_are_back_after_a_failure(handlers: list[object]) -> None:
    def fail() -> None:
        with launch.stopped_by_signals():
            assert current() != handlers
            raise StopAgent("it cannot go on")

    with pytest.raises(StopAgent, match="it cannot go on"):
        fail()
    assert current() == handlers


# --- leaving ---


def test_retires_instances_in_order(settings: AgentSettings, member: launch.AgentContext, bank: Bank) -> None:
    launch.retire(settings, member, [InstanceId(7), InstanceId(8)])
    sent = [tx.data for block in bank.blocks for tx in block.transactions]
    assert sent == [member.client.codec.call(retire_ci(InstanceId(ci))) for ci in (7, 8)]
