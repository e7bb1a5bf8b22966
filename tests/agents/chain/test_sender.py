"""From intents to transactions: bundles, what is at fault in them, coins, gas, and what counts as done.

Rules: A11, A17, A80, A81, A82, A86.
"""

from __future__ import annotations

import logging

import pytest
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from agents.chain.codec import Codec
from agents.chain.intents import Intent, IntentState
from agents.chain.preparing import BUNDLE
from agents.chain.purse import RESERVED_GAS, UNKNOWN_COINS
from agents.chain.wallet import Wallet
from agents.core import calls
from agents.core.errors import NodeUnavailable
from tests.agents.chain.desk import MULTICALL, Desk, done, faulty, retire
from tests.agents.chain.stub_node import GWEI, StubNode


def test_sends_one_call_as_it_is(node: StubNode, desk: Desk, codec: Codec) -> None:
    (outcome,) = desk.send(retire(3))
    assert [pooled.data for pooled in node.head.transactions] == [codec.call(retire(3))]
    assert [pooled.max_fee for pooled in node.head.transactions] == [3 * GWEI]
    assert (outcome.key, outcome.function, outcome.refusal) == ("retireCI/3", "retireCI", None)
    assert outcome.receipt is not None
    assert outcome.receipt.fee == 50_000 * 2 * GWEI
    assert desk.sender.height == node.head.number == outcome.receipt.block


def test_sends_nothing_for_nothing(node: StubNode, desk: Desk) -> None:
    asked = len(node.asked)
    assert desk.step() == []
    assert node.received == []
    assert [method for method, _ in node.asked[asked:]] == ["eth_getBalance", "eth_gasPrice"]


def test_waits_for_nothing(node: StubNode, desk: Desk) -> None:
    node.automine = False
    assert done(desk.step(retire(1))) == [("retireCI", "sent")]
    for _ in range(4):
        assert desk.step(retire(1), retire(2)) == []
    node.mine()
    assert done(desk.step(retire(2))) == [("retireCI", "mined"), ("retireCI", "sent")]
    assert desk.mined == [[1]]
    assert len(node.received) == 2


def test_says_how_far_each_intent_is(node: StubNode, desk: Desk) -> None:
    node.automine = False
    node.lost_answers["eth_sendRawTransaction"] = 1
    desk.step(retire(1))
    assert desk.state == {"retireCI/1": "signed"}
    desk.step(retire(1), retire(2))
    assert desk.state == {"retireCI/1": "sent", "retireCI/2": "wanted"}
    node.mine()
    node.base_fee = 10**13
    node.mine()
    desk.step(retire(2))
    assert desk.state == {"retireCI/2": "prepared"}


def test_what_is_decided_twice_is_one_intent(node: StubNode, desk: Desk) -> None:
    node.automine = False
    desk.step(calls.deposit(5), calls.deposit(7))
    desk.step(calls.deposit(6))
    node.mine()
    desk.step()
    assert [pooled.value for block in node.blocks for pooled in block.transactions] == [5]
    assert len(node.received) == 1


# --- bundles ---


def test_bundles_calls_in_order(desk: Desk) -> None:
    outcomes = desk.send(*map(retire, (3, 1, 2)))
    assert desk.mined == [[3, 1, 2]]
    assert [outcome.key for outcome in outcomes] == ["retireCI/3", "retireCI/1", "retireCI/2"]
    assert len({outcome.receipt for outcome in outcomes}) == 1


def test_a_bundle_has_its_limit(desk: Desk) -> None:
    desk.send(*map(retire, range(BUNDLE + 2)))
    assert list(map(len, desk.mined)) == [BUNDLE, 2]


def test_calls_with_coins_go_alone(node: StubNode, desk: Desk) -> None:
    register = calls.Call("createMO", (bytes(64),), 8)
    desk.send(retire(1), retire(2), calls.deposit(7), register, retire(3))
    sent = [
        (pooled.value, pooled.data[:4] == MULTICALL) for block in node.blocks for pooled in block.transactions
    ]
    assert sent == [(0, True), (7, False), (8, False), (0, False)]


def test_a_doomed_call_costs_nothing(node: StubNode, desk: Desk) -> None:
    node.revert = faulty(2)
    (outcome,) = desk.send(retire(2))
    assert outcome.state is IntentState.REFUSED
    assert outcome.receipt is None
    assert outcome.refusal is not None
    assert outcome.refusal.error == "Ledger_InsufficientBalance"
    assert outcome.refusal.arguments == ("0x" + "11" * 20, 2, 1)
    assert node.received == []


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ((1,), [[2], [3, 4]]),
        ((4,), [[1, 2], [3]]),
        ((2, 3), [[1], [4]]),
        ((1, 2, 3, 4), []),
    ],
)
def test_finds_the_calls_at_fault_in_a_bundle(
    bad: tuple[int, ...], expected: list[list[int]], node: StubNode, desk: Desk
) -> None:
    node.revert = faulty(*bad)
    outcomes = desk.send(*map(retire, (1, 2, 3, 4)))
    assert sorted(desk.mined) == expected
    assert [outcome.refusal is not None for outcome in outcomes] == [n in bad for n in (1, 2, 3, 4)]
    assert [outcome.receipt is None for outcome in outcomes] == [n in bad for n in (1, 2, 3, 4)]


