/** What the browser keeps: the conversation while this tab lives, theme and language for longer; never a key. */

import { agentTurns, type Conversation, isRunning, shownReply } from './conversation'
import { read, write } from './file'
import { fromJson, toJson } from './context'
import type { Lang } from './info'

export type Theme = 'system' | 'light' | 'dark'

const TALK = 'skillofmind.talk'
const CONTEXT = 'skillofmind.context'
const CHOICES = 'skillofmind.choices'

export type Choices = { theme: Theme; lang: Lang; letters: boolean }

/** Keep the conversation as a file would hold it; a reply on its way is left for when it has arrived. */
export function keep(conversation: Conversation): void {
  if (agentTurns(conversation).some((turn) => isRunning(shownReply(turn).status))) return
  try {
    sessionStorage.setItem(CONTEXT, JSON.stringify(toJson(conversation.context)))
    if (conversation.turns.length) sessionStorage.setItem(TALK, write(conversation))
    else sessionStorage.removeItem(TALK)
  } catch {
    // Storage may be full or forbidden; the page works without it.
  }
}

/** Return the conversation of this tab before it was loaded again, or `null`. */
export function kept(): Conversation | null {
  try {
    const talk = sessionStorage.getItem(TALK)
    if (talk) return read(talk).conversation
    const context = sessionStorage.getItem(CONTEXT)
    return context ? { context: fromJson(JSON.parse(context)), turns: [], next: 1 } : null
  } catch {
    return null
  }
}

/** Return theme and language as chosen before; else the system's theme and the browser's language. */
export function choices(): Choices {
  const own: Choices = { theme: 'system', lang: navigator.language.startsWith('ko') ? 'ko' : 'en', letters: true }
  try {
    const found = JSON.parse(localStorage.getItem(CHOICES) ?? '{}') as Partial<Choices>
    if (found.theme === 'light' || found.theme === 'dark') own.theme = found.theme
    if (found.lang === 'en' || found.lang === 'ko') own.lang = found.lang
    if (found.letters === false) own.letters = false
  } catch {
    // As above.
  }
  return own
}

export function choose(chosen: Choices): void {
  try {
    localStorage.setItem(CHOICES, JSON.stringify(chosen))
  } catch {
    // As above.
  }
}
