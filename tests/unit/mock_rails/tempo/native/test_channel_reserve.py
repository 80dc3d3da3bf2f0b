"""TIP20ChannelReserve: the rules of open, topUp and settle in check order, and the views.

Facts 2.8; how channels end is in `test_channel_closing`.
"""

from __future__ import annotations

from typing import Any

import pytest

from mock_rails.tempo.addresses import (
    CHANNEL_RESERVE,
    PATH_USD,
    TIP20_PREFIX,
    TIP403_REGISTRY,
    ZERO_ADDRESS,
)
from mock_rails.tempo.native.channel_reserve import ChannelReserve, Descriptor
from mock_rails.tempo.native.frame import Frame
from mock_rails.tempo.native.keychain import AccountKeychain
from mock_rails.tempo.native.keychain.keys import NEVER_EXPIRES, AccessKey
from mock_rails.tempo.native.tip20 import Tip20
from mock_rails.tempo.native.tip403 import Tip403Registry
from tests.unit.mock_rails.tempo.native.across import check_interface, reverts_in
from tests.unit.mock_rails.tempo.native.channel_support import (
    CLOSE,
    GET_CHANNEL,
    GET_STATE,
    OPEN,
    OPERATOR,
    PAYEE,
    PAYER,
    REQUEST_CLOSE,
    SALT,
    SETTLE,
    STRANGER,
    TOP_UP,
    WEALTH,
    WITHDRAW,
    Stage,
)
from tests.unit.mock_rails.tempo.native.support import Caller, reverts

NOT_CREATED = TIP20_PREFIX + b"\x99" * 8
VIRTUAL = b"\x01\x02\x03\x04" + b"\xfd" * 10 + b"\x05" * 6
MOST = (1 << 96) - 1
GRACE_S = 900
NO_SIGNATURE = b""

FUNCTIONS = {
    "CLOSE_GRACE_PERIOD": "956c8327",
    "VOUCHER_TYPEHASH": "94739e87",
    "open": "edc53b00",
    "settle": "97fb5104",
    "topUp": "dc48471e",
    "close": "73b57f74",
    "requestClose": "675402e5",
    "withdraw": "41e2c664",
    "getChannel": "eef95313",
    "getChannelState": "d18da8b1",
    "getChannelStatesBatch": "d1f4cda2",
    "computeChannelId": "185eeeac",
    "getVoucherDigest": "f3b349e8",
    "domainSeparator": "f698da25",
    "storageCredits": "4d65338b",
}
TOPICS = {
    "ChannelOpened": "debaba36",
    "Settled": "11c4e4c7",
    "TopUp": "2a96f534",
    "CloseRequested": "f5a36fc0",
    "ChannelClosed": "5613aed9",
    "CloseRequestCancelled": "6bbcbc59",
}
ERRORS = {
    "ChannelAlreadyExists": "0ec0f149",
    "ChannelNotFound": "1e07dd94",
    "NotPayer": "1435e357",
    "NotPayeeOrOperator": "626a2a3d",
    "InvalidPayee": "b387a238",
    "ZeroDeposit": "56316e87",
    "ExpiringNonceHashNotSet": "102f04a9",
    "InvalidSignature": "8baa579f",
    "AmountExceedsDeposit": "bd0d7138",
    "AmountNotIncreasing": "32d2c1a3",
    "CaptureAmountInvalid": "c91833a1",
    "CloseNotReady": "02b81e29",
    "DepositOverflow": "1132981b",
}


@pytest.fixture
def stage() -> Stage:
    return Stage()


def restrict(stage: Stage, *allowed: bytes) -> int:
    """Put the token under a whitelist."""
    registry = Caller(stage.scope, Tip403Registry, TIP403_REGISTRY, STRANGER)
    policy: int = registry.call(
        "createPolicyWithAccounts(address,uint8,address[])", STRANGER, 0, allowed
    )
    frame = Frame(stage.scope, TIP403_REGISTRY, ZERO_ADDRESS)
    Tip403Registry(frame).set_token_policy(stage.token, policy)
    del stage.scope.logs[:]
    return policy


