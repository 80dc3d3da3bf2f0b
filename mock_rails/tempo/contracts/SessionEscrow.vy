# pragma version 0.4.3
# pragma evm-version prague
"""
@title Tempo Stream Channel: the escrow behind session v1
@notice A payer locks a deposit for one payee. Off the chain, the payer signs vouchers, each for
        the total owed so far; the payee needs to bring only the last one here to be paid.

            open ---> settle* / topUp* ---> close         by the payee, with a voucher or without
                  |
                  +---> requestClose ---> withdraw        by the payer, 15 minutes apart: a payee
                                                          who sleeps can still bring a voucher

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

MASK_64: constant(uint256) = 2**64 - 1
MASK_128: constant(uint256) = 2**128 - 1
MASK_160: constant(uint256) = 2**160 - 1

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

NAME: constant(String[20]) = "Tempo Stream Channel"
VERSION: constant(String[1]) = "1"
DOMAIN_TYPEHASH: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)

TIP20_PREFIX: constant(bytes12) = 0x20c000000000000000000000
SIGNATURE_SIZE: constant(uint256) = 65
MAX_BATCH: constant(uint256) = 256

# Half of the order of secp256k1: above it, every signature has a second form (EIP-2).
MAX_S: constant(uint256) = (
    57896044618658097711785492504343953926418782139537452191302581570759080747168
)

packed: HashMap[bytes32, Packed]


# ------------------------------------------------------------------------------------- the payer

@external
def open(
    payee: address, token: address, deposit: uint128, salt: bytes32, authorizedSigner: address
) -> bytes32:
    """
    @notice Lock a deposit for a payee. The token must have been approved for this contract.
    @param authorizedSigner Who signs the vouchers; nobody means the payer.
    """
    if payee == empty(address):
        raw_revert(method_id("InvalidPayee()"))
    if convert(token, uint256) >> 64 != convert(TIP20_PREFIX, uint256) or not token.is_contract:
        raw_revert(method_id("InvalidToken()"))
    if deposit == 0:
        raw_revert(method_id("ZeroDeposit()"))
    channelId: bytes32 = self._channel_id(msg.sender, payee, token, salt, authorizedSigner)
    if self.packed[channelId].status != 0:
        raw_revert(method_id("ChannelAlreadyExists()"))
    self._store(channelId, Channel(
        finalized=False,
        closeRequestedAt=0,
        payer=msg.sender,
        payee=payee,
        token=token,
        authorizedSigner=authorizedSigner,
        deposit=deposit,
        settled=0,
    ))
    self._pull(token, convert(deposit, uint256))
    log ChannelOpened(
        channelId=channelId,
        payer=msg.sender,
        payee=payee,
        token=token,
        authorizedSigner=authorizedSigner,
        salt=salt,
        deposit=convert(deposit, uint256),
    )
    return channelId


@external
def topUp(channelId: bytes32, additionalDeposit: uint256):
    """
    @notice Add to the deposit; a payer who does is no longer waiting to leave.
    """
    channel: Channel = self._open_channel(channelId)
    self._require_payer(channel)
    if additionalDeposit > convert(max_value(uint128) - channel.deposit, uint256):
        raw_revert(method_id("DepositOverflow()"))
    cancels: bool = channel.closeRequestedAt != 0
    channel.closeRequestedAt = 0
    channel.deposit += convert(additionalDeposit, uint128)
    self._store(channelId, channel)
    if additionalDeposit > 0:
        self._pull(channel.token, additionalDeposit)
    if cancels:
        log CloseRequestCancelled(channelId=channelId, payer=channel.payer, payee=channel.payee)
    log TopUp(
        channelId=channelId,
        payer=channel.payer,
        payee=channel.payee,
        additionalDeposit=additionalDeposit,
        newDeposit=convert(channel.deposit, uint256),
    )


@external
def requestClose(channelId: bytes32):
    """
    @notice Start the grace period; asking again does not start it anew.
    """
    channel: Channel = self._open_channel(channelId)
    self._require_payer(channel)
    if channel.closeRequestedAt != 0:
        return
    channel.closeRequestedAt = convert(block.timestamp, uint64)
    self._store(channelId, channel)
    log CloseRequested(
        channelId=channelId,
        payer=channel.payer,
        payee=channel.payee,
        closeGraceEnd=self._grace_end(channel),
    )


@external
def withdraw(channelId: bytes32):
    """
    @notice After the grace period: take back what no voucher was brought for.
    """
    channel: Channel = self._open_channel(channelId)
    self._require_payer(channel)
    if channel.closeRequestedAt == 0 or block.timestamp < self._grace_end(channel):
        raw_revert(method_id("CloseNotReady()"))
    self._finalize(channelId)
    refund: uint128 = channel.deposit - channel.settled
    self._pay(channel.token, channel.payer, refund)
    log ChannelExpired(channelId=channelId, payer=channel.payer, payee=channel.payee)
    self._log_closed(channelId, channel, channel.settled, refund)


# ------------------------------------------------------------------------------------- the payee

@external
def settle(channelId: bytes32, cumulativeAmount: uint128, signature: Bytes[1024]):
    """
    @notice Take what a voucher adds to what was taken before; the channel stays open.
    """
    channel: Channel = self._open_channel(channelId)
    self._require_payee(channel)
    if cumulativeAmount > channel.deposit:
        raw_revert(method_id("AmountExceedsDeposit()"))
    if cumulativeAmount <= channel.settled:
        raw_revert(method_id("AmountNotIncreasing()"))
    self._require_voucher(channelId, channel, cumulativeAmount, signature)
    delta: uint128 = cumulativeAmount - channel.settled
    channel.settled = cumulativeAmount
    self._store(channelId, channel)
    self._pay(channel.token, channel.payee, delta)
    log Settled(
        channelId=channelId,
        payer=channel.payer,
        payee=channel.payee,
        cumulativeAmount=convert(cumulativeAmount, uint256),
        deltaPaid=convert(delta, uint256),
        newSettled=convert(cumulativeAmount, uint256),
    )


@external
def close(channelId: bytes32, cumulativeAmount: uint128, signature: Bytes[1024]):
    """
    @notice Take what a last voucher adds, and give the rest of the deposit back to the payer.
    @dev A voucher that adds nothing is not looked at: the payee closes with what was settled.
    """
    channel: Channel = self._open_channel(channelId)
    self._require_payee(channel)
    earned: uint128 = channel.settled
    if cumulativeAmount > earned:
        if cumulativeAmount > channel.deposit:
            raw_revert(method_id("AmountExceedsDeposit()"))
        self._require_voucher(channelId, channel, cumulativeAmount, signature)
        earned = cumulativeAmount
    self._finalize(channelId)
    refund: uint128 = channel.deposit - earned
    self._pay(channel.token, channel.payee, earned - channel.settled)
    self._pay(channel.token, channel.payer, refund)
    self._log_closed(channelId, channel, earned, refund)


# ------------------------------------------------------------------------------------------ reads

@external
@view
def getChannel(channelId: bytes32) -> Channel:
    """
    @notice A channel's state: zeros when there is none, only `finalized` when it has ended.
    """
    return self._load(channelId)


@external
@view
def channels(channelId: bytes32) -> Channel:
    """
    @notice The same as `getChannel`.
    """
    return self._load(channelId)


@external
@view
def getChannelsBatch(channelIds: DynArray[bytes32, MAX_BATCH]) -> DynArray[Channel, MAX_BATCH]:
    """
    @notice The states of up to 256 channels.
    """
    states: DynArray[Channel, MAX_BATCH] = []
    for channelId: bytes32 in channelIds:
        states.append(self._load(channelId))
    return states


@external
@view
def computeChannelId(
    payer: address, payee: address, token: address, salt: bytes32, authorizedSigner: address
) -> bytes32:
    """
    @notice The id that `open` gives: known before, so that the first voucher can be signed.
    """
    return self._channel_id(payer, payee, token, salt, authorizedSigner)


@external
@view
def getVoucherDigest(channelId: bytes32, cumulativeAmount: uint128) -> bytes32:
    """
    @notice What the signer of a voucher signs.
    """
    return self._voucher_digest(channelId, cumulativeAmount)


@external
@view
def domainSeparator() -> bytes32:
    """
    @notice EIP-712's: vouchers for another contract or chain do not verify here.
    """
    return self._domain_separator()


@external
@view
def eip712Domain() -> (
    bytes1, String[20], String[1], uint256, address, bytes32, DynArray[uint256, 1]
):
    """
    @notice The domain in plain sight (ERC-5267); 0x0f: name, version, chain id and contract.
    """
    return 0x0f, NAME, VERSION, chain.id, self, empty(bytes32), []


# -------------------------------------------------------------------------------------- vouchers

@internal
@view
def _require_voucher(
    channelId: bytes32, channel: Channel, cumulativeAmount: uint128, signature: Bytes[1024]
):
    signer: address = channel.authorizedSigner
    if signer == empty(address):
        signer = channel.payer
    digest: bytes32 = self._voucher_digest(channelId, cumulativeAmount)
    if self._recover(digest, signature) != signer:
        raw_revert(method_id("InvalidSignature()"))


@internal
@pure
def _recover(digest: bytes32, signature: Bytes[1024]) -> address:
    """
    @dev Who signed: r, s and v in 65 bytes; nobody (address 0) when it is no such signature.
    """
    if len(signature) != SIGNATURE_SIZE:
        return empty(address)
    s: uint256 = extract32(signature, 32, output_type=uint256)
    if s > MAX_S:
        return empty(address)
    v: uint256 = convert(slice(signature, 64, 1), uint256)
    return ecrecover(digest, v, extract32(signature, 0, output_type=uint256), s)


@internal
@view
def _voucher_digest(channelId: bytes32, cumulativeAmount: uint128) -> bytes32:
    voucher: bytes32 = keccak256(abi_encode(VOUCHER_TYPEHASH, channelId, cumulativeAmount))
    return keccak256(concat(b"\x19\x01", self._domain_separator(), voucher))


@internal
@view
def _domain_separator() -> bytes32:
    return keccak256(
        abi_encode(DOMAIN_TYPEHASH, keccak256(NAME), keccak256(VERSION), chain.id, self)
    )


@internal
@view
def _channel_id(
    payer: address, payee: address, token: address, salt: bytes32, authorizedSigner: address
) -> bytes32:
    return keccak256(abi_encode(payer, payee, token, salt, authorizedSigner, self, chain.id))


# -------------------------------------------------------------------------------------- channels

@internal
@view
def _open_channel(channelId: bytes32) -> Channel:
    channel: Channel = self._load(channelId)
    if channel.finalized:
        raw_revert(method_id("ChannelFinalized()"))
    if channel.payer == empty(address):
        raw_revert(method_id("ChannelNotFound()"))
    return channel


@internal
@view
def _require_payer(channel: Channel):
    if msg.sender != channel.payer:
        raw_revert(method_id("NotPayer()"))


@internal
@view
def _require_payee(channel: Channel):
    if msg.sender != channel.payee:
        raw_revert(method_id("NotPayee()"))


@internal
@pure
def _grace_end(channel: Channel) -> uint256:
    return convert(channel.closeRequestedAt + CLOSE_GRACE_PERIOD, uint256)


@internal
@view
def _load(channelId: bytes32) -> Channel:
    word: Packed = self.packed[channelId]
    return Channel(
        finalized=word.status >> 224 == 1,
        closeRequestedAt=convert((word.status >> 160) & MASK_64, uint64),
        payer=convert(word.status & MASK_160, address),
        payee=word.payee,
        token=word.token,
        authorizedSigner=word.authorizedSigner,
        deposit=convert(word.amounts & MASK_128, uint128),
        settled=convert(word.amounts >> 128, uint128),
    )


@internal
def _store(channelId: bytes32, channel: Channel):
    status: uint256 = convert(channel.payer, uint256)
    status |= convert(channel.closeRequestedAt, uint256) << 160
    self.packed[channelId] = Packed(
        status=status,
        payee=channel.payee,
        token=channel.token,
        authorizedSigner=channel.authorizedSigner,
        amounts=convert(channel.deposit, uint256) | (convert(channel.settled, uint256) << 128),
    )


@internal
def _finalize(channelId: bytes32):
    """
    @dev Clear the channel but for a mark that no later channel can have its id.
    """
    self.packed[channelId] = Packed(
        status=1 << 224,
        payee=empty(address),
        token=empty(address),
        authorizedSigner=empty(address),
        amounts=0,
    )


@internal
def _log_closed(channelId: bytes32, channel: Channel, settled: uint128, refund: uint128):
    log ChannelClosed(
        channelId=channelId,
        payer=channel.payer,
        payee=channel.payee,
        settledToPayee=convert(settled, uint256),
        refundedToPayer=convert(refund, uint256),
    )


# ------------------------------------------------------------------------------------------ money

@internal
def _pull(token: address, amount: uint256):
    if not extcall Token(token).transferFrom(msg.sender, self, amount):
        raw_revert(method_id("TransferFailed()"))


@internal
def _pay(token: address, to: address, amount: uint128):
    if amount == 0:
        return
    if not extcall Token(token).transfer(to, convert(amount, uint256)):
        raw_revert(method_id("TransferFailed()"))
