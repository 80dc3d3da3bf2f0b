// Refusals: what is wrong reaches viem by name, and leaves nothing behind.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'

import {
  BaseError,
  ContractFunctionRevertedError,
  InsufficientFundsError,
  MethodNotFoundRpcError,
} from 'viem'
import { generatePrivateKey } from 'viem/accounts'
import { tempoLocalnet } from 'viem/chains'
import { Abis, Account, Actions } from 'viem/tempo'

import * as s from './support.mjs'

let payer

function transfer(options) {
  return payer.token.transferSync({
    amount: 1n,
    feeToken: s.alphaUsd,
    to: s.stranger().address,
    token: s.pathUsd,
    ...options,
  })
}

/** Prepares and signs a payment; `change` may spoil the request before it is signed. */
async function signed(change = {}) {
  const request = await payer.prepareTransactionRequest({
    calls: [
      Actions.token.transfer.call(payer, {
        amount: 1n,
        to: s.stranger().address,
        token: s.pathUsd,
      }),
    ],
    feeToken: s.alphaUsd,
  })
  return await payer.account.signTransaction({ ...request, ...change })
}

function broadcast(serializedTransaction) {
  return payer.sendRawTransactionSync({ serializedTransaction })
}

/** Asserts that a promise is refused and that the payer's money and nonce stay as they are. */
async function assertRefused(attempt, pattern) {
  const observe = async () => [
    await s.balanceOf(payer, s.pathUsd, payer.account),
    await s.balanceOf(payer, s.alphaUsd, payer.account),
    await payer.getTransactionCount({ address: payer.account.address }),
  ]
  const before = await observe()
  await assert.rejects(attempt(), pattern)
  assert.deepEqual(await observe(), before)
}

before(async () => {
  payer = await s.fundedClient()
})

test('a custom error is found by walking the error, with its arguments', async () => {
  const amount = s.FAUCET_AMOUNT * 2n
  const held = await s.balanceOf(payer, s.pathUsd, payer.account)
  await assert.rejects(
    payer.simulateContract({
      abi: Abis.tip20,
      address: s.pathUsd,
      args: [s.stranger().address, amount],
      functionName: 'transfer',
    }),
    (error) => {
      assert.ok(error instanceof BaseError)
      const revert = error.walk((cause) => cause instanceof ContractFunctionRevertedError)
      assert.equal(revert.data.errorName, 'InsufficientBalance')
      const [available, required, token] = revert.data.args
      assert.deepEqual([available, required, token.toLowerCase()], [held, amount, s.pathUsd])
      assert.match(error.message, /TIP20 token error|InsufficientBalance/)
      return true
    },
  )
})

test('writing finds the revert before it costs anything', async () => {
  await assertRefused(() => transfer({ amount: s.FAUCET_AMOUNT * 2n }), (error) => {
    const revert = error.walk((cause) => cause instanceof ContractFunctionRevertedError)
    assert.equal(revert.data.errorName, 'InsufficientBalance')
    return true
  })
  await s.assertReverts(transfer({ to: s.betaUsd }), 'InvalidRecipient')
  await s.assertReverts(
    payer.token.mintSync({ amount: 1n, to: payer.account.address, token: s.pathUsd }),
    'Unauthorized',
  )
})

test('an unknown function is named by its selector', async () => {
  const address = s.pathUsd
  await assert.rejects(payer.call({ data: '0xdeadbeef', to: address }), (error) => {
    assert.match(JSON.stringify(error.walk((cause) => cause.data).data), /deadbeef/)
    return true
  })
})

test('a transaction for another chain is refused', async () => {
  const raw = await signed({ chainId: 4217 })
  await assertRefused(() => broadcast(raw), /invalid chain ID/i)
})

test('a changed transaction is not the one that was signed', async () => {
  const raw = await signed()
  const last = raw.slice(0, -8) + 'ffffff' + raw.slice(-2)
  // The signature then belongs to somebody else, who has no money, or to nobody.
  await assertRefused(
    () => broadcast(last),
    /insufficient fee token balance|invalid transaction signature/,
  )
  await assertRefused(() => broadcast(`${raw}00`), /failed to decode signed transaction/)
  await assertRefused(() => broadcast(raw.slice(0, -2)), /failed to decode signed transaction/)
})

test('gas and price have lower bounds', async () => {
  const cheap = await signed({ maxFeePerGas: 1n, maxPriorityFeePerGas: 0n })
  await assertRefused(
    () => broadcast(cheap),
    /max fee per gas less than block base fee|lower than the block|cannot be lower/i,
  )
  const little = await signed({ gas: 21_000n })
  await assertRefused(() => broadcast(little), /intrinsic gas too low/i)
  const much = await signed({ gas: 31_000_000n })
  await assertRefused(() => broadcast(much), /gas limit 31000000/)
})

test('native money does not exist', async () => {
  const to = s.stranger().address
  await assertRefused(
    () => payer.sendTransactionSync({ calls: [{ to, value: 1n }], gas: 500_000n }),
    /value transfer/,
  )
  assert.equal(await payer.getBalance({ address: to }), BigInt('42'.repeat(38)))
})

test('an account without fee tokens cannot start', async () => {
  const poor = s.clientOf(s.stranger())
  const call = Actions.token.approve.call(poor, {
    amount: 1n,
    spender: s.pathUsd,
    token: s.pathUsd,
  })
  await assert.rejects(
    poor.sendTransactionSync({ calls: [call], feeToken: s.pathUsd, gas: 500_000n }),
    (error) => {
      const known = error.walk((cause) => cause instanceof InsufficientFundsError)
      return known instanceof InsufficientFundsError || /insufficient/i.test(error.message)
    },
  )
})

test('what is not a token pays no fee', async () => {
  await assertRefused(
    () => transfer({ feeToken: s.stranger().address, gas: 500_000n }),
    /is not a TIP-20 token/,
  )
})

test('a signature of the wrong length is no signature', async () => {
  const account = Account.fromP256(generatePrivateKey())
  const client = s.clientOf(account)
  const { verifyHash } = client
  const hash = `0x${'12'.repeat(32)}`
  const signature = await account.sign({ hash })
  const broken = signature.slice(0, -2)
  const verdict = await verifyHash({ address: account.address, hash, signature: broken })
  assert.equal(verdict, false)
})

test('an unknown method is refused with its code', async () => {
  await assert.rejects(
    s.dev(payer, 'eth_makeMeRich'),
    (error) =>
      error.walk((cause) => cause.code === -32_601) instanceof MethodNotFoundRpcError ||
      error.code === -32_601,
  )
})

test('a batch of requests is answered one by one', async () => {
  const body = [
    { id: 1, jsonrpc: '2.0', method: 'eth_chainId', params: [] },
    { id: 'two', jsonrpc: '2.0', method: 'eth_makeMeRich', params: [] },
  ]
  const response = await fetch(s.RPC_URL, {
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
    method: 'POST',
  })
  assert.equal(response.status, 200)
  const [first, second] = await response.json()
  assert.deepEqual(first, { id: 1, jsonrpc: '2.0', result: `0x${tempoLocalnet.id.toString(16)}` })
  assert.equal(second.id, 'two')
  assert.equal(second.error.code, -32_601)
  assert.equal('result' in second, false)
})
