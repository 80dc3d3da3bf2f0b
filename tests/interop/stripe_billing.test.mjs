// stripe-node subscribes, renews and cancels (draft-stripe-subscription-00; facts, stripe 1.9).

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { failure, stripeOf } from './stripe_node.mjs'

const NEW_YEAR_S = 1_767_225_600
const stripe = stripeOf()

async function monthly() {
  const product = await stripe.products.create({ name: 'Reports' })
  return stripe.prices.create({
    product: product.id,
    currency: 'usd',
    unit_amount: 1000,
    recurring: { interval: 'month' },
  })
}

async function subscriber(card = 'pm_card_visa', more = {}) {
  const customer = await stripe.customers.create({ name: 'Ada', ...more })
  const method = await stripe.paymentMethods.attach(card, { customer: customer.id })
  return stripe.customers.update(customer.id, {
    invoice_settings: { default_payment_method: method.id },
  })
}

test('a subscription is paid in the call that makes it', async () => {
  const [customer, price] = [await subscriber(), await monthly()]
  const made = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: price.id, quantity: 1 }],
    payment_behavior: 'error_if_incomplete',
    proration_behavior: 'none',
    expand: ['latest_invoice'],
  })
  assert.equal(made.status, 'active')
  assert.equal(made.latest_invoice.status, 'paid')
  const later = await stripe.subscriptions.update(made.id, { cancel_at_period_end: true })
  assert.equal(later.cancel_at, made.items.data[0].current_period_end)
  assert.equal((await stripe.subscriptions.cancel(made.id)).status, 'canceled')
})

test('a refused card leaves no subscription', async () => {
  const [customer, price] = [await subscriber('pm_card_chargeCustomerFail'), await monthly()]
  const error = await failure(
    stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: price.id }],
      payment_behavior: 'error_if_incomplete',
    }),
  )
  assert.equal(error.type, 'StripeCardError')
  const { data } = await stripe.subscriptions.list({ customer: customer.id, status: 'all' })
  assert.deepEqual(data, [])
})

test('a test clock renews it', async () => {
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: NEW_YEAR_S })
  const customer = await subscriber('pm_card_visa', { test_clock: clock.id })
  const price = await monthly()
  const made = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: price.id }],
  })
  const to = made.items.data[0].current_period_end + 3600
  await stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: to })
  assert.equal((await stripe.testHelpers.testClocks.retrieve(clock.id)).status, 'ready')
  const paid = []
  for await (const one of stripe.invoices.list({ subscription: made.id, limit: 1 })) {
    paid.push(one.status)
  }
  assert.deepEqual(paid, ['paid', 'paid'])
  await stripe.testHelpers.testClocks.del(clock.id)
})
