// mppx pays per request: its client and its server, over HTTP, on this chain.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { Receipt } from 'mppx'
import { Mppx, tempo } from 'mppx/client'
import { parseEventLogs } from 'viem'
import { generatePrivateKey } from 'viem/accounts'
import { Abis, Account } from 'viem/tempo'

import { getClient, openCharging } from './merchant.mjs'
import * as s from './support.mjs'

const PRICE = { amount: '0.05' }
const PRICE_UNITS = 50_000n

const merchants = []
let payer
let payee

/** A merchant that is closed when the tests are over. */
async function merchant(parameters = {}, price = PRICE) {
  const opened = await openCharging(
    { currency: s.pathUsd, recipient: payee.account.address, ...parameters },
    price,
  )
  merchants.push(opened)
  return opened
}

function payerOf(account, parameters = {}) {
  const methods = [tempo.charge({ account, getClient, ...parameters })]
  return Mppx.create({ methods, polyfill: false })
}

/** Asserts that an answer was paid for; returns the receipt of the transaction that did. */
async function paidBy(response) {
  assert.equal(response.status, 200, await response.clone().text())
  assert.deepEqual(await response.json(), { quote: 42 })
  const receipt = Receipt.deserialize(response.headers.get('Payment-Receipt'))
  assert.equal(receipt.status, 'success')
  assert.equal(receipt.method, 'tempo')
  return await payer.getTransactionReceipt({ hash: receipt.reference })
}

before(async () => {
  payer = await s.fundedClient()
  payee = s.clientOf(s.stranger())
})

after(() => Promise.all(merchants.map(({ close }) => close())))

test('without payment there is a challenge that names chain and price', async () => {
  const { url } = await merchant()
  const response = await fetch(url)
  assert.equal(response.status, 402)
  const challenge = response.headers.get('WWW-Authenticate')
  assert.match(challenge, /^Payment .*method="tempo"/)
  const encoded = /request="([^"]+)"/.exec(challenge)[1]
  const request = JSON.parse(Buffer.from(encoded, 'base64url').toString())
  assert.equal(request.methodDetails.chainId, 1337)
  assert.equal(request.amount, String(PRICE_UNITS))
})

for (const mode of ['pull', 'push']) {
  test(`the client pays a charge in ${mode} mode`, async () => {
    const { url } = await merchant()
    const held = await s.balanceOf(payer, s.pathUsd, payer.account)
    const earned = await s.balanceOf(payer, s.pathUsd, payee.account)
    const response = await payerOf(payer.account, { mode }).fetch(url)

    const receipt = await paidBy(response)
    const fee = s.assertPaid(receipt, { feePayer: payer.account.address, feeToken: s.pathUsd })
    const { args } = s.eventOf(receipt, Abis.tip20, 'TransferWithMemo')
    assert.equal(args.amount, PRICE_UNITS)
    assert.equal(args.to, payee.account.address)
    assert.equal(
      await s.balanceOf(payer, s.pathUsd, payer.account),
      held - PRICE_UNITS - fee,
    )
    assert.equal(await s.balanceOf(payer, s.pathUsd, payee.account), earned + PRICE_UNITS)
  })
}

test('every genesis token can be the currency', async () => {
  for (const currency of [s.alphaUsd, s.betaUsd, s.thetaUsd]) {
    const { url } = await merchant({ currency })
    const receipt = await paidBy(await payerOf(payer.account).fetch(url))
    s.assertPaid(receipt, { feePayer: payer.account.address, feeToken: currency })
    assert.equal(await s.balanceOf(payer, currency, payee.account), PRICE_UNITS)
  }
})

test('the merchant sponsors the fee of a customer who has none', async () => {
  const sponsor = (await s.fundedClient()).account
  const customer = s.clientOf(s.stranger())
  await payer.token.transferSync({
    amount: PRICE_UNITS,
    to: customer.account.address,
    token: s.pathUsd,
  })
  const { url } = await merchant({ feePayer: sponsor })
  const receipt = await paidBy(await payerOf(customer.account).fetch(url))
  s.assertPaid(receipt, { feePayer: sponsor.address, feeToken: s.pathUsd })
  assert.equal(receipt.from, customer.account.address.toLowerCase())
  assert.equal(await s.balanceOf(payer, s.pathUsd, customer.account), 0n)
})

test('a split payment reaches everybody', async () => {
  const partner = s.stranger().address
  const splits = [{ amount: '0.02', recipient: partner }]
  const { url } = await merchant({}, { ...PRICE, splits })
  const earned = await s.balanceOf(payer, s.pathUsd, payee.account)
  await paidBy(await payerOf(payer.account).fetch(url))
  assert.equal(await s.balanceOf(payer, s.pathUsd, partner), 20_000n)
  assert.equal(await s.balanceOf(payer, s.pathUsd, payee.account), earned + 30_000n)
})

