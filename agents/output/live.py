"""Lines that change where they stand, on a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from agents.core.escaping import printable


def watch(lines: Callable[[], Iterable[str]], seconds: float) -> None:
    """Shows lines, made anew every so often, until Ctrl-C. Each is escaped."""
    from rich.console import Console  # takes time, and only who watches needs it
    from rich.live import Live
    from rich.text import Text

    def shown() -> Text:
        return Text("\n".join(map(printable, lines())), no_wrap=True, overflow="ellipsis")

    try:
        with Live(shown(), console=Console(), auto_refresh=False, screen=False) as live:
            while True:
                time.sleep(seconds)
                live.update(shown(), refresh=True)
    except KeyboardInterrupt:
        return
