import { webcrypto } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { initSync } from './gate.js'
import { open } from './validate.js'

// Hash tables of the module are seeded from it, and Node.js 18 has it under this name alone.
globalThis.crypto ??= webcrypto
initSync({ module: readFileSync(new URL('./gate_bg.wasm', import.meta.url)) })
export const { CONTRACT_VERSION, MAX_DOCUMENT_BYTES, validate } = open()
