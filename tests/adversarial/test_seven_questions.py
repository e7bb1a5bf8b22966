"""The seven questions of the paper (II-D), each asked of a market with somebody in it who cheats.

Rules: T11, S4, S7, R5, A18, A22, A31, A41, A51.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from hashlib import sha256

from agents.core import calls
from agents.core.assets import Report
from agents.core.enums import CouplePhase, InstanceStatus, JobStatus
from agents.core.hashing import draw_round, final_hash, round_seed, set_bits, training_receipt
from agents.core.ids import subset_of
from agents.demo.cheats import DataReceiptCopier, LazyWorker, TrainingReceiptCopier
from agents.demo.scenario import Conduct
from agents.learning.data.subset import Subset
from agents.learning.families.registry import family_of, parse_plan
from agents.learning.integers.update import Update
from agents.roles.common import final_salt, seed_link
from agents.vault.keys import ENCRYPTION_PURPOSE, SecretKey
from agents.vault.packages import fetch_sealed
from agents.vault.sealing import Sealed
from agents.workers.base import result_context
from agents.workers.model_owner import PLAN_FILE
from testing.adversaries import CollusiveDataOwner, OtherDataWorker, OtherUploadWorker, UnequalWorker
from testing.agent_network import FINNEY, TERMS, AgentNetwork, NetworkAgent
from testing.families import initial_state, train

Gather = Callable[..., AgentNetwork]


def is_sound(network: AgentNetwork) -> bool:
    """The rules were kept, the auditor can tell from the events alone, and no coin is lost."""
    audited = network.audit()
    assert list(audited.audit.findings) == []
    assert audited.differences == ()
    return audited.ok


def test_how_does_the_mo_verify_that_a_co_has_the_dataset_it_claims_to_have(gather: Gather) -> None:
    """Without the data a CO can only make a model up; the replicas disagree with it and it loses its bond."""
    network = gather(cheats={1: Conduct(worker=LazyWorker)})
    network.play()

    cheat, honest = network.cloud_owners[1], [network.cloud_owners[0], network.cloud_owners[2]]
    assert set(network.verdicts(cheat)) == {JobStatus.FAULTY}
    assert sorted(i.bond for i in network.instances(cheat)) == [0, 0, TERMS.instance_bond], (
        "one was not drawn"
    )
    for member in honest:
        assert set(network.verdicts(member)) == {JobStatus.ACCEPTED}
        # both rounds' jobs, and half of what each slashed bond left after the MO's compensation
        assert network.market.balances[member.address] == 2 * FINNEY + 9 * FINNEY
    assert network.couple.phase is CouplePhase.COMPLETED
    assert is_sound(network)


def test_how_can_two_cos_with_the_same_subset_not_copy_each_others_hash(gather: Gather) -> None:
    """A copied data receipt binds its maker: the DO sees that it does not open, and rejects."""
    network = gather(cheats={1: Conduct(role=DataReceiptCopier)})
    network.play()

    cheat, victims = network.cloud_owners[1], network.market.instances.values()
    copied = {(i.data_hash, i.nonce) for i in network.instances(cheat)}
    assert copied < {(i.data_hash, i.nonce) for i in victims if i.cloud_owner != cheat.address}
    assert {i.status for i in network.instances(cheat)} == {InstanceStatus.REJECTED}
    assert network.verdicts(cheat) == []
    assert network.couple.phase is CouplePhase.COMPLETED
    assert is_sound(network)


def test_how_does_a_co_ensure_that_the_do_has_given_it_the_correct_dataset(gather: Gather) -> None:
    """A DO that hands one CO other data and vouches for them all is found out by the cross-check.

    The CO leaves before it can be drawn, judged and slashed for honest work.
    """
    network = gather()
    victim, owner = network.cloud_owners[2], network.data_owner
    owner.executor.worker = UnequalWorker(**vars(owner.executor.worker), victim=victim.address)
    owner.runner.role = CollusiveDataOwner(**vars(owner.runner.role))
    network.play()
    network.travel(TERMS.unbonding_seconds + 1)
    network.settle_down()

    assert {i.status for i in network.instances(victim)} == {InstanceStatus.RETIRED}
    assert network.verdicts(victim) == []
    opening = TERMS.subsets * TERMS.instance_bond
    assert network.market.balances[victim.address] == opening, "the bonds came back whole"
    assert network.couple.phase is CouplePhase.COMPLETED
    assert is_sound(network)


def test_how_does_the_do_verify_that_a_co_has_got_the_correct_dataset(gather: Gather) -> None:
    """A CO that holds other data cannot make the receipt that the DO computes, and is rejected."""
    network = gather(cheats={1: Conduct(worker=OtherDataWorker)})
    network.play()

    cheat = network.cloud_owners[1]
    assert {i.status for i in network.instances(cheat)} == {InstanceStatus.REJECTED}
    assert {i.status for m in (0, 2) for i in network.instances(network.cloud_owners[m])} == {
        InstanceStatus.VERIFIED
    }
    assert is_sound(network)


def test_how_does_an_mo_ensure_that_the_uploaded_model_is_the_one_that_was_hashed(gather: Gather) -> None:
    """The MO hashes what it downloads: an upload that the receipt does not open to is as good as none."""
    network = gather(cheats={0: Conduct(worker=OtherUploadWorker)})
    network.play_until(CouplePhase.TRAINING)
    network.settle_down(*network.cloud_owners)
    cheat, (report,) = network.cloud_owners[0], _reports_of(network, network.cloud_owners[0])
    downloaded = _download(network, report)
    receipt = training_receipt(
        cheat.identity.receipt_domain,
        network.couple.id,
        1,
        report.ci,
        cheat.address,
        sha256(downloaded).digest(),
        report.nonce,
    )
    assert receipt != report.hash, "whoever has the upload can show that it is not what was hashed"

    network.play()
    mo, couple = network.model_owner.identity, network.couple
    salt = final_salt(mo, couple.id)
    ends = final_hash(mo.receipt_domain, couple.id, salt, _learnt_from_true_rows(network))
    assert couple.final_model_hash == ends, "a sibling's upload took its place"
    assert is_sound(network)


def _learnt_from_true_rows(network: AgentNetwork) -> bytes:
    """The digest of the model that the rounds come to, from an honest cloud owner's files."""
    owner = network.cloud_owners[1]
    held = {
        subset_of(instance.id): Subset.from_bytes(owner.home.read(f"subsets/{instance.id:x}") or b"")
        for instance in network.instances(owner)
    }
    plan = parse_plan((network.folder / "model owner" / PLAN_FILE).read_bytes())
    state = initial_state(plan)
    for record in network.couple.rounds.values():
        results = [train(plan, state.weights, held[subset]) for subset in set_bits(record.drawn)]
        state = family_of(plan).aggregate(state, Update.of(state.weights, results))
    return state.weights.digest()


