// The wallet for MPP's official Lightning SDK pays our merchants (facts: lightning 4.6, 1.5, 2.2).
//
// @buildonspark/lightning-mpp-sdk itself is on no registry that is reachable here (npm answers 404),
// so its client is played as the facts describe it: a charge method of mppx 0.11, whose wallet is
// called as the SDK calls it. The wallet's shapes are those of @buildonspark/spark-sdk 0.8.8's types.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, test } from 'node:test'

import { Challenge, Credential, Method, z } from 'mppx'
import { Mppx } from 'mppx/client'

import { LndError, SparkWallet } from '../../mock_rails/lightning/spark/wallet.mjs'
import { API_URL, okJson } from './gate_support.mjs'

const QUOTE = `${API_URL}/lightning/quote`
const SEARCH = `${API_URL}/lightning/search?q=voucher`
const FAILED = new Set(['LIGHTNING_PAYMENT_FAILED', 'TRANSFER_FAILED', 'FAILED'])
const NODE = { url: process.env.LND_REST_HOST, macaroon: process.env.LND_MACAROON_HEX }
const wallets = []

function walletOf(options = {}) {
  const wallet = new SparkWallet({ ...NODE, ...options })
  wallets.push(wallet)
  return wallet
}

after(async () => {
  for (const wallet of wallets) await wallet.cleanupConnections()
})

/** What the SDK's client does to get a preimage: pay, and ask until there is one. */
async function preimageOf(wallet, invoice, maxFeeSats = 5) {
  let request = await wallet.payLightningInvoice({ invoice, maxFeeSats, preferSpark: false })
  for (let tries = 0; !request?.paymentPreimage && tries < 30; tries += 1) {
    assert.ok(!FAILED.has(request?.status), request?.status)
    await new Promise((resolve) => setTimeout(resolve, 20))
    request = await wallet.getLightningSendRequest(request.id)
  }
  return request.paymentPreimage
}

const charge = Method.from({
  name: 'lightning',
  intent: 'charge',
  schema: {
    credential: { payload: z.object({ preimage: z.string() }) },
    request: z.object({ amount: z.string(), currency: z.string(), methodDetails: z.any() }),
  },
})

function payerOf(wallet) {
  const method = Method.toClient(charge, {
    async createCredential({ challenge }) {
      const preimage = await preimageOf(wallet, challenge.request.methodDetails.invoice)
      return Credential.serialize({ challenge, payload: { preimage } })
    },
  })
  return Mppx.create({ methods: [method], polyfill: false })
}

const hashOf = (preimage) =>
  createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex')

async function challengeOf(url) {
  const response = await fetch(url)
  assert.equal(response.status, 402)
  return Challenge.fromResponse(response)
}

const authorization = (challenge, payload) => ({
  Authorization: Credential.serialize({ challenge, payload }),
})

test('a charge is paid by mppx through the wallet', async () => {
  const response = await payerOf(walletOf()).fetch(QUOTE)
  assert.ok((await okJson(response)).quote)
  const text = response.headers.get('Payment-Receipt')
  const receipt = JSON.parse(Buffer.from(text, 'base64url').toString())
  assert.equal(receipt.method, 'lightning')
})

test('a payment that is not waited for is looked up by its id', async () => {
  const wallet = walletOf({ patienceMs: 0 })
  const { request } = await challengeOf(QUOTE)
  const { invoice, paymentHash } = request.methodDetails
  assert.equal(await wallet.getLightningSendRequest(paymentHash), null)
  assert.equal(hashOf(await preimageOf(wallet, invoice)), paymentHash)
  const known = await wallet.getLightningSendRequest(paymentHash)
  assert.equal(known.status, 'TRANSFER_COMPLETED')
  assert.equal(known.encodedInvoice, invoice)
  assert.equal(known.fee.originalUnit, 'MILLISATOSHI')
})

test('paying again gives the first payment and no second', async () => {
  const wallet = walletOf()
  const { request } = await challengeOf(QUOTE)
  const { invoice } = request.methodDetails
  const first = await preimageOf(wallet, invoice)
  assert.equal(await preimageOf(wallet, invoice), first)
})

test('a fee limit that no way keeps to is a failure, and what LND refuses is thrown', async () => {
  const wallet = walletOf()
  const { request } = await challengeOf(QUOTE)
  const { invoice } = request.methodDetails
  const failed = await wallet.payLightningInvoice({ invoice, maxFeeSats: 0 })
  assert.equal(failed.status, 'LIGHTNING_PAYMENT_FAILED')
  assert.equal(failed.paymentPreimage, undefined)
  await assert.rejects(
    wallet.payLightningInvoice({ invoice, maxFeeSats: 5, amountSatsToSend: 3 }),
    (error) => error instanceof LndError && /must not be specified/.test(error.message),
  )
  assert.equal(await wallet.getLightningSendRequest('00'.repeat(32)), null)
})

test('a session is opened, used and closed, and its rest comes to the wallet', async () => {
  const { wallet } = await SparkWallet.initialize({
    mnemonicOrSeed: 'abandon abandon',
    options: { network: 'REGTEST' },
  })
  wallets.push(wallet)
  const returned = await wallet.createLightningInvoice({
    amountSats: 0,
    memo: 'Session refund',
    expirySeconds: 2_592_000,
    includeSparkInvoice: false,
  })
  const { encodedInvoice } = returned.invoice
  const opening = await challengeOf(SEARCH)
  const preimage = await preimageOf(wallet, opening.request.depositInvoice)
  const sessionId = opening.request.paymentHash
  assert.equal(hashOf(preimage), sessionId)
  const payload = { action: 'open', preimage, returnInvoice: encodedInvoice }
  await okJson(await fetch(SEARCH, { headers: authorization(opening, payload) }))
  const bearer = { action: 'bearer', sessionId, preimage }
  await okJson(await fetch(SEARCH, { headers: authorization(await challengeOf(SEARCH), bearer) }))
  const close = { ...bearer, action: 'close' }
  const closed = await fetch(SEARCH, { headers: authorization(await challengeOf(SEARCH), close) })
  assert.deepEqual(await closed.json(), {
    status: 'closed',
    refundSats: Number(opening.request.depositAmount) - 2,
    refundStatus: 'succeeded',
  })
})
