import { describe, expect, test } from 'vitest'
import { EMPTY, fieldOf, fromJson, inWords, toJson } from '../src/context'
import { joinTold, readPlan, readTold } from '../src/plan'
import { body, errorMessage, eventReader, faultOf, readPiece } from '../src/wire'

const context = { ...EMPTY, situation: ' A shop ', user: 'New here', more: { topic: 'chains', services: 'a\nb', Mood: 'calm' } }
const said = [{ who: 'user', text: 'Hi' } as const, { who: 'agent', text: 'Hello' } as const]

describe('requests', () => {
  test('a planned request carries the context twice: in words for the model, in fields for the planner', () => {
    expect(body({ model: 'm', said, context, inject: 'both', planned: true, skill: 'Advice' })).toEqual({
      model: 'm',
      messages: [
        { role: 'system', content: "Situation: A shop\nUser's persona: New here\ntopic: chains\nservices: a\nb\nMood: calm" },
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Hello' },
      ],
      stream: true,
      stream_options: { include_usage: true },
      skillofmind: {
        context: { text: '', situation: 'A shop', topic: 'chains', services: ['a', 'b'], extra: { "User's persona": 'New here', Mood: 'calm' } },
        stream_plan: true,
        inject: 'both',
        skill: 'Advice',
      },
    })
  })

  test('an unplanned request sees the same words and asks for no plan', () => {
    const sent = body({ model: 'm', said, context: EMPTY, inject: null, planned: false, skill: null })
    expect(sent.skillofmind).toEqual({ inject: 'off' })
    expect(sent.messages).toHaveLength(2)
  })
})

describe('context', () => {
  test('what is written is read back', () => {
    expect(fromJson(toJson(context))).toEqual({ ...context, situation: 'A shop' })
  })

  test('evidence finds its field', () => {
    expect(['emotion', "User's persona", "Assistant's persona", 'topic'].map(fieldOf)).toEqual(['emotion', 'user', 'agent', null])
  })

  test('foreign values are left out', () => {
    expect(fromJson({ situation: 3, extra: { a: 1 }, text: 'x' })).toEqual({ ...EMPTY, text: 'x' })
    expect(inWords(EMPTY)).toBe('')
  })
})

describe('streams', () => {
  test('events are whole however the bytes are cut', () => {
    const stream = ': waiting\n\ndata: {"a":1}\r\n\r\ndata: one\ndata: two\n\ndata: [DONE]\n\n'
    for (let size = 1; size < stream.length; size++) {
      const read = eventReader()
      const found: string[] = []
      for (let at = 0; at < stream.length; at += size) found.push(...read(stream.slice(at, at + size)))
      expect(found).toEqual(['{"a":1}', 'one\ntwo', '[DONE]'])
    }
  })

  test('a chunk gives words, plan, usage, end and error', () => {
    expect(readPiece('{"choices":[{"delta":{"content":"Hi"},"finish_reason":null}]}')).toMatchObject({ text: 'Hi', stop: null })
    expect(readPiece('{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}')?.usage).toEqual({ input: 3, output: 4 })
    expect(readPiece('{"choices":[{"delta":{},"finish_reason":"stop"}]}')?.stop).toBe('stop')
    expect(readPiece('{"error":{"message":"no"}}')?.fault).toBe('no')
    expect(readPiece('{"choices":[],"skillofmind":{"plan":{"skill":"Advice","valid":true}}}')?.told?.plan?.skill).toBe('Advice')
  })

  test.each(['[DONE]', '', '3', 'null', '[]', '{"choices":'])('%j is no chunk', (data) => {
    expect(readPiece(data)?.text ?? '').toBe('')
  })
})

describe('what the server tells', () => {
  test('fields of a wrong type become empty', () => {
    const plan = readPlan({ skill: 4, confidence: 'x', alternatives: [{ skill: 'A' }, 3, { confidence: 1 }], evidence: [{ kind: 'turn', where: '2', quote: 'q', effect: null }] })
    expect(plan).toMatchObject({ skill: null, confidence: null, alternatives: [{ skill: 'A', confidence: null }] })
    expect(plan?.evidence).toEqual([{ kind: 'turn', where: '2', quote: 'q', effect: 0 }])
    expect(readPlan('text')).toBeNull()
  })

  test('a later chunk adds to an earlier one', () => {
    const first = readTold({ plan: { skill: 'Advice', valid: true }, inject: 'both', planned: true, seconds: { plan: 0.1 } })
    const last = readTold({ planned: true, seconds: { answer: 2 }, usage: { answer: { prompt_tokens: 1 } } })
    expect(joinTold(first, last)).toMatchObject({
      plan: { skill: 'Advice' },
      inject: 'both',
      seconds: { plan: 0.1, answer: 2 },
      usage: { plan: null, answer: { input: 1, output: 0 } },
    })
    expect(joinTold(null, last)).toBe(last)
  })
})

describe('refusals', () => {
  test.each([
    [403, null, { kind: 'refused', status: 403, detail: 'no' }],
    [429, '7', { kind: 'busy', seconds: 7, detail: 'no' }],
    [429, 'Wed, 21 Oct 2026 07:28:00 GMT', { kind: 'busy', seconds: null, detail: 'no' }],
    [503, '3', { kind: 'refused', status: 503, detail: 'no' }],
    [500, null, { kind: 'refused', status: 500, detail: 'no' }],
  ])('%i', (status, retryAfter, fault) => {
    expect(faultOf(status, '{"error":{"message":"no"}}', retryAfter, true)).toEqual(fault)
  })

  test('a key is asked for where the server wants one, not where its upstream does', () => {
    expect(faultOf(401, '', null, true)).toEqual({ kind: 'key' })
    expect(faultOf(401, '', null, false)).toEqual({ kind: 'refused', status: 401, detail: '' })
  })

  test('an error page has no message', () => {
    expect(errorMessage('<html>')).toBe('')
    expect(errorMessage('{"error":"x"}')).toBe('')
  })
})
