/** The page: it holds what is chosen and open, and hands everything else to its parts. */

import type { ComponentChildren } from 'preact'
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { faultIn, info as askInfo, setKey } from './ask'
import { agentTurns, isRunning, planOf, shownReply, skillOf, START } from './conversation'
import { Failed, type Fault } from './fault'
import { canShare, download, nameAt, opened, share } from './files'
import { categoriesOf, categoryName, type Info, type Lang, skillName } from './info'
import { choices, choose as keepChoices, type Theme } from './kept'
import { Composer } from './parts/composer'
import { ContextForm } from './parts/context-form'
import { Dialog, Help, KeyDialog, SkillPicker } from './parts/dialogs'
import { type Acts, litBy, PlanCard } from './parts/plan-card'
import { Talk } from './parts/talk'
import { Timeline } from './parts/timeline'
import { Top } from './parts/top'
import { type Lit, useView, type View, ViewContext } from './parts/view'
import { usePreview } from './preview'
import { type Session, useSession } from './session'
import { type Command, commandOf } from './shortcuts'
import { faultWords, type Words, WORDS } from './words'

type Open = { what: 'help' } | { what: 'context' } | { what: 'skill'; turn: number } | null

const NO_INFO: Info = { version: '', model: '', planner: '', offline: false, inject: '', skills: [], categories: {} }
const THEMES: Theme[] = ['system', 'light', 'dark']

export function App() {
  const [info, setInfo] = useState<Info | null>(null)
  const [chosen, setChosen] = useState(choices)
  const [open, setOpen] = useState<Open>(null)
  const [said, setSaid] = useState('')
  const [selected, setSelected] = useState<number | null>(null)
  const [lit, light] = useState<Lit | null>(null)
  const [keyTried, setKeyTried] = useState(false)
  const message = useRef<HTMLTextAreaElement>(null)
  const session = useSession(info)
  const words = WORDS[chosen.lang]
  const { conversation, running, trouble, compare } = session
  const answers = agentTurns(conversation)
  const last = answers.at(-1)
  const current = answers.find((turn) => turn.id === selected)
  const target = current ?? last
  const wide = useWide()

  const load = useCallback(async () => {
    try {
      setInfo(await askInfo())
      session.report(null)
    } catch (error) {
      const fault = error instanceof Failed ? error.fault : ({ kind: 'gone' } as const)
      session.report({ fault, again: () => void load() })
    }
  }, [])
  useEffect(() => void load(), [])
  useEffect(() => {
    keepChoices(chosen)
    const root = document.documentElement
    root.lang = chosen.lang
    if (chosen.theme === 'system') delete root.dataset.theme
    else root.dataset.theme = chosen.theme
  }, [chosen])
  // A new reply is the one to look at; where its plan would stand in the way of the talk, it stays closed.
  useEffect(() => setSelected(wide ? (last?.id ?? null) : null), [last?.id, wide])
  useEffect(() => {
    if (running) setSaid('')
  }, [running])
  useFollow(last === undefined ? '' : shownReply(last).text, running)

  const view: View = useMemo(() => {
    const quiet = litBy(current ? planOf(shownReply(current)) : null)
    return { lang: chosen.lang, words, info: info ?? NO_INFO, lit: lit ?? quiet, light }
  }, [chosen.lang, info, lit, current && planOf(shownReply(current))])

  const preview = usePreview(conversation, last, info?.model ?? '', running)
  const lastReply = last && shownReply(last)
  const stale = !!lastReply?.context && lastReply.status === 'done' && lastReply.context !== JSON.stringify(conversation.context)

  const { act: file, input: fileInput } = useFiles(session, words, setSaid)
  const jump = (turn: number) => {
    setSelected(turn)
    const node = document.querySelector<HTMLElement>(`[data-reply="${turn}"]`)
    node?.scrollIntoView({ block: 'start' })
    node?.focus({ preventScroll: true })
  }
  const step = (by: number) => {
    const at = answers.findIndex((turn) => turn.id === selected)
    const next = answers[at < 0 ? answers.length - 1 : Math.min(answers.length - 1, Math.max(0, at + by))]
    if (next) jump(next.id)
  }
  const editContext = () => {
    const form = document.querySelector<HTMLElement>('.side #field-situation')
    if (form?.offsetParent) form.focus()
    else setOpen({ what: 'context' })
  }
  const setTheme = (theme: Theme) => setChosen((now) => ({ ...now, theme }))

  const acts = (turn: number): Acts => ({
    choose: () => setOpen({ what: 'skill', turn }),
    again: (skill) => session.retry(turn, skill),
    show: (reply) => session.change({ do: 'show', turn, reply }),
  })
  const commands: Record<Command, () => void> = {
    escape: () => (open ? setOpen(null) : session.stop()),
    write: () => message.current?.focus(),
    next: () => step(1),
    previous: () => step(-1),
    skill: () => target && !running && setOpen({ what: 'skill', turn: target.id }),
    again: () => target && session.retry(target.id, null),
    compare: () => session.setCompare(!compare),
    context: editContext,
    save: () => answers.length && file('save'),
    open: () => file('open'),
    theme: () => setTheme(THEMES[(THEMES.indexOf(chosen.theme) + 1) % 3] ?? 'system'),
    language: () => setChosen((now) => ({ ...now, lang: now.lang === 'en' ? 'ko' : 'en' })),
    help: () => setOpen({ what: 'help' }),
  }
  useShortcuts(commands, chosen.letters, open !== null || trouble?.fault.kind === 'key')

  const form = (
    <ContextForm
      context={conversation.context}
      stale={stale}
      busy={running}
      preview={preview}
      change={session.change}
      again={() => last && session.retry(last.id, null)}
    />
  )
  return (
    <ViewContext.Provider value={view}>
      <a class="skip" href="#message">
        {words.skip}
      </a>
      <Top
        info={info}
        words={words}
        lang={chosen.lang}
        theme={chosen.theme}
        compare={compare}
        empty={!conversation.turns.length}
        canShare={canShare()}
        setCompare={session.setCompare}
        editContext={editContext}
        setLang={(lang) => setChosen((now) => ({ ...now, lang }))}
        setTheme={setTheme}
        file={file}
        help={() => setOpen({ what: 'help' })}
      />
      <div class="page">
        <aside class="side" aria-label={words.context}>
          {form}
        </aside>
        <main>
          {info?.offline && <Offline words={words} />}
          <Timeline turns={answers} selected={selected} jump={jump} />
          {!info && !trouble && <Loading words={words} />}
          {info && !conversation.turns.length && <Welcome words={words} session={session} />}
          <Talk
            conversation={conversation}
            selected={selected}
            busy={running}
            compare={compare}
            select={setSelected}
            wide={wide}
            acts={acts}
            plain={session.plain}
          />
          <div class="foot">
            <div role="status" class="notice" hidden={!said}>
              {said}
              <button type="button" class="quiet" onClick={() => setSaid('')}>
                {words.close}
              </button>
            </div>
            {trouble && trouble.fault.kind !== 'key' && <Trouble fault={trouble.fault} words={words} session={session} lang={chosen.lang} />}
            <Composer
              field={message}
              draft={session.draft}
              running={running}
              setDraft={session.setDraft}
              say={session.say}
              stop={session.stop}
            />
          </div>
        </main>
        {wide && (
          <aside class="beside" aria-label={words.plan}>
            {target ? (
              <PlanCard key={target.id} turn={target} busy={running} acts={acts(target.id)} headed />
            ) : (
              info && <Atlas info={info} words={words} lang={chosen.lang} />
            )}
          </aside>
        )}
      </div>
      <Announcer turn={last} words={words} />
      {fileInput}
      {open?.what === 'help' && (
        <Help letters={chosen.letters} setLetters={(letters) => setChosen((now) => ({ ...now, letters }))} close={() => setOpen(null)} />
      )}
      {open?.what === 'context' && (
        <Dialog title={words.context} name="context-sheet" close={() => setOpen(null)}>
          {form}
        </Dialog>
      )}
      {open?.what === 'skill' && (
        <SkillPicker
          current={skillOfTurn(open.turn)}
          close={() => setOpen(null)}
          pick={(skill) => {
            setOpen(null)
            session.retry(open.turn, skill)
          }}
        />
      )}
      {trouble?.fault.kind === 'key' && (
        <KeyDialog
          key={trouble}
          wrong={keyTried}
          close={() => session.report(null)}
          use={(key) => {
            setKey(key)
            setKeyTried(true)
            session.report(null)
            trouble.again()
          }}
        />
      )}
    </ViewContext.Provider>
  )

  function skillOfTurn(id: number): string | null {
    const turn = answers.find((each) => each.id === id)
    return turn ? skillOf(turn) : null
  }
}

