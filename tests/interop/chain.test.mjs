// The chain as viem's own definition of it expects: id, node, genesis, faucet, blocks.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { tempoLocalnet } from 'viem/chains'
import { Abis, Addresses } from 'viem/tempo'

import * as s from './support.mjs'

const client = s.clientOf(s.devAccount(0))

test('the chain id is that of tempoLocalnet', async () => {
  assert.equal(await client.getChainId(), tempoLocalnet.id)
})

test('genesis tokens carry the metadata that clients read', async () => {
  const names = { [s.pathUsd]: 'pathUSD', [s.alphaUsd]: 'AlphaUSD', [s.betaUsd]: 'BetaUSD' }
  for (const [token, name] of Object.entries(names)) {
    const metadata = await client.token.getMetadata({ token })
    assert.equal(metadata.name, name)
    assert.equal(metadata.symbol, name)
    assert.equal(metadata.decimals, 6)
    assert.equal(metadata.currency, 'USD')
  }
  const alpha = await client.token.getMetadata({ token: s.alphaUsd })
  assert.equal(alpha.paused, false)
  assert.equal(alpha.quoteToken.toLowerCase(), s.pathUsd)
})

test('native contracts have code, so that clients take them for contracts', async () => {
  for (const address of [s.pathUsd, Addresses.feeManager, Addresses.tip20ChannelReserve]) {
    assert.equal(await client.getCode({ address }), '0xef')
  }
  assert.equal(await client.getCode({ address: s.stranger().address }), undefined)
})

test('the faucet mints every token, and its receipts can be awaited', async () => {
  const account = s.stranger()
  const supply = await client.token.getTotalSupply({ token: s.betaUsd })
  const receipts = await client.faucet.fundSync({ account })

  assert.equal(receipts.length, 4)
  for (const receipt of receipts) {
    const { args } = s.eventOf(receipt, Abis.tip20, 'Mint')
    assert.deepEqual(args, { to: account.address, amount: s.FAUCET_AMOUNT })
  }
  for (const token of [s.pathUsd, s.alphaUsd, s.betaUsd, s.thetaUsd]) {
    assert.equal(await s.balanceOf(client, token, account), s.FAUCET_AMOUNT)
  }
  const after = await client.token.getTotalSupply({ token: s.betaUsd })
  assert.equal(after.amount - supply.amount, s.FAUCET_AMOUNT)
})

test('blocks hold what was mined, and past states stay readable', async () => {
  const account = s.stranger()
  const before = await client.getBlock()
  const { receipt } = await client.token.transferSync({
    amount: 5n,
    to: account.address,
    token: s.pathUsd,
  })
  const block = await client.getBlock({ blockNumber: receipt.blockNumber })

  assert.equal(block.hash, receipt.blockHash)
  assert.ok(block.transactions.includes(receipt.transactionHash))
  assert.ok(block.timestamp >= before.timestamp)
  assert.ok(block.baseFeePerGas <= before.baseFeePerGas)

  const balance = { address: s.pathUsd, abi: Abis.tip20, functionName: 'balanceOf' }
  const args = [account.address]
  assert.equal(await client.readContract({ ...balance, args }), 5n)
  const blockNumber = receipt.blockNumber - 1n
  assert.equal(await client.readContract({ ...balance, args, blockNumber }), 0n)
})

test('a transaction is read back as it was sent', async () => {
  const to = s.stranger().address
  const { receipt } = await client.token.transferSync({
    amount: 7n,
    feeToken: s.betaUsd,
    to,
    token: s.pathUsd,
  })
  const transaction = await client.getTransaction({ hash: receipt.transactionHash })

  assert.equal(transaction.type, 'tempo')
  assert.equal(transaction.chainId, tempoLocalnet.id)
  assert.equal(transaction.from, client.account.address.toLowerCase())
  assert.equal(transaction.feeToken.toLowerCase(), s.betaUsd)
  assert.equal(transaction.calls.length, 1)
  assert.equal(transaction.calls[0].to.toLowerCase(), s.pathUsd)
  assert.equal(transaction.signature.type, 'secp256k1')
  assert.equal(transaction.blockNumber, receipt.blockNumber)
})
