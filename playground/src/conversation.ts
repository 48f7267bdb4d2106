/** The conversation as data, and every change to it: a pure reducer. */

import { type Context, EMPTY, type Field } from './context'
import type { Fault } from './fault'
import type { Plan, Told, Usage } from './plan'

/** `asked`: nothing came yet; `writing`: the plan or words came. */
export type Status = 'asked' | 'writing' | 'done' | 'stopped' | 'cut'

/** Words of a model with what they cost. `first` is the time to the first word, in seconds. */
export type Words = { text: string; status: Status; seconds: number | null; first: number | null; usage: Usage | null }

/** One answer to a turn; `chosen` is the skill that a person put in the planner's place. */
export type Reply = Words & { chosen: string | null; context: string; told: Told | null; plain: Plain | null }

/** The same reply without the planner. */
export type Plain = Words & { fault: Fault | null }

export type UserTurn = { id: number; who: 'user'; text: string }
export type AgentTurn = { id: number; who: 'agent'; replies: Reply[]; shown: number }
export type Turn = UserTurn | AgentTurn

export type Conversation = { context: Context; turns: Turn[]; next: number }

/** Which reply a change is about. */
export type Place = { turn: number; reply: number }

/** How a stream ended: with everything, by the reader, or by the network. */
export type Ending = { status: 'done' | 'stopped' | 'cut'; told: Told | null; usage: Usage | null; seconds: number | null; first: number | null }

export type Change =
  | { do: 'say'; text: string }
  | { do: 'retry'; turn: number; chosen: string | null }
  | { do: 'told'; at: Place; told: Told }
  | { do: 'write'; at: Place; text: string }
  | { do: 'end'; at: Place; ending: Ending }
  | { do: 'plain'; at: Place }
  | { do: 'write plain'; at: Place; text: string }
  | { do: 'end plain'; at: Place; ending: Ending; fault: Fault | null }
  | { do: 'show'; turn: number; reply: number }
  | { do: 'context'; field: Field; value: string }
  | { do: 'fact'; name: string; value: string }
  | { do: 'know'; context: Context }
  | { do: 'open'; conversation: Conversation }

export const START: Conversation = { context: EMPTY, turns: [], next: 1 }

const NO_WORDS: Words = { text: '', status: 'asked', seconds: null, first: null, usage: null }

export const newReply = (chosen: string | null, context: Context): Reply => ({
  ...NO_WORDS,
  chosen,
  context: JSON.stringify(context),
  told: null,
  plain: null,
})

/** Return the reply that a turn shows. */
export function shownReply(turn: AgentTurn): Reply {
  const reply = turn.replies[turn.shown]
  if (reply === undefined) throw new RangeError(`turn ${turn.id} shows reply ${turn.shown}, which it has not`)
  return reply
}

export const textOf = (turn: Turn): string => (turn.who === 'user' ? turn.text : shownReply(turn).text)

export const planOf = (reply: Reply): Plan | null => reply.told?.plan ?? null

/** Return the skill that the shown reply follows: the person's, else the plan's, else none. */
export const skillOf = (turn: AgentTurn): string | null => {
  const reply = shownReply(turn)
  return reply.chosen ?? (reply.told?.planned === false ? null : (planOf(reply)?.skill ?? null))
}

export const isRunning = (status: Status): boolean => status === 'asked' || status === 'writing'

export const agentTurns = (conversation: Conversation): AgentTurn[] =>
  conversation.turns.filter((turn): turn is AgentTurn => turn.who === 'agent')

/** Return what was said before turn `id`, as the page shows it now. */
export function saidBefore(conversation: Conversation, id: number): { who: 'user' | 'agent'; text: string }[] {
  const end = conversation.turns.findIndex((turn) => turn.id === id)
  return conversation.turns.slice(0, end).map((turn) => ({ who: turn.who, text: textOf(turn) }))
}

/** Return the conversation after one change. */
export function changed(now: Conversation, change: Change): Conversation {
  switch (change.do) {
    case 'say':
      return said(now, change.text)
    case 'retry':
      return onAgent(now, change.turn, (turn) => ({
        ...turn,
        replies: [...turn.replies, newReply(change.chosen, now.context)],
        shown: turn.replies.length,
      }))
    case 'told':
      return onReply(now, change.at, (reply) => ({ ...reply, told: change.told, status: 'writing' }))
    case 'write':
      return onReply(now, change.at, (reply) => ({ ...reply, text: reply.text + change.text, status: 'writing' }))
    case 'end':
      return ended(now, change.at, change.ending)
    case 'plain':
      return onReply(now, change.at, (reply) => ({ ...reply, plain: { ...NO_WORDS, fault: null } }))
    case 'write plain':
      return onPlain(now, change.at, (plain) => ({ ...plain, text: plain.text + change.text, status: 'writing' }))
    case 'end plain':
      return onPlain(now, change.at, (plain) => ({ ...plain, ...wordsAt(change.ending), fault: change.fault }))
    case 'show':
      return onAgent(now, change.turn, (turn) => ({ ...turn, shown: change.reply }))
    case 'context':
      return { ...now, context: { ...now.context, [change.field]: change.value } }
    case 'fact':
      return { ...now, context: { ...now.context, more: { ...now.context.more, [change.name]: change.value } } }
    case 'know':
      return { ...now, context: change.context }
    case 'open':
      return change.conversation
  }
}

function said(now: Conversation, text: string): Conversation {
  const user: UserTurn = { id: now.next, who: 'user', text }
  const agent: AgentTurn = { id: now.next + 1, who: 'agent', replies: [newReply(null, now.context)], shown: 0 }
  return { ...now, turns: [...now.turns, user, agent], next: now.next + 2 }
}

const wordsAt = (ending: Ending): Pick<Words, 'status' | 'seconds' | 'first' | 'usage'> => ({
  status: ending.status,
  seconds: ending.seconds,
  first: ending.first,
  usage: ending.usage,
})

/** A reply that ended without a word is taken back; with it, where it was the only one, the turn and its question. */
function ended(now: Conversation, at: Place, ending: Ending): Conversation {
  const turn = now.turns.find((each) => each.id === at.turn)
  if (turn === undefined || turn.who === 'user') return now
  if (turn.replies[at.reply]?.text.trim() || ending.status === 'done') {
    return onReply(now, at, (reply) => ({ ...reply, ...wordsAt(ending), told: ending.told ?? reply.told }))
  }
  const replies = turn.replies.filter((_, place) => place !== at.reply)
  if (replies.length) return onAgent(now, at.turn, (each) => ({ ...each, replies, shown: Math.max(0, at.reply - 1) }))
  const place = now.turns.indexOf(turn)
  return { ...now, turns: [...now.turns.slice(0, place - 1), ...now.turns.slice(place + 1)] }
}

function onAgent(now: Conversation, id: number, change: (turn: AgentTurn) => AgentTurn): Conversation {
  return { ...now, turns: now.turns.map((turn) => (turn.id === id && turn.who === 'agent' ? change(turn) : turn)) }
}

function onReply(now: Conversation, at: Place, change: (reply: Reply) => Reply): Conversation {
  return onAgent(now, at.turn, (turn) => ({
    ...turn,
    replies: turn.replies.map((reply, place) => (place === at.reply ? change(reply) : reply)),
  }))
}

function onPlain(now: Conversation, at: Place, change: (plain: Plain) => Plain): Conversation {
  return onReply(now, at, (reply) => (reply.plain === null ? reply : { ...reply, plain: change(reply.plain) }))
}
