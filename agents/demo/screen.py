"""The demo on a screen: a line an event, and where it stands underneath."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from agents.core.escaping import printable
from agents.core.events import InstanceVerified, MarketEvent, RoundClosed
from agents.core.ids import Address, CoupleId
from agents.core.market import Market
from agents.demo.narrate import is_bad_news, narrate
from agents.output.heartbeat import Heartbeat
from agents.report.words import coins
from agents.roles.results import PublishedWeights
from agents.roles.tasks.model_owner import weights_key
from agents.storage.journal import read_results


class Screen:
    """Tells events. On a terminal the last line shows round, rem, score and money.

    Args:
        journal: the model owner's, to read its scores.
        heart: says where it stands when nothing happens.
    """

    def __init__(
        self,
        console: Console,
        names: Mapping[Address, str],
        tc: CoupleId,
        journal: Path,
        heart: Heartbeat | None = None,
    ) -> None:
        self._console, self._names, self._tc, self._journal = console, names, tc, journal
        self._heart = heart or Heartbeat(lambda _: None)
        self._market = Market()
        self._live = Live(console=console, get_renderable=self._status, refresh_per_second=4, transient=True)

    def __enter__(self) -> Screen:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def tell(self, event: MarketEvent, market: Market) -> None:
        """One event, just applied to `market`."""
        self._market = market
        self._heart.follow(self._stands)
        self._heart.said()
        style = "bold red" if is_bad_news(event) else "green" if isinstance(event, _GOOD) else ""
        self._console.print(Text(narrate(event, market, self._names), style=style), soft_wrap=True)

    def say(self, words: str) -> None:
        """A line that is no event."""
        self._console.print(Text(printable(words), style="bold yellow"))

    def _stands(self) -> str:
        """For what it waits, in words."""
        couple = self._market.couples.get(self._tc)
        if couple is None:
            return f"{len(self._market.members)} members are on the market"
        return f"round {couple.round}: {couple.phase.name.lower()}, {couple.rem} answers to come"

    def _status(self) -> Table:
        couple = self._market.couples.get(self._tc)
        row = Table.grid(padding=(0, 3))
        if couple is None:
            row.add_row(Text(f"{len(self._market.members)} members", style="dim"))
            return row
        results = read_results(self._journal)
        latest = (results.get(weights_key(self._tc, number)) for number in (couple.round, couple.round - 1))
        made = next(filter(None, latest), None)
        row.add_row(
            Text(couple.phase.name.lower(), style="bold"),
            f"round {couple.round} of {couple.max_rounds}",
            f"rem {couple.rem}",
            f"score {made.score:.3f}" if isinstance(made, PublishedWeights) else "",
            f"escrow {coins(couple.escrow)}",
        )
        return row


_GOOD = (InstanceVerified, RoundClosed)
