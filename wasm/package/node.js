import { readFileSync } from 'node:fs'
import { initSync } from './gate.js'
import { open } from './validate.js'

initSync({ module: readFileSync(new URL('./gate_bg.wasm', import.meta.url)) })
export const { CONTRACT_VERSION, MAX_DOCUMENT_BYTES, validate } = open()
