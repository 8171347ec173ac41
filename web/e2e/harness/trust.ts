import { execFileSync } from 'node:child_process'
import { test } from '@playwright/test'

/** Makes a certificate store of NSS in a folder that is there, and has it trust a CA (PEM). */
export function trustIn(folder: string, authority: string): void {
  const store = ['-d', `sql:${folder}`]
  execFileSync('certutil', [...store, '-N', '--empty-password'])
  execFileSync('certutil', [...store, '-A', '-t', 'C,,', '-n', 'konklave', '-i', authority])
}

/** For a file of tests whose browsers check certificates: what the tests themselves ask of the server goes unchecked. */
export function askUnchecked(): void {
  const strict = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  test.beforeAll(() => {
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  })
  test.afterAll(() => {
    if (strict === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = strict
  })
}
