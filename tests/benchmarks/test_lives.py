"""Lives as they are planned; that the chain takes them is shown in test_anvil."""

from __future__ import annotations

from collections import Counter

import pytest
from eth_account import Account

from agents.core.calls import Call
from agents.core.enums import Role
from benchmarks.life import ACTORS, DEPOSITS, TERMS, Life, LifeStep
from benchmarks.signing import Signer, address_of
from benchmarks.wave import Wave, split
from tests.benchmarks.support import sendable

DOMAIN = bytes(range(32))
LIFE = Life("a life")


def calls_of(steps: tuple[LifeStep, ...]) -> dict[str, Call]:
    return {call.function: call for step in steps for call in step.calls}


def test_a_life_apart_is_the_papers_fifteen_transactions() -> None:
    steps = LIFE.apart(DOMAIN)
    assert [step.kind for step in steps] == list(ACTORS)
    assert len(steps) == 15
    assert [step.stage for step in steps] == list(range(15))


def test_a_life_joined_is_eleven_transactions_in_eight_stages() -> None:
    steps = LIFE.joined(DOMAIN)
    assert len(steps) == 11
    assert sorted({step.stage for step in steps}) == list(range(8))
    assert [step.stage for step in steps] == sorted(step.stage for step in steps)


def test_joining_changes_no_call_and_no_actor() -> None:
    apart, joined = LIFE.apart(DOMAIN), LIFE.joined(DOMAIN)
    assert calls_of(apart) == calls_of(joined)
    for step in joined:
        assert {ACTORS[call.function] for call in step.calls} == {step.role}


def test_in_a_stage_no_member_acts_twice_so_that_no_order_inside_a_block_matters() -> None:
    acts = Counter((step.stage, step.role) for step in LIFE.joined(DOMAIN))
    assert set(acts.values()) == {1}


def test_who_answers_another_does_so_in_a_later_stage() -> None:
    stage = {call.function: step.stage for step in LIFE.joined(DOMAIN) for call in step.calls}
    answers = [
        ("createCO", "createCI"),
        ("createCI", "joinCI"),
        ("createDS", "requestTC"),
        ("joinCI", "verifyCI"),
        ("requestTC", "approveTC"),
        ("approveTC", "startRound"),
        ("startRound", "drawRound"),
        ("drawRound", "updateTJ"),
        ("updateTJ", "settleRound"),
    ]
    for before, after in answers:
        assert stage[before] < stage[after]


def test_coins_go_along_with_registration_alone() -> None:
    paid = {step.role: step.value for step in LIFE.joined(DOMAIN) if step.value}
    assert paid == DEPOSITS
    assert paid[Role.MODEL_OWNER] == TERMS.escrow_per_round


def test_lives_of_other_names_have_other_members() -> None:
    members = {Life(name).address(role) for name in ("a", "b") for role in DEPOSITS}
    assert len(members) == 6


def test_waves_take_lives_by_their_number() -> None:
    stages = [[sendable(life, stage) for life in range(6)] for stage in range(2)]
    waves = split(stages, 2, 3)
    assert [[one.life for one in wave.stages[1]] for wave in waves] == [[0, 1], [2, 3], [4, 5]]
    assert [wave.lives for wave in waves] == [2, 2, 2]


def test_signs_as_eth_account_does() -> None:
    secret, chain_id = LIFE.secret(Role.DATA_OWNER), 31_337
    signer = Signer(secret, chain_id, gas_price=7)
    account = Account.from_key(secret)
    assert signer.address == address_of(secret) == account.address
    request = {"nonce": 3, "gasPrice": 7, "gas": 90_000, "value": 5, "data": "0x0102", "chainId": chain_id}
    for to in (LIFE.address(Role.CLOUD_OWNER), None):
        theirs = account.sign_transaction(request | ({} if to is None else {"to": to}))
        ours = signer.sign(3, to, 5, b"\x01\x02", 90_000)
        assert ours.raw == "0x" + theirs.raw_transaction.hex().removeprefix("0x")
        assert ours.hash == "0x" + theirs.hash.hex().removeprefix("0x")


def test_a_wave_sends_a_stage_once_the_last_is_in_blocks() -> None:
    from benchmarks.watch import Block

    wave = Wave([[sendable(0, 0), sendable(1, 0)], [sendable(0, 1)]])
    wave.head = 4
    assert len(wave.due()) == 2
    assert wave.due() == []
    first, second = Block(5, 10.0, 0, ()), Block(7, 12.0, 0, ())
    assert not wave.take("0/0", first)
    assert wave.due() == []
    assert not wave.take("1/0", first)
    assert [one.signed.hash for one in wave.due()] == ["0/1"]
    assert wave.take("0/1", second)
    assert (wave.blocks, wave.ended_at, wave.due()) == (3, 12.0, [])


@pytest.mark.parametrize("name", ["joined", "apart"])
def test_a_life_is_the_same_each_time(name: str) -> None:
    assert getattr(Life("x"), name)(DOMAIN) == getattr(Life("x"), name)(DOMAIN)
