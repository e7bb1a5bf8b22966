"""One fresh local chain for each test process, and what Brownie 1.22.2 needs beside it."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

CHAINS = ExitStack()

LONGEST_ID = 60
"""Characters of a parameter that a test is named by."""


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Names a test by the parameter's, not by its value, where that is a long text or made of many bytes.

    Two processes collect the tests side by side and must name them alike: bytes that were made a moment
    ago, such as a zip archive with the time in it, would not.
    """
    return argname if isinstance(val, str | bytes) and len(val) > LONGEST_ID else None


@pytest.fixture(autouse=True)
def as_loud_as_before() -> Iterator[None]:
    """A program that a test runs hushes the agents' logs; the next test in this process would read none."""
    levels = {name: logging.getLogger(name).level for name in ("agents", "assurance")}
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What mostly waits comes first, so that the others need not wait for it in the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Connects Brownie, before it would launch a node of its own; see scripts/local_chain.py."""
    if _runs_contract_tests(session):
        _connect_to_a_fresh_chain()
        _mend_brownie()
        _test_contracts_there()


def pytest_unconfigure() -> None:
    """Ends the chain."""
    CHAINS.close()


def _runs_contract_tests(session: pytest.Session) -> bool:
    """Whether this process executes tests with Brownie: not `-p no:pytest-brownie`, not the head of `-n`."""
    brownie = session.config.pluginmanager.get_plugin("brownie-core")
    return brownie is not None and hasattr(brownie, "pytest_runtest_protocol") and bool(session.items)


def _connect_to_a_fresh_chain() -> None:
    from brownie._config import CONFIG

    from agents.core.errors import BadInput, NodeUnavailable
    from scripts.local_chain import connect_brownie, local_chain

    try:
        chain = CHAINS.enter_context(local_chain(CONFIG.argv["network"] or "ganache"))
    except (BadInput, NodeUnavailable) as error:
        raise pytest.UsageError(str(error)) from error
    connect_brownie(chain)
    if chain.network == "ganache-cli":
        # --coverage sends calls as transactions that offer no gas price: Ganache never mines them
        CONFIG.argv["always_transact"] = False


def _test_contracts_there() -> None:
    from testing.contracts.brownie_chain import BrownieChain
    from testing.contracts.chain import use

    use(BrownieChain())


def _mend_brownie() -> None:
    from brownie.network.rpc import Rpc

    # each of these is guarded against being called directly: the guard walks the whole stack, which is slow,
    # and takes Brownie's own compiled modules for strangers
    for name in ("sleep", "mine", "snapshot", "revert"):
        guarded = getattr(Rpc, name)
        setattr(Rpc, name, guarded.__closure__[0].cell_contents)
    # at each revert Brownie collects garbage: what is imported by now is none
    gc.freeze()
