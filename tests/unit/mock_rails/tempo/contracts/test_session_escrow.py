"""The session v1 escrow against native pathUSD: facts 2.9, golden vectors 8.4."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.tempo.abi import Event, Function, RevertError
from mock_rails.tempo.addresses import PATH_USD, TIP20_PREFIX, ZERO_ADDRESS
from mock_rails.tempo.contracts import artifact, runtime_code
from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.world import World
from tests.unit.mock_rails.tempo.evm.support import PLENTY, Deployed, make_scope
from tests.unit.mock_rails.tempo.native.support import make_token

if TYPE_CHECKING:
    from mock_rails.tempo.scope import Scope

ESCROW = b"\xee" * 20
PAYER_KEY = bytes(31) + b"\x11"
SIGNER_KEY = bytes(31) + b"\x12"
PAYER = secp256k1.address_of(PAYER_KEY)
SIGNER = secp256k1.address_of(SIGNER_KEY)
PAYEE = b"\x22" * 20
STRANGER = b"\x33" * 20
SALT = (1).to_bytes(32)
DEPOSIT = 1_000
MAX_UINT128 = 2**128 - 1

OPEN = (
    "open(address payee, address token, uint128 deposit, bytes32 salt, address authorizedSigner)"
    " returns (bytes32)"
)
SETTLE = "settle(bytes32 channelId, uint128 cumulativeAmount, bytes signature)"
CLOSE = "close(bytes32 channelId, uint128 cumulativeAmount, bytes signature)"
TOP_UP = "topUp(bytes32 channelId, uint256 additionalDeposit)"
REQUEST_CLOSE = "requestClose(bytes32 channelId)"
WITHDRAW = "withdraw(bytes32 channelId)"
CHANNEL = "(bool, uint64, address, address, address, address, uint128, uint128)"
GET_CHANNEL = f"getChannel(bytes32 channelId) returns ({CHANNEL})"
COMPUTE_ID = (
    "computeChannelId(address payer, address payee, address token, bytes32 salt,"
    " address authorizedSigner) returns (bytes32)"
)
DIGEST = "getVoucherDigest(bytes32 channelId, uint128 cumulativeAmount) returns (bytes32)"

PARTIES = "bytes32 indexed channelId, address indexed payer, address indexed payee"
EVENTS = {
    event.topic: event
    for event in (
        Event(
            f"ChannelOpened({PARTIES}, address token, address authorizedSigner, bytes32 salt,"
            " uint256 deposit)"
        ),
        Event(
            f"Settled({PARTIES}, uint256 cumulativeAmount, uint256 deltaPaid, uint256 newSettled)"
        ),
        Event(f"TopUp({PARTIES}, uint256 additionalDeposit, uint256 newDeposit)"),
        Event(f"CloseRequested({PARTIES}, uint256 closeGraceEnd)"),
        Event(f"CloseRequestCancelled({PARTIES})"),
        Event(f"ChannelClosed({PARTIES}, uint256 settledToPayee, uint256 refundedToPayer)"),
        Event(f"ChannelExpired({PARTIES})"),
    )
}


class Escrow:
    """The escrow at work: a world that time passes over, and what the parties do."""

    def __init__(self) -> None:
        self.world = World()
        self.now_s = 1_700_000_000
        self.scope = self._scope()
        make_token(self.scope, PATH_USD, balances={PAYER: 5_000})
        self.world.set_code(ESCROW, runtime_code("SessionEscrow"))
        self._token("approve(address spender, uint256 amount)", ESCROW, 2**256 - 1)

    def _scope(self) -> Scope:
        scope = make_scope(self.world)
        return make_scope(self.world, block=replace(scope.block, timestamp_s=self.now_s))

    def _token(self, text: str, *values: Any) -> None:
        from mock_rails.tempo import calls

        data = Function(text).call(*values)
        assert calls.call(self.scope, PAYER, PATH_USD, data, PLENTY).success

    def by(self, sender: bytes) -> Deployed:
        """The contract, called by somebody in a transaction of their own."""
        self.scope = self._scope()
        return Deployed(self.scope, ESCROW, sender)

    def open(self, signer: bytes = ZERO_ADDRESS, **changes: Any) -> bytes:
        """Open a channel from PAYER to PAYEE."""
        values = {"payee": PAYEE, "token": PATH_USD, "deposit": DEPOSIT, "salt": SALT} | changes
        channel: bytes = self.by(PAYER).call(OPEN, *values.values(), signer)
        return channel

    def voucher(self, channel: bytes, amount: int, key: bytes = PAYER_KEY) -> bytes:
        """Sign what is owed so far."""
        digest = self.by(PAYER).call(DIGEST, channel, amount)
        v, r, s = secp256k1.sign(digest, key)
        return r.to_bytes(32) + s.to_bytes(32) + bytes([27 + v])

    def channel(self, channel: bytes) -> tuple[Any, ...]:
        """The channel as anybody reads it."""
        state: tuple[Any, ...] = self.by(STRANGER).call(GET_CHANNEL, channel)
        return state

    def balances(self) -> tuple[int, int, int]:
        """What PAYER, PAYEE and the escrow hold."""
        load = self.world.load
        key = Tip20.balances.key
        return tuple(load(key(PATH_USD, who)) for who in (PAYER, PAYEE, ESCROW))  # type: ignore[return-value]

    def events(self) -> list[tuple[str, Any]]:
        """The escrow's own events of the last transaction."""
        return [
            (EVENTS[log.topics[0]].name, EVENTS[log.topics[0]].decode(log.topics, log.data))
            for log in self.scope.logs
            if log.address == ESCROW
        ]


