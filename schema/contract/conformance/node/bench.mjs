// Validates the documents of an NDJSON file with ajv: node bench.mjs CONTRACT_FOLDER FILE. Prints the seconds it took.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Ajv from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

const [folder, file] = process.argv.slice(2)
const json = path => JSON.parse(readFileSync(join(folder, path), 'utf8'))
const ajv = new Ajv({ strict: true })
addFormats(ajv)
const manifest = ajv.compile(json('run-manifest.schema.json'))
const telemetry = ajv.compile(json('telemetry.schema.json'))

const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
const begun = process.cpuUsage()
let refused = 0
for (const line of lines) {
  const document = JSON.parse(line)
  const passes = 'event_family' in document ? telemetry(document) : manifest(document)
  refused += passes ? 0 : 1
}
const { user, system } = process.cpuUsage(begun)
console.log(JSON.stringify({ documents: lines.length, refused, cpu_seconds: (user + system) / 1e6 }))
