// mppx's command line pays our merchants, and validates what they serve (facts, protocol 3).
//
// It wants a chain id that it knows, so this topic's devnet says that it is the testnet.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { http } from 'viem'
import { generatePrivateKey } from 'viem/accounts'
import { tempoModerato } from 'viem/chains'
import { Account, createClient } from 'viem/tempo'

import * as g from './gate_support.mjs'
import * as s from './support.mjs'

const PRELOAD = fileURLToPath(new URL('offline.mjs', import.meta.url))

/** Has what mppx asks Tempo's public nodes ask our chain. */
const OFFLINE = { NODE_OPTIONS: `--import=${PRELOAD}` }

const home = mkdtempSync(path.join(tmpdir(), 'mppx-'))
const key = generatePrivateKey()
const account = Account.fromSecp256k1(key)
const chain = createClient({
  account,
  chain: tempoModerato,
  pollingInterval: 50,
  transport: http(s.RPC_URL),
})

/** Where mppx makes the tokens that it pays Stripe's challenges with, and of what card. */
const CARDS = {
  MPPX_STRIPE_SECRET_KEY: 'sk_test_x',
  MPPX_STRIPE_SPT_URL: `${process.env.STRIPE_URL}/v1/test_helpers/shared_payment/granted_tokens`,
}
const BY_CARD = ['-M', 'paymentMethod=pm_card_visa'] // validate takes no other

/** Runs `mppx`; resolves to its exit code and what it said, whatever that is. */
function mppx(args, env = {}) {
  const options = {
    cwd: home,
    env: {
      ...process.env,
      HOME: home,
      MPPX_PRIVATE_KEY: key,
      NO_COLOR: '1',
      XDG_CONFIG_HOME: path.join(home, 'config'),
      XDG_STATE_HOME: path.join(home, 'state'),
      ...env,
    },
    timeout: 120_000,
  }
  return new Promise((resolve) => {
    execFile(process.env.MPPX, args, options, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? error.signal) : 0, stderr, stdout })
    })
  })
}

function said({ code, stderr, stdout }) {
  return `exit ${code}\n${stdout}\n${stderr}`
}

/** What `mppx validate` must have seen of a route that it paid for. */
const PAID = [
  'Payment: successful',
  'Payment-Receipt header present',
  'Receipt status is "success"',
  'Response body non-empty',
]

/** The same of a route that is paid for by card alone, where it looks no further. */
const PAID_BY_CARD = ['Payment [stripe]: submitted', 'Payment [stripe]: successful']

function earned() {
  return s.balanceOf(chain, s.pathUsd, g.RECIPIENT)
}

/** A validation that takes a minute, while the others run: what it reads is held that long. */
let held

before(async () => {
  await chain.faucet.fundSync({ account })
  held = validated(['-e', 'GET:/complete'])
  held.catch(() => {}) // it is looked at in its test
})

after(() => rmSync(home, { force: true, recursive: true }))

test('it pays a charge like curl', async () => {
  const before = await earned()
  const done = await mppx([`${g.API_URL}/quote`, '-r', s.RPC_URL, '-s', '-f'])
  assert.equal(done.code, 0, said(done))
  assert.ok(JSON.parse(done.stdout), said(done))
  assert.equal(await earned(), before + 10_000n)
})

test('it opens a session, pays with it again, and closes it', async () => {
  const url = `${g.API_URL}/search?q=voucher`
  const paying = ['-r', s.RPC_URL, '-s', '-f', '-M', 'deposit=0.1']
  for (let request = 0; request < 2; request += 1) {
    const done = await mppx([url, ...paying])
    assert.equal(done.code, 0, said(done))
    assert.ok(JSON.parse(done.stdout).results, said(done))
  }
  const listed = await mppx(['sessions', 'list'])
  assert.equal(listed.code, 0, said(listed))
  assert.match(listed.stdout, /0x[0-9a-f]+/i)
  const closed = await mppx(['sessions', 'close', '--all', '--yes'], OFFLINE)
  assert.equal(closed.code, 0, said(closed))
})

test('it pays by card', async () => {
  const done = await mppx([`${g.API_URL}/stripe/quote`, '-s', '-f', ...BY_CARD], CARDS)
  assert.equal(done.code, 0, said(done))
  assert.ok(JSON.parse(done.stdout).quote, said(done))
})

test('it finds nothing wrong with the description of our routes', async () => {
  const done = await mppx(['discover', 'validate', `${g.API_URL}/openapi.json`])
  assert.equal(done.code, 0, said(done))
  assert.match(done.stdout, /valid/i)
})

/** Runs `mppx validate`; its findings, which must be good ones, of a command that says so. */
async function validated(args) {
  const options = { ...OFFLINE, ...CARDS }
  const done = await mppx(['validate', g.API_URL, '-y', '-j', ...args], options)
  assert.equal(done.code, 0, said(done))
  const { discovery, endpoints, summary } = JSON.parse(done.stdout)
  assert.ok(discovery.found)
  const { passed, ...others } = summary
  assert.deepEqual(others, { failed: 0, warnings: 0, suggested: 0, skipped: 0 }, said(done))
  let counted = discovery.checks.length
  for (const { challenge, errorHandling, method, path: route, payment } of endpoints) {
    counted += challenge.length + errorHandling.length + payment.length
    const labels = payment.map(({ label }) => label)
    if (route.startsWith('/lightning/')) {
      assert.deepEqual(labels, [], `mppx knows no Lightning: ${method} ${route}`)
      continue
    }
    const expected = route === '/stripe/quote' ? PAID_BY_CARD : PAID
    for (const one of expected) assert.ok(labels.includes(one), `${method} ${route}: ${labels}`)
  }
  assert.equal(passed, counted)
  return { endpoints, passed }
}

// A receipt in the head of a stream (facts, 2.6, D13) is what it looks for. It opens a channel for
// the first token and sends no voucher for a second, so a completion of one token is all it can buy.
test('it validates all our routes, those of its own methods with a payment each', async () => {
  const order = JSON.stringify({ '/v1/chat/completions': { messages: [], max_tokens: 1 } })
  const { endpoints, passed } = await validated(['--query', 'tokens=1', '--body', order])
  const routes = endpoints.map(({ method, path: route }) => `${method} ${route}`).sort()
  const document = await (await fetch(`${g.API_URL}/openapi.json`)).json()
  const described = Object.entries(document.paths).flatMap(([route, item]) =>
    Object.entries(item)
      .filter(([, operation]) => operation['x-payment-info'])
      .map(([method]) => `${method.toUpperCase()} ${route}`),
  )
  assert.deepEqual(routes, described.sort())
  assert.equal(routes.length, 9)
  assert.ok(passed > 100, `${passed} checks`)
})

test('it validates the route that only cards pay for, with a payment', async () => {
  const { endpoints, passed } = await validated(['-e', 'GET:/stripe/quote'])
  const [{ challenge, method, path: route }] = endpoints
  assert.equal(`${method} ${route}`, 'GET /stripe/quote')
  const labels = challenge.map(({ label }) => label)
  for (const wanted of ['Has networkId', 'Has paymentMethodTypes', 'Valid currency code']) {
    assert.ok(labels.some((label) => label.includes(wanted)), labels.join('; '))
  }
  assert.ok(passed >= 18, `${passed} checks`)
})

test('it validates a stream that ends for want of its vouchers', async () => {
  const { endpoints } = await held
  assert.deepEqual(endpoints.map(({ path: route }) => route), ['/complete'])
})
