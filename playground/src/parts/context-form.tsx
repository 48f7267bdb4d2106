/** The social context as a form, and what the plan of the last reply would be with it. */

import { type Context, EMPTY, type Field, FIELDS, isEmpty } from '../context'
import type { Change } from '../conversation'
import { percent } from '../numbers'
import type { Plan } from '../plan'
import { SkillName } from './skill-name'
import { useView } from './view'

/** The plan of the last reply if it were made now; `before` is its skill as it stands. */
export type Preview = { plan: Plan | null; before: string | null }

type Props = {
  context: Context
  stale: boolean
  busy: boolean
  preview: Preview | null
  change: (change: Change) => void
  again: () => void
}

const LONG: Field[] = ['situation', 'text']

export function ContextForm({ context, stale, busy, preview, change, again }: Props) {
  const { words, lit } = useView()
  return (
    <form class="context" onSubmit={(event) => event.preventDefault()}>
      <div class="title">
        <h2 id="context-title" tabIndex={-1}>
          {words.context}
        </h2>
        {!isEmpty(context) && (
          <button type="button" class="quiet" onClick={() => change({ do: 'know', context: { ...EMPTY, more: {} } })}>
            {words.clearContext}
          </button>
        )}
      </div>
      <p class="soft">{words.contextIntro}</p>
      {FIELDS.map((field) => (
        <label key={field} data-lit={isLit(field, lit.fields) || undefined}>
          <span>{words.fields[field]}</span>
          <textarea
            id={`field-${field}`}
            dir="auto"
            rows={LONG.includes(field) ? 3 : 1}
            value={context[field]}
            placeholder={words.fieldHints[field]}
            onInput={(event) => change({ do: 'context', field, value: event.currentTarget.value })}
          />
        </label>
      ))}
      {Object.entries(context.more).map(([name, value]) => (
        <label key={name} data-lit={lit.fields.has(name) || undefined}>
          <span>{name}</span>
          <textarea dir="auto" rows={1} value={value} onInput={(event) => change({ do: 'fact', name, value: event.currentTarget.value })} />
        </label>
      ))}
      {stale && <Stale preview={preview} busy={busy} again={again} />}
    </form>
  )
}

function isLit(field: Field, lit: Map<string, number>): boolean {
  if (field === 'user') return lit.has("User's persona")
  if (field === 'agent') return lit.has("Assistant's persona")
  return lit.has(field)
}

function Stale({ preview, busy, again }: { preview: Preview | null; busy: boolean; again: () => void }) {
  const { words } = useView()
  const plan = preview?.plan
  return (
    <div class="stale" role="status">
      <p>{words.contextChanged}</p>
      {plan?.skill && (
        <p>
          {words.wouldPlan} <SkillName name={plan.skill} /> {plan.confidence !== null && percent(plan.confidence)}
          {plan.skill === preview?.before && <span class="soft"> ({words.sameSkill})</span>}
        </p>
      )}
      <button type="button" disabled={busy} onClick={again}>
        {words.planAgain}
      </button>
    </div>
  )
}
