// The released decoders that wallets and MPP's SDKs use read our invoices (facts: lightning 3.5, 8.2).
// By hand, after `npm ci`: INVOICES='[{"name": …, "text": …, …}]' node --test bolt11_decoders.test.mjs
// with what `test_bolt11_decoders.py` writes.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

import { Invoice } from "@getalby/lightning-tools";

const require = createRequire(import.meta.url);
const bolt11 = require("bolt11");
const light = require("light-bolt11-decoder");
const { parsePaymentRequest } = require("invoices");

const { INVOICES } = process.env;
const invoices = JSON.parse(INVOICES);

for (const wanted of invoices) {
  const { text, msat, description, expiry_s, hash, secret, payee, cltv, timestamp_s } = wanted;

  test(`light-bolt11-decoder reads ${wanted.name}`, () => {
    const { sections } = light.decode(text);
    const value = (name) => sections.find((one) => one.name === name)?.value;
    assert.equal(value("amount"), msat ?? undefined);
    assert.equal(value("description"), description);
    assert.equal(value("payment_hash"), hash);
    assert.equal(value("payment_secret"), secret);
    assert.equal(value("expiry"), expiry_s);
    assert.equal(value("timestamp"), timestamp_s);
    assert.equal(value("min_final_cltv_expiry"), cltv);
    assert.equal(value("feature_bits").basic_mpp, "supported");
    assert.equal(value("feature_bits").payment_secret, "required");
  });

  test(`bolt11 reads ${wanted.name} and recovers its payee`, () => {
    // It knows no signet unless it is told.
    const signet = { bech32: "tbs", pubKeyHash: 0x6f, scriptHash: 0xc4, validWitnessVersions: [0, 1] };
    const read = bolt11.decode(text, text.startsWith("lntbs") ? signet : undefined);
    const tag = (name) => read.tags.find((one) => one.tagName === name)?.data;
    assert.equal(read.millisatoshis, msat);
    assert.equal(tag("description"), description);
    assert.equal(tag("payment_hash"), hash);
    assert.equal(tag("payment_secret"), secret);
    assert.equal(tag("expire_time"), expiry_s);
    assert.equal(tag("min_final_cltv_expiry"), cltv);
    assert.equal(read.timestamp, timestamp_s);
    assert.equal(read.payeeNodeKey, payee);
  });

  test(`invoices reads ${wanted.name} and recovers its payee`, () => {
    const read = parsePaymentRequest({ request: text });
    assert.equal(read.mtokens, msat ?? "0");
    assert.equal(read.description ?? "", description);
    assert.equal(read.id, hash);
    assert.equal(read.payment, secret);
    assert.equal(read.destination, payee);
    assert.equal(read.cltv_delta, cltv);
    assert.equal(Date.parse(read.expires_at) / 1000, timestamp_s + expiry_s);
  });

  test(`@getalby/lightning-tools reads ${wanted.name}`, () => {
    const read = new Invoice({ pr: text });
    assert.equal(read.paymentHash, hash);
    assert.equal(read.satoshi, Number(msat ?? 0) / 1000);
    assert.equal(read.description ?? "", description);
    assert.equal(read.expiry, expiry_s);
    assert.equal(read.timestamp, timestamp_s);
  });
}
