// mppx's client keeps sessions with our merchants: one channel, many requests (facts, 2.4-2.7).

import assert from 'node:assert/strict'
import { before, test } from 'node:test'

import { Challenge } from 'mppx'
import { Mppx, entryKey, tempo } from 'mppx/client'

import * as g from './gate_support.mjs'
import * as s from './support.mjs'

const SEARCH = `${g.API_URL}/search?q=channel`
const PRICE_UNITS = 1_000n

let payer

/** A paid search; returns mppx's response, which knows its receipt and channel. */
async function search(manager, url = SEARCH) {
  const response = await manager.fetch(url)
  const found = await g.okJson(response)
  assert.ok(Array.isArray(found.results))
  return response
}

async function depositOf(channel) {
  return (await payer.channel.getStates({ channel })).deposit
}

before(async () => {
  payer = await s.fundedClient()
})

test('the challenge offers a session of the second generation', async () => {
  const challenge = Challenge.fromResponse(await fetch(SEARCH))
  assert.equal(challenge.method, 'tempo')
  assert.equal(challenge.intent, 'session')
  assert.equal(challenge.request.methodDetails.sessionProtocol, 'v2')
  assert.equal(challenge.request.amount, PRICE_UNITS.toString())
})

test('open, vouchers, close: the chain is touched twice', async () => {
  const manager = g.sessionOf(payer.account)
  const earned = await s.balanceOf(payer, s.pathUsd, g.RECIPIENT)

  const first = await search(manager)
  assert.equal(first.receipt.acceptedCumulative, PRICE_UNITS.toString())
  assert.equal(first.receipt.spent, PRICE_UNITS.toString())
  assert.match(first.receipt.txHash, /^0x[0-9a-f]{64}$/)
  const blocks = await payer.getBlockNumber({ cacheTime: 0 })
  for (let request = 2n; request <= 5n; request += 1n) {
    const { channelId, receipt } = await search(manager)
    assert.equal(channelId, first.channelId)
    assert.equal(receipt.reference, first.channelId)
    assert.equal(receipt.spent, (request * PRICE_UNITS).toString())
    assert.equal(receipt.txHash, undefined)
  }
  assert.equal(await payer.getBlockNumber({ cacheTime: 0 }), blocks, 'vouchers need no block')
  assert.equal(manager.cumulative, 5n * PRICE_UNITS)
  assert.equal(await depositOf(first.channelId), 1_000_000n)

  const held = await s.balanceOf(payer, s.pathUsd, payer.account)
  const closed = await manager.close()
  assert.equal(closed.spent, (5n * PRICE_UNITS).toString())
  const settlement = await payer.getTransactionReceipt({ hash: closed.txHash })
  assert.equal(settlement.status, 'success')
  assert.equal(await depositOf(first.channelId), 0n)
  assert.equal(
    await s.balanceOf(payer, s.pathUsd, payer.account),
    held + 1_000_000n - 5n * PRICE_UNITS,
  )
  const fee = settlement.feeToken?.toLowerCase() === s.pathUsd ? s.feeOf(settlement) : 0n
  assert.equal(
    await s.balanceOf(payer, s.pathUsd, g.RECIPIENT),
    earned + 5n * PRICE_UNITS - fee,
  )
})

test('a top-up adds to the channel, by hand and when it runs dry', async () => {
  const manager = g.sessionOf(payer.account, { maxDeposit: '0.002' })
  const { channelId } = await search(manager)
  assert.equal(await depositOf(channelId), 2_000n)
  await manager.close()

  const generous = g.sessionOf(payer.account, { maxDeposit: '2' })
  const opened = await search(generous)
  const before = await depositOf(opened.channelId)
  const receipt = await generous.topUp('0.25')
  assert.match(receipt.txHash, /^0x[0-9a-f]{64}$/)
  assert.equal(await depositOf(opened.channelId), before + 250_000n)
  await search(generous)
  await generous.close()
})

test('a session goes on across the routes of its merchant', async () => {
  const manager = g.sessionOf(payer.account)
  const { channelId } = await search(manager)
  const response = await search(manager, `${g.API_URL}/search?q=voucher`)
  assert.equal(response.channelId, channelId)
  assert.equal(response.receipt.spent, (2n * PRICE_UNITS).toString())
  await manager.close()
})

test('a client that has forgotten everything finds its channel again', async () => {
  const account = (await s.fundedClient()).account
  const lost = g.sessionOf(account)
  const { channelId } = await search(lost)
  await search(lost)

  const restarted = g.sessionOf(account, { bootstrap: true })
  const response = await search(restarted)
  assert.equal(response.channelId, channelId)
  assert.equal(response.receipt.spent, (3n * PRICE_UNITS).toString())
  const closed = await restarted.close()
  assert.equal(closed.spent, (3n * PRICE_UNITS).toString())
  assert.equal(await depositOf(channelId), 0n)
})

test('a client that believes in a closed channel is told 410, and opens another', async () => {
  const entries = new Map()
  const channelStore = {
    delete: (key) => void entries.delete(key),
    get: (key) => entries.get(key),
    set: (entry) => void entries.set(entryKey(entry), entry),
  }
  const manager = g.sessionOf(payer.account, { channelStore })
  const { channelId } = await search(manager)
  const [remembered] = entries.values()
  await manager.close()

  entries.set(entryKey(remembered), { ...remembered, opened: true })
  const statuses = []
  const watched = async (input, init) => {
    const response = await fetch(input, init)
    statuses.push(response.status)
    return response
  }
  const again = g.sessionOf(payer.account, { channelStore, fetch: watched })
  const response = await search(again)
  assert.notEqual(response.channelId, channelId)
  assert.ok(statuses.includes(410), `410 in ${statuses}`)
  await again.close()
})

test('requests at the same time share one channel', async () => {
  const account = (await s.fundedClient()).account
  const client = Mppx.create({
    methods: [tempo.session({ account, getClient: g.getClient, maxDeposit: '1' })],
    polyfill: false,
  })
  const first = g.receiptOf(await client.fetch(SEARCH))
  const answers = await Promise.all(Array.from({ length: 6 }, () => client.fetch(SEARCH)))
  for (const answer of answers) await g.okJson(answer)
  const receipts = answers.map((answer) => g.receiptOf(answer))
  assert.deepEqual([...new Set(receipts.map((one) => one.reference))], [first.reference])
  const state = await payer.channel.getStates({ channel: first.reference })
  assert.deepEqual([state.deposit, state.settled], [1_000_000n, 0n])
})

test('who has no money opens no channel', async () => {
  const outcome = await g
    .sessionOf(s.stranger())
    .fetch(SEARCH)
    .then((response) => response.status)
    .catch((error) => error)
  assert.notEqual(outcome, 200)
})
