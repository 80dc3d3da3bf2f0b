// Payment channels (session v2): a deposit on the chain, vouchers off it.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'

import { parseEventLogs, zeroAddress } from 'viem'
import { generatePrivateKey } from 'viem/accounts'
import { Abis, Account, Actions, Addresses, Channel } from 'viem/tempo'

import * as s from './support.mjs'

const CHAIN_ID = 1337
const DEPOSIT = 1_000_000n
const GRACE_S = 900

let payer
let payee

/** Opens a channel from payer to payee and answers its descriptor. */
async function open(options = {}) {
  const { receipt, ...opened } = await payer.channel.openSync({
    deposit: DEPOSIT,
    feeToken: s.alphaUsd,
    payee: payee.account.address,
    token: s.pathUsd,
    ...options,
  })
  const { authorizedSigner, expiringNonceHash, operator, salt, token } = opened
  const channel = {
    authorizedSigner,
    expiringNonceHash,
    operator,
    payee: opened.payee,
    payer: opened.payer,
    salt,
    token,
  }
  return { channel, opened, receipt }
}

function voucher(channel, cumulativeAmount, signer = payer) {
  return signer.channel.signVoucher({ channel, cumulativeAmount })
}

async function stateOf(channel) {
  const { settled, deposit, closeRequestedAt } = await payer.channel.getStates({ channel })
  return { closeRequestedAt, deposit, settled }
}

before(async () => {
  payer = await s.fundedClient()
  payee = await s.fundedClient()
})

test('open escrows the deposit, without an approval', async () => {
  const held = await s.balanceOf(payer, s.pathUsd, payer.account)
  const reserve = await s.balanceOf(payer, s.pathUsd, Addresses.tip20ChannelReserve)
  const { channel, opened, receipt } = await open()

  assert.equal(opened.payer, payer.account.address)
  assert.equal(opened.payee, payee.account.address)
  assert.equal(opened.deposit, DEPOSIT)
  assert.equal(opened.channelId, Channel.computeId(channel, { chainId: CHAIN_ID }))
  s.assertPaid(receipt, { feePayer: payer.account.address, feeToken: s.alphaUsd })

  assert.deepEqual(await stateOf(channel), {
    closeRequestedAt: 0,
    deposit: DEPOSIT,
    settled: 0n,
  })
  assert.equal(await s.balanceOf(payer, s.pathUsd, payer.account), held - DEPOSIT)
  assert.equal(
    await s.balanceOf(payer, s.pathUsd, Addresses.tip20ChannelReserve),
    reserve + DEPOSIT,
  )
})

test('the chain and ox compute the same ids and voucher digests', async () => {
  const { channel, opened } = await open({ nonceKey: 'expiring' })
  const reserve = { abi: Abis.tip20ChannelReserve, address: Addresses.tip20ChannelReserve }
  const { authorizedSigner, expiringNonceHash, operator, salt, token } = channel
  const id = await payer.readContract({
    ...reserve,
    functionName: 'computeChannelId',
    args: [
      channel.payer,
      channel.payee,
      operator,
      token,
      salt,
      authorizedSigner,
      expiringNonceHash,
    ],
  })
  assert.equal(id, opened.channelId)
  const digest = await payer.readContract({
    ...reserve,
    functionName: 'getVoucherDigest',
    args: [id, 123n],
  })
  const expected = Channel.getVoucherSignPayload({
    chainId: CHAIN_ID,
    channelId: id,
    cumulativeAmount: 123n,
  })
  assert.equal(digest, expected)
})

test('settle pays the difference to what was settled before', async () => {
  const { channel } = await open()
  const held = await s.balanceOf(payee, s.pathUsd, payee.account)
  for (const [cumulativeAmount, delta] of [[300n, 300n], [1_000n, 700n]]) {
    const { receipt, ...settled } = await payee.channel.settleSync({
      channel,
      cumulativeAmount,
      feeToken: s.alphaUsd,
      signature: await voucher(channel, cumulativeAmount),
    })
    assert.equal(receipt.status, 'success')
    assert.equal(settled.deltaPaid, delta)
    assert.equal(settled.newSettled, cumulativeAmount)
    assert.equal((await stateOf(channel)).settled, cumulativeAmount)
  }
  assert.equal(await s.balanceOf(payee, s.pathUsd, payee.account), held + 1_000n)
})

