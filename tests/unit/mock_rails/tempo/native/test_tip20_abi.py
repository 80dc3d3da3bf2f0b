"""The TIP-20 interface, number by number, as facts 2.2 lists it and viem's `Abis.ts` hashes it."""

from __future__ import annotations

from mock_rails.tempo.native.tip20 import Tip20
from tests.unit.mock_rails.tempo.native.support import COMMON_ERRORS, interface

FUNCTIONS = """
    name 06fdde03 symbol 95d89b41 decimals 313ce567 currency e5a6b10f totalSupply 18160ddd
    supplyCap 8f770ad0 quoteToken 217a4b70 nextQuoteToken 7d0819b7 balanceOf 70a08231
    allowance dd62ed3e paused 5c975abb transferPolicyId 9c4bad29 transfer a9059cbb
    transferFrom 23b872dd approve 095ea7b3 transferWithMemo 95777d59
    transferFromWithMemo 929c2539 mint 40c10f19 mintWithMemo e44f0b12 burn 42966c68
    burnWithMemo 38f23b0b burnBlocked ec0cf3dc permit d505accf nonces 7ecebe00
    DOMAIN_SEPARATOR 3644e515 pause 8456cb59 unpause 3f4ba83a setSupplyCap b6a3f59a
    changeTransferPolicyId fd5e9420 setNextQuoteToken 4593223f
    completeQuoteTokenUpdate 638bc4a3 logoURI 6bb38b28 setLogoURI c30ff6df
    PAUSE_ROLE 389ed267 UNPAUSE_ROLE 309756fb ISSUER_ROLE 82aefa24 BURN_BLOCKED_ROLE 32ad9be8
    hasRole ac4ab3fb getRoleAdmin 248a9ca3 grantRole 2f2ff15d revokeRole d547741f
    renounceRole 8bb9c5bf setRoleAdmin 1e4e0091 distributeReward 940a4e45
    setRewardRecipient e521136f claimRewards 372500ab optedInSupply 8ef39dce
    globalRewardPerToken 726ce324 userRewardInfo 360b8ed9 getPendingRewards f6ed2017
"""

EVENTS = """
    Transfer ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef
    TransferWithMemo 57bc7354aa85aed339e000bccffabbc529466af35f0772c8f8ee1145927de7f0
    Approval 8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925
    Mint 0f6798a560793a54c3bcfe86a93cde1e73087d944c0ea20544137d4121396885
    Burn cc16f5dbb4873280815c1ee09dbd06736cffcc184412cf7a71a0fdb75d397ca5
    BurnBlocked eff07194896bfa6254e521809f217f70dbdd9cefa6b894f5326af3ce8402c320
    RoleMembershipUpdated 4811f35680ba814bed6b0b926a2949c8a1000f4f2443cfe9978745d46a251aec
    RoleAdminUpdated 70d85637458e639f63e6106179309eadde21dacce320d9549168d49d0a9d6982
    TransferPolicyUpdate a870ab07b4f8e8e92e8876245ea0ec666bc09ccf6814a1fb6a8e6984b1932cce
    SupplyCapUpdate 6d7e6630766134be7e051b11b8882e6f47926ddd2fd1268bebd168c30f055c4f
    PauseStateUpdate f79595a776ff71356be9e7ff196226a16d0f4d637ff39031256c0eafd7af6b5e
    NextQuoteTokenSet 509c22f85ddeb1f3a347c45d225acd96afb87104e38b781e22a9376f0842a83a
    QuoteTokenUpdate a2bc96949c0ac82a2c9b213d46c45d745e1e2567d1496b5e117d9c808ef004f3
    LogoURIUpdated 85e241dac85a215868931b91ac54f59cbac1b80f05dbc678b4376e4f2ce4c835
    RewardDistributed e34918ff1c7084970068b53fd71ad6d8b04e9f15d3886cbf006443e6cdc52ea6
    RewardRecipientSet bbf8c20751167a65b38d4dd87c3eba00bfae01d85fb809a89eee1ba842673b98
"""

ERRORS = """
    InsufficientBalance 832f98b5 InsufficientAllowance 13be252b SupplyCapExceeded f58f733a
    InvalidSupplyCap c0d76d92 InvalidPayload 7c6953f9 PolicyForbids 54cfe659
    InvalidRecipient 9c8d2cd2 ContractPaused ab35696f InvalidCurrency f5993428
    InvalidQuoteToken d15b4fe2 InvalidAmount 2c5211c6 NoOptedInSupply e845980e
    Unauthorized 82b42900 ProtectedAddress e1320079 InvalidToken c1ab6dc1
    Uninitialized 1c72fad4 InvalidTransferPolicyId 7b94a16b PermitExpired 1a15a3cc
    InvalidSignature 8baa579f LogoURITooLong 8d2727af InvalidLogoURI bc2579ba
    VirtualAddressUnregistered da56842c Panic 4e487b71
"""


def pairs(text: str) -> set[str]:
    """`name number name number ...` as a set of `name number`."""
    words = text.split()
    return {f"{name} {number}" for name, number in zip(words[::2], words[1::2], strict=True)}


def test_functions() -> None:
    assert interface(Tip20)["functions"] == pairs(FUNCTIONS)


def test_events() -> None:
    assert interface(Tip20)["events"] == pairs(EVENTS)


def test_errors() -> None:
    assert interface(Tip20)["errors"] == pairs(ERRORS) | COMMON_ERRORS
