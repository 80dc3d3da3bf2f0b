// The wire as stripe-node speaks it: forms, pages, retries, errors (facts: stripe 1.1, 2.4-2.8).

import assert from 'node:assert/strict'
import { test } from 'node:test'

import Stripe from 'stripe'

import { control, failure, stripeOf } from './stripe_node.mjs'

const stripe = stripeOf()

const pay = {
  amount: 500,
  currency: 'usd',
  payment_method: 'pm_card_visa',
  confirm: true,
  automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
}

/** Lets the next matching request meet a fault. */
async function arm(fault, where = {}, args = {}) {
  await control('POST', '/faults', { at: 'stripe.request', do: fault, when: 'nth=1', where, args })
}

test('objects go there and back', async () => {
  const made = await stripe.customers.create({ name: 'Ada', metadata: { team: 'a b&c=d[e]é' } })
  assert.match(made.id, /^cus_[0-9A-Za-z]{24}$/)
  const found = await stripe.customers.retrieve(made.id)
  assert.deepEqual(found.metadata, { team: 'a b&c=d[e]é' })
  assert.equal(found.lastResponse.apiVersion, '2026-10-28.endive')
})

test('null unsets and empty arrays say nothing', async () => {
  const made = await stripe.customers.create({ name: 'Ada', description: 'x', metadata: { a: '1' } })
  const changed = await stripe.customers.update(made.id, {
    description: null,
    metadata: { a: null, b: '2' },
  })
  assert.equal(changed.description, null)
  assert.deepEqual(changed.metadata, { b: '2' })
})

test('references are expanded, on lists too', async () => {
  const intent = await stripe.paymentIntents.create({
    ...pay,
    expand: ['latest_charge.balance_transaction'],
  })
  assert.equal(intent.latest_charge.balance_transaction.object, 'balance_transaction')
  const { data } = await stripe.paymentIntents.list({ limit: 1, expand: ['data.latest_charge'] })
  assert.equal(data[0].latest_charge.id, intent.latest_charge.id)
})

test('pages and searches are followed to the end', async () => {
  const metadata = { run: `${process.pid}` }
  for (let made = 0; made < 5; made += 1) await stripe.products.create({ name: 'Time', metadata })
  const listed = await stripe.products.list({ limit: 2 }).autoPagingToArray({ limit: 100 })
  assert.equal(listed.length, 5)
  const query = `metadata['run']:'${process.pid}'`
  const found = await stripe.products.search({ query, limit: 2 }).autoPagingToArray({ limit: 100 })
  assert.equal(found.length, 5)
})

test('a lost answer is asked for again under the same key', async () => {
  const patient = stripeOf('sk_test_x', { maxNetworkRetries: 1 })
  for (const fault of ['commit_then_drop', 'drop', 'commit_then_error']) {
    const metadata = { mpp_challenge_id: fault }
    await arm(fault, { challenge_id: fault })
    await patient.paymentIntents.create({ ...pay, metadata })
    const { data } = await stripe.paymentIntents.search({
      query: `metadata['mpp_challenge_id']:'${fault}'`,
    })
    assert.equal(data.length, 1, fault)
    const log = (await control('GET', `/requests?challenge_id=${fault}`)).data
    assert.equal(log.length, 2)
    assert.equal(log[1].fault, fault)
    assert.equal(log[0].replayed, fault === 'drop' ? null : log[1].id)
    assert.match(log[0].idempotency_key, /^stripe-node-retry-/)
  }
})

test('an answer cut short is an unknown outcome', async () => {
  const patient = stripeOf('sk_test_x', { maxNetworkRetries: 2 })
  const metadata = { mpp_challenge_id: 'cut' }
  await arm('truncate', { challenge_id: 'cut' })
  const error = await failure(patient.paymentIntents.create({ ...pay, metadata }))
  assert.ok(error instanceof Stripe.errors.StripeConnectionError)
  const query = "metadata['mpp_challenge_id']:'cut' AND status:'succeeded'"
  assert.equal((await stripe.paymentIntents.search({ query })).data.length, 1)
})

