/** The network: one function for each thing that the page asks of its server. */

import { Failed, type Fault } from './fault'
import { type Info, readInfo } from './info'
import { joinTold, type Plan, readPlan, isObject, type Told, type Usage } from './plan'
import { type Asked, body, eventReader, faultOf, readPiece } from './wire'

/** The server's key: held here and nowhere else, gone with the page. */
let key = ''

export const setKey = (value: string): void => {
  key = value
}

/** What came of one reply. */
export type Heard = { told: Told | null; usage: Usage | null; seconds: number; first: number | null }

export type Listener = { text: (more: string) => void; told: (told: Told) => void }

async function request(path: string, init: RequestInit): Promise<Response> {
  const headers = { 'Content-Type': 'application/json', ...(key ? { Authorization: `Bearer ${key}` } : {}) }
  let response: Response
  try {
    response = await fetch(path, { ...init, headers, credentials: 'same-origin', redirect: 'error' })
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new Failed({ kind: 'gone' })
  }
  if (response.ok) return response
  const { status, headers: told } = response
  // What came from the upstream says what became of the plan.
  throw new Failed(faultOf(status, await response.text(), told.get('Retry-After'), !told.has('X-Skillofmind')))
}

/** Ask what is served here. Addresses are relative to the page, so a proxy may put it under any path. */
export async function info(): Promise<Info> {
  const response = await request('api/info', { method: 'GET' })
  return readInfo(await response.json())
}

/** Ask how the next reply would be planned, without an answer. */
export async function plan(asked: Asked, signal: AbortSignal): Promise<Plan | null> {
  const sent = body(asked)
  const wanted = { messages: sent.messages, skillofmind: sent.skillofmind }
  const response = await request('../v1/skillofmind/plan', { method: 'POST', body: JSON.stringify(wanted), signal })
  const value: unknown = await response.json()
  return readPlan(isObject(value) && isObject(value.plan) ? value.plan : value)
}

/**
 * Ask for one reply and tell `listener` what arrives, as it arrives.
 *
 * Throws `Failed` with what went wrong, or the signal's error after it was stopped.
 */
export async function reply(asked: Asked, listener: Listener, signal: AbortSignal): Promise<Heard> {
  const start = performance.now()
  const sent = { method: 'POST', body: JSON.stringify(body(asked)), signal }
  const response = await request('../v1/chat/completions', sent)
  const heard: Heard = { told: null, usage: null, seconds: 0, first: null }
  let ended = false
  for await (const data of events(response, signal)) {
    if (data === '[DONE]') ended = true
    const piece = readPiece(data)
    if (piece === null) continue
    if (piece.fault !== null) throw new Failed({ kind: 'refused', status: 0, detail: piece.fault })
    if (piece.told !== null) {
      heard.told = joinTold(heard.told, piece.told)
      if (heard.told) listener.told(heard.told)
    }
    if (piece.text) {
      heard.first ??= (performance.now() - start) / 1000
      listener.text(piece.text)
    }
    heard.usage = piece.usage ?? heard.usage
    if (piece.stop !== null) ended = true
  }
  if (!ended) throw new Failed({ kind: 'cut' })
  heard.seconds = (performance.now() - start) / 1000
  return heard
}

async function* events(response: Response, signal: AbortSignal): AsyncGenerator<string> {
  if (response.body === null) return
  const read = eventReader()
  const decoder = new TextDecoder()
  const reader = response.body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      yield* read(done ? `${decoder.decode()}\n\n` : decoder.decode(value, { stream: true }))
      if (done) return
    }
  } catch (error) {
    if (signal.aborted || error instanceof Failed) throw error
    throw new Failed({ kind: 'cut' })
  }
}

/** Return the fault in an error, or `null` where it is no fault but a stop. */
export function faultIn(error: unknown): Fault | null {
  if (error instanceof Failed) return error.fault
  if (error instanceof DOMException && error.name === 'AbortError') return null
  throw error
}
