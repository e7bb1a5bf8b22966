"""What the programs of assurance/ and benchmarks/ share: flags, reports, and work for several processes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn
from rich.progress import TimeRemainingColumn as TimeRemaining

from agents.core.errors import BadInput
from agents.output.logs import escape_what_is_left
from agents.output.terminal import complain


class FlagParser(argparse.ArgumentParser):
    """The flags of a program; one that cannot be read is a `BadInput`."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(message.replace("\n", " "))


@contextmanager
def one_line_if_wrong(*problems: type[Exception]) -> Iterator[None]:
    """Ends the program with exit code 2 and one line on stderr where a flag cannot be used.

    Args:
        problems: what the block may raise beside `BadInput`.
    """
    wrong: tuple[type[Exception], ...] = (BadInput, *problems)
    escape_what_is_left()
    try:
        yield
    except wrong as problem:
        complain(problem)
        raise SystemExit(2) from None


def write_report(report: Mapping[str, Any], path: Path) -> None:
    """Writes figures as JSON, in a folder that is made if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + "\n")


@contextmanager
def processes(
    doing: str,
    jobs: int,
    total: int,
    done: int = 0,
    column: type[ProgressColumn] = TimeRemaining,
    *,
    anew: bool = False,
) -> Iterator[tuple[ProcessPoolExecutor, Callable[..., None]]]:
    """So many processes, and a bar on stderr: ``show(advance=1, description="3 of them good")``.

    If the block is broken off, nothing that waits is begun. `anew` ones are no forks of this process, which
    may have threads then.
    """
    context = get_context("forkserver" if anew else None)
    columns = TextColumn(doing), BarColumn(), MofNCompleteColumn(), column(), TextColumn("{task.description}")
    with (
        ProcessPoolExecutor(jobs, context) as pool,
        Progress(*columns, console=Console(stderr=True)) as progress,
    ):
        bar = progress.add_task("", total=total, completed=done)
        try:
            yield pool, partial(progress.update, bar)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
