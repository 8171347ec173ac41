// @vitest-environment node
import { expect, test } from 'vitest'
import type { AuditEntry, User } from '../../api/client'
import german from '../../i18n/audit.de.json'
import english from '../../i18n/audit.en.json'
import { I18nStore } from '../../i18n/i18n'
import moreEnglish from '../../i18n/more.en.json'
import { endOf, fileName } from './ExportPanel'
import { saysTheSame } from './same'
import type { Report } from './verify/verify'
import { ago, detailsInWords, sentence, topics } from './words'

const { t } = new I18nStore(async () => ({}), 'en', { ...english, ...moreEnglish }).getSnapshot()
const anna = { id: 'u1', name: 'Anna Amtmann' } as User
const users = new Map([[anna.id, anna]])

const disabled: AuditEntry = {
  index: 7,
  state: 'whole',
  at: '2026-11-22T10:00:00.000Z',
  category: 'security',
  id: 'x',
  kind: 'user.disabled',
  outcome: 'success',
  actorKind: 'system',
  actorId: 'command-line',
  objectKind: 'user',
  objectId: 'u1',
  details: { sessionsEnded: 2 },
}

test('an entry is a sentence with names, and its details have words', () => {
  expect(sentence(t, disabled, users)).toBe("The server's command line disabled the account “Anna Amtmann”.")
  expect(sentence(t, { ...disabled, objectId: 'u2' }, users)).toContain('An account that is there no more')
  expect(sentence(t, { ...disabled, kind: 'backup.made', outcome: 'failure' }, users)).toBe(
    'A backup could not be made.',
  )
  expect(detailsInWords(t, 'en', disabled, users)).toEqual([['Sign-ins ended', '2']])
  const roles = {
    kind: 'roles.assigned',
    details: { before: [], after: ['auditor'], source: '192.0.2.0/24', rejoin: true },
  }
  expect(detailsInWords(t, 'en', roles, users)).toEqual([
    ['Before', 'none'],
    ['After', 'Auditor'],
    ['Network', '192.0.2.…'],
    ['Takes the place of an earlier connection', 'Yes'],
  ])
})

test('every kind that can be looked for is a sentence in both languages', () => {
  for (const kind of topics.flatMap(([, kinds]) => kinds)) {
    for (const texts of [german, english] as readonly Record<string, string>[]) {
      expect(texts[`audit.did.${kind}`], kind).toMatch(/\.$/)
      expect(texts[`audit.kind.${kind}`], kind).toBeTruthy()
    }
  }
})

test('how long ago it was', () => {
  const now = Date.parse('2026-11-22T10:00:00Z')
  expect(ago('en', now - 30_000, now)).toBe('30 seconds ago')
  expect(ago('en', now - 3 * 60_000, now)).toBe('3 minutes ago')
  expect(ago('de', now - 26 * 3_600_000, now)).toBe('gestern')
})

test('a file of an export is named as the server names it, and one that was cut off is refused', () => {
  expect(fileName(0, 10_003)).toBe('audit-000000000000000-000000000010003.ndjson')
  expect(endOf('{"type":"segment"}\n{"type":"end","size":3}\n')).toBe(3)
  expect(() => endOf('{"type":"segment"}\n')).toThrow()
})

const verifiedDisabled: Report = {
  verdict: 'intact',
  steps: [
    { check: 'content', state: 'good', reason: 'fits' },
    { check: 'personal', state: 'good', reason: 'opened' },
  ],
  body: { ...disabled, version: 1, keys: ['k'], actorUser: '', reportedBy: '' } as unknown as NonNullable<
    Report['body']
  >,
  leaf: { at: Date.parse(disabled.at ?? ''), category: 'security', body: '', personal: ['p'], version: 1 },
}

function contentOf(shown: AuditEntry, report: Report): string {
  const said = saysTheSame(shown, report)
  return `${said.verdict}: ${said.steps.find(each => each.check === 'content')?.reason}`
}

test('a list that shows something else than what was verified is found out, in every member', () => {
  expect(saysTheSame(disabled, verifiedDisabled)).toBe(verifiedDisabled)
  const others: Readonly<Required<Omit<AuditEntry, 'index'>>> = {
    state: 'erased',
    at: '2026-11-22T10:00:00.001Z',
    category: 'log',
    id: 'y',
    kind: 'user.enabled',
    outcome: 'failure',
    actorKind: 'account',
    actorId: 'scim',
    actorUser: 'u2',
    objectKind: 'meeting',
    objectId: 'u2',
    reportedBy: 'c1',
    details: { sessionsEnded: 2, more: { a: [1] } },
  }
  for (const [name, other] of Object.entries(others)) {
    expect(contentOf({ ...disabled, [name]: other }, verifiedDisabled), name).toBe('broken: shown')
    const { [name as 'id']: _, ...without } = disabled
    if (name in disabled) expect(contentOf(without as AuditEntry, verifiedDisabled), name).toBe('broken: shown')
  }
  for (const state of ['removed', 'damaged', 'newer'] as const) {
    expect(contentOf({ ...disabled, state }, verifiedDisabled)).toBe('broken: shown')
  }
})

test('a list that showed what is erased by now is not said to be right', () => {
  const { body } = verifiedDisabled
  const erased: Report = {
    ...verifiedDisabled,
    steps: verifiedDisabled.steps.map(each => (each.check === 'personal' ? { ...each, state: 'none' } : each)),
    body: body && { ...body, objectId: '', details: {} },
  }
  const rest: AuditEntry = { ...disabled, state: 'erased', objectId: '', details: {} }
  expect(saysTheSame(rest, erased)).toBe(erased)
  expect(contentOf(disabled, erased)).toBe('unknown: more')
  expect(contentOf({ ...rest, objectId: 'u2' }, erased)).toBe('unknown: more')
  expect(contentOf({ ...rest, kind: 'user.enabled' }, erased)).toBe('broken: shown')
  expect(contentOf({ ...disabled, kind: 'user.enabled' }, erased)).toBe('broken: shown')
})

test('of a removed entry, the list shows its leaf and nothing else', () => {
  const { body: _, ...report } = verifiedDisabled
  const removed: Report = {
    ...report,
    verdict: 'unknown',
    steps: [{ check: 'content', state: 'unknown', reason: 'removed' }],
  }
  const { index, at = '', category = '' } = disabled
  expect(contentOf({ index, at, category, state: 'removed' }, removed)).toBe('unknown: removed')
  expect(contentOf({ ...disabled, state: 'removed' }, removed)).toBe('broken: shown')
  expect(contentOf({ index, at, category: 'log', state: 'removed' }, removed)).toBe('broken: shown')
  expect(contentOf(disabled, removed)).toBe('unknown: removed') // since
})
