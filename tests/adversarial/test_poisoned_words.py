"""Whatever others put into words: it is shown as one visible line, in a log, a terminal, a page and a figure.

Rules: A64, A72.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure

from agents import cli
from agents.audit.live import Audited
from agents.audit.replay import audit
from agents.chain.client import BlockRef, MarketClient
from agents.chain.deployment import Deployment
from agents.chain.endpoint import Endpoint
from agents.chain.node import Node
from agents.core import events as e
from agents.core.errors import HoldfastError, NodeUnavailable, Refused
from agents.demo.narrate import narrate
from agents.demo.report import write_report
from agents.learning.data.canonical import digest
from agents.output.logs import OneLine
from agents.report.style import document, style
from agents.report.svg import page_style, svg
from agents.roles.tasks.data_owner import ReviewPlan
from agents.runtime.executor import InlineExecutor
from agents.runtime.supervisor import Supervisor
from agents.storage.journal import Journal
from agents.workers.data_owner import DataOwnerWorker
from testing.evm import codec
from testing.fake_market import TERMS
from testing.histories import STRATA, told
from testing.poison import ODD_TEXTS, is_clean
from testing.workers import TC, FaultyStore, Place, a_plan

STORY = told(rounds=2)
SHORT = ODD_TEXTS[:-1]
each = pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What an agent's log gets."""
    stream, agents = io.StringIO(), logging.getLogger("agents")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(OneLine("12:00:00 alice: %(message)s"))
    before = agents.level
    agents.addHandler(handler)
    agents.setLevel(logging.INFO)
    yield stream
    agents.setLevel(before)
    agents.removeHandler(handler)


def lines(stream: io.StringIO) -> list[str]:
    """A log's lines, each of them clean, begun by the agent and no longer than it may be."""
    found = stream.getvalue().removesuffix("\n").split("\n")
    for line in found:
        assert is_clean(line)
        assert line.startswith("12:00:00 alice: ")
        assert len(line) <= 4_000
    return found


# --- logs ---


@pytest.mark.parametrize("text", SHORT, ids=range(len(SHORT)))
def test_a_plan_with_poison_in_a_fields_name_is_one_line_of_the_data_owners_log(
    tmp_path: Path, written: io.StringIO, text: str
) -> None:
    place = Place(tmp_path, "data owner", FaultyStore())
    worker = DataOwnerWorker(
        place.tools, "wine", None, 4, 0, TERMS, lambda purpose: sha256(purpose).digest(), "none"
    )
    plan = json.loads(a_plan(features=13, classes=3).canonical_bytes())
    poisoned = json.dumps(plan | {text: text}).encode()
    supervisor = Supervisor(InlineExecutor(worker), Journal(":memory:"), lambda: 0.0, 600.0)
    supervisor.ask([ReviewPlan(TC, digest(poisoned), place.store.put(poisoned).digest)])
    assert supervisor.record()
    began, refused = lines(written)
    assert began.startswith("12:00:00 alice: ReviewPlan ")
    assert "plan: " in refused


@each
def test_a_node_that_answers_with_poison_is_one_line(written: io.StringIO, text: str) -> None:
    errors = [{"code": -32000, "message": text}, {"code": 3, "message": text, "data": text}, text, [text]]
    for error in errors:
        answer = SimpleNamespace(make_request=lambda *_, error=error: {"error": error}, host="node")
        with pytest.raises((NodeUnavailable, Refused)) as caught:
            Node([Endpoint(answer, codec().refusal)]).ask("eth_call")
        logging.getLogger("agents.chain").warning("%s; next try in %g s", caught.value, 1)
    assert len(lines(written)) == len(errors)


@each
def test_the_reason_of_a_refusal_is_one_line(written: io.StringIO, text: str) -> None:
    logging.getLogger("agents.runtime").info("%s refused: %s", "joinCI", Refused("Error", (text, b"\x1b")))
    assert len(lines(written)) == 1


