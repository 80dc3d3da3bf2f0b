"""Accounts from a mnemonic: the ten of the development mnemonic, and BIP-32's own vectors."""

from __future__ import annotations

import pytest
from eth_account import Account as EthAccount
from eth_account.hdaccount import key_from_seed, seed_from_mnemonic

from mock_rails.tempo.crypto import wallet

MNEMONIC = "test test test test test test test test test test test junk"


def test_the_genesis_accounts_of_the_development_mnemonic() -> None:
    """Facts section 6 lists addresses 0 to 9 and two keys."""
    accounts = wallet.derive_accounts(MNEMONIC, 10)

    assert [account.address.hex() for account in accounts] == [
        "f39fd6e51aad88f6f4ce6ab8827279cfffb92266",
        "70997970c51812dc3a010c7d01b50e0d17dc79c8",
        "3c44cdddb6a900fa2b585dd299e03d12fa4293bc",
        "90f79bf6eb2c4f870365e785982e1f101e93b906",
        "15d34aaf54267db7d7c367839aaf71a00a2c6a65",
        "9965507d1a55bcc2695c58ba16fb37d819b0a4dc",
        "976ea74026e726554db657fa54763abd0c3a0aa9",
        "14dc79964da2c08b23698b3d3cc7ca32193d9955",
        "23618e81e3f5cdf7f54c3d65f7fbc0abf5b21e8f",
        "a0ee7a142d267c1f36714e4a8f75612f20a79720",
    ]
    assert accounts[0].key.hex().startswith("ac0974bec39a17e3")
    assert accounts[1].key.hex().startswith("59c6995e998f97a5")


@pytest.mark.parametrize("path", ["m/44'/60'/0'/0/7", "m/0/2147483647'/1", "m/44'/60'/3'/0/0"])
def test_agrees_with_eth_account_on_any_path(path: str) -> None:
    """Hardened and plain steps, with and without a passphrase."""
    EthAccount.enable_unaudited_hdwallet_features()
    for passphrase in ("", "TREZOR"):
        theirs = EthAccount.from_mnemonic(MNEMONIC, passphrase=passphrase, account_path=path)
        assert wallet.derive(MNEMONIC, path, passphrase=passphrase) == theirs.key


def test_the_root_path_is_the_master_key() -> None:
    """`m` alone takes no step."""
    assert wallet.derive(MNEMONIC, "m") == key_from_seed(seed_from_mnemonic(MNEMONIC, ""), "m")


def test_white_space_between_words_does_not_matter() -> None:
    """A mnemonic pasted over two lines is the same mnemonic."""
    pasted = "  " + MNEMONIC.replace(" ", "\n ")
    assert wallet.derive(pasted, "m/0") == wallet.derive(MNEMONIC, "m/0")


@pytest.mark.parametrize(
    "path", ["", "44'/60'", "m/", "m/x", "m/-1", "m/2147483648", "m/1''", "m/٣"]
)
def test_malformed_paths_are_refused(path: str) -> None:
    """The error quotes the path."""
    with pytest.raises(ValueError, match="derivation"):
        wallet.derive(MNEMONIC, path)
