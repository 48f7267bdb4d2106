/** A skill's name; hover, focus or a tap shows what the skill does. */

import { useId, useState } from 'preact/hooks'
import { categoryName, skillName } from '../info'
import { useView } from './view'

export function SkillName({ name }: { name: string }) {
  const { info, lang } = useView()
  const [shown, setShown] = useState(false)
  const id = useId()
  const skill = info.skills.find((each) => each.name === name)
  if (skill === undefined) return <strong class="skill">{name}</strong>
  const aim = skill.aims[lang]
  const hide = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || !shown) return
    event.stopPropagation()
    setShown(false)
  }
  return (
    <span class="skill" onMouseEnter={() => setShown(true)} onMouseLeave={() => setShown(false)}>
      <button
        type="button"
        aria-describedby={id}
        onFocus={() => setShown(true)}
        onBlur={() => setShown(false)}
        onClick={() => setShown(true)}
        onKeyDown={hide}
      >
        {skillName(info, name, lang)}
      </button>
      <span role="tooltip" id={id} class="tip" data-shown={shown || undefined}>
        <small>{categoryName(info, skill.category, lang)}</small>
        {aim && <span>{aim}</span>}
        <span lang="en">{skill.definition}</span>
        {skill.when && lang === 'en' && <span class="soft">{skill.when}</span>}
      </span>
    </span>
  )
}
