// mppx's client reads our merchant's token stream, and pays as it reads (facts, 2.8 and 2.9).

import assert from 'node:assert/strict'
import { before, test } from 'node:test'

import { entryKey } from 'mppx/client'
import { WebSocket } from 'ws'

import * as g from './gate_support.mjs'
import * as s from './support.mjs'

const TOKEN_UNITS = 100n
const TOKENS = 12

let payer

function completion(tokens = TOKENS) {
  return `${g.API_URL}/complete?prompt=hello&tokens=${tokens}`
}

/** Reads a whole stream of mppx's; its messages and the receipts that came along. */
async function read(manager, url, options = {}) {
  const receipts = []
  const messages = []
  const stream = await manager.sse(url, { onReceipt: (one) => receipts.push(one), ...options })
  for await (const message of stream) messages.push(message)
  return { messages, receipts }
}

function tokensIn(messages) {
  return messages.filter((data) => data !== '[DONE]').map((data) => JSON.parse(data))
}

before(async () => {
  payer = await s.fundedClient()
})

test('an event stream is paid by the token, and ends with its receipt', async () => {
  const manager = g.sessionOf(payer.account)
  const { messages, receipts } = await read(manager, completion())
  assert.equal(tokensIn(messages).length, TOKENS)
  assert.equal(tokensIn(messages).at(-1).choices[0].finish_reason, 'length')
  const last = receipts.at(-1)
  assert.equal(last.spent, (BigInt(TOKENS) * TOKEN_UNITS).toString())
  assert.equal(last.channelId, manager.channelId)
  const closed = await manager.close()
  assert.equal(closed.spent, last.spent)
})

test('one channel pays for one stream after the other', async () => {
  const manager = g.sessionOf(payer.account)
  await read(manager, completion(3))
  const { channelId } = manager
  const { receipts } = await read(manager, completion(4))
  assert.equal(manager.channelId, channelId)
  assert.equal(receipts.at(-1).spent, (7n * TOKEN_UNITS).toString())
  await manager.close()
})

test('a stream that outgrows the deposit is topped up on the way', async () => {
  // mppx opens with the smaller of what is suggested and its own limit.
  const store = new Map()
  const channelStore = {
    delete: (key) => void store.delete(key),
    get: (key) => store.get(key),
    set: (entry) => void store.set(entryKey(entry), entry),
  }
  const small = g.sessionOf(payer.account, { channelStore, maxDeposit: '0.0005' })
  await read(small, completion(2))
  const { channelId } = small
  const opened = (await payer.channel.getStates({ channel: channelId })).deposit
  assert.equal(opened, 500n)

  const large = g.sessionOf(payer.account, { channelStore, maxDeposit: '1', topUpAmount: '0.001' })
  const { messages } = await read(large, completion(20))
  assert.equal(tokensIn(messages).length, 20)
  assert.equal(large.channelId, channelId)
  const { deposit } = await payer.channel.getStates({ channel: channelId })
  assert.ok(deposit > opened, `topped up, not ${deposit}`)
  const closed = await large.close()
  assert.equal(closed.spent, (22n * TOKEN_UNITS).toString())
})

test('a reader that leaves pays for what it read, and for one unit more at most', async () => {
  const manager = g.sessionOf(payer.account)
  const abort = new AbortController()
  const stream = await manager.sse(`${completion(200)}&delay_ms=20`, { signal: abort.signal })
  let tokens = 0n
  try {
    for await (const _ of stream) {
      tokens += 1n
      if (tokens === 5n) break
    }
  } finally {
    abort.abort()
  }
  const closed = await manager.close()
  const spent = BigInt(closed.spent)
  assert.ok(spent >= tokens * TOKEN_UNITS, `${spent} for ${tokens}`)
  assert.ok(spent <= (tokens + 1n) * TOKEN_UNITS, `${spent} for ${tokens}`)
})

test('a WebSocket is paid by the token, and closed over the socket', async () => {
  // Node 20 has no WebSocket of its own; viem brings `ws` along.
  const manager = g.sessionOf(payer.account, { webSocket: WebSocket })
  const receipts = []
  const url = `${completion().replace('http:', 'ws:').replace('/complete', '/complete/ws')}`
  const socket = await manager.ws(url, { onReceipt: (one) => receipts.push(one) })
  const messages = []
  socket.addEventListener('message', (event) => messages.push(event.data))
  await s.eventually(() => tokensIn(messages).length === TOKENS, 'all tokens come')
  const closed = await manager.close()
  assert.equal(closed.spent, (BigInt(TOKENS) * TOKEN_UNITS).toString())
  const { deposit } = await payer.channel.getStates({ channel: closed.channelId })
  assert.equal(deposit, 0n)
})
