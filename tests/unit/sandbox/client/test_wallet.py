"""Wallets: the right key from each source, the right signatures, and no key anywhere else."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import subprocess
import sys
import traceback
from typing import Any

import pytest
from eth_account import Account

from mock_rails.core import BadInput
from mock_rails.tempo.addresses import CHANNEL_RESERVE
from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.genesis import MNEMONIC, dev_accounts
from sandbox.client.errors import ClientError, InvalidKeyError
from sandbox.client.wallet import Derivation, Wallet
from sandbox.methods.tempo_session.protocol import SessionProtocol
from sandbox.methods.tempo_session.voucher import Book, sign_voucher, verify_voucher
from tests.architecture.project import ROOT

KEY = bytes(range(1, 33))
DIGEST = bytes(range(32))


# -- where the key comes from ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "written", [KEY, KEY.hex(), "0x" + KEY.hex(), f"  0x{KEY.hex().upper()}\n"]
)
def test_a_key_is_bytes_or_hex(written: str | bytes) -> None:
    wallet = Wallet.from_key(written)
    assert wallet.address == bytes.fromhex(Account.from_key(KEY).address[2:])
    assert wallet.reveal_key() == KEY


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "0x",
        "0x" + "11" * 31,
        "11" * 33,
        "0X" + "11" * 32,
        "zz" * 32,
        "11 " * 32,
        "\u0661" * 64,
        b"",
        b"\x11" * 31,
        bytes(32),
        secp256k1.N.to_bytes(32),
        b"\xff" * 32,
    ],
)
def test_a_bad_key_is_refused_and_not_repeated(bad: str | bytes) -> None:
    """A typing error in a real key must not put it into a log."""
    with pytest.raises(InvalidKeyError) as refusal:
        Wallet.from_key(bad)
    assert isinstance(refusal.value, ClientError)
    assert isinstance(refusal.value, BadInput)
    told = "".join(traceback.format_exception(refusal.value)) + json.dumps(refusal.value.problem())
    for form in (bad, bad.hex()) if isinstance(bad, bytes) else (bad.strip(),):
        assert len(form) < 10 or str(form) not in told


def test_other_types_are_no_keys() -> None:
    for bad in (None, 7, bytearray(KEY)):
        with pytest.raises(InvalidKeyError):
            Wallet.from_key(bad)  # type: ignore[arg-type]


def test_a_seed_gives_the_same_wallet_in_any_process() -> None:
    program = "from sandbox.client.wallet import Wallet; print(Wallet.from_seed(7, 'alice'))"
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == repr(Wallet.from_seed("7", "alice"))


def test_seeds_and_names_tell_wallets_apart() -> None:
    wallets = [
        Wallet.from_seed(seed, name) for seed in (1, 2, "x") for name in ("payer", "alice", "bob")
    ]
    assert len(set(wallets)) == len(wallets)
    assert Wallet.from_seed(1) == wallets[0]


@pytest.mark.parametrize("seed", ["", "\n", True, 1.5, None])
def test_a_seed_that_is_none_is_refused(seed: Any) -> None:
    with pytest.raises(InvalidKeyError, match="seed"):
        Wallet.from_seed(seed)


def test_the_dev_accounts_are_the_chain_s_funded_ones() -> None:
    """Address index, as Foundry derives them."""
    assert [Wallet.dev(index).address for index in range(10)] == [
        account.address for account in dev_accounts()
    ]


@pytest.mark.parametrize(
    ("index", "address"),
    [
        (0, "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
        (1, "0x8C8d35429F74ec245F8Ef2f4Fd1e551cFF97d650"),
        (2, "0x98e503f35D0a019cB0a251aD243a4cCFCF371F46"),
        (9, "0x9ac4fDC8e5D72AaADE30F9Ff52D392D60c68A64a"),
    ],
)
def test_the_account_index_is_viem_s(index: int, address: str) -> None:
    """`mnemonicToAccount(mnemonic, { accountIndex })` of viem 2.57.1, as mppx's fixtures use it."""
    wallet = Wallet.dev(index, derivation=Derivation.ACCOUNT_INDEX)
    assert wallet.address == bytes.fromhex(address[2:])


