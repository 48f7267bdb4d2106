/** The skills over the conversation, one step a reply, coloured by category; a step leads to its reply. */

import { useEffect, useRef } from 'preact/hooks'
import { type AgentTurn, isRunning, planOf, shownReply, skillOf } from '../conversation'
import { categoriesOf, categoryName, colourOf, skillName } from '../info'
import { percent } from '../numbers'
import { still } from './still'
import { useView } from './view'

type Props = { turns: AgentTurn[]; selected: number | null; jump: (turn: number) => void }

export function Timeline({ turns, selected, jump }: Props) {
  const { words } = useView()
  const list = useRef<HTMLOListElement>(null)
  useEffect(() => {
    if (list.current) list.current.scrollLeft = list.current.scrollWidth
  }, [turns.length])
  if (!turns.length) return null
  return (
    <nav class="timeline" aria-label={words.timeline}>
      <ol ref={list} tabIndex={-1}>
        {turns.map((turn, place) => (
          <Step key={turn.id} turn={turn} number={place + 1} current={turn.id === selected} jump={jump} />
        ))}
      </ol>
      <Legend turns={turns} />
    </nav>
  )
}

type StepProps = { turn: AgentTurn; number: number; current: boolean; jump: (turn: number) => void }

const Step = still(function Step({ turn, number, current, jump }: StepProps) {
  const { info, lang, words } = useView()
  const skill = skillOf(turn)
  const reply = shownReply(turn)
  const waiting = reply.told === null && isRunning(reply.status)
  const name = skill !== null ? skillName(info, skill, lang) : waiting ? '…' : words.noPlan
  const category = info.skills.find((each) => each.name === skill)?.category
  const sure = reply.chosen ? words.youChose : percent(planOf(reply)?.confidence ?? null)
  const long = [`${words.replyNumber(number)}: ${waiting ? words.planning : name}`, category && categoryName(info, category, lang), skill && sure]
  return (
    <li data-colour={colourOf(info, skill)}>
      <button
        type="button"
        aria-current={current || undefined}
        aria-label={long.filter(Boolean).join(', ')}
        title={long.filter(Boolean).join(', ')}
        data-chosen={reply.chosen ? true : undefined}
        onClick={() => jump(turn.id)}
      >
        <span class="name">{name}</span>
      </button>
    </li>
  )
})

/** The categories that the conversation has used, with their colours. */
function Legend({ turns }: { turns: AgentTurn[] }) {
  const { info, lang } = useView()
  const used = new Set(turns.map(skillOf).map((skill) => info.skills.find((each) => each.name === skill)?.category))
  return (
    <ul class="legend">
      {categoriesOf(info)
        .filter((category) => used.has(category))
        .map((category) => (
          <li key={category} data-colour={categoriesOf(info).indexOf(category) % 5}>
            {categoryName(info, category, lang)}
          </li>
        ))}
    </ul>
  )
}
