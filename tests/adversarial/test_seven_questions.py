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
from agents.core.hashing import draw_round, round_seed, training_receipt
from agents.demo.cheats import DataReceiptCopier, LazyWorker, TrainingReceiptCopier
from agents.demo.scenario import Conduct
from agents.roles.common import seed_link
from agents.vault.keys import ENCRYPTION_PURPOSE, SecretKey
from agents.vault.packages import fetch_sealed
from agents.vault.sealing import Sealed
from agents.workers.base import result_context
from testing.company import FINNEY, TERMS, Company, Member
from testing.villains import CollusiveDataOwner, OtherDataWorker, OtherUploadWorker, UnequalWorker

Gather = Callable[..., Company]


def is_sound(crew: Company) -> bool:
    """The rules were kept, the auditor can tell from the events alone, and no coin is lost."""
    audited = crew.audit()
    assert list(audited.audit.findings) == []
    assert audited.differences == ()
    return audited.ok


def test_how_does_the_mo_verify_that_a_co_has_the_dataset_it_claims_to_have(gather: Gather) -> None:
    """Without the data a CO can only make a model up; the replicas disagree with it and it loses its bond."""
    crew = gather(cheats={1: Conduct(worker=LazyWorker)})
    crew.play()

    cheat, honest = crew.cloud_owners[1], [crew.cloud_owners[0], crew.cloud_owners[2]]
    assert set(crew.verdicts(cheat)) == {JobStatus.FAULTY}
    assert sorted(i.bond for i in crew.instances(cheat)) == [0, 0, TERMS.instance_bond], "one was not drawn"
    for member in honest:
        assert set(crew.verdicts(member)) == {JobStatus.ACCEPTED}
        # both rounds' jobs, and half of what each slashed bond left after the MO's compensation
        assert crew.market.balances[member.address] == 2 * FINNEY + 9 * FINNEY
    assert crew.couple.phase is CouplePhase.COMPLETED
    assert is_sound(crew)


def test_how_can_two_cos_with_the_same_subset_not_copy_each_others_hash(gather: Gather) -> None:
    """A copied data receipt binds its maker: the DO sees that it does not open, and rejects."""
    crew = gather(cheats={1: Conduct(role=DataReceiptCopier)})
    crew.play()

    cheat, victims = crew.cloud_owners[1], crew.market.instances.values()
    copied = {(i.data_hash, i.nonce) for i in crew.instances(cheat)}
    assert copied < {(i.data_hash, i.nonce) for i in victims if i.cloud_owner != cheat.address}
    assert {i.status for i in crew.instances(cheat)} == {InstanceStatus.REJECTED}
    assert crew.verdicts(cheat) == []
    assert crew.couple.phase is CouplePhase.COMPLETED
    assert is_sound(crew)


def test_how_does_a_co_ensure_that_the_do_has_given_it_the_correct_dataset(gather: Gather) -> None:
    """A DO that hands one CO other data and vouches for them all is found out by the cross-check.

    The CO leaves before it can be drawn, judged and slashed for honest work.
    """
    crew = gather()
    victim, owner = crew.cloud_owners[2], crew.data_owner
    owner.executor.worker = UnequalWorker(**vars(owner.executor.worker), victim=victim.address)
    owner.runner.role = CollusiveDataOwner(**vars(owner.runner.role))
    crew.play()
    crew.travel(TERMS.unbonding_seconds + 1)
    crew.settle_down()

    assert {i.status for i in crew.instances(victim)} == {InstanceStatus.RETIRED}
    assert crew.verdicts(victim) == []
    opening = TERMS.subsets * TERMS.instance_bond
    assert crew.market.balances[victim.address] == opening, "the bonds came back whole"
    assert crew.couple.phase is CouplePhase.COMPLETED
    assert is_sound(crew)


