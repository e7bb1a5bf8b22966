"""One fresh local chain for each test process, and what Brownie 1.22.2 needs beside it."""

from __future__ import annotations

import gc
from contextlib import ExitStack

import pytest

CHAINS = ExitStack()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Connects Brownie, before it would launch a node of its own; see scripts/local_chain.py."""
    if not _runs_contract_tests(session):
        return
    from brownie._config import CONFIG
    from brownie.network.rpc import Rpc

    from scripts.local_chain import connect_brownie, local_chain

    chain = CHAINS.enter_context(local_chain(CONFIG.argv["network"] or "ganache"))
    connect_brownie(chain)
    if chain.network == "ganache-cli":
        # --coverage sends calls as transactions that offer no gas price: Ganache never mines them
        CONFIG.argv["always_transact"] = False
    for name in ("sleep", "mine", "snapshot", "revert"):
        # each is guarded against being called directly: the guard walks the whole stack, which is slow, and
        # takes Brownie's own compiled modules for strangers
        guarded = getattr(Rpc, name)
        setattr(Rpc, name, guarded.__closure__[0].cell_contents)
    # Brownie collects garbage at every revert: nothing that was imported is
    gc.freeze()


def pytest_unconfigure() -> None:
    """Ends the chain."""
    CHAINS.close()


def _runs_contract_tests(session: pytest.Session) -> bool:
    """Whether this process executes tests with Brownie: not `-p no:pytest-brownie`, not the head of `-n`."""
    brownie = session.config.pluginmanager.get_plugin("brownie-core")
    return brownie is not None and hasattr(brownie, "pytest_runtest_protocol") and bool(session.items)
