// What mppx's servers call on the chain, called directly: channels of session v2, and the v1 escrow.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'

import { Session, SessionLegacy } from 'mppx/tempo'
import { encodeFunctionData, zeroAddress, zeroHash } from 'viem'
import { Abis, Actions, Addresses } from 'viem/tempo'

import * as s from './support.mjs'

const CHAIN_ID = 1337
const DEPOSIT = 100_000n
const GRACE_S = 900
const V1_ESCROW = '0xe1c4d3dce17bc111181ddf716f75bae49e61a336'

const { Chain, Voucher } = Session.Precompile
const v1 = SessionLegacy.Session
const { escrowAbi } = v1.Chain

let payer
let payee

before(async () => {
  payer = await s.fundedClient()
  payee = await s.fundedClient()
})

test('v2: getChannel, topUp, settle and close', async () => {
  const { receipt, ...opened } = await payer.channel.openSync({
    deposit: DEPOSIT,
    feeToken: s.alphaUsd,
    payee: payee.account.address,
    token: s.pathUsd,
  })
  assert.equal(receipt.status, 'success')
  const { channelId, deposit: _, ...descriptor } = opened
  const options = { account: payee.account }
  await Chain.topUpOnChain(payer, descriptor, 500n, undefined, { account: payer.account })
  const { state } = await Chain.getChannel(payer, descriptor)
  assert.deepEqual(state, { closeRequestedAt: 0, deposit: DEPOSIT + 500n, settled: 0n })

  const sign = (cumulativeAmount) =>
    Voucher.signVoucher(
      payer,
      payer.account,
      { channelId, cumulativeAmount },
      Addresses.tip20ChannelReserve,
      CHAIN_ID,
    )
  const held = await s.balanceOf(payer, s.pathUsd, payer.account)
  await Chain.settleOnChain(payee, descriptor, 300n, await sign(300n), undefined, options)
  assert.equal((await Chain.getChannelState(payer, channelId)).settled, 300n)
  const hash = await Chain.closeOnChain(
    payee,
    descriptor,
    700n,
    600n,
    await sign(700n),
    undefined,
    options,
  )
  const closing = await payer.waitForTransactionReceipt({ hash })
  const { args } = s.eventOf(closing, Abis.tip20ChannelReserve, 'ChannelClosed')
  assert.deepEqual([args.settledToPayee, args.refundedToPayer], [600n, DEPOSIT - 100n])
  assert.equal(
    await s.balanceOf(payer, s.pathUsd, payer.account),
    held + DEPOSIT - 100n,
  )
  const [state1] = await Chain.getChannelStatesBatch(payer, [channelId])
  assert.equal(state1.deposit, 0n)
})

function escrowCall(functionName, args) {
  return { data: encodeFunctionData({ abi: escrowAbi, args, functionName }), to: V1_ESCROW }
}

/** Opens a v1 channel as mppx does: approve and open in one batch. */
async function openV1(salt) {
  const receipt = await payer.sendTransactionSync({
    calls: [
      Actions.token.approve.call(payer, { amount: DEPOSIT, spender: V1_ESCROW, token: s.pathUsd }),
      escrowCall('open', [payee.account.address, s.pathUsd, DEPOSIT, salt, zeroAddress]),
    ],
    feeToken: s.alphaUsd,
  })
  const { args } = s.eventOf(receipt, escrowAbi, 'ChannelOpened')
  assert.equal(args.deposit, DEPOSIT)
  const expected = v1.Channel.computeId({
    authorizedSigner: zeroAddress,
    chainId: CHAIN_ID,
    escrowContract: V1_ESCROW,
    payee: payee.account.address,
    payer: payer.account.address,
    salt,
    token: s.pathUsd,
  })
  assert.equal(args.channelId, expected)
  return args.channelId
}

async function voucherV1(channelId, cumulativeAmount) {
  const voucher = { channelId, cumulativeAmount }
  const signature = await v1.Voucher.signVoucher(
    payer,
    payer.account,
    voucher,
    V1_ESCROW,
    CHAIN_ID,
  )
  return { ...voucher, signature }
}

test('v1: open, top up, settle and close in the escrow contract', async () => {
  const channelId = await openV1(zeroHash)
  const options = { account: payee.account, candidateFeeTokens: [s.alphaUsd] }
  await payer.sendTransactionSync({
    calls: [
      Actions.token.approve.call(payer, { amount: 50n, spender: V1_ESCROW, token: s.pathUsd }),
      escrowCall('topUp', [channelId, 50n]),
    ],
    feeToken: s.alphaUsd,
  })
  await v1.Chain.verifyTopUpTransaction(payer, V1_ESCROW, channelId, DEPOSIT)

  await v1.Chain.settleOnChain(payee, V1_ESCROW, await voucherV1(channelId, 1_000n), options)
  const open = await v1.Chain.getOnChainChannel(payer, V1_ESCROW, channelId)
  assert.deepEqual(
    [open.payer, open.payee, open.deposit, open.settled, open.finalized],
    [payer.account.address, payee.account.address, DEPOSIT + 50n, 1_000n, false],
  )

  const held = await s.balanceOf(payer, s.pathUsd, payer.account)
  await v1.Chain.closeOnChain(payee, V1_ESCROW, await voucherV1(channelId, 2_500n), options)
  const closed = await v1.Chain.getOnChainChannel(payer, V1_ESCROW, channelId)
  assert.equal(closed.finalized, true)
  assert.equal(
    await s.balanceOf(payer, s.pathUsd, payer.account),
    held + DEPOSIT + 50n - 2_500n,
  )
  assert.equal(await s.balanceOf(payer, s.pathUsd, V1_ESCROW), 0n)
})

// Last, because it moves the chain's clock ahead of this process's own.
test('v1: after the grace period the payer withdraws', async () => {
  const channelId = await openV1(`0x${'11'.repeat(32)}`)
  const contract = { abi: escrowAbi, address: V1_ESCROW, feeToken: s.alphaUsd }
  const withdraw = { ...contract, args: [channelId], functionName: 'withdraw' }
  const held = await s.balanceOf(payer, s.pathUsd, payer.account)
  await payer.writeContractSync({ ...withdraw, functionName: 'requestClose' })
  await assert.rejects(payer.writeContractSync(withdraw), /CloseNotReady/)
  await s.dev(payer, 'evm_increaseTime', GRACE_S)
  await payer.writeContractSync(withdraw)
  assert.equal(await s.balanceOf(payer, s.pathUsd, payer.account), held + DEPOSIT)
})
