"""Tables as files, out of packages whose code is not run."""

from __future__ import annotations

import csv
import json
import tarfile
from functools import lru_cache
from pathlib import Path

from agents.core.errors import BadInput
from benchmarks.tables.catalogue import Entry

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ROOT / ".bench-tables"
"""Where the packages of requirements.txt are installed."""


def written(entry: Entry, folder: Path, packages: Path = PACKAGES) -> Path:
    """Writes a table as CSV, without the columns that are left out, and says where.

    Raises:
        BadInput: the package is not there, or has no such table or column.
    """
    rows = _rows(entry, packages)
    left = [place for place, name in enumerate(rows[0]) if name not in entry.without]
    if entry.target not in rows[0] or len(left) + len(entry.without) != len(rows[0]):
        raise BadInput(f"{entry.name} has the columns {', '.join(rows[0])}")
    path = folder / f"{entry.name.replace('/', '-')}-{entry.target}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([row[place] for place in left] for row in rows)
    return path


def _rows(entry: Entry, packages: Path) -> list[list[str]]:
    """Header and rows, as text."""
    try:
        if entry.package == "pydataset":
            return _of_r(_archive(packages / "pydataset" / "resources.tar.gz")[entry.name])
        if entry.package == "statsmodels":
            text = (packages / "statsmodels" / "datasets" / entry.name / f"{entry.name}.csv").read_text()
            return list(csv.reader(text.splitlines(), delimiter=_delimiter(text), quotechar=_quote(text)))
        return _of_vega(packages / "vega_datasets" / "_data", entry.name)
    except (OSError, KeyError) as error:
        raise BadInput(f"{entry.name} is not in {packages}: run `make bench-tables` ({error})") from None


@lru_cache(maxsize=1)
def _archive(path: Path) -> dict[str, str]:
    """R's tables by package and name."""
    found: dict[str, str] = {}
    with tarfile.open(path) as archive:
        for member in archive:
            parts = Path(member.name)
            data = archive.extractfile(member) if parts.suffix == ".csv" and member.isfile() else None
            if data is not None and not parts.name.startswith("._"):
                text = data.read().decode("utf-8", errors="replace")
                found[f"{parts.parent.name}/{parts.stem}"] = text
    return found


def _of_r(text: str) -> list[list[str]]:
    """Without the names of the rows, which come first."""
    return [row[1:] for row in csv.reader(text.splitlines()) if row]


def _delimiter(text: str) -> str:
    return "\t" if "\t" in text.partition("\n")[0] else ","


def _quote(text: str) -> str:
    return "'" if text.startswith("'") else '"'


def _of_vega(folder: Path, name: str) -> list[list[str]]:
    file = folder / f"{name}.json"
    if not file.exists():
        return list(csv.reader((folder / f"{name}.csv").read_text().splitlines()))
    records = json.loads(file.read_text())
    names = list(records[0])
    cells = [["" if record[key] is None else str(record[key]) for key in names] for record in records]
    return [names, *cells]
