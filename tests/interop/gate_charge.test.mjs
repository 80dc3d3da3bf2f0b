// mppx's client pays our merchants per request.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'

import { Challenge } from 'mppx'

import * as g from './gate_support.mjs'
import * as s from './support.mjs'

const QUOTE = `${g.API_URL}/quote`
const PRICE_UNITS = 10_000n

let payer

before(async () => {
  payer = await s.fundedClient()
})

test('without payment there is a challenge that mppx understands, and nothing to cache', async () => {
  const response = await fetch(QUOTE)
  assert.equal(response.status, 402)
  assert.equal(response.headers.get('Cache-Control'), 'no-store')
  assert.equal(response.headers.get('Payment-Receipt'), null)
  const challenge = Challenge.fromResponse(response)
  assert.equal(challenge.method, 'tempo')
  assert.equal(challenge.intent, 'charge')
  assert.equal(challenge.realm, '127.0.0.1')
  assert.equal(challenge.request.amount, PRICE_UNITS.toString())
  const problem = await response.json()
  assert.equal(problem.type, 'https://paymentauth.org/problems/payment-required')
})

test('each request is one payment, whose transaction the receipt names', async () => {
  const client = g.chargePayer(payer.account)
  const earned = await s.balanceOf(payer, s.pathUsd, g.RECIPIENT)
  const seen = new Set()
  for (let request = 0; request < 3; request += 1) {
    const response = await client.fetch(QUOTE)
    await g.okJson(response)
    const { reference } = g.receiptOf(response)
    seen.add(reference)
    const mined = await payer.getTransactionReceipt({ hash: reference })
    assert.equal(mined.status, 'success')
    assert.equal(mined.from, payer.account.address.toLowerCase())
  }
  assert.equal(seen.size, 3)
  assert.equal(await s.balanceOf(payer, s.pathUsd, g.RECIPIENT), earned + 3n * PRICE_UNITS)
})

test('requests at the same time are paid for each', async () => {
  const earned = await s.balanceOf(payer, s.pathUsd, g.RECIPIENT)
  const client = g.chargePayer(payer.account)
  const answers = await Promise.all(Array.from({ length: 4 }, () => client.fetch(QUOTE)))
  for (const answer of answers) await g.okJson(answer)
  assert.equal(new Set(answers.map((answer) => g.receiptOf(answer).reference)).size, 4)
  assert.equal(await s.balanceOf(payer, s.pathUsd, g.RECIPIENT), earned + 4n * PRICE_UNITS)
})

test('a credential pays once', async () => {
  const client = g.chargePayer(payer.account)
  const credential = await client.createCredential(await fetch(QUOTE))
  const headers = { Authorization: credential }
  const first = await fetch(QUOTE, { headers })
  await g.okJson(first)
  const earned = await s.balanceOf(payer, s.pathUsd, g.RECIPIENT)
  const second = await fetch(QUOTE, { headers })
  assert.equal(second.status, 402, await second.clone().text())
  assert.equal(second.headers.get('Payment-Receipt'), null)
  assert.notEqual(Challenge.fromResponse(second).id, undefined)
  assert.equal(await s.balanceOf(payer, s.pathUsd, g.RECIPIENT), earned)
})

test('a credential pays for the route that it was made for', async () => {
  const client = g.chargePayer(payer.account)
  const credential = await client.createCredential(await fetch(QUOTE))
  const elsewhere = await fetch(`${g.API_URL}/report`, { headers: { Authorization: credential } })
  assert.equal(elsewhere.status, 402)
  await g.okJson(await fetch(QUOTE, { headers: { Authorization: credential } }))
})

test('a route with several methods takes the one that the client has', async () => {
  const response = await g.chargePayer(payer.account).fetch(`${g.API_URL}/report`)
  const report = await g.okJson(response)
  assert.ok(report.entries.length > 0)
  assert.match(g.receiptOf(response).reference, /^0x[0-9a-f]{64}$/)
})

test('who has no money is told so, and gets nothing', async () => {
  const outcome = await g
    .chargePayer(s.stranger())
    .fetch(QUOTE)
    .then((response) => response.status)
    .catch((error) => error)
  assert.notEqual(outcome, 200)
})
