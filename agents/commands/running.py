"""What it takes to run an agent from a command."""

from __future__ import annotations

from collections.abc import Callable

from agents.output.logs import log_to_stderr
from agents.runtime import launch
from agents.runtime.settings import AgentSettings

Assemble = Callable[[launch.AgentContext], launch.Parts]


def run_agent(role: str, settings: AgentSettings, assemble: Assemble) -> None:
    """Runs an agent until it is told to stop.

    Raises:
        BadInput, StopAgent: it cannot begin, or cannot go on.
    """
    log_to_stderr(f"{role}/{settings.home.absolute().name}", settings.log_level, settings.log_format)
    member = launch.enrol(settings, launch.unlock(settings))
    parts = assemble(member)
    with launch.stopped_by_signals() as stop:
        launch.run(settings, member, *parts, stop)
