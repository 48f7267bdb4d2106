/** What lies over the page: native dialogs, which hold the focus and close with Esc. */

import type { ComponentChildren } from 'preact'
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { categoriesOf, categoryName, colourOf, searchSkills, type Skill, skillName } from '../info'
import { LIST } from '../shortcuts'
import { Icon } from './icons'
import { useView } from './view'

type DialogProps = { title: string; name: string; close: () => void; children: ComponentChildren }

export function Dialog({ title, name, close, children }: DialogProps) {
  const { words } = useView()
  const node = useRef<HTMLDialogElement>(null)
  const id = useId()
  useLayoutEffect(() => {
    const before = document.activeElement
    node.current?.showModal()
    node.current?.querySelector<HTMLElement>('[data-first]')?.focus()
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={node}
      class={name}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        close()
      }}
      onClick={(event) => event.target === node.current && close()}
    >
      <div class="sheet">
        <div class="title">
          <h2 id={id}>{title}</h2>
          <button type="button" class="quiet" aria-label={words.close} onClick={close}>
            <Icon name="close" />
          </button>
        </div>
        {children}
      </div>
    </dialog>
  )
}

type PickerProps = { current: string | null; pick: (skill: string) => void; close: () => void }

/** All skills, with search; arrows move, Enter takes. */
export function SkillPicker({ current, pick, close }: PickerProps) {
  const { info, words } = useView()
  const [query, setQuery] = useState('')
  const [at, setAt] = useState(0)
  const found = searchSkills(info, query)
  const groups = query.trim() ? [''] : categoriesOf(info)
  const ordered = groups.flatMap((group) => found.filter((skill) => !group || skill.category === group))
  const active = Math.min(at, ordered.length - 1)
  const move = (to: number) => {
    const next = (to + ordered.length) % ordered.length
    setAt(next)
    document.getElementById(`skill-${ordered[next]?.name}`)?.scrollIntoView({ block: 'nearest' })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const chosen = ordered[active]
    if (event.isComposing) return
    if (event.key === 'ArrowDown' && ordered.length) move(active + 1)
    else if (event.key === 'ArrowUp' && ordered.length) move(active - 1)
    else if (event.key === 'Enter' && chosen) pick(chosen.name)
    else return
    event.preventDefault()
  }
  return (
    <Dialog title={words.skillsTitle} name="picker" close={close}>
      <p class="soft">{words.skillsIntro}</p>
      <input
        type="search"
        role="combobox"
        aria-expanded="true"
        aria-controls="skills"
        aria-autocomplete="list"
        aria-activedescendant={ordered[active] ? `skill-${ordered[active].name}` : undefined}
        aria-label={words.search}
        placeholder={words.search}
        value={query}
        list={undefined}
        data-first
        onInput={(event) => {
          setQuery(event.currentTarget.value)
          setAt(0)
        }}
        onKeyDown={onKeyDown}
      />
      <p class="soft count" role="status">
        {ordered.length ? words.count(ordered.length) : words.noSkill}
      </p>
      <div id="skills" role="listbox" aria-label={words.skillsTitle}>
        {groups.map((group) => (
          <Group key={group} name={group}>
            {ordered
              .filter((skill) => !group || skill.category === group)
              .map((skill) => (
                <Option
                  key={skill.name}
                  skill={skill}
                  active={skill === ordered[active]}
                  current={skill.name === current}
                  pick={() => pick(skill.name)}
                />
              ))}
          </Group>
        ))}
      </div>
    </Dialog>
  )
}

function Group({ name, children }: { name: string; children: ComponentChildren }) {
  const { info, lang } = useView()
  if (!name) return <>{children}</>
  const title = categoryName(info, name, lang)
  return (
    <div role="group" aria-label={title}>
      <div class="group" aria-hidden="true">
        {title}
      </div>
      {children}
    </div>
  )
}

type OptionProps = { skill: Skill; active: boolean; current: boolean; pick: () => void }

function Option({ skill, active, current, pick }: OptionProps) {
  const { info, lang } = useView()
  const own = lang === 'en' ? undefined : skill.names[lang]
  return (
    <div
      role="option"
      id={`skill-${skill.name}`}
      aria-selected={active}
      data-colour={colourOf(info, skill.name)}
      data-current={current || undefined}
      onClick={pick}
    >
      <strong>
        {skillName(info, skill.name, lang)}
        {own && <small lang="en">{skill.name}</small>}
      </strong>
      <span>{(own && skill.aims[lang]) || skill.definition}</span>
    </div>
  )
}

type HelpProps = { letters: boolean; setLetters: (on: boolean) => void; close: () => void }

export function Help({ letters, setLetters, close }: HelpProps) {
  const { words } = useView()
  return (
    <Dialog title={words.help} name="help" close={close}>
      <dl>
        {LIST.map(([keys, what]) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{words.keys[what === 'escape' ? 'esc' : what === 'next' || what === 'previous' ? 'move' : what]}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input type="checkbox" checked={letters} onChange={(event) => setLetters(event.currentTarget.checked)} />
        {words.letters}
      </label>
    </Dialog>
  )
}

type KeyProps = { wrong: boolean; use: (key: string) => void; close: () => void }

/** Asks for the server's key; it goes to `use` and is not kept here. */
export function KeyDialog({ wrong, use, close }: KeyProps) {
  const { words } = useView()
  const field = useRef<HTMLInputElement>(null)
  const id = useId()
  return (
    <Dialog title={words.keyTitle} name="key" close={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (field.current?.value) use(field.current.value)
        }}
      >
        <p class="soft">{words.keyIntro}</p>
        {wrong && (
          <p class="warning" role="alert">
            {words.keyWrong}
          </p>
        )}
        <label htmlFor={id}>{words.keyLabel}</label>
        <input ref={field} id={id} type="password" autocomplete="off" spellcheck={false} data-first />
        <button type="submit" class="main">
          {words.keyUse}
        </button>
      </form>
    </Dialog>
  )
}
