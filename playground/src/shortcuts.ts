/** Which key means what. Letters work on any keyboard layout: one that writes no Latin letter goes by its place. */

export type Command =
  | 'escape' | 'write' | 'next' | 'previous' | 'skill' | 'again' | 'compare' | 'context'
  | 'save' | 'open' | 'theme' | 'language' | 'help'

export type Press = { key: string; code: string; ctrlKey: boolean; metaKey: boolean; altKey: boolean; shiftKey: boolean; isComposing: boolean }

const LETTERS: Record<string, Command> = {
  j: 'next',
  k: 'previous',
  s: 'skill',
  r: 'again',
  b: 'compare',
  c: 'context',
  t: 'theme',
  l: 'language',
  '/': 'write',
  '?': 'help',
}

/** What the list under `?` shows: the keys and the command that they give. */
export const LIST: [keys: string[], what: Command | 'send' | 'line' | 'move'][] = [
  [['Enter'], 'send'],
  [['Shift', 'Enter'], 'line'],
  [['Esc'], 'escape'],
  [['/'], 'write'],
  [['J', 'K'], 'move'],
  [['S'], 'skill'],
  [['R'], 'again'],
  [['B'], 'compare'],
  [['C'], 'context'],
  [['Ctrl', 'S'], 'save'],
  [['Ctrl', 'O'], 'open'],
  [['T'], 'theme'],
  [['L'], 'language'],
  [['?'], 'help'],
]

/** Return the letter of a key press as a Latin keyboard would write it. */
function latin(press: Press): string {
  const letter = press.key.toLowerCase()
  if (/^[a-z/?]$/.test(letter)) return letter
  return /^Key[A-Z]$/.test(press.code) ? press.code.slice(3).toLowerCase() : letter
}

/**
 * Return what a key press asks for, or `null`.
 *
 * `typing` says that the focus is in a text field, `letters` that single letters are switched on.
 */
export function commandOf(press: Press, typing: boolean, letters: boolean): Command | null {
  if (press.isComposing) return null
  if (press.key === 'Escape') return 'escape'
  if (press.ctrlKey || press.metaKey) {
    if (press.altKey || press.shiftKey) return null
    return latin(press) === 's' ? 'save' : latin(press) === 'o' ? 'open' : null
  }
  return typing || !letters || press.altKey ? null : (LETTERS[latin(press)] ?? null)
}

/** What Safari says of the Enter that ends a syllable, where it no longer says `isComposing`. */
const COMPOSED = 229

/** Say whether Enter in the message field sends: not with Shift, and not while an input method composes. */
export const sends = (press: Press & { keyCode?: number }): boolean =>
  press.key === 'Enter' && !press.shiftKey && !press.isComposing && press.keyCode !== COMPOSED
