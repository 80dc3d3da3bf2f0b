// Contracts of the user's own: deployed, called, read, many at once, and without being deployed.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { before, test } from 'node:test'

import {
  encodeDeployData,
  encodeFunctionData,
  getContractAddress,
  http,
  multicall3Abi,
  zeroAddress,
} from 'viem'
import { tempoLocalnet } from 'viem/chains'
import { Abis, Actions } from 'viem/tempo'

import * as s from './support.mjs'

const { abi, initcode: bytecode } = JSON.parse(
  readFileSync(new URL('Counter.json', import.meta.url), 'utf8'),
)
const multicallAddress = '0xca11bde05977b3631167028862be2a173976ca11'

let client
let address

async function deploy(options) {
  const hash = await client.deployContract({ abi, bytecode, ...options })
  return await client.waitForTransactionReceipt({ hash })
}

before(async () => {
  client = await s.fundedClient()
  const receipt = await deploy({ args: [40n] })
  address = receipt.contractAddress
})

test('deployContract puts code where the nonce says', async () => {
  const nonce = await client.getTransactionCount({ address: client.account.address })
  const receipt = await deploy({ args: [7n] })

  assert.equal(receipt.status, 'success')
  assert.equal(receipt.to, null)
  const expected = getContractAddress({ from: client.account.address, nonce: BigInt(nonce) })
  assert.equal(receipt.contractAddress.toLowerCase(), expected.toLowerCase())
  assert.ok((await client.getCode({ address: receipt.contractAddress })).length > 100)
  const count = { abi, address: receipt.contractAddress, functionName: 'count' }
  assert.equal(await client.readContract(count), 7n)
})

test('a Tempo transaction deploys as well, paid in any token', async () => {
  const receipt = await deploy({ args: [9n], feeToken: s.betaUsd })

  assert.equal(receipt.type, '0x76')
  s.assertPaid(receipt, { feePayer: client.account.address, feeToken: s.betaUsd })
  const count = { abi, address: receipt.contractAddress, functionName: 'count' }
  assert.equal(await client.readContract(count), 9n)
})

test('writeContract changes storage and logs; simulateContract does not', async () => {
  const increment = { abi, address, functionName: 'increment', args: [2n] }
  const read = { abi, address, functionName: 'count' }
  const before = await client.readContract(read)
  await client.simulateContract(increment)
  assert.equal(await client.readContract(read), before)

  const receipt = await client.writeContractSync(increment)
  const { args } = s.eventOf(receipt, abi, 'Counted')
  assert.deepEqual(args, { by: client.account.address, count: before + 2n })
  assert.equal(await client.readContract(read), before + 2n)
})

test('a contract holds and pays tokens as any account does', async () => {
  const payee = s.stranger().address
  await client.token.transferSync({ amount: 100n, to: address, token: s.alphaUsd })
  const holds = { abi, address, functionName: 'holds', args: [s.alphaUsd] }
  assert.equal(await client.readContract(holds), 100n)

  const receipt = await client.writeContractSync({
    abi,
    address,
    functionName: 'pay',
    args: [s.alphaUsd, payee, 60n],
    feeToken: s.pathUsd,
  })
  const { args } = s.eventOf(
    { logs: receipt.logs.filter((log) => log.address === s.alphaUsd) },
    Abis.tip20,
    'Transfer',
  )
  assert.equal(args.from.toLowerCase(), address.toLowerCase())
  assert.deepEqual([args.to, args.amount], [payee, 60n])
  assert.equal(await client.readContract(holds), 40n)
  assert.equal(await s.balanceOf(client, s.alphaUsd, payee), 60n)
})

test("a contract's revert reason reaches viem, and changes nothing", async () => {
  const stranger = await s.fundedClient()
  const count = await client.readContract({ abi, address, functionName: 'count' })
  await assert.rejects(
    client.writeContractSync({ abi, address, functionName: 'increment', args: [0n] }),
    /count something/,
  )
  const args = [s.alphaUsd, stranger.account.address, 1n]
  const pay = { abi, address, functionName: 'pay', args }
  await assert.rejects(stranger.writeContractSync(pay), /not the owner/)
  assert.equal(await client.readContract({ abi, address, functionName: 'count' }), count)
})

