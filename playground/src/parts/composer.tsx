/** Where a person writes; grows with the text. */

import type { Ref } from 'preact'
import { useLayoutEffect } from 'preact/hooks'
import { sends } from '../shortcuts'
import { Icon } from './icons'
import { useView } from './view'

type Props = {
  field: Ref<HTMLTextAreaElement> & { current: HTMLTextAreaElement | null }
  draft: string
  running: boolean
  setDraft: (text: string) => void
  say: (text: string) => void
  stop: () => void
}

export function Composer({ field, draft, running, setDraft, say, stop }: Props) {
  const { words } = useView()
  useLayoutEffect(() => {
    const area = field.current
    if (area === null) return
    area.style.height = 'auto'
    area.style.height = `${Math.min(area.scrollHeight + 2, 200)}px`
  }, [draft])
  const send = () => {
    if (draft.trim() && !running) say(draft.trim())
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (!sends(event)) return
    event.preventDefault()
    send()
  }
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      <textarea
        ref={field}
        id="message"
        rows={1}
        dir="auto"
        value={draft}
        aria-label={words.composer}
        aria-describedby="send-hint"
        placeholder={words.placeholder}
        enterkeyhint="send"
        onInput={(event) => setDraft(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      {running ? (
        <button key="stop" type="button" class="main stop" onClick={stop}>
          <Icon name="stop" />
          {words.stop}
        </button>
      ) : (
        <button key="send" type="submit" class="main" disabled={!draft.trim()}>
          <Icon name="send" />
          {words.send}
        </button>
      )}
      <p id="send-hint" class="soft">
        {words.sendHint}
      </p>
    </form>
  )
}
