"""A private certificate authority, as a consortium has one."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_LIFETIME = timedelta(days=2)


class Authority:
    """Signs certificates of servers. Its keys are fresh, on P-256.

    Attributes:
        certificate: PEM.
    """

    def __init__(self, name: str) -> None:
        self._key, self._name = ec.generate_private_key(ec.SECP256R1()), _named(name)
        builder = _builder(self._name, self._name, self._key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self._signed = builder.sign(self._key, SHA256())
        self.certificate = self._signed.public_bytes(Encoding.PEM)

    def issue(self, names: Iterable[str], certificate: Path, key: Path) -> None:
        """Writes a server's certificate for host names and addresses, and its private key (0600), in PEM."""
        secret, known = ec.generate_private_key(ec.SECP256R1()), [_known(name) for name in names]
        builder = _builder(_named("server"), self._name, secret.public_key())
        builder = builder.add_extension(x509.SubjectAlternativeName(known), critical=False)
        signed = builder.sign(self._key, SHA256())
        certificate.write_bytes(signed.public_bytes(Encoding.PEM))
        key.touch(mode=0o600)
        key.write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _known(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
