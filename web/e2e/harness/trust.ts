import { execFileSync } from 'node:child_process'

/** Makes a certificate store of NSS in a folder that is there, and has it trust a CA (PEM). */
export function trustIn(folder: string, authority: string): void {
  const store = ['-d', `sql:${folder}`]
  execFileSync('certutil', [...store, '-N', '--empty-password'])
  execFileSync('certutil', [...store, '-A', '-t', 'C,,', '-n', 'konklave', '-i', authority])
}
