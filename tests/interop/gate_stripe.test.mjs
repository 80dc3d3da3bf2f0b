// mppx and cards: its client pays our merchants, and its servers are paid through the rail, in each
// configuration that it has (facts, stripe 0.2, 1.5 and 5).
//
// The devnet runs with its proxy, so the server that hard-codes Stripe's host finds the rail. What
// mppx's own servers make of a lost answer is told here as it is: two of them charge twice.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Challenge, Receipt } from 'mppx'
import { Mppx, stripe } from 'mppx/client'
import { stripe as stripeServer } from 'mppx/server'
import Stripe from 'stripe'

import * as g from './gate_support.mjs'
import { openMerchant } from './merchant.mjs'
import { control, KEY, STRIPE_URL, stripeOf } from './stripe_node.mjs'

const QUOTE = `${g.API_URL}/stripe/quote`
const sdk = stripeOf()

/** A customer with a test card, who counts the tokens that were made of it. */
function customer(paymentMethod = 'pm_card_visa') {
  const tokens = []
  const createToken = async ({ amount, currency, expiresAt }) => {
    const response = await fetch(`${STRIPE_URL}/v1/test_helpers/shared_payment/granted_tokens`, {
      method: 'POST',
      headers: { Authorization: `Basic ${btoa('sk_test_payer:')}` },
      body: new URLSearchParams({
        payment_method: paymentMethod,
        'usage_limits[currency]': currency,
        'usage_limits[max_amount]': amount,
        'usage_limits[expires_at]': String(expiresAt),
      }),
    })
    const { id } = await response.json()
    tokens.push(id)
    return id
  }
  const methods = [stripe.charge({ createToken, paymentMethod })]
  return { ...Mppx.create({ methods, polyfill: false }), tokens }
}

/** What was asked of Stripe while something was done: the requests, and how the intents ended. */
async function watched(work) {
  await control('DELETE', '/requests')
  const result = await work()
  const { data } = await control('GET', '/requests?limit=100')
  const made = data.filter(({ path, verb }) => verb === 'POST' && path === '/v1/payment_intents')
  const ids = new Set(made.map(({ object_id: id }) => id).filter(Boolean))
  const intents = await Promise.all([...ids].map((id) => sdk.paymentIntents.retrieve(id)))
  return { intents, posts: made.length, result, statuses: intents.map(({ status }) => status) }
}

/** Lets the answer to the next PaymentIntent be lost after it was made. */
async function loseNextAnswer() {
  const where = { route: '/v1/payment_intents', verb: 'POST' }
  await control('DELETE', '/faults')
  const fault = { at: 'stripe.request', do: 'commit_then_drop', when: 'nth=1', where }
  await control('POST', '/faults', fault)
}

function receiptOf(response) {
  const receipt = Receipt.deserialize(response.headers.get('Payment-Receipt'))
  assert.equal(receipt.status, 'success')
  assert.equal(receipt.method, 'stripe')
  assert.match(receipt.reference, /^pi_/)
  return receipt
}

// -- our merchants ------------------------------------------------------------------------------

