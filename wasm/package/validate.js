import * as gate from './gate.js'

/** What the package exports, once the module is loaded. */
export function open() {
  gate.start()
  const CONTRACT_VERSION = gate.contract_version()
  const MAX_DOCUMENT_BYTES = gate.max_document_bytes()
  const accepted = kind => Object.freeze({ accepted: true, kind, violations: Object.freeze([]), newerContract: false })
  const verdicts = new Map(['run-manifest', 'telemetry'].map(kind => [kind, accepted(kind)]))

  function validate(document) {
    // Not `instanceof`: a document may come from another realm, such as a frame or a test runner.
    if (Object.prototype.toString.call(document) !== '[object Uint8Array]') {
      throw new TypeError('a document is a Uint8Array: the bytes as they came')
    }
    // One byte too many is enough to be refused for the size, and only that much is copied.
    const said = judged(document.subarray(0, MAX_DOCUMENT_BYTES + 1))
    return verdicts.get(said) ?? JSON.parse(said)
  }

  return { CONTRACT_VERSION, MAX_DOCUMENT_BYTES, validate }
}

function judged(bytes) {
  try {
    return gate.judge(bytes)
  } catch (fault) {
    // What the fault left half done is in the memory of the instance, and goes with it.
    gate.__wbg_reset_state()
    gate.start()
    throw new Error(`productive-k3s-contract: ${fault.message}; nothing is known of the document`)
  }
}