test('a voucher counts only if it is right', async () => {
  const { channel } = await open()
  const settle = async (cumulativeAmount, signature) =>
    payee.channel.settleSync({ channel, cumulativeAmount, feeToken: s.alphaUsd, signature })
  const good = await voucher(channel, 500n)
  await s.assertReverts(settle(501n, good), 'InvalidSignature')
  await s.assertReverts(settle(500n, await voucher(channel, 500n, payee)), 'InvalidSignature')
  const much = DEPOSIT + 1n
  await s.assertReverts(settle(much, await voucher(channel, much)), 'AmountExceedsDeposit')
  await s.assertReverts(
    payer.channel.settleSync({
      channel,
      cumulativeAmount: 500n,
      feeToken: s.alphaUsd,
      signature: good,
    }),
    'NotPayeeOrOperator',
  )
  await settle(500n, good)
  await s.assertReverts(settle(500n, good), 'AmountNotIncreasing')
  assert.equal((await stateOf(channel)).settled, 500n)
})

test('topUp adds to the deposit', async () => {
  const { channel } = await open()
  const { receipt, ...toppedUp } = await payer.channel.topUpSync({
    additionalDeposit: 250n,
    channel,
    feeToken: s.alphaUsd,
  })
  assert.equal(receipt.status, 'success')
  assert.equal(toppedUp.additionalDeposit, 250n)
  assert.equal(toppedUp.newDeposit, DEPOSIT + 250n)
  assert.equal((await stateOf(channel)).deposit, DEPOSIT + 250n)
  await s.assertReverts(
    payee.channel.topUpSync({ additionalDeposit: 1n, channel, feeToken: s.alphaUsd }),
    'NotPayer',
  )
})

test('close pays the captured amount and refunds the rest', async () => {
  const { channel } = await open()
  const before = {
    payee: await s.balanceOf(payer, s.pathUsd, payee.account),
    payer: await s.balanceOf(payer, s.pathUsd, payer.account),
  }
  const { receipt, ...closed } = await payee.channel.closeSync({
    captureAmount: 400_000n,
    channel,
    cumulativeAmount: 450_000n,
    feeToken: s.alphaUsd,
    signature: await voucher(channel, 450_000n),
  })
  assert.equal(receipt.status, 'success')
  assert.equal(closed.settledToPayee, 400_000n)
  assert.equal(closed.refundedToPayer, DEPOSIT - 400_000n)
  assert.equal(await s.balanceOf(payer, s.pathUsd, payee.account), before.payee + 400_000n)
  assert.equal(
    await s.balanceOf(payer, s.pathUsd, payer.account),
    before.payer + DEPOSIT - 400_000n,
  )
  assert.deepEqual(await stateOf(channel), { closeRequestedAt: 0, deposit: 0n, settled: 0n })
  await s.assertReverts(
    payer.channel.topUpSync({ additionalDeposit: 1n, channel, feeToken: s.alphaUsd }),
    'ChannelNotFound',
  )
})

test('an operator settles and closes for the payee', async () => {
  const operator = await s.fundedClient()
  const { channel } = await open({ operator: operator.account.address })
  const held = await s.balanceOf(payer, s.pathUsd, payee.account)
  await operator.channel.settleSync({
    channel,
    cumulativeAmount: 10n,
    feeToken: s.alphaUsd,
    signature: await voucher(channel, 10n),
  })
  await operator.channel.closeSync({
    captureAmount: 30n,
    channel,
    cumulativeAmount: 30n,
    feeToken: s.alphaUsd,
    signature: await voucher(channel, 30n),
  })
  assert.equal(await s.balanceOf(payer, s.pathUsd, payee.account), held + 30n)
})