def test_interface() -> None:
    check_interface(ChannelReserve, FUNCTIONS, TOPICS, ERRORS)


def test_the_grace_period_is_a_quarter_of_an_hour(stage: Stage) -> None:
    assert stage.payer.call("CLOSE_GRACE_PERIOD()") == GRACE_S


# -- open ------------------------------------------------------------------------------------------


def test_open_takes_the_deposit_without_an_approval(stage: Stage) -> None:
    channel = stage.open(deposit=1_000, operator=OPERATOR, signer=STRANGER)
    assert stage.balance(PAYER) == WEALTH - 1_000
    assert stage.balance(CHANNEL_RESERVE) == 1_000
    assert stage.state(channel) == (0, 1_000, 0)
    assert stage.logs() == [
        ("Transfer", {"from": PAYER, "to": CHANNEL_RESERVE, "amount": 1_000}),
        (
            "ChannelOpened",
            {
                "channelId": stage.id_of(channel),
                "payer": PAYER,
                "payee": PAYEE,
                "operator": OPERATOR,
                "token": PATH_USD,
                "authorizedSigner": STRANGER,
                "salt": SALT,
                "expiringNonceHash": stage.scope.context_hash,
                "deposit": 1_000,
            },
        ),
    ]


def test_open_returns_the_id_of_what_it_opened(stage: Stage) -> None:
    channel_id = stage.payer.call(OPEN, PAYEE, ZERO_ADDRESS, PATH_USD, 5, SALT, ZERO_ADDRESS)
    assert stage.payer.call(GET_STATE, channel_id) == (0, 5, 0)


# In the order of the checks: each line also breaks the rules of the lines below it, where it can.
OPEN_REFUSALS: list[tuple[bytes, bytes, bytes, int, bool, type[Any], str]] = [
    (ZERO_ADDRESS, ZERO_ADDRESS, STRANGER, 0, False, ChannelReserve, "InvalidPayee"),
    (PATH_USD, ZERO_ADDRESS, STRANGER, 0, False, ChannelReserve, "InvalidPayee"),
    (NOT_CREATED, OPERATOR, STRANGER, 0, False, ChannelReserve, "InvalidPayee"),
    (VIRTUAL, ZERO_ADDRESS, STRANGER, 0, False, ChannelReserve, "InvalidPayee"),
    (VIRTUAL, VIRTUAL, STRANGER, 0, False, ChannelReserve, "InvalidPayee"),
    (VIRTUAL, OPERATOR, STRANGER, 0, False, Tip20, "InvalidToken"),
    (PAYEE, ZERO_ADDRESS, STRANGER, 0, False, Tip20, "InvalidToken"),
    (PAYEE, ZERO_ADDRESS, NOT_CREATED, 0, False, Tip20, "InvalidToken"),
    (PAYEE, ZERO_ADDRESS, CHANNEL_RESERVE, 0, False, Tip20, "InvalidToken"),
    (PAYEE, ZERO_ADDRESS, PATH_USD, 0, False, ChannelReserve, "ZeroDeposit"),
    (PAYEE, ZERO_ADDRESS, PATH_USD, MOST, False, ChannelReserve, "ExpiringNonceHashNotSet"),
    (PAYEE, ZERO_ADDRESS, PATH_USD, MOST, True, Tip20, "InsufficientBalance"),
]


@pytest.mark.parametrize(
    ("payee", "operator", "token", "deposit", "has_hash", "kind", "error"), OPEN_REFUSALS
)
def test_open_refuses(
    stage: Stage,
    payee: bytes,
    operator: bytes,
    token: bytes,
    deposit: int,
    has_hash: bool,
    kind: type[Any],
    error: str,
) -> None:
    stage.next_tx(context_hash=bytes([has_hash]) * 32)
    before = dict(stage.world.storage)
    values = (WEALTH, MOST, PATH_USD) if error == "InsufficientBalance" else ()
    with reverts_in(kind, error, *values):
        stage.payer.call(OPEN, payee, operator, token, deposit, SALT, ZERO_ADDRESS)
    assert stage.world.storage == before
    assert stage.scope.logs == []


