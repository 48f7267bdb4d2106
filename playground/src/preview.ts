/** What the plan of the last reply would be with the context as it is now; asked only where a plan costs little. */

import { useEffect, useState } from 'preact/hooks'
import { plan as askPlan } from './ask'
import { type AgentTurn, type Conversation, planOf, saidBefore, shownReply } from './conversation'
import type { Preview } from './parts/context-form'

/** A planner that took longer for the last reply is not asked while somebody types, in seconds. */
const CHEAP = 0.5
const PAUSE = 350

export function usePreview(now: Conversation, last: AgentTurn | undefined, model: string, running: boolean): Preview | null {
  const [preview, setPreview] = useState<Preview | null>(null)
  const reply = last && shownReply(last)
  const context = JSON.stringify(now.context)
  const stale = !!reply?.context && reply.context !== context
  const cheap = (reply?.told?.seconds.plan ?? Infinity) < CHEAP
  useEffect(() => {
    setPreview(null)
    if (!stale || !cheap || running || !last) return
    const control = new AbortController()
    const asked = { model, said: saidBefore(now, last.id), context: now.context, inject: null, planned: true, skill: null }
    const timer = setTimeout(() => {
      askPlan(asked, control.signal).then(
        (plan) => setPreview({ plan, before: reply ? (planOf(reply)?.skill ?? null) : null }),
        // A preview that fails is no preview; the reply itself will say what is wrong.
        () => setPreview(null),
      )
    }, PAUSE)
    return () => {
      clearTimeout(timer)
      control.abort()
    }
  }, [context, last?.id, stale, cheap, running])
  return preview
}
