// A node that sponsors whoever asks (`--fee-payer 9`), as the fee payer service of viem and mppx.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { Receipt } from 'mppx'
import { Mppx, tempo } from 'mppx/client'
import { http } from 'viem'
import { withFeePayer, withRelay } from 'viem/tempo'

import { getClient, openCharging } from './merchant.mjs'
import * as s from './support.mjs'

const sponsor = s.devAccount(9)
let donor

/** An account with some pathUSD, for which a transport asks the relay. */
async function customerWith(transport) {
  const account = s.stranger()
  await donor.token.transferSync({ amount: 1_000n, to: account.address, token: s.pathUsd })
  return s.clientOf(account, { transport })
}

function assertSponsored(receipt) {
  assert.equal(receipt.status, 'success')
  assert.equal(receipt.feePayer, sponsor.address.toLowerCase())
  assert.ok(s.feeOf(receipt) > 0n)
}

before(async () => {
  donor = await s.fundedClient()
})

for (const policy of ['sign-only', 'sign-and-broadcast']) {
  test(`withFeePayer lets the relay ${policy}`, async () => {
    const relayed = withFeePayer(http(s.RPC_URL), http(s.RPC_URL), { policy })
    const customer = await customerWith(relayed)
    const payee = s.stranger().address
    const { receipt } = await customer.token.transferSync({
      amount: 1_000n,
      feePayer: true,
      to: payee,
      token: s.pathUsd,
    })
    assertSponsored(receipt)
    assert.equal(await s.balanceOf(donor, s.pathUsd, customer.account), 0n)
    assert.equal(await s.balanceOf(donor, s.pathUsd, payee), 1_000n)
  })
}

test('withRelay lets the relay fill in the sponsorship', async () => {
  const customer = await customerWith(withRelay(http(s.RPC_URL), http(s.RPC_URL)))
  const payee = s.stranger().address
  const { receipt } = await customer.token.transferSync({
    amount: 400n,
    feePayer: true,
    to: payee,
    token: s.pathUsd,
  })
  assertSponsored(receipt)
  assert.equal(await s.balanceOf(donor, s.pathUsd, customer.account), 600n)
})

test('an mppx merchant lets the relay sponsor its customers', async () => {
  const payee = s.stranger().address
  const merchant = await openCharging(
    { currency: s.pathUsd, feePayer: s.RPC_URL, recipient: payee },
    { amount: '0.001' },
  )
  after(merchant.close)
  const customer = await customerWith(http(s.RPC_URL))
  const methods = [tempo.charge({ account: customer.account, getClient })]
  const response = await Mppx.create({ methods, polyfill: false }).fetch(merchant.url)

  assert.equal(response.status, 200, await response.clone().text())
  const { reference } = Receipt.deserialize(response.headers.get('Payment-Receipt'))
  assertSponsored(await donor.getTransactionReceipt({ hash: reference }))
  assert.equal(await s.balanceOf(donor, s.pathUsd, payee), 1_000n)
  assert.equal(await s.balanceOf(donor, s.pathUsd, customer.account), 0n)
})
