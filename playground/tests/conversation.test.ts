import { describe, expect, test } from 'vitest'
import { agentTurns, type Change, changed, type Conversation, type Ending, planOf, saidBefore, shownReply, skillOf, START } from '../src/conversation'
import { readTold } from '../src/plan'

const after = (...changes: Change[]): Conversation => changes.reduce(changed, START)
const done: Ending = { status: 'done', told: null, usage: null, seconds: 1, first: null }
const told = (skill: string, planned = true) => readTold({ plan: { skill, valid: true }, planned })!
const at = { turn: 2, reply: 0 }

describe('a reply', () => {
  test('grows word by word under its plan', () => {
    const now = after(
      { do: 'say', text: 'Hi' },
      { do: 'told', at, told: told('Advice') },
      { do: 'write', at, text: 'He' },
      { do: 'write', at, text: 'llo' },
      { do: 'end', at, ending: done },
    )
    const [turn] = agentTurns(now)
    expect(shownReply(turn!)).toMatchObject({ text: 'Hello', status: 'done', seconds: 1 })
    expect(skillOf(turn!)).toBe('Advice')
  })

  test('without a word is taken back with its question', () => {
    const now = after({ do: 'say', text: 'Hi' }, { do: 'end', at, ending: { ...done, status: 'cut' } })
    expect(now.turns).toEqual([])
  })

  test('that was stopped keeps its words', () => {
    const now = after({ do: 'say', text: 'Hi' }, { do: 'write', at, text: 'He' }, { do: 'end', at, ending: { ...done, status: 'stopped' } })
    expect(shownReply(agentTurns(now)[0]!)).toMatchObject({ text: 'He', status: 'stopped' })
  })

  test('made again stands beside the first, and a failed one goes', () => {
    const first = [{ do: 'say', text: 'Hi' }, { do: 'write', at, text: 'one' }, { do: 'end', at, ending: done }] as Change[]
    const again: Change[] = [...first, { do: 'retry', turn: 2, chosen: 'Ethics' }]
    const second = { turn: 2, reply: 1 }
    const both = after(...again, { do: 'write', at: second, text: 'two' }, { do: 'end', at: second, ending: done })
    expect(agentTurns(both)[0]).toMatchObject({ shown: 1, replies: [{ text: 'one' }, { text: 'two', chosen: 'Ethics' }] })
    expect(skillOf(agentTurns(both)[0]!)).toBe('Ethics')
    expect(shownReply(agentTurns(changed(both, { do: 'show', turn: 2, reply: 0 }))[0]!).text).toBe('one')
    const failed = after(...again, { do: 'end', at: second, ending: { ...done, status: 'cut' } })
    expect(agentTurns(failed)[0]).toMatchObject({ shown: 0, replies: [{ text: 'one' }] })
  })

  test('made without the plan has no skill', () => {
    const now = after({ do: 'say', text: 'Hi' }, { do: 'told', at, told: told('Advice', false) })
    expect(skillOf(agentTurns(now)[0]!)).toBeNull()
    expect(planOf(shownReply(agentTurns(now)[0]!))?.skill).toBe('Advice')
  })
})

test('only what was said before a turn is sent', () => {
  const now = after({ do: 'say', text: 'Hi' }, { do: 'write', at, text: 'Hello' }, { do: 'end', at, ending: done }, { do: 'say', text: 'More' })
  expect(saidBefore(now, 2)).toEqual([{ who: 'user', text: 'Hi' }])
  expect(saidBefore(now, 4).map((one) => one.text)).toEqual(['Hi', 'Hello', 'More'])
})

test('the reply without the planner is a thing of its own', () => {
  const now = after(
    { do: 'say', text: 'Hi' },
    { do: 'write', at, text: 'one' },
    { do: 'plain', at },
    { do: 'write plain', at, text: 'other' },
    { do: 'end plain', at, ending: done, fault: null },
  )
  expect(shownReply(agentTurns(now)[0]!)).toMatchObject({ text: 'one', plain: { text: 'other', status: 'done' } })
})

test('the context can be changed by field and by fact', () => {
  const now = after({ do: 'context', field: 'emotion', value: 'sad' }, { do: 'fact', name: 'topic', value: 'rain' })
  expect(now.context).toMatchObject({ emotion: 'sad', more: { topic: 'rain' } })
})
