// mppx sessions (v2): a channel on this chain, vouchers over HTTP, one settlement at the end.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { tempo as client } from 'mppx/client'
import { Store, tempo as server } from 'mppx/server'
import { Addresses } from 'viem/tempo'

import { getClient, openSession } from './merchant.mjs'
import * as s from './support.mjs'

const PRICE = { amount: '0.01', suggestedDeposit: '0.05', unitType: 'request' }
const PRICE_UNITS = 10_000n

const merchants = []
let payee

async function merchant(parameters = {}) {
  const store = Store.memory()
  const opened = await openSession(
    { account: payee.account, currency: s.pathUsd, decimals: 6, store, ...parameters },
    PRICE,
  )
  merchants.push(opened)
  return { ...opened, store }
}

function managerOf(account, parameters = {}) {
  return client.session.manager({ account, getClient, maxDeposit: '0.05', ...parameters })
}

async function quote(manager, url) {
  const response = await manager.fetch(url)
  assert.equal(response.status, 200, await response.clone().text())
  assert.deepEqual(await response.json(), { quote: 42 })
  return response
}

before(async () => {
  payee = await s.fundedClient()
})

after(() => Promise.all(merchants.map(({ close }) => close())))

test('one channel pays for many requests, and settles once', async () => {
  const payer = await s.fundedClient()
  const { url } = await merchant()
  const manager = managerOf(payer.account)
  const earned = await s.balanceOf(payer, s.pathUsd, payee.account)

  const first = await quote(manager, url)
  const blocks = await payer.getBlockNumber({ cacheTime: 0 })
  for (let request = 0; request < 3; request += 1) await quote(manager, url)
  assert.equal(await payer.getBlockNumber({ cacheTime: 0 }), blocks, 'vouchers need no block')
  assert.equal(manager.opened, true)
  assert.equal(manager.channelId, first.channelId)
  assert.equal(manager.cumulative, 4n * PRICE_UNITS)

  const open = await payer.channel.getStates({ channel: first.channelId })
  assert.deepEqual([open.deposit, open.settled], [50_000n, 0n])
  const payerHeld = await s.balanceOf(payer, s.pathUsd, payer.account)

  const receipt = await manager.close()
  assert.equal(receipt.status, 'success')
  const settlement = await payer.getTransactionReceipt({ hash: receipt.txHash })
  s.assertPaid(settlement, {
    feePayer: payee.account.address,
    feeToken: settlement.feeToken.toLowerCase(),
  })
  const fee = settlement.feeToken.toLowerCase() === s.pathUsd ? s.feeOf(settlement) : 0n
  assert.equal(
    await s.balanceOf(payer, s.pathUsd, payee.account),
    earned + 4n * PRICE_UNITS - fee,
  )
  assert.equal(await s.balanceOf(payer, s.pathUsd, payer.account), payerHeld + 10_000n)
  const closed = await payer.channel.getStates({ channel: first.channelId })
  assert.equal(closed.deposit, 0n)
})

test('a top-up adds to the channel', async () => {
  const payer = await s.fundedClient()
  const { url } = await merchant()
  const manager = managerOf(payer.account, { maxDeposit: '1' })
  const { channelId } = await quote(manager, url)
  const { deposit } = await payer.channel.getStates({ channel: channelId })
  await manager.topUp('0.25')
  const after = await payer.channel.getStates({ channel: channelId })
  assert.equal(after.deposit, deposit + 250_000n)
  await quote(manager, url)
  await manager.close()
})

test('the merchant settles in between', async () => {
  const payer = await s.fundedClient()
  const { store, url } = await merchant()
  const manager = managerOf(payer.account)
  await quote(manager, url)
  const { channelId } = await quote(manager, url)

  const hash = await server.settle(store, payee, channelId)
  const receipt = await payer.waitForTransactionReceipt({ hash })
  assert.equal(receipt.status, 'success')
  const state = await payer.channel.getStates({ channel: channelId })
  assert.equal(state.settled, 2n * PRICE_UNITS)

  await quote(manager, url)
  await manager.close()
  const closed = await payer.channel.getStates({ channel: channelId })
  assert.equal(closed.deposit, 0n)
})

test('the merchant sponsors the opening', async () => {
  const payer = s.clientOf(s.stranger())
  await payee.token.transferSync({
    amount: 50_000n,
    feeToken: s.alphaUsd,
    to: payer.account.address,
    token: s.pathUsd,
  })
  const sponsor = (await s.fundedClient()).account
  const { url } = await merchant({ feePayer: sponsor })
  const manager = managerOf(payer.account)
  const reserve = await s.balanceOf(payer, s.pathUsd, Addresses.tip20ChannelReserve)
  await quote(manager, url)
  assert.equal(await s.balanceOf(payer, s.pathUsd, payer.account), 0n)
  assert.equal(
    await s.balanceOf(payer, s.pathUsd, Addresses.tip20ChannelReserve),
    reserve + 50_000n,
  )
  await manager.close()
  assert.equal(await s.balanceOf(payer, s.pathUsd, payer.account), 50_000n - PRICE_UNITS)
})

test('who has no money opens no channel', async () => {
  const { url } = await merchant()
  const reserve = await s.balanceOf(payee, s.pathUsd, Addresses.tip20ChannelReserve)
  const outcome = await managerOf(s.stranger())
    .fetch(url)
    .then((response) => response.status)
    .catch((error) => error)
  assert.notEqual(outcome, 200)
  assert.equal(await s.balanceOf(payee, s.pathUsd, Addresses.tip20ChannelReserve), reserve)
})
