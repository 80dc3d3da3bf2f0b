// The three kinds of nonce: the account's own, one for each key, and none at all but a deadline.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'

import { maxUint256 } from 'viem'
import { Abis, Actions } from 'viem/tempo'

import * as s from './support.mjs'

let payer

function pay(client, to, options = {}) {
  return client.token.transferSync({ amount: 1n, to, token: s.pathUsd, ...options })
}

function nonceOf(client, nonceKey) {
  return client.nonce.getNonce({ account: client.account.address, nonceKey })
}

before(async () => {
  payer = await s.fundedClient()
})

test('the protocol nonce counts up', async () => {
  const address = payer.account.address
  const first = await payer.getTransactionCount({ address })
  await pay(payer, s.stranger().address)
  await pay(payer, s.stranger().address, { feeToken: s.betaUsd })
  assert.equal(await payer.getTransactionCount({ address }), first + 2)
})

test('a stale nonce is refused, one ahead waits for its turn', async () => {
  const address = payer.account.address
  const nonce = await payer.getTransactionCount({ address })
  const payee = s.stranger().address
  const call = Actions.token.transfer.call(payer, { amount: 1n, to: payee, token: s.pathUsd })
  const options = { calls: [call], feeToken: s.pathUsd, gas: 600_000n }
  await assert.rejects(
    payer.sendTransactionSync({ ...options, nonce: nonce - 1 }),
    /nonce too low|lower than the current nonce/i,
  )

  const later = await payer.sendTransaction({ ...options, nonce: nonce + 1 })
  await assert.rejects(payer.getTransactionReceipt({ hash: later }))
  assert.equal(await s.balanceOf(payer, s.pathUsd, payee), 0n)
  await payer.sendTransactionSync({ ...options, nonce })
  const receipt = await payer.waitForTransactionReceipt({ hash: later })
  assert.equal(receipt.status, 'success')
  assert.equal(await s.balanceOf(payer, s.pathUsd, payee), 2n)
})

test('payments sent at once carry expiring nonces and all arrive', async () => {
  const payee = s.stranger().address
  const count = await payer.getTransactionCount({ address: payer.account.address })
  const sent = await Promise.all(
    Array.from({ length: 12 }, () => pay(payer, payee, { nonceKey: 'expiring' })),
  )

  const hashes = new Set(sent.map(({ receipt }) => receipt.transactionHash))
  assert.equal(hashes.size, 12)
  for (const { receipt } of sent) assert.equal(receipt.status, 'success')
  assert.equal(await s.balanceOf(payer, s.pathUsd, payee), 12n)
  assert.equal(await payer.getTransactionCount({ address: payer.account.address }), count)

  const [hash] = hashes
  const transaction = await payer.getTransaction({ hash })
  assert.equal(transaction.nonceKey, maxUint256)
  assert.equal(transaction.nonce, 0)
  assert.ok(transaction.validBefore > Date.now() / 1000)
})

test('viem finds out for itself that transactions overlap', async () => {
  const payee = s.stranger().address
  const receipts = await Promise.all(
    Array.from({ length: 5 }, () => pay(payer, payee, { feeToken: s.alphaUsd })),
  )
  assert.equal(receipts.length, 5)
  assert.equal(await s.balanceOf(payer, s.pathUsd, payee), 5n)
})

test('an expiring transaction is good for once', async () => {
  const payee = s.stranger().address
  const request = await payer.prepareTransactionRequest({
    calls: [Actions.token.transfer.call(payer, { amount: 1n, to: payee, token: s.pathUsd })],
    nonceKey: 'expiring',
  })
  const serializedTransaction = await payer.signTransaction(request)
  await payer.sendRawTransactionSync({ serializedTransaction })
  await assert.rejects(
    payer.sendRawTransactionSync({ serializedTransaction }),
    /ExpiringNonceReplay|already known/,
  )
  assert.equal(await s.balanceOf(payer, s.pathUsd, payee), 1n)
})

