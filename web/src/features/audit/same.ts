import type { AuditEntry } from '../../api/client'
import type { Body, Leaf } from './verify/record'
import type { Report, Step } from './verify/verify'

/** What was verified: the leaf, the body where it could be read, and whether every sealed part of it was opened. */
interface Verified {
  readonly leaf: Leaf
  readonly body: Body | undefined
  readonly opened: boolean
}

/** `more`: the list showed what cannot be read any more; it may have been erased or removed since. */
type Sameness = 'same' | 'more' | 'other'
type Comparison = (shown: AuditEntry, verified: Verified) => Sameness

/** The report, and in it that the list had shown something else than what was verified, or more, if so. */
export function saysTheSame(shown: AuditEntry, report: Report): Report {
  const { leaf, body } = report
  if (report.verdict === 'broken' || !leaf) return report
  const opened = report.steps.every(each => each.check !== 'personal' || each.state === 'good')
  const found = Object.values(comparisons).map(each => each(shown, { leaf, body, opened }))
  if (found.includes('other')) return { ...withContent(report, 'bad', 'shown'), verdict: 'broken' }
  return found.includes('more') && body ? { ...withContent(report, 'unknown', 'more'), verdict: 'unknown' } : report
}

function withContent(report: Report, state: Step['state'], reason: string): Report {
  const steps = report.steps.map(each => (each.check === 'content' ? { ...each, state, reason } : each))
  return { ...report, steps }
}

/** Compares each member of what the list shows with what was verified. */
const comparisons: Readonly<Record<keyof AuditEntry, Comparison>> = {
  index: () => 'same', // by it the entry was asked for, and its proof is for this place
  state: ({ state }, { body, opened }) => {
    if (!body) return state === 'damaged' ? 'other' : 'same' // that it was removed is said already
    const now = opened ? 'whole' : 'erased'
    return state === now ? 'same' : state === 'whole' ? 'more' : 'other'
  },
  at: ({ at }, { leaf }) => either(Date.parse(at ?? '') === leaf.at),
  category: ({ category }, { leaf }) => either(category === leaf.category),
  id: text('id'),
  kind: text('kind'),
  outcome: text('outcome'),
  actorKind: text('actorKind'),
  actorId: text('actorId'),
  actorUser: text('actorUser'),
  objectKind: text('objectKind'),
  objectId: text('objectId'),
  reportedBy: text('reportedBy'),
  details: (shown, verified) => {
    const [said, now] = [shown.details ?? {}, verified.body?.details ?? {}]
    if (alike(said, now)) return 'same'
    return Object.entries(now).every(([name, value]) => alike(said[name], value)) ? more(shown, verified) : 'other'
  },
}

function text(name: Exclude<keyof AuditEntry & keyof Body, 'details'>): Comparison {
  return (shown, verified) => {
    const [said, now] = [shown[name] ?? '', verified.body?.[name] ?? '']
    if (said === now) return 'same'
    return now === '' ? more(shown, verified) : 'other'
  }
}

const either = (same: boolean): Sameness => (same ? 'same' : 'other')

/** What it comes to that more was shown than can be read now. */
function more({ state }: AuditEntry, { body, opened }: Verified): Sameness {
  if (!body) return state === 'whole' || state === 'erased' ? 'more' : 'other'
  return opened ? 'other' : 'more'
}

/** Whether two values of JSON are the same, in whatever order their members stand. */
function alike(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object' || !one || !other) return one === other
  const names = Object.keys(one)
  const member = (of: object, name: string) => (of as Readonly<Record<string, unknown>>)[name]
  return (
    Array.isArray(one) === Array.isArray(other) &&
    names.length === Object.keys(other).length &&
    names.every(name => Object.hasOwn(other, name) && alike(member(one, name), member(other, name)))
  )
}
