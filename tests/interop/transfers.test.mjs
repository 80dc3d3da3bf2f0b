// Paying: one transfer, one with a memo, a batch, and every token as the fee token.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'

import { pad, parseEventLogs, stringToHex } from 'viem'
import { Abis, Actions } from 'viem/tempo'

import * as s from './support.mjs'

let payer

before(async () => {
  payer = await s.fundedClient()
})

test('transferSync with a memo moves the amount and logs the memo', async () => {
  const payee = s.stranger().address
  const memo = pad(stringToHex('invoice 42'), { size: 32 })
  const { receipt, ...transfer } = await payer.token.transferSync({
    amount: 10_000n,
    memo,
    to: payee,
    token: s.alphaUsd,
  })

  assert.deepEqual(
    [transfer.from, transfer.to, transfer.amount],
    [payer.account.address, payee, 10_000n],
  )
  const { args } = s.eventOf(receipt, Abis.tip20, 'TransferWithMemo')
  assert.deepEqual(args, { from: payer.account.address, to: payee, amount: 10_000n, memo })
  assert.equal(receipt.logs.length, 3)

  const fee = s.assertPaid(receipt, { feePayer: payer.account.address, feeToken: s.alphaUsd })
  assert.equal(await s.balanceOf(payer, s.alphaUsd, payee), 10_000n)
  const left = await s.balanceOf(payer, s.alphaUsd, payer.account)
  assert.equal(left, s.FAUCET_AMOUNT - 10_000n - fee)
})

for (const token of [s.pathUsd, s.alphaUsd, s.betaUsd, s.thetaUsd]) {
  test(`sendTransactionSync pays its fee in ${token.slice(-2)}`, async () => {
    const payee = s.stranger().address
    const held = await s.balanceOf(payer, token, payer.account)
    const path = await s.balanceOf(payer, s.pathUsd, payer.account)
    const receipt = await payer.sendTransactionSync({
      calls: [Actions.token.transfer.call(payer, { amount: 100n, to: payee, token: s.pathUsd })],
      feeToken: token,
    })

    assert.equal(receipt.type, '0x76')
    const fee = s.assertPaid(receipt, { feePayer: payer.account.address, feeToken: token })
    assert.ok(fee > 0n)
    const spent = token === s.pathUsd ? fee + 100n : fee
    assert.equal(await s.balanceOf(payer, token, payer.account), held - spent)
    if (token !== s.pathUsd) {
      assert.equal(await s.balanceOf(payer, s.pathUsd, payer.account), path - 100n)
    }
    assert.equal(await s.balanceOf(payer, s.pathUsd, payee), 100n)
  })
}

test('a batch pays several people at once, in order', async () => {
  const payees = [s.stranger().address, s.stranger().address, s.stranger().address]
  const calls = payees.map((to, at) =>
    Actions.token.transfer.call(payer, { amount: BigInt(at + 1), to, token: s.betaUsd }),
  )
  const receipt = await payer.sendTransactionSync({ calls, feeToken: s.pathUsd })

  const moved = parseEventLogs({
    abi: Abis.tip20,
    eventName: 'Transfer',
    logs: receipt.logs.slice(0, -1),
  })
  assert.deepEqual(
    moved.map(({ args }) => [args.to, args.amount]),
    payees.map((to, at) => [to, BigInt(at + 1)]),
  )
})

test('a batch is all or nothing, and its fee is due either way', async () => {
  const payee = s.stranger().address
  const held = await s.balanceOf(payer, s.pathUsd, payer.account)
  const receipt = await payer.sendTransactionSync({
    calls: [
      Actions.token.transfer.call(payer, { amount: 1n, to: payee, token: s.betaUsd }),
      Actions.token.transfer.call(payer, { amount: 1n << 120n, to: payee, token: s.betaUsd }),
    ],
    feeToken: s.pathUsd,
    gas: 1_000_000n,
    throwOnReceiptRevert: false,
  })

  assert.equal(receipt.status, 'reverted')
  assert.equal(receipt.logs.length, 1)
  assert.equal(await s.balanceOf(payer, s.betaUsd, payee), 0n)
  assert.equal(await s.balanceOf(payer, s.pathUsd, payer.account), held - s.feeOf(receipt))
})

test('an allowance lets another account pay, up to it', async () => {
  const spender = await s.fundedClient()
  const payee = s.stranger().address
  await payer.token.approveSync({
    amount: 500n,
    spender: spender.account.address,
    token: s.thetaUsd,
  })
  // With a fee token named it is a 0x76; in other types viem takes `from` for the sender.
  const { address: from } = payer.account
  const transfer = { feeToken: s.thetaUsd, from, to: payee, token: s.thetaUsd }
  await spender.token.transferSync({ ...transfer, amount: 300n })

  const left = await payer.token.getAllowance({
    account: payer.account.address,
    spender: spender.account.address,
    token: s.thetaUsd,
  })
  assert.equal(left.amount, 200n)
  await s.assertReverts(
    spender.token.transferSync({ ...transfer, amount: 300n }),
    'InsufficientAllowance',
  )
  assert.equal(await s.balanceOf(payer, s.thetaUsd, payee), 300n)
})