# --- the command line ---


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    """What a command says on both streams, each line clean."""

    def command(*words: str) -> list[str]:
        with pytest.raises(SystemExit):
            cli.main(list(words))
        said = capsys.readouterr()
        found = (said.out + said.err).removesuffix("\n").split("\n")
        assert all(map(is_clean, found))
        return found

    return command


@pytest.mark.parametrize("text", SHORT, ids=range(len(SHORT)))
def test_a_wrong_flag_is_one_line(run: Callable[..., list[str]], text: str) -> None:
    for words in (
        ("withdraw", "--home", "bob", "--amount", f"1{text}"),
        ("retire", "--home", "bob", "--instance", f"x{text}", "--password-file", f"none{text}"),
        ("audit", "--deployment", f"none{text.replace(chr(0), '')}"),
        ("audit", f"--{text}"),
        (f"x{text}",),
    ):
        assert len(run(*words)) == 1


@each
def test_an_audit_that_finds_poison_is_a_line_a_finding(
    run: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    found = audit(STORY.history, STORY.domain)
    findings = [f"block 3: a model of {text}", text]
    audited = Audited(
        BlockRef(77, bytes(32), STORY.now),
        tuple(STORY.history),
        replace(found, findings=findings),
        (f"view: {text}",),
        STORY.balance,
    )
    monkeypatch.setattr(Deployment, "load", lambda _: None)
    monkeypatch.setattr(MarketClient, "connect", lambda *_: None)
    monkeypatch.setattr(cli, "audit_deployment", lambda _: audited)
    told = [line for line in run("audit") if line.startswith("FINDING  ")]
    assert len(told) == 3
    assert len(run("audit")) == len(found.statements) + 3 + 1
    assert json.loads("\n".join(run("audit", "--json")))["findings"] == [*findings, f"view: {text}"]


@each
def test_an_error_of_any_kind_is_one_line(
    run: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    def connect(*_: object) -> None:
        raise HoldfastError(text)

    monkeypatch.setattr(Deployment, "load", connect)
    assert len(run("audit")) == 1


# --- the demo, its pages and figures ---


@each
def test_a_model_whose_type_is_poison_is_a_line_of_the_demo(text: str) -> None:
    event = e.ModelCreated(STORY.mod, STORY.model_owner, text, bytes(32), b"")
    line = narrate(event, STORY.market, {STORY.model_owner: text})
    assert is_clean(line)


@pytest.mark.parametrize("text", SHORT, ids=range(len(SHORT)))
def test_a_table_whose_columns_are_poison_is_text_on_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    for name in ("accuracy_plot", "gas_plot"):
        monkeypatch.setattr(f"agents.demo.report.page.{name}", lambda _: "")
    names = (text, f"a{text}", "good")[: len(STRATA[0])]
    outcome = STORY.outcome(dataset_name=text, notes=(f"column {text} is left out",), strata_names=names)
    write_report(replace(outcome, strata=STRATA), tmp_path)
    page, facts = (tmp_path / "report.html").read_text(), (tmp_path / "report.json").read_text()
    assert all(map(is_clean, page.split("\n")))
    assert all(map(is_clean, unescape(page).split("\n")))
    for bad in ("<script", '" onload'):
        assert bad not in page
    assert facts.isascii()
    assert all(map(is_clean, facts.split("\n")))
    assert json.loads(facts)["notes"] == [f"column {text} is left out"]


@pytest.mark.parametrize("text", SHORT, ids=range(len(SHORT)))
def test_a_figure_whose_labels_are_poison_is_drawn_as_text(text: str) -> None:
    for drawing in (style, page_style):
        with drawing("poison"):
            figure = Figure(figsize=(2, 1))
            axes = figure.add_subplot()
            axes.set_title(text)
            axes.set_yticks([0, 1], [text, text])
            drawn = document(figure) if drawing is style else svg(figure, text)
        assert all(map(is_clean, drawn.split("\n")))
        tree = ElementTree.fromstring(drawn.replace("xlink:", ""))
        assert not tree.attrib.keys() & {"onload"}
        assert not any(one.tag.endswith("script") for one in tree.iter())
        if "$" in text:
            assert text in "".join(tree.itertext())
