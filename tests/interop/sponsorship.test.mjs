// Somebody else pays the fee: the second signature of a 0x76 transaction.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'

import { Abis, Account, Actions, Transaction } from 'viem/tempo'

import * as s from './support.mjs'

let payer
let sponsor

before(async () => {
  payer = await s.fundedClient()
  sponsor = (await s.fundedClient()).account
})

test('the sponsor pays the fee, the sender only the amount', async () => {
  const payee = s.stranger().address
  const held = await s.balanceOf(payer, s.pathUsd, sponsor)
  const { receipt } = await payer.token.transferSync({
    amount: 100n,
    feePayer: sponsor,
    to: payee,
    token: s.pathUsd,
  })

  const fee = s.assertPaid(receipt, { feePayer: sponsor.address, feeToken: s.pathUsd })
  assert.equal(receipt.from, payer.account.address.toLowerCase())
  assert.equal(await s.balanceOf(payer, s.pathUsd, sponsor), held - fee)
  assert.equal(await s.balanceOf(payer, s.pathUsd, payer.account), s.FAUCET_AMOUNT - 100n)
  assert.equal(await s.balanceOf(payer, s.pathUsd, payee), 100n)

  const transaction = await payer.getTransaction({ hash: receipt.transactionHash })
  assert.ok(transaction.feePayerSignature)
  assert.equal(transaction.from, payer.account.address.toLowerCase())
})

test('the sponsor chooses the fee token', async () => {
  const held = await s.balanceOf(payer, s.betaUsd, sponsor)
  const { receipt } = await payer.token.transferSync({
    amount: 1n,
    feePayer: sponsor,
    feeToken: s.betaUsd,
    to: s.stranger().address,
    token: s.pathUsd,
  })
  const fee = s.assertPaid(receipt, { feePayer: sponsor.address, feeToken: s.betaUsd })
  assert.equal(await s.balanceOf(payer, s.betaUsd, sponsor), held - fee)
})

test('an account that holds one token and no fee can pay with it', async () => {
  const poor = s.clientOf(s.stranger())
  const payee = s.stranger().address
  await payer.token.transferSync({ amount: 9n, to: poor.account.address, token: s.thetaUsd })
  const { receipt } = await poor.token.transferSync({
    amount: 9n,
    feePayer: sponsor,
    feeToken: s.pathUsd,
    to: payee,
    token: s.thetaUsd,
  })
  s.assertPaid(receipt, { feePayer: sponsor.address, feeToken: s.pathUsd })
  assert.equal(await s.balanceOf(poor, s.thetaUsd, poor.account), 0n)
  assert.equal(await s.balanceOf(poor, s.thetaUsd, payee), 9n)
})

test('sender and sponsor can sign on different machines', async () => {
  const payee = s.stranger().address
  const prepared = await payer.prepareTransactionRequest({
    calls: [Actions.token.transfer.call(payer, { amount: 3n, to: payee, token: s.alphaUsd })],
    feePayer: true,
    nonceKey: 'expiring',
  })
  const half = await payer.signTransaction({ ...prepared, gas: prepared.gas + 50_000n })
  const request = Transaction.deserialize(half)
  assert.equal(request.feePayerSignature, null)

  const raw = await payer.signTransaction({
    ...request,
    account: payer.account,
    feePayer: sponsor,
    feeToken: s.alphaUsd,
  })
  const receipt = await payer.sendRawTransactionSync({ serializedTransaction: raw })
  s.assertPaid(receipt, { feePayer: sponsor.address, feeToken: s.alphaUsd })
  assert.equal(await s.balanceOf(payer, s.alphaUsd, payee), 3n)
})

test('a half-signed transaction is not accepted', async () => {
  const prepared = await payer.prepareTransactionRequest({
    calls: [
      Actions.token.transfer.call(payer, {
        amount: 3n,
        to: s.stranger().address,
        token: s.alphaUsd,
      }),
    ],
    feePayer: true,
    nonceKey: 'expiring',
  })
  const half = await payer.signTransaction(prepared)
  await assert.rejects(
    payer.sendRawTransactionSync({ serializedTransaction: half }),
    /failed to decode signed transaction|fee payer signature recovery failed/,
  )
})

test('nobody sponsors himself', async () => {
  await assert.rejects(
    payer.token.transferSync({
      amount: 1n,
      feePayer: payer.account,
      gas: 500_000n,
      to: s.stranger().address,
      token: s.pathUsd,
    }),
    /fee payer cannot resolve to sender/,
  )
})

test('a sponsor without money is refused, and nothing moves', async () => {
  const payee = s.stranger().address
  const held = await s.balanceOf(payer, s.alphaUsd, payer.account)
  await assert.rejects(
    payer.token.transferSync({
      amount: 1n,
      feePayer: s.stranger(),
      feeToken: s.pathUsd,
      gas: 500_000n,
      to: payee,
      token: s.alphaUsd,
    }),
    /insufficient/i,
  )
  assert.equal(await s.balanceOf(payer, s.alphaUsd, payer.account), held)
  assert.equal(await s.balanceOf(payer, s.alphaUsd, payee), 0n)
})

test('a P256 account is sponsored like any other', async () => {
  const passkey = s.clientOf(Account.fromP256(`0x${'07'.repeat(32)}`))
  const payee = s.stranger().address
  await payer.token.transferSync({ amount: 5n, to: passkey.account.address, token: s.betaUsd })
  const { receipt } = await passkey.token.transferSync({
    amount: 5n,
    feePayer: sponsor,
    feeToken: s.pathUsd,
    to: payee,
    token: s.betaUsd,
  })
  s.assertPaid(receipt, { feePayer: sponsor.address, feeToken: s.pathUsd })
  const { args } = s.eventOf(
    { logs: receipt.logs.slice(0, -1) },
    Abis.tip20,
    'Transfer',
  )
  assert.equal(args.from, passkey.account.address)
})