@pytest.fixture
def escrow() -> Escrow:
    return Escrow()


def refused(contract: Deployed, text: str, *values: Any) -> str:
    """The name of the error that a call is refused with, having changed nothing."""
    before = dict(contract.scope.world.storage)
    result = contract.raw(text, *values)
    assert result.error == "execution reverted", result.error
    assert contract.scope.world.storage == before
    assert contract.scope.logs == []
    names = {
        RevertError(f"{item['name']}()").selector: item["name"]
        for item in artifact("SessionEscrow").abi
        if item["type"] == "error"
    }
    return names.get(result.output, result.output.hex())


# -- a session ------------------------------------------------------------------------------------


def test_a_session_from_open_to_close(escrow: Escrow) -> None:
    channel = escrow.open()
    assert escrow.events() == [
        (
            "ChannelOpened",
            {
                "channelId": channel,
                "payer": PAYER,
                "payee": PAYEE,
                "token": PATH_USD,
                "authorizedSigner": ZERO_ADDRESS,
                "salt": SALT,
                "deposit": DEPOSIT,
            },
        )
    ]
    parties = {"channelId": channel, "payer": PAYER, "payee": PAYEE}
    assert escrow.channel(channel) == (
        False, 0, PAYER, PAYEE, PATH_USD, ZERO_ADDRESS, DEPOSIT, 0
    )  # fmt: skip
    assert escrow.balances() == (4_000, 0, 1_000)

    voucher = escrow.voucher(channel, 300)
    escrow.by(PAYEE).call(SETTLE, channel, 300, voucher)
    assert escrow.events() == [
        ("Settled", {**parties, "cumulativeAmount": 300, "deltaPaid": 300, "newSettled": 300})
    ]
    assert escrow.balances() == (4_000, 300, 700)

    voucher = escrow.voucher(channel, 450)
    escrow.by(PAYEE).call(SETTLE, channel, 450, voucher)
    assert escrow.events()[0][1]["deltaPaid"] == 150

    escrow.by(PAYER).call(TOP_UP, channel, 500)
    assert escrow.events() == [
        ("TopUp", {**parties, "additionalDeposit": 500, "newDeposit": 1_500})
    ]
    assert escrow.channel(channel)[6:] == (1_500, 450)

    voucher = escrow.voucher(channel, 1_200)
    escrow.by(PAYEE).call(CLOSE, channel, 1_200, voucher)
    assert escrow.events() == [
        ("ChannelClosed", {**parties, "settledToPayee": 1_200, "refundedToPayer": 300})
    ]
    assert escrow.balances() == (3_800, 1_200, 0)
    zero = ZERO_ADDRESS
    assert escrow.channel(channel) == (True, 0, zero, zero, zero, zero, 0, 0)


