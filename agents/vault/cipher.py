"""AES-256-GCM, as all sealed things are laid out: nonce 12, tag 16, then as many bytes as the data have."""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import GCM

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
CIPHER_OVERHEAD_BYTES: Final = NONCE_BYTES + TAG_BYTES


def encrypt(key: bytes, data: bytes, associated: bytes = b"") -> bytes:
    """``data`` under a 32-byte key and a random nonce; ``associated`` is bound to it, and not in it."""
    nonce = os.urandom(NONCE_BYTES)
    encryptor = Cipher(AES256(key), GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(associated)
    ciphertext = encryptor.update(data) + encryptor.finalize()
    return b"".join([nonce, encryptor.tag, ciphertext])


def decrypt(key: bytes, encrypted: bytes, associated: bytes = b"") -> bytes | None:
    """What `encrypt` was given; None if anything is not as it was: key, bytes or ``associated``."""
    if len(encrypted) < CIPHER_OVERHEAD_BYTES:
        return None
    nonce, tag = encrypted[:NONCE_BYTES], encrypted[NONCE_BYTES:CIPHER_OVERHEAD_BYTES]
    decryptor = Cipher(AES256(key), GCM(nonce, tag)).decryptor()
    decryptor.authenticate_additional_data(associated)
    data = decryptor.update(encrypted[CIPHER_OVERHEAD_BYTES:])
    try:
        return data + decryptor.finalize()
    except InvalidTag:
        return None
