/** The version of the contract by which documents are judged. */
export const CONTRACT_VERSION: string

/** The most bytes that a document may have; a receiver need not read more of a larger body. */
export const MAX_DOCUMENT_BYTES: number

export type Kind = 'run-manifest' | 'telemetry'

/** One rule that a document breaks, and where. */
export interface Violation {
  /** `schema.` and a keyword of JSON Schema, or an id of `denylist.json`. */
  readonly rule: string
  /** JSON pointer (RFC 6901); segments that are neither a property of the contract nor an index are `*`. */
  readonly pointer: string
  /** The meaning of the rule, as a fragment of a sentence. The same for every document that breaks it. */
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
  /** The rules that the document breaks, in the order of the checks; 64 at most. */
  readonly violations: readonly [Violation, ...Violation[]]
  /** Whether it states a newer contract of the same major version: park it (CONTRACT.md, Evolution). */
  readonly newerContract: boolean
}

/** The verdict on a document. It contains rules and places, never a value of the document. */
export type Verdict = Accepted | Refused

/**
 * Checks the bytes of one document.
 *
 * Throws a TypeError for a value that is not a Uint8Array: text is already decoded. Throws an Error for a fault of the gate;
 * then nothing is known about the document, and the next call uses a fresh instance.
 */
export function validate(document: Uint8Array): Verdict
