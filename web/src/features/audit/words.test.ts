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

test('a list that shows something else than what was verified is found out', () => {
  const body = { ...disabled, version: 1, keys: [], actorUser: '', reportedBy: '' } as unknown as NonNullable<
    Report['body']
  >
  const leaf = { at: Date.parse(disabled.at ?? ''), category: 'security', body: '', personal: [], version: 1 }
  const report: Report = { verdict: 'intact', steps: [{ check: 'content', state: 'good', reason: 'fits' }], body, leaf }
  expect(saysTheSame(disabled, report)).toBe(report)
  for (const shown of [
    { kind: 'user.enabled' },
    { objectId: 'u2' },
    { details: {} },
    { at: '2026-11-22T10:00:00.001Z' },
  ]) {
    expect(saysTheSame({ ...disabled, ...shown }, report)).toMatchObject({
      verdict: 'broken',
      steps: [{ check: 'content', state: 'bad', reason: 'shown' }],
    })
  }
})
