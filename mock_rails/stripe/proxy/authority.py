"""A certificate authority for one run: it signs one leaf, for Stripe's hosts, and its key is lost.

Whoever trusts the authority trusts that leaf and nothing else ever: the authority's key is never
written down, and both certificates end after a week.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from mock_rails import certificates

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mock_rails.core.clock import Clock

_NAME: Final = "mpp-sandbox local authority"


@dataclass(frozen=True, slots=True)
class Authority:
    """What a program trusts, and what the proxy shows it."""

    certificate: Path
    """The authority's certificate: what SSL_CERT_FILE and NODE_EXTRA_CA_CERTS name."""
    context: ssl.SSLContext
    """The server's side of TLS, with the leaf."""

    @classmethod
    def make(cls, folder: Path, hosts: Sequence[str], clock: Clock) -> Authority:
        """A new authority whose certificate is written to `folder`."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            NoEncryption,
            PrivateFormat,
        )

        # Real time and real randomness: TLS is checked by programs that know no sandbox.
        now = datetime.fromtimestamp(clock.wall_s(), UTC)
        root_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        root = _root(root_key, now)
        leaf = _leaf(leaf_key, hosts, root, root_key, now)
        folder.mkdir(parents=True, exist_ok=True)
        certificate = folder / "stripe-ca.pem"
        certificate.write_bytes(root.public_bytes(Encoding.PEM))
        chain = folder / "stripe-leaf.pem"
        secret = leaf_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        try:
            # Python loads keys from files only; this one is its owner's, and gone at once.
            certificates.write_secret(chain, secret + leaf.public_bytes(Encoding.PEM))
            context.load_cert_chain(chain)
        finally:
            chain.unlink(missing_ok=True)
        return cls(certificate, context)


def _root(key: Any, now: datetime) -> Any:
    """The authority's own certificate."""
    from cryptography import x509

    usage = certificates.key_usage(key_cert_sign=True, crl_sign=True)
    return (
        certificates.builder(_NAME, _NAME, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, certificates.sha256())
    )


def _leaf(key: Any, hosts: Sequence[str], root: Any, root_key: Any, now: datetime) -> Any:
    """The certificate of the hosts, signed by the authority."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
    return (
        certificates.builder(hosts[0], _NAME, key.public_key(), now)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(certificates.key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()),
            critical=False,
        )
        .sign(root_key, certificates.sha256())
    )
