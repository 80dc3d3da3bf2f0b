// Shared Payment Tokens and stablecoins with stripe-node and mppx (facts: stripe 1.4, 1.7).

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { stripe as mppxStripe } from 'mppx/server'

import { STRIPE_URL, control, failure, stripeOf } from './stripe_node.mjs'

const stripe = stripeOf()
const GRANT = '/v1/test_helpers/shared_payment/granted_tokens'
const SUCCEEDS = `0x${'0'.repeat(53)}testsuccess`
const CHARGE = {
  amount: 300,
  currency: 'usd',
  confirm: true,
  automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
}

function grant(more = {}) {
  return stripe.rawRequest('POST', GRANT, {
    payment_method: 'pm_card_visa',
    usage_limits: { currency: 'usd', max_amount: 500 },
    ...more,
  })
}

test('a token is granted, charged and used up', async () => {
  const token = await grant({ shared_metadata: { order: '7' } })
  assert.equal(token.payment_method_details.card.last4, '4242')
  const paid = await stripe.paymentIntents.create({
    ...CHARGE,
    shared_payment_granted_token: token.id,
  })
  assert.equal(paid.status, 'succeeded')
  const view = await stripe.rawRequest('GET', `/v1/shared_payment/granted_tokens/${token.id}`)
  assert.equal(view.deactivated_reason, 'consumed')
  const refused = await failure(
    stripe.paymentIntents.create({ ...CHARGE, shared_payment_granted_token: token.id }),
  )
  assert.equal(refused.type, 'StripeInvalidRequestError')
  assert.equal(refused.code, undefined)
  assert.match(refused.message, /already in a deactivated state/)
})

test('limits are enforced', async () => {
  const { id } = await grant()
  const charge = { ...CHARGE, payment_method_data: { shared_payment_granted_token: id } }
  const more = await failure(stripe.paymentIntents.create({ ...charge, amount: 501 }))
  assert.equal(more.param, 'amount')
  const other = await failure(stripe.paymentIntents.create({ ...charge, currency: 'eur' }))
  assert.equal(other.param, 'currency')
})

test('a token is revoked', async () => {
  const { id } = await grant()
  const revoked = await stripe.rawRequest('POST', `${GRANT}/${id}/revoke`)
  assert.equal(revoked.deactivated_reason, 'revoked')
})

test('a token is issued and taken back', async () => {
  const issued = await stripe.rawRequest('POST', '/v1/shared_payment/issued_tokens', {
    payment_method: 'pm_card_visa',
    seller_details: { network_business_profile: 'profile_test_x' },
    usage_limits: { currency: 'usd', max_amount: 500, recurring: { interval: 'month' } },
  })
  assert.equal(issued.status, 'active')
  assert.deepEqual(issued.usage_limits.recurring, { interval: 'month', interval_count: 1 })
  const path = `/v1/shared_payment/issued_tokens/${issued.id}`
  assert.equal((await stripe.rawRequest('GET', path)).id, issued.id)
  assert.equal((await stripe.rawRequest('POST', `${path}/revoke`)).status, 'deactivated')
})

test('the request of the documentation: plain fetch, Basic, brackets encoded', async () => {
  const answer = await fetch(STRIPE_URL + GRANT, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('sk_test_somebody:')}` },
    body: new URLSearchParams({
      payment_method: 'pm_card_visa',
      'usage_limits[currency]': 'usd',
      'usage_limits[max_amount]': '500',
      'seller_details[network_id]': 'internal',
    }),
  })
  const { id } = await answer.json()
  assert.equal(
    (await stripe.paymentIntents.create({ ...CHARGE, shared_payment_granted_token: id })).status,
    'succeeded',
  )
})

test('mppx finds or creates its deposit address', async () => {
  const addressOf = (client) =>
    mppxStripe
      .create({ client, networkId: 'internal', livemode: false })
      .findOrCreateDepositAddress('tempo')
  const first = await addressOf(stripeOf())
  assert.match(first, /^0x[0-9a-f]{40}$/)
  assert.equal(await addressOf(stripeOf()), first)
})

test('a deposit is simulated', async () => {
  const intent = await stripe.paymentIntents.create({
    amount: 101,
    currency: 'usd',
    confirm: true,
    allowed_payment_method_types: ['crypto'],
    payment_method_data: { type: 'crypto' },
    payment_method_options: {
      crypto: { mode: 'deposit', deposit_options: { networks: ['solana'] } },
    },
  })
  assert.equal(intent.status, 'requires_action')
  assert.equal(intent.next_action.type, 'crypto_display_details')
  const seen = await stripe.rawRequest(
    'POST',
    `/v1/test_helpers/payment_intents/${intent.id}/simulate_crypto_deposit`,
    {
      buyer_wallet: intent.next_action.crypto_display_details.deposit_addresses.solana.address,
      network: 'solana',
      token_currency: 'usdc',
      transaction_hash: SUCCEEDS,
    },
  )
  assert.equal(seen.status, 'processing')
  await control('POST', '/clock', { advance_s: 15 })
  assert.equal((await stripe.paymentIntents.retrieve(intent.id)).status, 'succeeded')
})

test('a chain that is not attached is refused by name', async () => {
  const error = await failure(
    stripe.paymentIntents.create(
      {
        amount: 101,
        currency: 'usd',
        confirm: true,
        payment_method_types: ['crypto'],
        payment_method_data: { type: 'crypto' },
        payment_method_options: {
          crypto: {
            mode: 'transaction_verification',
            transaction_verification_options: {
              network: 'tempo',
              transaction_hash: `0x${'1'.repeat(64)}`,
            },
          },
        },
      },
      { apiVersion: '2026-07-29.preview' },
    ),
  )
  assert.equal(error.statusCode, 501)
  assert.equal(error.code, 'sandbox_not_emulated')
})
