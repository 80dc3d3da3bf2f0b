// stripe-node's webhook endpoints, events and constructEvent (facts, stripe 4).

import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import test from 'node:test'

import { control, stripeOf } from './stripe_node.mjs'

const stripe = stripeOf()

async function receiving(work) {
  const arrived = []
  const server = http.createServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    arrived.push({ body: Buffer.concat(chunks), signature: request.headers['stripe-signature'] })
    response.writeHead(200).end()
    server.emit('message')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await work(`http://127.0.0.1:${server.address().port}/hook`, async (count) => {
      while (arrived.length < count) await once(server, 'message')
      return arrived
    })
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

test('a signed event arrives and constructEvent accepts it', async () => {
  await receiving(async (url, messages) => {
    const endpoint = await stripe.webhookEndpoints.create({
      url,
      enabled_events: ['customer.created', 'customer.deleted'],
    })
    const customer = await stripe.customers.create({ name: 'Ada' })
    const [{ body, signature }] = await messages(1)
    const event = stripe.webhooks.constructEvent(body, signature, endpoint.secret)
    assert.equal(event.type, 'customer.created')
    assert.equal(event.data.object.id, customer.id)
    const again = await stripe.webhooks.constructEventAsync(body, signature, endpoint.secret)
    assert.equal(again.id, event.id)
    assert.throws(
      () => stripe.webhooks.constructEvent(body, signature, 'whsec_wrong'),
      { type: 'StripeSignatureVerificationError' },
    )
    assert.equal((await stripe.events.retrieve(event.id)).id, event.id)
    await stripe.webhookEndpoints.del(endpoint.id)
  })
})

test('an event is sent again on demand, and the log says so', async () => {
  await receiving(async (url, messages) => {
    const endpoint = await stripe.webhookEndpoints.create({ url, enabled_events: ['*'] })
    await stripe.customers.create({ name: 'Bob' })
    const [{ body }] = await messages(1)
    const { id } = JSON.parse(body)
    const resent = await control('POST', `/events/${id}/resend`, { times: 2 })
    assert.equal(resent.queued.length, 2)
    const all = await messages(3)
    assert.deepEqual(all.map((one) => JSON.parse(one.body).id), [id, id, id])
    await stripe.webhookEndpoints.del(endpoint.id)
  })
})

test('endpoints are changed and listed', async () => {
  const made = await stripe.webhookEndpoints.create({
    url: 'https://shop.example/hook',
    enabled_events: ['charge.failed'],
  })
  const changed = await stripe.webhookEndpoints.update(made.id, { description: 'the shop' })
  assert.equal(changed.description, 'the shop')
  const listed = []
  for await (const one of stripe.webhookEndpoints.list()) listed.push(one.id)
  assert.deepEqual(listed, [made.id])
  assert.equal(changed.secret, undefined)
})
