"""The chain layer against real nodes: Ganache, and anvil where it is installed.

Rules: A8, A9, A11, A13.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_utils.address import to_checksum_address

from agents.chain import views
from agents.chain.client import MarketClient
from agents.chain.codec import Codec
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.history import EventStream
from agents.chain.node import Node
from agents.chain.sender import Sender
from agents.chain.waiting import finish, send_and_wait
from agents.chain.wallet import Wallet
from agents.core import calls
from agents.core.enums import Role
from agents.core.errors import NodeUnavailable, Refused, WrongNetwork
from agents.core.events import DatasetTerms, Deposited, MemberCreated, ModelCreated
from agents.core.hashing import receipt_domain
from agents.core.ids import Address, dataset_id, instance_id, model_id
from agents.core.market import Market
from scripts.local_chain import KINDS, ROOT, local_chain
from testing.compiler import compiled_contract
from testing.evm import SOURCE

MNEMONIC = "test test test test test test test test test test test junk"
COIN = 10**18
KEY = bytes(64)


@dataclass(frozen=True)
class RunningChain:
    kind: str
    url: str
    deployment: Deployment
    banker: Wallet

    @property
    def node(self) -> Node:
        return Node.connect(self.url, 10, Codec(self.deployment.abi).refusal)

    def client(self) -> MarketClient:
        return MarketClient.connect(self.url, self.deployment)

    def member(self) -> Wallet:
        """A new wallet with ten coins."""
        wallet = Wallet(Account.create())
        transact(self.node, self.banker, to=wallet.address, value=10 * COIN, gas=21_000)
        return wallet


def transact(node: Node, wallet: Wallet, **fields: Any) -> dict[str, Any]:
    """Signs and sends at once; returns the receipt, if it is mined at once."""
    common = {
        "type": 2,
        "chainId": int(node.ask("eth_chainId"), 16),
        "nonce": int(node.ask("eth_getTransactionCount", wallet.address, "pending"), 16),
        "maxFeePerGas": 10 * 10**9,
        "maxPriorityFeePerGas": 10**9,
        "value": 0,
    }
    raw = wallet.sign({**common, **fields})
    return receipt_of(node, node.ask("eth_sendRawTransaction", "0x" + raw.hex()))


def receipt_of(node: Node, transaction: str) -> dict[str, Any]:
    """The receipt, if it is mined at once; anvil shows it a moment after."""
    for _ in range(20):
        receipt: dict[str, Any] | None = node.ask("eth_getTransactionReceipt", transaction)
        if receipt is not None:
            return receipt
        time.sleep(0.02)
    return {}


def installed(kind: str) -> bool:
    return (ROOT / "node_modules" / ".bin" / KINDS[kind].program).exists()


@pytest.fixture(scope="module", params=["ganache", "anvil"])
def chain(request: pytest.FixtureRequest) -> Iterator[RunningChain]:
    if not installed(request.param):
        pytest.skip(f"{request.param} is not installed for this platform")
    contract = compiled_contract(SOURCE)
    Account.enable_unaudited_hdwallet_features()
    banker = Wallet(Account.from_mnemonic(MNEMONIC))
    with local_chain(request.param) as local:
        node = Node.connect(local.url, 10, lambda _: Refused(""))
        receipt = transact(node, banker, data="0x" + contract.code.hex(), gas=8_000_000)
        chain_id, block = int(node.ask("eth_chainId"), 16), int(receipt["blockNumber"], 16)
        market = Address(to_checksum_address(receipt["contractAddress"]))
        yield RunningChain(
            request.param, local.url, Deployment(chain_id, market, block, contract.abi), banker
        )


@contextmanager
def one_block(node: Node) -> Iterator[None]:
    """Mines all that the block sends at once, when it is left."""
    if "anvil" in node.ask("web3_clientVersion"):
        node.ask("evm_setAutomine", False)
        yield
        node.ask("evm_mine")
        node.ask("evm_setAutomine", True)
    else:
        node.ask("miner_stop")
        yield
        node.ask("miner_start")


def terms() -> DatasetTerms:
    return DatasetTerms(3, 1, 4, 30, 10, 20, 5, 50, 600, 600, 600, 600, 6000, 4_000_000_000)


def test_what_is_sent_is_what_events_and_views_say(chain: RunningChain, tmp_path: Path) -> None:
    client, owner, cloud = chain.client(), chain.member(), chain.member()
    ds = dataset_id(owner.address, 1)
    ci = instance_id(ds, 2, 1)
    owners_database, clouds_database = ChainDatabase(tmp_path / "owner"), ChainDatabase(tmp_path / "cloud")
    owners, clouds = Sender(client, owner, owners_database), Sender(client, cloud, clouds_database)

    sent = send_and_wait(
        owners,
        [calls.register(Role.DATA_OWNER, KEY, 3 * COIN), calls.create_ds(terms(), KEY[:32], b"where")],
    )
    assert [outcome.refusal for outcome in sent] == [None, None]
    assert len({outcome.receipt for outcome in sent}) == 2, "coins do not go into a multicall"
    send_and_wait(clouds, [calls.register(Role.CLOUD_OWNER, KEY, COIN)])
    send_and_wait(owners, [calls.create_ci(ds, [2], [cloud.address], [b"sealed"])])
    send_and_wait(clouds, [calls.join_ci(ci, bytes(range(32)), KEY[:32])])

    stream = EventStream(client, owners_database)
    batch = stream.poll()
    market = Market(batch.events)
    assert batch.behind == 0
    assert owners.height <= batch.upto.number
    assert list(stream.replay()) == list(batch.events) == client.logs(0, batch.upto.number)

    assert market.total() == client.coins() == 4 * COIN
    assert client.read(views.receipt_domain()) == receipt_domain(
        chain.deployment.chain_id, chain.deployment.market
    )
    assert client.read(views.dataset_terms(ds)) == market.datasets[ds].terms == terms()
    assert client.read(views.dataset_pool(ds)) == views.Pool(0, 0)
    assert client.read(views.instances_of(ds, 2)) == (ci,)
    assert client.read_all([views.role_of(owner.address), views.role_of(cloud.address)]) == [
        Role.DATA_OWNER,
        Role.CLOUD_OWNER,
    ]
    seen, mirrored = client.read(views.cloud_instance(ci)), market.instances[ci]
    assert (seen.cloud_owner, seen.status, seen.bond, seen.since) == (
        cloud.address,
        mirrored.status,
        mirrored.bond,
        mirrored.since,
    )
    assert client.read_all([views.balance_of(owner.address)] * 250) == [3 * COIN] * 250
    owners_database.close()
    clouds_database.close()


def test_a_bundle_is_one_transaction_and_a_call_at_fault_is_found(chain: RunningChain) -> None:
    client, owner = chain.client(), chain.member()
    sender = Sender(client, owner, ChainDatabase(":memory:"))
    models = [calls.create_mod(f"model {number}", KEY[:32], b"") for number in range(5)]
    (register,) = send_and_wait(sender, [calls.register(Role.MODEL_OWNER, KEY)])
    assert register.refusal is None

    assert len({outcome.receipt for outcome in send_and_wait(sender, models)}) == 1
    bad = calls.withdraw(1)
    sent = send_and_wait(sender, [*models[:3], bad, *models[3:]])

    refusals = [outcome.refusal for outcome in sent]
    assert [refusal is None for refusal in refusals] == [True, True, True, False, True, True]
    assert refusals[3] is not None
    assert (refusals[3].error, refusals[3].arguments) == (
        "Ledger_InsufficientBalance",
        (owner.address, 1, 0),
    )
    assert sent[3].receipt is None
    logs = client.logs(register.receipt.block if register.receipt else 0, client.head().number)
    made = [logged.event.mod for logged in logs if isinstance(logged.event, ModelCreated)]
    assert made == [model_id(owner.address, serial) for serial in range(1, 11)]


def test_what_the_chain_takes_back_is_forgotten_and_sent_again(chain: RunningChain, tmp_path: Path) -> None:
    client, owner = chain.client(), chain.member()
    database = ChainDatabase(tmp_path / "chain")
    sender, stream = Sender(client, owner, database), EventStream(client, database)
    send_and_wait(sender, [calls.register(Role.MODEL_OWNER, KEY)])
    while stream.poll().behind:
        pass
    before = list(stream.replay())
    snapshot = chain.node.ask("evm_snapshot")
    send_and_wait(sender, [calls.deposit(7)])
    assert [logged.event for logged in stream.poll().events] == [Deposited(owner.address, 7)]

    chain.node.ask("evm_revert", snapshot)
    assert not stream.poll().rolled_back, "a shorter chain may be a node that is late"
    finish(sender)
    for _ in range(3):
        chain.node.ask("evm_mine")
        stream.poll()
    after = [logged.event for logged in stream.replay()]
    assert after == [*(logged.event for logged in before), Deposited(owner.address, 7)]
    assert client.read(views.balance_of(owner.address)) == 7, "not twice"
    database.close()


def test_transactions_of_one_block_keep_their_order(chain: RunningChain) -> None:
    client, node = chain.client(), chain.node
    members = [chain.member() for _ in range(3)]
    data = client.codec.call(calls.register(Role.CLOUD_OWNER, KEY, 1))
    with one_block(node):
        for tip, member in zip((3, 2, 1), members, strict=True):
            fields = {"maxPriorityFeePerGas": tip * 10**9, "value": 1, "gas": 200_000}
            transact(node, member, to=chain.deployment.market, data=data, **fields)

    head = client.head().number
    logs = client.raw_logs(head, head)
    assert [logged.event for logged in client.readable(logs)] == [
        event
        for member in members
        for event in (MemberCreated(member.address, Role.CLOUD_OWNER, KEY), Deposited(member.address, 1))
    ]
    assert [log.index for log in logs] == list(range(6))


def test_believes_nothing_of_a_chain_that_was_started_anew(chain: RunningChain) -> None:
    client = chain.client()
    stream = EventStream(client, ChainDatabase(":memory:"))
    stream.poll()
    with local_chain(chain.kind) as other:
        stranger = Node.connect(other.url, 10, lambda _: Refused(""))
        with pytest.raises(NodeUnavailable, match="has not come to block"):
            MarketClient.connect(other.url, chain.deployment)
        for _ in range(10):
            stranger.ask("evm_mine")
        with pytest.raises(WrongNetwork, match="started anew"):
            MarketClient.connect(other.url, chain.deployment)
        client.node = stranger
        batch = stream.poll()
        assert (batch.events, batch.rolled_back) == ((), False), (
            "it has not come so far: nothing is taken back"
        )
