// Generates types and compiles documents against them: node types.mjs CONTRACT_DIRECTORY DOCUMENTS SCRATCH. One JSON object.
// From the strict schema and from the one for generators. The compiler and the generator are those of the example.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(new URL('../../examples/typescript/package.json', import.meta.url))
const { compileFromFile } = require('json-schema-to-typescript')
const ts = require('typescript')

const [contract, documents, scratch] = process.argv.slice(2)
const rows = readFileSync(documents, 'utf8').trim().split('\n').map(line => JSON.parse(line))

/** How many errors the compiler finds in each document, and how fast: types check nothing once a program runs. */
function compiled(directory, rows) {
  const lines = rows.map((row, index) => `export const d${index}: TelemetryDocument = ${JSON.stringify(row.document)}`)
  const file = join(directory, 'documents.ts')
  writeFileSync(file, [`import type { TelemetryDocument } from './types.js'`, ...lines].join('\n'))
  const program = ts.createProgram([file], { strict: true, noEmit: true, skipLibCheck: true, types: [], module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext })
  const errors = rows.map(() => 0)
  const begun = process.cpuUsage()
  for (const diagnostic of ts.getPreEmitDiagnostics(program)) {
    const { line } = diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start)
    if (line === 0 || diagnostic.file.fileName !== file) throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'))
    errors[line - 1] += 1
  }
  const { user, system } = process.cpuUsage(begun)
  return { errors, speed: Math.round(rows.length / (user + system) * 1e6) }
}

async function figures(name, schema) {
  const directory = join(scratch, name)
  mkdirSync(directory, { recursive: true })
  const source = await compileFromFile(join(contract, schema), { unreachableDefinitions: false })
  writeFileSync(join(directory, 'types.ts'), source)
  const { errors, speed } = compiled(directory, rows)
  const words = errors.filter((_, index) => rows[index].wrong_word)
  const named = predicate => rows.filter((row, index) => predicate(row, errors[index])).map(row => row.name)
  return {
    lines: source.split('\n').length,
    numbered: source.match(/^export \w+ \w*[a-z][0-9]+\b/gm)?.length ?? 0,
    errors_for_a_wrong_word: words.reduce((sum, count) => sum + count, 0) / words.length,
    documents_compiled_a_second: speed,
    refused_though_valid: named((row, count) => row.valid && count > 0),
    passed_though_invalid: named((row, count) => !row.valid && count === 0)
  }
}

const before = await figures('strict', 'telemetry.schema.json')
const after = await figures('codegen', 'codegen/telemetry.schema.json')
console.log(JSON.stringify({ before, after }))