def test_how_does_the_do_verify_that_a_co_has_got_the_correct_dataset(gather: Gather) -> None:
    """A CO that holds other data cannot make the receipt that the DO computes, and is rejected."""
    crew = gather(cheats={1: Conduct(worker=OtherDataWorker)})
    crew.play()

    cheat = crew.cloud_owners[1]
    assert {i.status for i in crew.instances(cheat)} == {InstanceStatus.REJECTED}
    assert {i.status for m in (0, 2) for i in crew.instances(crew.cloud_owners[m])} == {
        InstanceStatus.VERIFIED
    }
    assert is_sound(crew)


def test_how_does_an_mo_ensure_that_the_uploaded_model_is_the_one_that_was_hashed(gather: Gather) -> None:
    """The MO hashes what it downloads: an upload that the receipt does not open to is as good as none."""
    crew = gather(cheats={0: Conduct(worker=OtherUploadWorker)})
    crew.play_until(CouplePhase.TRAINING)
    crew.settle_down(*crew.cloud_owners)
    cheat, (report,) = crew.cloud_owners[0], _reports_of(crew, crew.cloud_owners[0])
    downloaded = _download(crew, report)
    receipt = training_receipt(
        cheat.identity.receipt_domain,
        crew.couple.id,
        1,
        report.ci,
        cheat.address,
        sha256(downloaded).digest(),
        report.nonce,
    )
    assert receipt != report.hash, "whoever has the upload can show that it is not what was hashed"

    crew.play()
    honest = gather("honest")
    honest.play()
    assert crew.couple.final_model_hash == honest.couple.final_model_hash, "a sibling's upload took its place"
    assert is_sound(crew)


def test_how_does_the_mo_ensure_that_a_co_does_not_copy_the_hash_of_its_sibling(gather: Gather) -> None:
    """A copied training receipt opens to nothing for whoever copied it: it is Faulty and loses its bond."""
    crew = gather(cheats={2: Conduct(role=TrainingReceiptCopier)})
    crew.play()

    cheat = crew.cloud_owners[2]
    for record in crew.couple.rounds.values():
        copies = [r for r in record.reports.values() if r.cloud_owner == cheat.address]
        originals = {(r.hash, r.nonce) for r in record.reports.values() if r.cloud_owner != cheat.address}
        assert {(r.hash, r.nonce) for r in copies} <= originals
    assert set(crew.verdicts(cheat)) == {JobStatus.FAULTY}
    assert sorted(i.bond for i in crew.instances(cheat)) == [0, 0, TERMS.instance_bond], "one was not drawn"
    assert is_sound(crew)


def test_how_does_the_do_ensure_that_the_mo_does_not_control_the_subsets(gather: Gather) -> None:
    """The MO is bound to its seeds, cannot draw, cannot start again, and cannot foresee the DO's."""
    crew = gather()
    mo = crew.model_owner
    crew.play_until(CouplePhase.APPROVED, round_=0)
    tc, rounds = crew.couple.id, crew.couple.max_rounds
    chosen = bytes(31) + b"\x01"

    refused = mo.refusal(calls.start_round(tc, chosen, bytes(32), bytes(32)))
    assert refused is not None
    assert refused.error == "Training_WrongSeed"

    crew.play_until(CouplePhase.DRAWING)
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

    crew.play()
    drawn = 0
    for record in crew.couple.rounds.values():
        seed = round_seed(record.mo_seed, record.do_seed, tc, record.number)
        expected, drawn = draw_round(seed, drawn, TERMS.subsets, TERMS.subsets_per_round)
        assert record.drawn == expected
    assert is_sound(crew)


def _reports_of(crew: Company, member: Member) -> list[Report]:
    return [r for r in crew.couple.current.reports.values() if r.cloud_owner == member.address]


def _download(crew: Company, report: Report) -> bytes:
    """What the MO gets for a report."""
    wallet = crew.model_owner.wallet
    key = SecretKey.from_seed(wallet.derive(ENCRYPTION_PURPOSE))
    context = result_context(crew.couple.id, crew.couple.round, report.ci)
    return fetch_sealed(crew.store, Sealed(report.sealed_location), key, context)
