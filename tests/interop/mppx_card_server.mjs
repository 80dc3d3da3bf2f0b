// A merchant that takes cards and is mppx and nothing else, for our own client
// (test_our_client_cards.py). What it serves goes out as one JSON object on stdout:
//   /secret   stripe/charge by `secretKey`: the host is hard-coded, so a proxy leads to the rail
//   /client   stripe/charge by stripe-node, pointed at the rail by STRIPE_HOST and STRIPE_PORT

import { createServer } from 'node:http'

import { Mppx, Request, stripe } from 'mppx/server'
import Stripe from 'stripe'

const SECRET_KEY = 'an interop test signs challenges with this, and nothing else'
const KEY = 'sk_test_merchant'

const common = { currency: 'usd', decimals: 2, networkId: 'internal', paymentMethodTypes: ['card'] }
const node = new Stripe(KEY, {
  host: process.env.STRIPE_HOST,
  port: Number(process.env.STRIPE_PORT),
  protocol: 'http',
})

function mppxOf(method) {
  return Mppx.create({ methods: [method], realm: '127.0.0.1', secretKey: SECRET_KEY })
}

const merchants = {
  '/secret': mppxOf(stripe.charge({ ...common, secretKey: KEY })),
  '/client': mppxOf(stripe.charge({ ...common, client: node })),
}
let delivered = 0

const server = createServer(
  Request.toNodeListener(async (request) => {
    const { pathname } = new URL(request.url)
    if (pathname === '/delivered') return Response.json({ delivered })
    const result = await merchants[pathname].charge({ amount: '0.50' })(request)
    if (result.status === 402) return result.challenge
    delivered += 1
    return result.withReceipt(Response.json({ quote: 42 }))
  }),
)
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` }))
})
process.on('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeAllConnections()
})