def test_what_is_at_fault_holds_nothing_up(node: StubNode, desk: Desk) -> None:
    node.revert = faulty(1)
    outcomes = desk.step(retire(1), calls.deposit(7))
    assert done(outcomes) == [("retireCI", "refused"), ("deposit", "sent")]


def test_says_why_a_mined_transaction_reverted(node: StubNode, desk: Desk) -> None:
    node.before["eth_sendRawTransaction"] = lambda: setattr(node, "revert", faulty(2))
    (outcome,) = desk.send(retire(2))
    assert outcome.state is IntentState.REVERTED
    assert outcome.receipt is not None
    assert not outcome.receipt.succeeded
    assert outcome.refusal is not None
    assert outcome.refusal.error == "Ledger_InsufficientBalance"
    replay = [params for method, params in node.asked if method == "eth_call"][-1]
    assert replay[1] == hex(outcome.receipt.block)


@pytest.mark.parametrize("error", [None, {"code": -32003, "message": "out of gas"}])
def test_does_not_invent_a_reason(node: StubNode, desk: Desk, error: dict[str, object] | None) -> None:
    node.before["eth_sendRawTransaction"] = lambda: setattr(node, "revert", faulty(2))
    node.before["eth_call"] = lambda: setattr(node, "revert", lambda _: None)
    node.errors["eth_call"] = [error] if error else []
    (outcome,) = desk.send(retire(2))
    assert outcome.state is IntentState.REVERTED
    assert str(outcome.refusal) == "reverted without a reason"


