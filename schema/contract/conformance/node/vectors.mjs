// The vectors of a contract, one after the other: the name of the schema that applies, the vector, its name and its bytes.

import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

export const load = path => JSON.parse(readFileSync(path, 'utf8'))

export function* vectors(directory) {
  for (const file of readdirSync(join(directory, 'vectors')).sort()) {
    for (const { schema, tests } of load(join(directory, 'vectors', file))) {
      for (const vector of tests) {
        yield { schema, vector, name: vector.description.split(': ')[0], bytes: bytesOf(vector) }
      }
    }
  }
}

function bytesOf(vector) {
  return vector.raw_base64 === undefined
    ? Buffer.from(vector.raw ?? JSON.stringify(vector.document))
    : Buffer.from(vector.raw_base64, 'base64')
}
