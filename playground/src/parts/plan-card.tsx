/** The plan of one reply: in short over its words, and whole beside the conversation. */

import type { ComponentChildren } from 'preact'
import { fieldOf } from '../context'
import { type AgentTurn, isRunning, planOf, type Reply, shownReply, skillOf } from '../conversation'
import { categoryName, colourOf, skillName } from '../info'
import { duration, percent, signed } from '../numbers'
import type { Evidence, Plan, Usage } from '../plan'
import { Icon } from './icons'
import { SkillName } from './skill-name'
import { type Lit, UNLIT, useView } from './view'

/** What can be done about the reply of a plan. */
export type Acts = { choose: () => void; again: (chosen: string | null) => void; show: (reply: number) => void }

type ThoughtProps = { turn: AgentTurn; number: number; open: boolean; select: () => void }

/** `headed`: with skill and thought, where the card does not stand right under them. */
type CardProps = { turn: AgentTurn; busy: boolean; acts: Acts; headed: boolean }

/** Return all evidence of a plan as something to highlight. */
export function litBy(plan: Plan | null): Lit {
  if (plan === null) return UNLIT
  const of = (kind: Evidence['kind']) => plan.evidence.filter((item) => item.kind === kind && item.effect > 0)
  return {
    turns: new Map(of('turn').map((item) => [Number(item.where), item.effect])),
    fields: new Map(of('context').map((item) => [item.where, item.effect])),
  }
}

/** The plan in short, over the reply: the skill, how sure the planner is, and the thought. */
export function Thought({ turn, number, open, select }: ThoughtProps) {
  const { info, words, light } = useView()
  const reply = shownReply(turn)
  const plan = planOf(reply)
  const skill = skillOf(turn)
  const show = () => light(litBy(plan))
  const hide = () => light(null)
  return (
    <div
      role="group"
      class="thought"
      data-colour={colourOf(info, skill)}
      aria-label={words.planOf(number)}
      onMouseEnter={show}
      onMouseLeave={hide}
      onFocusIn={show}
      onFocusOut={hide}
    >
      <Head reply={reply} skill={skill}>
        <button type="button" class="more" aria-expanded={open} onClick={select}>
          {words.more}
          <Icon name="right" />
          <span class="out-of-sight"> {words.ofReply(number)}</span>
        </button>
      </Head>
      <Explanation reply={reply} />
    </div>
  )
}

/** The whole plan: the thought, what can be done about it, evidence, ranked skills, what it cost. */
export function PlanCard({ turn, busy, acts, headed }: CardProps) {
  const { info, words, light } = useView()
  const reply = shownReply(turn)
  const plan = planOf(reply)
  const skill = skillOf(turn)
  const lightAll = () => light(litBy(plan))
  // Where a person chose the skill, nobody ranked; what the planner said before still helps to choose.
  const ranked = reply.chosen ? turn.replies.map(planOf).find((each) => each?.alternatives.length) : plan
  return (
    <div class="plan" data-colour={colourOf(info, skill)} onMouseEnter={lightAll} onMouseLeave={() => light(null)}>
      {headed && <Head reply={reply} skill={skill} />}
      {headed && <Explanation reply={reply} />}
      <div class="acts">
        <button type="button" disabled={busy} onClick={acts.choose}>
          <Icon name="pick" />
          {words.choose}
        </button>
        <button type="button" disabled={busy} title={words.againLong} onClick={() => acts.again(null)}>
          <Icon name="again" />
          {reply.chosen ? words.plannerAgain : words.again}
        </button>
        <Variants turn={turn} show={acts.show} />
      </div>
      {plan?.valid && !reply.chosen && <EvidenceList plan={plan} all={lightAll} />}
      {ranked && !ranked.error && <Ranking plan={ranked} busy={busy} chosen={skill} again={acts.again} />}
      <Costs reply={reply} />
    </div>
  )
}

function Explanation({ reply }: { reply: Reply }) {
  const plan = planOf(reply)
  if (!plan?.explanation || reply.told?.planned === false) return null
  return (
    <p class="explanation" dir="auto">
      {plan.explanation}
    </p>
  )
}

function Head({ reply, skill, children }: { reply: Reply; skill: string | null; children?: ComponentChildren }) {
  const { info, lang, words } = useView()
  const plan = planOf(reply)
  if (skill === null && isRunning(reply.status) && plan === null) {
    return <p class="waiting">{words.planning}</p>
  }
  if (skill === null) {
    const why = words.unplanned[reply.told?.reason ?? ''] ?? words.unplannedOther
    return (
      <>
        <div class="head">
          <strong class="skill none">{words.noPlan}</strong>
          {children}
        </div>
        <p class="soft">{why}</p>
        {plan?.error && <p class="soft detail">{plan.error}</p>}
      </>
    )
  }
  const category = info.skills.find((each) => each.name === skill)?.category
  return (
    <div class="head">
      <SkillName name={skill} />
      {reply.chosen ? (
        <span class="badge">{words.youChose}</span>
      ) : (
        plan?.confidence != null && (
          <span class="confidence" title={words.confidence}>
            <span class="out-of-sight">{words.confidence} </span>
            {percent(plan.confidence)}
          </span>
        )
      )}
      {category && <small>{categoryName(info, category, lang)}</small>}
      {children}
    </div>
  )
}

const Part = ({ title, children }: { title: string; children: ComponentChildren }) => (
  <div class="part">
    <h3>{title}</h3>
    {children}
  </div>
)

