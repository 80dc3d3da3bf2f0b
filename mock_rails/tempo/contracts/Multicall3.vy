# pragma version 0.4.3
# pragma evm-version prague
"""
@title Multicall3
@notice Many calls in one, with the interface that viem, ethers and wallets expect of the
        contract at 0xca11bde05977b3631167028862be2a173976ca11.
@dev Vyper reserves memory for the largest arrays that a function may be given, so they have
     bounds that the original has not:
       256 calls     viem cuts its batches at 1,024 bytes of calldata: 256 selectors
     1,024 bytes     of calldata per call
     2,048 bytes     of return data per call
     Longer calldata is refused with the whole call, and so is longer return data: it is never cut.
"""

MAX_CALLS: constant(uint256) = 256
MAX_CALLDATA: constant(uint256) = 1024
MAX_RETURNED: constant(uint256) = 2048
# One byte more than is allowed shows that there was more: raw_call cuts without a word.
ROOM: constant(uint256) = MAX_RETURNED + 1

struct Call:
    target: address
    callData: Bytes[MAX_CALLDATA]

struct Call3:
    target: address
    allowFailure: bool
    callData: Bytes[MAX_CALLDATA]

struct Call3Value:
    target: address
    allowFailure: bool
    value: uint256
    callData: Bytes[MAX_CALLDATA]

struct Result:
    success: bool
    returnData: Bytes[ROOM]


# ---------------------------------------------------------------------------------------- batches

@external
@payable
def aggregate(calls: DynArray[Call, MAX_CALLS]) -> (
    uint256, DynArray[Bytes[ROOM], MAX_CALLS]
):
    """
    @notice The block number and what each call returned; the first failure reverts all.
    """
    returned: DynArray[Bytes[ROOM], MAX_CALLS] = []
    for each: Call in calls:
        returned.append(self._call(each.target, each.callData, False, 0).returnData)
    return block.number, returned


@external
@payable
def tryAggregate(
    requireSuccess: bool, calls: DynArray[Call, MAX_CALLS]
) -> DynArray[Result, MAX_CALLS]:
    """
    @notice Each call's result, whether it succeeded or, unless required to, not.
    """
    results: DynArray[Result, MAX_CALLS] = []
    for each: Call in calls:
        results.append(self._call(each.target, each.callData, not requireSuccess, 0))
    return results


@external
@payable
def tryBlockAndAggregate(requireSuccess: bool, calls: DynArray[Call, MAX_CALLS]) -> (
    uint256, bytes32, DynArray[Result, MAX_CALLS]
):
    """
    @notice `tryAggregate` with the block number and hash: empty, a block's own is not yet known.
    """
    results: DynArray[Result, MAX_CALLS] = []
    for each: Call in calls:
        results.append(self._call(each.target, each.callData, not requireSuccess, 0))
    return block.number, empty(bytes32), results


@external
@payable
def blockAndAggregate(calls: DynArray[Call, MAX_CALLS]) -> (
    uint256, bytes32, DynArray[Result, MAX_CALLS]
):
    """
    @notice `tryBlockAndAggregate` that requires success.
    """
    results: DynArray[Result, MAX_CALLS] = []
    for each: Call in calls:
        results.append(self._call(each.target, each.callData, False, 0))
    return block.number, empty(bytes32), results


@external
@payable
def aggregate3(calls: DynArray[Call3, MAX_CALLS]) -> DynArray[Result, MAX_CALLS]:
    """
    @notice Each call's result; each says for itself whether it may fail.
    """
    results: DynArray[Result, MAX_CALLS] = []
    for each: Call3 in calls:
        results.append(self._call(each.target, each.callData, each.allowFailure, 0))
    return results


@external
@payable
def aggregate3Value(calls: DynArray[Call3Value, MAX_CALLS]) -> DynArray[Result, MAX_CALLS]:
    """
    @notice `aggregate3` with value; on a chain without a native coin it can only be 0.
    """
    total: uint256 = 0
    results: DynArray[Result, MAX_CALLS] = []
    for each: Call3Value in calls:
        total = unsafe_add(total, each.value)
        results.append(self._call(each.target, each.callData, each.allowFailure, each.value))
    assert total == msg.value, "Multicall3: value mismatch"
    return results


@internal
def _call(
    target: address, data: Bytes[MAX_CALLDATA], mayFail: bool, amount: uint256
) -> Result:
    success: bool = False
    returned: Bytes[ROOM] = b""
    success, returned = raw_call(
        target, data, max_outsize=ROOM, value=amount, revert_on_failure=False
    )
    assert success or mayFail, "Multicall3: call failed"
    assert len(returned) <= MAX_RETURNED, "Multicall3: return data too long"
    return Result(success=success, returnData=returned)


# ----------------------------------------------------------------------- what a batch may ask for

@external
@view
def getBlockHash(blockNumber: uint256) -> bytes32:
    """
    @notice The hash of one of the last 256 blocks, else zeros.
    """
    if blockNumber >= block.number or block.number - blockNumber > 256:
        return empty(bytes32)
    return blockhash(blockNumber)


@external
@view
def getLastBlockHash() -> bytes32:
    if block.number == 0:
        return empty(bytes32)
    return blockhash(block.number - 1)


@external
@view
def getBlockNumber() -> uint256:
    return block.number


@external
@view
def getCurrentBlockCoinbase() -> address:
    return block.coinbase


@external
@view
def getCurrentBlockDifficulty() -> uint256:
    """
    @notice PREVRANDAO, which took the place of the difficulty (EIP-4399).
    """
    return convert(block.prevrandao, uint256)


@external
@view
def getCurrentBlockGasLimit() -> uint256:
    return block.gaslimit


@external
@view
def getCurrentBlockTimestamp() -> uint256:
    return block.timestamp


@external
@view
def getEthBalance(addr: address) -> uint256:
    """
    @notice Always 0: nobody holds a native coin here.
    """
    return addr.balance


@external
@view
def getBasefee() -> uint256:
    return block.basefee


@external
@view
def getChainId() -> uint256:
    return chain.id
