/** The version of the contract that documents are judged by. */
export const CONTRACT_VERSION: string

/** The most bytes that a document may have; of a larger body not more needs to be read. */
export const MAX_DOCUMENT_BYTES: number

export type Kind = 'run-manifest' | 'telemetry'

/** One rule that a document breaks, and where. */
export interface Violation {
  /** `schema.` and a keyword of JSON Schema, or an id of `denylist.json`. */
  readonly rule: string
  /** JSON pointer (RFC 6901); segments that are no property of the contract and no index are `*`. */
  readonly pointer: string
  /** What the rule says, as a fragment of a sentence. The same for every document that breaks it. */
  readonly message: string
}

export interface Accepted {
  readonly accepted: true
  readonly kind: Kind
  readonly violations: readonly []
  readonly newerContract: false
}

export interface Refused {
  readonly accepted: false
  readonly kind: null
  /** What the document breaks, in the order of the checks; 64 at most. */
  readonly violations: readonly [Violation, ...Violation[]]
  /** Whether it states a newer contract of the same major version: park it (CONTRACT.md, Evolution). */
  readonly newerContract: boolean
}

/** What the gate says of a document. It holds rules and places, never a value of the document. */
export type Verdict = Accepted | Refused

/**
 * Judges the bytes of one document.
 *
 * Throws a TypeError for what is no Uint8Array: text was decoded by somebody. Throws an Error for a fault of the gate;
 * nothing is known of the document then, and the next call is judged by a fresh instance.
 */
export function validate(document: Uint8Array): Verdict
