// What the topics about our merchants share. `API_URL` names a devnet's paid API.

import assert from 'node:assert/strict'

import { Receipt } from 'mppx'
import { Mppx, tempo } from 'mppx/client'

import * as s from './support.mjs'

export const API_URL = required('API_URL')
export const RECIPIENT = required('RECIPIENT')

/** What both sides of mppx are told about the chain: where it is. */
export const getClient = () => s.clientOf(undefined)

function required(name) {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set: start a devnet and name it`)
  return value
}

/** A client that pays charges. */
export function chargePayer(account, parameters = {}) {
  return Mppx.create({
    methods: [tempo.charge({ account, getClient, ...parameters })],
    polyfill: false,
  })
}

/** A client that keeps one session. */
export function sessionOf(account, parameters = {}) {
  return tempo.session.manager({ account, getClient, maxDeposit: '2', ...parameters })
}

/** The receipt of a paid answer. */
export function receiptOf(response) {
  const receipt = Receipt.deserialize(response.headers.get('Payment-Receipt'))
  assert.equal(receipt.status, 'success')
  assert.equal(receipt.method, 'tempo')
  return receipt
}

/** Asserts that a call of an mppx client answers 200; returns the answer's JSON. */
export async function okJson(response) {
  assert.equal(response.status, 200, await response.clone().text())
  return response.json()
}
