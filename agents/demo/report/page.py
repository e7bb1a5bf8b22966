"""The report as one page that needs nothing but itself, and both files written."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from agents.core.jsonable import json_text
from agents.demo.outcome import DemoOutcome, Names
from agents.demo.report.accuracy import accuracy_plot
from agents.demo.report.calibration import calibration_plot
from agents.demo.report.summary import Section, summary
from agents.readmodel.gas import gas_by, label
from agents.report.html import environment
from agents.report.plots import gas_plot
from agents.storage.files import write

JSON_NAME, PAGE_NAME = "report.json", "report.html"
_TEMPLATES = Path(__file__).parent / "templates"


def write_report(outcome: DemoOutcome, folder: Path) -> None:
    """Writes ``report.json`` and ``report.html`` to `folder`; a crash leaves the old files or the new ones.

    Args:
        outcome: what the run left.
        folder: made if it is not there.

    Raises:
        StorageFailed: one of them is not written.
    """
    facts = summary(outcome)
    write(folder / JSON_NAME, f"{json_text(facts)}\n".encode(), private=False)
    write(folder / PAGE_NAME, page(outcome, facts).encode(), private=False)


def page(outcome: DemoOutcome, facts: Section) -> str:
    """The whole page as HTML.

    Args:
        outcome: what the run left.
        facts: its summary; all that the page tells is in it.
    """
    names = Names(outcome.parties)
    template = environment(_TEMPLATES).get_template("report.html.j2")
    return template.render(
        facts,
        name_of=lambda address: names[address].name,
        accuracy_plot=Markup(accuracy_plot(outcome.scores)),
        calibration_plot=Markup(calibration_plot(outcome.scores.reliability)),
        gas_plot=Markup(gas_plot(gas_by(label, outcome.transactions))),
    )