for (const [kind, make] of Object.entries({
  P256: () => Account.fromP256(generatePrivateKey()),
  WebAuthn: () =>
    Account.fromHeadlessWebAuthn(generatePrivateKey(), {
      origin: 'http://localhost',
      rpId: 'localhost',
    }),
  secp256k1: () => Account.fromSecp256k1(generatePrivateKey()),
})) {
  test(`vouchers may be signed by a ${kind} key of their own`, async () => {
    const signer = s.clientOf(make())
    const { channel } = await open({ authorizedSigner: signer.account.address })
    assert.notEqual(channel.authorizedSigner, zeroAddress)
    const settle = { channel, cumulativeAmount: 77n, feeToken: s.alphaUsd }
    await s.assertReverts(
      payee.channel.settleSync({ ...settle, signature: await voucher(channel, 77n) }),
      'InvalidSignature',
    )
    await payee.channel.settleSync({
      ...settle,
      signature: await voucher(channel, 77n, signer),
    })
    assert.equal((await stateOf(channel)).settled, 77n)
  })
}

test('several channels are opened and read at once', async () => {
  const calls = [10n, 20n, 30n].map((deposit) =>
    Actions.channel.open.call({ deposit, payee: payee.account.address, token: s.betaUsd }),
  )
  const receipt = await payer.sendTransactionSync({ calls, feeToken: s.alphaUsd })
  const opened = parseEventLogs({
    abi: Abis.tip20ChannelReserve,
    eventName: 'ChannelOpened',
    logs: receipt.logs,
  })
  const ids = opened.map(({ args }) => args.channelId)
  assert.equal(new Set(ids).size, 3)
  const hashes = new Set(opened.map(({ args }) => args.expiringNonceHash))
  assert.equal(hashes.size, 1)

  const states = await payer.channel.getStates({ channel: ids })
  assert.deepEqual(states.map(({ deposit }) => deposit), [10n, 20n, 30n])
})

test('a sponsored open costs the payer the deposit only', async () => {
  const sponsor = (await s.fundedClient()).account
  const held = await s.balanceOf(payer, s.pathUsd, payer.account)
  const { receipt } = await open({ feePayer: sponsor, feeToken: s.pathUsd })
  s.assertPaid(receipt, { feePayer: sponsor.address, feeToken: s.pathUsd })
  assert.equal(await s.balanceOf(payer, s.pathUsd, payer.account), held - DEPOSIT)
})

test('requestClose starts a grace period, which a top-up ends', async () => {
  const { channel } = await open()
  const { receipt, ...requested } = await payer.channel.requestCloseSync({
    channel,
    feeToken: s.alphaUsd,
  })
  const block = await payer.getBlock({ blockNumber: receipt.blockNumber })
  assert.equal(requested.closeGraceEnd, block.timestamp + BigInt(GRACE_S))
  assert.equal((await stateOf(channel)).closeRequestedAt, Number(block.timestamp))
  await s.assertReverts(
    payer.channel.withdrawSync({ channel, feeToken: s.alphaUsd }),
    'CloseNotReady',
  )
  const { receipt: renewed } = await payer.channel.topUpSync({
    additionalDeposit: 5n,
    channel,
    feeToken: s.alphaUsd,
  })
  s.eventOf(renewed, Abis.tip20ChannelReserve, 'CloseRequestCancelled')
  assert.equal((await stateOf(channel)).closeRequestedAt, 0)
})

// Last, because it moves the chain's clock ahead of this process's own.
test('after the grace period the payer withdraws what was not settled', async () => {
  const { channel } = await open()
  await payee.channel.settleSync({
    channel,
    cumulativeAmount: 1_234n,
    feeToken: s.alphaUsd,
    signature: await voucher(channel, 1_234n),
  })
  await payer.channel.requestCloseSync({ channel, feeToken: s.alphaUsd })
  const held = await s.balanceOf(payer, s.pathUsd, payer.account)
  await s.dev(payer, 'evm_increaseTime', GRACE_S)
  const { receipt, ...withdrawn } = await payer.channel.withdrawSync({
    channel,
    feeToken: s.alphaUsd,
  })
  assert.equal(receipt.status, 'success')
  assert.equal(withdrawn.settledToPayee, 1_234n)
  assert.equal(withdrawn.refundedToPayer, DEPOSIT - 1_234n)
  assert.equal(
    await s.balanceOf(payer, s.pathUsd, payer.account),
    held + DEPOSIT - 1_234n,
  )
  assert.deepEqual(await stateOf(channel), { closeRequestedAt: 0, deposit: 0n, settled: 0n })
})