function EvidenceList({ plan, all }: { plan: Plan; all: () => void }) {
  const { words } = useView()
  if (!plan.evidence.length) {
    return (
      <Part title={words.evidence}>
        <p class="soft">{words.noEvidence}</p>
      </Part>
    )
  }
  const most = Math.max(...plan.evidence.map((item) => Math.abs(item.effect)), 1e-9)
  return (
    <Part title={words.evidence}>
      <ul class="evidence">
        {plan.evidence.map((item) => (
          <li key={`${item.kind} ${item.where}`}>
            <EvidenceItem item={item} share={Math.abs(item.effect) / most} all={all} />
          </li>
        ))}
      </ul>
    </Part>
  )
}

function EvidenceItem({ item, share, all }: { item: Evidence; share: number; all: () => void }) {
  const { words, light } = useView()
  const place = Number(item.where)
  const field = item.kind === 'context' ? fieldOf(item.where) : null
  const where = item.kind === 'turn' ? words.turn(place + 1) : field ? words.fields[field] : item.where
  const one: Lit =
    item.kind === 'turn'
      ? { turns: new Map([[place, item.effect]]), fields: new Map() }
      : { turns: new Map(), fields: new Map([[item.where, item.effect]]) }
  const go = () => {
    const target = item.kind === 'turn' ? `turn-${place}` : field ? `field-${field}` : ''
    document.getElementById(target)?.scrollIntoView({ block: 'center' })
  }
  return (
    <button
      type="button"
      data-against={item.effect < 0 || undefined}
      onMouseEnter={() => light(one)}
      onMouseLeave={all}
      onFocus={(event) => {
        event.stopPropagation()
        light(one)
      }}
      onFocusIn={(event) => event.stopPropagation()}
      onClick={go}
    >
      <q dir="auto">{item.quote}</q>
      <span class="where">{where}</span>
      <span class="bar" aria-hidden="true">
        <i style={{ width: `${Math.round(share * 100)}%` }} />
      </span>
      <span class="number" title={words.effect(signed(item.effect))}>
        {signed(item.effect)}
        <span class="out-of-sight"> {item.effect < 0 ? words.speaksAgainst : words.speaksFor}</span>
      </span>
    </button>
  )
}

type RankingProps = { plan: Plan; busy: boolean; chosen: string | null; again: (skill: string) => void }

function Ranking({ plan, busy, chosen, again }: RankingProps) {
  const { info, lang, words } = useView()
  if (!plan.alternatives.length) {
    return (
      <Part title={words.alternatives}>
        <p class="soft">{words.noAlternatives}</p>
      </Part>
    )
  }
  const most = Math.max(...plan.alternatives.map((each) => each.confidence ?? 0), 1e-9)
  return (
    <Part title={words.alternatives}>
      <ol class="ranking">
        {plan.alternatives.map(({ skill, confidence }) => (
          <li key={skill} data-colour={colourOf(info, skill)}>
            <button
              type="button"
              disabled={busy}
              aria-current={skill === chosen || undefined}
              title={words.answerWith(skillName(info, skill, lang))}
              onClick={() => again(skill)}
            >
              <span class="name">{skillName(info, skill, lang)}</span>
              <span class="bar" aria-hidden="true">
                <i style={{ width: `${Math.round(((confidence ?? 0) / most) * 100)}%` }} />
              </span>
              <span class="number">{percent(confidence)}</span>
            </button>
          </li>
        ))}
      </ol>
    </Part>
  )
}

/** Stored replies and planners without a model count no tokens. */
const tokens = (usage: Usage | null): string =>
  usage && usage.input + usage.output > 0 ? `${usage.input} / ${usage.output}` : '–'

type CostRow = { name: string; seconds: number | null; first: number | null; usage: Usage | null }

function Costs({ reply }: { reply: Reply }) {
  const { words } = useView()
  const rows: CostRow[] = [
    { name: words.costPlan, seconds: reply.told?.seconds.plan ?? null, first: null, usage: reply.told?.usage.plan ?? null },
    { name: words.costAnswer, ...reply },
    ...(reply.plain ? [{ name: words.costPlain, ...reply.plain }] : []),
  ]
  return (
    <table class="costs">
      <thead>
        <tr>
          <th scope="col">
            <span class="out-of-sight">{words.part}</span>
          </th>
          <th scope="col">{words.time}</th>
          <th scope="col">{words.first}</th>
          <th scope="col">{words.tokens}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.name}>
            <th scope="row">{row.name}</th>
            <td>{duration(row.seconds, words)}</td>
            <td>{duration(row.first, words)}</td>
            <td>{tokens(row.usage)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Variants({ turn, show }: { turn: AgentTurn; show: (reply: number) => void }) {
  const { words } = useView()
  const of = turn.replies.length
  if (of < 2) return null
  return (
    <span class="variants">
      <button type="button" aria-label={words.earlier} disabled={turn.shown === 0} onClick={() => show(turn.shown - 1)}>
        <Icon name="left" />
      </button>
      <span aria-hidden="true">
        {turn.shown + 1}/{of}
      </span>
      <span class="out-of-sight">{words.variant(turn.shown + 1, of)}</span>
      <button type="button" aria-label={words.later} disabled={turn.shown === of - 1} onClick={() => show(turn.shown + 1)}>
        <Icon name="right" />
      </button>
    </span>
  )
}
