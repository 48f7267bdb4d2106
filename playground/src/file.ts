/**
 * Conversations as files: one line of the library's dialogue JSONL, so that `som plan` and `som data` read it.
 *
 * What only the page knows (other answers to a turn, times, tokens) is in `meta.playground` of a turn. A dialogue
 * of two people from elsewhere can be opened too; whoever speaks second, or `responder`, is the agent.
 */

import { fromJson, toJson } from './context'
import { type AgentTurn, type Conversation, newReply, planOf, type Plain, type Reply, type Status, type Turn } from './conversation'
import { Failed, type FileFault } from './fault'
import { isObject, readPlan, readTold, readUsage, textOr, type Told } from './plan'

export const VERSION = 1

/** Larger files are refused, in characters. */
export const MOST = 5_000_000

const USER = 'User'
const AGENT = 'Assistant'

type Json = Record<string, unknown>

/** Write a conversation as one line. */
export function write(conversation: Conversation): string {
  const dialogue = {
    turns: conversation.turns.map(writeTurn),
    context: toJson(conversation.context),
    id: 'playground:1',
    speakers: [
      { key: USER, human: true },
      { key: AGENT, human: false },
    ],
    responder: AGENT,
    meta: { playground: { version: VERSION } },
  }
  return `${JSON.stringify(dialogue)}\n`
}

function writeTurn(turn: Turn): Json {
  if (turn.who === 'user') return { speaker: USER, text: turn.text }
  const reply = turn.replies[turn.shown]
  const plan = reply ? planOf(reply) : null
  const skill = reply?.chosen ?? plan?.skill
  return {
    speaker: AGENT,
    text: reply?.text ?? '',
    ...(skill ? { annotations: [{ skill, explanation: plan?.explanation ?? '', annotator: plan?.planner || 'playground' }] } : {}),
    meta: { playground: { shown: turn.shown, replies: turn.replies.map(writeReply) } },
  }
}

const writeWords = (words: Reply | Plain): Json => ({
  text: words.text,
  status: words.status,
  seconds: words.seconds,
  first: words.first,
  usage: words.usage && { prompt_tokens: words.usage.input, completion_tokens: words.usage.output },
})

const writeReply = (reply: Reply): Json => ({
  ...writeWords(reply),
  chosen: reply.chosen,
  told: reply.told && writeTold(reply.told),
  plain: reply.plain && writeWords(reply.plain),
})

function writeTold(told: Told): Json {
  const usage = (part: 'plan' | 'answer'): Json | null =>
    told.usage[part] && { prompt_tokens: told.usage[part].input, completion_tokens: told.usage[part].output }
  return { ...told, usage: { plan: usage('plan'), answer: usage('answer') } }
}

/** What came out of a file; `others` counts further dialogues in it, which are not opened. */
export type Opened = { conversation: Conversation; others: number }

const fail = (why: FileFault): never => {
  throw new Failed({ kind: 'file', why })
}

/**
 * Read a conversation.
 *
 * Throws `Failed` with what is wrong and at which turn; the file is then opened not at all.
 */
export function read(text: string): Opened {
  if (text.length > MOST) fail({ what: 'size' })
  const lines = text.replace(/^\uFEFF/, '').split('\n').filter((line) => line.trim())
  const [value, others] = parsed(lines, text)
  if (!isObject(value) || !Array.isArray(value.turns) || value.turns.length === 0) return fail({ what: 'shape' })
  const own = isObject(value.meta) && isObject(value.meta.playground) ? value.meta.playground : null
  if (own !== null && own.version !== VERSION) fail({ what: 'version', version: String(own.version) })
  const agent = agentIn(value)
  const turns = value.turns.map((turn, place) => readTurn(turn, place, agent))
  return { conversation: { context: contextIn(value, agent), turns, next: turns.length + 1 }, others }
}

