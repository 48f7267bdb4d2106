/** The bar at the top: what is served here, and the actions on the whole conversation. */

import { useEffect, useRef, useState } from 'preact/hooks'
import type { Theme } from '../kept'
import type { Info, Lang } from '../info'
import type { Words } from '../words'
import { Icon } from './icons'

type Props = {
  info: Info | null
  words: Words
  lang: Lang
  theme: Theme
  compare: boolean
  empty: boolean
  canShare: boolean
  setCompare: (on: boolean) => void
  editContext: () => void
  setLang: (lang: Lang) => void
  setTheme: (theme: Theme) => void
  file: (what: 'new' | 'save' | 'open' | 'share') => void
  help: () => void
}

const THEMES: Theme[] = ['system', 'light', 'dark']

export function Top(props: Props) {
  const { info, words } = props
  const [open, setOpen] = useState(false)
  const tools = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const leave = (event: Event) => {
      const away = event.target instanceof Node && !tools.current?.contains(event.target)
      if (away || (event instanceof KeyboardEvent && event.key === 'Escape')) setOpen(false)
    }
    for (const kind of ['click', 'keydown', 'focusin']) document.addEventListener(kind, leave)
    return () => {
      for (const kind of ['click', 'keydown', 'focusin']) document.removeEventListener(kind, leave)
    }
  }, [])
  return (
    <header class="top">
      <h1>
        skillofmind <span>{words.title}</span>
      </h1>
      {info && <Served info={info} words={words} />}
      <div class="tools" ref={tools} data-open={open || undefined}>
        <button type="button" class="quiet to-context" onClick={props.editContext}>
          <Icon name="context" />
          <span>{words.context}</span>
        </button>
        <button type="button" class="quiet" aria-pressed={props.compare} title={words.compareLong} onClick={() => props.setCompare(!props.compare)}>
          <Icon name="compare" />
          <span>{words.compare}</span>
        </button>
        <button type="button" class="quiet to-menu" aria-expanded={open} aria-controls="menu" aria-label={words.menu} onClick={() => setOpen(!open)}>
          <Icon name="menu" />
        </button>
        <Menu {...props} done={() => setOpen(false)} />
      </div>
    </header>
  )
}

function Served({ info, words }: { info: Info; words: Words }) {
  const planner = info.planner.split(':')[0]
  return (
    <p class="served">
      {info.model && !info.offline && (
        <span title={words.model}>
          <span class="out-of-sight">{words.model} </span>
          {info.model}
        </span>
      )}
      {planner && (
        <span>
          {words.planner} {planner}
        </span>
      )}
    </p>
  )
}

function Menu(props: Props & { done: () => void }) {
  const { words, empty } = props
  const act = (work: () => void) => () => {
    props.done()
    work()
  }
  return (
    <div class="menu" id="menu">
      <div class="group" role="group" aria-label={words.file}>
        <button type="button" class="quiet" title={words.newLong} disabled={empty} onClick={act(() => props.file('new'))}>
          {words.new}
        </button>
        <button type="button" class="quiet" title={words.openLong} onClick={act(() => props.file('open'))}>
          {words.open}
        </button>
        <button type="button" class="quiet" title={words.saveLong} disabled={empty} onClick={act(() => props.file('save'))}>
          {words.save}
        </button>
        {props.canShare && (
          <button type="button" class="quiet" title={words.shareLong} disabled={empty} onClick={act(() => props.file('share'))}>
            {words.share}
          </button>
        )}
      </div>
      <div class="group" role="group" aria-label={words.language}>
        {(['en', 'ko'] as const).map((lang) => (
          <button
            key={lang}
            type="button"
            class="quiet"
            lang={lang}
            aria-pressed={props.lang === lang}
            onClick={() => props.setLang(lang)}
          >
            {lang === 'en' ? 'English' : '한국어'}
          </button>
        ))}
      </div>
      <label class="group theme">
        <span class="out-of-sight">{words.theme}</span>
        <select value={props.theme} onChange={(event) => props.setTheme(event.currentTarget.value as Theme)}>
          {THEMES.map((theme) => (
            <option key={theme} value={theme}>
              {words.themes[theme]}
            </option>
          ))}
        </select>
      </label>
      <button type="button" class="quiet" aria-label={words.help} title={words.help} onClick={act(props.help)}>
        <kbd>?</kbd>
      </button>
    </div>
  )
}
