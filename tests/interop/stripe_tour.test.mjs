// Every endpoint once, by stripe-node as released, and none left out (issue 4).
//
// What each endpoint does is tested elsewhere; here the released SDK has to get along with all.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { control, failure, stripeOf } from './stripe_node.mjs'

const stripe = stripeOf()
const seller = 'acct_seller'

const card = {
  currency: 'usd',
  confirm: true,
  automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
}

function pay(name = 'bypassPending', more = {}, options = {}) {
  const payment_method = `pm_card_${name}`
  return stripe.paymentIntents.create({ ...card, amount: 5_000, payment_method, ...more }, options)
}

/** A call that the client has no method for. */
function raw(verb, path, params) {
  return stripe.rawRequest(verb, path, params)
}

function later(seconds) {
  return control('POST', '/clock', { advance_s: seconds })
}

async function first(list) {
  const { data } = await list
  assert.notEqual(data.length, 0)
  return data[0]
}

async function customersAndMethods() {
  const { customers, paymentMethods } = stripe
  const { id } = await customers.create({ name: 'Ada', email: 'ada@example.com' })
  await customers.update(id, { description: 'x' })
  await customers.retrieve(id)
  await customers.list({ email: 'ada@example.com' })
  await customers.search({ query: "name:'Ada'" })
  const method = (await paymentMethods.create({ type: 'card', card: { token: 'tok_visa' } })).id
  await paymentMethods.attach(method, { customer: id })
  await paymentMethods.update(method, { metadata: { a: 'b' } })
  await paymentMethods.retrieve(method)
  await paymentMethods.list({ customer: id, type: 'card' })
  await customers.listPaymentMethods(id)
  await customers.retrievePaymentMethod(id, method)
  await paymentMethods.detach(method)
  assert.equal((await customers.del((await customers.create({})).id)).deleted, true)
  return id
}

async function intents(customer) {
  const { paymentIntents, setupIntents, charges } = stripe
  const { id } = await paymentIntents.create({ amount: 5_000, currency: 'usd' })
  await paymentIntents.update(id, { customer })
  const payment_method = 'pm_card_visa'
  await paymentIntents.confirm(id, { payment_method, return_url: 'https://example.com' })
  await paymentIntents.retrieve(id)
  await paymentIntents.list()
  await paymentIntents.search({ query: "status:'succeeded'" })
  const manual = { capture_method: 'manual' }
  await paymentIntents.cancel((await pay('visa', manual)).id)
  await paymentIntents.capture((await pay('visa', manual)).id)
  const setup = (await setupIntents.create({ payment_method })).id
  await setupIntents.update(setup, { metadata: { a: 'b' } })
  await setupIntents.confirm(setup, { return_url: 'https://example.com' })
  await setupIntents.retrieve(setup)
  await setupIntents.list()
  await setupIntents.cancel((await setupIntents.create()).id)
  const given = { amount: 500, currency: 'usd', source: 'tok_visa' }
  const card = { number: '4242424242424242', exp_month: 12, exp_year: 2040 }
  const { id: source } = await stripe.tokens.create({ card })
  const charge = (await charges.create({ ...given, source })).id
  assert.equal((await stripe.tokens.retrieve(source)).used, true)
  await charges.update(charge, { description: 'x' })
  await charges.retrieve(charge)
  await charges.list()
  await charges.search({ query: 'amount>499' })
  await charges.capture((await charges.create({ ...given, capture: false })).id)
}

async function money() {
  const { balance, balanceTransactions, disputes, payouts, radar, refunds } = stripe
  const payment_intent = (await pay('bypassPending', { amount: 90_000 })).id
  const refund = (await refunds.create({ payment_intent, amount: 100 })).id
  await refunds.update(refund, { metadata: { a: 'b' } })
  await refunds.retrieve(refund)
  await refunds.list({ payment_intent })
  const { latest_charge } = await stripe.paymentIntents.retrieve(payment_intent)
  assert.equal((await first(raw('GET', `/v1/charges/${latest_charge}/refunds`))).id, refund)
  await failure(refunds.cancel(refund)) // it has succeeded
  for (const name of ['createDispute', 'createDispute', 'createIssuerFraudRecord']) await pay(name)
  await later(3_600)
  const [won, lost] = (await disputes.list()).data
  await disputes.retrieve(won.id)
  await disputes.update(won.id, { evidence: { product_description: 'time' } })
  await disputes.close(lost.id)
  const warning = await first(radar.earlyFraudWarnings.list())
  await radar.earlyFraudWarnings.retrieve(warning.id)
  await balance.retrieve()
  const { id } = await first(balanceTransactions.list())
  await balanceTransactions.retrieve(id)
  await raw('GET', '/v1/balance/history')
  await raw('GET', `/v1/balance/history/${id}`)
  const payout = (await payouts.create({ amount: 100, currency: 'usd' })).id
  await payouts.update(payout, { metadata: { a: 'b' } })
  await payouts.retrieve(payout)
  await payouts.list()
  await payouts.cancel(payout)
  await pay('visa', { application_fee_amount: 100 }, { stripeAccount: seller })
  await stripe.applicationFees.retrieve((await first(stripe.applicationFees.list())).id)
}

