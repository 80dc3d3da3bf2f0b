/**
 * The wallet that MPP's official Lightning SDK speaks to, over LND's REST (facts: lightning 4.6).
 *
 * That SDK knows Spark's wallet and no LND, and what Spark calls a test network is a service on the
 * internet. It calls five methods of the wallet: `payLightningInvoice`, `getLightningSendRequest`,
 * `createLightningInvoice`, `cleanupConnections` and, where it makes its own, `initialize`. They are
 * here, with the names and shapes of @buildonspark/spark-sdk 0.8; transfers over Spark are not.
 *
 *     import { SparkWallet } from './wallet.mjs'
 *     const wallet = new SparkWallet({ url: 'http://127.0.0.1:8081', macaroon: '0201036c6e64…' })
 *     spark.charge({ wallet })                        // a client takes it as it is
 *
 * A server of the SDK makes its wallet from a mnemonic: override the package with this file, and it
 * is the node of LND_REST_HOST and LND_MACAROON_HEX. It depends on nothing, and on Node's fetch.
 */

const STATUS = {
  FAILED: 'LIGHTNING_PAYMENT_FAILED',
  IN_FLIGHT: 'LIGHTNING_PAYMENT_INITIATED',
  SUCCEEDED: 'TRANSFER_COMPLETED',
}
const NETWORKS = new Set(['MAINNET', 'REGTEST', 'SIGNET', 'TESTNET'])
const NOT_FOUND = 5
const DAY_S = 86_400

/** LND answered with an error; `code` is gRPC's. */
export class LndError extends Error {
  constructor(message, code) {
    super(message)
    this.name = 'LndError'
    this.code = code
  }
}

export class SparkWallet {
  #url
  #headers
  #network
  #patienceMs
  #timeoutS
  #streams = new Set()

  /**
   * `macaroon` is its hexadecimal. A payment is waited for as long as `patienceMs`; then its request
   * is looked up by its id, as with Spark. `timeoutS` is how long LND may look for a way.
   */
  constructor({ url, macaroon, network = 'REGTEST', patienceMs = 1_000, timeoutS = 30 }) {
    if (!NETWORKS.has(network)) throw new TypeError(`${network} is no network`)
    this.#url = url.replace(/\/+$/, '')
    this.#headers = { 'Grpc-Metadata-macaroon': macaroon }
    this.#network = network
    this.#patienceMs = patienceMs
    this.#timeoutS = timeoutS
  }

  /** The wallet of the environment's node: the seed of a Spark wallet says nothing here. */
  static async initialize({ options = {} } = {}) {
    const { LND_REST_HOST: url, LND_MACAROON_HEX: macaroon } = process.env
    if (!url || !macaroon) throw new Error('LND_REST_HOST and LND_MACAROON_HEX name the node')
    return { wallet: new SparkWallet({ url, macaroon, network: options.network ?? 'REGTEST' }) }
  }

