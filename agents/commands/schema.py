"""The commands of schemas: what a table's columns are, made of a table, checked, shown, compared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agents.learning.data.prepare import partition
from agents.learning.data.samples import PredictionTask
from agents.learning.data.schema.departures import Departed
from agents.learning.data.schema.document import read_schema
from agents.learning.data.schema.shown import differences, shown
from agents.learning.data.tables import load_table
from agents.output.logs import log_to_stderr
from agents.output.terminal import complain, say, say_document

schema = typer.Typer(help="What a table's columns are, as a document to edit and to hand out.")

TableName = Annotated[str, typer.Argument(help="A table's file, a database's address, or a built-in table.")]
Query = Annotated[str | None, typer.Option(help="A SELECT, where the table is a database.")]
SchemaFile = Annotated[Path, typer.Argument(help="A schema's JSON file.")]


@schema.command()
def make(
    table: TableName,
    target: Annotated[str | None, typer.Option(help="The target's column; by default the last.")] = None,
    task: Annotated[
        PredictionTask | None, typer.Option(help="What the target is; else its looks decide.")
    ] = None,
    merge_rare: Annotated[int | None, typer.Option(min=2, help="Classes of fewer rows become one.")] = None,
    query: Query = None,
    group: Annotated[str | None, typer.Option(help="Column that says whose row it is.")] = None,
    keep: Annotated[list[str] | None, typer.Option(help="Column to keep, whatever it looks like.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Which rows are for training: they give the scales.")] = 0,
) -> None:
    """Write a table's schema to stdout, as an agent would read it; notes go to stderr."""
    log_to_stderr("schema")
    loaded = load_table(table, target, task, merge_rare, query, group=group, keep=tuple(keep or ()))
    prepared = partition(loaded, seed)
    for note in (*loaded.notes, *prepared.notes):
        complain(note)
    assert prepared.schema is not None
    say_document(prepared.schema.text().removesuffix("\n"))


@schema.command()
def check(
    table: TableName,
    schema: Annotated[Path, typer.Option(help="A schema's JSON file.")],
    query: Query = None,
) -> None:
    """Say where a table is not as a schema says, a line each."""
    log_to_stderr("schema")
    known = read_schema(schema)
    try:
        loaded = load_table(table, query=query, schema=known)
    except Departed as departed:
        for line in departed.lines:
            say(line)
        raise typer.Exit(2) from None
    for note in loaded.notes:
        complain(note)
    say(f"{loaded.name} is as the schema says: {len(loaded.target)} rows, {len(known.features)} features")


@schema.command()
def show(schema: SchemaFile) -> None:
    """Show a schema as a table."""
    for line in shown(read_schema(schema)):
        say(line)


@schema.command()
def compare(first: SchemaFile, second: SchemaFile) -> None:
    """Say what differs of two schemas, a line each; exit code 1 if anything does."""
    lines = differences(read_schema(first), read_schema(second))
    for line in lines:
        say(line)
    if lines:
        raise typer.Exit(1)
    say("the same columns, read alike")
