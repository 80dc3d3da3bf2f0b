// PaymentIntents and what belongs to them, through stripe-node as released (facts: stripe 1.5, 1.6,
// 2.1-2.4).

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { control, failure, stripeOf } from './stripe_node.mjs'

const stripe = stripeOf()
const noRedirects = { enabled: true, allow_redirects: 'never' }
const pay = { amount: 1000, currency: 'usd', confirm: true, automatic_payment_methods: noRedirects }

test('a card is charged', async () => {
  const intent = await stripe.paymentIntents.create({ ...pay, payment_method: 'pm_card_visa' })
  assert.equal(intent.status, 'succeeded')
  const found = await stripe.paymentIntents.retrieve(intent.id, {
    expand: ['latest_charge.balance_transaction'],
  })
  assert.equal(found.latest_charge.payment_method_details.card.last4, '4242')
  assert.equal(found.latest_charge.balance_transaction.net, 941)
})

test('step by step', async () => {
  let intent = await stripe.paymentIntents.create({
    amount: 500,
    currency: 'usd',
    automatic_payment_methods: noRedirects,
  })
  intent = await stripe.paymentIntents.update(intent.id, { amount: 700, description: 'tea' })
  intent = await stripe.paymentIntents.confirm(intent.id, { payment_method: 'pm_card_amex' })
  assert.deepEqual([intent.status, intent.amount_received], ['succeeded', 700])
  assert.equal((await stripe.paymentIntents.list({ limit: 1 })).data[0].id, intent.id)
})

test('held, captured and canceled', async () => {
  const held = { ...pay, payment_method: 'pm_card_visa', capture_method: 'manual' }
  let intent = await stripe.paymentIntents.create(held)
  intent = await stripe.paymentIntents.capture(intent.id, { amount_to_capture: 250 })
  assert.deepEqual([intent.status, intent.amount_received], ['succeeded', 250])
  intent = await stripe.paymentIntents.create(held)
  intent = await stripe.paymentIntents.cancel(intent.id, { cancellation_reason: 'duplicate' })
  assert.equal(intent.status, 'canceled')
})

test('a decline is a card error with everything in it', async () => {
  const error = await failure(
    stripe.paymentIntents.create({ ...pay, payment_method: 'pm_card_chargeDeclinedExpiredCard' }),
  )
  assert.equal(error.type, 'StripeCardError')
  assert.deepEqual([error.statusCode, error.code, error.param], [402, 'expired_card', 'exp_month'])
  assert.equal(error.payment_intent.status, 'requires_payment_method')
  assert.equal((await stripe.charges.retrieve(error.charge)).status, 'failed')
})

test('what a state forbids holds the intent', async () => {
  const intent = await stripe.paymentIntents.create({ ...pay, payment_method: 'pm_card_visa' })
  const error = await failure(stripe.paymentIntents.capture(intent.id))
  assert.equal(error.code, 'payment_intent_unexpected_state')
  assert.equal(error.payment_intent.id, intent.id)
})

test('the buyer meets their bank', async () => {
  const card = { ...pay, payment_method: 'pm_card_authenticationRequired' }
  const intent = await stripe.paymentIntents.create(card)
  assert.equal(intent.status, 'requires_action')
  await control('POST', `/payment_intents/${intent.id}/authenticate`, { result: 'succeed' })
  assert.equal((await stripe.paymentIntents.retrieve(intent.id)).status, 'succeeded')
  const error = await failure(stripe.paymentIntents.create({ ...card, off_session: true }))
  assert.equal(error.decline_code, 'authentication_required')
})

test('a shared payment token pays, once, as mppx sends it', async () => {
  const options = { apiVersion: '2026-07-29.preview' }
  const token = await stripe.rawRequest(
    'POST',
    '/v1/test_helpers/shared_payment/granted_tokens',
    { payment_method: 'pm_card_visa', usage_limits: { currency: 'usd', max_amount: 1000 } },
    options,
  )
  const body = { ...pay, shared_payment_granted_token: token.id }
  const intent = await stripe.paymentIntents.create(body, options)
  assert.equal(intent.status, 'succeeded')
  const error = await failure(stripe.paymentIntents.create(body, options))
  assert.deepEqual([error.statusCode, error.param], [400, 'shared_payment_granted_token'])
  assert.match(error.message, /deactivated state/)
})

test('charges as before', async () => {
  const charge = await stripe.charges.create({ amount: 500, currency: 'usd', source: 'tok_visa' })
  await stripe.charges.update(charge.id, { description: 'a coffee' })
  assert.equal((await stripe.charges.retrieve(charge.id)).description, 'a coffee')
  const held = await stripe.charges.create({
    amount: 500,
    currency: 'usd',
    source: 'tok_visa',
    capture: false,
  })
  assert.equal((await stripe.charges.capture(held.id)).captured, true)
  assert.equal((await stripe.charges.list({ limit: 1 })).data[0].id, held.id)
})

test('customers and their methods', async () => {
  let ada = await stripe.customers.create({ name: 'Ada', payment_method: 'pm_card_visa' })
  const method = (await stripe.customers.listPaymentMethods(ada.id)).data[0]
  assert.equal((await stripe.customers.retrievePaymentMethod(ada.id, method.id)).id, method.id)
  await stripe.paymentMethods.update(method.id, { metadata: { main: 'yes' } })
  assert.equal((await stripe.paymentMethods.retrieve(method.id)).metadata.main, 'yes')
  const other = await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_visa' } })
  await stripe.paymentMethods.attach(other.id, { customer: ada.id })
  assert.equal((await stripe.paymentMethods.list({ customer: ada.id })).data.length, 2)
  assert.equal((await stripe.paymentMethods.detach(other.id)).customer, null)
  ada = await stripe.customers.update(ada.id, { description: 'first', name: '' })
  assert.deepEqual([ada.description, ada.name], ['first', null])
  assert.equal((await stripe.customers.list({ limit: 1 })).data[0].id, ada.id)
  assert.equal((await stripe.customers.del(ada.id)).deleted, true)
  assert.equal((await stripe.customers.retrieve(ada.id)).deleted, true)
})

test('a card is set up for later', async () => {
  const ada = await stripe.customers.create()
  let setup = await stripe.setupIntents.create({
    customer: ada.id,
    automatic_payment_methods: noRedirects,
  })
  setup = await stripe.setupIntents.update(setup.id, {
    payment_method: 'pm_card_authenticationRequiredOnSetup',
  })
  setup = await stripe.setupIntents.confirm(setup.id)
  assert.equal(setup.status, 'requires_action')
  await control('POST', `/setup_intents/${setup.id}/authenticate`, { result: 'succeed' })
  setup = await stripe.setupIntents.retrieve(setup.id)
  assert.equal(setup.status, 'succeeded')
  const intent = await stripe.paymentIntents.create({
    ...pay,
    customer: ada.id,
    payment_method: setup.payment_method,
    off_session: true,
  })
  assert.equal(intent.status, 'succeeded')
  const other = await stripe.setupIntents.create({})
  assert.equal((await stripe.setupIntents.cancel(other.id)).status, 'canceled')
  assert.equal((await stripe.setupIntents.list({ limit: 1 })).data[0].id, other.id)
})
