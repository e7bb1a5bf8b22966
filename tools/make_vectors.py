"""Writes tests/vectors.json: what the hash rule, the ids, the seed chains and the lottery must compute.

    python -m tools.make_vectors

What members seal is in it, too (tools/vault_vectors.py), and what masks are made of (tools/mask_vectors.py).
Solidity (contracts/libraries) and Python (agents) are checked against that file. So this script shares no
code with either: it needs an ABI encoder and keccak, says each rule once more in its own words, and makes all
inputs by hashing labels. Running it again writes the same file.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_hash.auto import keccak

from tools import mask_vectors, vault_vectors

VECTORS = Path(__file__).resolve().parent.parent / "tests" / "vectors.json"
LARGEST_SERIALS = {1: 2**32 - 1, 2: 2**24 - 1, 3: 2**32 - 1}
TICKET_VALUES = 65536
SHAPES = (1, 1), (2, 1), (2, 2), (4, 1), (4, 3), (5, 2), (5, 5), (256, 64), (256, 100), (256, 255), (256, 256)

Vector = dict[str, Any]


def made(label: str) -> bytes:
    """An input: 32 bytes that nobody chose."""
    return keccak(label.encode())


def address(label: str) -> bytes:
    """An address: 20 bytes."""
    return made(label)[:20]


def hashed(types: str, *values: Any) -> bytes:
    """keccak256(abi.encode(values))."""
    return keccak(encode(types.split(), values))


def shown(raw: bytes | int) -> str:
    """Bytes, and integers of more than 53 bits, stand in the file as hexadecimal."""
    return f"{raw:#066x}" if isinstance(raw, int) else "0x" + raw.hex()


# --- ids: owner (20 bytes), kind (2), serial (6), subset (2), replica (2) ---


def asset_id(owner: bytes, kind: int, serial: int, subset: int = 0, replica: int = 0) -> int:
    """The fields of an id, side by side."""
    fields = struct.pack(">HHIHH", kind, serial >> 32, serial % 2**32, subset, replica)
    return int.from_bytes(owner + fields, "big")


def ids() -> Iterator[Vector]:
    """Each kind, and the ends of each field's range."""
    for owner in (address("owner"), bytes(19) + b"\x01", b"\xff" * 20):
        for kind, largest in LARGEST_SERIALS.items():
            for serial in (1, 2, 1000, largest):
                made_id = asset_id(owner, kind, serial)
                yield {"owner": shown(owner), "kind": kind, "serial": serial, "id": shown(made_id)}


def instances() -> Iterator[Vector]:
    """Replicas of subsets."""
    for serial in (1, LARGEST_SERIALS[1]):
        for subset, replica in ((0, 1), (0, 255), (1, 1), (7, 16), (255, 1), (255, 255)):
            ds = asset_id(address("owner"), 1, serial)
            ci = asset_id(address("owner"), 1, serial, subset, replica)
            yield {"ds": shown(ds), "subset": subset, "replica": replica, "ci": shown(ci)}


# --- receipts ---


def domain(chain_id: int, market: bytes) -> bytes:
    """What a receipt begins with."""
    return hashed("bytes32 uint256 address", keccak(b"Holdfast receipt v1"), chain_id, market)


def domains() -> Iterator[Vector]:
    """Several chains, several markets."""
    for chain_id in (1, 1337, 31337, 2**64 - 1):
        for market in (address("market"), address("another market")):
            yield {"chain_id": chain_id, "market": shown(market), "domain": shown(domain(chain_id, market))}


def data_receipts() -> Iterator[Vector]:
    """Each line changes one input of the first."""
    base = (1, 0, "co", "data", "nonce")
    for serial, subset, co, digest, nonce in (
        base,
        (2, 0, "co", "data", "nonce"),
        (1, 255, "co", "data", "nonce"),
        (1, 0, "another co", "data", "nonce"),
        (1, 0, "co", "other data", "nonce"),
        (1, 0, "co", "data", "another nonce"),
    ):
        where = domain(1337, address("market"))
        ds = asset_id(address("owner"), 1, serial)
        values = (where, ds, subset, address(co), made(digest), made(nonce))
        receipt = hashed("bytes32 uint256 uint256 address bytes32 bytes32", *values)
        names = ("domain", "ds", "subset", "cloud_owner", "digest", "nonce")
        yield _vector(names, values, small=("subset",)) | {"receipt": shown(receipt)}


