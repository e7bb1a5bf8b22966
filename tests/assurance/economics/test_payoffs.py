"""Honest play is the best reply to honest play with the default terms; the bounds are where they are said.

What departs from it and pays nevertheless is named in `assurance.economics.departures`, with the reason.

Rules: S7, S8, S9, S17, T20.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.core import calls
from agents.core.ids import couple_id
from agents.demo.scenario import Scenario
from assurance.economics import strategies as s
from assurance.economics import theory
from assurance.economics.__main__ import main
from assurance.economics.departures import DEPARTURES, Departure, Verdict, measure
from assurance.economics.game import Game
from assurance.economics.setting import Setting

DEFAULT = Setting()
FREE = Setting(gas_price=0)
ONE_JOB = Setting(gas_price=0, subsets=1, subsets_per_round=1, rounds=1)
"""One subset and one round, so that what a party has is what its job was worth."""


def named(departure: Departure) -> str:
    return f"{departure.role} {departure.name}"


def payoff(setting: Setting, strategy: s.CloudStrategy | None = None, seed: int = 0) -> int:
    """What the first cloud owner has at the end if it plays so and all others are honest."""
    game = Game(setting, {0: strategy or s.CloudStrategy()}, seed=seed).play()
    return game.payoff(game.cos[0])


# --- the default terms ---


@pytest.mark.parametrize("departure", DEPARTURES, ids=named)
def test_a_departure_is_what_it_is_said_to_be(departure: Departure) -> None:
    result = measure(departure, DEFAULT)
    assert result.verdict is departure.expected
    assert (departure.expected is Verdict.WORSE) != bool(departure.why)


def test_everybody_gains_by_honest_play() -> None:
    game = Game(DEFAULT).play()
    assert all(game.payoff(party) > 0 for party in (game.do, game.mo, *game.cos))


def test_so_it_is_for_cloud_owners_with_the_demo_s_terms() -> None:
    for departure in DEPARTURES:
        if departure.role == "CO" and departure.expected is Verdict.WORSE:
            result = measure(departure, Setting(terms=Scenario().terms))
            assert result.verdict is Verdict.WORSE, departure.name


def test_no_coin_is_made_or_lost() -> None:
    for departure in DEPARTURES:
        setting = FREE.but(training_cost=0, result_value=0, rounds=3, **departure.among).but(**departure.asks)
        game = departure.game(setting).play()
        assert game.payoff(game.do, game.mo, *game.cos) == 0, departure.name


# --- the bounds ---


@pytest.mark.parametrize("liars", [0, 1, 2])
@pytest.mark.parametrize(
    ("name", "strategy"), [("honest", s.CloudStrategy()), ("lies", s.Lies()), ("silent", s.Silent())]
)
def test_the_formulas_are_the_markets(name: str, strategy: s.CloudStrategy, liars: int) -> None:
    clouds = {0: strategy, **{number: s.Lies() for number in range(1, 1 + liars)}}
    game = Game(ONE_JOB, clouds).play()
    assert game.payoff(game.cos[0]) == theory.STRATEGIES[name](ONE_JOB, liars)


@pytest.mark.parametrize(
    ("name", "strategy"), [("honest", s.CloudStrategy()), ("lies", s.Lies()), ("silent", s.Silent())]
)
def test_a_subset_that_nobody_settles_pays_nobody(name: str, strategy: s.CloudStrategy) -> None:
    formula = theory.STRATEGIES[name]
    settled, not_settled = formula(ONE_JOB, 0), formula(ONE_JOB.but(settled=0.0), 0)
    seen = [payoff(ONE_JOB.but(settled=0.5), strategy, seed) for seed in range(8)]
    assert set(seen) == {settled, not_settled}


def test_a_subset_has_the_same_luck_however_one_plays() -> None:
    half = ONE_JOB.but(settled=0.5)
    for seed in range(8):
        settled = payoff(half, seed=seed) > 0
        assert (payoff(half, s.Lies(), seed) < 0) is settled, seed


def test_a_job_must_pay_more_than_its_training() -> None:
    edge = theory.highest_cost(ONE_JOB)
    assert edge == ONE_JOB.terms.job_price
    for cost, sign in ((edge - 1, 1), (edge, 0), (edge + 1, -1)):
        setting = ONE_JOB.but(training_cost=cost)
        assert payoff(setting) - payoff(setting, s.Flags()) == sign


def test_silence_must_cost_more_than_a_flag() -> None:
    setting = ONE_JOB.but(gas_price=10**9)
    spent = payoff(setting.but(miss_penalty=0), s.Silent()) - payoff(setting, s.Flags())
    for penalty, sign in ((spent - 1, 1), (spent, 0), (spent + 1, -1)):
        silent = payoff(setting.but(miss_penalty=penalty), s.Silent())
        assert silent - payoff(setting, s.Flags()) == sign
    assert spent >= theory.least_penalty(setting), "an instance's first flag costs more than its later ones"


def test_a_bond_and_a_price_must_together_cover_the_training() -> None:
    setting = ONE_JOB.but(training_cost=5 * ONE_JOB.terms.job_price, miss_penalty=0)
    edge = theory.least_bond(setting)
    for bond, sign in ((edge - 1, -1), (edge, 0), (edge + 1, 1)):
        bonded = setting.but(instance_bond=bond)
        assert payoff(bonded) - payoff(bonded, s.Lies()) == sign


def test_withholding_a_seed_costs_the_bond_and_the_rounds_to_come() -> None:
    departure = next(one for one in DEPARTURES if one.role == "DO" and "dislikes" in one.name)
    result = measure(departure, FREE)
    lost = FREE.terms.couple_bond + (FREE.rounds - 2) * FREE.terms.round_price
    assert -result.gain * FREE.rounds == lost


# --- one bond for several couples ---


def together(couples: int, *, lies: bool) -> int:
    """What a cloud owner has whom several couples assign at once, and that lies in all or none."""
    game = Game(ONE_JOB, {})
    game.register()
    game.offer()
    game.name()
    for ci in game.cis():
        game.join(ci)
    game.verify(*game.cis())
    couple_ids = [couple_id(game.mo.address, number) for number in range(1, couples + 1)]
    for game.tc in couple_ids:
        game.request()
        game.approve()
        game.start()
        game.draw()
    for game.tc in couple_ids:
        for ci in game.cis():
            (s.Lies() if lies and ci == game.cis()[0] else s.CloudStrategy()).answers(game, ci)
    liar = game.owner(game.cis()[0])
    for game.tc in couple_ids:
        game.settle(0)
    game.now = game.terms.ends_at + 1
    for ci in game.cis():
        game.send(game.owner(ci), calls.release_ci(ci))
    return game.payoff(liar)


@pytest.mark.parametrize("couples", [1, 2, 6])
def test_lying_to_several_couples_at_once_costs_each_one_s_pay_and_the_bond(couples: int) -> None:
    price, cost = ONE_JOB.terms.job_price, ONE_JOB.training_cost
    difference = together(couples, lies=False) - together(couples, lies=True)
    assert difference == couples * (price - cost) + ONE_JOB.terms.instance_bond


# --- the program ---


def test_it_tells_and_writes_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--rounds", "2", "--coalitions-up-to", "3", "--folder", str(tmp_path)])
    assert "shows its weights to nobody" in capsys.readouterr().out
    report = json.loads((tmp_path / "report.json").read_text())
    assert len(report["plays"]) == len(DEPARTURES)
    assert (tmp_path / "economics.svg").read_text().count("<svg") == 1


def test_it_tells_the_spread_over_several_seeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shape = ["--rounds", "1", "--subsets", "2", "--coalitions-up-to", "3"]
    main([*shape, "--detection", "0.5", "--seeds", "3", "--folder", str(tmp_path)])
    told = capsys.readouterr().out
    assert all(column in told for column in ("least", "most", "alike"))
    for play in json.loads((tmp_path / "report.json").read_text())["plays"]:
        gains = play["gain_a_round_by_seed"]
        assert len(gains) == 3
        assert sum(gains) / 3 == pytest.approx(play["gain_a_round"])


def test_a_data_owner_retires_no_replica_that_a_lie_has_taken_out() -> None:
    game = Game(ONE_JOB.but(rounds=2), {0: s.Lies()}, s.Retires()).play()
    assert game.couple.round == 2


def test_every_play_comes_to_an_end_among_cloud_owners_that_lie() -> None:
    """Also where a subset has lost its replicas; coins are neither made nor lost."""
    among = FREE.but(training_cost=0, result_value=0, subsets=2, rounds=3, dishonest=0.5, settled=0.7)
    for departure in DEPARTURES:
        setting = among.but(**departure.among).but(**departure.asks)
        game = departure.game(setting, seed=1).play()
        assert game.payoff(game.do, game.mo, *game.cos) == 0, departure.name


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--replicas", "17"], "replicas is 17: choose 1 to 16"),
        (["--replicas", "4"], "replicas is 4: the plays need 3 or 5 and more"),
        (["--job-price", "-1"], "job_price"),
        (["--bond", "1"], "instance_bond must cover job_price and miss_penalty"),
        (["--seeds", "0"], "seeds is 0: choose 1 to 100"),
        (["--detection", "nan"], "chance of settlement is nan: choose 0 to 1"),
        (["--dishonest", "1.5"], "dishonest share is 1.5: choose 0 to 1"),
        (["--couple-bond", str(10**24 + 1)], "couple bond is 1000000000000000000000001: choose 0 to"),
        (["--round-price", str(10**24)], "escrow is"),
        (["--rounds", "many"], "invalid"),
        (["--colour", "red"], "colour"),
    ],
)
def test_a_bad_flag_is_one_line(flags: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(flags)
    assert end.value.code == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert told in line
