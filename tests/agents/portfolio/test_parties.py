"""Owners whose portfolio is in files: what they do when files come, change, break and go.

Rules: A100, A101, A102, A103, A104.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import pytest

from agents.core import calls
from agents.core.enums import CouplePhase as Phase
from agents.core.ids import CoupleId, DatasetId, couple_id, dataset_id, model_id
from agents.portfolio.decisions import decide
from agents.portfolio.entries import DatasetEntry, ModelEntry
from agents.portfolio.files import set_wanted, write_entry
from agents.portfolio.parties import DatasetPortfolio, ModelPortfolio
from agents.portfolio.terms import Terms
from agents.roles.acts import Act, AgainstPolicy, LeftUndone, Note, Send, Situation, Task, Unaffordable
from agents.roles.data_owner import DataOwner
from agents.roles.model_owner import ModelOwner
from agents.roles.policy import DataOwnerPolicy, ModelOwnerPolicy
from agents.roles.portfolio import Ambiguous, AwaitsDecision, PausedEntry
from agents.roles.results import (
    BoundEntry,
    DraftedPlan,
    LearntName,
    PlanReview,
    PublishedWeights,
    SplitDataset,
    TaskResult,
)
from agents.roles.tasks.data_owner import ReviewPlan, SplitData
from agents.roles.tasks.model_owner import DraftPlan, LearnName, PublishWeights
from testing.policies import LETS_TRAIN, TRAINS
from testing.script import LOCATION, METADATA, PLAN, Script, data_digest, identity


@dataclass
class Office:
    """A member with a home, a journal and a market, whose tasks are done by the test.

    Attributes:
        told: what was left undone in the last look.
    """

    home: Path
    script: Script
    party: DatasetPortfolio | ModelPortfolio
    results: dict[str, TaskResult] = field(default_factory=dict)
    told: list[LeftUndone] = field(default_factory=list)
    coins: int = 2**200

    def look(self) -> list[Act]:
        """What is due, when all notes are written."""
        while True:
            market, now = self.script.market, self.script.now
            acts = self.party.decide(Situation(market, self.results, now, self.coins))
            self.told = [act for act in acts if isinstance(act, LeftUndone)]
            notes = [act for act in acts if isinstance(act, Note)]
            for note in notes:
                self.results.setdefault(note.key, note.result)
            if not notes:
                return [act for act in acts if not isinstance(act, LeftUndone)]

    def sends(self) -> list[calls.Call]:
        return [act.call for act in self.look() if isinstance(act, Send)]

    def tasks(self) -> list[Task[TaskResult]]:
        return [act for act in self.look() if isinstance(act, Task)]

    def words(self) -> list[str]:
        self.look()
        return [act.words for act in self.told]


# --- a data owner ---


@pytest.fixture
def shop(tmp_path: Path) -> Office:
    script = Script(replicas=2, subsets=2)
    script.register()
    return Office(tmp_path, script, DatasetPortfolio(DataOwner(script.do, (), LETS_TRAIN), tmp_path))


def offer(shop: Office, name: str, **given: object) -> None:
    owners = tuple(co.address for co in shop.script.cos)
    fields = {"table": name, "cloud_owners": owners, "subsets": 2, "replicas": 2} | given
    write_entry(shop.home, name, DatasetEntry(**fields))  # type: ignore[arg-type]


def divide(shop: Office, *names: str) -> None:
    """Finishes the splits that are asked for; of these alone if any are named."""
    for task in shop.tasks():
        if isinstance(task, SplitData) and (not names or task.entry in names):
            metadata = sha256(f"{task.entry} {task.ds}".encode()).digest()
            digests = tuple(data_digest(i) for i in range(2))
            shop.results[task.key] = SplitDataset(
                terms=shop.script.terms, metadata_hash=metadata, metadata_location=LOCATION, digests=digests
            )


def send_all(shop: Office) -> None:
    sender = shop.party.identity
    for call in shop.sends():
        if call.function in ("createDS", "createMod", "requestTC", "approveTC", "declineTC"):
            shop.script.send(sender, call)


def names(shop: Office) -> dict[str, str]:
    return {key: one.name for key, one in shop.results.items() if isinstance(one, BoundEntry)}


def test_files_that_come_while_it_runs_are_offered_one_after_the_other(shop: Office) -> None:
    assert shop.look() == []
    assert shop.party.awaits(Situation(shop.script.market, {}, 0)).startswith("a dataset to offer")
    offer(shop, "b")
    offer(shop, "a")
    first = dataset_id(shop.script.do.address, 1)
    assert [(task.entry, task.ds) for task in shop.tasks() if isinstance(task, SplitData)] == [
        ("a", first),
        ("b", first),
    ], "no name has a number yet"
    divide(shop, "b")
    assert shop.look()
    assert names(shop) == {"dataset/1": "b"}, "who is ready comes first"
    divide(shop)
    shop.look()
    assert names(shop) == {"dataset/1": "b", "dataset/2": "a"}
    assert [call.function for call in shop.sends() if call.function == "createDS"] == ["createDS"]
    send_all(shop)
    assert list(shop.script.market.datasets) == [first]
    send_all(shop)
    assert len(shop.script.market.datasets) == 2


def test_a_broken_file_rests_alone(shop: Office) -> None:
    offer(shop, "a")
    (shop.home / "datasets" / "bad.toml").write_text("table =")
    divide(shop)
    assert shop.words() == ["datasets/bad.toml: Invalid value (at end of document)"]
    assert [type(act) for act in shop.told] == [PausedEntry]
    assert names(shop) == {"dataset/1": "a"}
    keys = {act.key for act in shop.told}
    (shop.home / "datasets" / "bad.toml").write_text("tabel =")
    shop.look()
    assert {act.key for act in shop.told} == keys, "the same fault is no news"
    (shop.home / "datasets" / "bad.toml").write_text("x = 1")
    shop.look()
    assert {act.key for act in shop.told} != keys


def test_what_is_not_published_may_change_and_what_is_may_not(shop: Office) -> None:
    offer(shop, "a", seed=1)
    (first,) = shop.tasks()
    offer(shop, "a", seed=2)
    (second,) = shop.tasks()
    assert first.key != second.key
    divide(shop)
    send_all(shop)
    offer(shop, "a", seed=3)
    assert shop.words() == [
        "datasets/a.toml: seed changed since it was published: publish it under another name"
    ]
    offer(shop, "a", seed=2, requests="hand")
    assert shop.words() == []


def test_a_table_that_cannot_be_split_takes_no_number(shop: Office) -> None:
    offer(shop, "a")
    offer(shop, "b")
    divide(shop, "b")
    shop.look()
    (shop.home / "datasets" / "a.toml").unlink()
    shop.look()
    assert names(shop) == {"dataset/1": "b"}


def test_a_lost_journal_finds_the_dataset_by_its_description(shop: Office) -> None:
    offer(shop, "a")
    divide(shop)
    send_all(shop)
    shop.results.clear()
    divide(shop)
    shop.look()
    assert names(shop) == {"dataset/1": "a"}


def test_a_dataset_that_no_file_knows_keeps_its_number(shop: Office) -> None:
    offer(shop, "a")
    divide(shop)
    send_all(shop)
    (shop.home / "datasets" / "a.toml").unlink()
    shop.results.clear()
    offer(shop, "b")
    divide(shop)
    assert names(shop) == {}, "it is not the one that is there"
    divide(shop)
    shop.look()
    assert names(shop) == {"dataset/2": "b"}


@pytest.fixture
def open_shop(shop: Office) -> Office:
    """Two datasets, with a request for the first one."""
    script = shop.script
    for name in ("fair", "other"):
        offer(shop, name)
        divide(shop)
        send_all(shop)
    assert shop.script.ds == dataset_id(script.do.address, 1)
    cover(script, script.ds)
    script.request()
    return shop


def cover(script: Script, ds: DatasetId) -> None:
    script.name()
    for subset in range(2):
        for ci in script.cis(subset):
            script.join(ci)
            script.verify(ci)


def review(office: Office) -> ReviewPlan:
    return next(task for task in office.tasks() if isinstance(task, ReviewPlan))


def test_a_request_is_for_its_dataset(open_shop: Office) -> None:
    task = review(open_shop)
    assert (task.entry, task.tc) == ("fair", open_shop.script.tc)
    open_shop.results[task.key] = PlanReview(problem="")
    assert [call.function for call in open_shop.sends() if "TC" in call.function] == ["approveTC"]


def test_a_closed_dataset_declines_and_opens_its_seeds(open_shop: Office) -> None:
    set_wanted(open_shop.home, "fair", DatasetEntry, "closed")
    assert [call.function for call in open_shop.sends() if "TC" in call.function] == ["declineTC"]


@pytest.mark.parametrize("how", ["removed", "broken", "closed"])
def test_what_is_under_way_is_finished_whatever_becomes_of_the_file(open_shop: Office, how: str) -> None:
    script = open_shop.script
    script.approve()
    script.start()
    file = open_shop.home / "datasets" / "fair.toml"
    if how == "removed":
        file.unlink()
    elif how == "broken":
        file.write_text("table =")
    else:
        set_wanted(open_shop.home, "fair", DatasetEntry, "closed")
    assert "drawRound" in [call.function for call in open_shop.sends()]


def test_a_removed_dataset_leaves_requests_alone(open_shop: Office) -> None:
    (open_shop.home / "datasets" / "fair.toml").unlink()
    assert [call for call in open_shop.sends() if "TC" in call.function] == []
    assert not any(isinstance(task, ReviewPlan) for task in open_shop.tasks())


def test_by_hand_nothing_is_approved_before_its_owner_says_so(open_shop: Office) -> None:
    offer(open_shop, "fair", requests="hand")
    open_shop.results[review(open_shop).key] = PlanReview(problem="")
    waits = "request 1 on fair waits for you: holdfast data-owner approve 1, or decline 1"
    assert open_shop.words() == [waits]
    assert [type(act) for act in open_shop.told] == [AwaitsDecision]
    assert [call for call in open_shop.sends() if "TC" in call.function] == []
    decide(open_shop.home, open_shop.script.tc, wanted=True)
    assert [call.function for call in open_shop.sends() if "TC" in call.function] == ["approveTC"]


@pytest.mark.parametrize("requests", ["hand", "policy"])
def test_a_request_is_declined_by_hand_whatever_the_policy_says(open_shop: Office, requests: str) -> None:
    offer(open_shop, "fair", requests=requests)
    decide(open_shop.home, open_shop.script.tc, wanted=False)
    assert [call.function for call in open_shop.sends() if "TC" in call.function] == ["declineTC"]
    assert not any(isinstance(task, ReviewPlan) for task in open_shop.tasks())


def test_approving_by_hand_breaks_no_policy(open_shop: Office) -> None:
    offer(open_shop, "fair", requests="hand")
    decide(open_shop.home, open_shop.script.tc, wanted=True)
    role = DataOwner(open_shop.script.do, (), DataOwnerPolicy())
    open_shop.party = DatasetPortfolio(role, open_shop.home)
    assert [call for call in open_shop.sends() if "TC" in call.function] == []
    assert any(isinstance(act, AgainstPolicy) for act in open_shop.told)


@pytest.mark.parametrize("word", [b"yes", b"", b"approve"])
def test_what_is_no_decision_decides_nothing(open_shop: Office, word: bytes) -> None:
    offer(open_shop, "fair", requests="hand")
    open_shop.results[review(open_shop).key] = PlanReview(problem="")
    folder = open_shop.home / "decisions"
    folder.mkdir()
    (folder / f"{open_shop.script.tc:x}").write_bytes(word)
    (folder / "notes").write_text("approve\n")
    assert [call for call in open_shop.sends() if "TC" in call.function] == []


def test_bonds_of_all_datasets_count_together(open_shop: Office) -> None:
    script, policy = open_shop.script, LETS_TRAIN.model_copy(update={"at_stake": 500})
    open_shop.party = DatasetPortfolio(DataOwner(script.do, (), policy), open_shop.home)
    assert script.terms.couple_bond <= 500 < 2 * script.terms.couple_bond
    script.approve()
    second = dataset_id(script.do.address, 2)
    role, _ = open_shop.party.now(Situation(script.market, open_shop.results, script.now))
    stakes = role.dealings(script.market)[script.ds].stakes
    assert [breach.line for breach in stakes.on_lock(script.mo.address, script.terms.couple_bond)] == [
        "at_stake"
    ]
    assert second in script.market.datasets


def test_it_is_warned_of_terms_that_deter_nobody(shop: Office, caplog: pytest.LogCaptureFixture) -> None:
    offer(shop, "a", terms=Terms(job_price=0, miss_penalty=0))
    shop.look()
    shop.look()
    assert [record.levelno for record in caplog.records].count(logging.WARNING) == 3


# --- a model owner ---


@pytest.fixture
def lab(tmp_path: Path) -> Office:
    script = Script(replicas=1, subsets=1)
    script.open()
    return Office(tmp_path, script, ModelPortfolio(ModelOwner(script.mo, (), TRAINS), tmp_path))


def want(lab: Office, name: str, **given: object) -> None:
    fields = {"samples": Path("s"), "seed": sum(name.encode())} | given
    write_entry(lab.home, name, ModelEntry(**fields))  # type: ignore[arg-type]


def draft(lab: Office, *names: str) -> None:
    for task in lab.tasks():
        if isinstance(task, DraftPlan) and (not names or task.entry in names):
            lab.results[task.key] = DraftedPlan(
                model_type="linear", hash=PLAN, location=LOCATION, rounds=1, sums=""
            )


def weigh(lab: Office) -> None:
    for task in lab.tasks():
        if isinstance(task, PublishWeights):
            lab.results[task.key] = PublishedWeights(
                hash=METADATA,
                location=LOCATION,
                model=PLAN,
                score=0.5,
                stop=False,
                summed=0,
                missing=(),
            )


def test_models_are_asked_for_one_at_a_time_each_with_its_own_number(lab: Office) -> None:
    mo = lab.script.mo.address
    want(lab, "a")
    want(lab, "b")
    draft(lab, "b")
    lab.look()
    assert names(lab) == {"model/2": "b"}, "the first is of a model that has no name"
    draft(lab)
    lab.look()
    assert names(lab) == {"model/2": "b", "model/3": "a"}
    assert [call.function for call in lab.sends()] == ["createMod", "requestTC"]
    send_all(lab)
    send_all(lab)
    found = {couple.id: couple.mod for couple in lab.script.market.couples.values()}
    assert found == {couple_id(mo, 1): model_id(mo, 2), couple_id(mo, 2): model_id(mo, 3)}


def test_a_model_without_coins_takes_no_number(lab: Office) -> None:
    want(lab, "a")
    draft(lab)
    lab.script.send(lab.script.mo, calls.withdraw(lab.script.coins(lab.script.mo)))
    lab.coins = 0
    assert lab.sends() == []
    assert names(lab) == {}
    assert any(isinstance(act, Unaffordable) for act in lab.told)
    lab.coins = 2**100
    assert "requestTC" in [call.function for call in lab.sends()]


def test_the_stakes_of_all_models_count_together(lab: Office) -> None:
    escrow = 2 * lab.script.terms.escrow_per_round
    policy = TRAINS.model_copy(update={"at_stake": escrow})
    lab.party = ModelPortfolio(ModelOwner(lab.script.mo, (), policy), lab.home)
    want(lab, "a")
    want(lab, "b")
    draft(lab)
    lab.look()
    send_all(lab)
    assert lab.sends() == []
    assert [act.key for act in lab.told if isinstance(act, AgainstPolicy)] == [
        f"dataset {lab.script.ds:x}/at_stake"
    ]


def test_a_changed_plan_of_a_model_that_is_asked_for_is_refused(lab: Office) -> None:
    want(lab, "a")
    draft(lab)
    lab.look()
    want(lab, "a", rounds=9)
    assert lab.words() == [
        "models/a.toml: seed changed since it was asked for: train it under another name"
    ] or lab.words() == ["models/a.toml: rounds changed since it was asked for: train it under another name"]


@pytest.fixture
def busy_lab(lab: Office) -> Office:
    """A couple that is approved."""
    want(lab, "a")
    draft(lab)
    send_all(lab)
    lab.script.approve()
    return lab


def test_it_trains_until_it_is_stopped(busy_lab: Office) -> None:
    weigh(busy_lab)
    assert [call.function for call in busy_lab.sends()] == ["startRound"]
    set_wanted(busy_lab.home, "a", ModelEntry, "stopped")
    assert [call.function for call in busy_lab.sends()] == ["completeTC"]


def test_a_removed_file_ends_the_couple_and_a_broken_one_holds_it(busy_lab: Office) -> None:
    weigh(busy_lab)
    file = busy_lab.home / "models" / "a.toml"
    text = file.read_text()
    file.write_text("samples =")
    assert busy_lab.sends() == []
    assert len(busy_lab.words()) == 1
    file.write_text(text)
    assert [call.function for call in busy_lab.sends()] == ["startRound"]
    file.unlink()
    assert [call.function for call in busy_lab.sends()] == ["completeTC"]


def test_a_request_that_is_stopped_is_taken_back(lab: Office) -> None:
    want(lab, "a")
    draft(lab)
    send_all(lab)
    set_wanted(lab.home, "a", ModelEntry, "stopped")
    assert [call.function for call in lab.sends()] == ["cancelTC"]


def test_a_number_that_is_bound_is_used_though_its_model_is_stopped(lab: Office) -> None:
    want(lab, "a")
    want(lab, "b")
    draft(lab)
    lab.look()
    (lab.home / "models" / "a.toml").unlink()
    assert [call.function for call in lab.sends()] == ["createMod"]
    send_all(lab)
    assert [call.function for call in lab.sends()] == ["createMod", "requestTC"]
    send_all(lab)
    (couple,) = lab.script.market.couples.values()
    assert couple.mod == model_id(lab.script.mo.address, 3), "found by its model, not by its number"
    lab.script.send(lab.script.do, calls.decline_tc(CoupleId(couple.id)))
    assert lab.words()[0].endswith("ask under another name")


def test_a_model_that_is_stopped_before_it_began_does_nothing(lab: Office) -> None:
    want(lab, "a", wanted="stopped")
    assert lab.look() == []


def test_a_couple_of_which_the_journal_knows_nothing_is_ended_by_time(busy_lab: Office) -> None:
    busy_lab.results.clear()
    (busy_lab.home / "models" / "a.toml").unlink()
    assert busy_lab.look() == []
    script = busy_lab.script
    script.start()
    script.now = script.couple.deadline + 1
    assert script.phase is Phase.WITHHELD
    assert [call.function for call in busy_lab.sends()] == ["expireDraw"]


def test_a_dataset_is_found_by_its_owners_name_for_it(lab: Office) -> None:
    owner = lab.script.do.address
    want(lab, "a", dataset=f"{owner}:fair")
    (task,) = lab.tasks()
    assert isinstance(task, LearnName)
    lab.results[task.key] = LearntName(name="other")
    assert lab.look() == []
    waits = f"dataset {owner.lower()[2:]}:fair to be offered"
    assert lab.party.awaits(Situation(lab.script.market, lab.results, lab.script.now)) == waits
    lab.results[task.key] = LearntName(name="fair")
    assert [type(task) for task in lab.tasks()] == [DraftPlan]


def test_digits_that_several_datasets_have_are_told_with_these(lab: Office) -> None:
    script = lab.script
    second = replace(script.terms, ends_at=script.now + 10**8)
    script.send(script.do, calls.create_ds(second, METADATA, LOCATION))
    want(lab, "a", dataset=f"{script.ds:064x}"[:8])
    assert lab.look() == []
    (told,) = lab.told
    assert isinstance(told, Ambiguous)
    assert f"{dataset_id(script.do.address, 2):064x}" in told.words
    want(lab, "a", dataset=f"0x{script.ds:x}")
    assert [type(task) for task in lab.tasks()] == [DraftPlan]


def test_a_model_is_warned_of_what_would_come_to_nothing(
    lab: Office, caplog: pytest.LogCaptureFixture
) -> None:
    lab.party = ModelPortfolio(ModelOwner(lab.script.mo, (), ModelOwnerPolicy()), lab.home)
    want(lab, "a")
    lab.look()
    warned = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert warned == [
        f"a: there are no samples at {lab.home / 's'} yet: get them from the data owner",
        "a: names no dataset, and no members are set: it deals with nobody",
    ]


def test_nothing_is_wanted_yet(lab: Office) -> None:
    assert lab.party.awaits(Situation(lab.script.market, {}, 0)).startswith("a model to train")
    other = identity("stranger")
    lab.party = ModelPortfolio(ModelOwner(other, (), TRAINS), lab.home)
    assert [call.function for call in lab.sends()] == ["createMO"]
