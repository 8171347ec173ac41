import type { Trouble } from '../../problem/problem'

const code = /^[a-z]{1,30}(\.[a-z_]{1,40})?$/
const id = /^[\w-]{1,64}$/

/** What the server says in the address when it leads back here: a code, never a text, so that a link can put no words on the page. */
export function troubleInAddress(search: string): Trouble | undefined {
  const told = new URLSearchParams(search)
  const problem = told.get('problem') ?? ''
  const number = told.get('id') ?? ''
  if (!code.test(problem)) return undefined
  return { code: problem, id: id.test(number) ? number : undefined }
}
