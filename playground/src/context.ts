/** The social context: what is true before the first turn, in the fields of the library's `SocialContext`. */

import { isObject } from './plan'

/** The fields that the page always shows, in order. */
export const FIELDS = ['situation', 'relationship', 'user', 'agent', 'emotion', 'text'] as const
export type Field = (typeof FIELDS)[number]

/** Values of the shown fields, and further facts by name that came with a file. */
export type Context = Record<Field, string> & { more: Record<string, string> }

export const EMPTY: Context = {
  situation: '',
  relationship: '',
  user: '',
  agent: '',
  emotion: '',
  text: '',
  more: {},
}

/** What the library calls the fields that are not fields of its own. */
const PERSONA = { user: "User's persona", agent: "Assistant's persona" } as const
const OWN = ['situation', 'relationship', 'emotion', 'text'] as const
const SINGLE = [
  'elapsed',
  'previous_summary',
  'topic',
  'intake_form',
  'attitude',
  'roles',
  'norm',
  'event',
  'experience',
  'personality',
]
const LISTS = ['services', 'rules_of_thumb', 'priorities']

const WORDING: Record<(typeof OWN)[number], string> = {
  situation: 'Situation: ',
  relationship: 'Relationship: ',
  emotion: 'Feeling: ',
  text: '',
}

export type ContextJson = Record<string, string | string[] | Record<string, string>>

/** Say whether nothing is known. */
export const isEmpty = (context: Context): boolean =>
  FIELDS.every((field) => !context[field].trim()) && Object.values(context.more).every((value) => !value.trim())

/** Write the context as the library's `SocialContext`; empty fields are left out. */
export function toJson(context: Context): ContextJson {
  const found: ContextJson = {}
  const extra: Record<string, string> = {}
  for (const field of OWN) if (context[field].trim()) found[field] = context[field].trim()
  for (const field of ['user', 'agent'] as const) {
    if (context[field].trim()) extra[PERSONA[field]] = context[field].trim()
  }
  for (const [name, value] of Object.entries(context.more)) {
    if (!value.trim()) continue
    if (SINGLE.includes(name)) found[name] = value.trim()
    else if (LISTS.includes(name)) found[name] = value.split('\n').filter((line) => line.trim())
    else extra[name] = value.trim()
  }
  if (Object.keys(extra).length) found.extra = extra
  return found
}

/** Read a `SocialContext`; what is not text is left out. */
export function fromJson(value: unknown): Context {
  const context: Context = { ...EMPTY, more: {} }
  if (!isObject(value)) return context
  for (const field of OWN) if (typeof value[field] === 'string') context[field] = value[field]
  for (const name of SINGLE) if (typeof value[name] === 'string') context.more[name] = value[name]
  for (const name of LISTS) {
    const list = value[name]
    if (Array.isArray(list)) context.more[name] = list.filter((item) => typeof item === 'string').join('\n')
  }
  for (const [name, text] of Object.entries(isObject(value.extra) ? value.extra : {})) {
    if (typeof text !== 'string') continue
    const field = fieldOf(name)
    if (field === 'user' || field === 'agent') context[field] = text
    else context.more[name] = text
  }
  return context
}

/** Return the shown field that a planner's evidence calls `where`, or `null` where the page has none. */
export function fieldOf(where: string): Field | null {
  if (where === PERSONA.user) return 'user'
  if (where === PERSONA.agent) return 'agent'
  return FIELDS.find((field) => field === where) ?? null
}

/** Write the context for the model that answers, one fact a line. */
export function inWords(context: Context): string {
  const lines: string[] = []
  for (const field of ['text', 'situation', 'emotion', 'relationship'] as const) {
    if (context[field].trim()) lines.push(WORDING[field] + context[field].trim())
  }
  for (const field of ['user', 'agent'] as const) {
    if (context[field].trim()) lines.push(`${PERSONA[field]}: ${context[field].trim()}`)
  }
  for (const [name, value] of Object.entries(context.more)) if (value.trim()) lines.push(`${name}: ${value.trim()}`)
  return lines.join('\n')
}
