/** Requests to the server and its streamed answers: the pure part. `ask.ts` moves the bytes. */

import { type Context, inWords, isEmpty, toJson } from './context'
import type { Fault } from './fault'
import { isObject, type Told, readTold, readUsage, textOr, type Usage } from './plan'

export type Message = { role: 'system' | 'user' | 'assistant'; content: string }

export type Asked = {
  model: string
  said: { who: 'user' | 'agent'; text: string }[]
  context: Context
  /** What of a plan the model sees where the server does not plan by itself; `null` leaves it to the server. */
  inject: string | null
  planned: boolean
  skill: string | null
}

/** What one chunk of a stream adds. */
export type Piece = { text: string; told: Told | null; usage: Usage | null; stop: string | null; fault: string | null }

/** Return the messages that the model sees: the context in words, then what was said. */
export function messages(asked: Asked): Message[] {
  const system: Message[] = isEmpty(asked.context) ? [] : [{ role: 'system', content: inWords(asked.context) }]
  return [...system, ...asked.said.map(({ who, text }) => ({ role: who === 'user' ? 'user' : 'assistant', content: text }) as const)]
}

const given = (fields: Record<string, string | null>): Record<string, string | null> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))

/** Return the body of a request for one reply, with the plan streamed first or without any plan. */
export function body(asked: Asked): Record<string, unknown> {
  const wanted = asked.planned
    ? // Without free text of its own, a planner would take the system message for it and see the context twice.
      { context: { text: '', ...toJson(asked.context) }, stream_plan: true, ...given({ inject: asked.inject, skill: asked.skill }) }
    : { inject: 'off' }
  return {
    model: asked.model,
    messages: messages(asked),
    stream: true,
    stream_options: { include_usage: true },
    skillofmind: wanted,
  }
}

/** Return a function that takes text as it arrives and gives the data of every event that is now whole. */
export function eventReader(): (text: string) => string[] {
  let rest = ''
  let data: string[] = []
  return (text) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    const whole: string[] = []
    for (const line of lines.map((each) => each.replace(/\r$/, ''))) {
      if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''))
      else if (line === '' && data.length) {
        whole.push(data.join('\n'))
        data = []
      }
    }
    return whole
  }
}

/** Read the JSON of one event; `null` for what is no chunk. */
export function readPiece(data: string): Piece | null {
  let chunk: unknown
  try {
    chunk = JSON.parse(data)
  } catch {
    return null
  }
  if (!isObject(chunk)) return null
  const choice: unknown = Array.isArray(chunk.choices) ? chunk.choices[0] : undefined
  const first = isObject(choice) ? choice : {}
  const delta = isObject(first.delta) ? first.delta : isObject(first.message) ? first.message : {}
  return {
    text: textOr(delta.content, ''),
    told: readTold(chunk.skillofmind),
    usage: readUsage(chunk.usage),
    stop: typeof first.finish_reason === 'string' ? first.finish_reason : null,
    fault: isObject(chunk.error) ? textOr(chunk.error.message, 'error') : null,
  }
}

/** Say what an answer that is no success means; `own` says that it is the server's, and not its upstream's. */
export function faultOf(status: number, text: string, retryAfter: string | null, own: boolean): Fault {
  const seconds = retryAfter !== null && /^\d+(\.\d+)?$/.test(retryAfter.trim()) ? Math.ceil(Number(retryAfter)) : null
  const detail = errorMessage(text)
  if (status === 401 && own) return { kind: 'key' }
  if (status === 429) return { kind: 'busy', seconds, detail }
  return { kind: 'refused', status, detail }
}

/** Return the message of an OpenAI error object, or "" where there is none. */
export function errorMessage(text: string): string {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) && isObject(value.error) ? textOr(value.error.message, '') : ''
  } catch {
    return ''
  }
}