  /** A new invoice; 0 satoshis leave the amount to the payer. */
  async createLightningInvoice({ amountSats, memo = '', expirySeconds = DAY_S }) {
    const now = new Date()
    const made = await this.#call('POST', '/v1/invoices', {
      memo,
      value: String(amountSats),
      expiry: String(expirySeconds),
      private: true,
    })
    const paymentHash = Buffer.from(made.r_hash, 'base64').toString('hex')
    return {
      id: paymentHash,
      createdAt: now.toISOString(),
      updatedAt: now.toISOString(),
      network: this.#network,
      status: 'INVOICE_CREATED',
      typename: 'LightningReceiveRequest',
      invoice: {
        encodedInvoice: made.payment_request,
        bitcoinNetwork: this.#network,
        paymentHash,
        amount: amountOf(BigInt(amountSats) * 1_000n),
        createdAt: now.toISOString(),
        expiresAt: new Date(now.getTime() + expirySeconds * 1_000).toISOString(),
        memo,
      },
    }
  }

  /**
   * Pay an invoice. What LND refuses is thrown; what it has begun is a request with a status, and
   * with the preimage as soon as there is one. Nothing is paid twice: LND knows what it has begun.
   */
  async payLightningInvoice({ invoice, maxFeeSats, amountSatsToSend }) {
    const { payment_hash: id } = await this.#call('GET', `/v1/payreq/${invoice}`)
    const asked = {
      payment_request: invoice,
      fee_limit_sat: String(maxFeeSats),
      timeout_seconds: this.#timeoutS,
      ...(amountSatsToSend !== undefined && { amt: String(amountSatsToSend) }),
    }
    let last
    try {
      last = await this.#follow(asked)
    } catch (error) {
      // A refusal, or an answer that was lost: what LND knows of the payment counts.
      const known = await this.getLightningSendRequest(id)
      const isRefused = error instanceof LndError && known?.status === STATUS.FAILED
      if (known === null || isRefused) throw error
      return known
    }
    return last === null ? this.getLightningSendRequest(id) : this.#request(last)
  }

  /** What became of a payment, by its id; null if LND knows of none. */
  async getLightningSendRequest(id) {
    const key = Buffer.from(id, 'hex').toString('base64url')
    const leaving = this.#leaving()
    try {
      const lines = this.#lines('GET', `/v2/router/track/${key}`, undefined, leaving.signal)
      for await (const payment of lines) return this.#request(payment)
      return null
    } catch (error) {
      if (error instanceof LndError && error.code === NOT_FOUND) return null
      throw error
    } finally {
      leaving.end()
    }
  }

  /** Let go of what is still being listened to; payments go on without it. */
  async cleanupConnections() {
    for (const stream of this.#streams) stream.abort()
    this.#streams.clear()
  }

  /** The last that LND says of a payment before the patience ends, which begins when LND has begun;
   * null if `cleanupConnections` came before. */
  async #follow(asked) {
    const leaving = this.#leaving()
    let last = null
    try {
      for await (const payment of this.#lines('POST', '/v2/router/send', asked, leaving.signal)) {
        last = payment
        leaving.within(this.#patienceMs)
      }
    } catch (error) {
      if (error.name !== 'AbortError') throw error
    } finally {
      leaving.end()
    }
    return last
  }

  #request(payment) {
    const created = new Date(Number(BigInt(payment.creation_time_ns) / 1_000_000n)).toISOString()
    const isPaid = payment.status === 'SUCCEEDED'
    return {
      id: payment.payment_hash,
      createdAt: created,
      updatedAt: new Date().toISOString(),
      network: this.#network,
      encodedInvoice: payment.payment_request,
      fee: amountOf(BigInt(payment.fee_msat)),
      idempotencyKey: payment.payment_hash,
      status: STATUS[payment.status] ?? 'FUTURE_VALUE',
      typename: 'LightningSendRequest',
      ...(isPaid && { paymentPreimage: payment.payment_preimage }),
    }
  }

  async #call(method, path, body) {
    const response = await this.#fetch(method, path, body)
    return response.json()
  }

  async *#lines(method, path, body, signal) {
    const response = await this.#fetch(method, path, body, signal)
    const decoder = new TextDecoder()
    let text = ''
    for await (const chunk of response.body) {
      text += decoder.decode(chunk, { stream: true })
      const lines = text.split('\n')
      text = lines.pop()
      for (const line of lines.filter(Boolean)) {
        const { result, error } = JSON.parse(line)
        if (error) throw new LndError(error.message, error.code)
        yield result
      }
    }
  }

  async #fetch(method, path, body, signal) {
    const response = await fetch(this.#url + path, {
      method,
      headers: this.#headers,
      body: body && JSON.stringify(body),
      signal,
    })
    if (response.ok) return response
    const text = await response.text()
    const { error, code, message } = parsed(text)
    throw new LndError(error?.message ?? message ?? text, error?.code ?? code)
  }

  /** A signal that ends a stream: by the clock, or by `cleanupConnections`. */
  #leaving() {
    const controller = new AbortController()
    let timer
    this.#streams.add(controller)
    return {
      signal: controller.signal,
      within: (ms) => {
        timer ??= setTimeout(() => controller.abort(), ms)
      },
      end: () => {
        clearTimeout(timer)
        controller.abort()
        this.#streams.delete(controller)
      },
    }
  }
}

/** Spark's way of writing an amount, of millisatoshis. */
const amountOf = (msat) => ({ originalValue: Number(msat), originalUnit: 'MILLISATOSHI' })

function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}
