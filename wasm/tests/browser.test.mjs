// The entry of the package for browsers and bundlers. Node.js runs it, with the one thing that it lacks: a `fetch` of files.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { MANIFEST, written } from './documents.mjs'

test('the module is fetched once and judges', async () => {
  const fetched = []
  globalThis.fetch = async url => {
    fetched.push(new URL(url).pathname.split('/').at(-1))
    return new Response(await readFile(new URL(url)), { headers: { 'content-type': 'application/wasm' } })
  }
  const { CONTRACT_VERSION, validate } = await import('./node_modules/productive-k3s-contract/browser.js')
  assert.equal(CONTRACT_VERSION, process.env.CONTRACT_VERSION)
  assert.equal(validate(written(MANIFEST)).kind, 'run-manifest')
  assert.equal(validate(new Uint8Array()).violations[0].rule, 'syntax')
  assert.deepEqual(fetched, ['gate_bg.wasm'])
})