const Offline = ({ words }: { words: Words }) => (
  <p class="offline">
    <strong>{words.offline}</strong> {words.offlineMore}
  </p>
)

/** The skills that a plan can name, until there is one. */
function Atlas({ info, words, lang }: { info: Info; words: Words; lang: Lang }) {
  return (
    <div class="atlas">
      <p class="soft">{words.noPlanNow}</p>
      <h2>{words.atlas(info.skills.length)}</h2>
      <ul>
        {categoriesOf(info).map((category, place) => (
          <li key={category} data-colour={place % 5}>
            <h3>{categoryName(info, category, lang)}</h3>
            <p>
              {info.skills
                .filter((skill) => skill.category === category)
                .map((skill) => skillName(info, skill.name, lang))
                .join(', ')}
            </p>
          </li>
        ))}
      </ul>
    </div>
  )
}

const Loading = ({ words }: { words: Words }) => (
  <div class="loading" role="status">
    <span class="out-of-sight">{words.loading}</span>
    <i />
    <i />
    <i />
  </div>
)

function Welcome({ words, session }: { words: Words; session: Session }) {
  return (
    <div class="welcome">
      <h2>{words.tagline}</h2>
      <p class="soft">{words.begin}</p>
      <ul>
        {words.examples.map((example) => (
          <li key={example.title}>
            <button
              type="button"
              onClick={() => {
                session.change({ do: 'know', context: { ...START.context, ...example.context, more: {} } })
                session.say(example.say)
              }}
            >
              <strong>{example.title}</strong>
              <span>{example.say}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}

type TroubleProps = { fault: Fault; words: Words; session: Session; lang: View['lang'] }

function Trouble({ fault, words, session, lang }: TroubleProps) {
  const again = session.trouble?.again
  return (
    <div role="alert" class="trouble">
      <p>{faultWords(fault, lang)}</p>
      {fault.kind !== 'file' && again && (
        <button type="button" onClick={again}>
          {words.retry}
        </button>
      )}
      <button type="button" class="quiet" onClick={() => session.report(null)}>
        {words.close}
      </button>
    </div>
  )
}

/** Says to a screen reader what has come: the skill with the plan, the words once they are whole. */
function Announcer({ turn, words }: { turn: ReturnType<typeof agentTurns>[number] | undefined; words: Words }) {
  const started = useRef(false)
  const { info, lang } = useView()
  const reply = turn && shownReply(turn)
  if (reply && isRunning(reply.status)) started.current = true
  const skill = turn ? skillOf(turn) : null
  let text = ''
  if (turn && reply && started.current) {
    if (reply.status === 'asked') text = words.planning
    else if (reply.status === 'writing') text = skill ? words.skillSaid(skillName(info, skill, lang)) : words.writing
    else text = words.said(reply.text)
  }
  return (
    <div class="out-of-sight" aria-live="polite" aria-atomic="true" id="announcer">
      {text}
    </div>
  )
}

/** Say whether there is room for the whole plan beside the conversation; as in `page.css`. */
function useWide(): boolean {
  const query = useMemo(() => matchMedia('(min-width: 901px)'), [])
  const [wide, setWide] = useState(query.matches)
  useEffect(() => {
    const look = () => setWide(query.matches)
    query.addEventListener('change', look)
    return () => query.removeEventListener('change', look)
  }, [])
  return wide
}

/** Keep the end in sight while a reply is written, unless the reader went up. */
function useFollow(text: string, running: boolean): void {
  const near = useRef(true)
  useEffect(() => {
    const look = () => {
      const page = document.documentElement
      near.current = page.scrollHeight - page.scrollTop - page.clientHeight < 160
    }
    addEventListener('scroll', look, { passive: true })
    return () => removeEventListener('scroll', look)
  }, [])
  useEffect(() => {
    if (running) near.current = true
  }, [running])
  useEffect(() => {
    if (running && near.current) scrollTo({ top: document.documentElement.scrollHeight })
  }, [text, running])
}

function useShortcuts(commands: Record<Command, () => void>, letters: boolean, covered: boolean): void {
  const latest = useRef({ commands, letters, covered })
  latest.current = { commands, letters, covered }
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const now = latest.current
      const node = event.target
      const typing = node instanceof HTMLElement && node.matches('input:not([type=checkbox]), textarea, select')
      const command = commandOf(event, typing, now.letters)
      // An open dialog closes itself with Esc and takes no letters.
      if (command === null || now.covered || event.defaultPrevented) return
      if (command !== 'escape') event.preventDefault()
      now.commands[command]()
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [])
}

type FileAction = 'new' | 'save' | 'open' | 'share'

function useFiles(session: Session, words: Words, say: (text: string) => void): { act: (what: FileAction) => void; input: ComponentChildren } {
  const saved = useRef(true)
  const turns = session.conversation.turns.length
  useEffect(() => {
    saved.current = turns === 0
  }, [turns])
  const read = async (file: File) => {
    try {
      const { conversation, others } = await opened(file)
      session.open(conversation)
      say([words.opened(conversation.turns.length), others ? words.openedOf(others) : ''].filter(Boolean).join(' '))
    } catch (error) {
      const fault = faultIn(error)
      if (fault) session.report({ fault, again: () => undefined })
    }
  }
  const latest = useRef(read)
  latest.current = read
  useEffect(() => {
    const over = (event: DragEvent) => event.preventDefault()
    const drop = (event: DragEvent) => {
      const file = event.dataTransfer?.files[0]
      event.preventDefault()
      if (file) void latest.current(file)
    }
    addEventListener('dragover', over)
    addEventListener('drop', drop)
    return () => {
      removeEventListener('dragover', over)
      removeEventListener('drop', drop)
    }
  }, [])
  const chooser = useRef<HTMLInputElement>(null)
  const chosen = (input: HTMLInputElement) => {
    const file = input.files?.[0]
    // The same file can be chosen again after it was changed.
    if (file) void read(file).finally(() => (input.value = ''))
  }
  const act = (what: FileAction) => {
    const name = nameAt(new Date())
    if (what === 'open') chooser.current?.click()
    else if (what === 'share') void share(session.conversation, name)
    else if (what === 'save') {
      download(session.conversation, name)
      saved.current = true
      say(words.saved(name))
    } else if (saved.current || confirm(words.newSure)) {
      session.open(START)
      say('')
    }
  }
  const input = (
    <input ref={chooser} id="file" type="file" hidden accept=".json,.jsonl" onChange={(event) => chosen(event.currentTarget)} />
  )
  return { act, input }
}
