"""The hash rule and the draw, as the market computes them: receipts, seed chains, the lottery.

The contract's side is ``contracts/libraries``; both are checked against ``tests/vectors.json``, which neither
made.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from agents.core.ids import Address, CoupleId, DatasetId, InstanceId

_RECEIPT_TYPE = keccak(text="Holdfast receipt v1")
_TICKETS_A_WORD = 16
_TICKETS = 2**16


def receipt_domain(chain_id: int, market: Address) -> bytes:
    """What every receipt of this market on this chain begins with, 32 bytes."""
    return keccak(encode(["bytes32", "uint256", "address"], [_RECEIPT_TYPE, chain_id, market]))


def data_receipt(
    domain: bytes, ds: DatasetId, subset: int, co: Address, digest: bytes, nonce: bytes
) -> bytes:
    """The receipt of a cloud owner that holds a data subset (paper, II-B), 32 bytes."""
    types = ["bytes32", "uint256", "uint256", "address", "bytes32", "bytes32"]
    return keccak(encode(types, [domain, ds, subset, co, digest, nonce]))


def training_receipt(
    domain: bytes, tc: CoupleId, round_: int, ci: InstanceId, co: Address, digest: bytes, nonce: bytes
) -> bytes:
    """The receipt of a cloud owner that trained a model (paper, II-B), 32 bytes."""
    types = ["bytes32", "uint256", "uint256", "uint256", "address", "bytes32", "bytes32"]
    return keccak(encode(types, [domain, tc, round_, ci, co, digest, nonce]))


def final_hash(domain: bytes, tc: CoupleId, salt: bytes, model: bytes) -> bytes:
    """What ends a couple, 32 bytes: it tells nothing of the weights to whoever has not the salt.

    Args:
        domain: of the market's receipts, which names chain and market.
        tc: the couple.
        salt: 32 secret bytes, for whoever is shown the weights.
        model: SHA-256 of the weights' canonical bytes.
    """
    return sha256(b"Holdfast final model v1" + domain + tc.to_bytes(32, "big") + salt + model).digest()


def commitment(receipt: bytes, nonce: bytes) -> bytes:
    """What the market stores of a report, 27 bytes."""
    return keccak(encode(["bytes32", "bytes32"], [receipt, nonce]))[:27]


def next_tip(link: bytes) -> bytes:
    """The tip that `link` opens."""
    return keccak(encode(["bytes32"], [link]))


def seed_chain(secret: bytes, length: int) -> tuple[bytes, ...]:
    """The links of a seed chain, by the round in which each is revealed; first its tip, last `secret`.

    Args:
        secret: 32 bytes.
        length: how many rounds the chain serves.

    Returns:
        ``length + 1`` links of 32 bytes.
    """
    links = [secret]
    for _ in range(length):
        links.append(next_tip(links[-1]))
    return tuple(reversed(links))


def chain_link(secret: bytes, length: int, round_: int) -> bytes:
    """The link to reveal in `round_` (1..length) of a seed chain; ``round_ = 0`` is its tip.

    Args:
        secret: 32 bytes.
        length: how many rounds the chain serves.
        round_: which round.
    """
    if not 0 <= round_ <= length:
        raise ValueError(f"a chain of {length} links has none for round {round_}")
    return seed_chain(secret, length - round_)[0]


def round_seed(mo_seed: bytes, do_seed: bytes, tc: CoupleId, round_: int) -> bytes:
    """The seed of a round's draw, 32 bytes."""
    return keccak(encode(["bytes32", "bytes32", "uint256", "uint256"], [mo_seed, do_seed, tc, round_]))


def set_bits(word: int) -> tuple[int, ...]:
    """The indices of the set bits, ascending."""
    return tuple(i for i in range(word.bit_length()) if word >> i & 1)


def full_set(size: int) -> int:
    """The word in which all of `size` (1..256) subsets are set."""
    return (1 << size) - 1


def draw(seed: bytes, pool: int, count: int) -> int:
    """Draws `count` of the set bits of `pool` without replacement and without modulo bias.

    Returns:
        The drawn bits as a word.
    """
    left = list(set_bits(pool))
    if count > len(left):
        raise ValueError(f"cannot draw {count} of {len(left)}")
    tickets = _tickets(seed)
    drawn = 0
    while count:
        ticket = next(tickets)
        if ticket >= _TICKETS - _TICKETS % len(left):
            continue
        drawn |= 1 << left.pop(ticket % len(left))
        count -= 1
    return drawn


def _tickets(seed: bytes) -> Iterator[int]:
    block = 0
    while True:
        word = int.from_bytes(keccak(encode(["bytes32", "uint256"], [seed, block])), "big")
        for place in reversed(range(_TICKETS_A_WORD)):
            yield word >> 16 * place & (_TICKETS - 1)
        block += 1


def draw_round(seed: bytes, drawn_this_epoch: int, subsets: int, per_round: int) -> tuple[int, int]:
    """One round's draw inside its epoch.

    Returns:
        The drawn subsets and the subsets drawn this epoch, both as words.
    """
    everything = full_set(subsets)
    before = 0 if drawn_this_epoch == everything else drawn_this_epoch
    pool = everything & ~before
    drawn = draw(seed, pool, min(per_round, pool.bit_count()))
    return drawn, before | drawn
