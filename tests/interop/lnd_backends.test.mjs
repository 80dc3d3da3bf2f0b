// lightning-backends 1.7.0, as released, against the rail's LND (facts: lightning 4.1, 4.4).
// By hand: start `python -m mock_rails lightning`, then here, after `npm ci`:
// MERCHANT_URL=… MERCHANT_MACAROON=… PAYER_URL=… PAYER_MACAROON=… PROFILE=0.21
// node --test lnd_backends.test.mjs

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { test } from "node:test";

const lightning = createRequire(import.meta.url)("lightning-backends");
const { getTagDataFromPaymentRequest, prepareBackend } = lightning;
const { MERCHANT_URL, MERCHANT_MACAROON, PAYER_URL, PAYER_MACAROON, PROFILE } = process.env;

const node = (baseUrl, macaroon) =>
  prepareBackend("lnd", { baseUrl, macaroon: { data: Buffer.from(macaroon, "hex") } });
const merchant = node(MERCHANT_URL, MERCHANT_MACAROON);
const payer = node(PAYER_URL, PAYER_MACAROON);
const hashOf = (hex) => createHash("sha256").update(Buffer.from(hex, "hex")).digest("hex");

test("a node tells its address and its balance", async () => {
  assert.match(await merchant.getNodeUri(), /^0[23][0-9a-f]{64}@127\.0\.0\.1:\d+$/);
  assert.equal(await merchant.getBalance(), 10_000_000_000);
});

test("an invoice is made and looked up by the hash in it", async () => {
  const { invoice } = await merchant.addInvoice(21_000, { descriptionHash: "ab".repeat(32) });
  const hash = getTagDataFromPaymentRequest(invoice, "payment_hash");
  const { preimage, settled } = await merchant.getInvoiceStatus(hash);
  assert.equal(settled, false);
  assert.equal(hashOf(preimage), hash); // LND tells it before anybody paid
});

test("paying works until LND 0.20, and is gone from 0.21 on", async () => {
  const { invoice } = await merchant.addInvoice(21_000);
  if (PROFILE === "0.20") {
    const { preimage } = await payer.payInvoice(invoice);
    const hash = hashOf(preimage);
    assert.equal((await merchant.getInvoiceStatus(hash)).settled, true);
    await assert.rejects(payer.payInvoice(invoice), /invoice is already paid/);
  } else {
    await assert.rejects(payer.payInvoice(invoice), /404\n\{"code":5,"message":"Not Found"/);
  }
});

test("what is no invoice, and no node of ours, is refused", async () => {
  if (PROFILE === "0.20") {
    await assert.rejects(payer.payInvoice("lnbcrt1nonsense"), /500/);
  }
  await assert.rejects(payer.openChannel("02" + "11".repeat(32), 100_000, 0, false), /501|404/);
  await assert.rejects(node(PAYER_URL, MERCHANT_MACAROON).getBalance(), /verification failed/);
});
