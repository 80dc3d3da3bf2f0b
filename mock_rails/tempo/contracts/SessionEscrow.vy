# pragma version 0.4.3
# pragma evm-version prague
"""
@title Tempo Stream Channel: the escrow behind session v1
@notice A payer locks a deposit for one payee. Off the chain, the payer signs vouchers, each for
        the total owed so far; the payee needs to bring only the last one here to be paid.

            open ---> settle* / topUp* ---> close              the payee ends it with a voucher
                                      \\--> requestClose ---> withdraw
                                            the payer waits 15 minutes, so that a payee who
                                            sleeps can still come with the last voucher

@dev The interface, identities and rules of the contract that the SDKs know as TempoStreamChannel
     (facts 2.9). It has no constructor and no immutables: genesis puts its code at an address.
     Since Tempo asks 250,000 gas for a new storage word, a channel is packed into five.
"""

interface Token:
    def transfer(to: address, amount: uint256) -> bool: nonpayable
    def transferFrom(sender: address, to: address, amount: uint256) -> bool: nonpayable


# ----------------------------------------------------------------------------------------- events

event ChannelOpened:
    channelId: indexed(bytes32)
    payer: indexed(address)
    payee: indexed(address)
    token: address
    authorizedSigner: address
    salt: bytes32
    deposit: uint256

event Settled:
    channelId: indexed(bytes32)
    payer: indexed(address)
    payee: indexed(address)
    cumulativeAmount: uint256
    deltaPaid: uint256
    newSettled: uint256

event TopUp:
    channelId: indexed(bytes32)
    payer: indexed(address)
    payee: indexed(address)
    additionalDeposit: uint256
    newDeposit: uint256

event CloseRequested:
    channelId: indexed(bytes32)
    payer: indexed(address)
    payee: indexed(address)
    closeGraceEnd: uint256

event CloseRequestCancelled:
    channelId: indexed(bytes32)
    payer: indexed(address)
    payee: indexed(address)

event ChannelClosed:
    channelId: indexed(bytes32)
    payer: indexed(address)
    payee: indexed(address)
    settledToPayee: uint256
    refundedToPayer: uint256

event ChannelExpired:
    channelId: indexed(bytes32)
    payer: indexed(address)
    payee: indexed(address)


# ------------------------------------------------------------------------------------------ state

struct Channel:
    finalized: bool
    closeRequestedAt: uint64
    payer: address
    payee: address
    token: address
    authorizedSigner: address
    deposit: uint128
    settled: uint128

# How a channel is stored.
struct Packed:
    status: uint256   # payer | closeRequestedAt << 160 | finalized << 224
    payee: address
    token: address
    authorizedSigner: address
    amounts: uint256  # deposit | settled << 128

CLOSE_GRACE_PERIOD: public(constant(uint64)) = 900
VOUCHER_TYPEHASH: public(constant(bytes32)) = keccak256(
    "Voucher(bytes32 channelId,uint128 cumulativeAmount)"
)

NAME: constant(String[19]) = "Tempo Stream Channel"[:19]
