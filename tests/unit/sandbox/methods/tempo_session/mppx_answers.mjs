// What mppx's own functions say to what Python made: JSON on stdin, JSON on stdout.
// They are internal modules, so they are imported by path; the first argument is a node_modules.

import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'

const root = pathToFileURL(`${process.argv[2]}/`)
const mppx = (path) => import(new URL(`mppx/dist/${path}`, root))
const main = JSON.parse(await text(process.stdin))

const v2 = {
  ...(await mppx('tempo/session/precompile/Channel.js')),
  ...(await mppx('tempo/session/precompile/Voucher.js')),
}
const v1 = {
  ...(await mppx('tempo/legacy/session/Channel.js')),
  ...(await mppx('tempo/legacy/session/Voucher.js')),
}
const chain = await mppx('tempo/session/precompile/Chain.js')
const wire = await mppx('tempo/session/precompile/Protocol.js')
const checks = await mppx('tempo/session/server/CredentialVerification.js')
const snapshots = await mppx('tempo/session/Snapshot.js')
const methods = await mppx('tempo/Methods.js')
const { Transaction } = await import(new URL('viem/_esm/tempo/index.js', root))
const { createClient, custom } = await import(new URL('viem/_esm/index.js', root))
const { privateKeyToAccount } = await import(new URL('viem/_esm/accounts/index.js', root))

const { chainId, cumulative, descriptor, escrows } = main
const account = privateKeyToAccount(main.key)
// Nobody is asked anything: vouchers are signed here.
const client = createClient({ transport: custom({ request: () => Promise.reject() }) })
const voucher = (channelId) => ({ channelId, cumulativeAmount: BigInt(cumulative) })

async function vouchers(functions, escrow, channelId, flipped) {
  const signature = functions === v2
    ? await v2.signVoucher(client, account, voucher(channelId), escrow, chainId)
    : await v1.signVoucher(client, account, voucher(channelId), escrow, chainId)
  const verify = (candidate) =>
    functions.verifyVoucher(
      escrow, chainId, { ...voucher(channelId), signature: candidate }, account.address,
    )
  return {
    channelId,
    signature,
    accepts: await verify(signature),
    acceptsFlipped: await verify(flipped(signature)),
    acceptsZeroOne: await verify(
      signature.slice(0, -2) + (signature.endsWith('1b') ? '00' : '01'),
    ),
  }
}

const flip = (signature) => signature.slice(0, -2) + (signature.endsWith('1b') ? '1c' : '1b')

function readOpen({ payload, feePayer }) {
  const parsed = checks.requireSessionCredentialPayload(payload)
  const transaction = Transaction.deserialize(parsed.transaction)
  const hash = v2.computeExpiringNonceHash(
    v2.transactionForExpiringNonceHash({ feePayer, transaction }),
    { sender: parsed.descriptor.payer },
  )
  const { openDeposit } = chain.validateOpenCredentialTransaction({
    chainId,
    escrowContract: escrows.v2,
    expectedAuthorizedSigner: parsed.descriptor.authorizedSigner,
    expectedChannelId: parsed.channelId,
    expectedCurrency: parsed.descriptor.token,
    expectedExpiringNonceHash: parsed.descriptor.expiringNonceHash,
    expectedOperator: parsed.descriptor.operator,
    expectedPayee: parsed.descriptor.payee,
    expectedPayer: parsed.descriptor.payer,
    ...(feePayer ? { feePayer: true } : {}),
    serializedTransaction: parsed.transaction,
  })
  return { hash, deposit: openDeposit.toString() }
}

function readTopUp(payload) {
  const parsed = checks.requireSessionCredentialPayload(payload)
  chain.validateTopUpCredentialTransaction({
    additionalDeposit: BigInt(parsed.additionalDeposit),
    chainId,
    descriptor: parsed.descriptor,
    escrowContract: escrows.v2,
    expectedChannelId: parsed.channelId,
    expectedCurrency: parsed.descriptor.token,
    serializedTransaction: parsed.transaction,
  })
  return parsed.channelId
}

const v1Id = v1.computeId({ ...descriptor, chainId, escrowContract: escrows.v1 })
const v2Id = v2.computeId({ ...descriptor, chainId, escrow: escrows.v2 })
const answers = {
  v1: await vouchers(v1, escrows.v1, v1Id, flip),
  v2: await vouchers(v2, escrows.v2, v2Id, flip),
  opens: main.opens.map(readOpen),
  topUp: readTopUp(main.topUp),
  payloads: main.payloads.map((payload) => checks.requireSessionCredentialPayload(payload)),
  schema: main.legacyPayloads.map(
    (payload) => methods.session.schema.credential.payload.safeParse(payload).success,
  ),
  receipt: wire.deserializeSessionReceipt(main.receipt),
  receiptAgain: wire.serializeSessionReceipt(wire.deserializeSessionReceipt(main.receipt)),
  snapshot: snapshots.deserializeSnapshot(main.snapshot),
  snapshotAgain: snapshots.serializeSnapshot(snapshots.deserializeSnapshot(main.snapshot)),
}
process.stdout.write(JSON.stringify(answers))