async function billing(customer) {
  const { invoicePayments, invoices, prices, products, subscriptionItems, subscriptions } = stripe
  const { id: method } = await stripe.paymentMethods.attach('pm_card_visa', { customer })
  const { id: product } = await products.create({ name: 'Time' })
  await products.update(product, { description: 'x' })
  await products.retrieve(product)
  await products.list()
  await products.search({ query: "name:'Time'" })
  await products.del((await products.create({ name: 'Nothing' })).id)
  const { id: price } = await prices.create({
    product,
    currency: 'usd',
    unit_amount: 1_000,
    recurring: { interval: 'month' },
  })
  await prices.update(price, { nickname: 'x' })
  await prices.retrieve(price)
  await prices.list()
  await prices.search({ query: "active:'true'" })
  const given = { customer, items: [{ price }], default_payment_method: method }
  const { id, latest_invoice: invoice } = await subscriptions.create(given)
  await subscriptions.update(id, { metadata: { a: 'b' } })
  await subscriptions.retrieve(id)
  await subscriptions.list()
  await subscriptions.search({ query: "status:'active'" })
  const item = await first(subscriptionItems.list({ subscription: id }))
  assert.equal((await subscriptionItems.retrieve(item.id)).subscription, id)
  await invoices.retrieve(invoice)
  await invoices.list()
  await invoices.search({ query: 'total>0' })
  await invoices.update(invoice, { metadata: { a: 'b' } })
  await invoices.listLineItems(invoice)
  await invoices.sendInvoice(invoice)
  await invoicePayments.retrieve((await first(invoicePayments.list({ invoice }))).id)
  await subscriptions.cancel(id)
  for (const end of ['pay', 'voidInvoice', 'markUncollectible']) {
    const incomplete = { ...given, payment_behavior: 'default_incomplete' }
    await invoices[end]((await subscriptions.create(incomplete)).latest_invoice)
  }
  return price
}

async function clocksAndEvents(price) {
  const { invoices, testHelpers, webhookEndpoints } = stripe
  const now = (await control('GET', '/clock')).now_s
  const { id: clock } = await testHelpers.testClocks.create({ frozen_time: now })
  const { id: customer } = await stripe.customers.create({ test_clock: clock })
  const { id: method } = await stripe.paymentMethods.attach('pm_card_visa', { customer })
  const given = { customer, items: [{ price }], default_payment_method: method }
  const { id: subscription, items } = await stripe.subscriptions.create(given)
  const frozen_time = items.data[0].current_period_end
  await testHelpers.testClocks.advance(clock, { frozen_time })
  await later(10)
  await testHelpers.testClocks.retrieve(clock)
  await testHelpers.testClocks.list()
  const draft = await first(invoices.list({ subscription }))
  assert.equal(draft.status, 'draft')
  await invoices.finalizeInvoice(draft.id)
  await testHelpers.testClocks.del(clock)
  const url = 'http://127.0.0.1:9/hook'
  const { id: endpoint } = await webhookEndpoints.create({ url, enabled_events: ['*'] })
  await webhookEndpoints.update(endpoint, { description: 'x' })
  await webhookEndpoints.retrieve(endpoint)
  await webhookEndpoints.list()
  await webhookEndpoints.del(endpoint)
  await stripe.events.retrieve((await first(stripe.events.list())).id)
}

async function machinePayments() {
  const grants = '/v1/test_helpers/shared_payment/granted_tokens'
  const issues = '/v1/shared_payment/issued_tokens'
  const given = {
    payment_method: 'pm_card_visa',
    usage_limits: { currency: 'usd', max_amount: 500 },
  }
  const granted = await raw('POST', grants, given)
  await raw('GET', `/v1/shared_payment/granted_tokens/${granted.id}`)
  await raw('POST', `${grants}/${granted.id}/revoke`)
  const seller_details = { network_business_profile: 'profile_test_seller' }
  const issued = await raw('POST', issues, { ...given, seller_details })
  await raw('GET', `${issues}/${issued.id}`)
  await raw('POST', `${issues}/${issued.id}/revoke`)
  const me = await raw('GET', '/v2/network/business_profiles/me')
  await raw('GET', `/v2/network/business_profiles/${me.id}`)
  const address = await raw('POST', '/v1/crypto/deposit_addresses', { network: 'tempo' })
  await raw('GET', `/v1/crypto/deposit_addresses/${address.id}`)
  await raw('GET', '/v1/crypto/deposit_addresses?network=tempo')
  const { id } = await stripe.paymentIntents.create({
    amount: 101,
    currency: 'usd',
    confirm: true,
    allowed_payment_method_types: ['crypto'],
    payment_method_data: { type: 'crypto' },
    payment_method_options: {
      crypto: { mode: 'deposit', deposit_options: { networks: ['tempo'] } },
    },
  })
  await raw('POST', `/v1/payment_intents/${id}/update_crypto_refund_address`, {
    network: 'tempo',
    refund_address: `0x${'51'.repeat(20)}`,
  })
  await raw('POST', `/v1/test_helpers/payment_intents/${id}/simulate_crypto_deposit`, {
    network: 'tempo',
    token_currency: 'usdc',
    buyer_wallet: `0x${'52'.repeat(20)}`,
    transaction_hash: `0x${'0'.repeat(53)}testsuccess`,
  })
}

test('the SDK gets along with every endpoint', async () => {
  const customer = await customersAndMethods()
  await intents(customer)
  await money()
  const price = await billing(customer)
  await clocksAndEvents(price)
  await machinePayments()
  const named = ({ verb, path, route }) => `${verb} ${route ?? path}`
  const called = new Set((await control('GET', '/requests?limit=1000')).data.map(named))
  const every = (await control('GET', '/endpoints')).data.map(named)
  const missed = every.filter((one) => !one.includes('/_sandbox/') && !called.has(one))
  assert.deepEqual(missed, [])
})
