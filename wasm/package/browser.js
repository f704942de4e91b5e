import init from './gate.js'
import { open } from './validate.js'

// Written here and in this form, because bundlers look for it.
await init({ module_or_path: new URL('./gate_bg.wasm', import.meta.url) })
export const { CONTRACT_VERSION, MAX_DOCUMENT_BYTES, validate } = open()
