// An mppx 0.11 server on Node's http, for the comparison of benchmarks/micro/session.
//
// What it is to be comes as one JSON object on stdin; where it listens goes out as one on stdout.
// Sessions start with channels that are already open, and what the chain says of them is answered
// in this process, as for the sandbox's own server: neither side waits for a chain.

import { createServer } from 'node:http'

import { Mppx, Request, Store, tempo } from 'mppx/server'
import { createClient, custom, decodeFunctionData, encodeFunctionResult, http } from 'viem'
import { tempoLocalnet } from 'viem/chains'
import { privateKeyToAccount } from 'viem/accounts'
import { Abis } from 'viem/tempo'

const order = JSON.parse(await new Response(process.stdin).text())

/** The channel reserve's view of an open channel, without a chain. */
const answers = custom({
  async request({ method, params }) {
    if (method === 'eth_chainId') return `0x${order.chainId.toString(16)}`
    if (method !== 'eth_call') throw new Error(`the benchmark's chain does not know ${method}`)
    const { functionName } = decodeFunctionData({
      abi: Abis.tip20ChannelReserve,
      data: params[0].data,
    })
    return encodeFunctionResult({
      abi: Abis.tip20ChannelReserve,
      functionName,
      result: { closeRequestedAt: 0, deposit: BigInt(order.deposit), settled: 0n },
    })
  },
})

async function openChannels(store) {
  for (const { channelId, descriptor } of order.channels) {
    await store.put(channelId, {
      authorizedSigner: descriptor.payer,
      backend: 'precompile',
      chainId: order.chainId,
      channelId,
      closeRequestedAt: 0n,
      createdAt: new Date().toISOString(),
      deposit: BigInt(order.deposit),
      descriptor,
      escrowContract: order.escrow,
      expiringNonceHash: descriptor.expiringNonceHash,
      finalized: false,
      highestVoucher: null,
      highestVoucherAmount: 0n,
      operator: descriptor.operator,
      payee: descriptor.payee,
      payer: descriptor.payer,
      salt: descriptor.salt,
      settledOnChain: 0n,
      spent: 0n,
      token: descriptor.token,
      units: 0,
    })
  }
}

async function methodFor(kind) {
  const account = privateKeyToAccount(order.payeeKey)
  const transport = kind === 'session' ? answers : http(order.rpcUrl)
  const client = createClient({
    chain: { ...tempoLocalnet, id: order.chainId },
    pollingInterval: 5,
    transport,
  })
  const shared = { currency: order.currency, decimals: 6, getClient: () => client }
  if (kind === 'charge') return tempo.charge({ ...shared, recipient: account.address })
  const store = Store.memory()
  await openChannels(store)
  return tempo.session({ ...shared, account, store })
}

const method = await methodFor(order.kind)
const mppx = Mppx.create({ methods: [method], realm: order.realm, secretKey: order.secret })
const price =
  order.kind === 'session' ? { amount: order.price, unitType: 'request' } : { amount: order.price }
const pay = mppx[order.kind](price)

const server = createServer(
  Request.toNodeListener(async (request) => {
    const result = await pay(request)
    if (result.status === 402) return result.challenge
    return result.withReceipt(Response.json({ quote: 42 }))
  }),
)
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`)
})
process.on('SIGTERM', () => {
  server.closeAllConnections()
  server.close(() => process.exit(0))
})
