/** One talk at work: the conversation, the request that runs, and what to tell the person about it. */

import { useCallback, useMemo, useRef, useState } from 'preact/hooks'
import { faultIn, reply as askReply, type Heard } from './ask'
import { type Change, changed, type Conversation, type Ending, type Place, saidBefore, shownReply, START } from './conversation'
import type { Fault } from './fault'
import type { Info } from './info'
import { kept, keep } from './kept'

/** Something went wrong; `again` repeats what was asked for. */
export type Trouble = { fault: Fault; again: () => void }

export type Session = {
  conversation: Conversation
  running: boolean
  trouble: Trouble | null
  draft: string
  setDraft: (text: string) => void
  change: (change: Change) => void
  say: (text: string) => void
  retry: (turn: number, chosen: string | null) => void
  plain: (turn: number) => void
  stop: () => void
  /** Put another conversation in the place of this one; what is still on its way to this one is dropped. */
  open: (conversation: Conversation) => void
  report: (trouble: Trouble | null) => void
  compare: boolean
  setCompare: (on: boolean) => void
}

const ended = (heard: Heard): Ending => ({
  status: 'done',
  told: heard.told,
  usage: heard.told?.usage.answer ?? heard.usage,
  seconds: heard.told?.seconds.answer ?? heard.seconds,
  first: heard.first,
})

const broken = (fault: Fault | null): Ending => ({
  status: fault === null ? 'stopped' : 'cut',
  told: null,
  usage: null,
  seconds: null,
  first: null,
})

/** Hold a conversation and give the ways to move it on. */
export function useSession(info: Info | null): Session {
  const now = useRef<Conversation>(useMemo(kept, []) ?? START)
  const stopper = useRef<AbortController | null>(null)
  const comparing = useRef(false)
  const talk = useRef(0)
  const [, draw] = useState(0)
  const [running, setRunning] = useState(false)
  const [trouble, report] = useState<Trouble | null>(null)
  const [draft, setDraft] = useState('')
  const [compare, showCompare] = useState(false)
  // A reference, because parts of the page keep the functions of an earlier drawing.
  const served = useRef(info)
  served.current = info

  const change = useCallback((one: Change) => {
    now.current = changed(now.current, one)
    keep(now.current)
    draw((count) => count + 1)
  }, [])

  /** Return a function that says whether the conversation of this moment is still the one on the page. */
  const isLive = (): (() => boolean) => {
    const then = talk.current
    return () => talk.current === then
  }

  /** Ask for a reply, planned or plain, at `at`; return the fault, or `null` where it went well or was stopped. */
  const ask = async (at: Place, skill: string | null, planned: boolean): Promise<Fault | null> => {
    const control = new AbortController()
    stopper.current = control
    const live = isLive()
    const changeLive = (one: Change) => live() && change(one)
    const asked = {
      model: served.current?.model ?? '',
      said: saidBefore(now.current, at.turn),
      context: now.current.context,
      inject: served.current?.inject === 'off' ? 'both' : null,
      planned,
      skill,
    }
    const listener = {
      text: (text: string) => changeLive({ do: planned ? 'write' : 'write plain', at, text }),
      told: (told: Heard['told'] & object) => planned && changeLive({ do: 'told', at, told }),
    }
    let fault: Fault | null = null
    let ending: Ending
    try {
      ending = ended(await askReply(asked, listener, control.signal))
      if (live() && !wordsAt(now.current, at, planned).trim()) {
        fault = { kind: 'silent' }
        ending = broken(fault)
      }
    } catch (error) {
      fault = faultIn(error)
      ending = broken(fault)
    }
    changeLive(planned ? { do: 'end', at, ending } : { do: 'end plain', at, ending, fault })
    return live() ? fault : null
  }

  const during = async (work: () => Promise<void>): Promise<void> => {
    if (stopper.current !== null) return
    setRunning(true)
    report(null)
    try {
      await work()
    } finally {
      stopper.current = null
      setRunning(false)
    }
  }

  const plainAt = async (turn: number): Promise<void> => {
    const found = now.current.turns.find((each) => each.id === turn)
    if (found?.who !== 'agent') return
    const at = { turn, reply: found.shown }
    change({ do: 'plain', at })
    const fault = await ask(at, null, false)
    if (fault) report({ fault, again: () => plain(turn) })
  }

  /** The reply, then, one after the other so that neither slows the other down, the reply without a plan. */
  const both = async (at: Place, chosen: string | null): Promise<Fault | null> => {
    const live = isLive()
    const fault = await ask(at, chosen, true)
    if (!live()) return null
    const found = now.current.turns.find((each) => each.id === at.turn)
    const whole = found?.who === 'agent' && shownReply(found).status === 'done'
    if (!fault && whole && comparing.current) await plainAt(at.turn)
    return fault
  }

  const say = (text: string): void => {
    void during(async () => {
      const id = now.current.next + 1
      const live = isLive()
      change({ do: 'say', text })
      setDraft('')
      const fault = await both({ turn: id, reply: 0 }, null)
      if (!live()) return
      const gone = !now.current.turns.some((turn) => turn.id === id)
      if (gone) setDraft((typed) => typed || text)
      if (fault) report({ fault, again: () => (gone ? say(text) : retry(id, null)) })
    })
  }

  const retry = (turn: number, chosen: string | null): void => {
    void during(async () => {
      change({ do: 'retry', turn, chosen })
      const found = now.current.turns.find((each) => each.id === turn)
      if (found?.who !== 'agent') return
      const fault = await both({ turn, reply: found.shown }, chosen)
      if (fault) report({ fault, again: () => retry(turn, chosen) })
    })
  }

  const plain = (turn: number): void => void during(() => plainAt(turn))

  const setCompare = (on: boolean): void => {
    comparing.current = on
    showCompare(on)
    const last = now.current.turns.at(-1)
    if (on && last?.who === 'agent' && shownReply(last).status === 'done' && !shownReply(last).plain) plain(last.id)
  }

  const stop = (): void => stopper.current?.abort()
  const open = (conversation: Conversation): void => {
    talk.current += 1
    stop()
    change({ do: 'open', conversation })
    report(null)
  }
  return { conversation: now.current, running, trouble, draft, setDraft, change, say, retry, plain, stop, open, report, compare, setCompare }
}

function wordsAt(conversation: Conversation, at: Place, planned: boolean): string {
  const turn = conversation.turns.find((each) => each.id === at.turn)
  const reply = turn?.who === 'agent' ? turn.replies[at.reply] : undefined
  return (planned ? reply?.text : reply?.plain?.text) ?? ''
}
