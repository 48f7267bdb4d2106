import { describe, expect, test } from 'vitest'
import { agentTurns, changed, type Change, type Conversation, shownReply, START } from '../src/conversation'
import { Failed, type FileFault } from '../src/fault'
import { read, write } from '../src/file'
import { readTold } from '../src/plan'
import { faultWords } from '../src/words'

const at = { turn: 2, reply: 0 }
const usage = { prompt_tokens: 5, completion_tokens: 6 }
const plan = { skill: 'Advice', explanation: 'I want to help.', valid: true, confidence: 0.5, planner: 'embedded:1', evidence: [{ kind: 'turn', where: '0', quote: 'Hi', effect: 1 }] }
const told = readTold({ plan, planned: true, inject: 'both', seconds: { plan: 0.1, answer: 1 }, usage: { plan: usage, answer: usage } })!
const ending = { status: 'done', told, usage: { input: 5, output: 6 }, seconds: 1, first: 0.2 } as const
const changes: Change[] = [
  { do: 'context', field: 'situation', value: 'A shop' },
  { do: 'context', field: 'user', value: 'New here' },
  { do: 'say', text: 'Hi\n<b>' },
  { do: 'write', at, text: 'Hello' },
  { do: 'end', at, ending },
  { do: 'plain', at },
  { do: 'write plain', at, text: 'Yo' },
  { do: 'end plain', at, ending: { ...ending, told: null }, fault: null },
  { do: 'retry', turn: 2, chosen: 'Ethics' },
  { do: 'write', at: { turn: 2, reply: 1 }, text: 'Well' },
  { do: 'end', at: { turn: 2, reply: 1 }, ending },
]
const talk = (): Conversation => changes.reduce(changed, START)

/** What a file cannot hold: the context at the time of each reply. */
const bare = (one: Conversation) => JSON.parse(JSON.stringify(one, (key, value) => (key === 'context' && typeof value === 'string' ? '' : value)))

describe('saving', () => {
  test('what is saved is opened the same', () => {
    const { conversation, others } = read(write(talk()))
    expect(bare(conversation)).toEqual(bare(talk()))
    expect(others).toBe(0)
  })

  test('the file is one dialogue of the library', () => {
    const text = write(talk())
    expect(text.trimEnd()).not.toContain('\n')
    expect(JSON.parse(text)).toMatchObject({
      turns: [
        { speaker: 'User', text: 'Hi\n<b>' },
        { speaker: 'Assistant', text: 'Well', annotations: [{ skill: 'Ethics', annotator: 'embedded:1' }] },
      ],
      context: { situation: 'A shop', extra: { "User's persona": 'New here' } },
      responder: 'Assistant',
      meta: { playground: { version: 1 } },
    })
  })
})

describe('opening', () => {
  test('a file that an editor laid out over many lines', () => {
    expect(read(JSON.stringify(JSON.parse(write(talk())), null, 2)).conversation.turns).toHaveLength(2)
  })

  test('a dialogue of two others; its annotations are plans', () => {
    const dialogue = {
      turns: [
        { speaker: 'Ana', text: 'Hi' },
        { speaker: 'Ben', text: 'Hello', annotations: [{ skill: 'Empathy', explanation: 'She is sad.' }] },
      ],
      context: { topic: 'rain' },
      speakers: [{ key: 'Ana', persona: ['Likes rain.', 'Is old.'] }],
    }
    const { conversation, others } = read(`${JSON.stringify(dialogue)}\n${JSON.stringify(dialogue)}\n`)
    expect(conversation.context).toMatchObject({ user: 'Likes rain. Is old.', more: { topic: 'rain' } })
    const [turn] = agentTurns(conversation)
    expect(shownReply(turn!)).toMatchObject({ text: 'Hello', told: { plan: { skill: 'Empathy', explanation: 'She is sad.' } } })
    expect(others).toBe(1)
  })

  test.each<[string, FileFault['what'], string]>([
    ['{', 'json', 'no JSON'],
    ['[]', 'shape', 'no "turns"'],
    ['{"turns":[]}', 'shape', 'no "turns"'],
    ['{"turns":[{"speaker":"User","text":"a"}],"meta":{"playground":{"version":9}}}', 'version', 'version 9'],
    ['{"turns":[{"speaker":"User","text":"a"},{"speaker":"Assistant"}]}', 'turn', 'Turn 2 has no valid "text"'],
    ['{"turns":[{"speaker":"Assistant","text":"a","meta":{"playground":{"shown":3,"replies":[{"text":"a"}]}}}]}', 'turn', 'shown'],
    ['{"turns":[{"speaker":"Assistant","text":"a","meta":{"playground":{"shown":0,"replies":[{}]}}}]}', 'turn', 'Turn 1'],
    ['{"turns":[{"speaker":"A","text":""},{"speaker":"B","text":""},{"speaker":"C","text":""}]}', 'people', '3 people'],
  ])('%s is refused in words', (text, what, words) => {
    const fault = faultOf(text)
    expect(fault).toMatchObject({ kind: 'file', why: { what } })
    expect(faultWords(fault, 'en')).toContain(words)
    expect(faultWords(fault, 'ko')).toMatch(/[가-힣]/)
  })

  test('a huge file is refused', () => {
    expect(faultOf('x'.repeat(5_000_001))).toEqual({ kind: 'file', why: { what: 'size' } })
  })
})

function faultOf(text: string) {
  try {
    read(text)
  } catch (error) {
    if (error instanceof Failed) return error.fault
    throw error
  }
  throw new Error('it was opened')
}
