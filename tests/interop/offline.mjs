// A Node preload (`NODE_OPTIONS=--import`): what asks Tempo's public nodes asks `RPC_URL`.
//
// `mppx validate` takes their addresses from viem and has no option for them (facts, protocol 3.2).
// Nothing else is touched.

import { tempo, tempoModerato } from 'viem/chains'

const urls = [tempo, tempoModerato].flatMap((chain) => chain.rpcUrls.default.http)
const publicNodes = new Set(urls.map((url) => new URL(url).host))
const { fetch } = globalThis

globalThis.fetch = (input, init) => {
  const request = input instanceof Request ? input : undefined
  if (!publicNodes.has(new URL(request?.url ?? input).host)) return fetch(input, init)
  const ours = process.env.RPC_URL
  return fetch(request ? new Request(ours, request) : ours, init)
}
