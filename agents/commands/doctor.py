"""`holdfast doctor`: whether an agent will be able to do its work, before anything is paid."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from agents.doctor import chain_checks, home_checks, machine_checks
from agents.doctor.case import Case, Check, examined
from agents.output.terminal import say
from agents.runtime.options import takes
from agents.runtime.settings import AgentSettings

CHECKS: Final[dict[str, Check]] = {
    "home": home_checks.home,
    "files": home_checks.files,
    "kit": home_checks.kit,
    "wallet": home_checks.wallet,
    "nodes": chain_checks.nodes,
    "chain": chain_checks.chain,
    "logs": chain_checks.logs,
    "clock": chain_checks.clock,
    "store": machine_checks.store,
    "coins": chain_checks.coins,
    "policy": machine_checks.policy,
    "machine": machine_checks.machine,
    "versions": machine_checks.versions,
}


@takes(AgentSettings)
def doctor(
    settings: AgentSettings,
    write: Annotated[bool, typer.Option("--write", help="Put one small object into the store.")] = False,
) -> None:
    """Check home, kit, wallet, nodes, clock, store, coins and versions; exit code 1 if one fails.

    It goes on to the end, and pays nothing.
    """
    failed = False
    for number, name, finding in examined(Case(settings, write), CHECKS):
        failed = failed or finding.level == "FAIL"
        say(f"{finding.level:4}  {number:2} {name:8}  {finding.words}")
    raise typer.Exit(1 if failed else 0)
