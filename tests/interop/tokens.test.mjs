// A token's life: created, given roles, minted, capped, paused, restricted, burnt.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'

import { Abis, Addresses } from 'viem/tempo'

import * as s from './support.mjs'

const SUPPLY = 5_000_000n

let admin
let token

function rolesOf(account, role) {
  return admin.token.hasRole({ account: account.address, role, token })
}

function transfer(client, amount, to) {
  return client.token.transferSync({ amount, feeToken: s.pathUsd, to, token })
}

before(async () => {
  admin = await s.fundedClient()
  const created = await admin.token.createSync({
    admin: admin.account.address,
    currency: 'USD',
    name: 'Interop Dollar',
    symbol: 'IOD',
  })
  token = created.token
})

test('the factory makes a token where it says it will', async () => {
  const salt = `0x${'5a'.repeat(32)}`
  const factory = { abi: Abis.tip20Factory, address: Addresses.tip20Factory }
  const expected = await admin.readContract({
    ...factory,
    args: [admin.account.address, salt],
    functionName: 'getTokenAddress',
  })
  const isToken = { ...factory, args: [expected], functionName: 'isTIP20' }
  assert.equal(await admin.readContract(isToken), false)
  const details = {
    admin: admin.account.address,
    currency: 'USD',
    name: 'Salted',
    quoteToken: s.alphaUsd,
    salt,
    symbol: 'SALT',
  }
  const { receipt, ...created } = await admin.token.createSync(details)
  assert.equal(receipt.status, 'success')
  assert.equal(created.token, expected)
  assert.equal(created.quoteToken.toLowerCase(), s.alphaUsd)
  assert.equal(await admin.readContract(isToken), true)

  const metadata = await admin.token.getMetadata({ token: expected })
  assert.deepEqual(
    [metadata.name, metadata.symbol, metadata.currency, metadata.totalSupply],
    ['Salted', 'SALT', 'USD', 0n],
  )
  await s.assertReverts(admin.token.createSync(details), 'TokenAlreadyExists', [expected])
})

test('only an issuer mints, and only the admin makes issuers', async () => {
  const mint = { amount: SUPPLY, to: admin.account.address, token }
  await s.assertReverts(admin.token.mintSync(mint), 'Unauthorized')
  assert.equal(await rolesOf(admin.account, 'issuer'), false)

  const other = await s.fundedClient()
  const grant = { roles: ['issuer'], to: other.account.address, token }
  await s.assertReverts(other.token.grantRolesSync(grant), 'Unauthorized')

  const { value } = await admin.token.grantRolesSync({
    ...grant,
    roles: ['issuer', 'pause', 'unpause'],
    to: admin.account.address,
  })
  assert.deepEqual(value.map(({ hasRole }) => hasRole), [true, true, true])
  assert.equal(await rolesOf(admin.account, 'issuer'), true)

  const { receipt, ...minted } = await admin.token.mintSync({ ...mint, memo: '0xbeef' })
  assert.deepEqual(minted, { amount: SUPPLY, to: admin.account.address })
  s.eventOf(receipt, Abis.tip20, 'TransferWithMemo')
  assert.equal(await s.balanceOf(admin, token, admin.account), SUPPLY)
  assert.equal((await admin.token.getTotalSupply({ token })).amount, SUPPLY)

  await admin.token.grantRolesSync(grant)
  await admin.token.revokeRolesSync({ from: other.account.address, roles: ['issuer'], token })
  await s.assertReverts(other.token.mintSync({ ...mint, amount: 1n }), 'Unauthorized')
})

test('the supply stays under its cap', async () => {
  await admin.token.setSupplyCapSync({ supplyCap: SUPPLY + 10n, token })
  await admin.token.mintSync({ amount: 10n, to: admin.account.address, token })
  await s.assertReverts(
    admin.token.mintSync({ amount: 1n, to: admin.account.address, token }),
    'SupplyCapExceeded',
  )
  await s.assertReverts(
    admin.token.setSupplyCapSync({ supplyCap: SUPPLY, token }),
    'InvalidSupplyCap',
  )
  assert.equal((await admin.token.getTotalSupply({ token })).amount, SUPPLY + 10n)
})

test('burning takes from the supply', async () => {
  const { receipt, ...burnt } = await admin.token.burnSync({ amount: 10n, token })
  assert.equal(receipt.status, 'success')
  assert.equal(burnt.amount, 10n)
  assert.equal((await admin.token.getTotalSupply({ token })).amount, SUPPLY)
})

test('a paused token does not move, until it is unpaused', async () => {
  const payee = s.stranger().address
  const paused = await admin.token.pauseSync({ token })
  assert.deepEqual(
    [paused.updater, paused.isPaused],
    [admin.account.address, true],
  )
  assert.equal((await admin.token.getMetadata({ token })).paused, true)
  await s.assertReverts(transfer(admin, 1n, payee), 'ContractPaused')
  await admin.token.unpauseSync({ token })
  await transfer(admin, 1n, payee)
  assert.equal(await s.balanceOf(admin, token, payee), 1n)
})

test('a blacklist of the policy registry stops its people', async () => {
  const blocked = await s.fundedClient()
  await transfer(admin, 50n, blocked.account.address)
  const { policyId } = await admin.policy.createSync({
    addresses: [blocked.account.address],
    type: 'blacklist',
  })
  await admin.token.changeTransferPolicySync({ policyId, token })
  const user = blocked.account.address
  assert.equal(await admin.policy.isAuthorized({ policyId, user }), false)
  const payee = s.stranger().address
  await s.assertReverts(transfer(blocked, 1n, payee), 'PolicyForbids')
  await s.assertReverts(transfer(admin, 1n, user), 'PolicyForbids')
  await transfer(admin, 1n, payee)

  await admin.policy.modifyBlacklistSync({ address: user, policyId, restricted: false })
  await transfer(blocked, 50n, payee)
  assert.equal(await s.balanceOf(admin, token, payee), 51n)
  assert.equal(await s.balanceOf(admin, token, user), 0n)
})

test('the quote token changes in two steps', async () => {
  await admin.token.prepareUpdateQuoteTokenSync({ quoteToken: s.betaUsd, token })
  const before = await admin.token.getMetadata({ token })
  assert.equal(before.quoteToken.toLowerCase(), s.pathUsd)
  await admin.token.updateQuoteTokenSync({ token })
  const after = await admin.token.getMetadata({ token })
  assert.equal(after.quoteToken.toLowerCase(), s.betaUsd)
})

test('an admin who renounced is a stranger', async () => {
  await admin.token.renounceRolesSync({ roles: ['issuer'], token })
  assert.equal(await rolesOf(admin.account, 'issuer'), false)
  await s.assertReverts(
    admin.token.mintSync({ amount: 1n, to: admin.account.address, token }),
    'Unauthorized',
  )
})