def test_a_bundle_that_reverted_in_its_block_is_taken_apart(
    node: StubNode, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    node.before["eth_sendRawTransaction"] = lambda: setattr(node, "revert", faulty(2))
    first, second = desk.send(retire(1), retire(2))
    assert desk.mined == [[1, 2], [1]]
    assert first.refusal is None
    assert first.receipt is not None
    assert first.receipt.succeeded
    assert second.receipt is None
    assert second.refusal is not None
    assert caplog.messages == ["a bundle of 2 calls reverted in its block: each goes by itself now"]


def test_a_bundle_too_large_for_a_block_is_sent_in_parts(
    node: StubNode, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(request: dict[str, str]) -> str:
        return hex(40_000_000 if request["data"].startswith("0x" + MULTICALL.hex()) else 20_000_000)

    monkeypatch.setattr(node, "_eth_estimateGas", measure)
    desk.send(retire(1), retire(2))
    assert desk.mined == [[1], [2]]


def test_a_bundle_that_takes_a_node_too_long_to_estimate_is_halved(node: StubNode, desk: Desk) -> None:
    """Ganache takes seconds for what geth estimates in milliseconds: the same bundle again is as slow."""
    wanted = [retire(number) for number in range(8)]
    node.lost_requests["eth_estimateGas"] = 2
    for _ in range(2):
        with pytest.raises(NodeUnavailable):
            desk.step(*wanted)
    desk.send(*wanted)
    assert desk.mined == [[0, 1], [2, 3, 4, 5], [6, 7]], "as many again as it can take"


def test_a_bundle_that_the_node_will_not_estimate_is_sent_in_parts(node: StubNode, desk: Desk) -> None:
    node.errors["eth_estimateGas"] = [{"code": -32003, "message": "gas required exceeds allowance"}]
    desk.send(retire(1), retire(2))
    assert desk.mined[0] == [1]


def test_a_single_call_too_large_for_a_block_is_refused(node: StubNode, desk: Desk) -> None:
    node.gas = 40_000_000
    (outcome,) = desk.send(retire(1))
    assert outcome.state is IntentState.REFUSED
    assert str(outcome.refusal).startswith(
        "a transaction of 40000000 gas does not fit in a block of 30000000"
    )


def test_allows_a_margin_of_gas_within_a_block(node: StubNode, desk: Desk) -> None:
    desk.send(retire(1))
    node.gas = 29_000_000
    desk.send(retire(2))
    assert [gas_of(raw) for raw in node.received] == [62_500, 30_000_000]


def gas_of(raw: bytes) -> int:
    return int(TypedTransaction.from_bytes(HexBytes(raw)).as_dict()["gas"])


# --- coins ---

ENOUGH = 62_500 * 3 * GWEI


@pytest.mark.parametrize("balance", [0, 6, ENOUGH + 6])
def test_what_cannot_be_paid_waits_and_is_said_once(
    balance: int, node: StubNode, desk: Desk, wallet: Wallet, caplog: pytest.LogCaptureFixture
) -> None:
    node.balances[wallet.address] = balance
    for _ in range(10):
        assert desk.step(calls.deposit(7)) == []
    (line,) = caplog.messages
    assert line.startswith(f"deposit: the wallet {wallet.address} has {balance} wei and needs ")
    assert line.endswith(": send it coins")
    assert desk.state == {"deposit": "prepared"}
    assert node.received == []

    node.balances[wallet.address] = ENOUGH + 7
    desk.steps(60, calls.deposit(7))
    assert [pooled.value for block in node.blocks for pooled in block.transactions][:1] == [7]


def test_what_was_too_dear_is_tried_again_when_gas_is_cheaper(
    node: StubNode, desk: Desk, wallet: Wallet
) -> None:
    node.balances[wallet.address] = ENOUGH
    node.base_fee = 100 * GWEI
    node.mine()
    assert desk.step(retire(1)) == []
    node.base_fee = GWEI
    node.mine()
    desk.clock.now += 60
    assert done(desk.step(retire(1))) == [("retireCI", "sent")]


def test_what_cannot_be_encoded_is_refused_and_holds_nothing_up(node: StubNode, desk: Desk) -> None:
    outcomes = desk.step(calls.withdraw(-1), calls.retire_ci("no number"), retire(1))  # type: ignore[arg-type]
    assert done(outcomes) == [("withdraw", "refused"), ("retireCI", "refused"), ("retireCI", "sent")]
    assert desk.mined == [[1]]


def test_a_first_look_that_shows_too_much_is_not_believed(node: StubNode, desk: Desk) -> None:
    answers = iter(["0x9"])
    node.altered["eth_getTransactionCount"] = lambda count: next(answers, count)
    with pytest.raises(NodeUnavailable, match="in two ways"):
        desk.step(retire(1))
    assert done(desk.step(retire(1))) == [("retireCI", "sent")]
    assert desk.mined == [[1]]


def test_what_cannot_be_paid_holds_nothing_up(node: StubNode, desk: Desk, wallet: Wallet) -> None:
    node.balances[wallet.address] = ENOUGH + 10
    outcomes = desk.step(calls.deposit(11), retire(1))
    assert done(outcomes) == [("retireCI", "sent")]


def test_a_bundle_that_cannot_be_paid_is_sent_in_parts(
    node: StubNode, desk: Desk, wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.balances[wallet.address] = ENOUGH
    monkeypatch.setattr(
        node,
        "_eth_estimateGas",
        lambda request: hex(100_000 if request["data"].startswith("0x" + MULTICALL.hex()) else 50_000),
    )
    assert done(desk.step(retire(1), retire(2))) == [("retireCI", "sent")]
    assert desk.mined == [[1]]


def test_looks_at_the_balance_every_minute_while_it_lacks_coins(
    node: StubNode, desk: Desk, wallet: Wallet
) -> None:
    node.balances[wallet.address] = 6
    desk.steps(121, calls.deposit(7))
    looks = [method for method, _ in node.asked].count("eth_getBalance")
    assert 3 <= looks <= 6
    assert [method for method, _ in node.asked].count("eth_estimateGas") == 0


def test_knows_what_it_may_pay_in(node: StubNode, desk: Desk, wallet: Wallet) -> None:
    assert desk.sender.coins == UNKNOWN_COINS
    desk.step()
    assert desk.sender.coins == node.balances[wallet.address] - RESERVED_GAS * 4 * GWEI
    desk.send(retire(1))
    assert desk.sender.coins == node.balances[wallet.address] - RESERVED_GAS * 3 * GWEI
    node.balances[wallet.address] = 5
    desk.steps(61)
    assert desk.sender.coins == 0


def test_a_node_that_lags_behind_what_we_sent_is_waited_for(node: StubNode, desk: Desk) -> None:
    desk.send(retire(1))
    node.lag = 1
    assert desk.step(retire(2)) == []
    node.lag = 0
    assert done(desk.step(retire(2))) == [("retireCI", "sent")]


def test_a_node_that_gives_no_number_is_no_error_of_ours(node: StubNode, desk: Desk) -> None:
    for method in ("eth_getTransactionCount", "eth_getBalance", "eth_estimateGas", "eth_getBlockByNumber"):
        node.altered[method] = lambda _: None
        desk.clock.now += 100
        with pytest.raises(Exception, match="the node"):
            desk.step(retire(1))
        del node.altered[method]
    assert node.received == []
    desk.clock.now += 100
    assert done(desk.step(retire(1))) == [("retireCI", "sent")]


def test_deadlines_are_told_with_what_gas_costs(
    node: StubNode, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    node.base_fee = 600 * GWEI
    now = node.head.timestamp
    for _ in range(3):
        desk.step(Intent(retire(1), deadline=now + 50, urgent_from=now + 40))
    assert caplog.messages == [
        "retireCI: gas costs 1201000000000 wei a unit, over the limit of 500000000000: "
        "it waits, and is due in 50 s"
    ]
    node.mine(seconds=40)
    outcomes = desk.step(Intent(retire(1), deadline=now + 50, urgent_from=now + 40))
    assert done(outcomes) == [("retireCI", "sent")], "in the last quarter of its window it may cost more"
    assert [pooled.max_fee for pooled in node.head.transactions] == [1201 * GWEI]