def test_a_payer_leaves_after_the_grace_period(escrow: Escrow) -> None:
    channel = escrow.open()
    voucher = escrow.voucher(channel, 100)
    escrow.by(PAYEE).call(SETTLE, channel, 100, voucher)
    parties = {"channelId": channel, "payer": PAYER, "payee": PAYEE}

    escrow.by(PAYER).call(REQUEST_CLOSE, channel)
    requested = escrow.now_s
    assert escrow.events() == [("CloseRequested", {**parties, "closeGraceEnd": requested + 900})]
    assert escrow.channel(channel)[1] == requested

    escrow.now_s += 899
    escrow.by(PAYER).call(REQUEST_CLOSE, channel)
    assert escrow.events() == [], "asking again changes nothing"
    assert refused(escrow.by(PAYER), WITHDRAW, channel) == "CloseNotReady"

    escrow.now_s += 1
    escrow.by(PAYER).call(WITHDRAW, channel)
    assert escrow.events() == [
        ("ChannelExpired", parties),
        ("ChannelClosed", {**parties, "settledToPayee": 100, "refundedToPayer": 900}),
    ]
    assert escrow.balances() == (4_900, 100, 0)
    assert escrow.channel(channel)[0] is True


def test_the_payee_can_still_come_within_the_grace_period(escrow: Escrow) -> None:
    channel = escrow.open()
    voucher = escrow.voucher(channel, DEPOSIT)
    escrow.by(PAYER).call(REQUEST_CLOSE, channel)
    escrow.now_s += 10_000
    escrow.by(PAYEE).call(CLOSE, channel, DEPOSIT, voucher)
    assert escrow.balances() == (4_000, 1_000, 0)


@pytest.mark.parametrize("amount", [0, 7])
def test_topping_up_cancels_a_requested_close(escrow: Escrow, amount: int) -> None:
    channel = escrow.open()
    escrow.by(PAYER).call(REQUEST_CLOSE, channel)
    escrow.by(PAYER).call(TOP_UP, channel, amount)
    assert [name for name, _ in escrow.events()] == ["CloseRequestCancelled", "TopUp"]
    assert escrow.channel(channel)[1] == 0
    assert refused(escrow.by(PAYER), WITHDRAW, channel) == "CloseNotReady"


def test_a_payee_closes_without_a_new_voucher(escrow: Escrow) -> None:
    """What was settled is theirs; the signature is not looked at."""
    channel = escrow.open()
    voucher = escrow.voucher(channel, 40)
    escrow.by(PAYEE).call(SETTLE, channel, 40, voucher)
    escrow.by(PAYEE).call(CLOSE, channel, 0, b"")
    assert escrow.events()[0][1]["settledToPayee"] == 40
    assert escrow.balances() == (4_960, 40, 0)


def test_another_signer_may_be_named(escrow: Escrow) -> None:
    channel = escrow.open(SIGNER)
    payers = escrow.voucher(channel, 10)
    signers = escrow.voucher(channel, 10, SIGNER_KEY)
    assert refused(escrow.by(PAYEE), SETTLE, channel, 10, payers) == "InvalidSignature"
    escrow.by(PAYEE).call(SETTLE, channel, 10, signers)
    assert escrow.balances()[1] == 10


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"payee": ZERO_ADDRESS}, "InvalidPayee"),
        ({"token": b"\x77" * 20}, "InvalidToken"),
        ({"token": TIP20_PREFIX + bytes(7) + b"\x77"}, "InvalidToken"),
        ({"deposit": 0}, "ZeroDeposit"),
    ],
)
def test_open_refuses(escrow: Escrow, changes: dict[str, Any], error: str) -> None:
    values = {"payee": PAYEE, "token": PATH_USD, "deposit": DEPOSIT, "salt": SALT} | changes
    assert refused(escrow.by(PAYER), OPEN, *values.values(), ZERO_ADDRESS) == error


def test_open_needs_the_money_and_says_what_the_token_says(escrow: Escrow) -> None:
    values = (PAYEE, PATH_USD, 5_001, SALT, ZERO_ADDRESS)
    data = refused(escrow.by(PAYER), OPEN, *values)
    assert data == Tip20.InsufficientBalance.abi.encode(5_000, 5_001, PATH_USD).hex()
    unapproved = refused(escrow.by(STRANGER), OPEN, *values)
    assert unapproved == Tip20.InsufficientAllowance.abi.encode().hex()


