// A receiver in TypeScript. The types are generated from the published schema (`npm run types`); the same schema checks
// at run time that a document has them, and the denylist that nothing private hides where the schema has room. Start it
// with `npm start`, and send it something (see ../curl).

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { denylist } from '../../conformance/node/denylist.mjs'
import type { RunManifest, TelemetryDocument } from './generated/telemetry.js'

const published = (name: string): object => JSON.parse(readFileSync(new URL(`../../v1/${name}`, import.meta.url), 'utf8'))
const schema = published('telemetry.schema.json')
const rules = denylist(published('denylist.json'), [schema])
const ajv = new Ajv2020({ strict: true })
addFormats.default(ajv)
const isTelemetry = ajv.compile<TelemetryDocument>(schema)

/** One line about a document. The compiler knows for each event what it holds. */
export function summary(document: TelemetryDocument): string {
  switch (document.event_name) {
    case 'core.command.started':
    case 'core.command.completed':
      return `${document.command.name} in mode ${document.command.mode}: ${document.command.result}`
    case 'core.component.enabled':
      return `component ${document.enabled_component.name}: ${document.enabled_component.result}`
    case 'bootstrap.completed':
      return `run ended: ${document.manifest.status}; failed: ${failed(document.manifest).join(', ') || 'nothing'}`
    default:
      return `mode ${document.command.mode}: ${document.command.result}`
  }
}

function failed(manifest: RunManifest): string[] {
  const records = Object.entries(manifest.components)
  return records.filter(([, record]) => record.result === 'failed').map(([name]) => name)
}

/** The status to answer with. Deliveries are at least once, so a known `event_id` is no fault. */
export function receive(body: Uint8Array, known: Set<string>, keep: (line: string) => void): number {
  const { value: document, tripped } = rules.read(body)
  if (tripped.length > 0) return tripped[0]?.[0] === 'size' ? 413 : 400
  if (!isTelemetry(document) || rules.walk(document).length > 0) return 422
  if (!known.has(document.event_id)) {
    known.add(document.event_id)
    keep(summary(document))
  }
  return 202
}

const port = Number(process.env['PORT'] ?? 8787)
const known = new Set<string>()
createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    response.statusCode = receive(Buffer.concat(chunks), known, line => console.log(line))
    response.end()
  })
}).listen(port, '127.0.0.1')
