"""Who takes part in a demo, and with what terms.

Rules: A17.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from agents.core.errors import BadInput
from agents.core.ids import Address
from agents.demo.outcome import Cheat
from agents.demo.scenario import CHEATS, HONEST, MOST_CLOUD_OWNERS, Scenario
from agents.learning.plans.defaults import MOST_ROUNDS
from agents.portfolio.terms import Terms
from agents.roles.cloud_owner import CloudOwner
from agents.workers.cloud_owner import CloudOwnerWorker
from testing.fake_market import FakeMarket

SHAPES = [(subsets, replicas) for replicas in (1, 2, 3, 4, 7, 16) for subsets in (1, 2, 4, 9, 21, 64)]
PLAYABLE = [(m, n) for m, n in SHAPES if m * n <= MOST_CLOUD_OWNERS]


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        ({"subsets": 0}, "subsets is 0: choose 1 to 256"),
        ({"subsets": -1}, "subsets is -1: choose 1 to 256"),
        ({"subsets": 257}, "subsets is 257: choose 1 to 256"),
        ({"replicas": 0}, "replicas is 0: choose 1 to 16"),
        ({"replicas": 17}, "replicas is 17: choose 1 to 16"),
        ({"rounds": 0}, "rounds is 0: choose 1 to 1000"),
        ({"rounds": 1001}, "rounds is 1001: choose 1 to 1000"),
        ({"merge_rare": 1}, "merge_rare is 1: choose 2 or more"),
        ({"seed": -1}, "seed is -1: choose 0 or more, below 2^63"),
        ({"seed": 2**63}, "seed is 9223372036854775808: choose 0 or more, below 2^63"),
        (
            {"subsets": 5, "replicas": 13},
            "5 subsets of 13 replicas: the demo runs each cloud owner as a process of its own, at most 64: "
            "choose fewer",
        ),
    ],
)
def test_refuses_what_cannot_be_played_in_one_line(flags: dict[str, int], complaint: str) -> None:
    with pytest.raises(BadInput) as refused:
        Scenario(**flags)  # type: ignore[arg-type]
    assert str(refused.value) == complaint


@pytest.mark.parametrize(
    ("model", "secrecy"),
    [
        (None, "dataset"),
        ("encrypted-ridge", "dataset"),
        ("logistic", "none"),
        ("network", "none"),
        ("moments", "private"),
    ],
)
def test_the_data_owner_lets_a_model_in_plain_text_through_if_it_is_asked_for(
    model: str | None, secrecy: str
) -> None:
    assert Scenario(model=model).secrecy == secrecy
    assert Scenario(model=model).planned == model


def test_a_level_may_be_asked_for_and_private_plans_moments() -> None:
    private = Scenario(level="private")
    assert (private.secrecy, private.planned, private.model) == ("private", "moments", None)
    assert (Scenario(level="round").secrecy, Scenario(level="round").planned) == ("round", None)
    assert Scenario(level="none", model="encrypted-ridge").secrecy == "none"
    with pytest.raises(
        BadInput, match="ranges are for level private: secrecy is dataset, which has no noise"
    ):
        Scenario(privacy=Path("ranges.json"))


@pytest.mark.parametrize(
    "flags",
    [
        {"subsets": 1, "replicas": 1, "rounds": 1, "seed": 0},
        {"subsets": 64, "replicas": 1, "rounds": 1000, "seed": 2**63 - 1},
        {"subsets": 4, "replicas": 16},
    ],
)
def test_takes_what_is_just_within_bounds(flags: dict[str, int]) -> None:
    scenario = Scenario(**flags)  # type: ignore[arg-type]
    assert len(scenario.cloud_owners) == scenario.subsets * scenario.replicas


# --- who ---


@pytest.mark.parametrize(("subsets", "replicas"), PLAYABLE)
def test_there_is_a_cloud_owner_for_each_replica(subsets: int, replicas: int) -> None:
    scenario = Scenario(subsets=subsets, replicas=replicas)
    assert Counter(member.subset for member in scenario.cloud_owners) == dict.fromkeys(
        range(subsets), replicas
    )
    everybody = scenario.everybody
    assert len(everybody) == subsets * replicas + 2
    for unique in ("name", "folder", "secret"):
        assert len({getattr(member, unique) for member in everybody}) == len(everybody), unique
    assert [member.subset for member in (scenario.data_owner, scenario.model_owner)] == [None, None]


def test_a_folder_has_no_spaces_in_its_name() -> None:
    assert Scenario().cloud_owners[2].folder == "cloud-owner-3"


@pytest.mark.parametrize(("subsets", "replicas"), PLAYABLE)
def test_cheats_are_one_a_subset_and_leave_an_honest_majority(subsets: int, replicas: int) -> None:
    scenario = Scenario(subsets=subsets, replicas=replicas)
    cheats = Counter(member.subset for member in scenario.cloud_owners if member.conduct is not HONEST)
    assert all(count == 1 for count in cheats.values())
    assert all(2 * (replicas - 1) > replicas for _ in cheats)
    assert len(cheats) == (min(subsets, len(CHEATS)) if replicas >= 3 else 0)
    assert scenario.data_owner.conduct is scenario.model_owner.conduct is HONEST


def test_each_cheat_is_planted_once_and_after_somebody_to_copy_from() -> None:
    planted = [member for member in Scenario().cloud_owners if member.conduct is not HONEST]
    assert [member.conduct.cheat for member in planted] == list(Cheat)
    assert [member.name for member in planted] == [f"cloud owner {number}" for number in (2, 5, 8, 11)]


def test_a_cheat_differs_from_the_honest_in_its_role_or_in_its_worker() -> None:
    assert (HONEST.cheat, HONEST.role, HONEST.worker) == (None, CloudOwner, CloudOwnerWorker)
    for conduct in CHEATS:
        assert (conduct.role, conduct.worker) != (CloudOwner, CloudOwnerWorker)
        assert issubclass(conduct.role, CloudOwner)
        assert issubclass(conduct.worker, CloudOwnerWorker)


# --- the seed ---


def test_the_same_seed_gives_the_same_secrets_and_another_seed_others() -> None:
    def secrets(seed: int) -> list[bytes]:
        return [member.secret for member in Scenario(seed=seed).everybody]

    assert secrets(7) == secrets(7)
    assert not set(secrets(7)) & set(secrets(8))
    assert {len(secret) for secret in secrets(7)} == {32}


# --- terms ---


@pytest.mark.parametrize("cloud_owners", range(1, MOST_CLOUD_OWNERS + 1))
def test_a_couple_fits_into_the_offer(cloud_owners: int) -> None:
    """By the market's own rule (`requestTC`), an hour after the dataset is made."""
    scenario = Scenario(subsets=cloud_owners, replicas=1)
    terms = scenario.terms
    assert Terms.model_validate(terms.model_dump()) == terms
    needed = terms.answer_window_seconds + terms.couple_window_seconds + terms.draw_window_seconds
    needed += terms.report_window_seconds + 2 * terms.settle_window_seconds
    assert needed <= terms.offer_seconds - 3600


