"""How a wallet's key computes: by OpenSSL, which keeps secret numbers from showing in its time.

eth-keys, by which eth-account signs, has two backends of its own: coincurve, which has no wheels for Python
3.14, and Python's integers, whose time tells of the secret numbers. This one gives the signatures that both
of them give (RFC 6979, the lower s), on every version of Python. It takes some 10 ms, most of them for the
parity, which OpenSSL does not tell: the signer's public key is looked for with the even one.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from eth_keys.backends.native.main import NativeECCBackend
from eth_keys.datatypes import PrivateKey, PublicKey, Signature
from eth_utils.exceptions import ValidationError

_CURVE: Final = ec.SECP256K1()
_RFC_6979: Final = ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True)


def signing_key(key: bytes) -> PrivateKey:
    """A private key of 32 bytes, big-endian, for eth-account.

    Raises:
        ValueError: not 32 bytes, zero, or not below the order of secp256k1.
    """
    try:
        made = PrivateKey(key, backend=_OpenSslBackend())
    except ValidationError:
        raise ValueError("a private key has 32 bytes") from None
    _taken(made)
    return made


class _OpenSslBackend(NativeECCBackend):
    """Does what takes a private key; what takes public numbers alone is left to Python."""

    def ecdsa_sign(self, msg_hash: bytes, private_key: PrivateKey) -> Signature:
        """A signature, with the parity that tells the signer's key from the other one that fits."""
        r, s = decode_dss_signature(_taken(private_key).sign(msg_hash, _RFC_6979))
        low = min(s, _CURVE.group_order - s)
        even = Signature(vrs=(0, r, low), backend=self)
        if even.recover_public_key_from_msg_hash(msg_hash) == private_key.public_key:
            return even
        return Signature(vrs=(1, r, low), backend=self)

    def private_key_to_public_key(self, private_key: PrivateKey) -> PublicKey:
        """The point of a key: 64 bytes, x then y."""
        point = _taken(private_key).public_key()
        encoded = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return PublicKey(encoded[1:], backend=self)


def _taken(private_key: PrivateKey) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(private_key.to_bytes(), "big"), _CURVE)
