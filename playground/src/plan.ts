/** Plans as the server sends them, read from unknown JSON: what is missing or of another type becomes empty. */

export type Evidence = { kind: 'turn' | 'context'; where: string; quote: string; effect: number }
export type Alternative = { skill: string; confidence: number | null }

export type Plan = {
  explanation: string
  skill: string | null
  confidence: number | null
  alternatives: Alternative[]
  evidence: Evidence[]
  valid: boolean
  error: string | null
  planner: string
}

/** Tokens in and out. */
export type Usage = { input: number; output: number }

/** What the server says about one reply beside its words. */
export type Told = {
  plan: Plan | null
  inject: string
  planned: boolean
  reason: string
  seconds: { plan: number | null; answer: number | null }
  usage: { plan: Usage | null; answer: Usage | null }
}

type Json = Record<string, unknown>

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const textOr = (value: unknown, other: string): string => (typeof value === 'string' ? value : other)

const numberOrNull = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null

const listOf = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isObject) : [])

const readEvidence = (item: Json): Evidence => ({
  kind: item.kind === 'turn' ? 'turn' : 'context',
  where: textOr(item.where, ''),
  quote: textOr(item.quote, ''),
  effect: numberOrNull(item.effect) ?? 0,
})

/** Read a plan; `null` where there is none. */
export function readPlan(value: unknown): Plan | null {
  if (!isObject(value)) return null
  return {
    explanation: textOr(value.explanation, ''),
    skill: typeof value.skill === 'string' ? value.skill : null,
    confidence: numberOrNull(value.confidence),
    alternatives: listOf(value.alternatives)
      .filter((item) => typeof item.skill === 'string')
      .map((item) => ({ skill: item.skill as string, confidence: numberOrNull(item.confidence) })),
    evidence: listOf(value.evidence).map(readEvidence),
    valid: value.valid === true,
    error: typeof value.error === 'string' ? value.error : null,
    planner: textOr(value.planner, ''),
  }
}

/** Read token counts in OpenAI's or the library's wording; `null` where there are none. */
export function readUsage(value: unknown): Usage | null {
  if (!isObject(value)) return null
  const input = numberOrNull(value.prompt_tokens)
  const output = numberOrNull(value.completion_tokens)
  return input === null && output === null ? null : { input: input ?? 0, output: output ?? 0 }
}

/** Read the `skillofmind` field of a reply or of a chunk; `null` where there is none. */
export function readTold(value: unknown): Told | null {
  if (!isObject(value)) return null
  const seconds = isObject(value.seconds) ? value.seconds : {}
  const usage = isObject(value.usage) ? value.usage : {}
  const plan = readPlan(value.plan)
  return {
    plan,
    inject: textOr(value.inject, ''),
    planned: typeof value.planned === 'boolean' ? value.planned : plan?.valid === true,
    reason: textOr(value.reason, ''),
    seconds: { plan: numberOrNull(seconds.plan), answer: numberOrNull(seconds.answer) },
    usage: { plan: readUsage(usage.plan), answer: readUsage(usage.answer) },
  }
}

/** Join what an earlier and a later chunk told; the later one wins where it says something. */
export function joinTold(earlier: Told | null, later: Told | null): Told | null {
  if (earlier === null || later === null) return later ?? earlier
  return {
    plan: later.plan ?? earlier.plan,
    inject: later.inject || earlier.inject,
    planned: later.planned,
    reason: later.reason || earlier.reason,
    seconds: {
      plan: later.seconds.plan ?? earlier.seconds.plan,
      answer: later.seconds.answer ?? earlier.seconds.answer,
    },
    usage: { plan: later.usage.plan ?? earlier.usage.plan, answer: later.usage.answer ?? earlier.usage.answer },
  }
}