def test_windows_grow_with_the_number_of_processes() -> None:
    few, many = Scenario(subsets=1, replicas=1).terms, Scenario(subsets=64, replicas=1).terms
    for window in ("answer", "draw", "report", "settle"):
        name = f"{window}_window_seconds"
        assert getattr(few, name) < getattr(many, name)


def test_slow_families_have_longer_to_answer() -> None:
    usual, slow = (Scenario(model=model).terms for model in ("encrypted-logistic", "encrypted-features"))
    assert slow.report_window_seconds == 4 * usual.report_window_seconds
    assert Scenario().terms == usual


def test_windows_grow_with_the_work() -> None:
    usual = Scenario().terms
    assert Scenario(work_seconds=10).terms == usual
    slow = Scenario(work_seconds=400).terms
    assert slow.report_window_seconds == 400
    assert slow.couple_window_seconds >= 10 * slow.report_window_seconds
    assert slow.offer_seconds == 4 * slow.couple_window_seconds
    assert slow.draw_window_seconds == usual.draw_window_seconds


def test_the_market_takes_the_terms() -> None:
    owner = Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
    for subsets, replicas in PLAYABLE:
        market = FakeMarket()
        market.sender = owner
        market.createDO(bytes(64), 0)
        market.createDS(_values(Scenario(subsets=subsets, replicas=replicas), market.now), b"", b"")
        (dataset,) = market.mirror.datasets.values()
        assert (dataset.terms.subsets, dataset.terms.max_replicas) == (subsets, replicas)


def _values(scenario: Scenario, now: int) -> tuple[int, ...]:
    terms = scenario.terms.of(scenario.subsets, (scenario.subsets + 1) // 2, scenario.replicas)
    values = {name: getattr(terms, name) for name in terms.__slots__}
    return tuple((values | {"ends_at": now + terms.ends_at}).values())


def test_whoever_misses_twice_has_to_leave() -> None:
    terms = Scenario().terms
    left = terms.instance_bond - terms.miss_penalty
    assert left >= terms.miss_penalty > left - terms.miss_penalty


def test_without_rounds_coins_are_locked_for_the_most_there_may_be() -> None:
    assert Scenario().rounds is None
    assert Scenario().most_rounds == MOST_ROUNDS
    assert Scenario(rounds=3).most_rounds == 3
