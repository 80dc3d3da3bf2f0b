// What the topics about the Stripe rail share: a released client pointed at it, and its controls.
//
// `STRIPE_HOST` and `STRIPE_PORT` name a rail that somebody else started (test_stripe_node.py, or
// you, with `python -m mock_rails stripe`). They are all that differs from code that runs on Stripe.

import assert from 'node:assert/strict'

import Stripe from 'stripe'

export const KEY = 'sk_test_x'
export const STRIPE_URL = required('STRIPE_URL')

const address = {
  host: required('STRIPE_HOST'),
  port: Number(required('STRIPE_PORT')),
  protocol: 'http',
}

function required(name) {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set: start a Stripe and name it`)
  return value
}

/** The released client, pointed at the rail; it does not retry unless told to. */
export function stripeOf(key = KEY, options = {}) {
  return new Stripe(key, { ...address, maxNetworkRetries: 0, ...options })
}

/** Calls a sandbox control, as `control('GET', '/requests?limit=1')`. */
export async function control(verb, path, body) {
  const answer = await fetch(`${process.env.CONTROL}${path}`, {
    method: verb,
    headers: { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  const document = await answer.json()
  assert.ok(answer.ok, JSON.stringify(document))
  return document
}

/** What a promise is rejected with. */
export async function failure(promise) {
  try {
    await promise
  } catch (error) {
    return error
  }
  assert.fail('this was to fail')
}
