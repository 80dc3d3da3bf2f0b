// Accounts of other signature kinds: they are funded, pay, and prove who they are.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { hashMessage, keccak256, stringToHex } from 'viem'
import { generatePrivateKey } from 'viem/accounts'
import { verifyHash, verifyMessage, verifyTypedData } from 'viem/actions'
import { Account, Actions } from 'viem/tempo'

import * as s from './support.mjs'

const KINDS = {
  p256: () => Account.fromP256(generatePrivateKey()),
  secp256k1: () => Account.fromSecp256k1(generatePrivateKey()),
  webAuthn: () =>
    Account.fromHeadlessWebAuthn(generatePrivateKey(), {
      origin: 'https://shop.example',
      rpId: 'shop.example',
    }),
}

for (const [kind, make] of Object.entries(KINDS)) {
  test(`a ${kind} account is funded and pays`, async () => {
    const client = await s.fundedClient(make())
    const payee = s.stranger().address
    const { receipt } = await client.token.transferSync({
      amount: 25n,
      feeToken: s.betaUsd,
      memo: '0xfeed',
      to: payee,
      token: s.alphaUsd,
    })

    const { address } = client.account
    const fee = s.assertPaid(receipt, { feePayer: address, feeToken: s.betaUsd })
    assert.equal(receipt.from, address.toLowerCase())
    assert.equal(await s.balanceOf(client, s.alphaUsd, payee), 25n)
    assert.equal(await s.balanceOf(client, s.alphaUsd, address), s.FAUCET_AMOUNT - 25n)
    assert.equal(await s.balanceOf(client, s.betaUsd, address), s.FAUCET_AMOUNT - fee)

    const transaction = await client.getTransaction({ hash: receipt.transactionHash })
    assert.equal(transaction.signature.type, kind)
    assert.equal(transaction.from, address.toLowerCase())
  })

  test(`a ${kind} account sends batches with expiring nonces`, async () => {
    const client = await s.fundedClient(make())
    const payee = s.stranger().address
    const call = Actions.token.transfer.call(client, { amount: 1n, to: payee, token: s.pathUsd })
    const receipts = await Promise.all(
      [1, 2, 3].map(() =>
        client.sendTransactionSync({ calls: [call, call], nonceKey: 'expiring' }),
      ),
    )
    for (const receipt of receipts) assert.equal(receipt.status, 'success')
    assert.equal(await s.balanceOf(client, s.pathUsd, payee), 6n)
  })

  test(`the chain verifies what a ${kind} account signs, and nothing else`, async () => {
    const account = make()
    const client = s.clientOf(account)
    const { address } = account
    const hash = keccak256(stringToHex('a proof'))
    const signature = await account.sign({ hash })
    assert.equal(await verifyHash(client, { address, hash, signature }), true)
    const other = keccak256(stringToHex('another proof'))
    assert.equal(await verifyHash(client, { address, hash: other, signature }), false)
    const stranger = s.stranger().address
    assert.equal(await verifyHash(client, { address: stranger, hash, signature }), false)

    const message = 'I owe you nothing'
    const signed = await account.signMessage({ message })
    assert.equal(await verifyMessage(client, { address, message, signature: signed }), true)
    assert.equal(
      await verifyHash(client, { address, hash: hashMessage(message), signature: signed }),
      true,
    )

    const proof = {
      domain: { chainId: 1337, name: 'MPP', version: '3' },
      message: { account: address, challengeId: 'abc', realm: 'api.example.com' },
      primaryType: 'Proof',
      types: {
        Proof: [
          { name: 'account', type: 'address' },
          { name: 'challengeId', type: 'string' },
          { name: 'realm', type: 'string' },
        ],
      },
    }
    const proved = await account.signTypedData(proof)
    assert.equal(await verifyTypedData(client, { address, signature: proved, ...proof }), true)
  })
}

test('a signature of one account cannot spend for another', async () => {
  const victim = await s.fundedClient()
  const thief = Account.fromP256(generatePrivateKey())
  const request = await victim.prepareTransactionRequest({
    calls: [
      Actions.token.transfer.call(victim, { amount: 1n, to: thief.address, token: s.pathUsd }),
    ],
    feeToken: s.pathUsd,
  })
  const serializedTransaction = await thief.signTransaction(request)
  await assert.rejects(victim.sendRawTransactionSync({ serializedTransaction }))
  assert.equal(await s.balanceOf(victim, s.pathUsd, thief), 0n)
  assert.equal(await s.balanceOf(victim, s.pathUsd, victim.account), s.FAUCET_AMOUNT)
})
