"""For what each role says that it waits, in each situation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agents.core import calls
from agents.core.enums import CouplePhase as Phase
from agents.core.enums import Role
from agents.roles.acts import Party, Situation
from agents.roles.cloud_owner import CloudOwner
from agents.roles.data_owner import DataOwner
from agents.roles.model_owner import ModelOwner
from agents.roles.policy import ModelOwnerPolicy
from agents.roles.portfolio import DatasetRef
from testing.policies import HOLDS, LETS_TRAIN, TRAINS
from testing.portfolios import one_dataset, one_model
from testing.script import Script


def awaited(script: Script, party: Party) -> str:
    return party.awaits(Situation(script.market, {}, script.now))


def data_owner(script: Script) -> DataOwner:
    owners = tuple(co.address for co in script.cos)
    return DataOwner(script.do, one_dataset((owners,) * script.terms.subsets), LETS_TRAIN)


def cloud_owner(script: Script) -> CloudOwner:
    return CloudOwner(script.cos[0], HOLDS)


def model_owner(script: Script) -> ModelOwner:
    return ModelOwner(script.mo, one_model(), TRAINS)


def ended(script: Script) -> Script:
    """The couple is over."""
    script.bring_to(Phase.APPROVED)
    script.complete()
    return script


def test_a_data_owner_waits_for_cloud_owners_and_then_for_model_owners() -> None:
    script = Script()
    assert awaited(script, data_owner(script)) == "", "what is due now is its own"
    for member, role in ((script.do, Role.DATA_OWNER), (script.cos[0], Role.CLOUD_OWNER)):
        script.send(member, calls.register(role, member.encryption_key, script.balance))
    script.offer()
    away = f"{script.cos[1].address}, {script.cos[2].address}"
    assert awaited(script, data_owner(script)) == f"cloud owners to register: {away}"

    script = Script(subsets=2)
    script.register()
    script.offer()
    script.name()
    script.join(script.cis()[0])
    script.verify(script.cis()[0])
    covering = f"cloud owners: 1 of the 2 subsets of dataset {script.ds:x} have a replica"
    assert awaited(script, data_owner(script)) == covering
    assert awaited(script, model_owner(script)) == covering


@pytest.mark.parametrize("make", [lambda: Script().open(), lambda: ended(Script())])
def test_who_is_ready_waits_for_model_owners(make: object) -> None:
    script = make()  # type: ignore[operator]
    assert awaited(script, data_owner(script)) == f"model owners to ask for dataset {script.ds:x}"
    held = script.terms.subsets
    nobody = f"model owners: it holds {held} replicas, and nobody trains on them now"
    assert awaited(script, cloud_owner(script)) == nobody


def test_while_a_couple_is_open_its_owners_say_nothing() -> None:
    script = Script().bring_to(Phase.TRAINING)
    assert awaited(script, data_owner(script)) == ""
    assert awaited(script, cloud_owner(script)) == ""


def test_a_cloud_owner_waits_to_be_named() -> None:
    script = Script()
    script.register()
    script.offer()
    assert awaited(script, cloud_owner(script)) == "a data owner that its policy allows to name it"


def test_a_model_owner_waits_for_a_dataset() -> None:
    script = Script()
    script.register()
    named = replace(one_model()[0], dataset=DatasetRef(f"{script.ds:064x}"))
    asked = replace(model_owner(script), wanted=(named,))
    assert awaited(script, model_owner(script)) == "a dataset that its policy allows"
    assert awaited(script, asked) == f"dataset {script.ds:064x} to be offered"
    script.offer()
    declines = replace(model_owner(script), policy=ModelOwnerPolicy())
    assert awaited(script, declines) == "a dataset that its policy allows"


@pytest.mark.parametrize(
    ("phase", "words"),
    [
        (Phase.REQUESTED, "the data owner's answer to its request"),
        (Phase.APPROVED, ""),
        (Phase.DRAWING, "the data owner's seed in round 1"),
        (Phase.TRAINING, "the cloud owners' results in round 1"),
        (Phase.SETTLING, ""),
    ],
)
def test_a_model_owner_waits_in_its_couple(phase: Phase, words: str) -> None:
    script = Script().bring_to(phase)
    assert awaited(script, model_owner(script)) == words


def test_a_model_owner_whose_couple_is_over_says_that_it_may_be_stopped() -> None:
    script = ended(Script())
    over = f"nothing: couple {script.tc:x} is completed, and the agent may be stopped"
    assert awaited(script, model_owner(script)) == over