def test_one_transaction_opens_an_id_once(stage: Stage) -> None:
    """Asked after the hash and before the policy and the deposit."""
    stage.open()
    restrict(stage)
    with reverts("ChannelAlreadyExists"):
        stage.open(deposit=MOST)


def test_an_id_is_blocked_for_its_transaction_even_after_its_end(stage: Stage) -> None:
    """A channel leaves nothing behind, so without this a voucher could be cashed twice."""
    channel = stage.open(payee=PAYER)
    stage.payer.call(CLOSE, channel, 0, 0, NO_SIGNATURE)
    assert stage.state(channel) == (0, 0, 0)
    with reverts("ChannelAlreadyExists"):
        stage.open(payee=PAYER)
    stage.next_tx()
    assert stage.id_of(stage.open(payee=PAYER)) != stage.id_of(channel)


def test_a_reverted_open_blocks_nothing(stage: Stage) -> None:
    """The mark is transient storage: the frame that set it takes it back."""
    snapshot = stage.scope.snapshot()
    channel = stage.open()
    stage.scope.revert(snapshot)
    assert stage.open() == channel


def test_a_batch_opens_several_channels_under_one_hash(stage: Stage) -> None:
    channels = [stage.open(deposit=at + 1, salt=bytes(31) + bytes([at])) for at in range(5)]
    assert len({stage.id_of(channel) for channel in channels}) == 5
    assert {channel.expiring_nonce_hash for channel in channels} == {stage.scope.context_hash}
    assert [stage.state(channel)[1] for channel in channels] == [1, 2, 3, 4, 5]
    assert stage.log_names() == ["Transfer", "ChannelOpened"] * 5
    assert stage.balance(CHANNEL_RESERVE) == 15


@pytest.mark.parametrize(
    ("allowed", "opens"),
    [
        ((PAYER, PAYEE, CHANNEL_RESERVE), True),
        ((PAYER, CHANNEL_RESERVE), False),
        ((PAYEE, CHANNEL_RESERVE), False),
        ((PAYER, PAYEE), False),
    ],
)
def test_the_tokens_policy_admits_payer_reserve_and_payee(
    stage: Stage, allowed: tuple[bytes, ...], opens: bool
) -> None:
    restrict(stage, *allowed)
    if opens:
        stage.open()
    else:
        with reverts_in(Tip20, "PolicyForbids"):
            stage.open()


def test_a_deposit_counts_against_the_limit_of_an_access_key(stage: Stage) -> None:
    key_id = b"\x66" * 20
    scope = stage.next_tx(key_id=key_id)
    keychain = AccountKeychain(Frame(scope, b"\xaa" * 4 + bytes(16), ZERO_ADDRESS))
    keychain.keys[PAYER, key_id] = AccessKey(0, NEVER_EXPIRES, enforces_limits=True)
    keychain.remainders[PAYER, key_id, PATH_USD] = 1_500
    channel = stage.open(deposit=1_000)
    with reverts_in(AccountKeychain, "SpendingLimitExceeded"):
        stage.payer.call(TOP_UP, channel, 501)
    stage.payer.call(TOP_UP, channel, 500)
    assert keychain.remainders[PAYER, key_id, PATH_USD] == 0


# -- topUp -----------------------------------------------------------------------------------------


def test_a_top_up_adds_to_the_deposit(stage: Stage) -> None:
    channel = stage.open(deposit=1_000)
    at = len(stage.scope.logs)
    stage.payer.call(TOP_UP, channel, 500)
    assert stage.state(channel) == (0, 1_500, 0)
    assert stage.logs(at) == [
        ("Transfer", {"from": PAYER, "to": CHANNEL_RESERVE, "amount": 500}),
        (
            "TopUp",
            {
                "channelId": stage.id_of(channel),
                "payer": PAYER,
                "payee": PAYEE,
                "additionalDeposit": 500,
                "newDeposit": 1_500,
            },
        ),
    ]


