import type { AuditEntry } from '../../api/client'
import type { Report } from './verify/verify'

/** The report, and in it that the list had shown something else than what was verified, if so. */
export function saysTheSame(shown: AuditEntry, report: Report): Report {
  const { body, leaf } = report
  if (report.verdict === 'broken' || shown.state !== 'whole' || !body || !leaf) return report
  if (report.steps.some(each => each.check === 'personal' && each.state !== 'good')) return report // erased since
  const names = [
    'id',
    'kind',
    'outcome',
    'actorKind',
    'actorId',
    'actorUser',
    'objectKind',
    'objectId',
    'reportedBy',
  ] as const
  const same =
    names.every(name => (shown[name] ?? '') === body[name]) &&
    Date.parse(shown.at ?? '') === leaf.at &&
    shown.category === leaf.category &&
    (body.kind === 'log.pruned' || ordered(shown.details ?? {}) === ordered(body.details))
  if (same) return report
  const steps = report.steps.map(each =>
    each.check === 'content' ? ({ check: 'content', state: 'bad', reason: 'shown' } as const) : each,
  )
  return { ...report, verdict: 'broken', steps }
}

function ordered(details: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.entries(details).sort(([one], [other]) => (one < other ? -1 : 1)))
}
