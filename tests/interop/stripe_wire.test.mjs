// The wire as stripe-node speaks it (facts: stripe 1.1, 2.4, 2.8).

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { failure, stripeOf } from './stripe_node.mjs'

const stripe = stripeOf()

test('objects go there and back', async () => {
  const made = await stripe.customers.create({ name: 'Ada', metadata: { team: 'a b&c=d' } })
  assert.match(made.id, /^cus_[0-9A-Za-z]{24}$/)
  const found = await stripe.customers.retrieve(made.id)
  assert.deepEqual(found.metadata, { team: 'a b&c=d' })
})

test('what is missing is an error of its own class', async () => {
  const error = await failure(stripe.customers.retrieve('cus_none'))
  assert.equal(error.type, 'StripeInvalidRequestError')
  assert.equal(error.code, 'resource_missing')
  assert.equal(error.statusCode, 404)
})
