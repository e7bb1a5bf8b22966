"""The commands of owners: publish, close, train, stop, and what a home tells with no node.

Rules: A17, A104, A105.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from agents import cli
from agents.chain.blocks import BlockRef
from agents.chain.home_view import HomeView
from agents.core.ids import CoupleId
from agents.learning.data import exposed
from agents.learning.data.prepare import partition
from agents.learning.data.tables import load_table
from agents.portfolio import known
from agents.portfolio.decisions import HandDecisions
from agents.portfolio.entries import DatasetEntry, ModelEntry
from agents.portfolio.files import read_entry, set_wanted, write_entry
from agents.portfolio.known import KnownHome
from agents.roles.acts import Identity
from agents.roles.results import BoundEntry, PlanReview
from agents.runtime import launch
from agents.storage.journal import Journal
from testing.script import PLAN, Script
from testing.world import address_of, in_plain_text

OWNERS = tuple(address_of(f"cloud owner {number}") for number in range(3))
OFFER = [word for owner in OWNERS for word in ("--cloud-owner", owner)]
Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    def run(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main([str(word) for word in words])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


# --- writing ---


def test_publishing_tries_the_table_says_the_cost_and_writes_the_file(tmp_path: Path, say: Say) -> None:
    command = ("data-owner", "publish", "fair", "--home", tmp_path, "--table", "wine", *OFFER)
    code, out, err = say(*command, "--dry-run")
    assert (code, err) == (0, "")
    assert "you lock 0.1 ether for each couple under way" in out
    assert not (tmp_path / "datasets" / "fair.toml").exists()
    code, out, _ = say(*command, "--subsets", 4)
    assert (code, "datasets/fair.toml is written" in out) == (0, True)
    assert read_entry(tmp_path, "fair", DatasetEntry) == DatasetEntry(table="wine", cloud_owners=OWNERS)
    told = tomllib.loads((tmp_path / "datasets" / "fair.toml").read_text())
    assert told == {"table": "wine", "cloud_owners": list(OWNERS)}, "no more than it was told"


def test_paths_of_a_command_are_from_where_it_is_run(
    tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "\n".join(f"{n % 7},{n % 5},{n % 3}" for n in range(90))
    (tmp_path / "t.csv").write_text(f"a,b,c\n{rows}\n")
    flags = ("--home", "home", "--table", "t.csv", "--merge-rare", 2, *OFFER)
    code, _, err = say("data-owner", "publish", "fair", *flags)
    assert (code, err) == (0, "")
    assert read_entry(Path("home"), "fair", DatasetEntry).table == str(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (("--table", "none.csv"), "no file"),
        (("--table", "wine", "--subsets", 2), "2 subsets are too few for 3 classes"),
        (("--table", "wine", "--target", "x"), "built-in data wine have their own target"),
        (("--table", "wine", "--secrecy", "private", "--privacy", "no.json"), "privacy "),
    ],
)
def test_what_cannot_be_offered_is_not_published(
    tmp_path: Path, say: Say, flags: tuple[object, ...], line: str
) -> None:
    code, _, err = say("data-owner", "publish", "fair", "--home", tmp_path, *flags, *OFFER)
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith(line)
    assert not (tmp_path / "datasets").exists()


def test_what_is_published_is_not_published_otherwise(tmp_path: Path, say: Say) -> None:
    facts = DatasetEntry(table="iris", cloud_owners=OWNERS).facts()
    Journal(tmp_path / "journal.sqlite").record("dataset/1", BoundEntry(name="fair", facts=facts))
    flags = ("--home", tmp_path, "--table", "wine", *OFFER)
    code, _, err = say("data-owner", "publish", "fair", *flags)
    assert (code, err) == (2, "fair: table changed since it was published: take another name\n")
    assert say("data-owner", "publish", "Fair", *flags)[2].startswith("'Fair' is no name")


def test_closing_and_stopping_are_a_line_in_the_file(tmp_path: Path, say: Say) -> None:
    write_entry(tmp_path, "fair", DatasetEntry(table="t", cloud_owners=OWNERS))
    write_entry(tmp_path, "tumour", ModelEntry(samples=Path("s")))
    assert say("data-owner", "close", "fair", "--home", tmp_path)[0] == 0
    assert say("model-owner", "stop", "tumour", "--home", tmp_path)[0] == 0
    assert read_entry(tmp_path, "fair", DatasetEntry).wanted == "closed"
    assert read_entry(tmp_path, "tumour", ModelEntry).wanted == "stopped"
    code, _, err = say("data-owner", "close", "far", "--home", tmp_path)
    assert (code, err.endswith("there are fair\n")) == (2, True)


def test_samples_are_there_once_the_table_is_divided(tmp_path: Path, say: Say) -> None:
    write_entry(tmp_path, "fair", DatasetEntry(table="t", cloud_owners=OWNERS))
    code, _, err = say("data-owner", "samples", "fair", "--home", tmp_path)
    assert (code, err.startswith("fair is not divided yet")) == (2, True)
    for name in ("exposed.samples", "schema.json"):
        (tmp_path / "datasets" / "fair" / name).write_bytes(b"")
    code, out, _ = say("data-owner", "samples", "fair", "--home", tmp_path)
    assert (code, out.count("\n")) == (0, 2)


def test_training_is_checked_before_it_is_asked_for(tmp_path: Path, say: Say) -> None:
    (tmp_path / "plan.json").write_bytes(in_plain_text("wine", 3).canonical_bytes())
    flags = ("--home", tmp_path, "--samples", tmp_path / "s", "--plan", tmp_path / "plan.json")
    code, out, err = say("model-owner", "train", "tumour", *flags, "--dry-run")
    assert (code, out) == (0, "plan: logistic, 3 rounds\n")
    assert err.startswith("there are no samples at ")
    samples = partition(load_table("wine"), 0).validation
    (tmp_path / "s").write_bytes(exposed.to_bytes(samples))
    code, out, err = say("model-owner", "train", "tumour", *flags)
    assert (code, err) == (0, "")
    assert f"{len(samples)} samples to score on" in out
    assert read_entry(tmp_path, "tumour", ModelEntry).plan == tmp_path / "plan.json"
    (tmp_path / "plan.json").write_text("{}")
    assert say("model-owner", "train", "tumour", *flags)[0] == 2
    (tmp_path / "plan.json").unlink()
    assert "no file" in say("model-owner", "train", "tumour", *flags)[2]


def test_weights_are_where_the_last_round_left_them(tmp_path: Path, say: Say) -> None:
    assert say("model-owner", "weights", "tumour", "--home", tmp_path)[0] == 2
    states = tmp_path / "models" / "tumour" / "states" / "ab"
    states.mkdir(parents=True)
    for round_ in (9, 10):
        (states / f"{round_}.weights").write_bytes(b"")
    code, out, _ = say("model-owner", "weights", "tumour", "--home", tmp_path)
    assert (code, out.startswith(f"{states / '10.weights'}: after round 10")) == (0, True)
    assert "holdfast model export tumour" in out


# --- what a home tells ---


@dataclass
class Shown:
    """A home whose mirror is a script's market."""

    home: Path
    script: Script
    who: Identity


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shown:
    script = Script(replicas=2, subsets=2)
    script.open()
    script.request()
    it = Shown(tmp_path, script, script.do)

    def read(_path: Path) -> HomeView:
        upto = BlockRef(1, bytes(32), script.now)
        return HomeView(it.script.market, it.who.address, upto, None, running=False)

    monkeypatch.setattr(known, "read_home", read)
    owners = tuple(co.address for co in script.cos)
    entry = DatasetEntry(table="t", cloud_owners=owners, replicas=2, subsets=2)
    write_entry(tmp_path, "fair", entry)
    journal = Journal(tmp_path / "journal.sqlite")
    journal.record("dataset/1", BoundEntry(name="fair", facts=entry.facts()))
    journal.close()
    return it