def training_receipts() -> Iterator[Vector]:
    """Each line changes one input of the first; with the commitment that the market stores."""
    base = (1337, 1, 1, 1, "co", "model", "nonce")
    lines = [base]
    for place, other in enumerate((1, 2, 65535, 255, "another co", "other model", "another nonce")):
        lines.append((*base[:place], other, *base[place + 1 :]))  # type: ignore[arg-type]
    for chain_id, serial, round_, replica, co, digest, nonce in lines:
        where = domain(chain_id, address("market"))
        tc = asset_id(address("mo"), 3, serial)
        ci = asset_id(address("owner"), 1, 1, 3, replica)
        values = (where, tc, round_, ci, address(co), made(digest), made(nonce))
        receipt = hashed("bytes32 uint256 uint256 uint256 address bytes32 bytes32", *values)
        committed = hashed("bytes32 bytes32", receipt, made(nonce))[: 256 // 8 - 5]
        names = ("domain", "tc", "round", "ci", "cloud_owner", "digest", "nonce")
        vector = _vector(names, values, small=("round",))
        yield vector | {"receipt": shown(receipt), "commitment": shown(committed)}


def final_hashes() -> Iterator[Vector]:
    """What ends a couple."""
    for number in range(3):
        tc = asset_id(address(f"model owner {number}"), 3, number + 1)
        facts = [domain(1337 + number, address("market")), tc.to_bytes(32, "big")]
        facts += [made(f"salt {number}"), made(f"weights {number}")]
        named = zip(("domain", "tc", "salt", "model"), map(shown, facts), strict=True)
        yield dict(named) | {"hash": shown(sha256(b"Holdfast final model v1" + b"".join(facts)).digest())}


def _vector(names: tuple[str, ...], values: tuple[Any, ...], small: tuple[str, ...] = ()) -> Vector:
    return {name: value if name in small else shown(value) for name, value in zip(names, values, strict=True)}


# --- seed chains ---


def chain(secret: bytes, length: int) -> list[bytes]:
    """The tip, then the link of each round; the last one is the secret."""
    links = [secret]
    for _ in range(length):
        links.insert(0, hashed("bytes32", links[0]))
    return links


def seed_chains() -> Iterator[Vector]:
    """Short chains whole."""
    for label, length in (("secret", 1), ("secret", 2), ("another secret", 7)):
        links = chain(made(label), length)
        yield {"secret": shown(made(label)), "length": length, "links": [shown(link) for link in links]}


def round_seeds() -> Iterator[Vector]:
    """Each line changes one input of the first; the third one swaps the two parties."""
    for mo, do, serial, round_ in (
        ("mo", "do", 1, 1),
        ("mo", "another do", 1, 1),
        ("do", "mo", 1, 1),
        ("mo", "do", 2, 1),
        ("mo", "do", 1, 2),
        ("mo", "do", 1, 65535),
    ):
        values = (made(mo), made(do), asset_id(address("mo"), 3, serial), round_)
        seed = hashed("bytes32 bytes32 uint256 uint256", *values)
        yield _vector(("mo_seed", "do_seed", "tc", "round"), values, small=("round",)) | {"seed": shown(seed)}


# --- the lottery ---


@dataclass(frozen=True)
class Draw:
    """A draw: its tickets, each with the size of its urn, and which tickets (from 0) were rejected."""

    drawn: tuple[int, ...]
    tickets: tuple[tuple[int, int], ...]
    rejected: tuple[int, ...]

    def has_ticket(self, offset: int) -> bool:
        """Whether a ticket lies just so far from the first one that its urn rejects."""
        return any(ticket == TICKET_VALUES - TICKET_VALUES % size + offset for ticket, size in self.tickets)


def tickets(seed: bytes) -> Iterator[int]:
    """Sixteen 16-bit numbers a hash, big-endian."""
    for block in count():
        yield from struct.unpack(">16H", keccak(seed + block.to_bytes(32, "big")))


def draw(seed: bytes, pool: tuple[int, ...], many: int) -> Draw:
    """Numbers the urn over and over, as often as it fits whole; a ticket beyond that is rejected."""
    urn = sorted(pool)
    drawn: list[int] = []
    read: list[tuple[int, int]] = []
    rejected: list[int] = []
    stream = tickets(seed)
    while len(drawn) < many:
        ticket = next(stream)
        read.append((ticket, len(urn)))
        row, column = divmod(ticket, len(urn))
        if row == TICKET_VALUES // len(urn):
            rejected.append(len(read) - 1)
        else:
            drawn.append(urn[column])
            urn = urn[:column] + urn[column + 1 :]
    return Draw(tuple(sorted(drawn)), tuple(read), tuple(rejected))


def word(indices: tuple[int, ...] | range) -> int:
    """A set of subsets as the contract writes it: bit i is subset i."""
    return sum(1 << index for index in indices)


def shapes() -> Iterator[tuple[int, ...]]:
    """Pools: full ones of many sizes, single ends, gaps, halves, and words that nobody chose."""
    for size in (1, 2, 3, 4, 5, 7, 8, 16, 17, 31, 40, 64, 100, 128, 129, 200, 255, 256):
        yield tuple(range(size))
    yield from ((255,), (0, 255), (127, 128), tuple(range(0, 256, 2)), tuple(range(1, 256, 2)))
    yield from (tuple(range(128, 256)), tuple(range(0, 256, 17)), (3, 4, 5, 90, 91, 200, 254))
    for label in ("pool", "another pool"):
        yield tuple(i for i in range(256) if made(label)[i // 8] >> i % 8 & 1)


def draws() -> Iterator[Vector]:
    """One, some and all of each pool; then draws that were searched for."""
    for number, pool in enumerate(shapes()):
        for many in sorted({1, (len(pool) + 1) // 2, len(pool)}):
            yield _draw_vector(made(f"draw {number} {many}"), pool, many)
    yield from searched_draws()


def searched_draws() -> Iterator[Vector]:
    """The rare paths: tickets rejected, at the ends of words too, and both sides of the limit."""
    urn = tuple(range(241))  # of all sizes up to 256 the one that rejects most: 225 of 65,536
    last, first = 15, 16  # of the first word and of the second
    yield _search("first ticket rejected", urn, 3, lambda found: found.rejected[:1] == (0,))
    yield _search("last of a word rejected", urn, 20, lambda found: last in found.rejected)
    yield _search("first of a word rejected", urn, 20, lambda found: first in found.rejected)
    yield _search("two rejected", urn, 20, lambda found: len(found.rejected) == 2)
    yield _search("the only pick", urn, 1, lambda found: len(found.rejected) == 1)
    yield _search("beyond the limit", urn, 241, lambda found: found.has_ticket(0))
    yield _search("before the limit", urn, 241, lambda found: found.has_ticket(-1))


def _search(label: str, pool: tuple[int, ...], many: int, wanted: Callable[[Draw], bool]) -> Vector:
    seeds = (made(f"{label} {attempt}") for attempt in count())
    return _draw_vector(next(seed for seed in seeds if wanted(draw(seed, pool, many))), pool, many)


def _draw_vector(seed: bytes, pool: tuple[int, ...], many: int) -> Vector:
    found = draw(seed, pool, many)
    return {
        "seed": shown(seed),
        "pool": shown(word(pool)),
        "count": many,
        "drawn": shown(word(found.drawn)),
        "rejected": list(found.rejected),
    }


# --- epochs: rounds of one train couple ---


def epochs() -> Iterator[Vector]:
    """Two epochs and a round more; `subsets` divides into rounds evenly or not."""
    for subsets, each in SHAPES:
        rounds = 2 * -(-subsets // each) + 1
        tc = asset_id(address("mo"), 3, subsets)
        label = f"{subsets} {each}"
        mo_links, do_links = chain(made(f"mo {label}"), rounds), chain(made(f"do {label}"), rounds)
        yield {
            "subsets": subsets,
            "per_round": each,
            "tc": shown(tc),
            "mo_secret": shown(mo_links[-1]),
            "do_secret": shown(do_links[-1]),
            "rounds": list(_rounds(subsets, each, tc, mo_links[1:], do_links[1:])),
        }


def _rounds(subsets: int, each: int, tc: int, mo: list[bytes], do: list[bytes]) -> Iterator[Vector]:
    waiting = tuple(range(subsets))
    for round_, (mo_seed, do_seed) in enumerate(zip(mo, do, strict=True), start=1):
        seed = hashed("bytes32 bytes32 uint256 uint256", mo_seed, do_seed, tc, round_)
        drawn = draw(seed, waiting, min(each, len(waiting))).drawn
        waiting = tuple(index for index in waiting if index not in drawn)
        over = word(range(subsets)) - word(waiting)
        yield {
            "mo_seed": shown(mo_seed),
            "do_seed": shown(do_seed),
            "seed": shown(seed),
            "drawn": shown(word(drawn)),
            "drawn_this_epoch": shown(over),
        }
        waiting = waiting or tuple(range(subsets))


def vectors() -> dict[str, list[Vector]]:
    """All chapters."""
    receipts = domains, data_receipts, training_receipts, final_hashes
    sealed = vault_vectors.encryption_keys, vault_vectors.seals, vault_vectors.envelopes
    drawn = seed_chains, round_seeds, draws, epochs
    chapters = ids, instances, *receipts, *drawn, *sealed, mask_vectors.mask_seeds
    return {chapter.__name__: list(chapter()) for chapter in chapters}


def rendered() -> str:
    """The file: a vector a line."""
    chapters = (
        f'  "{name}": [\n' + ",\n".join(f"    {json.dumps(vector)}" for vector in lines) + "\n  ]"
        for name, lines in vectors().items()
    )
    return "{\n" + ",\n".join(chapters) + "\n}\n"


if __name__ == "__main__":
    VECTORS.write_text(rendered())
