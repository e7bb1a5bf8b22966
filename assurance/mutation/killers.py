"""What has to notice a fault: the libraries' tests, scenarios beside the model, and plays at random.

All of them ask the same: does the market do what somebody who knows nothing of its sources says it should?
The quick ones come first, and the first that notices is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from agents.core.hashing import full_set
from assurance.coverage import scenarios as known
from assurance.mutation.solc import LIBRARIES
from assurance.stateful import scenarios as rare
from assurance.stateful.differential import DifferentialEvm
from assurance.stateful.play import play
from testing.compiler import compiled_contract
from testing.contracts.in_process import EvmChain
from testing.evm import Evm
from tests.contracts import test_libraries as libraries

Killer = tuple[str, Callable[[], object]]
"""A test's name, and what raises an exception if the test fails."""

SLOW: tuple[known.Scenario, ...] = (known.last_name, known.rejected_tickets)
PLAYS = tuple((seed, 400) for seed in range(1, 9))
"""Seeds and steps of the plays."""


def of_libraries(code: bytes) -> Iterator[Killer]:
    """The tests of the libraries' functions that look at nothing else."""
    opened = EvmChain().deploy(code, compiled_contract(LIBRARIES).abi)
    for test in (
        libraries.test_ids,
        libraries.test_instances,
        libraries.test_data_receipts,
        libraries.test_training_receipts_and_commitments,
        libraries.test_each_link_opens_the_one_before_and_no_other,
        libraries.test_round_seeds,
        libraries.test_pop_count,
        libraries.test_full,
        libraries.test_lowest_index,
        libraries.test_draws,
        libraries.test_the_last_ticket_counts_where_none_is_rejected,
        libraries.test_the_last_ticket_is_rejected_where_it_would_favour_the_first,
        libraries.test_rounds_of_epochs,
    ):
        yield test.__name__, partial(test, opened)
    for single in (libraries.SETS[0], full_set(256)):
        yield "test_nth_set_bit", partial(libraries.test_nth_set_bit, opened, single)
    yield "test_draws_as_the_agents_do", partial(libraries.test_draws_as_the_agents_do, opened, 0)


def of_market(code: bytes, kills: Mapping[str, int] | None = None) -> Iterator[Killer]:
    """Scenarios and plays, the longest last.

    Args:
        kills: how many similar faults a scenario has noticed; those with the most come first.
    """
    quick = [scenario for scenario in (*known.SCENARIOS, *rare.SCENARIOS) if scenario not in SLOW]
    for scenario in sorted(quick, key=lambda one: -(kills or {}).get(one.__name__, 0)):
        yield scenario.__name__, partial(_compare, code, scenario)
    for seed, steps in PLAYS[:2]:
        yield f"play {seed}", partial(_play, code, seed, steps)
    for scenario in SLOW:
        yield scenario.__name__, partial(_compare, code, scenario)
    for seed, steps in PLAYS[2:]:
        yield f"play {seed}", partial(_play, code, seed, steps)


def killer_of(killers: Iterator[Killer]) -> str | None:
    """The name of the first test that fails."""
    running = "deployment"
    try:
        for name, test in killers:
            running = name
            test()
    except Exception:  # noqa: BLE001 (a fault shows as whatever it leads to)
        return running
    return None


def _compare(code: bytes, scenario: known.Scenario) -> None:
    market = DifferentialEvm(code)
    scenario(market)
    market.compare()


def _play(code: bytes, seed: int, steps: int) -> None:
    play(Evm(code), seed, steps)
