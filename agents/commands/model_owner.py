"""`holdfast model-owner`: run the agent, ask for models, and find what was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agents.commands.data_owner import refuse_changed
from agents.commands.running import run_agent
from agents.core.errors import BadInput
from agents.learning.data import exposed
from agents.learning.families.registry import family_of, parse_plan
from agents.output.terminal import complain, say
from agents.portfolio.entries import ModelEntry
from agents.portfolio.files import check_name, set_wanted, write_entry
from agents.portfolio.models import latest_weights
from agents.runtime import launch
from agents.runtime.options import takes
from agents.runtime.settings import HomeSettings, ModelOwnerSettings, TrainSettings
from agents.storage.files import read

model_owner = typer.Typer(help="Have models trained: run the agent, ask for models, find the weights.")

Name = Annotated[str, typer.Argument(help="How you call the model.")]


@model_owner.command("run")
@takes(ModelOwnerSettings)
def run(settings: ModelOwnerSettings) -> None:
    """Train all models of the home: pay, start rounds, settle, aggregate, stop."""
    run_agent("model-owner", settings, lambda member: launch.model_owner(settings, member))


@model_owner.command("train")
@takes(TrainSettings)
def train(
    settings: TrainSettings,
    name: Name,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check what can be checked, and stop.")] = False,
) -> None:
    """Ask for a model: what can be checked is, then its file is written for the agent."""
    given = {field: getattr(settings, field) for field in ModelEntry.model_fields}
    entry = ModelEntry.model_construct(**given).at(Path.cwd())
    refuse_changed(settings.home, "model", check_name(name), entry)
    _check(entry)
    if not dry_run:
        path = write_entry(settings.home, name, entry)
        say(f"{path} is written: a running agent takes it up; holdfast model-owner run starts one")


@model_owner.command("stop")
@takes(HomeSettings)
def stop(settings: HomeSettings, name: Name) -> None:
    """End training after the round under way; what was not used of the escrow comes back."""
    say(f"{set_wanted(settings.home, name, ModelEntry, 'stopped')}: ends after the round under way")


@model_owner.command("weights")
@takes(HomeSettings)
def weights(settings: HomeSettings, name: Name) -> None:
    """Say where a model's weights are, and how to use them."""
    round_, path = latest_weights(settings.home, check_name(name))
    say(f"{path}: after round {round_}; int64, in units of 2^-weight_bits. To use them:")
    say(f"holdfast model export {name} --home {settings.home} --schema schema.json --out {name}.json")
    say(f"holdfast predict TABLE --model {name}.json")


def _check(entry: ModelEntry) -> None:
    """Reads what an entry names.

    Raises:
        BadInput: it is of no use.
    """
    if entry.plan is not None:
        data = read(entry.plan)
        if data is None:
            raise BadInput(f"no file {entry.plan}: name a training plan")
        plan = parse_plan(data)
        say(f"plan: {family_of(plan).name()}, {plan.rounds} rounds")
    found = read(entry.samples)
    if found is None:
        complain(f"there are no samples at {entry.samples} yet: get them from the data owner")
    else:
        say(f"{len(exposed.from_bytes(found))} samples to score on")
