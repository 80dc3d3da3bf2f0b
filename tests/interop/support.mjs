// What the topics share: clients of the chain under test, its public accounts, and what to compare.
//
// `RPC_URL` and `WS_URL` name a chain that somebody else started (test_node.py, or you, with
// `python -m mock_rails tempo`). They are all that differs from code that runs on Tempo itself.

import assert from 'node:assert/strict'

import { http, parseEventLogs, webSocket } from 'viem'
import { generatePrivateKey, mnemonicToAccount } from 'viem/accounts'
import { tempoLocalnet } from 'viem/chains'
import { Abis, Account, ExecutionError, createClient } from 'viem/tempo'

const MNEMONIC = 'test test test test test test test test test test test junk'

export const RPC_URL = required('RPC_URL')
export const WS_URL = required('WS_URL')

export const pathUsd = '0x20c0000000000000000000000000000000000000'
export const alphaUsd = '0x20c0000000000000000000000000000000000001'
export const betaUsd = '0x20c0000000000000000000000000000000000002'
export const thetaUsd = '0x20c0000000000000000000000000000000000003'
export const feeManager = '0xfeec000000000000000000000000000000000000'

/** What the faucet mints of every token, in base units. */
export const FAUCET_AMOUNT = 10n ** 15n

function required(name) {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set: start a chain and name it`)
  return value
}

/** One of the ten funded development accounts; the first is the tokens' admin. */
export function devAccount(index) {
  return mnemonicToAccount(MNEMONIC, { addressIndex: index })
}

/** An account that has never been seen, and owns nothing. */
export function stranger() {
  return Account.fromSecp256k1(generatePrivateKey())
}

/** A client as an application makes one; polls fast, because blocks come at once. */
export function clientOf(account, { transport = http(RPC_URL), ...options } = {}) {
  return createClient({
    account,
    chain: tempoLocalnet,
    pollingInterval: 50,
    transport,
    ...options,
  })
}

/** A client of a new account that the faucet has funded. */
export async function fundedClient(account = stranger(), options = {}) {
  const client = clientOf(account, options)
  await client.faucet.fundSync({ account })
  return client
}

/** A client over WebSocket, and what closes its socket. */
export async function socketClient(account) {
  const transport = webSocket(WS_URL, { reconnect: false })
  const client = clientOf(account, { transport })
  const socket = await client.transport.getRpcClient()
  return { client, close: () => socket.close() }
}

/** An account's balance of a token, in base units. */
export async function balanceOf(client, token, account) {
  const { amount } = await client.token.getBalance({ account: account.address ?? account, token })
  return amount
}

/** Calls a development method of the sandbox that no SDK knows. */
export function dev(client, method, ...params) {
  return client.request({ method, params })
}

/** Asserts what every successful receipt says, whoever paid for it; returns the fee it names. */
export function assertPaid(receipt, { feePayer, feeToken }) {
  assert.equal(receipt.status, 'success')
  assert.equal(receipt.feePayer, feePayer.toLowerCase())
  assert.equal(receipt.feeToken?.toLowerCase(), feeToken)
  return feeOf(receipt)
}

/** The fee that a receipt's last log names, checked against gas and price. */
export function feeOf(receipt) {
  const last = receipt.logs.at(-1)
  assert.equal(last.address, receipt.feeToken.toLowerCase())
  const [fee] = parseEventLogs({ abi: Abis.tip20, eventName: 'Transfer', logs: [last] })
  assert.equal(fee.args.to.toLowerCase(), feeManager)
  assert.equal(fee.args.from.toLowerCase(), receipt.feePayer)
  const atto = receipt.gasUsed * receipt.effectiveGasPrice
  assert.equal(fee.args.amount, (atto + 10n ** 12n - 1n) / 10n ** 12n)
  return fee.args.amount
}

/** The one event of a name in a receipt, decoded with an ABI. */
export function eventOf(receipt, abi, eventName) {
  const found = parseEventLogs({ abi, eventName, logs: receipt.logs })
  assert.equal(found.length, 1, `one ${eventName} expected, not ${found.length}`)
  return found[0]
}

/** Asserts that a call is refused with a custom error, found by viem in the revert data. */
export async function assertReverts(promise, errorName, args) {
  await assert.rejects(promise, (error) => {
    const found = ExecutionError.from(error)
    assert.equal(found.errorName, errorName, error.message)
    if (args) assert.deepEqual(found.args, args)
    return true
  })
}

/** Waits until a condition holds; fails after five seconds. */
export async function eventually(condition, what) {
  for (let waited = 0; waited < 5_000; waited += 20) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.fail(`never happened: ${what}`)
}
