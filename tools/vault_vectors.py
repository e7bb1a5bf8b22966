"""The chapters of tests/vectors.json on what members seal: keys, sealed objects, envelopes.

As tools/make_vectors.py, which writes them, this shares no code with the agents: the curve is plain integers,
HKDF is HMAC, AES is another library's. Whoever seals takes fresh secrets; here they are made of labels.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from typing import Any

from Crypto.Cipher import AES
from eth_hash.auto import keccak

Vector = dict[str, Any]
Point = tuple[int, int]

FIELD = 2**256 - 2**32 - 977
ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
BASE = (
    0x79BE667E_F9DCBBAC_55A06295_CE870B07_029BFCDB_2DCE28D9_59F2815B_16F81798,
    0x483ADA77_26A3C465_5DA4FBFC_0E1108A8_FD17B448_A6855419_9C47D08F_FB10D4B8,
)
SEALINGS = ((b"", b""), (b"an object id, 32 bytes in length", b""), (b"a model", b"holdfast/model/7/3"))
READERS = (1, 2, 5)


def made(label: str) -> bytes:
    """An input: 32 bytes that nobody chose."""
    return keccak(label.encode())


def hexadecimal(raw: bytes) -> str:
    """As bytes stand in the file."""
    return "0x" + raw.hex()


# --- the curve y² = x³ + 7 ---


def plus(one: Point | None, other: Point | None) -> Point | None:
    """The sum of two points; None is the one at infinity."""
    if one is None or other is None:
        return one or other
    (x, y), (u, v) = one, other
    if x == u and (y + v) % FIELD == 0:
        return None
    slope = 3 * x * x * pow(2 * y, -1, FIELD) if one == other else (v - y) * pow(u - x, -1, FIELD)
    w = (slope * slope - x - u) % FIELD
    return w, (slope * (x - w) - y) % FIELD


def times(number: int, point: Point) -> Point:
    """A point, so many times; the number is above zero and below the order."""
    total: Point | None = None
    doubled: Point | None = point
    while number:
        total = plus(total, doubled) if number & 1 else total
        doubled, number = plus(doubled, doubled), number >> 1
    assert total is not None
    return total


def x_of(point: Point) -> bytes:
    """32 bytes, big-endian."""
    return point[0].to_bytes(32, "big")


def encoded(point: Point) -> bytes:
    """X, then y."""
    return x_of(point) + point[1].to_bytes(32, "big")


# --- keys and ciphers ---


def hkdf(secret: bytes, length: int, purpose: bytes) -> bytes:
    """RFC 5869 with SHA-256 and no salt."""
    pseudorandom = hmac.digest(bytes(32), secret, "sha256")
    output = block = b""
    while len(output) < length:
        block = hmac.digest(pseudorandom, block + purpose + bytes([len(output) // 32 + 1]), "sha256")
        output += block
    return output[:length]


def member(label: str) -> tuple[bytes, int, Point]:
    """A seed, the secret number that belongs to it, and its point."""
    seed = made(label)
    wide = int.from_bytes(hkdf(seed, 48, b"holdfast/encryption-key/1"), "big")
    number = wide % (ORDER - 1) + 1
    return seed, number, times(number, BASE)


def agreed(label: str, reader: Point, length: int, purpose: bytes) -> tuple[bytes, bytes]:
    """The x of the ephemeral key that a label gives, and what its owner and the reader have in common."""
    number = int.from_bytes(made(label), "big") % ORDER
    x, shared = x_of(times(number, BASE)), x_of(times(number, reader))
    return x, hkdf(shared, length, purpose + x + encoded(reader))


def encrypted(key: bytes, nonce_label: str, data: bytes, associated: bytes = b"") -> bytes:
    """Nonce, tag, ciphertext."""
    nonce = made(nonce_label)[:12]
    ciphertext, tag = AES.new(key, AES.MODE_GCM, nonce).update(associated).encrypt_and_digest(data)
    return nonce + tag + ciphertext


# --- the chapters ---


def encryption_keys() -> Iterator[Vector]:
    """What a wallet's secret gives."""
    for label in ("alice", "bob", "carol"):
        seed, _, point = member(label)
        yield {"seed": hexadecimal(seed), "public_key": hexadecimal(encoded(point))}


def seals() -> Iterator[Vector]:
    """With and without data and context."""
    for number, (data, context) in enumerate(SEALINGS):
        seed, _, reader = member(f"reader {number}")
        x, key = agreed(f"sealed {number}", reader, 32, b"holdfast/sealed/2/key")
        blob = b"S" + x + encrypted(key, f"nonce {number}", bytes([len(context)]) + context + data)
        fields = {"seed": seed, "data": data, "context": context, "sealed": blob}
        yield {name: hexadecimal(raw) for name, raw in fields.items()}


def envelopes() -> Iterator[Vector]:
    """For one reader and for several."""
    for count in READERS:
        members = [member(f"reader {number} of {count}") for number in range(count)]
        data, context = f"weights for {count}".encode(), b"holdfast/weights/7/%d" % count
        fields = {"data": data, "context": context, "envelope": envelope(count, members, data, context)}
        seeds = [hexadecimal(seed) for seed, _, _ in members]
        yield {"seeds": seeds} | {name: hexadecimal(raw) for name, raw in fields.items()}


def envelope(count: int, members: list[tuple[bytes, int, Point]], data: bytes, context: bytes) -> bytes:
    """The header, then the data."""
    content_key, slots, x = made(f"content key {count}"), [], b""
    for number, (_, _, reader) in enumerate(members):
        x, secrets = agreed(f"envelope {count}", reader, 48, b"holdfast/envelope/2/slot")
        slots.append(secrets[:16] + encrypted(secrets[16:], f"slot {number} of {count}", content_key))
    commitment = hkdf(content_key, 32, b"holdfast/envelope/2/commitment" + context)
    header = b"HFE2" + x + commitment + count.to_bytes(2, "big") + b"".join(sorted(slots))
    data_key = hkdf(content_key, 32, b"holdfast/envelope/2/data")
    return header + encrypted(data_key, f"data {count}", data, header)