test('auto-swap buys the currency on the exchange first', async () => {
  const customer = s.clientOf(s.stranger())
  await payer.token.transferSync({
    amount: 1_000_000n,
    to: customer.account.address,
    token: s.pathUsd,
  })
  const { url } = await merchant({ currency: s.betaUsd })
  const earned = await s.balanceOf(payer, s.betaUsd, payee.account)
  const response = await payerOf(customer.account, { autoSwap: true }).fetch(url)

  const receipt = await paidBy(response)
  s.assertPaid(receipt, { feePayer: customer.account.address, feeToken: receipt.feeToken })
  const fills = parseEventLogs({
    abi: Abis.stablecoinDex,
    eventName: 'OrderFilled',
    logs: receipt.logs,
  })
  assert.equal(fills.length, 1)
  assert.equal(await s.balanceOf(payer, s.betaUsd, payee.account), earned + PRICE_UNITS)
  assert.equal(await s.balanceOf(payer, s.betaUsd, customer.account), 0n)
})

test('an access key pays for its account', async () => {
  const root = await s.fundedClient(Account.fromSecp256k1(generatePrivateKey()))
  const accessKey = Account.fromP256(generatePrivateKey(), { access: root.account })
  await root.accessKey.authorizeSync({
    accessKey,
    expiry: Math.floor(Date.now() / 1000) + 3_600,
    feeToken: s.pathUsd,
    limits: [{ limit: 2n * PRICE_UNITS, token: s.pathUsd }],
  })
  const { url } = await merchant()
  const receipt = await paidBy(await payerOf(accessKey).fetch(url))
  assert.equal(receipt.from, root.account.address.toLowerCase())
  const left = await root.accessKey.getRemainingLimit({
    accessKey,
    account: root.account,
    token: s.pathUsd,
  })
  assert.equal(left.remaining, PRICE_UNITS - s.feeOf(receipt))
})

for (const [kind, make] of Object.entries({
  P256: () => Account.fromP256(generatePrivateKey()),
  WebAuthn: () =>
    Account.fromHeadlessWebAuthn(generatePrivateKey(), {
      origin: 'http://localhost',
      rpId: 'localhost',
    }),
  secp256k1: () => s.stranger(),
})) {
  test(`a ${kind} account pays`, async () => {
    const customer = await s.fundedClient(make())
    const { url } = await merchant()
    const receipt = await paidBy(await payerOf(customer.account).fetch(url))
    assert.equal(receipt.from, customer.account.address.toLowerCase())
  })

  test(`a ${kind} account proves who it is where nothing is due`, async () => {
    const { url } = await merchant({}, { amount: '0' })
    const blocks = await payer.getBlockNumber({ cacheTime: 0 })
    const response = await payerOf(make()).fetch(url)
    assert.equal(response.status, 200, await response.clone().text())
    assert.equal(await payer.getBlockNumber({ cacheTime: 0 }), blocks)
  })
}

test('a credential buys one answer', async () => {
  const { url } = await merchant()
  const client = payerOf(payer.account)
  const challenge = await fetch(url)
  const credential = await client.createCredential(challenge)
  const headers = { Authorization: credential }
  const earned = await s.balanceOf(payer, s.pathUsd, payee.account)
  await paidBy(await fetch(url, { headers }))
  const again = await fetch(url, { headers })
  assert.notEqual(again.status, 200)
  assert.equal(await s.balanceOf(payer, s.pathUsd, payee.account), earned + PRICE_UNITS)
})

test('many customers pay at once', async () => {
  const { url } = await merchant()
  const client = payerOf(payer.account)
  const earned = await s.balanceOf(payer, s.pathUsd, payee.account)
  const responses = await Promise.all(Array.from({ length: 10 }, () => client.fetch(url)))
  const hashes = new Set()
  for (const response of responses) hashes.add((await paidBy(response)).transactionHash)
  assert.equal(hashes.size, 10)
  assert.equal(await s.balanceOf(payer, s.pathUsd, payee.account), earned + 10n * PRICE_UNITS)
})

test('who cannot pay gets nothing, and the chain stays as it was', async () => {
  const { url } = await merchant()
  const earned = await s.balanceOf(payer, s.pathUsd, payee.account)
  const outcome = await payerOf(s.stranger())
    .fetch(url)
    .then((response) => response.status)
    .catch((error) => error)
  assert.notEqual(outcome, 200)
  assert.equal(await s.balanceOf(payer, s.pathUsd, payee.account), earned)
})
