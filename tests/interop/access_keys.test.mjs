// Access keys: a second key that may spend for an account, within limits that the chain enforces.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'

import { parseEventLogs, zeroAddress } from 'viem'
import { generatePrivateKey } from 'viem/accounts'
import { Abis, Account, Actions } from 'viem/tempo'

import * as s from './support.mjs'

const HOUR_S = 3_600
const LIMIT = 1_000_000n

let root

function newKey(account = root.account) {
  return Account.fromSecp256k1(generatePrivateKey(), { access: account })
}

function inAnHour() {
  return Math.floor(Date.now() / 1000) + HOUR_S
}

/** Authorizes a key with its own first payment, and returns a client that signs with it. */
async function authorized(accessKey, restrictions) {
  const keyAuthorization = await root.accessKey.signAuthorization({
    accessKey,
    account: root.account,
    expiry: inAnHour(),
    ...restrictions,
  })
  const client = s.clientOf(accessKey)
  const { receipt } = await client.token.transferSync({
    amount: 1n,
    feeToken: s.alphaUsd,
    keyAuthorization,
    to: s.stranger().address,
    token: s.pathUsd,
  })
  return { client, receipt }
}

function remaining(accessKey, token) {
  return root.accessKey.getRemainingLimit({ accessKey, account: root.account, token })
}

before(async () => {
  root = await s.fundedClient(Account.fromSecp256k1(generatePrivateKey()))
})

test('a key authorized in a transaction pays within its limit, and not beyond', async () => {
  const accessKey = newKey()
  const limits = [
    { limit: LIMIT, token: s.pathUsd },
    { limit: LIMIT, token: s.alphaUsd },
  ]
  const { client, receipt } = await authorized(accessKey, { limits })
  assert.equal(receipt.from, root.account.address.toLowerCase())
  const fee = s.assertPaid(receipt, {
    feePayer: root.account.address,
    feeToken: s.alphaUsd,
  })

  const metadata = await root.accessKey.getMetadata({ accessKey, account: root.account })
  assert.equal(metadata.address.toLowerCase(), accessKey.accessKeyAddress)
  assert.equal(metadata.keyType, 'secp256k1')
  assert.equal(metadata.spendPolicy, 'limited')
  assert.equal(metadata.isRevoked, false)
  assert.equal((await remaining(accessKey, s.pathUsd)).remaining, LIMIT - 1n)
  assert.equal((await remaining(accessKey, s.alphaUsd)).remaining, LIMIT - fee)

  const payee = s.stranger().address
  const transfer = { feeToken: s.alphaUsd, to: payee, token: s.pathUsd }
  const held = await s.balanceOf(root, s.pathUsd, root.account)
  await client.token.transferSync({ ...transfer, amount: 600_000n })
  assert.equal(await s.balanceOf(root, s.pathUsd, root.account), held - 600_000n)
  assert.equal(await s.balanceOf(root, s.pathUsd, payee), 600_000n)
  assert.equal((await remaining(accessKey, s.pathUsd)).remaining, LIMIT - 600_001n)

  await s.assertReverts(
    client.token.transferSync({ ...transfer, amount: LIMIT }),
    'SpendingLimitExceeded',
  )
  assert.equal(await s.balanceOf(root, s.pathUsd, payee), 600_000n)
  assert.equal((await remaining(accessKey, s.pathUsd)).remaining, LIMIT - 600_001n)
})

test('a spend is logged with what remains', async () => {
  const accessKey = newKey()
  const limits = [
    { limit: LIMIT, token: s.betaUsd },
    { limit: LIMIT, token: s.pathUsd },
    { limit: LIMIT, token: s.alphaUsd },
  ]
  const { client } = await authorized(accessKey, { limits })
  const { receipt } = await client.token.transferSync({
    amount: 10n,
    feeToken: s.alphaUsd,
    to: s.stranger().address,
    token: s.betaUsd,
  })
  const spends = parseEventLogs({
    abi: Abis.accountKeychain,
    eventName: 'AccessKeySpend',
    logs: receipt.logs,
  })
  for (const { args } of spends) {
    assert.equal(args.account, root.account.address)
    assert.equal(args.publicKey.toLowerCase(), accessKey.accessKeyAddress)
  }
  // First what the fee may come to, then the payment, as Foundry's Tempo node has it as well.
  const [fee, payment] = spends.map(({ args }) => args)
  assert.equal(fee.token.toLowerCase(), s.alphaUsd)
  assert.ok(fee.amount >= s.feeOf(receipt))
  assert.equal(payment.token.toLowerCase(), s.betaUsd)
  assert.deepEqual([payment.amount, payment.remainingLimit], [10n, LIMIT - 10n])
  assert.equal(spends.length, 2)
})

test('a token without a limit is out of reach', async () => {
  const limits = [
    { limit: LIMIT, token: s.pathUsd },
    { limit: LIMIT, token: s.alphaUsd },
  ]
  const { client } = await authorized(newKey(), { limits })
  await s.assertReverts(
    client.token.transferSync({
      amount: 1n,
      feeToken: s.alphaUsd,
      to: s.stranger().address,
      token: s.thetaUsd,
    }),
    'SpendingLimitExceeded',
  )
})

