// The exchange: pairs, orders, quotes and swaps.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'

import { Abis, Tick } from 'viem/tempo'

import * as s from './support.mjs'

const SIZE = 1_000_000_000n
const TICK = 100

let maker
let taker
let base

/** A new token that `maker` has minted, quoted in pathUSD. */
async function createBase() {
  const { token } = await maker.token.createSync({
    admin: maker.account.address,
    currency: 'USD',
    name: 'Traded',
    symbol: 'TRD',
  })
  const to = maker.account.address
  await maker.token.grantRolesSync({ roles: ['issuer'], to, token })
  await maker.token.mintSync({ amount: 100n * SIZE, to, token })
  return token
}

before(async () => {
  maker = await s.fundedClient()
  taker = await s.fundedClient()
  base = await createBase()
})

test('createPair opens a book once', async () => {
  const { receipt, ...pair } = await maker.dex.createPairSync({ base })
  assert.equal(receipt.status, 'success')
  assert.equal(pair.base, base)
  assert.equal(pair.quote.toLowerCase(), s.pathUsd)
  await s.assertReverts(maker.dex.createPairSync({ base }), 'PairAlreadyExists')
})

test('an ask escrows what it sells and shows in the book', async () => {
  const held = await s.balanceOf(maker, base, maker.account)
  const { receipt, ...placed } = await maker.dex.placeSync({
    amount: SIZE,
    tick: TICK,
    token: base,
    type: 'sell',
  })
  assert.equal(receipt.status, 'success')
  assert.deepEqual([placed.amount, placed.isBid, placed.tick], [SIZE, false, TICK])
  assert.equal(await s.balanceOf(maker, base, maker.account), held - SIZE)
  const order = await maker.dex.getOrder({ orderId: placed.orderId })
  assert.equal(order.maker, maker.account.address)
  assert.equal(order.remaining, SIZE)
  const level = await maker.dex.getTickLevel({ base, isBid: false, tick: TICK })
  assert.equal(level.totalLiquidity, SIZE)
})

test('a quote is what a swap costs', async () => {
  const pair = { tokenIn: s.pathUsd, tokenOut: base }
  const amountOut = 200_000_000n
  const quote = await taker.dex.getBuyQuote({ ...pair, amountOut })
  const price = Tick.toPrice(TICK)
  assert.equal(price, '1.001')
  assert.equal(quote, (amountOut * 1_001n) / 1_000n)

  const held = await s.balanceOf(taker, s.pathUsd, taker.account)
  const { receipt } = await taker.dex.buySync({
    ...pair,
    amountOut,
    feeToken: s.alphaUsd,
    maxAmountIn: quote,
  })
  s.eventOf(receipt, Abis.stablecoinDex, 'OrderFilled')
  assert.equal(await s.balanceOf(taker, base, taker.account), amountOut)
  assert.equal(await s.balanceOf(taker, s.pathUsd, taker.account), held - quote)
  const proceeds = await maker.dex.getBalance({ account: maker.account.address, token: s.pathUsd })
  assert.equal(proceeds, quote)
})

test('selling spends exactly and receives at least', async () => {
  const pair = { tokenIn: s.pathUsd, tokenOut: base }
  const amountIn = 100_000_000n
  const quote = await taker.dex.getSellQuote({ ...pair, amountIn })
  const held = await s.balanceOf(taker, base, taker.account)
  await s.assertReverts(
    taker.dex.sellSync({ ...pair, amountIn, feeToken: s.alphaUsd, minAmountOut: quote + 1n }),
    'InsufficientOutput',
  )
  await taker.dex.sellSync({ ...pair, amountIn, feeToken: s.alphaUsd, minAmountOut: quote })
  assert.equal(await s.balanceOf(taker, base, taker.account), held + quote)
})

test('slippage and depth are limits', async () => {
  const pair = { feeToken: s.alphaUsd, tokenIn: s.pathUsd, tokenOut: base }
  const amountOut = 100_000_000n
  await s.assertReverts(
    taker.dex.buySync({ ...pair, amountOut, maxAmountIn: amountOut }),
    'MaxInputExceeded',
  )
  await s.assertReverts(
    taker.dex.buySync({ ...pair, amountOut: 50n * SIZE, maxAmountIn: 100n * SIZE }),
    'InsufficientLiquidity',
  )
})

test('a maker withdraws proceeds and cancels what is left', async () => {
  const account = maker.account.address
  const proceeds = await maker.dex.getBalance({ account, token: s.pathUsd })
  const held = await s.balanceOf(maker, s.pathUsd, account)
  await maker.dex.withdrawSync({ amount: proceeds, feeToken: s.alphaUsd, token: s.pathUsd })
  assert.equal(await s.balanceOf(maker, s.pathUsd, account), held + proceeds)

  const { orderId } = await maker.dex.placeSync({
    amount: SIZE,
    feeToken: s.alphaUsd,
    tick: -TICK,
    token: base,
    type: 'buy',
  })
  const escrow = (SIZE * 999n) / 1_000n
  assert.equal(await s.balanceOf(maker, s.pathUsd, account), held + proceeds - escrow)
  await maker.dex.cancelSync({ feeToken: s.alphaUsd, orderId })
  assert.equal(await maker.dex.getBalance({ account, token: s.pathUsd }), escrow)
  await s.assertReverts(maker.dex.getOrder({ orderId }), 'OrderDoesNotExist')
})

test('a flip order comes back on the other side', async () => {
  const { orderId } = await maker.dex.placeFlipSync({
    amount: SIZE,
    feeToken: s.alphaUsd,
    flipTick: 50,
    tick: 20,
    token: base,
    type: 'buy',
  })
  const sell = { amountIn: SIZE, feeToken: s.alphaUsd, tokenIn: base, tokenOut: s.pathUsd }
  await maker.token.transferSync({
    amount: SIZE,
    feeToken: s.alphaUsd,
    to: taker.account.address,
    token: base,
  })
  await taker.dex.sellSync({ ...sell, minAmountOut: 0n })
  const order = await maker.dex.getOrder({ orderId })
  assert.deepEqual([order.isBid, order.tick, order.remaining], [false, 50, SIZE])
})

test('a swap between two tokens goes over their common quote', async () => {
  const pair = { tokenIn: s.alphaUsd, tokenOut: s.betaUsd }
  const amountOut = 1_000_000n
  const quote = await taker.dex.getBuyQuote({ ...pair, amountOut })
  const held = await s.balanceOf(taker, s.betaUsd, taker.account)
  await taker.dex.buySync({ ...pair, amountOut, feeToken: s.pathUsd, maxAmountIn: quote + 2n })
  assert.equal(await s.balanceOf(taker, s.betaUsd, taker.account), held + amountOut)
})
