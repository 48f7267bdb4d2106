/** What every part of the page may look at: the language, the server's skills, and which evidence is lit. */

import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Info, Lang } from '../info'
import type { Words } from '../words'

/** Evidence to highlight: places of turns in the conversation with their effect, and names of context fields. */
export type Lit = { turns: Map<number, number>; fields: Map<string, number> }

export const UNLIT: Lit = { turns: new Map(), fields: new Map() }

export type View = { lang: Lang; words: Words; info: Info; lit: Lit; light: (lit: Lit | null) => void }

export const ViewContext = createContext<View | null>(null)

export function useView(): View {
  const view = useContext(ViewContext)
  if (view === null) throw new Error('useView outside of the page')
  return view
}
