import { describe, expect, test } from 'vitest'
import { colourOf, readInfo, searchSkills, skillName } from '../src/info'
import { duration, percent, signed } from '../src/numbers'
import { commandOf, type Press, sends } from '../src/shortcuts'
import { WORDS } from '../src/words'

const info = readInfo({
  version: '1',
  offline: true,
  skills: [
    { name: 'Empathy', category: 'Warm', definition: 'Cares about a feeling.', names: { ko: '공감' } },
    { name: 'Self-disclosure', category: 'Warm', definition: 'Tells something honest.', names: { ko: '자기 개방' } },
    { name: 'Clarification', category: 'Clear', definition: 'Asks about a feeling or fact.', names: {} },
    { name: '' },
    'x',
  ],
  categories: { Warm: { ko: '따뜻함' } },
})
const names = (query: string) => searchSkills(info, query).map((skill) => skill.name)
const press = (key: string, more: Partial<Press> = {}): Press => ({ key, code: '', ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, isComposing: false, ...more })

describe('skills', () => {
  test('names and colours follow the taxonomy', () => {
    expect(info.skills).toHaveLength(3)
    expect([skillName(info, 'Empathy', 'ko'), skillName(info, 'Clarification', 'ko'), skillName(info, 'Else', 'en')]).toEqual(['공감', 'Clarification', 'Else'])
    expect([colourOf(info, 'Empathy'), colourOf(info, 'Clarification'), colourOf(info, 'Else'), colourOf(info, null)]).toEqual([0, 1, -1, -1])
  })

  test('search finds by beginning, then by part, then by meaning, in both languages', () => {
    expect(names('')).toHaveLength(3)
    expect(names('self disc')).toEqual(['Self-disclosure'])
    expect(names('c')).toEqual(['Clarification', 'Self-disclosure', 'Empathy'])
    expect(names('feeling')).toEqual(['Empathy', 'Clarification'])
    expect(names('공감')).toEqual(['Empathy'])
    expect(names('따뜻')).toEqual(['Empathy', 'Self-disclosure'])
    expect(names('xyz')).toEqual([])
  })
})

describe('keys', () => {
  test('letters work outside of fields only, and can be switched off', () => {
    expect(commandOf(press('j'), false, true)).toBe('next')
    expect(commandOf(press('j'), true, true)).toBeNull()
    expect(commandOf(press('j'), false, false)).toBeNull()
    expect(commandOf(press('?', { shiftKey: true }), false, true)).toBe('help')
  })

  test('a Korean keyboard has the same keys', () => {
    expect(commandOf(press('ㄱ', { code: 'KeyR' }), false, true)).toBe('again')
    expect(commandOf(press('ㄴ', { code: 'KeyS', ctrlKey: true }), true, true)).toBe('save')
  })

  test('Escape and saving work everywhere; the browser keeps its own keys', () => {
    expect(commandOf(press('Escape'), true, false)).toBe('escape')
    expect(commandOf(press('s', { metaKey: true }), true, true)).toBe('save')
    expect(commandOf(press('r', { ctrlKey: true }), false, true)).toBeNull()
    expect(commandOf(press('s', { ctrlKey: true, shiftKey: true }), false, true)).toBeNull()
  })

  test('Enter sends, but not in the middle of a Korean syllable', () => {
    expect(sends(press('Enter'))).toBe(true)
    expect(sends(press('Enter', { shiftKey: true }))).toBe(false)
    expect(sends(press('Enter', { isComposing: true }))).toBe(false)
    expect(sends({ ...press('Enter'), keyCode: 229 })).toBe(false)
  })
})

test('numbers are short', () => {
  expect([0.0042, 0.42, 4.2, 42, null].map((value) => duration(value, WORDS.en))).toEqual(['4.2 ms', '420 ms', '4.20 s', '42.0 s', '–'])
  expect([percent(0.184), percent(null), signed(0.5), signed(-1.234)]).toEqual(['18 %', '–', '+0.50', '−1.23'])
})

test('both languages say the same things', () => {
  const shape = (value: unknown): unknown =>
    typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)])) : typeof value
  const examples = (lang: 'en' | 'ko') => WORDS[lang].examples.map((one) => Object.keys(one.context).sort())
  expect(shape({ ...WORDS.ko, examples: [] })).toEqual(shape({ ...WORDS.en, examples: [] }))
  expect(examples('ko')).toEqual(examples('en'))
})