test('a replay is visible', async () => {
  const options = { idempotencyKey: 'k1' }
  const first = await stripe.customers.create({ name: 'Ada' }, options)
  const again = await stripe.customers.create({ name: 'Ada' }, options)
  assert.equal(again.id, first.id)
  assert.equal(again.lastResponse.headers['idempotent-replayed'], 'true')
  assert.equal(again.lastResponse.headers['original-request'], first.lastResponse.requestId)
  const error = await failure(stripe.customers.create({ name: 'Bob' }, options))
  assert.ok(error instanceof Stripe.errors.StripeIdempotencyError)
})

test('every failure is of its class', async () => {
  const { errors } = Stripe
  const patient = stripeOf('sk_test_x', { maxNetworkRetries: 2 })
  const cases = [
    [errors.StripeInvalidRequestError, 404, () => stripe.customers.retrieve('cus_none')],
    [errors.StripeInvalidRequestError, 400, () => stripe.customers.create({ colour: 'red' })],
    [errors.StripeAPIError, 501, () => patient.quotes.list()],
    [errors.StripeAuthenticationError, 401, () => stripeOf('no_key').customers.list()],
    [
      errors.StripePermissionError,
      403,
      () => stripe.customers.list({}, { stripeAccount: 'acct_nope' }),
    ],
    [
      errors.StripeCardError,
      402,
      () => stripe.paymentIntents.create({ ...pay, payment_method: 'pm_card_visa_chargeDeclined' }),
    ],
  ]
  for (const [kind, status, call] of cases) {
    const error = await failure(call())
    assert.ok(error instanceof kind, `${error.type} for ${status}: ${error.message}`)
    assert.equal(error.statusCode, status)
    assert.match(error.requestId, /^req_/)
  }
  await arm('rate_limit')
  assert.ok((await failure(stripe.customers.list())) instanceof errors.StripeRateLimitError)
  await arm('error', {}, { status: 503 })
  assert.ok((await failure(stripe.customers.list())) instanceof errors.StripeAPIError)
  await arm('garble')
  assert.ok((await failure(stripe.customers.list())) instanceof errors.StripeAPIError)
})

test('a second try meets a running first', async () => {
  for (const maxNetworkRetries of [0, 2]) {
    await arm('hold', {}, { ms: 300 })
    const key = { idempotencyKey: `held ${maxNetworkRetries}` }
    const create = (client) => client.customers.create({ name: 'Ada' }, key)
    const first = create(stripe)
    await new Promise((resolve) => setTimeout(resolve, 100))
    const second = create(stripeOf('sk_test_x', { maxNetworkRetries }))
    if (maxNetworkRetries) {
      assert.equal((await second).id, (await first).id)
    } else {
      const error = await failure(second)
      assert.equal(error.statusCode, 409)
      assert.equal(error.code, 'idempotency_key_in_use')
      await first
    }
  }
})

test('this version no longer takes payment_method_types', async () => {
  const given = { amount: 500, currency: 'usd', payment_method_types: ['card'] }
  const error = await failure(stripe.paymentIntents.create(given))
  assert.equal(error.code, 'payment_method_types_no_longer_supported')
  assert.equal(error.param, 'payment_method_types')
  const old = { apiVersion: '2026-07-29.preview' }
  assert.deepEqual((await stripe.paymentIntents.create(given, old)).payment_method_types, ['card'])
})

test('raw requests and the fetch client arrive too', async () => {
  const fetching = stripeOf('sk_test_x', { httpClient: Stripe.createFetchHttpClient() })
  const made = await fetching.rawRequest('POST', '/v1/customers', { name: 'Raw' })
  assert.equal((await fetching.customers.retrieve(made.id)).name, 'Raw')
})
