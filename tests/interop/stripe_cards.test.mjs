// Every test card, by id, by token and by number, with stripe-node as released (facts: stripe
// 2.1-2.3). What each is to do is in stripe_cards.json, which the test of stripe-python reads too.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { failure, stripeOf } from './stripe_node.mjs'

const stripe = stripeOf()
const CARDS = JSON.parse(readFileSync(new URL('stripe_cards.json', import.meta.url), 'utf8'))
const PAY = {
  amount: 5_000,
  currency: 'usd',
  confirm: true,
  automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
  expand: ['latest_charge.balance_transaction'],
}

/** The card as a payment method: by its id, by its token, and by its number. */
async function made({ name, number, cvc = '123' }) {
  const token = { token: `tok_${name}` }
  const written = { number, cvc, exp_month: 12, exp_year: 2040 }
  const ids = [`pm_card_${name}`]
  for (const card of [token, written]) {
    ids.push((await stripe.paymentMethods.create({ type: 'card', card })).id)
  }
  return ids
}

for (const card of CARDS) {
  test(card.name, async () => {
    for (const payment_method of await made(card)) {
      const paying = stripe.paymentIntents.create({ ...PAY, payment_method })
      if (card.code) checkDecline(card, await failure(paying))
      else await checkPayment(card, await paying)
    }
    await checkAttaching(card)
    if (card.off_session) {
      const alone = { ...PAY, payment_method: `pm_card_${card.name}`, off_session: true }
      const error = await failure(stripe.paymentIntents.create(alone))
      assert.equal(error.code, card.off_session)
      assert.equal(error.decline_code, card.off_session)
    }
  })
}

function checkDecline(card, error) {
  assert.equal(error.type, 'StripeCardError')
  assert.equal(error.statusCode, 402)
  assert.equal(error.code, card.code)
  assert.equal(error.decline_code, card.decline_code ?? '') // the SDK's own default
  assert.equal(error.payment_intent.status, 'requires_payment_method')
  assert.equal(error.payment_intent.last_payment_error.code, card.code)
  assert.ok(error.charge)
}

async function checkPayment(card, intent) {
  if (card.action) {
    assert.equal(intent.status, 'requires_action')
    assert.equal(intent.next_action.type, 'use_stripe_sdk')
    return
  }
  assert.equal(intent.status, 'succeeded')
  const charge = intent.latest_charge
  const shown = charge.payment_method_details.card
  assert.equal(shown.last4, card.number.slice(-4))
  assert.equal(shown.brand, card.brand ?? 'visa')
  assert.equal(shown.funding, card.funding ?? 'credit')
  assert.equal(charge.outcome.risk_level, card.risk ?? 'normal')
  assert.equal(charge.balance_transaction.status, card.funds ?? 'pending')
  for (const [name, result] of Object.entries(card.checks ?? {})) {
    assert.equal(shown.checks[name], result)
  }
  const disputes = (await stripe.disputes.list({ payment_intent: intent.id })).data
  const reasons = disputes.map(({ reason }) => reason)
  assert.deepEqual(reasons, card.disputes ?? [])
  if (card.refund) {
    const refund = await stripe.refunds.create({ payment_intent: intent.id })
    assert.equal(refund.status, card.refund)
  }
}

async function checkAttaching(card) {
  const { id: customer } = await stripe.customers.create({})
  const attaching = stripe.paymentMethods.attach(`pm_card_${card.name}`, { customer })
  if (card.code && !card.attaches) assert.equal((await failure(attaching)).code, card.code)
  else assert.equal((await attaching).customer, customer)
}

test('a card is tokenized once and charged once', async () => {
  const browser = stripeOf('pk_test_x')
  const card = { number: '4242424242424242', exp_month: 12, exp_year: 2040, cvc: '123' }
  const token = await browser.tokens.create({ card })
  assert.equal(token.card.last4, '4242')
  const given = { amount: 500, currency: 'usd', source: token.id }
  assert.equal((await stripe.charges.create(given)).status, 'succeeded')
  assert.equal((await stripe.tokens.retrieve(token.id)).used, true)
  assert.equal((await failure(stripe.charges.create(given))).code, 'token_already_used')
})
