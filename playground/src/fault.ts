/** What can go wrong, as data; `words.ts` says it to people. `detail` is text from elsewhere, never markup. */

export type Fault =
  | { kind: 'gone' }
  | { kind: 'key' }
  | { kind: 'busy'; seconds: number | null; detail: string }
  | { kind: 'refused'; status: number; detail: string }
  | { kind: 'cut' }
  | { kind: 'silent' }
  | { kind: 'file'; why: FileFault }

/** What is wrong with a file; `turn` counts from 1. */
export type FileFault =
  | { what: 'size' }
  | { what: 'json'; detail: string }
  | { what: 'shape' }
  | { what: 'version'; version: string }
  | { what: 'turn'; turn: number; part: string }
  | { what: 'people'; count: number }

export class Failed extends Error {
  constructor(readonly fault: Fault) {
    super(fault.kind)
  }
}
