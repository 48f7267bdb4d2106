/** Parts of a long list that are drawn again only when what they show changes. */

import { Component, type ComponentType, h } from 'preact'

const same = (a: Record<string, unknown>, b: Record<string, unknown>): boolean =>
  Object.keys(b).every((name) => a[name] === b[name] || typeof b[name] === 'function')

/**
 * Return `Part`, drawn again only when a prop that is no function has changed.
 *
 * The functions that the page hands down do the same from one drawing to the next: they read what is current.
 */
export function still<P extends object>(Part: ComponentType<P>): ComponentType<P> {
  return class Still extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      return !same(this.props as Record<string, unknown>, next as Record<string, unknown>)
    }

    render() {
      return h(Part, this.props as P)
    }
  }
}
