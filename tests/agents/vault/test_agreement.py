"""What a sender and a reader agree on.

Rules: V2, V3.
"""

from __future__ import annotations

import pytest

from agents.core.errors import BadObject
from agents.vault.agreement import reader_secrets, sender_secrets
from agents.vault.keys import PublicKey, SecretKey

FIELD = 2**256 - 2**32 - 977
PURPOSE = b"holdfast/test"
SENDERS = [SecretKey.from_seed(bytes([number]) * 32) for number in range(8)]


def test_sender_and_reader_find_the_same(alice: SecretKey) -> None:
    """Whether the sender's y is even or odd, which nobody writes down."""
    assert {sender.public_key.encoded[-1] % 2 for sender in SENDERS} == {0, 1}
    for sender in SENDERS:
        sent = sender_secrets(sender, alice.public_key, 48, PURPOSE)
        assert sent == reader_secrets(alice, sender.public_key.x, 48, PURPOSE)
        assert len(sent) == 48


def test_others_find_something_else(alice: SecretKey, mallory: SecretKey) -> None:
    sent = sender_secrets(SENDERS[0], alice.public_key, 32, PURPOSE)
    x = SENDERS[0].public_key.x
    assert sent != reader_secrets(mallory, x, 32, PURPOSE)
    assert sent != reader_secrets(alice, SENDERS[1].public_key.x, 32, PURPOSE)
    assert sent != reader_secrets(alice, x, 32, PURPOSE + b"/2")


def test_a_key_and_its_negative_are_two_readers(alice: SecretKey) -> None:
    y = FIELD - int.from_bytes(alice.public_key.encoded[32:], "big")
    negative = PublicKey(alice.public_key.x + y.to_bytes(32, "big"))
    sender = SENDERS[0]
    assert sender.shared_with(negative) == sender.shared_with(alice.public_key)
    assert sender_secrets(sender, negative, 32, PURPOSE) != sender_secrets(
        sender, alice.public_key, 32, PURPOSE
    )


def test_refuses_an_x_of_no_point(alice: SecretKey) -> None:
    with pytest.raises(BadObject, match="not a point"):
        reader_secrets(alice, bytes(32), 32, PURPOSE)