def test_a_channel_is_opened_once_even_after_its_end(escrow: Escrow) -> None:
    channel = escrow.open()
    again = (PAYEE, PATH_USD, 5, SALT, ZERO_ADDRESS)
    assert refused(escrow.by(PAYER), OPEN, *again) == "ChannelAlreadyExists"
    escrow.by(PAYEE).call(CLOSE, channel, 0, b"")
    assert refused(escrow.by(PAYER), OPEN, *again) == "ChannelAlreadyExists"
    assert escrow.open(salt=bytes(32)) != channel


ACTIONS = [
    (SETTLE, (1, b""), "NotPayee", PAYEE),
    (CLOSE, (1, b""), "NotPayee", PAYEE),
    (TOP_UP, (1,), "NotPayer", PAYER),
    (REQUEST_CLOSE, (), "NotPayer", PAYER),
    (WITHDRAW, (), "NotPayer", PAYER),
]


@pytest.mark.parametrize(("text", "values", "error", "party"), ACTIONS)
def test_who_may_do_what(
    escrow: Escrow, text: str, values: tuple[Any, ...], error: str, party: bytes
) -> None:
    channel = escrow.open()
    other = PAYER if party == PAYEE else PAYEE
    for sender in (other, STRANGER):
        assert refused(escrow.by(sender), text, channel, *values) == error
    assert refused(escrow.by(party), text, bytes(32), *values) == "ChannelNotFound"
    escrow.by(PAYEE).call(CLOSE, channel, 0, b"")
    assert refused(escrow.by(party), text, channel, *values) == "ChannelFinalized"


def test_settle_refuses_amounts_before_it_looks_at_the_signature(escrow: Escrow) -> None:
    channel = escrow.open()
    voucher = escrow.voucher(channel, 100)
    escrow.by(PAYEE).call(SETTLE, channel, 100, voucher)
    payee = escrow.by(PAYEE)
    assert refused(payee, SETTLE, channel, DEPOSIT + 1, b"") == "AmountExceedsDeposit"
    assert refused(payee, SETTLE, channel, 100, voucher) == "AmountNotIncreasing"
    assert refused(payee, SETTLE, channel, 99, voucher) == "AmountNotIncreasing"
    assert refused(payee, SETTLE, channel, 101, voucher) == "InvalidSignature"
    assert refused(payee, CLOSE, channel, DEPOSIT + 1, b"") == "AmountExceedsDeposit"
    assert refused(payee, CLOSE, channel, 101, voucher) == "InvalidSignature"


def test_only_one_form_of_signature_is_accepted(escrow: Escrow) -> None:
    channel = escrow.open()
    good = escrow.voucher(channel, 10)
    r, s, v = good[:32], int.from_bytes(good[32:64]), good[64]
    high_s = r + (secp256k1.N - s).to_bytes(32) + bytes([55 - v])
    for bad in (b"", good[:64], good + b"\0", good[:64] + bytes([v - 27]), high_s, bytes(65)):
        assert refused(escrow.by(PAYEE), SETTLE, channel, 10, bad) == "InvalidSignature"
    other = escrow.voucher(escrow.open(salt=bytes(32)), 10)
    assert refused(escrow.by(PAYEE), SETTLE, channel, 10, other) == "InvalidSignature"
    escrow.by(PAYEE).call(SETTLE, channel, 10, good)


def test_a_deposit_stays_within_its_type(escrow: Escrow) -> None:
    channel = escrow.open()
    payer = escrow.by(PAYER)
    assert refused(payer, TOP_UP, channel, MAX_UINT128 - DEPOSIT + 1) == "DepositOverflow"
    assert refused(payer, TOP_UP, channel, 2**256 - 1) == "DepositOverflow"
    poor = refused(payer, TOP_UP, channel, MAX_UINT128 - DEPOSIT)
    assert poor.startswith(Tip20.InsufficientBalance.abi.selector.hex())


