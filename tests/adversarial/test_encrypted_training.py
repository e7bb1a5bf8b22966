"""Who cheats in encrypted training, or colludes: what it learns and what it does not, with real ciphertexts.

Each test says what the attacker does that its own agent would not. An attacker that has the model owner's
secret key adds, relabels and decrypts as it likes: `Sum` is what it has to work with.

Rules: E6, E9, E10, E18, S7, E29.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from math import prod
from pathlib import Path

import numpy as np
import pytest

from agents.audit.replay import audit
from agents.core.enums import CouplePhase
from agents.core.errors import BadObject
from agents.demo.cheats import LazyWorker
from agents.learning.data.canonical import digest
from agents.learning.data.samples import Int64Array
from agents.learning.data.subset import Subset
from agents.learning.families.encrypted_linear import EncryptedLogisticPlan
from agents.learning.families.registry import family_of
from agents.learning.family import Cohort, KeyPair
from agents.learning.he.bfv.family import ExactFamily
from agents.learning.he.ring import Content, total
from agents.learning.he.secure_aggregation import JobStreams
from agents.learning.he.tensors import pack_residues
from agents.learning.integers.weights import Weights
from agents.roles.cloud_owner import CloudOwner
from agents.roles.results import PublishedWeights
from agents.roles.tasks.model_owner import weights_key
from agents.workers.base import cohort_of
from testing.ciphertexts import mask_keys
from testing.fake_market import FakeMarket
from testing.families import initial_weights
from testing.workers import TC, some_samples
from testing.workers import an_encrypted_plan as a_plan
from testing.world import World

M, DOMAIN = 4, FakeMarket.domain
EVERYTHING = tuple(range(M))
Change = Int64Array


@dataclass(frozen=True)
class Owner:
    """A model owner that does as it likes."""

    family: ExactFamily
    keys: KeyPair

    @property
    def plan(self) -> EncryptedLogisticPlan:
        assert isinstance(self.family.plan, EncryptedLogisticPlan)
        return self.family.plan

    def weights(self, unit: int = 0) -> Weights:
        """Zeros, or with a one in one place."""
        weights = initial_weights(self.plan)
        weights.tensors["output"][0, 0] = unit
        return weights

    def asked(self, encrypted: bytes, subset: int, cohort: Cohort | None = None) -> bytes:
        """What an honest replica answers."""
        cohort = cohort or cohort_of(self.family, DOMAIN, TC, 1, digest(encrypted), 0, M)
        return self.family.train(self.keys.public, encrypted, subsets()[subset], cohort)

    def phases(self, results: Sequence[bytes], less: Sequence[Content] = ()) -> Change:
        """Adds results up whatever they say of themselves, takes known masks away, and decrypts."""
        context, codec, circuit = self.family.context, self.family.codec, self.family.circuit
        parts = [codec.result(result).ciphertexts[0] for result in results]
        secret = codec.secret(self.keys.secret)  # it is its own
        plaintext = context.decrypt(secret, total([*parts, *less], context.primes))
        change, _ = circuit.layout.results([circuit.encoding.decode(plaintext)])
        return change

    def truth(self, weights: Weights, *chosen: int) -> Change:
        """What these subsets' rows come to."""
        parts = [self.family.local_update(weights, subsets()[index].samples) for index in chosen]
        change: Change = np.sum([part.change["output"] for part in parts], axis=0)
        return change


@cache
def subsets() -> tuple[Subset, ...]:
    """Four subsets, as their replicas hold them."""
    return tuple(
        Subset(index, some_samples(seed=index), sha256(b"secret %d" % index).digest(), mask_keys(index, M))
        for index in EVERYTHING
    )


@pytest.fixture(scope="module")
def owner() -> Owner:
    plan = a_plan()
    keys = family_of(plan).keys()
    family = family_of(plan.with_keys(digest(keys.public).hex()))
    assert isinstance(family, ExactFamily)
    return Owner(family, keys)


