"""The dashboard and the alerts name metrics that there are, with labels that they have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from agents.observe.metrics import Metrics
from scripts.local_chain import ROOT

FOLDER = ROOT / "deploy" / "monitoring"


def dashboard() -> Iterator[str]:
    for panel in json.loads((FOLDER / "grafana.json").read_text())["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))


def alerts() -> Iterator[str]:
    for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


@pytest.fixture(scope="module")
def series() -> dict[str, set[str]]:
    """All that is there from the start, with the names of its labels."""
    text = Metrics("cloud-owner", ["the node a"]).text().decode()
    found: dict[str, set[str]] = {}
    for name, labels in re.findall(r"^(holdfast_\w+)(?:\{(.*)\})? ", text, re.MULTILINE):
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found


@pytest.mark.parametrize("expression", [*dashboard(), *alerts()])
def test_every_metric_that_is_named_exists(expression: str, series: dict[str, set[str]]) -> None:
    names = re.findall(r"holdfast_\w+", expression)
    assert names
    assert set(names) <= series.keys()
    for labels in re.findall(r"by \(([^)]*)\)", expression):
        assert set(re.split(r", *", labels)) <= {label for name in names for label in series[name]}


def test_no_series_has_a_label_without_bound(series: dict[str, set[str]]) -> None:
    known = {
        "version",
        "role",
        "node",
        "method",
        "result",
        "event",
        "kind",
        "cause",
        "state",
        "phase",
        "task",
    }
    assert {label for labels in series.values() for label in labels} == known | {"le"}


def test_the_dashboard_has_five_rows_and_each_panel_a_place() -> None:
    panels = json.loads((FOLDER / "grafana.json").read_text())["panels"]
    assert sum(panel["type"] == "row" for panel in panels) == 5
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_operating_says_what_to_do_about_each_alert() -> None:
    told = (ROOT / "docs" / "operating.md").read_text()
    rules = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
    assert all(f"`{rule['alert']}`" in told for rule in rules)
    assert Path(FOLDER / "grafana.json").name in told