# -- identities -----------------------------------------------------------------------------------


def test_golden_vectors(escrow: Escrow) -> None:
    """Facts 8.4: an escrow at 0xee..ee on chain 1337."""
    anyone = escrow.by(STRANGER)
    assert anyone.call("domainSeparator() returns (bytes32)").hex() == (
        "549555c84d5d8d5d0d0ad9591f33b2826cd151e6d40690faacfe3a9d1e226ef8"
    )
    channel = anyone.call(COMPUTE_ID, b"\x11" * 20, b"\x22" * 20, PATH_USD, SALT, ZERO_ADDRESS)
    assert channel.hex() == "ce03e6edfa6ad27e943f6efd915425730619dcb0fba730d3b8a6b760954aaab9"
    assert anyone.call("VOUCHER_TYPEHASH() returns (bytes32)").hex() == (
        "e97c93f01d3ef8eaba1586553df13308f236815bf4ea49c7b696895d8f5ea68a"
    )
    assert anyone.call("CLOSE_GRACE_PERIOD() returns (uint64)") == 900


def test_the_id_is_known_before_opening(escrow: Escrow) -> None:
    expected = escrow.by(PAYER).call(COMPUTE_ID, PAYER, PAYEE, PATH_USD, SALT, SIGNER)
    assert escrow.open(SIGNER) == expected


def test_the_domain_in_plain_sight(escrow: Escrow) -> None:
    """ERC-5267; the separator is made of just these."""
    fields, name, version, chain_id, contract, salt, extensions = escrow.by(STRANGER).call(
        "eip712Domain() returns (bytes1, string, string, uint256, address, bytes32, uint256[])"
    )
    assert (fields, salt, extensions) == (b"\x0f", bytes(32), ())
    kind = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    separator = keccak256(
        keccak256(kind.encode())
        + keccak256(name.encode())
        + keccak256(version.encode())
        + chain_id.to_bytes(32)
        + bytes(12)
        + contract
    )
    assert separator == escrow.by(STRANGER).call("domainSeparator() returns (bytes32)")


def test_channels_are_read_one_by_one_or_together(escrow: Escrow) -> None:
    first, second = escrow.open(), escrow.open(SIGNER)
    states = escrow.by(STRANGER).call(
        f"getChannelsBatch(bytes32[] channelIds) returns ({CHANNEL}[])",
        [first, bytes(32), second],
    )
    flat = "channels(bytes32 channelId) returns " + CHANNEL
    nobody = (False, 0, *(ZERO_ADDRESS,) * 4, 0, 0)
    assert states == (escrow.channel(first), nobody, escrow.channel(second))
    assert escrow.by(STRANGER).call(flat, second) == states[2]


SELECTORS = {
    "AmountExceedsDeposit bd0d7138",
    "AmountNotIncreasing 32d2c1a3",
    "ChannelAlreadyExists 0ec0f149",
    "ChannelFinalized c9f3b559",
    "ChannelNotFound 1e07dd94",
    "CloseNotReady 02b81e29",
    "DepositOverflow 1132981b",
    "InvalidPayee b387a238",
    "InvalidSignature 8baa579f",
    "InvalidToken c1ab6dc1",
    "NotPayee 56cab67b",
    "NotPayer 1435e357",
    "TransferFailed 90b8ec18",
    "ZeroDeposit 56316e87",
}


def test_the_errors_are_those_of_the_shipped_contract() -> None:
    errors = {
        f"{item['name']} {RevertError(item['name'] + '()').selector.hex()}"
        for item in artifact("SessionEscrow").abi
        if item["type"] == "error"
    }
    assert errors == SELECTORS


def test_a_channel_takes_four_new_words(escrow: Escrow) -> None:
    """As the original packs it; each new word costs 250,000 gas (facts 4.5)."""
    channel = escrow.open()
    words = [key for key in escrow.world.storage if key[0] == ESCROW]
    assert len(words) == 4
    voucher = escrow.voucher(channel, 10)
    escrow.by(PAYEE).call(SETTLE, channel, 10, voucher)
    escrow.by(PAYER).call(REQUEST_CLOSE, channel)
    assert len([key for key in escrow.world.storage if key[0] == ESCROW]) == 4
