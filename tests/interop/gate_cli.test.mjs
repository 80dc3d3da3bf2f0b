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
    timeout: 60_000,
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

function earned() {
  return s.balanceOf(chain, s.pathUsd, g.RECIPIENT)
}

before(async () => {
  await chain.faucet.fundSync({ account })
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

test('it finds nothing wrong with the description of our routes', async () => {
  const done = await mppx(['discover', 'validate', `${g.API_URL}/openapi.json`])
  assert.equal(done.code, 0, said(done))
  assert.match(done.stdout, /valid/i)
})

// A stream's receipt is its last event, where this command does not look (facts, 2.14, D13).
for (const route of ['/quote', '/search', '/report']) {
  test(`it validates ${route} with a payment, and all checks pass`, async () => {
    const args = ['validate', g.API_URL, '-y', '-j', '-e', `GET:${route}`]
    const done = await mppx(args, OFFLINE)
    assert.equal(done.code, 0, said(done))
    const { discovery, endpoints } = JSON.parse(done.stdout)
    assert.equal(endpoints.length, 1)
    const [{ challenge, errorHandling, payment }] = endpoints
    for (const checks of [discovery.checks, challenge, errorHandling, payment]) {
      assert.ok(checks.length > 1)
      for (const check of checks) assert.equal(check.severity, 'pass', JSON.stringify(check))
    }
    assert.ok(payment.some(({ label }) => label === 'Payment: successful'))
  })
}
