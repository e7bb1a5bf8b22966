"""What a search of coalitions found, as rows of a report and as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.table import Table

from agents.core.amounts import ETHER
from assurance.economics.coalitions.members import Means
from assurance.economics.coalitions.search import Aim, Finding, RoundPlay

MILLI = ETHER // 1000
SHOWN = 2
"""Subsets of a round in the table; the report has the others."""


def told(finding: Finding) -> dict[str, object]:
    """A row of the report; amounts in wei, of a round."""
    return {
        "coalition": finding.coalition.kind,
        "cloud_owners_of_a_subset": finding.coalition.clouds,
        "means": finding.means,
        "replicas": finding.replicas,
        "subsets": finding.drawn,
        "best": {aim: _play(play) for aim, play in finding.best.items()},
    }


def _play(play: RoundPlay) -> dict[str, object]:
    return {
        "quorum": play.quorum,
        "answers": list(play.words),
        "gain": play.gain,
        "honest_results": play.results,
        "honest_paid": play.paid,
        "free_results": play.free,
        "worst_loss": play.loss,
    }


def table(findings: Iterable[Finding]) -> Table:
    """Of each kind of coalition that with the most cloud owners, by what it can do."""
    rows: dict[tuple[str, Means], list[Finding]] = {}
    sizes: dict[int, None] = {}
    for finding in findings:
        sizes[finding.replicas] = None
        most = (finding.replicas - 1) // 2 if finding.coalition.clouds else 0
        if finding.drawn == SHOWN and finding.coalition.clouds == most:
            rows.setdefault((finding.coalition.kind, finding.means), []).append(finding)
    shown = Table(title=f"coalitions, a round of {SHOWN} subsets; thousandths of a coin, by replicas (n)")
    for column in ("who", "by"):
        shown.add_column(column)
    for column in (*(f"gain, n={size}" for size in sizes), "results", "paid", "free", "worst loss"):
        shown.add_column(column, justify="right")
    order = list(Means)
    for (kind, means), found in sorted(rows.items(), key=lambda row: (order.index(row[0][1]), row[0][0])):
        gains = [finding.best[Aim.GAIN] for finding in found]
        shown.add_row(
            kind,
            means,
            *(_milli(play.gain) for play in gains),
            _joined(gains, lambda play: str(play.results)),
            _joined(gains, lambda play: _milli(play.paid)),
            _joined([finding.best[Aim.FREE] for finding in found], lambda play: str(play.free)),
            _joined([finding.best[Aim.LOSS] for finding in found], lambda play: _milli(play.loss)),
        )
    return shown


def _joined(plays: Sequence[RoundPlay], text: Callable[[RoundPlay], str]) -> str:
    """One value if they are all alike."""
    texts = [text(play) for play in plays]
    return texts[0] if len(set(texts)) == 1 else " ".join(texts)


def _milli(wei: int) -> str:
    return f"{wei / MILLI:.4g}"
