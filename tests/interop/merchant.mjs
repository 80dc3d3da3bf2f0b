// A paid API on a real socket, made of nothing but mppx's server side.

import { createServer } from 'node:http'

import { Mppx, Request, tempo } from 'mppx/server'

import * as s from './support.mjs'

const SECRET_KEY = 'an interop test signs challenges with this, and nothing else'

/** What both sides of mppx are told about the chain: where it is. */
export const getClient = () => s.clientOf(undefined)

/** Starts a merchant whose handler decides what a request costs. */
export async function openMerchant(method, handle) {
  const mppx = Mppx.create({ methods: [method], realm: 'interop.example', secretKey: SECRET_KEY })
  const server = createServer(Request.toNodeListener((request) => handle(mppx, request)))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  return {
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
    url: `http://127.0.0.1:${port}/quote`,
  }
}

/** A merchant that charges the same for every request, once for each. */
export function openCharging(parameters, price) {
  const method = tempo.charge({ getClient, ...parameters })
  return openMerchant(method, async (mppx, request) => {
    const result = await mppx.charge(price)(request)
    if (result.status === 402) return result.challenge
    return result.withReceipt(Response.json({ quote: 42 }))
  })
}

/** A merchant that opens a session and charges it for every request. */
export function openSession(parameters, price) {
  const method = tempo.session({ getClient, ...parameters })
  return openMerchant(method, async (mppx, request) => {
    const result = await mppx.session(price)(request)
    if (result.status === 402) return result.challenge
    return result.withReceipt(Response.json({ quote: 42 }))
  })
}
