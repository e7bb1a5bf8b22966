"""`holdfast cloud-owner`: run the agent, see what it holds, and leave."""

from __future__ import annotations

from typing import Annotated

import typer

from agents.commands.running import run_agent
from agents.core.amounts import shown_amount
from agents.core.assets import Instance
from agents.core.enums import JobStatus
from agents.core.ids import dataset_of, subset_of
from agents.core.market import PAID
from agents.output.terminal import say
from agents.portfolio.known import KnownHome
from agents.runtime import launch
from agents.runtime.options import takes
from agents.runtime.settings import CloudOwnerSettings, HomeSettings, MemberSettings

cloud_owner = typer.Typer(help="Hold replicas: run the agent, see what it holds, leave.")


@cloud_owner.command("run")
@takes(CloudOwnerSettings)
def run(settings: CloudOwnerSettings) -> None:
    """Hold replicas, train when drawn, be paid."""
    run_agent("cloud-owner", settings, lambda member: launch.cloud_owner(settings, member))


@cloud_owner.command("instances")
@takes(HomeSettings)
def instances(settings: HomeSettings) -> None:
    """Show the replicas that it holds or held: bond, pay, misses. Needs no node."""
    known = KnownHome.read(settings.home)
    mine = list(known.market.instances_at(known.address))
    for instance in mine:
        say(_line(known, instance))
    if not mine:
        say("nobody named it yet")


@cloud_owner.command("retire")
@takes(MemberSettings)
def retire(
    settings: MemberSettings,
    instance: Annotated[list[str], typer.Argument(help="Ids of instances, or unique first digits of them.")],
) -> None:
    """Leave the pool with some instances; their bonds are held until no round needs them."""
    known = KnownHome.read(settings.home)
    leaving = [known.instance(text) for text in instance]
    launch.retire(settings, launch.enrol(settings, launch.unlock(settings)), leaving)
    say(f"{len(leaving)} instances retiring")


def _line(known: KnownHome, instance: Instance) -> str:
    verdicts = [
        record.verdicts[instance.id]
        for couple in known.market.couples.values()
        for record in couple.rounds.values()
        if instance.id in record.verdicts
    ]
    paid = sum(amount for verdict, amount in verdicts if verdict in PAID)
    misses = sum(verdict is JobStatus.MISSED for verdict, _ in verdicts)
    return (
        f"{instance.id:064x}  subset {subset_of(instance.id)} of {known.called(dataset_of(instance.id))}  "
        f"{instance.status.name.lower()}, bond {shown_amount(instance.bond)}, paid {shown_amount(paid)} "
        f"for {len(verdicts)} jobs, {misses} missed"
    )
