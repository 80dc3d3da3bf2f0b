"""Certificates for the machine itself, made when a rail starts that is to speak TLS.

Real time and real randomness: certificates are checked by programs that know no sandbox. They hold
for a week and open nothing but a sandbox.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

    from mock_rails.core.clock import Clock

LIFETIME: Final = timedelta(days=7)

_SKEW: Final = timedelta(hours=1)
_LOCAL_NAMES: Final = ("localhost",)
_LOCAL_ADDRESSES: Final = ("127.0.0.1", "::1")


def self_signed(folder: Path, clock: Clock) -> tuple[Path, Path]:
    """A new certificate for this machine and its key, as `tls.cert` and `tls.key` in a folder.

    It is its own authority, as LND's is: a client that is given the certificate trusts it.
    """
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID

    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName(
        [
            *(x509.DNSName(one) for one in _LOCAL_NAMES),
            *(x509.IPAddress(ipaddress.ip_address(one)) for one in _LOCAL_ADDRESSES),
        ]
    )
    usage = key_usage(digital_signature=True, key_encipherment=True, key_cert_sign=True)
    now = datetime.fromtimestamp(clock.wall_s(), UTC)
    certificate = (
        builder("localhost", "localhost", key.public_key(), now)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, sha256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    shown, secret = folder / "tls.cert", folder / "tls.key"
    shown.write_bytes(certificate.public_bytes(Encoding.PEM))
    write_secret(secret, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return shown, secret


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that is its owner's only."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def builder(subject: str, issuer: str, public_key: Any, now: datetime) -> Any:
    """A certificate that is not signed yet."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    return (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + LIFETIME)
    )


def key_usage(**wanted: bool) -> Any:
    """What a key may be used for; whatever is not named it may not."""
    from cryptography import x509

    usages = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{usage: wanted.get(usage, False) for usage in usages})


def sha256() -> Any:
    """The hash that certificates are signed over."""
    from cryptography.hazmat.primitives.hashes import SHA256

    return SHA256()