function parsed(lines: string[], text: string): [unknown, number] {
  try {
    return [JSON.parse(lines[0] ?? ''), lines.length - 1]
  } catch {
    try {
      // Not one line but one document, as an editor may have laid it out.
      return [JSON.parse(text), 0]
    } catch (error) {
      return fail({ what: 'json', detail: error instanceof Error ? error.message : '' })
    }
  }
}

function agentIn(dialogue: Json): string {
  const names = [...new Set((dialogue.turns as unknown[]).map((turn) => (isObject(turn) ? textOr(turn.speaker, '') : '')))]
  if (names.length > 2) fail({ what: 'people', count: names.length })
  if (names.includes(AGENT)) return AGENT
  if (typeof dialogue.responder === 'string' && names.includes(dialogue.responder)) return dialogue.responder
  return names.find((name) => name !== USER && name !== names[0]) ?? AGENT
}

/** The context with what is known of the two speakers. */
function contextIn(dialogue: Json, agent: string): Conversation['context'] {
  const context = fromJson(dialogue.context)
  for (const speaker of Array.isArray(dialogue.speakers) ? dialogue.speakers.filter(isObject) : []) {
    const facts = Array.isArray(speaker.persona) ? speaker.persona.filter((fact) => typeof fact === 'string') : []
    const field = speaker.key === agent ? 'agent' : 'user'
    context[field] = [context[field], ...facts].filter(Boolean).join(' ')
  }
  return context
}

function readTurn(value: unknown, place: number, agent: string): Turn {
  const wrong = (part: string): never => fail({ what: 'turn', turn: place + 1, part })
  if (!isObject(value)) return wrong('{}')
  if (typeof value.speaker !== 'string') return wrong('speaker')
  if (typeof value.text !== 'string') return wrong('text')
  const id = place + 1
  if (value.speaker !== agent) return { id, who: 'user', text: value.text }
  const own = isObject(value.meta) && isObject(value.meta.playground) ? value.meta.playground : null
  if (own === null) return { id, who: 'agent', replies: [annotated(value.text, value.annotations)], shown: 0 }
  return readReplies(id, own, wrong)
}

function readReplies(id: number, own: Json, wrong: (part: string) => never): AgentTurn {
  if (!Array.isArray(own.replies) || own.replies.length === 0) return wrong('meta.playground.replies')
  const replies = own.replies.map((each) => readReply(each, wrong))
  const shown = own.shown
  if (typeof shown !== 'number' || replies[shown] === undefined) return wrong('meta.playground.shown')
  return { id, who: 'agent', replies, shown }
}

/** A reply of a dialogue that was not made here: its first annotation is its plan. */
function annotated(text: string, annotations: unknown): Reply {
  const first: unknown = Array.isArray(annotations) ? annotations[0] : undefined
  const reply: Reply = { ...newReply(null, fromJson(null)), text, status: 'done' }
  if (!isObject(first)) return reply
  const plan = readPlan({ ...first, valid: true, planner: first.annotator })
  return { ...reply, told: readTold({ plan, planned: true }) }
}

const STATUSES: Status[] = ['done', 'stopped', 'cut']

function readWords(value: Json, wrong: (part: string) => never) {
  if (typeof value.text !== 'string') return wrong('meta.playground.text')
  return {
    text: value.text,
    status: STATUSES.find((status) => status === value.status) ?? 'stopped',
    seconds: typeof value.seconds === 'number' ? value.seconds : null,
    first: typeof value.first === 'number' ? value.first : null,
    usage: readUsage(value.usage),
  }
}

function readReply(value: unknown, wrong: (part: string) => never): Reply {
  if (!isObject(value)) return wrong('meta.playground.replies')
  return {
    ...readWords(value, wrong),
    chosen: typeof value.chosen === 'string' ? value.chosen : null,
    context: '',
    told: readTold(value.told),
    plain: isObject(value.plain) ? { ...readWords(value.plain, wrong), fault: null } : null,
  }
}
