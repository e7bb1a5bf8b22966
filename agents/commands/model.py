"""What a trained model is used for: `holdfast model export` and `holdfast predict`."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated

import typer

from agents.core.errors import BadInput
from agents.learning.data.schema.departures import Departed
from agents.learning.data.schema.document import Schema, parse_schema
from agents.learning.export.document import TrainedDocument
from agents.learning.export.onnx import to_onnx
from agents.learning.judgement import Forecast
from agents.output.terminal import complain, say
from agents.portfolio.files import check_name
from agents.portfolio.models import trained
from agents.storage.files import read, write

model = typer.Typer(help="What a model owner has trained.")


@model.command("export")
def export(
    name: Annotated[str, typer.Argument(help="How the model owner calls the model.")],
    home: Annotated[Path, typer.Option(help="The model owner's folder.")],
    out: Annotated[Path, typer.Option(help="The document for `holdfast predict` (JSON).")],
    schema: Annotated[
        Path | None, typer.Option(help="The data owner's schema.json: to read tables with.")
    ] = None,
    onnx: Annotated[Path | None, typer.Option(help="Write the model as ONNX as well.")] = None,
) -> None:
    """Write the latest model as a file of its own."""
    found = TrainedDocument(*trained(home, check_name(name)), _schema(schema))
    found.check()
    write(out, found.to_bytes(), private=False)
    if onnx is not None:
        write(onnx, to_onnx(found), private=False)
    say(f"{found.plan.features} features, {found.plan.classes or 'no'} classes: {out}")


def predict(
    table: Annotated[Path, typer.Argument(help="A table's file, with the columns that were trained on.")],
    model: Annotated[Path, typer.Option(help="What `holdfast model export` wrote.")],
    out: Annotated[
        Path | None, typer.Option(help="For the answers (CSV); by default they are printed.")
    ] = None,
) -> None:
    """Say what a model says of each row of a table."""
    # Not before a table is read: Arrow takes time and room, and agents that read none do without.
    from agents.learning.data.reading.sources import read_file
    from agents.learning.data.schema.rows import rows_of

    if not table.exists():
        raise BadInput(f"no file {table}: name a table")
    trained = TrainedDocument.from_bytes(_read(model, "a model"))
    known = trained.known()
    columns, notes = read_file(table)
    try:
        features, more = rows_of(table.name, columns, known)
    except Departed as departed:
        for line in departed.lines:
            complain(line)
        raise typer.Exit(2) from None
    answers = _answers(trained.forecast(features), known)
    for note in (*notes, *more):
        complain(note)
    if out is None:
        for line in answers.splitlines():
            say(line)
    else:
        write(out, answers.encode(), private=False)
        say(f"{answers.count(chr(10)) - 1} rows: {out}")


def _answers(said: Forecast, known: Schema) -> str:
    """A line a row, below a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if said.chances is None:
        centre, scale = known.unit
        writer.writerow(["value"])
        writer.writerows([repr(float(value) * scale + centre)] for value in said.said)
    else:
        writer.writerow(["class", *(f"chance of {name}" for name in known.classes)])
        for number, chances in zip(said.said, said.chances, strict=True):
            writer.writerow([known.classes[int(number)], *(f"{chance:.6f}" for chance in chances)])
    return text.getvalue()


def _schema(path: Path | None) -> Schema | None:
    return None if path is None else parse_schema(_read(path, "a schema"), str(path))


def _read(path: Path, what: str) -> bytes:
    data = read(path)
    if data is None:
        raise BadInput(f"no file {path}: name {what}")
    return data