@pytest.mark.parametrize(
    ("additional", "logs"),
    [
        (500, ["Transfer", "CloseRequestCancelled", "TopUp"]),
        (0, ["CloseRequestCancelled", "TopUp"]),
    ],
)
def test_a_top_up_takes_a_request_to_close_back(
    stage: Stage, additional: int, logs: list[str]
) -> None:
    """Even one of nothing; the cancellation is logged before the top-up."""
    channel = stage.open(deposit=1_000)
    stage.payer.call(REQUEST_CLOSE, channel)
    at = len(stage.scope.logs)
    stage.payer.call(TOP_UP, channel, additional)
    assert stage.state(channel) == (0, 1_000 + additional, 0)
    assert stage.log_names(at) == logs


def test_a_top_up_of_nothing_does_nothing(stage: Stage) -> None:
    channel = stage.open()
    at = len(stage.scope.logs)
    stage.payer.call(TOP_UP, channel, 0)
    assert stage.log_names(at) == []


def test_top_up_refuses_in_order(stage: Stage) -> None:
    channel = stage.open(deposit=1_000)
    nowhere = channel._replace(salt=bytes(32))
    restrict(stage)
    with reverts("ChannelNotFound"):
        stage.by(STRANGER).call(TOP_UP, nowhere, MOST)
    for caller in (STRANGER, PAYEE, OPERATOR):
        with reverts("NotPayer"):
            stage.by(caller).call(TOP_UP, channel, MOST)
    with reverts("DepositOverflow"):
        stage.payer.call(TOP_UP, channel, MOST - 999)
    with reverts_in(Tip20, "PolicyForbids"):
        stage.payer.call(TOP_UP, channel, MOST - 1_000)


def test_a_top_up_needs_a_payee_who_may_still_receive(stage: Stage) -> None:
    """But to take a request to close back moves no money."""
    channel = stage.open(deposit=1_000)
    stage.payer.call(REQUEST_CLOSE, channel)
    restrict(stage, PAYER, CHANNEL_RESERVE)
    with reverts_in(Tip20, "PolicyForbids"):
        stage.payer.call(TOP_UP, channel, 500)
    stage.payer.call(TOP_UP, channel, 0)
    assert stage.state(channel) == (0, 1_000, 0)


# -- settle ----------------------------------------------------------------------------------------


def test_vouchers_are_settled_by_their_growth(stage: Stage) -> None:
    channel = stage.open(deposit=1_000)
    stage.payee.call(SETTLE, channel, 300, stage.voucher(channel, 300))
    at = len(stage.scope.logs)
    stage.payee.call(SETTLE, channel, 1_000, stage.voucher(channel, 1_000))
    assert stage.state(channel) == (1_000, 1_000, 0)
    assert stage.balance(PAYEE) == 1 + 1_000
    assert stage.logs(at) == [
        ("Transfer", {"from": CHANNEL_RESERVE, "to": PAYEE, "amount": 700}),
        (
            "Settled",
            {
                "channelId": stage.id_of(channel),
                "payer": PAYER,
                "payee": PAYEE,
                "cumulativeAmount": 1_000,
                "deltaPaid": 700,
                "newSettled": 1_000,
            },
        ),
    ]


def test_an_operator_settles_for_the_payee(stage: Stage) -> None:
    channel = stage.open(deposit=1_000, operator=OPERATOR)
    stage.by(OPERATOR).call(SETTLE, channel, 300, stage.voucher(channel, 300))
    assert stage.balance(PAYEE) == 1 + 300
    assert stage.balance(OPERATOR) == 0


def test_settling_leaves_a_request_to_close_pending(stage: Stage) -> None:
    channel = stage.open(deposit=1_000)
    stage.payer.call(REQUEST_CLOSE, channel)
    stage.payee.call(SETTLE, channel, 300, stage.voucher(channel, 300))
    assert stage.state(channel) == (300, 1_000, stage.now_s)


