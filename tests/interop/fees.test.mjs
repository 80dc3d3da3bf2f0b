// Fee tokens that accounts choose for good, and the pools that exchange them.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'

import { Actions } from 'viem/tempo'

import * as s from './support.mjs'

const admin = s.clientOf(s.devAccount(0))
let payer

before(async () => {
  payer = await s.fundedClient()
})

test('setUserToken chooses the fee token of all later transactions', async () => {
  assert.equal(await payer.fee.getUserToken({ account: payer.account.address }), null)
  const { receipt, ...set } = await payer.fee.setUserTokenSync({ token: s.thetaUsd })
  assert.equal(set.user, payer.account.address)
  assert.equal(set.token.toLowerCase(), s.thetaUsd)
  s.assertPaid(receipt, { feePayer: payer.account.address, feeToken: s.thetaUsd })

  const chosen = await payer.fee.getUserToken({ account: payer.account.address })
  assert.equal(chosen.address.toLowerCase(), s.thetaUsd)
  const later = await payer.token.transferSync({
    amount: 1n,
    to: s.stranger().address,
    token: s.pathUsd,
  })
  s.assertPaid(later.receipt, { feePayer: payer.account.address, feeToken: s.thetaUsd })
})

test('a token named in the transaction comes before the chosen one', async () => {
  const { receipt } = await payer.token.transferSync({
    amount: 1n,
    feeToken: s.alphaUsd,
    to: s.stranger().address,
    token: s.pathUsd,
  })
  s.assertPaid(receipt, { feePayer: payer.account.address, feeToken: s.alphaUsd })
})

test('without any choice a transfer pays in its own token', async () => {
  const fresh = await s.fundedClient()
  const { receipt } = await fresh.token.transferSync({
    amount: 1n,
    to: s.stranger().address,
    token: s.betaUsd,
  })
  assert.equal(receipt.type, 'eip1559')
  s.assertPaid(receipt, { feePayer: fresh.account.address, feeToken: s.betaUsd })
})

test('a fee in another token goes through its pool: 0.997 for 1', async () => {
  const pair = { userToken: s.betaUsd, validatorToken: s.pathUsd }
  const before = await payer.amm.getPool(pair)
  const { receipt } = await payer.token.transferSync({
    amount: 1n,
    feeToken: s.betaUsd,
    to: s.stranger().address,
    token: s.pathUsd,
  })
  const fee = s.feeOf(receipt)
  const after = await payer.amm.getPool(pair)

  assert.equal(after.reserveUserToken - before.reserveUserToken, fee)
  const out = before.reserveValidatorToken - after.reserveValidatorToken
  assert.equal(out, (fee * 9_970n) / 10_000n)
})

test('AMM mint, read and burn', async () => {
  const pair = { userToken: s.betaUsd, validatorToken: s.pathUsd }
  const amount = 1_000_000n
  const before = await payer.amm.getPool(pair)
  const { receipt, ...minted } = await payer.amm.mintSync({
    feeToken: s.alphaUsd,
    to: payer.account.address,
    userTokenAddress: s.betaUsd,
    validatorTokenAddress: s.pathUsd,
    validatorTokenAmount: amount,
  })
  assert.equal(minted.amountValidatorToken, amount)
  assert.equal(receipt.status, 'success')

  const after = await payer.amm.getPool(pair)
  assert.equal(after.reserveValidatorToken, before.reserveValidatorToken + amount)
  assert.equal(after.totalSupply, before.totalSupply + minted.liquidity)
  const holder = { address: payer.account.address, ...pair }
  assert.equal(await payer.amm.getLiquidityBalance(holder), minted.liquidity)

  const held = await s.balanceOf(payer, s.pathUsd, payer.account)
  const burnt = await payer.amm.burnSync({
    ...pair,
    feeToken: s.alphaUsd,
    liquidity: minted.liquidity,
    to: payer.account.address,
  })
  assert.equal(await payer.amm.getLiquidityBalance(holder), 0n)
  assert.ok(burnt.amountValidatorToken > 0n && burnt.amountValidatorToken <= amount)
  const got = (await s.balanceOf(payer, s.pathUsd, payer.account)) - held
  assert.equal(got, burnt.amountValidatorToken)
})

test('rebalanceSwap buys collected fee tokens from a pool', async () => {
  const pair = { userToken: s.betaUsd, validatorToken: s.pathUsd }
  await payer.token.transferSync({
    amount: 1n,
    feeToken: s.betaUsd,
    to: s.stranger().address,
    token: s.pathUsd,
  })
  const { reserveUserToken: amountOut } = await payer.amm.getPool(pair)
  assert.ok(amountOut > 0n)
  const to = s.stranger().address
  const swap = await payer.amm.rebalanceSwapSync({ ...pair, amountOut, feeToken: s.alphaUsd, to })
  assert.equal(swap.amountIn, (amountOut * 9_985n) / 10_000n + 1n)
  assert.equal(await s.balanceOf(payer, s.betaUsd, to), amountOut)
})

test('a token without a pool cannot pay fees, and says which pair lacks', async () => {
  const token = await admin.token.createSync({
    admin: admin.account.address,
    currency: 'USD',
    name: 'Poolless',
    symbol: 'NOPOOL',
  })
  await admin.token.grantRolesSync({
    roles: ['issuer'],
    to: admin.account.address,
    token: token.token,
  })
  await admin.token.mintSync({
    amount: 10n ** 12n,
    to: payer.account.address,
    token: token.token,
  })
  const transfer = { amount: 1n, to: s.stranger().address, token: s.pathUsd, gas: 500_000n }
  await assert.rejects(
    payer.token.transferSync({ ...transfer, feeToken: token.token }),
    /insufficient liquidity in FeeAMM pool/,
  )

  await admin.amm.mintSync({
    to: admin.account.address,
    userTokenAddress: token.token,
    validatorTokenAddress: s.pathUsd,
    validatorTokenAmount: 1_000_000n,
  })
  const { receipt } = await payer.token.transferSync({ ...transfer, feeToken: token.token })
  s.assertPaid(receipt, {
    feePayer: payer.account.address,
    feeToken: token.token.toLowerCase(),
  })
})

test('money that is no fee token is refused by name', async () => {
  const euro = await admin.token.createSync({
    admin: admin.account.address,
    currency: 'EUR',
    name: 'Euro',
    symbol: 'EURX',
  })
  await s.assertReverts(payer.fee.setUserTokenSync({ token: euro.token }), 'InvalidCurrency')
  const transfer = Actions.token.transfer.call(payer, {
    amount: 1n,
    to: s.stranger().address,
    token: s.pathUsd,
  })
  await assert.rejects(
    payer.sendTransactionSync({ calls: [transfer], feeToken: euro.token, gas: 500_000n }),
    /uses currency "EUR"/,
  )
})

test('a fee beyond the balance is refused before anything happens', async () => {
  const poor = s.clientOf(s.stranger())
  await payer.token.transferSync({ amount: 2n, to: poor.account.address, token: s.pathUsd })
  await assert.rejects(
    poor.token.transferSync({
      amount: 1n,
      feeToken: s.pathUsd,
      gas: 500_000n,
      to: payer.account.address,
      token: s.pathUsd,
    }),
    /insufficient/i,
  )
  assert.equal(await s.balanceOf(poor, s.pathUsd, poor.account), 2n)
  assert.equal(await poor.getTransactionCount({ address: poor.account.address }), 0)
})
