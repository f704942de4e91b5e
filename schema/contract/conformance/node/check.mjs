// Runs every vector through ajv and the denylist: node check.mjs CONTRACT_FOLDER. One JSON line a vector.

import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import Ajv from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { denylist } from './denylist.mjs'

const folder = process.argv[2]
const json = path => JSON.parse(readFileSync(join(folder, path), 'utf8'))

// A warning of the strict mode is a fault of the schema: it ends this program.
const refuse = message => { throw new Error(message) }
const ajv = new Ajv({ strict: true, allErrors: true, logger: { log: refuse, warn: refuse, error: refuse } })
addFormats(ajv)
const kinds = ['run-manifest', 'telemetry']
const schemas = Object.fromEntries(kinds.map(kind => [kind, json(`${kind}.schema.json`)]))
const validators = Object.fromEntries(kinds.map(kind => [kind, ajv.compile(schemas[kind])]))
const rules = denylist(json('denylist.json'), Object.values(schemas))

const groups = readdirSync(join(folder, 'vectors')).sort().flatMap(name => json(join('vectors', name)))
for (const { schema, vector } of groups.flatMap(({ schema, tests }) => tests.map(vector => ({ schema, vector })))) {
  const bytes = vector.raw_base64 === undefined
    ? Buffer.from(vector.raw ?? JSON.stringify(vector.document))
    : Buffer.from(vector.raw_base64, 'base64')
  const { value, tripped } = rules.read(bytes)
  const schemaAccepts = value === undefined ? null : validators[schema](value)
  const found = tripped.length > 0 ? tripped : rules.walk(value)
  const name = vector.description.split(': ')[0]
  console.log(JSON.stringify({ vector: name, schema_accepts: schemaAccepts, tripped: found }))
}
