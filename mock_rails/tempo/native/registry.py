"""Which address is served by which native contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_rails.tempo import addresses
from mock_rails.tempo.native.channel_reserve import ChannelReserve
from mock_rails.tempo.native.dex import StablecoinDex
from mock_rails.tempo.native.factory import Tip20Factory
from mock_rails.tempo.native.fee_manager import FeeManager
from mock_rails.tempo.native.keychain import AccountKeychain
from mock_rails.tempo.native.nonces import NonceManager
from mock_rails.tempo.native.signature_verifier import SignatureVerifier
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.native.tip403 import Tip403Registry

if TYPE_CHECKING:
    from mock_rails.tempo.native.contract import NativeContract

FIXED: dict[bytes, type[NativeContract]] = {
    addresses.TIP20_FACTORY: Tip20Factory,
    addresses.TIP403_REGISTRY: Tip403Registry,
    addresses.FEE_MANAGER: FeeManager,
    addresses.STABLECOIN_DEX: StablecoinDex,
    addresses.NONCE_MANAGER: NonceManager,
    addresses.ACCOUNT_KEYCHAIN: AccountKeychain,
    addresses.SIGNATURE_VERIFIER: SignatureVerifier,
    addresses.CHANNEL_RESERVE: ChannelReserve,
}
"""The contracts at fixed addresses; tokens are found by their prefix."""


def native_at(address: bytes) -> type[NativeContract] | None:
    """The native contract at an address, or None when EVM rules apply there."""
    if address[:12] == addresses.TIP20_PREFIX:
        return Tip20
    return FIXED.get(address)
