// What test_paid_client.py buys from: merchants made of nothing but mppx's server side.
// Prints their URLs as one line of JSON, and ends when its input does.

import { Store } from 'mppx/server'

import { openCharging, openSession } from './merchant.mjs'
import * as s from './support.mjs'

const payee = await s.fundedClient()
const charging = { currency: s.pathUsd, recipient: payee.account.address }

const charge = await openCharging(charging, { amount: '0.05' })
const free = await openCharging(charging, { amount: '0' })
const session = await openSession(
  { account: payee.account, currency: s.pathUsd, decimals: 6, store: Store.memory() },
  { amount: '0.01', suggestedDeposit: '0.05', unitType: 'request' },
)

console.log(JSON.stringify({ charge: charge.url, nothing: free.url, session: session.url }))
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
