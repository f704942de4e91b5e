// What a receiver relies on beside the verdicts, which the vectors show: `cargo xtask conformance` runs it.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { CONTRACT_VERSION, MAX_DOCUMENT_BYTES, validate } from 'productive-k3s-contract'
import { initSync } from './node_modules/productive-k3s-contract/gate.js'
import { MANIFEST, TELEMETRY, written } from './documents.mjs'

const rules = document => validate(document).violations.map(({ rule }) => rule)
const bytes = text => Buffer.from(text)

test('an accepted document has a kind', () => {
  for (const [document, kind] of [[MANIFEST, 'run-manifest'], [TELEMETRY, 'telemetry']]) {
    assert.deepEqual(validate(written(document)), { accepted: true, kind, violations: [], newerContract: false })
  }
})

test('the verdict of all accepted documents cannot be changed', () => {
  const verdict = validate(written(MANIFEST))
  assert.throws(() => { verdict.accepted = false }, TypeError)
  assert.throws(() => verdict.violations.push('x'), TypeError)
})

test('a refused document says why and where, and quotes nothing', () => {
  const verdict = validate(written(TELEMETRY, { run_id: 'alice@srv01.example.com', srv02: '10.1.2.3' }))
  assert.equal(verdict.accepted, false)
  assert.equal(verdict.kind, null)
  assert.ok(verdict.violations.some(({ rule, pointer }) => rule === 'schema.pattern' && pointer === '/run_id'))
  for (const name of ['alice', 'srv01', 'srv02', '10.1']) assert.ok(!JSON.stringify(verdict).includes(name), name)
})

test('the denylist is asked', () => {
  assert.ok(rules(written(TELEMETRY, { run_id: '10.1.2.3' })).includes('value.ipv4'))
})

test('a newer contract is told from a fault', () => {
  const stating = version => validate(written(TELEMETRY, {
    telemetry_meta: { ...TELEMETRY.telemetry_meta, contract_version: version },
    event_family: 'later'
  }))
  assert.deepEqual([stating('1.99.0').accepted, stating('1.99.0').newerContract], [false, true])
  assert.equal(stating(CONTRACT_VERSION).newerContract, false)
})

test('the version is that of the contract', () => {
  assert.equal(CONTRACT_VERSION, process.env.CONTRACT_VERSION)
})

test('only bytes are taken, of any realm, and a refusal quotes nothing', () => {
  for (const document of ['srv01', ['srv01'], new ArrayBuffer(5), new Uint16Array(5), null, undefined, 5]) {
    assert.throws(() => validate(document), error => error instanceof TypeError && !error.message.includes('srv01'))
  }
  assert.deepEqual(rules(runInNewContext('new Uint8Array([0])')), ['syntax'])
  const within = new Uint8Array([0xff, ...written(MANIFEST), 0xff]).subarray(1, -1)
  assert.ok(validate(within).accepted, 'a view is judged, and not what it is a view of')
})

test('what is no document is refused and nothing worse', () => {
  for (const [document, rule] of [
    [bytes(''), 'syntax'],
    [bytes('\0'), 'syntax'],
    [new Uint8Array([0xff]), 'utf8'],
    [bytes('\ufeff{}'), 'syntax'],
    [bytes('['.repeat(MAX_DOCUMENT_BYTES)), 'depth'],
    [bytes('{"a":'.repeat(10_000)), 'depth'],
    [bytes('{"a":1,"a":1}'), 'duplicate_key'],
    [new Uint8Array(MAX_DOCUMENT_BYTES + 1), 'size'],
    [new Uint8Array(64 * MAX_DOCUMENT_BYTES), 'size']
  ]) {
    assert.deepEqual(rules(document), [rule])
  }
  assert.ok(validate(bytes(written(MANIFEST).toString().padEnd(MAX_DOCUMENT_BYTES))).accepted)
})

test('documents without end need memory for one', () => {
  const { memory } = initSync()
  const large = bytes(`[${'"10.1.2.3",'.repeat(Math.floor(MAX_DOCUMENT_BYTES / 12))}1]`)
  assert.notDeepEqual(rules(large), ['size'])
  const before = memory.buffer.byteLength
  for (let round = 0; round < 50; round += 1) validate(large)
  assert.equal(memory.buffer.byteLength, before)
})

test('a fault is an error without a value, and the next call is judged afresh', () => {
  // What a fault of the gate leaves behind: nothing in this memory is what it should be.
  new Uint8Array(initSync().memory.buffer).fill(0xff)
  assert.throws(() => validate(written(TELEMETRY, { run_id: 'srv01' })), error =>
    error.constructor === Error && error.message.endsWith('nothing is known of the document') && !/srv01/.test(error.stack))
  assert.ok(validate(written(TELEMETRY)).accepted)
  assert.deepEqual(rules(bytes('')), ['syntax'])
})

test('the module asks its host for nothing', () => {
  const module = new WebAssembly.Module(readFileSync('node_modules/productive-k3s-contract/gate_bg.wasm'))
  const names = WebAssembly.Module.imports(module).map(({ name }) => name)
  // Those with the name of the tool are between the module and its own JavaScript.
  assert.deepEqual(names.filter(name => !name.includes('wbindgen')), [], 'no time, no chance, no file, no network')
})
