// stripe-node's balance, refunds, disputes and payouts (facts, stripe 1.6, 1.8, 2.3).

import assert from 'node:assert/strict'
import test from 'node:test'

import { control, failure, stripeOf } from './stripe_node.mjs'

const stripe = stripeOf()
const DAY_S = 86_400

function pay(amount = 1_000, card = 'visa') {
  return stripe.paymentIntents.create({
    amount,
    currency: 'usd',
    payment_method: `pm_card_${card}`,
    confirm: true,
    automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
    expand: ['latest_charge.balance_transaction'],
  })
}

function later(seconds) {
  return control('POST', '/clock', { advance_s: seconds })
}

async function available() {
  return (await stripe.balance.retrieve()).available[0].amount
}

test('money becomes available and is paid out', async () => {
  await control('POST', '/clock', { freeze: true })
  const booked = (await pay()).latest_charge.balance_transaction
  assert.deepEqual(
    [booked.amount, booked.fee, booked.net, booked.status, booked.type],
    [1_000, 59, 941, 'pending', 'charge'],
  )
  const refused = await failure(stripe.payouts.create({ amount: 500, currency: 'usd' }))
  assert.equal(refused.type, 'StripeInvalidRequestError')
  assert.equal(refused.code, 'balance_insufficient')

  await later(6 * DAY_S) // two business days, whichever day it is
  assert.equal(await available(), 941)
  const payout = await stripe.payouts.create({ amount: 900, currency: 'usd' })
  assert.equal(payout.status, 'pending')
  const instant = await stripe.payouts.create({ amount: 1, currency: 'usd', method: 'instant' }).catch(
    (error) => error,
  )
  assert.equal(instant.code, 'balance_insufficient') // 0.50 is the least fee
  await later(6 * DAY_S)
  const paid = await stripe.payouts.retrieve(payout.id, { expand: ['balance_transaction'] })
  assert.equal(paid.status, 'paid')
  assert.equal(paid.balance_transaction.net, -900)
  assert.equal((await stripe.payouts.list({ status: 'paid' })).data[0].id, payout.id)
})

test('a payout is canceled before it leaves, or sent back by the bank', async () => {
  await pay(10_000, 'bypassPending')
  const before = await available()
  const payout = await stripe.payouts.create({ amount: 1_000, currency: 'usd' })
  assert.equal(await available(), before - 1_000)
  assert.equal((await stripe.payouts.cancel(payout.id)).status, 'canceled')
  const second = await stripe.payouts.create({ amount: 1_000, currency: 'usd' })
  await control('POST', `/payouts/${second.id}/fail`, { failure_code: 'no_account' })
  assert.equal((await stripe.payouts.retrieve(second.id)).failure_code, 'no_account')
  assert.equal(await available(), before)
})

test('refunds in parts, until nothing is left', async () => {
  const payment = await pay()
  const part = await stripe.refunds.create({
    payment_intent: payment.id,
    amount: 400,
    reason: 'duplicate',
    metadata: { order: '7' },
  })
  assert.deepEqual([part.status, part.amount, part.metadata.order], ['succeeded', 400, '7'])
  const over = await failure(stripe.refunds.create({ payment_intent: payment.id, amount: 601 }))
  assert.equal(over.param, 'amount')
  const rest = await stripe.refunds.create({
    charge: payment.latest_charge.id,
    expand: ['charge', 'balance_transaction'],
  })
  assert.equal(rest.charge.refunded, true)
  assert.deepEqual([rest.balance_transaction.fee, rest.balance_transaction.net], [0, -600])
  const again = await failure(stripe.refunds.create({ payment_intent: payment.id }))
  assert.equal(again.code, 'charge_already_refunded')
  const updated = await stripe.refunds.update(part.id, { metadata: { order: '8' } })
  assert.equal(updated.metadata.order, '8')
  const found = await stripe.refunds
    .list({ payment_intent: payment.id, limit: 1 })
    .autoPagingToArray({ limit: 10 })
  assert.deepEqual(found.map((one) => one.id), [rest.id, part.id])
  assert.match((await failure(stripe.refunds.cancel(rest.id))).message, /require action/)
})

test('refunds that take their time', async () => {
  const pending = await stripe.refunds.create({
    payment_intent: (await pay(1_000, 'pendingRefund')).id,
  })
  const failing = await stripe.refunds.create({
    payment_intent: (await pay(1_000, 'refundFail')).id,
  })
  assert.deepEqual([pending.status, failing.status], ['pending', 'succeeded'])
  await later(60)
  assert.equal((await stripe.refunds.retrieve(pending.id)).status, 'succeeded')
  assert.equal((await stripe.refunds.retrieve(failing.id)).status, 'failed')
})

test('disputes are won, lost and accepted', async () => {
  const evidence = ['winning_evidence', 'losing_evidence']
  const outcomes = []
  for (const text of evidence) {
    const payment = await pay(1_000, 'createDispute')
    const [dispute] = (await stripe.disputes.list({ payment_intent: payment.id })).data
    assert.equal(dispute.status, 'needs_response')
    assert.equal(dispute.balance_transactions[0].net, -2_500)
    const answered = await stripe.disputes.update(dispute.id, {
      evidence: { uncategorized_text: text },
    })
    assert.equal(answered.status, 'under_review')
    await later(60)
    outcomes.push((await stripe.disputes.retrieve(dispute.id)).status)
  }
  assert.deepEqual(outcomes, ['won', 'lost'])
  const payment = await pay(1_000, 'createDisputeProductNotReceived')
  const [dispute] = (await stripe.disputes.list({ charge: payment.latest_charge.id })).data
  assert.equal((await stripe.disputes.close(dispute.id)).status, 'lost')
  const events = await stripe.events.list({ type: 'charge.dispute.closed' })
  assert.equal(events.data[0].data.object.id, dispute.id)
})

test('a bank warns of fraud', async () => {
  const payment = await pay(1_000, 'createIssuerFraudRecord')
  const [warning] = (
    await stripe.radar.earlyFraudWarnings.list({ payment_intent: payment.id })
  ).data
  assert.equal(warning.charge, payment.latest_charge.id)
})

test('every cent is in a balance transaction', async () => {
  let sum = 0
  for await (const one of stripe.balanceTransactions.list({ limit: 5 })) {
    assert.equal(one.net, one.amount - one.fee)
    sum += one.net
  }
  const balance = await stripe.balance.retrieve()
  assert.equal(balance.available[0].amount + balance.pending[0].amount, sum)
})
