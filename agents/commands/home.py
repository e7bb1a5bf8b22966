"""`holdfast home`: move a member from one machine to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agents.output.terminal import say
from agents.runtime import launch
from agents.runtime.moving import bring_in, export
from agents.runtime.options import takes
from agents.runtime.settings import HomeSettings, MarketSettings, MemberSettings

home = typer.Typer(help="Move a member from one machine to another.")


class ArrivalSettings(MarketSettings, HomeSettings):
    """Of a home that comes from elsewhere."""


@home.command("export")
@takes(MemberSettings)
def export_(
    settings: MemberSettings,
    file: Annotated[Path, typer.Argument(help="Where to write all that is in the home.")],
) -> None:
    """Write a home to one file and mark it as moved. Stop its agent first; the wallet stays encrypted."""
    export(settings, launch.enrol(settings, launch.unlock(settings)), file)
    say(f"{file} has all of {settings.home}, which runs no agent any more: import it on the other machine")


@home.command("import")
@takes(ArrivalSettings)
def import_(
    settings: ArrivalSettings,
    file: Annotated[Path, typer.Argument(help="As `holdfast home export` wrote it.")],
) -> None:
    """Make a home of such a file, unless the wallet was used since. The deployment is in the file."""
    say(f"{bring_in(settings, settings.home, file)} is at home in {settings.home}: delete {file}")
