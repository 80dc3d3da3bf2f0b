// Alby's lightning-tools, the released client of draft-lightning-charge-00, pays our merchants
// (facts: lightning 1.5, 6). Its wallet is the payer's LND; nothing else is written for it.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { fetch402, fetchWithL402, fetchWithMpp } from '@getalby/lightning-tools/402'

const QUOTE = `${process.env.API_URL}/lightning/quote`
const LND = process.env.LND_REST_HOST
const HEADERS = { 'Grpc-Metadata-macaroon': process.env.LND_MACAROON_HEX }

/** A wallet that pays by LND's REST. `fails` lets its answer be lost after the payment. */
function walletOf({ fails = false } = {}) {
  return {
    async payInvoice({ invoice }) {
      const response = await fetch(`${LND}/v2/router/send`, {
        method: 'POST',
        headers: HEADERS,
        body: JSON.stringify({
          payment_request: invoice,
          fee_limit_sat: '5',
          timeout_seconds: 10,
          no_inflight_updates: true,
        }),
      })
      const { result } = JSON.parse(await response.text())
      assert.equal(result.status, 'SUCCEEDED', result.failure_reason)
      if (fails) throw new Error('the wallet timed out')
      return { preimage: result.payment_preimage, fees_paid: Number(result.fee_msat) }
    },
  }
}

async function payments() {
  const response = await fetch(`${LND}/v1/payments?include_incomplete=true`, { headers: HEADERS })
  return (await response.json()).payments
}

function receiptOf(response) {
  const text = response.headers.get('Payment-Receipt')
  const receipt = JSON.parse(Buffer.from(text, 'base64url').toString())
  assert.equal(receipt.status, 'success')
  assert.equal(receipt.method, 'lightning')
  return receipt
}

async function assertQuote(response) {
  assert.equal(response.status, 200, await response.clone().text())
  assert.ok((await response.json()).quote)
}

test('a request is paid by its invoice, whose hash the receipt names', async () => {
  const before = (await payments()).length
  const response = await fetchWithMpp(QUOTE, {}, { wallet: walletOf() })
  await assertQuote(response)
  const made = (await payments()).slice(before)
  assert.equal(made.length, 1)
  assert.equal(receiptOf(response).reference, made[0].payment_hash)
  assert.equal(response.payment.amountSat, Number(made[0].value_sat))
  assert.equal(response.payment.feesPaidMsat, Number(made[0].fee_msat))
})

test('its credential pays once: shown again it is refused, and nothing is paid', async () => {
  const wallet = walletOf()
  const { payment } = await fetchWithMpp(QUOTE, {}, { wallet })
  const before = (await payments()).length
  const again = await fetchWithMpp(QUOTE, {}, { wallet, credentials: payment.credentials })
  assert.equal(again.status, 402)
  assert.match((await again.json()).type, /lightning\/unknown-challenge$/)
  assert.equal((await payments()).length, before)
})

test('a payment whose answer was lost is resumed with the looked-up preimage', async () => {
  const before = (await payments()).length
  const lost = await fetchWithMpp(QUOTE, {}, { wallet: walletOf({ fails: true }) }).then(
    () => assert.fail('it should have been interrupted'),
    (error) => error,
  )
  assert.equal(lost.name, 'Fetch402InterruptedError')
  assert.equal(lost.paid, false)
  const found = (await payments()).find((one) => one.payment_hash === lost.paymentHash)
  const resume = { pendingPayment: lost.pendingPayment, preimage: found.payment_preimage }
  await assertQuote(await fetchWithMpp(QUOTE, {}, { wallet: walletOf(), resume }))
  assert.equal((await payments()).length, before + 1)
})

test('what chooses for itself among L402 and MPP pays one invoice', async () => {
  const before = (await payments()).length
  await assertQuote(await fetch402(QUOTE, {}, { wallet: walletOf(), maxAmount: 100_000 }))
  assert.equal((await payments()).length, before + 1)
})

test('an L402 ticket is paid once and admits again', async () => {
  const wallet = walletOf()
  const first = await fetchWithL402(QUOTE, {}, { wallet })
  await assertQuote(first)
  const before = (await payments()).length
  const { credentials } = first.payment
  for (let visit = 0; visit < 3; visit += 1) {
    await assertQuote(await fetchWithL402(QUOTE, {}, { wallet, credentials }))
  }
  assert.equal((await payments()).length, before)
})

test('requests at the same time are paid for each', async () => {
  const wallet = walletOf()
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => fetchWithMpp(QUOTE, {}, { wallet })),
  )
  for (const answer of answers) await assertQuote(answer)
  assert.equal(new Set(answers.map((answer) => receiptOf(answer).reference)).size, 5)
})
