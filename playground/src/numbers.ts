/** Numbers as people read them. */

import type { Words } from './words'

/** Write seconds: below one in whole milliseconds. */
export function duration(seconds: number | null, words: Words): string {
  if (seconds === null) return '–'
  if (seconds < 0.00005) return `< 0.1 ${words.ms}`
  if (seconds < 0.01) return `${(seconds * 1000).toFixed(1)} ${words.ms}`
  return seconds < 1 ? `${Math.round(seconds * 1000)} ${words.ms}` : `${seconds.toFixed(seconds < 10 ? 2 : 1)} ${words.s}`
}

/** Write a probability as whole per cent. */
export const percent = (share: number | null): string => (share === null ? '–' : `${Math.round(share * 100)} %`)

/** Write log-odds with their sign, and a real minus. */
export const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`