test('the validity window is enforced at both ends', async () => {
  const to = s.stranger().address
  const now = Math.floor(Date.now() / 1000)
  const options = { gas: 600_000n, nonceKey: 'expiring' }
  await assert.rejects(
    pay(payer, to, { ...options, validAfter: now - 60, validBefore: now - 30 }),
    /'valid_before' \d+ is too close to current time/,
  )
  await assert.rejects(
    pay(payer, to, { ...options, validAfter: now + 200, validBefore: now + 250 }),
    /'valid_after' \d+ is too far in the future/,
  )
  await assert.rejects(
    pay(payer, to, { ...options, validBefore: now + 3_000 }),
    /nonce manager error: .*InvalidExpiringNonceExpiry/,
  )
  assert.equal(await s.balanceOf(payer, s.pathUsd, to), 0n)
})

test('every nonce key counts for itself', async () => {
  const nonceKey = 77n
  assert.equal(await nonceOf(payer, nonceKey), 0n)
  const address = payer.account.address
  const count = await payer.getTransactionCount({ address })

  const { receipt } = await pay(payer, s.stranger().address, { nonce: 0, nonceKey })
  const { args } = s.eventOf(receipt, Abis.nonce, 'NonceIncremented')
  assert.deepEqual(args, { account: address, newNonce: 1n, nonceKey })
  await pay(payer, s.stranger().address, { nonce: 1, nonceKey })

  assert.equal(await nonceOf(payer, nonceKey), 2n)
  assert.equal(await nonceOf(payer, nonceKey + 1n), 0n)
  assert.equal(await payer.getTransactionCount({ address }), count)
  await assert.rejects(
    pay(payer, s.stranger().address, { gas: 600_000n, nonce: 1, nonceKey }),
    /nonce too low|lower than the current nonce/i,
  )
})

test('parallel nonce keys do not wait for each other', async () => {
  const payee = s.stranger().address
  const keys = [101n, 102n, 103n, 104n]
  await Promise.all(keys.map((nonceKey) => pay(payer, payee, { nonceKey })))
  assert.equal(await s.balanceOf(payer, s.pathUsd, payee), 4n)
  for (const nonceKey of keys) assert.equal(await nonceOf(payer, nonceKey), 1n)
})

test('a random nonce key needs no memory', async () => {
  const payee = s.stranger().address
  const sent = [
    await pay(payer, payee, { nonceKey: 'random' }),
    await pay(payer, payee, { nonceKey: 'random' }),
  ]
  const keys = new Set()
  for (const { receipt } of sent) {
    const { nonceKey } = await payer.getTransaction({ hash: receipt.transactionHash })
    assert.ok(nonceKey > 0n && nonceKey < maxUint256)
    assert.equal(await nonceOf(payer, nonceKey), 1n)
    keys.add(nonceKey)
  }
  assert.equal(keys.size, 2)
  assert.equal(await s.balanceOf(payer, s.pathUsd, payee), 2n)
})

test("the protocol nonce is not the nonce manager's", async () => {
  await s.assertReverts(nonceOf(payer, 0n), 'ProtocolNonceNotSupported')
})

test('a reverted payment uses its nonce up', async () => {
  const poor = s.clientOf(s.stranger())
  await payer.token.transferSync({
    amount: 1_000_000n,
    to: poor.account.address,
    token: s.pathUsd,
  })
  const receipt = await poor.sendTransactionSync({
    calls: [
      Actions.token.transfer.call(poor, {
        amount: 10n ** 9n,
        to: s.stranger().address,
        token: s.pathUsd,
      }),
    ],
    gas: 600_000n,
    nonceKey: 5n,
    throwOnReceiptRevert: false,
  })
  assert.equal(receipt.status, 'reverted')
  assert.equal(await nonceOf(poor, 5n), 1n)
  assert.equal(
    await s.balanceOf(poor, s.pathUsd, poor.account),
    1_000_000n - s.feeOf(receipt),
  )
})
