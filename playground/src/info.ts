/** What the server says of itself, and the skills: names in the reader's language, colours, search. */

import { isObject, textOr } from './plan'

export type Lang = 'en' | 'ko'

export type Skill = {
  name: string
  category: string
  definition: string
  when: string
  names: Record<string, string>
  aims: Record<string, string>
}

export type Info = {
  version: string
  model: string
  planner: string
  offline: boolean
  inject: string
  skills: Skill[]
  categories: Record<string, Record<string, string>>
}

/** Categories beyond this many share a colour with an earlier one. */
const COLOURS = 5

const stringsIn = (value: unknown): Record<string, string> =>
  isObject(value)
    ? Object.fromEntries(Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string'))
    : {}

const readSkill = (value: Record<string, unknown>): Skill => ({
  name: textOr(value.name, ''),
  category: textOr(value.category, ''),
  definition: textOr(value.definition, ''),
  when: textOr(value.when, ''),
  names: stringsIn(value.names),
  aims: stringsIn(value.aims),
})

/** Read the answer of `/playground/api/info`. */
export function readInfo(value: unknown): Info {
  const found = isObject(value) ? value : {}
  const skills = Array.isArray(found.skills) ? found.skills.filter(isObject).map(readSkill) : []
  const categories = isObject(found.categories) ? found.categories : {}
  return {
    version: textOr(found.version, ''),
    model: textOr(found.model, ''),
    planner: textOr(found.planner, ''),
    offline: found.offline === true,
    inject: textOr(found.inject, 'both'),
    skills: skills.filter((skill) => skill.name),
    categories: Object.fromEntries(Object.entries(categories).map(([name, names]) => [name, stringsIn(names)])),
  }
}

/** Return the skill's name in `lang`; a name that is not in the taxonomy stays as it is. */
export function skillName(info: Info, name: string, lang: Lang): string {
  return info.skills.find((skill) => skill.name === name)?.names[lang] ?? name
}

/** Return the categories in the order in which the skills bring them up. */
export const categoriesOf = (info: Info): string[] => [...new Set(info.skills.map((skill) => skill.category))]

export const categoryName = (info: Info, category: string, lang: Lang): string =>
  info.categories[category]?.[lang] ?? category

/** Return the number (0 to 4) of the colour of a skill's category; -1 for no skill. */
export function colourOf(info: Info, name: string | null): number {
  const category = info.skills.find((skill) => skill.name === name)?.category
  return category === undefined ? -1 : categoriesOf(info).indexOf(category) % COLOURS
}

const folded = (text: string): string => text.normalize('NFKC').toLowerCase().replace(/[\s_-]+/g, ' ').trim()

/** Return the skills that fit a search, best first: the name begins so, contains it, or the text does. */
export function searchSkills(info: Info, wanted: string): Skill[] {
  const query = folded(wanted)
  if (!query) return info.skills
  const rank = (skill: Skill): number => {
    const names = [skill.name, ...Object.values(skill.names)].map(folded)
    if (names.some((name) => name.startsWith(query))) return 0
    if (names.some((name) => name.includes(query))) return 1
    const rest = [skill.category, ...Object.values(info.categories[skill.category] ?? {}), skill.definition]
    return rest.map(folded).some((text) => text.includes(query)) ? 2 : 3
  }
  const ranked = info.skills.map((skill) => ({ skill, rank: rank(skill) })).filter((each) => each.rank < 3)
  return ranked.sort((a, b) => a.rank - b.rank).map((each) => each.skill)
}