def test_settle_refuses_in_order(stage: Stage) -> None:
    channel = stage.open(deposit=1_000)
    stage.payee.call(SETTLE, channel, 300, stage.voucher(channel, 300))
    nowhere = channel._replace(operator=OPERATOR)
    restrict(stage, PAYEE, CHANNEL_RESERVE)
    with reverts("ChannelNotFound"):
        stage.by(STRANGER).call(SETTLE, nowhere, MOST, NO_SIGNATURE)
    for caller in (STRANGER, PAYER, ZERO_ADDRESS):
        with reverts("NotPayeeOrOperator"):
            stage.by(caller).call(SETTLE, channel, MOST, NO_SIGNATURE)
    with reverts("AmountExceedsDeposit"):
        stage.payee.call(SETTLE, channel, 1_001, NO_SIGNATURE)
    for amount in (0, 299, 300):
        with reverts("AmountNotIncreasing"):
            stage.payee.call(SETTLE, channel, amount, NO_SIGNATURE)
    with reverts("InvalidSignature"):
        stage.payee.call(SETTLE, channel, 301, NO_SIGNATURE)
    with reverts_in(Tip20, "PolicyForbids"):
        stage.payee.call(SETTLE, channel, 301, stage.voucher(channel, 301))
    assert stage.state(channel) == (300, 1_000, 0)


def test_a_paused_token_settles_nothing(stage: Stage) -> None:
    channel = stage.open(deposit=1_000)
    Tip20(Frame(stage.scope, PATH_USD, ZERO_ADDRESS)).paused_flag = True
    with reverts_in(Tip20, "ContractPaused"):
        stage.payee.call(SETTLE, channel, 300, stage.voucher(channel, 300))
    assert stage.state(channel) == (0, 1_000, 0)


# -- reading ---------------------------------------------------------------------------------------


def test_views_agree(stage: Stage) -> None:
    channel = stage.open(deposit=1_000, operator=OPERATOR)
    stage.payee.call(SETTLE, channel, 300, stage.voucher(channel, 300))
    stage.payer.call(REQUEST_CLOSE, channel)
    state = (300, 1_000, stage.now_s)
    assert stage.payer.call(GET_CHANNEL, channel) == (tuple(channel), state)
    unknown = b"\x01" * 32
    batch = stage.payer.call(
        "getChannelStatesBatch(bytes32[])", [unknown, stage.id_of(channel), unknown]
    )
    assert batch == ((0, 0, 0), state, (0, 0, 0))
    assert stage.payer.call("getChannelStatesBatch(bytes32[])", []) == ()


def test_an_unknown_channel_reads_as_zeros(stage: Stage) -> None:
    nowhere = Descriptor(PAYER, PAYEE, OPERATOR, PATH_USD, SALT, STRANGER, b"\x03" * 32)
    assert stage.payer.call(GET_CHANNEL, nowhere) == (tuple(nowhere), (0, 0, 0))


def test_writes_are_refused_in_a_static_call(stage: Stage) -> None:
    channel = stage.open()
    calls: list[tuple[str, tuple[Any, ...]]] = [
        (OPEN, (PAYEE, OPERATOR, PATH_USD, 5, SALT, STRANGER)),
        (TOP_UP, (channel, 5)),
        (SETTLE, (channel, 5, NO_SIGNATURE)),
        (CLOSE, (channel, 5, 5, NO_SIGNATURE)),
        (REQUEST_CLOSE, (channel,)),
        (WITHDRAW, (channel,)),
    ]
    for text, arguments in calls:
        with reverts("StaticCallNotAllowed"):
            stage.payer.call(text, *arguments, static=True)


def test_a_failed_call_changes_nothing(stage: Stage) -> None:
    channel = stage.open(deposit=1_000)
    before, logs = dict(stage.world.storage), list(stage.scope.logs)
    with reverts("InvalidSignature"):
        stage.payee.call(CLOSE, channel, 1_000, 1_000, b"\x00" * 65)
    assert (stage.world.storage, stage.scope.logs) == (before, logs)
    stage.next_tx()
    voucher = stage.voucher(channel, 9)
    with reverts("OutOfGas"):
        stage.payee.call(CLOSE, channel, 9, 9, voucher, gas=20_000)
    assert stage.world.storage == before
    assert stage.scope.logs == []
