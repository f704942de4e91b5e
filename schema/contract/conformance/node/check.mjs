// Runs every vector through ajv and the denylist: node check.mjs CONTRACT_DIRECTORY. One JSON line per vector.

import { join } from 'node:path'
import Ajv from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { denylist } from './denylist.mjs'
import { load, vectors } from './vectors.mjs'

const directory = process.argv[2]

// A warning of the strict mode is a fault of the schema: it ends this program.
const refuse = message => { throw new Error(message) }
const ajv = new Ajv({ strict: true, allErrors: true, logger: { log: refuse, warn: refuse, error: refuse } })
addFormats(ajv)
const kinds = ['run-manifest', 'telemetry']
const schemas = Object.fromEntries(kinds.map(kind => [kind, load(join(directory, `${kind}.schema.json`))]))
const validators = Object.fromEntries(kinds.map(kind => [kind, ajv.compile(schemas[kind])]))
const rules = denylist(load(join(directory, 'denylist.json')), Object.values(schemas))

for (const { schema, name, bytes } of vectors(directory)) {
  const { value, tripped } = rules.read(bytes)
  const schemaAccepts = value === undefined ? null : validators[schema](value)
  const found = tripped.length > 0 ? tripped : rules.walk(value)
  console.log(JSON.stringify({ vector: name, schema_accepts: schemaAccepts, tripped: found }))
}
