// Compiled and never run: what the types of the package let a receiver write, and what they do not.

import { CONTRACT_VERSION, MAX_DOCUMENT_BYTES, validate, type Kind, type Verdict, type Violation } from 'productive-k3s-contract'

export const version: string = CONTRACT_VERSION
export const bound: number = MAX_DOCUMENT_BYTES
export const verdict: Verdict = validate(new Uint8Array())

export function kindOrFirst(): Kind | Violation {
  if (verdict.accepted) {
    // @ts-expect-error nothing is wrong with an accepted document
    verdict.violations[0]
    return verdict.kind
  }
  // @ts-expect-error a refused document has no kind
  verdict.kind.length
  return verdict.violations[0]
}

// @ts-expect-error text is already decoded
validate('{}')
// @ts-expect-error a verdict does not change
verdict.accepted = true
