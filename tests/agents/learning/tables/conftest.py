"""Tables written to files and read again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.core.errors import BadData
from agents.learning.data.samples import PredictionTask
from agents.learning.data.tables import Table, load_table
from testing.csv_lines import Loader, Refusal


@pytest.fixture
def load(tmp_path: Path) -> Loader:
    """Loads a table of this content."""

    def load_(
        content: str | bytes,
        target: str | None = "y",
        task: PredictionTask | None = None,
        merge_rare: int | None = None,
        name: str = "some.csv",
        **how: Any,
    ) -> Table:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load_table(path, target, task, merge_rare, **how)

    return load_


@pytest.fixture
def refusal(load: Loader) -> Refusal:
    """The one line with which a table of this content is refused."""

    def refused(*args: object, **how: object) -> str:
        with pytest.raises(BadData) as caught:
            load(*args, **how)
        message = str(caught.value)
        assert "\n" not in message
        return message.removeprefix("some.csv: ")

    return refused
