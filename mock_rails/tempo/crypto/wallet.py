"""Accounts from a mnemonic: BIP-39 (seed) and BIP-32 (derivation), as every wallet does it.

The genesis accounts are `m/44'/60'/0'/0/i` of the public development mnemonic (facts section 6).
The words are not checked against BIP-39's list: any phrase is a valid seed, as for most wallets.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from typing import Final, NamedTuple

from mock_rails.tempo.crypto import secp256k1

ETHEREUM_PATH: Final = "m/44'/60'/0'/0"
"""Where the accounts of an Ethereum wallet hang (BIP-44)."""

_HARDENED: Final = 0x8000_0000


class Account(NamedTuple):
    """A private key and the address that it controls."""

    key: bytes
    address: bytes

    def __repr__(self) -> str:
        """Without the key: what is shown ends up in logs."""
        return f"Account(address=0x{self.address.hex()})"


class _Node(NamedTuple):
    """A key of the tree together with what its children are derived with."""

    key: bytes
    chain_code: bytes

    def child(self, index: int) -> _Node:
        """BIP-32, CKDpriv. (Its retry on an out-of-range key has a chance of 1 in 2^127.)"""
        if index >= _HARDENED:
            material = b"\0" + self.key
        else:
            point = secp256k1.public_key_of(self.key)
            material = bytes([2 + (point[63] & 1)]) + point[:32]
        mac = hmac.digest(self.chain_code, material + index.to_bytes(4), "sha512")
        tweaked = (int.from_bytes(mac[:32]) + int.from_bytes(self.key)) % secp256k1.N
        return _Node(tweaked.to_bytes(32), mac[32:])


def derive(mnemonic: str, path: str, *, passphrase: str = "") -> bytes:
    """The private key at a path such as `m/44'/60'/0'/0/0`."""
    return _walk(mnemonic, path, passphrase).key


def derive_accounts(mnemonic: str, count: int, *, path: str = ETHEREUM_PATH) -> tuple[Account, ...]:
    """The first accounts below the path; the slow seed is computed once for all of them."""
    parent = _walk(mnemonic, path, "")
    keys = [parent.child(index).key for index in range(count)]
    return tuple(Account(key, secp256k1.address_of(key)) for key in keys)


def _walk(mnemonic: str, path: str, passphrase: str) -> _Node:
    root, *steps = path.split("/")
    if root != "m":
        raise ValueError(f"a derivation path starts with 'm', got {path!r}")
    node = _master(mnemonic, passphrase)
    for step in steps:
        number = step.removesuffix("'")
        if not (number.isascii() and number.isdigit() and int(number) < _HARDENED):
            raise ValueError(f"derivation step {step!r} of {path!r} is not a number below 2^31")
        node = node.child(int(number) + (_HARDENED if step.endswith("'") else 0))
    return node


def _master(mnemonic: str, passphrase: str) -> _Node:
    words = unicodedata.normalize("NFKD", " ".join(mnemonic.split()))
    salt = unicodedata.normalize("NFKD", "mnemonic" + passphrase)
    seed = hashlib.pbkdf2_hmac("sha512", words.encode(), salt.encode(), 2048)
    mac = hmac.digest(b"Bitcoin seed", seed, "sha512")
    return _Node(mac[:32], mac[32:])