def looks_random(found: Change, owner: Owner) -> bool:
    """Whether numbers are spread over the plaintext space: a true change is 2^20 times smaller at least."""
    return bool(np.abs(found).max() > owner.family.context.plain_modulus // 2**6)


# --- a cloud owner ---


def test_a_lazy_co_is_faulty_with_an_encrypted_result(tmp_path: Path) -> None:
    """It makes rows up. Its result has the right form; its digest is nobody else's."""
    world = World(
        tmp_path,
        plan=a_plan(2, features=13, classes=3),
        secrecy="dataset",
        cheats={1: (CloudOwner, LazyWorker)},
    )
    world.play()
    assert world.couple.phase is CouplePhase.COMPLETED
    statements = audit(world.chain.history, world.chain.domain).statements
    lazy = statements[world.cloud_owners[1].address]
    assert (lazy.accepted, lazy.faulty) == (0, 4)
    assert all(statements[world.cloud_owners[honest].address].accepted == 4 for honest in (0, 2))
    made = world.model_owner.journal[weights_key(world.couple.id, 2)]
    assert isinstance(made, PublishedWeights)
    assert made.summed == 4


def test_a_co_that_repeats_a_job_gives_nothing_new_away(owner: Owner) -> None:
    """Drawn twice for the same weights it makes the same bytes: there is no difference to learn from."""
    encrypted = owner.family.encrypt(owner.keys, owner.weights())
    assert owner.asked(encrypted, 2) == owner.asked(encrypted, 2)


# --- a model owner ---


def test_a_whole_sum_is_what_the_subsets_come_to(owner: Owner) -> None:
    """That much it is paid for."""
    encrypted = owner.family.encrypt(owner.keys, owner.weights(1000))
    found = owner.phases([owner.asked(encrypted, subset) for subset in EVERYTHING])
    assert (found == owner.truth(owner.weights(1000), *EVERYTHING)).all()


@pytest.mark.parametrize("chosen", [(0,), (0, 1), (1, 2, 3)])
def test_an_mo_that_decrypts_a_part_of_a_cohort_sees_noise(owner: Owner, chosen: tuple[int, ...]) -> None:
    encrypted = owner.family.encrypt(owner.keys, owner.weights())
    results = [owner.asked(encrypted, subset) for subset in chosen]
    with pytest.raises(BadObject):
        owner.family.decrypt(owner.keys, results)
    found = owner.phases(results)
    assert looks_random(found, owner)
    assert not (found == owner.truth(owner.weights(), *chosen)).any()


def test_an_mo_that_changes_its_weights_before_all_have_answered_learns_nothing(owner: Owner) -> None:
    """It gives out other weights to the second half: no masks of the two halves cancel."""
    first = owner.family.encrypt(owner.keys, owner.weights())
    second = owner.family.encrypt(owner.keys, owner.weights(1))
    results = [owner.asked(first, 0), owner.asked(first, 1), owner.asked(second, 2), owner.asked(second, 3)]
    with pytest.raises(BadObject):
        owner.family.decrypt(owner.keys, results)
    assert looks_random(owner.phases(results), owner)
    halves = results[:2], results[2:]
    assert all(looks_random(owner.phases(half), owner) for half in halves)


def test_the_same_weights_encrypted_twice_are_two_sums(owner: Owner) -> None:
    """A fresh encryption of the same numbers is asked of some subsets: their results fit no others."""
    first, again = (owner.family.encrypt(owner.keys, owner.weights()) for _ in range(2))
    mixed = [owner.asked(again if subset == 0 else first, subset) for subset in EVERYTHING]
    assert looks_random(owner.phases(mixed), owner)


def test_an_mo_with_two_couples_gets_two_sums_and_no_difference(owner: Owner) -> None:
    """The masks of a couple are its own: results of two couples on the same ciphertext do not mix."""
    encrypted = owner.family.encrypt(owner.keys, owner.weights())
    other = cohort_of(owner.family, DOMAIN, TC + 1, 1, digest(encrypted), 0, M)  # type: ignore[arg-type]
    mixed = [owner.asked(encrypted, subset, other if subset == 3 else None) for subset in EVERYTHING]
    assert looks_random(owner.phases(mixed), owner)


@pytest.mark.parametrize("other", ["market", "plan", "round"])
def test_an_mo_on_two_markets_or_with_two_plans_has_nothing_to_subtract(owner: Owner, other: str) -> None:
    """The same ciphertext, asked of the same subsets with the very same mask keys."""
    encrypted = owner.family.encrypt(owner.keys, owner.weights(1000))
    cohort = cohort_of(owner.family, DOMAIN, TC, 1, digest(encrypted), 0, M)
    twin = owner
    if other == "market":
        cohort = cohort_of(owner.family, bytes(32), TC, 1, digest(encrypted), 0, M)
    elif other == "plan":
        family = family_of(owner.plan.model_copy(update={"rounds": owner.plan.rounds + 1}))
        assert isinstance(family, ExactFamily)
        twin = Owner(family, owner.keys)
    else:
        cohort = Cohort(sha256(cohort.label).digest(), EVERYTHING)
    here = [owner.asked(encrypted, subset) for subset in EVERYTHING]
    there = [twin.asked(encrypted, subset, cohort) for subset in EVERYTHING]
    for whole in (here, there):
        assert (owner.phases(whole) == owner.truth(owner.weights(1000), *EVERYTHING)).all()
    assert looks_random(owner.phases([there[0], *here[1:]]), owner)
    assert looks_random(owner.phases([*here[:2], *there[2:]]), owner)
    assert len({*here, *there}) == 2 * M


def test_crafted_keys_and_ciphertexts_bare_no_map_in_the_second_polynomial() -> None:
    """With constants for polynomials it would show the maps bare: it is masked, and blinded in the sum."""
    family = family_of(a_plan())
    assert isinstance(family, ExactFamily)
    context, dropped = family.context, family.context.primes[family.circuit.budget.primes_left :]
    zeros = np.zeros((1, len(context.primes), context.degree), dtype=np.uint64)
    public = pack_residues(context, "public keys", {"zero": zeros}, {})
    constants = np.zeros((2, len(context.primes), context.degree), dtype=np.uint64)
    for row, prime in zip(constants[1], context.primes, strict=True):
        row[:] = prod(dropped) % prime  # in NTT form; what the result is divided by
    encrypted = pack_residues(context, "encrypted weights", {"weights": constants}, {})
    named = family_of(a_plan().with_keys(digest(public).hex()))
    assert isinstance(named, ExactFamily)
    owner = Owner(named, KeyPair(b"", public))
    results = [owner.asked(encrypted, subset) for subset in EVERYTHING]
    for chosen in (results[:1], results):
        assert (np.abs(_second(owner, chosen)) > 2**50).mean() > 0.98, "uniform, and no map has such numbers"


def _second(owner: Owner, results: Sequence[bytes]) -> Int64Array:
    """The second polynomial of a sum modulo its first prime, centred."""
    context = owner.family.context
    parts = [owner.family.codec.result(result).ciphertexts[0] for result in results]
    residues = total(parts, context.primes).residues[1, 0].astype(np.int64)
    prime = context.all_primes[0]
    centred: Int64Array = np.where(residues > prime // 2, residues - prime, residues)
    return centred


# --- together ---


@pytest.mark.parametrize(("colluding", "hidden"), [((1, 2), True), ((1, 2, 3), False)])
def test_a_result_is_hidden_as_long_as_the_mo_lacks_one_other_subsets_key(
    owner: Owner,
    colluding: tuple[int, ...],
    hidden: bool,
) -> None:
    """COs tell the MO what they agree on with subset 0: with that of all others no mask is left."""
    encrypted = owner.family.encrypt(owner.keys, owner.weights())
    result = owner.asked(encrypted, 0)
    found = owner.phases([result], [_mask_between(owner, encrypted, 0, other) for other in colluding])
    assert looks_random(found, owner) is hidden
    if not hidden:
        assert (found == owner.truth(owner.weights(), 0)).all()


def _mask_between(owner: Owner, encrypted: bytes, one: int, other: int) -> Content:
    """What the other subset adds for this pair: the opposite of the first one's."""
    cohort = cohort_of(owner.family, DOMAIN, TC, 1, digest(encrypted), 0, M)
    streams = JobStreams(owner.plan, "dataset", subsets()[one], cohort, digest(encrypted))
    alone = replace(cohort, members=(one, other))
    context = owner.family.context
    primes = context.all_primes[: owner.family.circuit.budget.primes_left]
    streams._cohort = alone  # the streams' names stay those of the whole cohort
    masks = streams.masks(primes, 2 * context.degree, 0)
    masks = masks.reshape(len(primes), 2, context.degree).swapaxes(0, 1)
    moduli = np.array(primes, dtype=np.uint64)[:, None]
    return Content((moduli - masks) % moduli, ntt=False)


def test_an_mo_with_one_co_knows_the_sum_of_the_others(owner: Owner) -> None:
    """It takes away what that CO's rows come to. What is left is a sum over the rest."""
    weights = owner.weights()
    encrypted = owner.family.encrypt(owner.keys, weights)
    found = owner.phases([owner.asked(encrypted, subset) for subset in EVERYTHING])
    assert (found - owner.truth(weights, 0) == owner.truth(weights, 1, 2, 3)).all()


def test_sums_over_rounds_can_be_subtracted_from_each_other(owner: Owner) -> None:
    """What `--secrecy round` allows: the same weights in three rounds show the results of single subsets."""
    by_round = owner.plan.model_copy(update={"sums": "round"})
    family = family_of(by_round)
    assert isinstance(family, ExactFamily)
    mo = Owner(family, owner.keys)
    weights = mo.weights()
    encrypted = family.encrypt(mo.keys, weights)
    sums = {}
    for round_, drawn in enumerate([0b011, 0b101, 0b110], start=1):
        cohort = cohort_of(family, DOMAIN, TC, round_, digest(encrypted), drawn, M)
        sums[drawn] = mo.phases([mo.asked(encrypted, subset, cohort) for subset in cohort.members])
    assert (sums[0b011] + sums[0b101] - sums[0b110] == 2 * mo.truth(weights, 0)).all()
