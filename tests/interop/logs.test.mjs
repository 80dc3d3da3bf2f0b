// Logs: asked for, polled for, and pushed over a WebSocket.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'

import { getAbiItem, pad, parseEventLogs } from 'viem'
import { Abis } from 'viem/tempo'

import * as s from './support.mjs'

const transferEvent = getAbiItem({ abi: Abis.tip20, name: 'Transfer' })
const memoEvent = getAbiItem({ abi: Abis.tip20, name: 'TransferWithMemo' })

let payer

function pay(to, amount, { client = payer, ...options } = {}) {
  const transfer = { amount, feeToken: s.alphaUsd, to, token: s.pathUsd }
  return client.token.transferSync({ ...transfer, ...options })
}

/** The block that the next payment will be in, so that a watcher started late misses nothing. */
async function nextBlock() {
  return (await payer.getBlockNumber({ cacheTime: 0 })) + 1n
}

/** Collects what a watcher delivers until `count` items came; then stops it. */
async function collect(count, start, act) {
  const items = []
  const stop = start((more) => items.push(...more))
  try {
    await act()
    await s.eventually(() => items.length >= count, `${count} items`)
  } finally {
    stop()
  }
  return items
}

before(async () => {
  payer = await s.fundedClient()
})

test('getLogs finds transfers by address, event, arguments and range', async () => {
  const payee = s.stranger().address
  const first = await pay(payee, 1n)
  await pay(s.stranger().address, 2n)
  const last = await pay(payee, 3n)
  await pay(payee, 4n, { token: s.betaUsd })

  const range = { fromBlock: first.receipt.blockNumber, toBlock: 'latest' }
  const event = transferEvent
  const args = { to: payee }
  const found = await payer.getLogs({ address: s.pathUsd, args, event, ...range })
  assert.deepEqual(found.map((log) => log.args.amount), [1n, 3n])
  assert.equal(found[0].transactionHash, first.receipt.transactionHash)
  assert.equal(found[0].blockHash, first.receipt.blockHash)
  assert.equal(found[0].logIndex, first.receipt.logs[0].logIndex)

  const anywhere = await payer.getLogs({ args, event, ...range })
  assert.deepEqual(anywhere.map((log) => log.args.amount), [1n, 3n, 4n])
  const blockHash = last.receipt.blockHash
  const inBlock = await payer.getLogs({ args, blockHash, event })
  assert.deepEqual(inBlock.map((log) => log.args.amount), [3n])
  const earlier = { fromBlock: 0n, toBlock: first.receipt.blockNumber - 1n }
  assert.deepEqual(await payer.getLogs({ args, event, ...earlier }), [])
})

test('a memo is found by its value', async () => {
  const memo = pad(s.stranger().address.toLowerCase(), { size: 32 })
  const { receipt } = await pay(s.stranger().address, 5n, { memo })
  const found = await payer.getLogs({
    args: { memo },
    event: memoEvent,
    fromBlock: 0n,
  })
  assert.deepEqual(found.map((log) => log.transactionHash), [receipt.transactionHash])
})

test('filters deliver each log once', async () => {
  const payee = s.stranger().address
  const filter = await payer.createEventFilter({
    address: s.pathUsd,
    args: { to: payee },
    event: transferEvent,
  })
  await pay(payee, 1n)
  await pay(payee, 2n)
  const changes = await payer.getFilterChanges({ filter })
  assert.deepEqual(changes.map((log) => log.args.amount), [1n, 2n])
  assert.deepEqual(await payer.getFilterChanges({ filter }), [])
  assert.equal((await payer.getFilterLogs({ filter })).length, 2)
  assert.equal(await payer.uninstallFilter({ filter }), true)
  await assert.rejects(payer.getFilterChanges({ filter }), /filter not found/i)
})

test('watchEvent polls over HTTP', async () => {
  const payee = s.stranger().address
  const fromBlock = await nextBlock()
  const logs = await collect(
    2,
    (onLogs) =>
      payer.watchEvent({
        address: s.pathUsd,
        args: { to: payee },
        event: transferEvent,
        fromBlock,
        onLogs,
        poll: true,
      }),
    async () => {
      await pay(payee, 11n)
      await pay(s.stranger().address, 12n)
      await pay(payee, 13n)
    },
  )
  assert.deepEqual(logs.map((log) => log.args.amount), [11n, 13n])
})

test('watchEvent subscribes over WebSocket', async () => {
  const { client, close } = await s.socketClient(payer.account)
  try {
    const payee = s.stranger().address
    const logs = await collect(
      2,
      (onLogs) =>
        client.watchEvent({
          address: s.pathUsd,
          args: { to: payee },
          event: transferEvent,
          onLogs,
        }),
      async () => {
        // One socket is one order: what is sent after the subscription is seen by it.
        await pay(payee, 21n, { client })
        await pay(s.stranger().address, 22n, { client })
        await pay(payee, 23n, { client })
      },
    )
    assert.deepEqual(logs.map((log) => log.args.amount), [21n, 23n])
    assert.equal(logs[0].address, s.pathUsd)
    assert.equal(typeof logs[0].blockNumber, 'bigint')
  } finally {
    close()
  }
})

test('new heads come over WebSocket, in order', async () => {
  const { client, close } = await s.socketClient(payer.account)
  try {
    const sent = []
    const heads = await collect(
      3,
      (onBlocks) => client.watchBlocks({ onBlock: (block) => onBlocks([block]) }),
      async () => {
        for (const amount of [1n, 2n, 3n]) {
          const { receipt } = await pay(s.stranger().address, amount, { client })
          sent.push(receipt.blockNumber)
        }
      },
    )
    const numbers = heads.map(({ number }) => number)
    for (const number of sent) assert.ok(numbers.includes(number))
    assert.deepEqual(numbers, [...numbers].sort((a, b) => Number(a - b)))
  } finally {
    close()
  }
})

test('a payment can be made over WebSocket', async () => {
  const { client, close } = await s.socketClient(payer.account)
  try {
    const payee = s.stranger().address
    const { receipt } = await pay(payee, 31n, { client, feeToken: s.betaUsd })
    s.assertPaid(receipt, { feePayer: payer.account.address, feeToken: s.betaUsd })
    assert.equal(await s.balanceOf(client, s.pathUsd, payee), 31n)
  } finally {
    close()
  }
})

test("viem's own watchers see transfers", async () => {
  const payee = s.stranger().address
  const fromBlock = await nextBlock()
  const seen = await collect(
    1,
    (onTransfers) =>
      payer.token.watchTransfer({
        args: { to: payee },
        fromBlock,
        onTransfer: (args) => onTransfers([args]),
        token: s.pathUsd,
      }),
    () => pay(payee, 41n),
  )
  assert.deepEqual(seen, [{ amount: 41n, from: payer.account.address, to: payee }])
})

test('block and receipt agree on the logs, numbered through', async () => {
  const { receipt } = await pay(s.stranger().address, 1n, { memo: '0x02' })
  const logs = await payer.getLogs({ blockHash: receipt.blockHash })
  assert.deepEqual(logs.map(({ logIndex }) => logIndex), [...logs.keys()])
  const transfers = parseEventLogs({ abi: Abis.tip20, logs: receipt.logs })
  assert.equal(transfers.length, 3)
  for (const { logIndex, topics } of receipt.logs) {
    assert.deepEqual(logs[logIndex].topics, topics)
  }
})
