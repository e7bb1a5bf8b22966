"""What it takes to run an agent from a command."""

from __future__ import annotations

from collections.abc import Callable

from agents.output.logs import log_to_stderr
from agents.runtime import launch
from agents.runtime.settings import AgentSettings

Assemble = Callable[[launch.AgentContext], launch.Parts]


def run_agent(name: str, settings: AgentSettings, assemble: Assemble) -> None:
    """Runs an agent until it is told to stop.

    Raises:
        BadInput, StopAgent: it cannot begin, or cannot go on.
    """
    log_to_stderr(name, verbose=not settings.quiet)
    member = launch.enrol(settings, launch.unlock(settings))
    role, worker = assemble(member)
    with launch.stopped_by_signals() as stop:
        launch.run(settings, member, role, worker, stop)
