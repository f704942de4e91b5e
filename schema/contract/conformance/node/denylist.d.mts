/** A rule that tripped, and the masked pointer of the place. */
export type Tripped = [rule: string, pointer: string]

export function denylist(rules: unknown, schemas: unknown[]): {
  read(bytes: Uint8Array): { value?: unknown, tripped: Tripped[] }
  walk(value: unknown): Tripped[]
}