@pytest.mark.parametrize("index", [0, 1, 12, 2**31 - 1])
@pytest.mark.parametrize("derivation", Derivation)
def test_both_derivations_agree_with_eth_account(index: int, derivation: Derivation) -> None:
    Account.enable_unaudited_hdwallet_features()
    theirs = Account.from_mnemonic(MNEMONIC, account_path=derivation.path(index))
    assert Wallet.from_mnemonic(MNEMONIC, index, derivation=derivation).reveal_key() == theirs.key


@pytest.mark.parametrize("index", [-1, 2**31, True, "0", None, 2**256])
def test_an_index_out_of_range_is_refused(index: Any) -> None:
    with pytest.raises(InvalidKeyError, match="index"):
        Wallet.dev(index)


def test_a_mnemonic_has_words_and_a_known_derivation() -> None:
    with pytest.raises(InvalidKeyError, match="words"):
        Wallet.from_mnemonic(" \n")
    with pytest.raises(InvalidKeyError, match="address-index, account-index"):
        Wallet.from_mnemonic(MNEMONIC, derivation="foundry")  # type: ignore[arg-type]


# -- signing ---------------------------------------------------------------------------------------


def test_a_signature_recovers_to_the_address() -> None:
    wallet = Wallet.from_key(KEY)
    signature = wallet.sign(DIGEST)
    assert signature.recover(DIGEST) == wallet.address
    assert signature == wallet.sign(DIGEST)


def test_it_signs_as_pympp_s_account_does() -> None:
    wallet = Wallet.from_key(KEY)
    account = wallet.tempo_account()
    assert bytes.fromhex(account.address[2:]) == wallet.address
    assert account.sign_hash(DIGEST) == wallet.sign(DIGEST).encode()
    assert wallet.tempo_account() is account


@pytest.mark.parametrize("size", [0, 31, 33])
def test_only_digests_are_signed(size: int) -> None:
    with pytest.raises(BadInput, match="32 bytes"):
        Wallet.from_key(KEY).sign(bytes(size))


def test_it_signs_vouchers() -> None:
    """A wallet is a signer as the session method wants one."""
    wallet = Wallet.dev(1)
    book = Book(SessionProtocol.V2, 1337, CHANNEL_RESERVE)
    signature = sign_voucher(book, DIGEST, 5, wallet)
    verify_voucher(book, DIGEST, 5, signature, wallet.address)
    assert wallet.key_id is None


# -- discretion ------------------------------------------------------------------------------------


def shown(wallet: Wallet, caplog: pytest.LogCaptureFixture) -> str:
    """All that a program says of a wallet without meaning to."""
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("payer").debug("paying with %s, %r", wallet, {"wallet": wallet})
    return " ".join(
        [repr(wallet), str(wallet), f"{wallet}", caplog.text, repr(wallet.tempo_account())]
    )


def test_the_key_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    wallet = Wallet.from_key(KEY)
    text = shown(wallet, caplog).lower()
    assert wallet.address.hex() in text
    for form in (KEY.hex(), repr(KEY), str(int.from_bytes(KEY)), KEY.decode("latin-1")):
        assert form.lower() not in text


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_wallet_is_not_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps({"wallet": Wallet.from_key(KEY)}, protocol)


def test_no_state_is_handed_out() -> None:
    wallet = Wallet.from_key(KEY)
    assert not hasattr(wallet, "__dict__")
    with pytest.raises(TypeError, match="not pickled"):
        wallet.__getstate__()
    with pytest.raises(TypeError):
        json.dumps(wallet)


def test_copies_are_the_wallet_itself() -> None:
    wallet = Wallet.from_key(KEY)
    assert copy.copy(wallet) is copy.deepcopy([wallet])[0] is wallet


def test_wallets_of_one_account_are_equal() -> None:
    assert Wallet.from_key(KEY) == Wallet.from_key(KEY.hex())
    assert len({Wallet.from_key(KEY), Wallet.from_key(KEY), Wallet.dev(0)}) == 2
    assert Wallet.dev(0) != Wallet.dev(0).address


def test_eth_account_is_loaded_by_who_asks_for_it_only() -> None:
    program = (
        "import sys; from sandbox.client.wallet import Wallet\n"
        "wallet = Wallet.dev(3); wallet.sign(bytes(32))\n"
        "print('eth_account' in sys.modules, 'mpp' in sys.modules)\n"
        "wallet.tempo_account(); print('eth_account' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["False", "False", "True"]