def lines(say: Say, shown: Shown, *more: object) -> list[str]:
    code, out, err = say("data-owner", "requests", "--home", shown.home, *more)
    assert (code, err) == (0, "")
    return out.splitlines()


def reviewed(shown: Shown, problem: str = "") -> None:
    journal = Journal(shown.home / "journal.sqlite")
    journal.record(f"review/{shown.script.tc:x}/{PLAN.hex()}", PlanReview(problem=problem))
    journal.close()


ANYONE = ("--members", "anyone")


def test_requests_are_told_with_what_becomes_of_them(say: Say, shown: Shown) -> None:
    (line,) = lines(say, shown)
    assert line.startswith(f"  1  fair ({shown.script.ds:064x}"[:14])
    assert shown.script.mo.address in line
    assert "s left: is left alone, by policy: members: " in line
    (line,) = lines(say, shown, *ANYONE)
    assert line.endswith("its plan is not reviewed yet")
    (line,) = lines(say, shown, *ANYONE, "--max-rounds", 1)
    assert "is declined, by policy: max_rounds" in line
    reviewed(shown)
    (line,) = lines(say, shown, *ANYONE)
    assert line.endswith("is approved once every subset is covered")
    (line,) = lines(say, shown, *ANYONE, "--at-stake", 1)
    assert ": waits: at_stake" in line


def test_a_plan_that_is_refused_is_told(say: Say, shown: Shown) -> None:
    reviewed(shown, "too large")
    (line,) = lines(say, shown, *ANYONE)
    assert line.endswith("is declined: too large")


