"""What a wallet gives away on one market is of no use on another; the final hash tells no weights.

Rules: A14, R11.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from agents.core.hashing import final_hash, receipt_domain
from agents.core.ids import CoupleId, InstanceId
from agents.roles.acts import Identity
from agents.roles.common import data_nonce, final_salt, seed_link, training_nonce
from testing.script import identity
from testing.world import address_of

HERE = identity("somebody")
MARKET = address_of("a market")
ELSEWHERE = [
    replace(HERE, receipt_domain=receipt_domain(1337, MARKET)),
    replace(HERE, receipt_domain=receipt_domain(1, MARKET)),
    replace(HERE, receipt_domain=receipt_domain(1337, address_of("another market"))),
]
TC, CI, ROUNDS = CoupleId(7), InstanceId(8), 6
SECRETS = {
    "seed": lambda who: seed_link(who, TC, ROUNDS, ROUNDS),
    "data nonce": lambda who: data_nonce(who, CI),
    "training nonce": lambda who: training_nonce(who, TC, 1, CI),
    "salt": lambda who: final_salt(who, TC),
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_of_one_market_on_one_chain(name: str) -> None:
    found = {SECRETS[name](who) for who in (HERE, *ELSEWHERE)}
    assert len(found) == 4
    assert SECRETS[name](HERE) == SECRETS[name](identity("somebody"))


def chain(who: Identity, rounds: int = ROUNDS) -> set[bytes]:
    """All links of a seed chain, the tip included."""
    return {seed_link(who, TC, rounds, round_) for round_ in range(rounds + 1)}


def test_draws_opened_on_one_market_are_not_known_on_another() -> None:
    """Whoever has seen all links of the one has none of the other, nor has who hashes them."""
    for other in ELSEWHERE:
        assert not chain(HERE) & chain(other)


def test_a_couple_that_comes_again_with_more_rounds_has_another_chain() -> None:
    """The links of a shorter one would be its last ones."""
    assert not chain(HERE, ROUNDS) & chain(HERE, ROUNDS + 1)


def test_the_final_hash_is_bound_to_all_that_it_says() -> None:
    domain, salt, model = HERE.receipt_domain, final_salt(HERE, TC), sha256(b"weights").digest()
    hashes = {
        final_hash(domain, TC, salt, model),
        final_hash(ELSEWHERE[0].receipt_domain, TC, salt, model),
        final_hash(domain, CoupleId(8), salt, model),
        final_hash(domain, TC, bytes(32), model),
        final_hash(domain, TC, salt, sha256(b"other weights").digest()),
    }
    assert len(hashes) == 5


def test_who_guesses_the_weights_cannot_check_the_guess_without_the_salt() -> None:
    domain, model = HERE.receipt_domain, sha256(b"weights").digest()
    shown = final_hash(domain, TC, final_salt(HERE, TC), model)
    known = (domain, bytes(32), model, sha256(domain).digest(), TC.to_bytes(32, "big"))
    assert shown not in {model, *(final_hash(domain, TC, guess, model) for guess in known)}
    assert shown == final_hash(domain, TC, final_salt(HERE, TC), model)
