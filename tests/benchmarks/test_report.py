from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from agents.core.errors import BadInput
from benchmarks.publish import filled, main, publish
from benchmarks.report.claims import Bounds, claims
from benchmarks.report.figures import figures
from benchmarks.report.layout import ReportTable, in_markdown
from benchmarks.report.page import CAPTIONS, page
from benchmarks.report.summary import summary
from benchmarks.report.tables import skipped, tables
from testing.poison import ODD_TEXTS, is_clean
from tests.benchmarks.support import found, models, rates, spread


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    return figures(found())


def ratio(key: str) -> Bounds:
    return next(claim.spread for claim in claims(found()) if claim.key == key)


def test_a_ratio_is_as_far_apart_as_its_parts_allow() -> None:
    assert Bounds(6, 4, 8).over(Bounds(2, 1, 4)) == Bounds(3, 1, 8)


def test_compares_with_postgres_where_that_is_quickest() -> None:
    assert ratio("postgres") == Bounds(200 / 400, 190 / 420, 210 / 380)


def test_compares_with_postgres_that_waits_for_no_disk_too() -> None:
    assert ratio("postgres_unwaiting") == Bounds(200 / 800, 190 / 800, 210 / 800)
    assert ratio("postgres_validators4").median == 40 / 400


def test_compares_validators_with_one_node() -> None:
    assert ratio("validators4_anvil") == Bounds(40 / 200, 38 / 210, 42 / 190)


def test_tells_what_becomes_of_throughput_at_the_highest_rate() -> None:
    assert ratio("throughput_anvil").median == 1_200 / 480


def test_compares_wall_time_with_flower_where_there_are_verdicts() -> None:
    assert ratio("flower") == Bounds(1.5, 1.4, 1.6)


def test_claims_nothing_of_what_was_not_measured() -> None:
    assert claims({"models": {"skipped": "no node"}, "rates": {"anvil": {"failed": "why"}}}) == []
    assert claims({}) == []


def test_the_summary_has_the_headline_figures() -> None:
    told = summary(found())
    assert told["models_per_second"] == {"anvil": spread(200, 190, 210), "validators4": spread(40, 38, 42)}
    assert told["delay_blocks"] == spread(8, 8, 9)
    assert told["transactions_per_model"] == spread(11)
    assert told["gas_per_model"] == spread(883_045, 882_673, 883_081)
    assert told["ratio"]["postgres"] == {"median": 0.5, "min": 0.4524, "max": 0.5526}  # type: ignore[call-overload,index]


def test_the_summary_of_nothing_has_no_figures() -> None:
    assert summary({}) == {"models_per_second": {}, "ratio": {}}


def test_says_what_was_not_measured_and_why() -> None:
    lines = skipped(found(), ["models", "rates", "growth", "flower"])
    assert lines == [
        "models on 8 validators: no Go",
        "rates on Ganache: no Ganache",
        "growth: the disk is full",
    ]


def test_every_row_has_a_cell_for_each_column() -> None:
    made = tables(found())
    assert {"machine", "models", "rates", "knees", "kinds-anvil", "ratios"} <= {table.name for table in made}
    for table in made:
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_tables_of_nothing_are_left_out() -> None:
    bare = {key: found()[key] for key in ("profile", "machine", "seconds")}
    assert [table.name for table in tables(bare)] == ["machine"]


def test_a_knee_that_was_not_reached_is_told_as_such() -> None:
    knees = next(table for table in tables(found()) if table.name == "knees")
    assert knees.rows[0] == ("Anvil", "8,000 or more", "1")


def test_draws_the_papers_figures_and_the_same_each_time(drawn: dict[str, str]) -> None:
    assert list(drawn) == ["bench-models", "bench-rates", "bench-peers", "bench-kinds"]
    assert all(svg.startswith("<svg") for svg in drawn.values())
    assert figures(found()) == drawn


def test_draws_no_figure_of_what_was_not_measured() -> None:
    one_chain = {"rates": {"validators4": rates({"500": 450})}, "models": {"anvil": models(spread(3))}}
    assert list(figures(one_chain)) == ["bench-models", "bench-rates", "bench-kinds"]
    assert figures({}) == {}


def test_the_page_names_the_machine_beside_every_table(drawn: dict[str, str]) -> None:
    facts = found() | summary(found())
    made = tables(facts)
    text = page(facts, made, drawn, skipped(facts, ["models"]), "THE MACHINE")
    assert text.count("THE MACHINE") >= len(made) + len(drawn)
    assert "models on 8 validators: no Go" in text
    assert all(base64.b64encode(svg.encode()).decode() in text for svg in drawn.values()), (
        "whole, however long"
    )


def test_publishes_between_the_marks_alone() -> None:
    table = ReportTable("ratios", "Ratios", ("what", "ratio"), (("a", "2"),))
    text = "Before.\n<!-- table: ratios -->\nold\n<!-- end -->\nAfter.\n<!-- table: gone -->\n<!-- end -->\n"
    text += "<!-- figure: bench-models -->\n<!-- end -->\n"
    assert filled(text, [table], ["bench-models"], "M") == (
        "Before.\n<!-- table: ratios -->\n| what | ratio |\n| --- | ---: |\n| a | 2 |\n\n*M.*\n<!-- end -->\n"
        "After.\n<!-- table: gone -->\nNot measured in this run.\n<!-- end -->\n"
        "<!-- figure: bench-models -->\n"
        f"![{CAPTIONS['bench-models']}](figures/bench-models.svg)\n<!-- end -->\n"
    )


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
def test_a_cell_stays_a_cell_whatever_is_in_it(text: str) -> None:
    table = ReportTable("models", "Models", ("what", text), ((text, "2"), ("a", text)))
    told = table.markdown().split("\n")
    assert len(told) == 4
    assert all(map(is_clean, told))
    assert all(len(re.findall(r"(?<!\\)\|", line.replace("\\\\", ""))) == 3 for line in told)
    assert "<" not in table.markdown()


def test_what_means_something_in_a_page_is_escaped() -> None:
    assert in_markdown(r"a|b`c`*d* [e](f) <g> & \x") == r"a\|b\`c\`\*d\* \[e\](f) &lt;g&gt; &amp; \\x"


def test_publishing_twice_changes_nothing(tmp_path: Path) -> None:
    import json

    report, document = tmp_path / "report.json", tmp_path / "page.md"
    report.write_text(json.dumps(found()))
    document.write_text("<!-- table: models -->\n<!-- end -->\n")
    publish(report, document, tmp_path)
    once = document.read_text()
    publish(report, document, tmp_path)
    assert document.read_text() == once
    assert "| Anvil | 200.0 (190.0 to 210.0) |" in once
    assert (tmp_path / "bench-models.svg").exists()


def test_refuses_what_is_no_report(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("{}")
    for path in (tmp_path / "report.json", tmp_path / "none.json"):
        with pytest.raises(BadInput, match="is no report"):
            publish(path, tmp_path / "page.md", tmp_path)


def test_publishing_takes_one_report_at_most(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["a", "b"])
    assert exit_.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