test('call scopes keep a key to one function of one contract', async () => {
  const allowed = s.stranger().address
  const accessKey = newKey()
  // ox signs an empty list of limits, which allows no spending, where scopes come without limits.
  const limits = [
    { limit: LIMIT, token: s.pathUsd },
    { limit: LIMIT, token: s.alphaUsd },
  ]
  const scopes = [
    { address: s.pathUsd, recipients: [allowed], selector: 'transfer(address,uint256)' },
  ]
  const keyAuthorization = await root.accessKey.signAuthorization({
    accessKey,
    account: root.account,
    expiry: inAnHour(),
    limits,
    scopes,
  })
  const client = s.clientOf(accessKey)
  const transfer = { amount: 2n, feeToken: s.alphaUsd, token: s.pathUsd }
  await client.token.transferSync({ ...transfer, keyAuthorization, to: allowed })
  assert.equal(await s.balanceOf(root, s.pathUsd, allowed), 2n)

  for (const refused of [
    { ...transfer, to: s.stranger().address },
    { ...transfer, to: allowed, token: s.betaUsd },
    { ...transfer, memo: '0x01', to: allowed },
  ]) {
    await assert.rejects(
      client.token.transferSync({ ...refused, gas: 800_000n }),
      /keychain validation failed: CallNotAllowed/,
    )
  }
  assert.equal(await s.balanceOf(root, s.pathUsd, allowed), 2n)
})

test('the root key authorizes, changes and revokes by calls as well', async () => {
  const accessKey = newKey()
  await root.accessKey.authorizeSync({
    accessKey,
    expiry: inAnHour(),
    feeToken: s.alphaUsd,
    limits: [
      { limit: 50n, token: s.pathUsd },
      { limit: LIMIT, token: s.alphaUsd },
    ],
  })
  const client = s.clientOf(accessKey)
  const payee = s.stranger().address
  const transfer = { amount: 60n, feeToken: s.alphaUsd, to: payee, token: s.pathUsd }
  await s.assertReverts(client.token.transferSync(transfer), 'SpendingLimitExceeded')

  await root.accessKey.updateLimitSync({
    accessKey,
    feeToken: s.alphaUsd,
    limit: 100n,
    token: s.pathUsd,
  })
  await client.token.transferSync(transfer)
  assert.equal((await remaining(accessKey, s.pathUsd)).remaining, 40n)

  await root.accessKey.revokeSync({ accessKey, feeToken: s.alphaUsd })
  const metadata = await root.accessKey.getMetadata({ accessKey, account: root.account })
  assert.equal(metadata.isRevoked, true)
  await assert.rejects(
    client.token.transferSync({ ...transfer, amount: 1n, gas: 800_000n }),
    /keychain validation failed: Key/,
  )
  assert.equal(await s.balanceOf(root, s.pathUsd, payee), 60n)
})

test('an access key cannot authorize another one', async () => {
  const { client } = await authorized(newKey(), {})
  const other = newKey()
  await assert.rejects(
    client.accessKey.authorizeSync({
      accessKey: other,
      expiry: inAnHour(),
      feeToken: s.alphaUsd,
      gas: 2_000_000n,
    }),
    /only the root key can authorize new keys|must be signed by root account/,
  )
  const metadata = await root.accessKey.getMetadata({ accessKey: other, account: root.account })
  assert.equal(metadata.address, zeroAddress)
})

test('a key that nobody authorized signs for nobody', async () => {
  const held = await s.balanceOf(root, s.pathUsd, root.account)
  const client = s.clientOf(newKey())
  await assert.rejects(
    client.token.transferSync({
      amount: 1n,
      feeToken: s.alphaUsd,
      gas: 800_000n,
      to: s.stranger().address,
      token: s.pathUsd,
    }),
    /keychain validation failed: KeyNotFound/,
  )
  assert.equal(await s.balanceOf(root, s.pathUsd, root.account), held)
})

for (const [name, makeKey] of Object.entries({
  P256: (access) => Account.fromP256(generatePrivateKey(), { access }),
  WebAuthn: (access) =>
    Account.fromHeadlessWebAuthn(generatePrivateKey(), {
      access,
      origin: 'http://localhost',
      rpId: 'localhost',
    }),
})) {
  test(`a ${name} key pays for a secp256k1 account`, async () => {
    const accessKey = makeKey(root.account)
    const { client } = await authorized(accessKey, {
      limits: [
        { limit: LIMIT, token: s.pathUsd },
        { limit: LIMIT, token: s.alphaUsd },
      ],
    })
    const payee = s.stranger().address
    const receipt = await client.sendTransactionSync({
      calls: [Actions.token.transfer.call(client, { amount: 4n, to: payee, token: s.pathUsd })],
      feeToken: s.alphaUsd,
    })
    assert.equal(receipt.status, 'success')
    assert.equal(await s.balanceOf(root, s.pathUsd, payee), 4n)
    const { signature } = await root.getTransaction({ hash: receipt.transactionHash })
    assert.equal(signature.type, 'keychain')
    assert.equal(signature.userAddress.toLowerCase(), root.account.address.toLowerCase())
  })
}
