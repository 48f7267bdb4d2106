/** Files in and out of the browser. */

import type { Conversation } from './conversation'
import { Failed } from './fault'
import { MOST, type Opened, read, write } from './file'

const TYPE = 'application/json'

export const nameAt = (time: Date): string =>
  `conversation-${time.toISOString().slice(0, 16).replace('T', '-').replace(':', '')}.jsonl`

function fileOf(conversation: Conversation, name: string): File {
  return new File([write(conversation)], name, { type: TYPE })
}

/** Save the conversation among the downloads. */
export function download(conversation: Conversation, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(fileOf(conversation, name))
  link.download = name
  link.click()
  // Some browsers read it only after this turn of the event loop.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

export const canShare = (): boolean =>
  typeof navigator.canShare === 'function' && navigator.canShare({ files: [new File(['{}'], 'a.json', { type: TYPE })] })

/** Hand the conversation to whatever the person shares with; a change of mind is no error. */
export async function share(conversation: Conversation, name: string): Promise<void> {
  try {
    await navigator.share({ files: [fileOf(conversation, name.replace(/l$/, ''))] })
  } catch (error) {
    if (!(error instanceof DOMException)) throw error
  }
}

/** Read a file; throws `Failed` with what is wrong. */
export async function opened(file: File): Promise<Opened> {
  // UTF-8 takes at most four bytes a character.
  if (file.size > 4 * MOST) throw new Failed({ kind: 'file', why: { what: 'size' } })
  return read(await file.text())
}
