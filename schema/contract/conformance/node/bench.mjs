// Measures what judges documents in JavaScript: node bench.mjs CONTRACT_DIRECTORY PACKAGE_USER DOCUMENTS. One JSON list.
//
// DOCUMENTS has one valid document per line. Each measurement begins with the bytes of a request, so that reading JSON
// counts. All figures are processor time, not wall-clock time: others may use the machine.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Ajv from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { denylist } from './denylist.mjs'
import { installed } from './installed.mjs'
import { load, vectors } from './vectors.mjs'

const [directory, user, documents] = process.argv.slice(2)
const { validate } = await installed(user)
const ajv = new Ajv({ strict: true })
addFormats(ajv)
const schemas = ['run-manifest', 'telemetry'].map(kind => load(join(directory, `${kind}.schema.json`)))
const [manifest, telemetry] = schemas.map(schema => ajv.compile(schema))
const rules = denylist(load(join(directory, 'denylist.json')), schemas)
const known = [...vectors(directory)].map(({ vector, bytes }) => [vector.valid, bytes])
const lines = readFileSync(documents, 'utf8').trimEnd().split('\n').map(line => Buffer.from(line))
const valid = lines.filter(line => validate(line).accepted)
const SECONDS = 1

const passesSchema = value => (value !== null && typeof value === 'object' && 'event_family' in value ? telemetry : manifest)(value)

function schemaAlone(bytes) {
  try {
    return passesSchema(JSON.parse(bytes.toString()))
  } catch {
    return false
  }
}

function withDenylist(bytes) {
  const { value, tripped } = rules.read(bytes)
  return tripped.length === 0 && passesSchema(value) && rules.walk(value).length === 0
}

function speed(judge) {
  const begun = process.cpuUsage()
  for (let count = 0; ; count += valid.length) {
    const { user, system } = process.cpuUsage(begun)
    if (user + system >= SECONDS * 1e6) return Math.round(count / (user + system) * 1e6)
    valid.forEach(judge)
  }
}

function figures(name, judge) {
  const refused = known.filter(([isValid, bytes]) => isValid && !judge(bytes)).length + valid.filter(bytes => !judge(bytes)).length
  const passed = known.filter(([isValid, bytes]) => !isValid && judge(bytes)).length
  return { name, documents_a_second: speed(judge), refused, passed }
}

console.log(JSON.stringify([
  figures('all: productive-k3s-contract', bytes => validate(bytes).accepted),
  figures('all: ajv and denylist.mjs', withDenylist),
  figures('schema alone: ajv', schemaAlone)
]))
