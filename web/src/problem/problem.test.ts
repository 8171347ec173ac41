import { expect, test } from 'vitest'
import usualGerman from '../i18n/de.json'
import usualEnglish from '../i18n/en.json'
import { I18nStore } from '../i18n/i18n'
import moreGerman from '../i18n/more.de.json'
import moreEnglish from '../i18n/more.en.json'
import { fieldError, describe as say } from './problem'

const en = { ...usualEnglish, ...moreEnglish }
const de = { ...usualGerman, ...moreGerman }

const { t } = new I18nStore(async () => de, 'en', en).getSnapshot()

test('a known code speaks the language of the person', () => {
  expect(say(t, { code: 'meeting.unknown', detail: 'No such meeting.' })).toContain('The link is wrong')
})

test('an unknown code falls back to the server, and then to the general text', () => {
  expect(say(t, { code: 'new.code', detail: 'Something new.' })).toBe('Something new.')
  expect(say(t, { code: 'new.code' })).toBe(en['error.internal'])
})

test('a device error names the device and never shows its bare kind', () => {
  expect(say(t, { code: 'device.not_found', detail: 'camera' })).toContain('No camera')
  expect(say(t, { code: 'device.new', detail: 'camera' })).toBe(en['error.internal'])
})

test('a field has its own error', () => {
  const trouble = { code: 'title.empty', fields: { title: 'title.empty' } }
  expect(fieldError(t, trouble, 'title')).toBe(en['error.title.empty'])
  expect(fieldError(t, trouble, 'name')).toBeUndefined()
})

/** The codes of docs/protocol.md, of the engine and of the REST interface that a person can meet. */
const codes = [
  'network.denied',
  'machine.unknown',
  'machine.name_invalid',
  'machine.expiry_invalid',
  'machine.networks_invalid',
  'machine.too_many',
  'machine.overlap_invalid',
  'scope.invalid',
  'scope.conflict',
  'scope.beyond',
  'internal',
  'server.unavailable',
  'rate.limited',
  'chat.empty',
  'chat.too_long',
  'command.unknown',
  'access.denied',
  'access.signin_required',
  'conference.ended',
  'conference.full',
  'participant.removed',
  'participant.signed_out',
  'participant.left',
  'session.replaced',
  'session.unknown',
  'session.invalid',
  'client.too_slow',
  'client.too_many',
  'protocol.malformed',
  'protocol.unknown_type',
  'protocol.out_of_order',
  'protocol.timeout',
  'ticket.unknown',
  'ticket.expired',
  'ticket.used',
  'ticket.foreign',
  'ticket.revoked',
  'device.permission_denied',
  'device.not_found',
  'device.in_use',
  'device.unsupported',
  'connection.lost',
  'media.failed',
  'auth.failed',
  'auth.locked',
  'auth.provider_refused',
  'auth.provider_stays',
  'auth.farewell_refused',
  'auth.provider_unavailable',
  'auth.provider_unknown',
  'auth.provider_gone',
  'auth.no_role',
  'auth.role_conflict',
  'auth.address_missing',
  'auth.address_taken',
  'password.elsewhere',
  'setup.invalid',
  'unlock.invalid',
  'setup.done',
  'meeting.unknown',
  'meeting.no_guests',
  'end.unanswered',
  'part.missing',
  'language.away',
  'conference.running',
  'conference.unknown',
  'journal.corrupt',
  'journal.full',
  'journal.sound',
]

test.each(codes)('%s has a text', code => {
  expect(Object.keys(en)).toContain(`error.${code}`)
})
