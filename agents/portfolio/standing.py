"""Where a data owner stands with each of its datasets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agents.core.errors import BadInput
from agents.portfolio.entries import DatasetEntry
from agents.portfolio.files import FOLDERS, check_name
from agents.storage.people import LEDGER_FILE
from agents.workers.standing import DESCRIPTION_FILE, standing_of


def standings(
    home: Path, name: str | None, ledger: Path | None, lifetime: int
) -> Iterator[tuple[str, list[str]]]:
    """By name, a line for each thing that is to be said of a dataset.

    Args:
        home: of the data owner.
        name: of one dataset; None for all.
        ledger: of people; by default in the home.
        lifetime: epsilon for all offers of the same people together.

    Raises:
        BadInput: nothing is offered from there.
        StopAgent: what it keeps is damaged.
    """
    folder = home / FOLDERS[DatasetEntry]
    if name is None:
        names = sorted(path.parent.name for path in folder.glob(f"*/{DESCRIPTION_FILE}"))
    else:
        names = [check_name(name)]
    if not names:
        raise BadInput(f"{home}: no dataset is offered from there: name the home of a data owner")
    for one in names:
        yield one, list(standing_of(folder / one, ledger or home / LEDGER_FILE, lifetime).lines())
