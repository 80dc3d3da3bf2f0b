"""The payer's key: from hex, from a seed, or from the development mnemonic.

A wallet is a secp256k1 account that signs digests: vouchers and proofs directly, and 0x76
transactions through `TempoAccount`, its form in pympp. It is also a signer as the chain's own code
wants one (`mock_rails.tempo.tx.signers.PrimitiveSigner`).

The key leaves it on `reveal_key()` and nowhere else: not in a repr, a log line or an error, and a
pickle is refused. That guards against accidents, not against code in the same process.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NoReturn

from mock_rails.core.errors import BadInput
from mock_rails.core.seeds import Seeds
from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.crypto.errors import SignatureError
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.crypto.wallet import derive
from mock_rails.tempo.tx.signatures import Secp256k1Signature
from sandbox.client.errors import InvalidKeyError

if TYPE_CHECKING:
    from mpp.methods.tempo import TempoAccount

_HEX_KEY: Final = re.compile(r"(?:0x)?([0-9a-fA-F]{64})")
_INDEXES: Final = 1 << 31
"""BIP-32: indexes from here on are the hardened ones."""

_NOT_SHOWN: Final = "What was given is not repeated here, lest it be a secret."


class Derivation(StrEnum):
    """Which step of a mnemonic's path is counted; SDKs' fixtures differ (facts 2.14, D14)."""

    ADDRESS_INDEX = "address-index"
    """m/44'/60'/0'/0/i, as Foundry, go and rs count, and as the chain's funded accounts are."""

    ACCOUNT_INDEX = "account-index"
    """m/44'/60'/i'/0/0, as mppx counts. Account 0 is the same; the others are not funded."""

    def path(self, index: int) -> str:
        """The path of the account with this index."""
        if self is Derivation.ADDRESS_INDEX:
            return f"m/44'/60'/0'/0/{index}"
        return f"m/44'/60'/{index}'/0/0"


class Wallet:
    """A private key that signs, and never shows itself unasked."""

    __slots__ = ("_account", "_address", "_key")

    def __init__(self, key: bytes) -> None:
        if not isinstance(key, bytes) or len(key) != 32:
            raise InvalidKeyError("A private key is 32 bytes.", hint=_NOT_SHOWN)
        try:
            self._address = keccak256(secp256k1.public_key_of(key))[12:]
        except SignatureError:
            raise InvalidKeyError(
                "A private key lies between 1 and the order of secp256k1.", hint=_NOT_SHOWN
            ) from None
        self._key = key
        self._account: TempoAccount | None = None

    @classmethod
    def from_key(cls, key: str | bytes) -> Wallet:
        """A wallet of 32 raw bytes or 64 hex digits, with or without 0x and blanks around them."""
        if isinstance(key, str):
            written = _HEX_KEY.fullmatch(key.strip())
            if written is None:
                raise InvalidKeyError(
                    "A private key is written as 64 hex digits, with or without 0x.",
                    hint=_NOT_SHOWN,
                )
            key = bytes.fromhex(written[1])
        return cls(key)

    @classmethod
    def from_seed(cls, seed: int | str, name: str = "payer") -> Wallet:
        """The wallet of this name in the world of this seed: always the same, in any process.

        Anyone who knows the seed has the key: for sandboxes only.
        """
        try:
            stream = Seeds(seed).stream(f"client.wallet.{name}")
        except BadInput as error:
            raise InvalidKeyError(f"No wallet can be made from that seed: {error.detail}") from None
        return cls(stream.integer(1, secp256k1.N - 1).to_bytes(32))

    @classmethod
    def from_mnemonic(
        cls,
        mnemonic: str,
        index: int = 0,
        *,
        derivation: Derivation = Derivation.ADDRESS_INDEX,
    ) -> Wallet:
        """The account with this index of a mnemonic (BIP-39, BIP-32, BIP-44)."""
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < _INDEXES:
            raise InvalidKeyError("An account's index is an integer from 0 to 2^31 - 1.")
        if not mnemonic.split():
            raise InvalidKeyError("A mnemonic has words.")
        if derivation not in set(Derivation):
            raise InvalidKeyError(f"A derivation is one of {', '.join(Derivation)}.")
        return cls(derive(mnemonic, Derivation(derivation).path(index)))

    @classmethod
    def dev(cls, index: int = 0, *, derivation: Derivation = Derivation.ADDRESS_INDEX) -> Wallet:
        """The account with this index of the public development mnemonic.

        By address index, accounts 0 to 9 own every token of a fresh chain; 0 is its administrator.
        """
        from mock_rails.tempo.genesis import MNEMONIC  # the whole genesis is slow to load

        return cls.from_mnemonic(MNEMONIC, index, derivation=derivation)

    # -- signing ----------------------------------------------------------------------------------

    @property
    def address(self) -> bytes:
        """The account's address, 20 bytes."""
        return self._address

    @property
    def key_id(self) -> None:
        """None: the key signs for its own account, not as another's access key."""
        return

    def sign(self, digest: bytes) -> Secp256k1Signature:
        """Sign a 32-byte digest; same digest, same signature (RFC 6979)."""
        if len(digest) != 32:  # before the key is on any frame that a traceback may show
            raise BadInput(f"A digest has 32 bytes, not {len(digest)}.")
        return Secp256k1Signature(*secp256k1.sign(digest, self._key))

    def tempo_account(self) -> TempoAccount:
        """The same account as pympp's tempo method wants it; made once, when first asked for."""
        if self._account is None:
            from mpp.methods.tempo import TempoAccount  # loads eth-account

            self._account = TempoAccount.from_key("0x" + self._key.hex())
        return self._account

    def reveal_key(self) -> bytes:
        """The private key itself, for a banner of development accounts or another program."""
        return self._key

    # -- discretion -------------------------------------------------------------------------------

    def __repr__(self) -> str:
        """The address, and nothing of the key."""
        return f"<Wallet 0x{self.address.hex()}>"

    def __eq__(self, other: object) -> bool:
        """Wallets of one account are equal."""
        return isinstance(other, Wallet) and self.address == other.address

    def __hash__(self) -> int:
        """By the account."""
        return hash(self.address)

    def __copy__(self) -> Wallet:
        """Itself: a wallet never changes, and its key need not be twice in memory."""
        return self

    def __deepcopy__(self, _memo: object) -> Wallet:
        """Itself, as for `copy`."""
        return self

    def __reduce__(self) -> NoReturn:
        """Refuse: a pickle would be the key in a file or on a wire."""
        raise TypeError("a wallet is not pickled; make it anew from its key, seed or mnemonic")

    def __getstate__(self) -> NoReturn:
        """Refuse, as `__reduce__` does: by default the state of slots holds the key."""
        self.__reduce__()