def test_requests_of_a_closed_and_of_a_removed_dataset(say: Say, shown: Shown) -> None:
    set_wanted(shown.home, "fair", DatasetEntry, "closed")
    (line,) = lines(say, shown, *ANYONE)
    assert line.endswith("is declined: the dataset is closed")
    (shown.home / "datasets" / "fair.toml").unlink()
    (line,) = lines(say, shown, *ANYONE)
    assert line.endswith("left alone: datasets/fair.toml is not there, or says nothing good")


def test_by_hand_a_request_waits_until_it_is_approved_or_declined(say: Say, shown: Shown) -> None:
    entry = read_entry(shown.home, "fair", DatasetEntry)
    write_entry(shown.home, "fair", entry.model_copy(update={"requests": "hand"}))
    reviewed(shown)
    (line,) = lines(say, shown, *ANYONE)
    assert line.endswith("waits for you")
    code, _, err = say("data-owner", "approve", 1, "--home", shown.home)
    assert (code, err.startswith("request 1 is ruled out by policy: members: ")) == (2, True)
    code, out, _ = say("data-owner", "approve", 1, "--home", shown.home, *ANYONE)
    assert (code, out.endswith("is approved: the agent answers it\n")) == (0, True)
    assert HandDecisions(shown.home).look() == {shown.script.tc: True}
    (line,) = lines(say, shown, *ANYONE)
    assert line.endswith("is approved once every subset is covered")
    assert say("data-owner", "decline", 1, "--home", shown.home)[0] == 0
    assert HandDecisions(shown.home).look() == {CoupleId(shown.script.tc): False}
    (line,) = lines(say, shown, *ANYONE)
    assert line.endswith("is declined: you decided so")


def test_a_request_that_there_is_not_or_that_is_answered_is_not_decided(say: Say, shown: Shown) -> None:
    code, _, err = say("data-owner", "approve", 7, "--home", shown.home)
    assert (code, err) == (2, "there is no request 7: see holdfast data-owner requests\n")
    shown.script.decline()
    code, _, err = say("data-owner", "decline", 1, "--home", shown.home)
    assert (code, err) == (2, "request 1 is declined: nothing is to be decided\n")
    assert lines(say, shown) == ["no request waits"]
    (line,) = lines(say, shown, "--all")
    assert line.endswith(": declined")


def test_instances_are_told_with_bond_pay_and_misses(say: Say, shown: Shown) -> None:
    shown.who = shown.script.cos[0]
    code, out, _ = say("cloud-owner", "instances", "--home", shown.home)
    assert code == 0
    first = out.splitlines()[0]
    assert first.startswith(f"{shown.script.cis()[0]:064x}  subset 0 of ")
    assert "verified, bond 300 wei, paid 0 wei for 0 jobs, 0 missed" in first
    shown.who = shown.script.stranger
    assert say("cloud-owner", "instances", "--home", shown.home)[1] == "nobody named it yet\n"


def test_instances_are_retired_by_their_first_digits(
    say: Say, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown.who, named = shown.script.cos[0], list[int]()
    monkeypatch.setattr(launch, "unlock", lambda _: None)
    monkeypatch.setattr(launch, "enrol", lambda *_: None)
    monkeypatch.setattr(launch, "retire", lambda _settings, _member, cis: named.extend(cis))
    first, second = (shown.script.cis(subset)[0] for subset in (0, 1))
    code, out, _ = say("cloud-owner", "retire", f"0x{first:064x}", f"{second:x}", "--home", shown.home)
    assert (code, out, named) == (0, "2 instances retiring\n", [first, second])
    code, _, err = say("cloud-owner", "retire", f"{first:064x}"[:8], "--home", shown.home)
    assert (code, err.count("\n")) == (2, 1)
    assert "may be each of " in err
    assert f"{second:064x}" in err
    code, _, err = say("cloud-owner", "retire", "xyz", "--home", shown.home)
    assert (code, err.startswith("no instance is called 'xyz'")) == (2, True)


def test_names_digits_and_addresses_are_told_apart(shown: Shown) -> None:
    home = KnownHome.read(shown.home)
    script = shown.script
    assert home.dataset("fair") == home.dataset(f"{script.ds:064x}"[:9]) == script.ds
    assert home.couple(f"{script.tc:064X}"[:6]) == script.tc
    assert home.member(script.mo.address[:8]) == script.mo.address
    assert home.called(script.ds) == f"fair ({script.ds:064x}"[:12] + "..)"
    assert home.called(script.tc) == f"{script.tc:064x}"[:6] + ".."
    mo = replace(home, address=script.mo.address, results={"model/1": BoundEntry(name="t", facts="{}")})
    assert (mo.couple("t"), mo.called(script.mod)) == (script.tc, f"t ({script.mod:064x}"[:9] + "..)")
