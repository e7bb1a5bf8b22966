"""Tables of other packages beside the built-in ones: thousands of rows, where noise costs little.

`make bench-privacy` puts the packages into .bench/tables, for the files that are in them: nothing of them is
run.

- fair (statsmodels): 6,366 women, and whether they had an affair (Fair 1978).
- HI (pydataset, from R's Ecdat): 22,272 households, and whether the wife is insured by her own work.
- diamonds (pydataset, from R's ggplot2): 53,940 diamonds, and the logarithm of their price.
"""

from __future__ import annotations

import csv
import io
import math
import tarfile
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from agents.core.errors import BadInput
from agents.learning.data.tables import BUILT_IN, Table, load_table

PACKAGES = Path(__file__).resolve().parents[2] / ".bench" / "tables"

Row = Mapping[str, str]


@lru_cache(maxsize=1)
def table(name: str) -> Table:
    """A built-in table, or one of `OTHERS`, read from a file as a data owner's is.

    Raises:
        BadInput: its package is not there.
    """
    if name in BUILT_IN:
        return load_table(name)
    text, target = OTHERS[name]
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.csv"
        rows = [target(row) for row in csv.DictReader(io.StringIO(text()))]
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return load_table(path)


def _fair() -> str:
    return _read(PACKAGES / "statsmodels" / "datasets" / "fair" / "fair.csv").decode()


def _of_r(file: str) -> Callable[[], str]:
    """A file of those that pydataset packs."""

    def text() -> str:
        packed = _read(PACKAGES / "pydataset" / "resources.tar.gz")
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            name = next(name for name in archive.getnames() if name.endswith(file))
            found = archive.extractfile(name)
            assert found is not None
            return found.read().decode()

    return text


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"{path} is not there: `make bench-privacy` fetches it; or name other tables"
        ) from error


def _affair(row: Row) -> dict[str, str]:
    return _without(row, "affairs") | {"affair": "yes" if float(row["affairs"]) else "no"}


def _insured(row: Row) -> dict[str, str]:
    return _without(row, "whi") | {"whi": row["whi"]}


def _price(row: Row) -> dict[str, str]:
    return _without(row, "price") | {"logarithm of price": str(math.log(float(row["price"])))}


def _without(row: Row, *names: str) -> dict[str, str]:
    """The cells of a row but those named, and but its number."""
    return {name: cell for name, cell in row.items() if name and name not in names}


OTHERS: dict[str, tuple[Callable[[], str], Callable[[Row], dict[str, str]]]] = {
    "fair": (_fair, _affair),
    "HI": (_of_r("/HI.csv"), _insured),
    "diamonds": (_of_r("/diamonds.csv"), _price),
}
"""By name: the text of the file, and what is made of a row, the target last."""