test("multicall reads through Multicall3, each call's failure its own", async () => {
  const holder = client.account.address
  const balance = { abi: Abis.tip20, functionName: 'balanceOf', args: [holder] }
  const results = await client.multicall({
    contracts: [
      { ...balance, address: s.pathUsd },
      { ...balance, address: s.thetaUsd },
      { abi, address, functionName: 'owner' },
      { abi, address, functionName: 'holds', args: [zeroAddress] },
    ],
    multicallAddress,
  })

  assert.equal(results[0].result, await s.balanceOf(client, s.pathUsd, holder))
  assert.equal(results[1].result, s.FAUCET_AMOUNT)
  assert.equal(results[2].result, holder)
  assert.equal(results[3].status, 'failure')
})

test('multicall works without a deployed Multicall3', async () => {
  const balance = { abi: Abis.tip20, functionName: 'balanceOf', args: [client.account.address] }
  const results = await client.multicall({
    allowFailure: false,
    contracts: [
      { ...balance, address: s.thetaUsd },
      { abi, address, functionName: 'owner' },
    ],
    deployless: true,
  })
  assert.deepEqual(results, [s.FAUCET_AMOUNT, client.account.address])
})

for (const [how, multicall] of Object.entries({
  'through Multicall3': { deployless: false },
  'without a contract': { deployless: true },
})) {
  test(`reads made at once are one request ${how}`, async () => {
    let requests = 0
    // Without an account: viem batches only what does not say who asks.
    const batching = s.clientOf(undefined, {
      batch: { multicall },
      chain: { ...tempoLocalnet, contracts: { multicall3: { address: multicallAddress } } },
      transport: http(s.RPC_URL, { onFetchRequest: () => void (requests += 1) }),
    })
    const tokens = [s.alphaUsd, s.betaUsd, s.thetaUsd]
    const names = await Promise.all(
      tokens.map((token) =>
        batching.readContract({ abi: Abis.tip20, address: token, functionName: 'name' }),
      ),
    )
    assert.deepEqual(names, ['AlphaUSD', 'BetaUSD', 'ThetaUSD'])
    assert.equal(requests, 1)
  })
}

test('a contract can be called before it is deployed', async () => {
  const { data } = await client.call({
    code: encodeDeployData({ abi, args: [11n], bytecode }),
    data: encodeFunctionData({ abi, functionName: 'count' }),
  })
  assert.equal(BigInt(data), 11n)
})

test('Multicall3 relays writes, in which the contract is the sender', async () => {
  const before = await client.readContract({ abi, address, functionName: 'count' })
  const callData = encodeFunctionData({ abi, functionName: 'increment', args: [1n] })
  const receipt = await client.writeContractSync({
    abi: multicall3Abi,
    address: multicallAddress,
    functionName: 'aggregate3',
    args: [[1, 2, 3].map(() => ({ allowFailure: false, callData, target: address }))],
  })
  assert.equal(receipt.logs.filter((log) => log.address === address.toLowerCase()).length, 3)
  const count = await client.readContract({ abi, address, functionName: 'count' })
  assert.equal(count, before + 3n)
})

test('one batch calls a contract and a token together', async () => {
  const payee = s.stranger().address
  const before = await client.readContract({ abi, address, functionName: 'count' })
  const receipt = await client.sendTransactionSync({
    calls: [
      { to: address, data: encodeFunctionData({ abi, functionName: 'increment', args: [5n] }) },
      Actions.token.transfer.call(client, { amount: 5n, to: payee, token: s.pathUsd }),
    ],
  })
  assert.equal(receipt.status, 'success')
  assert.equal(await client.readContract({ abi, address, functionName: 'count' }), before + 5n)
  assert.equal(await s.balanceOf(client, s.pathUsd, payee), 5n)
})