def test_how_does_the_mo_ensure_that_a_co_does_not_copy_the_hash_of_its_sibling(gather: Gather) -> None:
    """A copied training receipt opens to nothing for whoever copied it: it is Faulty and loses its bond."""
    network = gather(cheats={2: Conduct(role=TrainingReceiptCopier)})
    network.play()

    cheat = network.cloud_owners[2]
    for record in network.couple.rounds.values():
        copies = [r for r in record.reports.values() if r.cloud_owner == cheat.address]
        originals = {(r.hash, r.nonce) for r in record.reports.values() if r.cloud_owner != cheat.address}
        assert {(r.hash, r.nonce) for r in copies} <= originals
    assert set(network.verdicts(cheat)) == {JobStatus.FAULTY}
    assert sorted(i.bond for i in network.instances(cheat)) == [0, 0, TERMS.instance_bond], (
        "one was not drawn"
    )
    assert is_sound(network)


def test_how_does_the_do_ensure_that_the_mo_does_not_control_the_subsets(gather: Gather) -> None:
    """The MO is bound to its seeds, cannot draw, cannot start again, and cannot foresee the DO's."""
    network = gather()
    mo = network.model_owner
    network.play_until(CouplePhase.APPROVED, round_=0)
    tc, rounds = network.couple.id, network.couple.max_rounds
    chosen = bytes(31) + b"\x01"

    refused = mo.refusal(calls.start_round(tc, chosen, bytes(32), bytes(32)))
    assert refused is not None
    assert refused.error == "Training_WrongSeed"

    network.play_until(CouplePhase.DRAWING)
    for call, error in (
        (calls.start_round(tc, seed_link(mo.identity, tc, rounds, 2), bytes(32), b""), "Training_WrongPhase"),
        (calls.draw_round(tc, chosen), "Training_NotParty"),
    ):
        refused = mo.refusal(call)
        assert refused is not None
        assert refused.error == error

    # whatever link the MO committed to, the DO's makes each subset equally likely
    mine = seed_link(mo.identity, tc, rounds, 1)
    seeds = [sha256(number.to_bytes(2, "big")).digest() for number in range(1000)]
    counts = Counter(draw_round(round_seed(mine, theirs, tc, 1), 0, 4, 1)[0] for theirs in seeds)
    assert set(counts) == {1, 2, 4, 8}
    assert min(counts.values()) > 200

    network.play()
    drawn = 0
    for record in network.couple.rounds.values():
        seed = round_seed(record.mo_seed, record.do_seed, tc, record.number)
        expected, drawn = draw_round(seed, drawn, TERMS.subsets, TERMS.subsets_per_round)
        assert record.drawn == expected
    assert is_sound(network)


def _reports_of(network: AgentNetwork, member: NetworkAgent) -> list[Report]:
    return [r for r in network.couple.current.reports.values() if r.cloud_owner == member.address]


def _download(network: AgentNetwork, report: Report) -> bytes:
    """What the MO gets for a report."""
    wallet = network.model_owner.wallet
    key = SecretKey.from_seed(wallet.derive(ENCRYPTION_PURPOSE))
    context = result_context(network.couple.id, network.couple.round, report.ci)
    return fetch_sealed(network.store, Sealed(report.sealed_location), key, context)
