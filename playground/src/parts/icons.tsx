/** The few icons of the page; all are decoration beside words or an accessible name. */

const PATHS = {
  context: 'M4 5h16M4 10h16M4 15h10M4 20h7',
  compare: 'M4 5h7v14H4zM15 5h5v14h-5',
  menu: 'M5 12h.01M12 12h.01M19 12h.01',
  close: 'M6 6l12 12M18 6L6 18',
  send: 'M5 12h13M12 5l7 7-7 7',
  stop: 'M7 7h10v10H7z',
  again: 'M20 11a8 8 0 1 0-2.3 6.300M20 5v6h-6',
  left: 'M15 5l-7 7 7 7',
  right: 'M9 5l7 7-7 7',
  pick: 'M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM20 20l-4-4',
} as const

export type IconName = keyof typeof PATHS

export const Icon = ({ name }: { name: IconName }) => (
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d={PATHS[name]} />
  </svg>
)
