// A merchant made of nothing but mppx's server side, for our own client (test_our_client.py).
//
// `RPC_URL` and `WS_URL` name a chain. What it serves goes out as one JSON object on stdout:
//   /quote      tempo/charge
//   /search     tempo/session, by the request; a HEAD finds a payer's channel again
//   /complete   tempo/session as an event stream, by the token

import { createServer } from 'node:http'

import { Mppx, Request, Store, tempo } from 'mppx/server'

import { getClient } from './merchant.mjs'
import * as s from './support.mjs'

const SECRET_KEY = 'an interop test signs challenges with this, and nothing else'
const TOKENS = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten']

const payee = await s.fundedClient()
const common = { currency: s.pathUsd, decimals: 6, getClient }
const owners = new Map()

function mppxOf(method) {
  return Mppx.create({ methods: [method], realm: '127.0.0.1', secretKey: SECRET_KEY })
}

const charging = mppxOf(tempo.charge({ ...common, recipient: payee.account.address }))
const sessions = mppxOf(
  tempo.session({
    ...common,
    account: payee.account,
    bootstrap: true,
    resolveChannelId: ({ source }) => owners.get(source?.toLowerCase()),
    store: Store.memory(),
  }),
)
const streaming = mppxOf(
  tempo.session({ ...common, account: payee.account, sse: true, store: Store.memory() }),
)

async function* tokens() {
  yield* TOKENS
}

/** Remembers whose channel it is, as an application would: mppx asks it on recovery. */
function remember(request, response) {
  const written = request.headers.get('Authorization')?.replace(/^Payment /i, '')
  if (!written || response.status !== 200) return
  const { payload, source } = JSON.parse(Buffer.from(written, 'base64url').toString())
  owners.set(source.toLowerCase(), payload.channelId)
}

const routes = {
  async '/quote'(request) {
    const result = await charging.charge({ amount: '0.05' })(request)
    if (result.status === 402) return result.challenge
    return result.withReceipt(Response.json({ quote: 42 }))
  },
  async '/search'(request) {
    const price = { amount: '0.01', suggestedDeposit: '0.05', unitType: 'request' }
    const result = await sessions.session(price)(request)
    if (result.status === 402) return result.challenge
    const response = result.withReceipt(Response.json({ found: true }))
    remember(request, response)
    return response
  },
  async '/complete'(request) {
    const price = { amount: '0.001', suggestedDeposit: '0.004', unitType: 'token' }
    const result = await streaming.session(price)(request)
    if (result.status === 402) return result.challenge
    // An iterable is charged by the value; a function would have to charge by itself.
    return result.withReceipt(tokens())
  },
}

const server = createServer(
  Request.toNodeListener((request) => {
    const handle = routes[new URL(request.url).pathname]
    return handle ? handle(request) : new Response('no such route', { status: 404 })
  }),
)
server.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${server.address().port}`
  const told = { recipient: payee.account.address, tokens: TOKENS, url }
  process.stdout.write(`${JSON.stringify(told)}\n`)
})
process.on('SIGTERM', () => {
  server.closeAllConnections()
  server.close(() => process.exit(0))
})
