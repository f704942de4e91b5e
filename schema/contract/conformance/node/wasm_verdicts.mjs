// Runs every vector through the package: node wasm_verdicts.mjs CONTRACT_DIRECTORY PACKAGE_USER. One JSON line per vector.

import { installed } from './installed.mjs'
import { vectors } from './vectors.mjs'

const [directory, user] = process.argv.slice(2)
const { validate } = await installed(user)
for (const { name, bytes } of vectors(directory)) {
  const tripped = validate(bytes).violations.map(({ rule, pointer }) => [rule, pointer])
  const accepts = !tripped.some(([rule]) => rule.startsWith('schema.'))
  console.log(JSON.stringify({ vector: name, schema_accepts: accepts, tripped }))
}
