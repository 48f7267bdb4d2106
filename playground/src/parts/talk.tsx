/** The conversation: what was said, each reply with its plan beside it and, on demand, the reply without one. */

import { type AgentTurn, type Conversation, isRunning, type Plain, type Reply, shownReply, type UserTurn } from '../conversation'
import { signed } from '../numbers'
import { faultWords } from '../words'
import { type Acts, PlanCard, Thought } from './plan-card'
import { still } from './still'
import { useView } from './view'

export type TalkProps = {
  conversation: Conversation
  selected: number | null
  busy: boolean
  compare: boolean
  /** Whether the whole plan stands beside the conversation, and not under its reply. */
  wide: boolean
  select: (turn: number | null) => void
  acts: (turn: number) => Acts
  plain: (turn: number) => void
}

export function Talk(props: TalkProps) {
  const { words } = useView()
  const { conversation, selected, ...rest } = props
  let number = 0
  return (
    <div role="region" class="talk" aria-label={words.conversation}>
      {conversation.turns.map((turn, place) =>
        turn.who === 'user' ? (
          <Said key={turn.id} turn={turn} place={place} />
        ) : (
          <Answer key={turn.id} turn={turn} place={place} number={++number} open={selected === turn.id} {...rest} />
        ),
      )}
    </div>
  )
}

/** A mark on a turn that is lit as evidence; the brighter, the more it moved the choice. */
function Mark({ place }: { place: number }) {
  const { lit } = useView()
  const effect = lit.turns.get(place)
  return effect === undefined ? null : <span class="mark">{signed(effect)}</span>
}

/** Return the strength (1 to 3) with which a turn is lit; `undefined` for none. */
function useLit(place: number): number | undefined {
  const effect = useView().lit.turns.get(place)
  return effect === undefined ? undefined : Math.abs(effect) > 0.5 ? 3 : Math.abs(effect) > 0.15 ? 2 : 1
}

const Said = still(function Said({ turn, place }: { turn: UserTurn; place: number }) {
  const { words } = useView()
  return (
    <article class="row said" id={`turn-${place}`} data-lit={useLit(place)}>
      <div class="words">
        <h2 class="out-of-sight">{words.you}</h2>
        <p class="bubble" dir="auto">
          {turn.text}
        </p>
        <Mark place={place} />
      </div>
    </article>
  )
})

type AnswerProps = Omit<TalkProps, 'conversation' | 'selected'> & { turn: AgentTurn; place: number; number: number; open: boolean }

const Answer = still(function Answer({ turn, place, number, open, ...props }: AnswerProps) {
  const { words } = useView()
  const reply = shownReply(turn)
  const select = () => props.select(open && !props.wide ? null : turn.id)
  return (
    <article class="row answer" id={`turn-${place}`} data-reply={turn.id} data-lit={useLit(place)} data-selected={open || undefined} tabIndex={-1}>
      <Thought turn={turn} number={number} open={open} select={select} />
      <div class="words" data-compare={props.compare || undefined}>
        <h2 class={props.compare ? 'label' : 'out-of-sight'}>{props.compare ? words.withPlan : words.replyNumber(number)}</h2>
        <div class="bubble" aria-busy={isRunning(reply.status)}>
          <Spoken words={reply} />
        </div>
        <Mark place={place} />
        {props.compare && <Without reply={reply} busy={props.busy} plain={() => props.plain(turn.id)} />}
      </div>
      {open && !props.wide && <PlanCard turn={turn} busy={props.busy} acts={props.acts(turn.id)} headed={false} />}
    </article>
  )
})

function Spoken({ words: reply }: { words: Reply | Plain }) {
  const { words } = useView()
  return (
    <>
      {reply.text ? (
        <p dir="auto" data-writing={reply.status === 'writing' || undefined}>
          {reply.text}
        </p>
      ) : (
        isRunning(reply.status) && (
          <p class="dots" aria-label={words.writing} role="img">
            <i />
            <i />
            <i />
          </p>
        )
      )}
      {reply.status === 'stopped' && <p class="soft">{words.stopped}</p>}
      {reply.status === 'cut' && reply.text && <p class="warning">{words.cut}</p>}
    </>
  )
}

function Without({ reply, busy, plain }: { reply: Reply; busy: boolean; plain: () => void }) {
  const { words, lang } = useView()
  const other = reply.plain
  return (
    <div class="without">
      <h2 class="label">{words.withoutPlan}</h2>
      {other === null || (other.status !== 'done' && !isRunning(other.status) && !other.text) ? (
        <div class="bubble empty">
          {other?.fault && <p class="warning">{faultWords(other.fault, lang)}</p>}
          <button type="button" disabled={busy} onClick={plain}>
            {words.fetchPlain}
          </button>
        </div>
      ) : (
        <div class="bubble" aria-busy={isRunning(other.status)}>
          <Spoken words={other} />
          {other.status === 'done' && other.text === reply.text && <p class="soft">{words.same}</p>}
        </div>
      )}
    </div>
  )
}