test('a card pays for a quote, and the receipt names the PaymentIntent', async () => {
  const payer = customer()
  const { intents, result: response } = await watched(() => payer.fetch(QUOTE))
  await g.okJson(response)
  assert.equal(intents.length, 1)
  assert.equal(receiptOf(response).reference, intents[0].id)
  assert.equal(intents[0].status, 'succeeded')
  assert.equal(intents[0].amount, 50)
  assert.match(intents[0].metadata.mpp_sdk, /^pympp\//)
})

test('a route with several methods takes the card of who has nothing else', async () => {
  const response = await customer().fetch(`${g.API_URL}/report`)
  const report = await g.okJson(response)
  assert.ok(report.entries.length > 0)
  receiptOf(response)
})

test('a lost answer is one payment, one token and one delivery', async () => {
  await loseNextAnswer()
  const payer = customer()
  const { posts, result: response, statuses } = await watched(() => payer.fetch(QUOTE))
  await g.okJson(response)
  assert.deepEqual([posts, statuses, payer.tokens.length], [2, ['succeeded'], 1])
})

test('a credential pays once', async () => {
  const headers = { Authorization: await customer().createCredential(await fetch(QUOTE)) }
  const { result, statuses } = await watched(async () => [
    await fetch(QUOTE, { headers }),
    await fetch(QUOTE, { headers }),
  ])
  assert.deepEqual(result.map(({ status }) => status), [200, 402])
  assert.deepEqual(statuses, ['succeeded'])
})

test('a decline is told in words, and mppx tries twice more by itself', async () => {
  const payer = customer('pm_card_visa_chargeDeclinedInsufficientFunds')
  const { result: response, statuses } = await watched(() => payer.fetch(QUOTE))
  assert.equal(response.status, 402)
  assert.match((await response.json()).detail, /insufficient funds/)
  assert.deepEqual(statuses, Array(3).fill('requires_payment_method'))
  assert.equal(payer.tokens.length, 3)
})

test('a bank that wants to see the buyer is a problem of its own', async () => {
  const payer = customer('pm_card_authenticationRequired')
  const response = await payer.fetch(QUOTE)
  assert.equal(response.status, 402)
  assert.match((await response.clone().json()).type, /payment-action-required$/)
  assert.ok(Challenge.fromResponse(response).id)
})

// -- mppx's servers -----------------------------------------------------------------------------

const at = new URL(STRIPE_URL)
const address = { host: at.hostname, port: Number(at.port), protocol: 'http' }

/** How a server of mppx's can be told of its Stripe. */
const CONFIGURATIONS = {
  client: () => ({ client: new Stripe(KEY, address) }),
  'client with fetch': () => ({
    client: new Stripe(KEY, { ...address, httpClient: Stripe.createFetchHttpClient() }),
  }),
  secretKey: () => ({ secretKey: KEY }),
}

/** Buys once from a server of mppx's. */
async function buy(parameters, payer) {
  const method = stripeServer.charge({
    currency: 'usd',
    decimals: 2,
    networkId: 'profile_test_sandbox',
    paymentMethodTypes: ['card'],
    ...parameters,
  })
  const merchant = await openMerchant(method, async (mppx, request) => {
    const result = await mppx.charge({ amount: '0.50' })(request)
    if (result.status === 402) return result.challenge
    return result.withReceipt(Response.json({ quote: 42 }))
  })
  try {
    return await watched(async () => {
      const response = await payer.fetch(merchant.url)
      return { receipt: response.headers.get('Payment-Receipt'), status: response.status }
    })
  } finally {
    await merchant.close()
  }
}

for (const [name, parameters] of Object.entries(CONFIGURATIONS)) {
  test(`mppx's server with ${name} is paid`, async () => {
    const { intents, result, statuses } = await buy(parameters(), customer())
    assert.equal(result.status, 200)
    assert.deepEqual(statuses, ['succeeded'])
    assert.equal(Receipt.deserialize(result.receipt).reference, intents[0].id)
    assert.match(intents[0].metadata.mpp_sdk, /^mppx\//)
  })
}

/** What one lost answer comes to (facts, 0.2): the buyer's status, PaymentIntents, tokens. */
const LOST = {
  client: [200, 2, 2],
  'client with fetch': [200, 1, 1],
  secretKey: [500, 1, 1],
}

for (const [name, expected] of Object.entries(LOST)) {
  test(`a lost answer at mppx's server with ${name}: ${expected.join(', ')}`, async () => {
    await loseNextAnswer()
    const payer = customer()
    const { intents, result, statuses } = await buy(CONFIGURATIONS[name](), payer)
    assert.deepEqual([result.status, intents.length, payer.tokens.length], expected)
    assert.ok(statuses.every((status) => status === 'succeeded'))
    const { data } = await control('GET', '/double_charges')
    const paid = new Set(intents.map(({ id }) => id))
    const calls = data.filter(({ payment_intents: those }) => those.some(({ id }) => paid.has(id)))
    const doubled = calls.filter(({ verdict }) => verdict === 'double_charge')
    assert.equal(doubled.length > 0, intents.length > 1, JSON.stringify(calls))
  })
}
