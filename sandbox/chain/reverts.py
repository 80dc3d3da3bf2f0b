"""What a node's words and revert bytes mean, and what to do about them.

Our chain prints a revert's name, other nodes give only its bytes (facts, tempo 1.9): the errors a
payment can meet are named here. Signatures are facts, tempo 2.2, 2.4, 2.8 and 2.9.
"""

from __future__ import annotations

from typing import Any, Final

from mock_rails.tempo.abi import AbiError, Function, RevertError

_ERRORS: Final = {
    error.selector: error
    for error in map(
        RevertError,
        (
            # TIP-20
            "InsufficientBalance(uint256 available, uint256 required, address token)",
            "InsufficientAllowance()",
            "PolicyForbids()",
            "InvalidRecipient()",
            "ContractPaused()",
            "InvalidCurrency()",
            "InvalidToken()",
            "Uninitialized()",
            "SpendingLimitExceeded()",
            # fees
            "InsufficientFeeTokenBalance()",
            "InsufficientLiquidity()",
            # channels
            "ChannelAlreadyExists()",
            "ChannelNotFound()",
            "ChannelFinalized()",
            "NotPayer()",
            "NotPayee()",
            "NotPayeeOrOperator()",
            "InvalidPayee()",
            "ZeroDeposit()",
            "ExpiringNonceHashNotSet()",
            "InvalidSignature()",
            "AmountExceedsDeposit()",
            "AmountNotIncreasing()",
            "CaptureAmountInvalid()",
            "CloseNotReady()",
            "DepositOverflow()",
            "TransferFailed()",
        ),
    )
}
_PLAIN: Final = Function("Error(string reason)")

_HINTS: Final = (
    (
        ("insufficient fee token balance", "insufficientfeetokenbalance", "insufficient funds"),
        "The account cannot pay the fee: give it some of the fee token. A sandbox's faucet is"
        " tempo_fundAddress.",
    ),
    (
        ("insufficientbalance", "insufficient balance"),
        "The account holds too little of the token. A sandbox's faucet is tempo_fundAddress.",
    ),
    (("insufficientallowance",), "Approve the spender in the same batch, before the call."),
    (
        ("insufficient liquidity in feeamm", "insufficientliquidity"),
        "Pay the fee in another token: nobody swaps this one for the validator's.",
    ),
    (
        ("fee token",),
        "Choose a fee token that is a TIP-20, kept in USD, and not paused.",
    ),
    (
        ("transaction expired", "valid_before", "must be within", "nonceexpiry"),
        "Are the client's clock and the chain's the same? A sandbox's clock can be moved.",
    ),
    (("closenotready",), "Withdraw when the grace period after the request to close has passed."),
    (
        ("channelnotfound", "channelfinalized"),
        "The channel is closed, was never opened, or lives on another chain.",
    ),
    (("amountnotincreasing",), "The voucher is settled already: there is nothing to capture."),
    (("amountexceedsdeposit",), "Top the channel up before you sign for more than its deposit."),
    (("notpayee",), "Send it from the channel's payee, or from its operator."),
    (("notpayer",), "Send it from the channel's payer."),
    (("spendinglimitexceeded",), "The access key's spending limit is used up."),
    (("max fee per gas less than",), "The base fee has risen: sign again with a higher price."),
    (("invalid chain id",), "The transaction was signed for another chain: compare eth_chainId."),
    (
        ("rate limit", "too many requests"),
        "Wait, or use a node that allows more requests.",
    ),
    (("does not exist", "not available"), "Is this the URL of a Tempo node?"),
)


def revert_bytes(data: Any) -> bytes | None:
    """The revert data of a JSON-RPC error's `data` member, if it is that."""
    if isinstance(data, dict):  # some providers wrap it
        data = data.get("data")
    if not isinstance(data, str) or not data.startswith("0x"):
        return None
    try:
        return bytes.fromhex(data[2:])
    except ValueError:
        return None


def describe_revert(data: Any) -> str | None:
    """The name of the error in revert data, or the sentence in it; None if it is not known."""
    raw = revert_bytes(data)
    if raw is None or len(raw) < 4:
        return None
    try:
        if raw[:4] == _PLAIN.selector:
            return str(_PLAIN.inputs.decode(raw, 4)[0])
        error = _ERRORS.get(raw[:4])
        if error is None:
            return None
        error.inputs.decode(raw, 4)
    except AbiError:
        return None
    return error.name


def hint_for(words: str) -> str | None:
    """What to do about a refusal that the node put so."""
    lowered = words.lower()
    for marks, hint in _HINTS:
        if any(mark in lowered for mark in marks):
            return hint
    return None
